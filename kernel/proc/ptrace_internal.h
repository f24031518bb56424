/* SPDX-License-Identifier: MIT */
/* ptrace among the files of kernel/proc; read ptrace.c first. */
#ifndef KERNEL_PROC_PTRACE_INTERNAL_H
#define KERNEL_PROC_PTRACE_INTERNAL_H

#include <kernel/ptrace.h>
#include <uapi/ptrace.h>
#include <uapi/sched.h>
#include "proc.h"

#define PTRACE_OPTIONS	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |	\
			 PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEVFORKDONE |	\
			 PTRACE_O_TRACEEXIT | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL)

/* ptrace.c */
long ptrace_traceme(void);
long ptrace_attach(int tid, long request, uint64_t addr, uint64_t data);
void ptrace_unlink(struct thread *t);
int ptrace_fork_event(uint64_t flags, int exit_signal);
__must_check int ptrace_fork_prepare(struct thread *child, uint64_t flags, int event);
void ptrace_fork_link(struct thread *child);
bool ptrace_thread_ends(struct thread *t);
bool ptrace_reap_thread(struct thread *t, struct list *released);
void ptrace_release(struct list *released);
void ptrace_tracer_ends(struct thread *t, bool last, struct list *released,
			void (*report)(struct process *p, void *arg), void *arg);
void ptrace_leader_replaced(struct thread *old);
bool ptrace_forbids_set_id(void);

/* ptrace_stop.c: the tracee's side. */
void ptrace_set_phase(struct ptrace_state *pt, enum ptrace_phase to);

/* Does the caller's tracer want to be told of PTRACE_EVENT_@event? */
static inline bool ptrace_wants(int event)
{
	const struct thread *t = current_thread();

	return thread_is_traced(t) &&
	       __atomic_load_n(&t->ptrace->options, __ATOMIC_RELAXED) & 1u << event;
}

/* Stop with @event if it is wanted; no lock held. */
void ptrace_event(int event, uint64_t message);
void ptrace_exec(int old_tid);			/* the same for exec, which has a form of its own */
/* The caller has taken @sig: ask the tracer.  The signal to act on, 0: none. */
int ptrace_signal(struct thread *t, int sig, struct siginfo *info);
/* A stop that is no signal is due: of the group, or asked for.  Sighand lock held. */
bool ptrace_trap_is_due(const struct thread *t);
void ptrace_trap(struct thread *t);		/* take it; no lock held */
void ptrace_group_news(struct thread *t);	/* a group stop begins or ends; sighand lock held */
/* A fatal wake-up of @t: may its stop end?  False: it is frozen (P4).  Sighand lock held. */
bool ptrace_may_kill(struct thread *t);
void ptrace_handler_runs(struct regs *regs);	/* a handler's frame was built */
/* A trap that came too late: its tracer is gone.  True: forget it. */
bool ptrace_trap_is_stale(struct regs *regs);

/* The tracer's side.  -ESRCH: @t is not in a stop. */
__must_check int ptrace_freeze(struct thread *t);
void ptrace_thaw(struct thread *t);
void ptrace_resume(struct thread *t, enum ptrace_resume how, int sig);

#endif
