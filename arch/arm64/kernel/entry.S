/* SPDX-License-Identifier: MIT */
/*
 * The exception vectors, the way back, and the thread switch.
 *
 * From user mode, SP_EL1 is the top of the thread's kernel stack, so the frame
 * (struct regs) always lies at the same place there. TPIDR_EL1 is the running
 * thread. System calls take the shortest way: save all, call, test the work word, restore all.
 *
 * From kernel mode, SP is checked against the thread's stack before anything is
 * stored: an overflow has run into the guard page, and storing there again would fault
 * for ever. TPIDRRO_EL0, which user mode sees as 0, lends the one register that this needs.
 */
#include <arch_impl/asm.h>
#include <arch_impl/sysreg.h>
#include <generated/asm-offsets.h>

	.arch_extension fp
	.arch_extension simd

	.macro	save_x0_x29 from=0
	.if	\from == 0
	stp	x0, x1, [sp, #0]
	.endif
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	.endm

	.macro	load_x0_x29
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	.endm

/* The rest of the frame, after x0-x29: x20 pc, x21 pstate on exit. */
	.macro	save_user_rest
	mrs	x19, sp_el0
	mrs	x20, elr_el1
	mrs	x21, spsr_el1
	stp	x30, x19, [sp, #REGS_LR]
	stp	x20, x21, [sp, #REGS_PC]
	.endm

/* \base: struct arm64_fpsimd; two scratch registers. */
	.macro	fp_save base, a, b
	stp	q0, q1, [\base, #0]
	stp	q2, q3, [\base, #32]
	stp	q4, q5, [\base, #64]
	stp	q6, q7, [\base, #96]
	stp	q8, q9, [\base, #128]
	stp	q10, q11, [\base, #160]
	stp	q12, q13, [\base, #192]
	stp	q14, q15, [\base, #224]
	stp	q16, q17, [\base, #256]
	stp	q18, q19, [\base, #288]
	stp	q20, q21, [\base, #320]
	stp	q22, q23, [\base, #352]
	stp	q24, q25, [\base, #384]
	stp	q26, q27, [\base, #416]
	stp	q28, q29, [\base, #448]
	stp	q30, q31, [\base, #480]
	mrs	x\a, fpsr
	mrs	x\b, fpcr
	add	\base, \base, #FPSIMD_FPSR
	stp	w\a, w\b, [\base]
	.endm

	.macro	fp_load base, a, b
	ldp	q0, q1, [\base, #0]
	ldp	q2, q3, [\base, #32]
	ldp	q4, q5, [\base, #64]
	ldp	q6, q7, [\base, #96]
	ldp	q8, q9, [\base, #128]
	ldp	q10, q11, [\base, #160]
	ldp	q12, q13, [\base, #192]
	ldp	q14, q15, [\base, #224]
	ldp	q16, q17, [\base, #256]
	ldp	q18, q19, [\base, #288]
	ldp	q20, q21, [\base, #320]
	ldp	q22, q23, [\base, #352]
	ldp	q24, q25, [\base, #384]
	ldp	q26, q27, [\base, #416]
	ldp	q28, q29, [\base, #448]
	ldp	q30, q31, [\base, #480]
	add	\base, \base, #FPSIMD_FPSR
	ldp	w\a, w\b, [\base]
	msr	fpsr, x\a
	msr	fpcr, x\b
	.endm

	.macro	vector label
	.p2align 7
	b	\label
	.endm

/* A frame on the kernel stack for an exception from EL1. Leaves x20 pc, x21 pstate. */
	.macro	kernel_entry
	sub	sp, sp, #REGS_SIZE
	msr	tpidrro_el0, x0
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #THREAD_STACK]
	sub	x0, sp, x0
	lsr	x0, x0, #ASM_THREAD_STACK_SHIFT
	cbnz	x0, bad_stack
	mrs	x0, tpidrro_el0
	msr	tpidrro_el0, xzr
	save_x0_x29
	add	x19, sp, #REGS_SIZE
	mrs	x20, elr_el1
	mrs	x21, spsr_el1
	mov	x22, #-1
	stp	x30, x19, [sp, #REGS_LR]
	stp	x20, x21, [sp, #REGS_PC]
	stp	x0, x22, [sp, #REGS_ORIG_X0]
	.endm

	.text
	.p2align 11
	.globl	vectors
vectors:
	vector	invalid_el1			/* EL1 with SP_EL0: never used */
	vector	invalid_el1
	vector	invalid_el1
	vector	invalid_el1
	vector	el1_sync
	vector	el1_irq
	vector	invalid_el1			/* FIQ: nothing is routed there */
	vector	el1_serror

	.p2align 7				/* EL0, AArch64: synchronous */
	sub	sp, sp, #REGS_SIZE
	save_x0_x29
	save_user_rest
	mrs	x22, esr_el1
	lsr	x23, x22, #ESR_EC_SHIFT
	cmp	x23, #EC_SVC64
	b.ne	el0_fault
	stp	x0, x8, [sp, #REGS_ORIG_X0]
	msr	daifclr, #6
	mov	x0, sp
	bl	syscall_upcall
	str	x0, [sp]			/* x[0] */
	b	ret_to_user

	vector	el0_irq
	vector	el0_invalid
	vector	el0_serror
	vector	el0_aarch32
	vector	el0_aarch32
	vector	el0_aarch32
	vector	el0_serror32

/* Thread switched to for the first time: x19 entry, x20 argument. */
FUNC(arm64_thread_trampoline)
	mov	x0, x19
	mov	x1, x20
	bl	thread_start
/*
 * SErrors are masked too from here to ERET: one in between would put its own return into ELR and
 * SPSR.
 */
ret_to_user:
	msr	daifset, #6
	mrs	x1, tpidr_el1
	ldr	w2, [x1, #THREAD_WORK]
	tst	w2, #ASM_WORK_EXIT_BITS
	b.ne	user_work
restore_user:
	ldp	x30, x19, [sp, #REGS_LR]
	ldp	x20, x21, [sp, #REGS_PC]
	msr	sp_el0, x19
	msr	elr_el1, x20
	msr	spsr_el1, x21
	load_x0_x29
	add	sp, sp, #REGS_SIZE
	eret
user_work:
	mov	x0, sp
	bl	exit_to_user_upcall
	msr	daifset, #6
	b	restore_user
END(arm64_thread_trampoline)

/* A user exception that is no system call: x22 = ESR. */
el0_fault:
	mov	x19, #-1
	str	x19, [sp, #REGS_SYSCALL]
	mrs	x2, far_el1
	msr	daifclr, #6
	mov	x0, sp
	mov	x1, x22
	bl	arm64_user_fault
	b	ret_to_user

	.macro	el0_entry
	sub	sp, sp, #REGS_SIZE
	save_x0_x29
	save_user_rest
	mov	x19, #-1
	str	x19, [sp, #REGS_SYSCALL]
	.endm

el0_irq:
	el0_entry
	mov	x0, sp
	bl	arm64_interrupt
	b	ret_to_user

el0_aarch32:
	el0_entry
	msr	daifclr, #6
	mov	x0, sp
	bl	arm64_user_aarch32
	b	ret_to_user

el0_serror:
el0_serror32:
	el0_entry
	mov	x0, sp
	mrs	x1, esr_el1
	bl	arm64_serror
	b	ret_to_user

el0_invalid:
	el0_entry
	mov	x0, sp
	mrs	x1, esr_el1
	bl	arm64_invalid
	b	.

el1_irq:
	kernel_entry
	mov	x0, sp
	bl	arm64_interrupt
restore_kernel:
	msr	daifset, #6
	ldr	x30, [sp, #REGS_LR]
	ldp	x20, x21, [sp, #REGS_PC]
	msr	elr_el1, x20
	msr	spsr_el1, x21
	load_x0_x29
	add	sp, sp, #REGS_SIZE
	eret

/* x21 = interrupted PSTATE: the handler gets interrupts as they were. */
el1_sync:
	kernel_entry
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, far_el1
	tbnz	x21, #7, 1f
	msr	daifclr, #2
1:	bl	arm64_kernel_fault
	b	restore_kernel

el1_serror:
	kernel_entry
	mov	x0, sp
	mrs	x1, esr_el1
	bl	arm64_serror
	b	restore_kernel

invalid_el1:
	kernel_entry
	mov	x0, sp
	mrs	x1, esr_el1
	bl	arm64_invalid
	b	.

/* SP is outside the thread's stack. User TLS is lost: nobody returns from here. */
bad_stack:
	mov	x0, sp
	msr	tpidr_el0, x0
	adrp	x0, emergency_stack_top
	add	x0, x0, #:lo12:emergency_stack_top
	sub	sp, x0, #REGS_SIZE
	mrs	x0, tpidrro_el0
	save_x0_x29
	mrs	x19, tpidr_el0
	add	x19, x19, #REGS_SIZE
	mrs	x20, elr_el1
	mrs	x21, spsr_el1
	stp	x30, x19, [sp, #REGS_LR]
	stp	x20, x21, [sp, #REGS_PC]
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, far_el1
	bl	arm64_bad_stack
	b	.

/* struct thread *arch_switch(prev, next): what C expects saved, user state, and the stack. */
FUNC(arch_switch)
	stp	x19, x20, [x0, #THREAD_CONTEXT + 0]
	stp	x21, x22, [x0, #THREAD_CONTEXT + 16]
	stp	x23, x24, [x0, #THREAD_CONTEXT + 32]
	.if	THREAD_CONTEXT + 80 > 504
	.error	"struct arch_thread: the context is out of reach of stp"
	.endif
	stp	x25, x26, [x0, #THREAD_CONTEXT + 48]
	stp	x27, x28, [x0, #THREAD_CONTEXT + 64]
	stp	x29, x30, [x0, #THREAD_CONTEXT + 80]
	mov	x3, sp
	str	x3, [x0, #THREAD_SP]
	ldr	x4, [x0, #THREAD_FLAGS]
	ldr	x5, [x1, #THREAD_FLAGS]
	tbz	x4, #0, 1f			/* ARM64_USER */
	mrs	x6, tpidr_el0
	str	x6, [x0, #THREAD_TLS]
	add	x7, x0, #THREAD_FP
	fp_save	x7, 6, 8
1:	tbz	x5, #0, 2f
	ldr	x6, [x1, #THREAD_TLS]
	msr	tpidr_el0, x6
	add	x7, x1, #THREAD_FP
	fp_load	x7, 6, 8
2:	orr	x4, x4, x5
	tst	x4, #6				/* ARM64_STEP, ARM64_DEBUG */
	b.ne	4f
3:	ldr	x6, [x0, #THREAD_PERCPU]
	str	x6, [x1, #THREAD_PERCPU]
	msr	tpidr_el1, x1
	ldp	x19, x20, [x1, #THREAD_CONTEXT + 0]
	ldp	x21, x22, [x1, #THREAD_CONTEXT + 16]
	ldp	x23, x24, [x1, #THREAD_CONTEXT + 32]
	ldp	x25, x26, [x1, #THREAD_CONTEXT + 48]
	ldp	x27, x28, [x1, #THREAD_CONTEXT + 64]
	ldp	x29, x30, [x1, #THREAD_CONTEXT + 80]
	ldr	x3, [x1, #THREAD_SP]
	mov	sp, x3
	ret
4:	stp	x0, x1, [sp, #-16]!		/* what C preserves is saved already */
	bl	arm64_debug_switch
	ldp	x0, x1, [sp], #16
	b	3b
END(arch_switch)

/*
 * The live FP/SIMD registers to and from struct arm64_fpsimd. Interrupts masked, or the thread's
 * own area.
 */
FUNC(arm64_fp_save)
	fp_save	x0, 1, 2
	ret
END(arm64_fp_save)

FUNC(arm64_fp_load)
	fp_load	x0, 1, 2
	ret
END(arm64_fp_load)

	.section .bss
	.p2align 4
	.skip	8192
emergency_stack_top:
