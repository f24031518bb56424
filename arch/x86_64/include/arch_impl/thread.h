/* SPDX-License-Identifier: MIT */
/*
 * A thread's CPU state while it does not run.
 */
#ifndef ARCH_IMPL_THREAD_H
#define ARCH_IMPL_THREAD_H

#include <lib/types.h>

struct thread;
struct regs;

/* Asserted in regs.c and thread.c against the structures that are not visible here. */
#define X86_THREAD_ARCH_OFFSET	16
#define X86_THREAD_STACK_SIZE	16384
#define X86_REGS_SIZE		168

struct arch_thread {
	uint64_t sp;			/* kernel stack pointer while switched out */
	void *fpu;			/* XSAVE or FXSAVE area; NULL: kernel thread */
	uint64_t fs_base, gs_base;	/* the user's; live in registers while it runs */
	struct x86_debug *debug;	/* NULL: never used debug registers */
	uint64_t dr6;			/* what the last debug exception said; 1 is yes */
	bool single_step;		/* ptrace set TF, not the program */
};

extern struct thread *x86_current;	/* per CPU */

static inline struct thread *arch_current(void)
{
	struct thread *t;

	/*
	 * Not volatile, and the address instead of the variable as operand: a thread is itself for
	 * as long as it runs, on whatever CPU, so one load serves a whole function, across every
	 * barrier.
	 */
	__asm__("movq %%gs:%a1, %0" : "=r"(t) : "i"(&x86_current));
	return t;
}

/* struct thread has its stack right after its struct arch_thread. */
static inline struct regs *arch_user_regs(const struct thread *t)
{
	const struct arch_thread *a = (const void *)((const char *)t + X86_THREAD_ARCH_OFFSET);
	char *stack = *(char *const *)(a + 1);

	return (struct regs *)(stack + X86_THREAD_STACK_SIZE - X86_REGS_SIZE);
}

void x86_set_user_gs(struct thread *t, uint64_t base);
uint64_t x86_user_gs(const struct thread *t);

/* For the first thread of a CPU, before anything is switched. */
static inline void arch_set_current(struct thread *t)
{
	__asm__ volatile("movq %1, %%gs:%0" : "=m"(x86_current) : "r"(t) : "memory");
}

#endif
