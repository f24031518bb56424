/* SPDX-License-Identifier: MIT */
/*
 * A boot loader of four instructions: enters the Image at IMAGE with x0 = DTB, as firmware would.
 */
	.globl	_start
_start:
	ldr	x0, =DTB
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	ldr	x4, =IMAGE
	br	x4
	.ltorg
