/* SPDX-License-Identifier: MIT */
/*
 * Job control: stopping all threads of a process and letting them go on.
 *
 * I1  stop_count is the number of threads with stop_counted set: those that the stop in progress
 *     waits for.  A thread loses the mark when it stops or leaves, and gets one when it appears
 *     while the stop is in progress.
 * I2  RUN -> STOPPING by the thread that takes the signal; STOPPING -> STOPPED by whoever loses the
 *     last mark; that one tells the parent.  SIGCONT and death lead away from both at once.
 *
 * All of it under the sighand's lock.
 */
#include <kernel/sched.h>
#include <uapi/wait.h>
#include "ptrace_internal.h"

enum { WAIT_FOR_STOPPED = 1, WAIT_FOR_CONTINUED = 2 };	/* process.wait_flags; as in wait.c */

bool stop_is_on(const struct process *p)
{
	return p->group_stop == GROUP_STOPPING || p->group_stop == GROUP_STOPPED;
}

bool stop_is_due(const struct thread *t)
{
	return stop_is_on(t->process) && t->group_stop_seen != t->process->stop_generation;
}

void stop_rejoin(struct thread *t)
{
	if (stop_is_on(t->process))
		t->group_stop_seen = t->process->stop_generation - 1;
}

bool stop_leave(struct process *p, struct thread *t)
{
	if (!t->stop_counted)
		return false;
	t->stop_counted = false;
	if (--p->stop_count || p->group_stop != GROUP_STOPPING)
		return false;
	p->group_stop = GROUP_STOPPED;
	p->wait_flags = WAIT_FOR_STOPPED;
	return true;
}

void stop_join(struct process *p, struct thread *child)
{
	if (!stop_is_on(p))
		return;
	if (p->group_stop == GROUP_STOPPING) {
		child->stop_counted = true;
		p->stop_count++;
	}
	child->group_stop_seen = p->stop_generation - 1;
	thread_set_work(child, WORK_SIGNAL);
}

bool stop_take_part(struct thread *t)
{
	t->group_stop_seen = t->process->stop_generation;
	return stop_leave(t->process, t);
}

/*
 * Sleep until continued.  The state is set under the lock, so that neither SIGCONT nor SIGKILL is
 * missed.
 */
void stop_self(struct thread *t, struct sighand *s, unsigned long flags)
{
	struct process *p = t->process;
	bool last;

	last = stop_take_part(t);
	signal_recompute_locked(t);
	thread_set_state(THREAD_STOPPED);
	sighand_unlock(s, flags);
	if (last) {
		spin_lock(&tasklist_lock);
		notify_parent(p, CLD_STOPPED, p->stop_signal);
		spin_unlock(&tasklist_lock);
	}
	schedule();
}

static void start(struct process *p, int sig)
{
	struct thread *t;

	p->group_stop = GROUP_STOPPING;
	p->stop_signal = sig;
	p->stop_generation++;
	p->stop_count = 0;
	p->wait_flags = 0;
	list_for_each_entry_rcu(t, &p->threads, process_node) {
		/* A tracee that goes on while its group is stopped can stop the group again. */
		if (t->state == THREAD_STOPPED)
			t->group_stop_seen = p->stop_generation;
		t->stop_counted = !thread_is_leaving(t) && t->state != THREAD_STOPPED;
		if (!t->stop_counted)
			continue;
		p->stop_count++;
		signal_wake(t);
		ptrace_group_news(t);
	}
}

/*
 * An orphaned group has nobody to continue it: terminal stops do nothing there.  Takes
 * tasklist_lock.
 */
static bool is_orphaned(struct process *p)
{
	bool orphaned;

	spin_lock(&tasklist_lock);
	orphaned = group_is_orphaned(p->group);
	spin_unlock(&tasklist_lock);
	return orphaned;
}

/*
 * The default action of stop signal @sig, which was just taken.  The orphan test needs
 * tasklist_lock, which comes before the signal lock: a SIGCONT that comes while it is dropped
 * cancels the stop.  Returns the sighand, locked.
 */
struct sighand *stop_by_default(struct process *p, int sig, struct sighand *s, unsigned long *flags)
{
	bool applies = true;

	if (sig != SIGSTOP) {
		sighand_unlock(s, *flags);
		applies = !is_orphaned(p);
		s = sighand_lock(p, flags);
	}
	if (applies && p->stop_dequeued &&
	    (p->group_stop == GROUP_RUN ||
	     (p->group_stop == GROUP_STOPPED && thread_is_traced(current_thread()))))
		start(p, sig);
	return s;
}

/* SIGCONT resumes a stopped process even when it is blocked or ignored. */
void stop_resume(struct process *p)
{
	struct thread *t;

	p->stop_dequeued = false;
	list_for_each_entry_rcu(t, &p->threads, process_node)
		ptrace_group_news(t);
	if (!stop_is_on(p))
		return;
	if (p->group_stop == GROUP_STOPPED) {
		p->wait_flags = WAIT_FOR_CONTINUED;
		p->notify_continued = true;
	}
	p->group_stop = GROUP_RUN;
	p->stop_count = 0;
	list_for_each_entry_rcu(t, &p->threads, process_node) {
		t->stop_counted = false;
		thread_set_work(t, WORK_SIGNAL);
		(void)thread_wake_states(t, THREAD_STOPPED);
	}
}
