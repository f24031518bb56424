/* SPDX-License-Identifier: MIT */
/* The vDSO as bytes, on pages of its own, for mapping into programs. */
	.section .vdso_image, "a"
	.balign	4096
	.globl	vdso_image_start, vdso_image_end
vdso_image_start:
	.incbin	VDSO_SO
	.balign	4096
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
