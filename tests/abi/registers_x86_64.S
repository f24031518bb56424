/* SPDX-License-Identifier: MIT */
/*
 * See registers.c. struct registers: rax rbx rcx rdx rsi rdi rbp - r8..r15 at 8 * n, then xmm0..15.
 * Slot 7 (the stack pointer's) is not touched.
 */
	.text

.macro xmm_all op, base
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	.ifc \op, load
	movdqu	128 + 16 * \n(\base), %xmm\n
	.else
	movdqu	%xmm\n, 128 + 16 * \n(\base)
	.endif
	.endr
.endm

.macro save_callee
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
.endm

.macro restore_callee
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
.endm

/* All but rdi, the base. */
.macro load_general
	mov	0(%rdi), %rax
	mov	8(%rdi), %rbx
	mov	16(%rdi), %rcx
	mov	24(%rdi), %rdx
	mov	32(%rdi), %rsi
	mov	48(%rdi), %rbp
	mov	64(%rdi), %r8
	mov	72(%rdi), %r9
	mov	80(%rdi), %r10
	mov	88(%rdi), %r11
	mov	96(%rdi), %r12
	mov	104(%rdi), %r13
	mov	112(%rdi), %r14
	mov	120(%rdi), %r15
.endm

	.globl	registers_syscall
	.type	registers_syscall, @function
registers_syscall:
	save_callee
	push	%rsi
	xmm_all	load, %rdi
	load_general
	mov	40(%rdi), %rdi
	syscall
	mov	(%rsp), %rcx		/* given away by the call: free to use */
	mov	%rax, 0(%rcx)
	mov	%rbx, 8(%rcx)
	mov	%rdx, 24(%rcx)
	mov	%rsi, 32(%rcx)
	mov	%rdi, 40(%rcx)
	mov	%rbp, 48(%rcx)
	mov	%r8, 64(%rcx)
	mov	%r9, 72(%rcx)
	mov	%r10, 80(%rcx)
	mov	%r12, 96(%rcx)
	mov	%r13, 104(%rcx)
	mov	%r14, 112(%rcx)
	mov	%r15, 120(%rcx)
	xmm_all	store, %rcx
	pop	%rsi
	restore_callee
	ret
	.size	registers_syscall, . - registers_syscall

/* The count is kept on the stack, so that every register holds its pattern. */
	.globl	registers_spin
	.type	registers_spin, @function
registers_spin:
	save_callee
	push	%rsi
	push	%rdx
	xmm_all	load, %rdi
	load_general
	mov	40(%rdi), %rdi
1:	decq	(%rsp)
	jnz	1b
	push	%rcx
	mov	16(%rsp), %rcx
	mov	%rax, 0(%rcx)
	mov	%rbx, 8(%rcx)
	mov	%rdx, 24(%rcx)
	mov	%rsi, 32(%rcx)
	mov	%rdi, 40(%rcx)
	mov	%rbp, 48(%rcx)
	mov	%r8, 64(%rcx)
	mov	%r9, 72(%rcx)
	mov	%r10, 80(%rcx)
	mov	%r11, 88(%rcx)
	mov	%r12, 96(%rcx)
	mov	%r13, 104(%rcx)
	mov	%r14, 112(%rcx)
	mov	%r15, 120(%rcx)
	xmm_all	store, %rcx
	pop	%rax
	mov	%rax, 16(%rcx)
	add	$16, %rsp
	restore_callee
	ret
	.size	registers_spin, . - registers_spin

	.section .note.GNU-stack, "", @progbits
