/* SPDX-License-Identifier: MIT */
/*
 * All ways into the kernel and back to user mode.
 *
 * The problem: GS base says which per-CPU area is ours, and only the entry code knows whether it
 * is still the user's.
 *
 * I1  In C code GS base is this CPU's per-CPU offset and KERNEL_GS_BASE holds the user's GS base.
 * I2  Entries by SYSCALL, and by exception or interrupt with CPL 3 in the saved CS, exchange the
 *     two (SWAPGS) before the first per-CPU access and back after the last one, with interrupts
 *     masked.
 * I3  NMI, double fault, machine check and, in kernel mode, the debug exception may hit between
 *     such an exchange and the change of CS; they take GS base from the top of their own stack and
 *     put back what they found.
 * I4  A frame is struct regs, complete at every entry.  Exits restore it completely, but the system
 *     call's fast exit, which relies on C having kept the callee-saved registers: it is taken only
 *     while no work is pending and orig_ax >= 0 (see <arch_impl/regs.h>).
 * I5  SYSRET with a non-canonical RCX faults in kernel mode with the user's stack on some CPUs.
 *     RCX is the address after a SYSCALL instruction, and no user page reaches the canonical limit
 *     (USER_TOP), so the fast exit's RCX is canonical; every changed frame leaves by IRET.
 */
#include <arch_impl/segment.h>
#include <arch_impl/vectors.h>
#include <generated/asm-offsets.h>

#define WORK_EXIT_BITS	0xff

/* NOP or CLAC, see <arch_impl/alternative.h>. */
.macro CLAC
661:	.byte	0x0f, 0x1f, 0x00
	.pushsection .alt_clac, "a"
	.long	661b - .
	.popsection
.endm

.macro PUSH_REGS ax=%rax
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	\ax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

.macro POP_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
.endm

	.text
	.balign	64
	.globl	x86_syscall_entry
	.type	x86_syscall_entry, @function
x86_syscall_entry:
	swapgs
	movq	%rsp, %gs:(x86_tss + TSS_SP2)
	movq	%gs:(x86_tss + TSS_SP0), %rsp
	pushq	$USER_DS
	pushq	%gs:(x86_tss + TSS_SP2)
	pushq	%r11
	pushq	$USER_CS
	pushq	%rcx
	movl	%eax, %eax			/* the number is 32 bits wide, as on Linux */
	pushq	%rax
	PUSH_REGS $-38				/* -ENOSYS until something better is known */
	movq	%rsp, %rdi
#ifdef CONFIG_FRAME_POINTER
	xorl	%ebp, %ebp
#endif
	sti
	call	syscall_upcall
	movq	%rax, REGS_AX(%rsp)
	cli
	movq	%gs:x86_current, %rcx
	testl	$WORK_EXIT_BITS, THREAD_WORK(%rcx)
	jnz	exit_with_work
	cmpq	$0, REGS_ORIG_AX(%rsp)
	jl	exit_by_iret
	movq	REGS_FLAGS(%rsp), %r11
	testl	$0x10100, %r11d			/* TF, RF: only IRET gets them right */
	jnz	exit_by_iret
#ifdef CONFIG_FRAME_POINTER
	movq	(REGS_BX - 8)(%rsp), %rbp
#endif
	movq	REGS_R10(%rsp), %r10
	movq	REGS_R9(%rsp), %r9
	movq	REGS_R8(%rsp), %r8
	movq	REGS_AX(%rsp), %rax
	movq	REGS_DX(%rsp), %rdx
	movq	REGS_SI(%rsp), %rsi
	movq	REGS_DI(%rsp), %rdi
	movq	REGS_IP(%rsp), %rcx
	movq	REGS_SP(%rsp), %rsp
	swapgs
	sysretq
	.size	x86_syscall_entry, . - x86_syscall_entry

	.type	x86_exit_to_user, @function
exit_with_work:
	movq	%rsp, %rdi
	call	exit_to_user_upcall
exit_by_iret:
	POP_REGS
	addq	$8, %rsp			/* orig_ax */
	swapgs
	.globl	x86_user_iret
x86_user_iret:
	iretq
	.pushsection .ex_table, "a"
	.balign	4
	.long	x86_user_iret - ., user_iret_failed - .
	.popsection

/*
 * IRET refused the user's frame (a bad selector from sigreturn or ptrace).  The exception's entry
 * exchanged GS, the extable brought us here; make the frame whole again and send SIGSEGV in user
 * mode's name.
 */
user_iret_failed:
	pushq	$-1
	PUSH_REGS
	movq	%rsp, %rdi
	sti
	call	x86_bad_user_frame
	cli
	jmp	x86_exit_to_user
	.globl	x86_exit_to_user
/* A thread leaves for user mode by its frame, which %rsp points to.  Interrupts masked. */
x86_exit_to_user:
	movq	%gs:x86_current, %rax
	testl	$WORK_EXIT_BITS, THREAD_WORK(%rax)
	jnz	exit_with_work
	jmp	exit_by_iret

/*
 * First instructions of a new thread: arch_thread_init() put entry and arg into callee-saved
 * registers.
 */
	.globl	x86_thread_entry
	.type	x86_thread_entry, @function
x86_thread_entry:
	movq	%rbx, %rdi
	movq	%r12, %rsi
	xorl	%ebp, %ebp
	call	thread_start
	cli
	jmp	x86_exit_to_user
	.size	x86_thread_entry, . - x86_thread_entry

/*
 * struct thread *x86_switch_stacks(struct thread *prev, struct thread *next)
 * Returns prev, on next's stack.
 */
	.globl	x86_switch_stacks
	.type	x86_switch_stacks, @function
x86_switch_stacks:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, THREAD_ARCH_SP(%rdi)
	movq	THREAD_ARCH_SP(%rsi), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	movq	%rdi, %rax
	ret
	.size	x86_switch_stacks, . - x86_switch_stacks

/* Interrupts: the stub pushed vector - 128. */
	.balign	16
	.type	interrupt_common, @function
interrupt_common:
	cld
	CLAC
	testb	$3, 16(%rsp)
	jz	1f
	swapgs
1:	PUSH_REGS
	movq	%rsp, %rdi
#ifdef CONFIG_FRAME_POINTER
	xorl	%ebp, %ebp
#endif
	call	x86_interrupt
	testb	$3, REGS_CS(%rsp)
	jnz	x86_exit_to_user
exit_to_kernel:
	POP_REGS
	addq	$8, %rsp
	iretq
	.size	interrupt_common, . - interrupt_common

/* Exceptions: the stub pushed an error code (or 0) and left the vector in the byte after it. */
	.balign	16
	.type	exception_common, @function
exception_common:				/* stack: vector, error, frame */
	cld
	CLAC
	testb	$3, 24(%rsp)
	jnz	1f
	cmpq	$x86_user_iret, 16(%rsp)	/* kernel mode, but with the user's GS */
	jne	2f
1:	swapgs
2:	xchgq	%rsi, (%rsp)			/* vector; the slot holds the user's rsi */
	pushq	%rdx				/* slots: rdx, rsi, error, frame */
	movq	16(%rsp), %rdx			/* error */
	movq	$-1, 16(%rsp)			/* orig_ax: no system call */
	/* Rebuild the order of struct regs: di, si, dx. */
	xchgq	%rdi, 8(%rsp)			/* slot 8: di, %rdi = user's rsi */
	xchgq	%rdi, (%rsp)			/* slot 0: si, %rdi = user's rdx */
	pushq	%rdi
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
#ifdef CONFIG_FRAME_POINTER
	xorl	%ebp, %ebp
#endif
	cmpl	$14, %esi
	jne	3f
	call	x86_page_fault
	jmp	4f
3:	call	x86_exception
4:	cli
	testb	$3, REGS_CS(%rsp)
	jnz	x86_exit_to_user
	jmp	exit_to_kernel
	.size	exception_common, . - exception_common

/*
 * A debug exception, on its own stack.  From user mode it goes on as others do, on the thread's:
 * the frame moves there.
 */
	.balign	16
	.type	debug_entry, @function
debug_entry:				/* stack: vector, error, frame */
	testb	$3, 24(%rsp)
	jz	paranoid_entry
	cld
	swapgs
	pushq	%rdi
	movq	%rsp, %rdi
	movq	%gs:(x86_tss + TSS_SP0), %rsp
	pushq	56(%rdi)		/* ss */
	pushq	48(%rdi)
	pushq	40(%rdi)
	pushq	32(%rdi)
	pushq	24(%rdi)		/* ip */
	pushq	16(%rdi)
	pushq	8(%rdi)			/* vector */
	movq	(%rdi), %rdi
	swapgs				/* exception_common does it again */
	jmp	exception_common
	.size	debug_entry, . - debug_entry

/* I3.  Stack: vector, error, frame; above the frame the word that descriptors.c put there. */
	.balign	16
	.type	paranoid_entry, @function
paranoid_entry:
	cld
	CLAC
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	120(%rsp), %r13			/* vector */
	movq	128(%rsp), %r14			/* error */
	movl	$0xc0000101, %ecx		/* GS base as it was */
	rdmsr
	shlq	$32, %rdx
	orq	%rdx, %rax
	movq	%rax, %r12
	movl	176(%rsp), %eax			/* ours, from the top of this stack */
	movl	180(%rsp), %edx
	wrmsr
	/*
	 * struct regs wants orig_ax where the error code is, and no vector: move the registers up a
	 * word.
	 */
	leaq	112(%rsp), %rsi
	leaq	120(%rsp), %rdi
	movl	$15, %ecx
	std
	rep movsq
	cld
	addq	$8, %rsp
	movq	$-1, REGS_ORIG_AX(%rsp)
	movq	%rsp, %rdi
	movq	%r13, %rsi
	movq	%r14, %rdx
	call	x86_paranoid_exception
	movl	$0xc0000101, %ecx
	movl	%r12d, %eax
	movq	%r12, %rdx
	shrq	$32, %rdx
	wrmsr
	jmp	exit_to_kernel			/* GS base is already right for either mode */
	.size	paranoid_entry, . - paranoid_entry

	.balign	16
	.globl	x86_exception_stubs
x86_exception_stubs:
vector = 0
.rept VECTOR_EXCEPTIONS
	.balign	16
0:
	/* 8, 10-14, 17, 21, 29, 30 push an error code themselves: the bits of the mask. */
	.if !((1 << vector) & 0x60227d00)
	pushq	$0
	.endif
	pushq	$vector
	.if (vector == 2) || (vector == 8) || (vector == 18)
	jmp	paranoid_entry
	.elseif vector == 1
	jmp	debug_entry
	.else
	jmp	exception_common
	.endif
	.org	0b + 16, 0xcc			/* an error here: the stub is too long */
vector = vector + 1
.endr

	.balign	16
	.globl	x86_interrupt_stubs
x86_interrupt_stubs:
vector = VECTOR_EXCEPTIONS
.rept 256 - VECTOR_EXCEPTIONS
	.balign	8
0:	pushq	$(vector - 128)			/* two bytes, and the jump at most five */
	jmp	interrupt_common
	.org	0b + 8, 0xcc
vector = vector + 1
.endr
	.section .note.GNU-stack, "", @progbits
