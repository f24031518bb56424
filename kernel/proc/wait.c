/* SPDX-License-Identifier: MIT */
/* wait4 and waitid: learning of children's ends, stops and continuations. */
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/pidfd.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <mm/uaccess.h>
#include <uapi/wait.h>
#include "ptrace_internal.h"

enum { WAIT_FOR_STOPPED = 1, WAIT_FOR_CONTINUED = 2 };	/* process.wait_flags */

struct wait_args {
	int which;			/* P_ALL, P_PID, P_PGID */
	struct pid *pid;		/* for P_PID, P_PGID; counted */
	unsigned int options;
};

struct wait_result {
	int pid;
	uint32_t uid;
	int code;			/* CLD_* */
	int status;			/* exit code or signal, as siginfo has it */
	int wait_status;		/* as wait4 has it */
	struct cpu_usage usage;
	struct process *reaped;		/* to be released after tasklist_lock */
	struct list released;		/* threads that were traced, the same */
	struct list reported;		/* processes that nobody waits for, the same */
};

static bool matches(const struct process *child, const struct wait_args *a)
{
	bool clone_child = child->leader->exit_signal != SIGCHLD;

	if (a->which == P_PID && child->pid != a->pid)
		return false;
	if (a->which == P_PGID && child->group != a->pid)
		return false;
	if (a->options & __WALL)
		return true;
	return clone_child == !!(a->options & __WCLONE);
}

static void fill(struct wait_result *r, const struct thread *t, int code, int status,
		 int wait_status)
{
	r->pid = t->pid->nr;
	r->uid = t->cred->uid;
	r->code = code;
	r->status = status;
	r->wait_status = wait_status;
}

static void fill_end(struct wait_result *r, const struct thread *t, int w)
{
	int sig = w & 0x7f;

	if (!sig)
		fill(r, t, CLD_EXITED, w >> 8 & 0xff, w);
	else
		fill(r, t, w & WAIT_CORE_FLAG ? CLD_DUMPED : CLD_KILLED, sig, w);
}

static void fill_exit(struct wait_result *r, struct process *child)
{
	fill_end(r, child->leader, child->exit_code);
	r->usage = child->dead_threads;
	process_add_usage(&r->usage, &child->dead_children);
}

static bool take_zombie(struct process *me, struct process *child, const struct wait_args *a,
			struct wait_result *r)
{
	if (child->state != PROCESS_ZOMBIE || !(a->options & WEXITED) || child->nr_traced_dead)
		return false;
	fill_exit(r, child);
	if (a->options & WNOWAIT)
		return true;
	process_add_usage(&me->dead_children, &r->usage);
	process_reap(child);
	r->reaped = child;
	return true;
}

/* Stops and continuations are reported once. */
static bool take_job_change(struct process *child, const struct wait_args *a, struct wait_result *r)
{
	unsigned long flags;
	struct sighand *s;
	bool taken = false;

	if (child->state != PROCESS_ALIVE)
		return false;
	s = sighand_lock(child, &flags);
	if ((a->options & WSTOPPED) && child->group_stop == GROUP_STOPPED &&
	    (child->wait_flags & WAIT_FOR_STOPPED) && child->leader->tracer != current_process()) {
		fill(r, child->leader, CLD_STOPPED, child->stop_signal,
		     WAIT_STOPPED(child->stop_signal));
		if (!(a->options & WNOWAIT))
			child->wait_flags &= ~(uint32_t)WAIT_FOR_STOPPED;
		taken = true;
	} else if ((a->options & WCONTINUED) && (child->wait_flags & WAIT_FOR_CONTINUED)) {
		fill(r, child->leader, CLD_CONTINUED, SIGCONT, WAIT_CONTINUED);
		if (!(a->options & WNOWAIT))
			child->wait_flags &= ~(uint32_t)WAIT_FOR_CONTINUED;
		taken = true;
	}
	sighand_unlock(s, flags);
	return taken;
}

/* A tracee matches whatever kind of child it is, and by its thread's number. */
static bool tracee_matches(const struct thread *t, const struct wait_args *a)
{
	if (a->which == P_PID && t->pid != a->pid)
		return false;
	if (a->which == P_PGID && t->process->group != a->pid)
		return false;
	return !(a->options & __WNOTHREAD) || !t->ptrace->tracer_thread ||
	       t->ptrace->tracer_thread == current_thread();
}

/* The leader's end is the process's: reported when nobody else of it is left. */
static bool take_ended_leader(struct process *me, struct thread *t, const struct wait_args *a,
			      struct wait_result *r)
{
	struct process *p = t->process;

	if (p->state != PROCESS_ZOMBIE || p->nr_traced_dead)
		return false;
	if (a->options & WNOWAIT) {
		fill_exit(r, p);
		return true;
	}
	ptrace_unlink(t);
	thread_put(t);
	if (p->parent == me)
		return take_zombie(me, p, a, r);
	fill_exit(r, p);
	report_end(p, &r->reported);
	return true;
}

static bool take_ended(struct process *me, struct thread *t, const struct wait_args *a,
		       struct wait_result *r)
{
	if (!(a->options & WEXITED))
		return false;
	if (t == t->process->leader)
		return take_ended_leader(me, t, a, r);
	fill_end(r, t, t->exit_code);
	thread_usage(t, &r->usage);
	if (!(a->options & WNOWAIT) && ptrace_reap_thread(t, &r->released))
		report_end(t->process, &r->reported);
	return true;
}

/* A tracee's stop: reported once, to whoever waits, WSTOPPED or not. */
static bool take_stop(struct thread *t, const struct wait_args *a, struct wait_result *r)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);
	bool taken = pt->code && (pt->phase == PTRACE_STOPPED || pt->phase == PTRACE_FROZEN);

	if (taken) {
		fill(r, t, CLD_TRAPPED, pt->code, pt->code << 8 | 0x7f);
		if (!(a->options & WNOWAIT))
			pt->code = 0;
	}
	sighand_unlock(s, flags);
	if (taken)
		thread_usage(t, &r->usage);
	return taken;
}

static bool take_tracee(struct process *me, struct thread *t, const struct wait_args *a,
			struct wait_result *r)
{
	if (t->ptrace->phase == PTRACE_ENDED)
		return take_ended(me, t, a, r);
	return take_stop(t, a, r) ||
	       (t == t->process->leader && t->process->parent != me &&
		(a->options & WCONTINUED) && take_job_change(t->process, a, r));
}

static int scan_tracees(struct process *me, const struct wait_args *a, struct wait_result *r)
{
	struct ptrace_state *pt;
	int result = -ECHILD;

	list_for_each_entry(pt, &me->traced, node) {
		if (!tracee_matches(pt->thread, a))
			continue;
		result = 0;
		if (take_tracee(me, pt->thread, a, r))
			return 1;
	}
	return result;
}

static bool take_child(struct process *me, struct process *child, const struct wait_args *a,
		       struct wait_result *r)
{
	/* A traced leader's end is the tracer's first. */
	if (!child->leader->tracer && take_zombie(me, child, a, r))
		return true;
	return take_job_change(child, a, r);
}

/* 1: *@r is filled.  0: there is a child to wait for.  -ECHILD: there is none. */
static int scan(struct process *me, const struct wait_args *a, struct wait_result *r)
{
	struct process *child;
	int result = -ECHILD;

	spin_lock(&tasklist_lock);
	list_for_each_entry(child, &me->children, sibling) {
		if (!matches(child, a))
			continue;
		result = 0;
		if (take_child(me, child, a, r)) {
			result = 1;
			break;
		}
	}
	if (result != 1 && unlikely(!list_empty(&me->traced))) {
		int traced = scan_tracees(me, a, r);

		result = traced == -ECHILD ? result : traced;
	}
	spin_unlock(&tasklist_lock);
	return result;
}

static int do_wait(const struct wait_args *a, struct wait_result *r)
{
	struct process *me = current_process();
	struct waitq_entry entry;
	int result = scan(me, a, r);

	if (result || (a->options & WNOHANG))
		return result;
	waitq_entry_init(&entry, current_thread(), 0);
	waitq_add(&me->child_waitq, &entry);
	for (;;) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		result = scan(me, a, r);
		if (result)
			break;
		if (schedule_wait(WAIT_FOREVER)) {
			/*
			 * The signal may be the SIGCHLD of the very child: its status goes before
			 * the interruption.
			 */
			result = scan(me, a, r);
			result = result ? result : -ERESTARTSYS;
			break;
		}
	}
	thread_set_state(THREAD_RUNNING);
	waitq_remove(&me->child_waitq, &entry);
	return result;
}

static struct timeval to_timeval(uint64_t ns)
{
	return (struct timeval){ .tv_sec = (int64_t)(ns / NSEC_PER_SEC),
				 .tv_usec = (int64_t)(ns % NSEC_PER_SEC / 1000) };
}

void usage_to_rusage(const struct cpu_usage *u, struct rusage *ru)
{
	*ru = (struct rusage){
		.ru_utime = to_timeval(u->user_ns), .ru_stime = to_timeval(u->system_ns),
		.ru_maxrss = (int64_t)u->max_rss_pages * 4,
		.ru_minflt = (int64_t)u->min_faults, .ru_majflt = (int64_t)u->maj_faults,
		.ru_nvcsw = (int64_t)u->voluntary, .ru_nivcsw = (int64_t)u->forced,
		.ru_inblock = (int64_t)u->in_blocks, .ru_oublock = (int64_t)u->out_blocks,
	};
}

static int put_rusage(uaddr_t p, const struct cpu_usage *u)
{
	struct rusage ru;

	if (!p.v)
		return 0;
	usage_to_rusage(u, &ru);
	return copy_to_user(p, &ru, sizeof(ru));
}

/* The caller's own group, counted; another thread or the parent may be changing it. */
static struct pid *own_group_get(void)
{
	struct pid *group;

	spin_lock(&tasklist_lock);
	group = current_process()->group;
	pid_ref(group);
	spin_unlock(&tasklist_lock);
	return group;
}

/* Wait by @which and @nr; the pid is looked up once, so that a reused number cannot match. */
static int wait_for(int which, struct pid *pid, unsigned int options, struct wait_result *r)
{
	struct wait_args a = { .which = which, .pid = pid, .options = options };
	int result;

	if (which != P_ALL && !pid)
		return -ECHILD;
	list_init(&r->released);
	list_init(&r->reported);
	result = do_wait(&a, r);
	if (result == 1 && r->reaped)
		process_release(r->reaped);
	ptrace_release(&r->released);
	release_reaped(&r->reported);
	return result;
}

long sys_wait4(int nr, uaddr_t status, unsigned int options, uaddr_t rusage)
{
	struct wait_result r = { 0 };
	struct pid *pid = NULL;
	int which = P_ALL, result;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WALL | __WCLONE | __WNOTHREAD))
		return -EINVAL;
	if (nr == INT32_MIN)
		return -ESRCH;
	if (nr < -1 || nr == 0) {
		which = P_PGID;
		pid = nr ? pid_get(-nr) : own_group_get();
	} else if (nr > 0) {
		which = P_PID;
		pid = pid_get(nr);
	}
	result = wait_for(which, pid, options | WEXITED, &r);
	pid_put(pid);
	if (result <= 0)
		return result;
	if ((status.v && put_user((uint32_t)r.wait_status, status)) || put_rusage(rusage, &r.usage))
		return -EFAULT;
	return r.pid;
}

static struct pid *waitid_pid(int which, int id, int *err)
{
	*err = 0;
	switch (which) {
	case P_ALL:
		return NULL;
	case P_PID:
		*err = id <= 0 ? -EINVAL : 0;
		return *err ? NULL : pid_get(id);
	case P_PGID:
		*err = id < 0 ? -EINVAL : 0;
		return *err ? NULL : id ? pid_get(id) : own_group_get();
	case P_PIDFD: {
		struct pid *pid = id < 0 ? ERR_PTR(-EINVAL) : pidfd_get_pid(id);

		*err = IS_ERR(pid) ? (int)PTR_ERR(pid) : 0;
		return *err ? NULL : pid;
	}
	}
	*err = -EINVAL;
	return NULL;
}

long sys_waitid(int which, int id, uaddr_t uinfo, unsigned int options, uaddr_t rusage)
{
	struct wait_result r = { 0 };
	struct siginfo info = { 0 };
	struct pid *pid;
	int err, result;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WALL | __WCLONE |
			__WNOTHREAD))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	pid = waitid_pid(which, id, &err);
	if (err)
		return err;
	result = wait_for(which == P_PIDFD ? P_PID : which, pid, options, &r);
	pid_put(pid);
	if (result < 0)
		return result;
	if (result) {
		siginfo_init(&info, SIGCHLD, r.code);
		info.si_pid = r.pid;
		info.si_uid = r.uid;
		info.si_status = r.status;
		if (put_rusage(rusage, &r.usage))
			return -EFAULT;
	}
	return uinfo.v ? copy_to_user(uinfo, &info, sizeof(info)) : 0;
}
