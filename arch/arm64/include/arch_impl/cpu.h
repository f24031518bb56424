/* SPDX-License-Identifier: MIT */
/*
 * CPU inlines. TPIDR_EL1 holds the running thread; the thread holds the per-CPU offset of the CPU
 * it runs on, set at each switch. So a system call finds its thread in one instruction, and SP_EL0
 * stays the user's.
 */
#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#include <arch_impl/sysreg.h>
#include <arch_impl/thread.h>

struct thread;

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

/* The running thread's struct arch_thread; see THREAD_ARCH_OFFSET. */
static inline struct arch_thread *arm64_current_arch(void)
{
	char *t;

	/* Not volatile: the register holds the same value whenever this thread runs. */
	__asm__("mrs %0, tpidr_el1" : "=r"(t));
	return (struct arch_thread *)(t + THREAD_ARCH_OFFSET);
}

static inline unsigned long arch_percpu_offset(void)
{
	return __atomic_load_n(&arm64_current_arch()->percpu_offset, __ATOMIC_RELAXED);
}

/* WFI wakes for an interrupt that is pending though masked by PSTATE.I (D1.6.2). */
static inline void arch_idle(void)
{
	__asm__ volatile("dsb sy; wfi" ::: "memory");
}

#endif
