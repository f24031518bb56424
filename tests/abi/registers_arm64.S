/* SPDX-License-Identifier: MIT */
/* See registers.c. struct registers: x0..x30 at 8 * n, a spare word, then q0..q31 at 256. */
	.text

.macro save_callee
	sub	sp, sp, #192
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	x29, x30, [sp, #96]
	stp	d8, d9, [sp, #112]
	stp	d10, d11, [sp, #128]
	stp	d12, d13, [sp, #144]
	stp	d14, d15, [sp, #160]
	str	x18, [sp, #176]
.endm

.macro restore_callee
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp, #96]
	ldp	d8, d9, [sp, #112]
	ldp	d10, d11, [sp, #128]
	ldp	d12, d13, [sp, #144]
	ldp	d14, d15, [sp, #160]
	ldr	x18, [sp, #176]
	add	sp, sp, #192
.endm

/* x0 is the base of both; loading it comes last. */
.macro load_all
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ldr	q\n, [x0, #256 + 16 * \n]
	.endr
	.irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	ldr	q\n, [x0, #256 + 16 * \n]
	.endr
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ldr	x\n, [x0, #8 * \n]
	.endr
	.irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	ldr	x\n, [x0, #8 * \n]
	.endr
	ldr	x0, [x0]
.endm

/* x0 was put on the stack at 8. */
.macro store_all
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	str	q\n, [x0, #256 + 16 * \n]
	.endr
	.irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	str	q\n, [x0, #256 + 16 * \n]
	.endr
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	str	x\n, [x0, #8 * \n]
	.endr
	.irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
	str	x\n, [x0, #8 * \n]
	.endr
	ldr	x1, [sp, #8]
	str	x1, [x0]
.endm

	.globl	registers_syscall
	.type	registers_syscall, %function
registers_syscall:
	save_callee
	str	x1, [sp]
	load_all
	svc	#0
	str	x0, [sp, #8]
	ldr	x0, [sp]
	store_all
	restore_callee
	ret
	.size	registers_syscall, . - registers_syscall

/* x9 counts, and is put back from the pattern before all is stored. */
	.globl	registers_spin
	.type	registers_spin, %function
registers_spin:
	save_callee
	str	x1, [sp]
	ldr	x3, [x0, #72]
	str	x3, [sp, #184]
	str	x2, [sp, #8]
	load_all
	ldr	x9, [sp, #8]
1:	sub	x9, x9, #1
	cbnz	x9, 1b
	ldr	x9, [sp, #184]
	str	x0, [sp, #8]
	ldr	x0, [sp]
	store_all
	restore_callee
	ret
	.size	registers_spin, . - registers_spin

	.section .note.GNU-stack, "", %progbits
