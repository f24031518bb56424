/* SPDX-License-Identifier: MIT */
/*
 * Preemption: how deep the running thread is in code that must stay on its CPU.
 *
 * The count lives in the thread, not in a per-CPU variable: a thread that is moved in
 * the middle of the increment still changes its own count.  The low half counts
 * preempt_disable(); interrupt context adds PREEMPT_IRQ to whatever it interrupted.
 */
#ifndef KERNEL_PREEMPT_H
#define KERNEL_PREEMPT_H

#include <arch/thread.h>
#include <lib/compiler.h>
#include <lib/types.h>

#define PREEMPT_IRQ	0x10000u

/* Bits of thread.core.work: what must be done before user mode is entered. */
enum thread_work {
	WORK_RESCHED	= 1 << 0,	/* something better waits for the CPU */
	/* a signal may be deliverable, or a stop or exit is asked for */
	WORK_SIGNAL	= 1 << 1,
	/* a saved signal mask must be put back (sigsuspend, ppoll) */
	WORK_MASK	= 1 << 3,
	/* a debugger may have changed the frame: leave by the exit that restores all of it */
	WORK_FRAME	= 1 << 4,
	WORK_RSEQ	= 1 << 5,	/* look at the restartable sequence */
	/* system-call tracing; looked at by the dispatcher, not at exit */
	WORK_TRACE	= 1 << 8,
	WORK_PTRACE	= 1 << 9,	/* ptrace system-call stops; the dispatcher's as well */
};

/* The bits that the exit path must act on; the others are the dispatcher's. */
#define WORK_EXIT_BITS	0xffu

/* The head of struct thread: what the hottest code reads. */
struct thread_core {
	uint32_t preempt_count;		/* own thread only */
	uint32_t work;			/* [A] enum thread_work */
	/* [A] classes this thread's process holds: bit n = capability class n */
	uint64_t cap_word;
};

static inline struct thread_core *current_core(void)
{
	return (struct thread_core *)arch_current();
}

/* Switch if something better waits; does nothing while interrupts are masked. */
void preempt_schedule(void);

static inline void preempt_disable(void)
{
	current_core()->preempt_count++;
	barrier();
}

/* End the section without looking for work: the caller is about to schedule. */
static inline void preempt_enable_no_resched(void)
{
	barrier();
	current_core()->preempt_count--;
}

static inline void preempt_enable(void)
{
	struct thread_core *c = current_core();

	barrier();
	if (--c->preempt_count == 0 &&
	    unlikely(__atomic_load_n(&c->work, __ATOMIC_RELAXED) & WORK_RESCHED))
		preempt_schedule();
}

static inline bool in_interrupt(void)
{
	return current_core()->preempt_count >= PREEMPT_IRQ;
}

/* Preemption is off, so the caller may not sleep.  Masked interrupts are not seen here. */
static inline bool in_atomic(void)
{
	return current_core()->preempt_count != 0;
}

#endif
