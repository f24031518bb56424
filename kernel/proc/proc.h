/* SPDX-License-Identifier: MIT */
/* What the files of kernel/proc share among themselves. */
#ifndef KERNEL_PROC_PROC_H
#define KERNEL_PROC_PROC_H

#include <kernel/process.h>
#include <kernel/signal.h>

/* pid.c.  pid_alloc: the next free number, counted once; error pointer (-EAGAIN: none left). */
struct pid *pid_alloc(void);
void pid_init(void);

/* process.c */
struct process *process_alloc(void);		/* NULL: out of memory; one reference */
struct sighand *sighand_alloc(void);		/* NULL: out of memory; default actions */
struct sighand *sighand_lock(struct process *p, unsigned long *flags);
/*
 * For the running thread's own process: only exec replaces its handlers, in the last thread, so the
 * pointer stays while this one is in here, and needs neither RCU nor a second look.
 */
static inline struct sighand *sighand_lock_own(unsigned long *flags)
{
	struct sighand *s = current_process()->sighand;

	*flags = spin_lock_irqsave(&s->lock);
	return s;
}
static inline void sighand_unlock(struct sighand *s, unsigned long flags)
{
	spin_unlock_irqrestore(&s->lock, flags);
}
/* Link a new process under its parent, group and session.  tasklist_lock held. */
void process_link(struct process *p, struct process *parent);
void process_unlink_groups(struct process *p);
void process_join_group(struct process *p, struct pid *group);
void process_join_session(struct process *p, struct pid *session);

/* exit.c */
void process_reap(struct process *p);		/* tasklist_lock held; the zombie is gone */
void report_end(struct process *p, struct list *reaped);	/* tasklist_lock held */
void release_reaped(struct list *reaped);	/* what report_end() gathered; lock not held */
void process_add_usage(struct cpu_usage *to, const struct cpu_usage *from);
/* CPU time and faults of all threads, live and dead. */
void process_usage(struct process *p, struct cpu_usage *u);

/* signal.c */
void sigqueue_flush(struct list *queue, sigset_t *set);
int signal_send_locked(struct process *p, struct thread *t, int sig, const struct siginfo *info);
void signal_group_exit_locked(struct process *p, int code);
void notify_parent(struct process *p, int code, int status);
/* SIGCHLD to @to about @t: a stop or continuation; an end, with signal @sig and status @wait. */
void notify_change(struct process *to, struct thread *t, int code, int status);
void notify_end(struct process *to, struct thread *t, int sig, int wait_status);
int dequeue_locked(struct thread *t, uint64_t mask, struct siginfo *info);
void signal_thread_leaves(struct thread *t);	/* the caller takes no signal any more */
void signal_wake(struct thread *t);		/* make @t look for signals; sighand lock held */
bool signal_is_protected(const struct process *p, int sig, const struct siginfo *info);
static inline bool thread_is_leaving(const struct thread *t)
{
	return t->blocked.v == ~0ULL;
}
void signal_wake_fatal(struct thread *t);	/* make @t notice that it is to end */
bool sig_is_default_ignored(int sig);
bool sig_is_stop(int sig);
bool sig_makes_core(int sig);

/* signal_stop.c: job control; the sighand's lock is held unless it says otherwise. */
bool stop_is_due(const struct thread *t);
bool stop_is_on(const struct process *p);	/* in progress, or complete */
/* the caller stops for its group, as a tracee; true: it was the last */
bool stop_take_part(struct thread *t);
void stop_rejoin(struct thread *t);		/* @t, traced no more, owes the group's stop */
/* unlocks; sleeps until continued */
void stop_self(struct thread *t, struct sighand *s, unsigned long flags);
struct sighand *stop_by_default(struct process *p, int sig, struct sighand *s,
				unsigned long *flags);
void stop_resume(struct process *p);		/* SIGCONT was sent */
void stop_join(struct process *p, struct thread *child);	/* a thread appears during a stop */
/* true: it was the last that the stop waited for */
bool stop_leave(struct process *p, struct thread *t);
void signal_init(void);
/* May the caller signal @p?  0, -EPERM. */
int signal_permission(struct process *p, int sig);

/*
 * session.c: a group whose last link to its session goes gets SIGHUP and SIGCONT if it has stopped
 * members.
 */
void orphan_check_exit(struct process *p);
void orphan_check_child(struct process *p, struct process *child, struct process *reaper);

/*
 * Everything that leaves the process alone with the calling thread; -EAGAIN when somebody else is
 * first.
 */
int exec_kill_others(void);

void process_release(struct process *p);	/* after process_reap(), outside of tasklist_lock */
void thread_usage(struct thread *t, struct cpu_usage *u);
struct rusage;
void usage_to_rusage(const struct cpu_usage *u, struct rusage *ru);
struct aspace;
void thread_release_aspace(struct thread *t, struct aspace *replacement);

/* process.c */
void process_tty_exit(struct process *p);
/* exec by another thread than the leader: @t takes over the leader's number and place. */
void process_take_leadership(struct process *p, struct thread *t);
bool group_is_orphaned(struct pid *group);	/* tasklist_lock held */

/* rlimit.c: are all ids of @p's leader the caller's real ones? */
bool process_has_my_ids(struct process *p);

/* user.c: threads of each real user.  NULL is user 0.  _get: a reference, or an error pointer. */
struct user *user_get(uint32_t uid);
struct user *user_ref(struct user *u);
void user_put(struct user *u);
/* one more thread; -EAGAIN: @limit is reached */
int user_charge(struct user *u, uint64_t limit);
void user_uncharge(struct user *u);

/* cred.c: a thread that has @c is gone, and counts for its user no more */
void cred_leave(const struct cred *c);
void cred_commit(struct cred *c);	/* publish @c as the caller's */

/*
 * core_dump.c: the caller takes the fatal signal of @info; true: a core file was written.  _join:
 * the caller is leaving, and waits if another thread is writing one; the lock is held, and dropped
 * for that.
 */
bool core_dump(const struct siginfo *info);
__must_check struct sighand *core_dump_join(struct thread *t, struct sighand *s,
					    unsigned long *flags);

/* exec.c: start PID 1's program; returns only on failure or to enter user mode. */
int exec_kernel(const char *path);

#endif
