/* SPDX-License-Identifier: MIT */
/*
 * One thread watched by another process: what the rest of the kernel asks about it.  The theory
 * stands in kernel/proc/ptrace.c.
 */
#ifndef KERNEL_PTRACE_H
#define KERNEL_PTRACE_H

#include <kernel/process.h>

/* Moves: set_phase() in kernel/proc/ptrace_stop.c has the table of legal ones. */
enum ptrace_phase {
	PTRACE_RUNS,		/* not stopped by its tracer, or not traced */
	PTRACE_STOPPED,		/* in a stop; requests are admitted */
	PTRACE_LISTENS,		/* in a group stop that PTRACE_LISTEN keeps; reports news of it */
	PTRACE_FROZEN,		/* a request works on it: not even SIGKILL moves it */
	PTRACE_ENDED,		/* exited; the tracer has not waited for it */
};

/* What the tracer asked for when it let the thread go on. */
enum ptrace_resume { PTRACE_GO_ON, PTRACE_TO_CALL, PTRACE_STEP, PTRACE_EMULATE,
		     PTRACE_EMULATE_STEP };

/* Made when a thread is first traced, and kept with it: the pointer never changes again. */
struct ptrace_state {
	struct thread *thread;		/* [I] */
	enum ptrace_phase phase;	/* [R] SIGNAL */
	struct list node;		/* [R] TASKLIST: in the tracer's process.traced */
	/* [R] TASKLIST: whose requests are taken; compared only.  NULL: any thread's (TRACEME) */
	struct thread *tracer_thread;
	struct thread *freezer;		/* [R] SIGNAL: who froze it; compared only */
	uint32_t options;		/* [R] SIGNAL: PTRACE_O_* */
	bool seized;			/* [R] SIGNAL */
	bool trap_stop;		/* [R] SIGNAL: is to stop (INTERRUPT, attached while stopped) */
	bool trap_notify;		/* [R] SIGNAL: the group stop began or ended: report it */
	bool killed;			/* [R] SIGNAL: SIGKILL came while FROZEN */
	bool attaching;			/* [R] SIGNAL: PTRACE_ATTACH waits for the stop */
	bool has_info;			/* [R] SIGNAL: info holds for this stop */
	int code;			/* [R] SIGNAL: wait status >> 8; 0 once it was waited for */
	int signal;			/* [R] SIGNAL: the signal to go on with */
	uint64_t message;		/* [R] SIGNAL: PTRACE_GETEVENTMSG */
	enum ptrace_resume resume;	/* [R] SIGNAL */
	struct siginfo info;		/* [R] SIGNAL */
};

static inline bool thread_is_traced(const struct thread *t)
{
	return __atomic_load_n(&t->tracer, __ATOMIC_RELAXED) != NULL;
}

/*
 * May the caller, with the ids of @me, look into @t?  The same ids and dumpable, or user 0 with the
 * PROC capability; one's own process always.  Any context that may take RCU.
 */
bool ptrace_may_inspect(const struct cred *me, const struct thread *t);

/*
 * For what is more than looking (memory, registers, descriptors): the same with the real ids.
 * -EPERM.
 */
__must_check int ptrace_may_attach(const struct thread *t);

/*
 * The address space of @t, counted, if the caller may look into it (PTRACE_REACH_INSPECT) or more
 * (PTRACE_REACH_ATTACH).  NULL: @t has none any more; error pointer: -EPERM.
 *
 * A check and a look at t->aspace after it are not enough: an exec between the two gives the memory
 * of a set-id program to who was allowed the old one.  So exec changes both under
 * process.reach_lock, and this looks at both; unlike exec_lock it is held for no wait for threads.
 */
enum ptrace_reach { PTRACE_REACH_INSPECT, PTRACE_REACH_ATTACH };
struct aspace *ptrace_aspace_get(struct thread *t, enum ptrace_reach reach);

/* Is @t traced by the caller's process, and held still? */
bool ptrace_is_mine(const struct thread *t);

/* Registers for /proc/PID/syscall; false: it runs. */
struct syscall_view { int64_t nr; uint64_t args[6], sp, pc; };
__must_check bool thread_syscall_view(struct thread *t, struct syscall_view *v);

#endif
