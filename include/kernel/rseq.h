/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences: what the door to user mode does for a thread that registered an area.
 */
#ifndef KERNEL_RSEQ_H
#define KERNEL_RSEQ_H

#include <kernel/thread.h>

struct regs;

/* @next is about to run, on this CPU or another than before: it has to look at its area. */
static inline void rseq_switched_in(struct thread *next)
{
	if (unlikely(next->rseq))
		thread_set_work(next, WORK_RSEQ);
}

/*
 * WORK_RSEQ is set: end a sequence that was interrupted, and tell the CPU.  Before a signal frame
 * as well, so that a handler never runs inside a sequence.  May fault and sleep; a bad area is
 * SIGSEGV.
 */
void rseq_exit_to_user(struct regs *regs);

#endif
