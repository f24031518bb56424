/* SPDX-License-Identifier: MIT */
/* The vDSO as bytes of the kernel image, on pages of its own. */
	.section .vdso_image, "a"
	.p2align 12
	.globl	vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin	VDSO_FILE
	.p2align 12
vdso_image_end:
