/* SPDX-License-Identifier: MIT */
/* System calls of the scheduler. */
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/uaccess.h>

long sys_sched_yield(void)
{
	sched_yield_current();
	return 0;
}

/* The thread that a call names: 0 is the caller.  A reference, or NULL. */
static struct thread *target_get(int tid)
{
	if (tid == 0) {
		thread_ref(current_thread());
		return current_thread();
	}
	return tid < 0 ? NULL : thread_get(tid);
}

/* May the caller change @t?  Same user, or user 0. */
static bool may_change(const struct thread *t)
{
	const struct cred *me = current_cred();

	return me->euid == 0 || me->euid == t->cred->euid || me->euid == t->cred->uid;
}

static int check_raise(const struct thread *t, const struct sched_params *p)
{
	uint64_t limit;

	if (!may_change(t))
		return -EPERM;
	if (current_cred()->euid == 0)
		return 0;
	if (p->rt_priority) {
		limit = process_rlimit(t->process, RLIMIT_RTPRIO);
		return p->rt_priority > limit && p->rt_priority > t->sched.rt_priority ? -EPERM : 0;
	}
	limit = process_rlimit(t->process, RLIMIT_NICE);
	return p->nice < t->sched.nice && (uint64_t)(20 - p->nice) > limit ? -EPERM : 0;
}

static long change(int tid, const struct sched_params *p, bool keep_policy)
{
	struct thread *t = target_get(tid);
	struct sched_params want = *p, now;
	long err;

	if (!t)
		return -ESRCH;
	sched_get_params(t, &now);
	if (keep_policy) {
		want.policy = now.policy;
		want.reset_on_fork = now.reset_on_fork;
	}
	if (want.policy != SCHED_FIFO && want.policy != SCHED_RR && p->nice == INT32_MAX)
		want.nice = now.nice;
	err = check_raise(t, &want);
	if (!err)
		err = sched_set_params(t, &want);
	thread_put(t);
	return err;
}

long sys_sched_setscheduler(int tid, int policy, uaddr_t param)
{
	struct sched_params p = { .nice = INT32_MAX };
	uint32_t priority;

	if (policy < 0 || tid < 0)
		return -EINVAL;
	if (get_user(&priority, param))
		return -EFAULT;
	p.policy = (uint32_t)policy & ~(uint32_t)SCHED_RESET_ON_FORK;
	p.reset_on_fork = policy & SCHED_RESET_ON_FORK;
	p.rt_priority = priority;
	return change(tid, &p, false);
}

long sys_sched_setparam(int tid, uaddr_t param)
{
	struct sched_params p = { .nice = INT32_MAX };

	if (tid < 0)
		return -EINVAL;
	if (get_user(&p.rt_priority, param))
		return -EFAULT;
	return change(tid, &p, true);
}

static long query(int tid, struct sched_params *p)
{
	struct thread *t;

	if (tid < 0)
		return -EINVAL;
	t = target_get(tid);
	if (!t)
		return -ESRCH;
	sched_get_params(t, p);
	thread_put(t);
	return 0;
}

long sys_sched_getscheduler(int tid)
{
	struct sched_params p;
	long err = query(tid, &p);

	return err ? err : (long)(p.policy | (p.reset_on_fork ? SCHED_RESET_ON_FORK : 0));
}

long sys_sched_getparam(int tid, uaddr_t param)
{
	struct sched_params p;
	long err = query(tid, &p);

	return err ? err : put_user(p.rt_priority, param);
}

long sys_sched_setattr(int tid, uaddr_t uattr, unsigned int flags)
{
	struct sched_attr attr;
	struct sched_params p;
	uint32_t size;
	int err;

	if (flags || tid < 0)
		return -EINVAL;
	if (get_user(&size, uattr))
		return -EFAULT;
	err = copy_struct_from_user(&attr, sizeof(attr), uattr, size ? size : SCHED_ATTR_SIZE_VER0);
	if (err)
		return err;
	p = (struct sched_params){
		.policy = attr.sched_policy, .nice = attr.sched_nice,
		.rt_priority = attr.sched_priority,
		.reset_on_fork = attr.sched_flags & SCHED_FLAG_RESET_ON_FORK,
	};
	if (attr.sched_flags & ~(uint64_t)SCHED_FLAG_RESET_ON_FORK)
		return -EINVAL;
	return change(tid, &p, false);
}

long sys_sched_getattr(int tid, uaddr_t uattr, unsigned int size, unsigned int flags)
{
	struct sched_attr attr = { 0 };
	struct sched_params p;
	long err;

	if (flags || size < SCHED_ATTR_SIZE_VER0)
		return -EINVAL;
	err = query(tid, &p);
	if (err)
		return err;
	attr.size = (uint32_t)min((size_t)size, sizeof(attr));
	attr.sched_policy = p.policy;
	attr.sched_nice = p.nice;
	attr.sched_priority = p.rt_priority;
	attr.sched_flags = p.reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
	return copy_to_user(uattr, &attr, attr.size);
}

long sys_sched_get_priority_max(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return 99;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(int policy)
{
	long highest = sys_sched_get_priority_max(policy);

	return highest == 99 ? 1 : highest;
}

long sys_sched_rr_get_interval(int tid, uaddr_t interval)
{
	struct timespec ts;
	struct thread *t;

	if (tid < 0)
		return -EINVAL;
	t = target_get(tid);
	if (!t)
		return -ESRCH;
	ts = ns_to_timespec(sched_rr_interval_ns(t));
	thread_put(t);
	return copy_to_user(interval, &ts, sizeof(ts));
}

/*
 * User masks come in any size that is a multiple of a word; missing bits are zero, extra ones are
 * dropped.
 */
long sys_sched_setaffinity(int tid, unsigned int size, uaddr_t umask)
{
	struct cpumask mask = { { 0 } };
	struct thread *t;
	long err = copy_from_user(&mask, umask, min((size_t)size, sizeof(mask)));

	if (err)
		return err;
	t = target_get(tid);
	if (!t)
		return -ESRCH;
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++)
		mask.words[i] &= cpus_possible.words[i];
	err = may_change(t) ? sched_set_affinity(t, &mask) : -EPERM;
	thread_put(t);
	return err;
}

/* As many bytes as hold all possible CPUs, rounded to words. */
static size_t mask_bytes(void)
{
	return (nr_cpus + 63) / 64 * 8;
}

long sys_sched_getaffinity(int tid, unsigned int size, uaddr_t umask)
{
	struct cpumask mask;
	struct thread *t;

	if (size < mask_bytes() || size % 8)
		return -EINVAL;
	t = target_get(tid);
	if (!t)
		return -ESRCH;
	mask = t->affinity;
	thread_put(t);
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++)
		mask.words[i] &= cpus_online.words[i];
	if (copy_to_user(umask, &mask, mask_bytes()))
		return -EFAULT;
	return (long)mask_bytes();
}

/* getpriority and setpriority: one rule over the threads that @which and @who name. */
struct priority_scan {
	int nice;			/* to set; or the best found, as 20 - nice */
	long result;
};

static void priority_get_one(struct thread *t, struct priority_scan *s)
{
	long value = 20 - t->sched.nice;

	if (s->result < value)
		s->result = value;
}

static void priority_set_one(struct thread *t, struct priority_scan *s)
{
	struct sched_params p;
	int err;

	sched_get_params(t, &p);
	p.nice = s->nice;
	if (!may_change(t))
		err = -EPERM;
	else
		err = check_raise(t, &p) ? -EACCES : sched_set_params(t, &p);
	if (s->result == -ESRCH || err)
		s->result = err;
}

static void scan_process(struct process *p, struct priority_scan *s,
			 void (*fn)(struct thread *, struct priority_scan *))
{
	struct thread *t;

	list_for_each_entry(t, &p->threads, process_node)
		fn(t, s);
}

static long scan_priority(int which, int who, struct priority_scan *s,
			  void (*fn)(struct thread *, struct priority_scan *))
{
	uint32_t uid = who ? (uint32_t)who : current_cred()->uid;
	struct process *p;
	struct thread *t;
	struct pid *group;

	s->result = -ESRCH;
	spin_lock(&tasklist_lock);
	switch (which) {
	case PRIO_PROCESS:
		t = who ? thread_find(who) : current_thread();
		if (t)
			fn(t, s);
		break;
	case PRIO_PGRP:
		group = who ? pid_find(who) : current_process()->group;
		if (group)
			list_for_each_entry(p, &group->members[PID_GROUP], pid_node[PID_GROUP])
				scan_process(p, s, fn);
		break;
	case PRIO_USER:
		list_for_each_entry(p, &process_list, all_node)
			if (p->leader->cred->uid == uid)
				scan_process(p, s, fn);
		break;
	default:
		s->result = -EINVAL;
	}
	spin_unlock(&tasklist_lock);
	return s->result;
}

long sys_getpriority(int which, int who)
{
	struct priority_scan s;

	return scan_priority(which, who, &s, priority_get_one);
}

long sys_setpriority(int which, int who, int nice)
{
	struct priority_scan s = { .nice = clamp(nice, -20, 19) };

	return scan_priority(which, who, &s, priority_set_one);
}

/*
 * I/O priorities.  Nothing queues by them yet; they are kept, inherited and shown, as with an I/O
 * scheduler that has no use for them.
 */

#define IOPRIO_LEVEL_MASK	7	/* above it stand hints, which mean nothing here */

/* One thread's, as it was set. */
static void ioprio_get_raw(struct thread *t, struct priority_scan *s)
{
	s->result = t->ioprio;
}

/* Of several the most urgent: the lowest.  Unset is best effort, at a level that follows nice. */
static void ioprio_get_one(struct thread *t, struct priority_scan *s)
{
	long value = t->ioprio ? t->ioprio :
		     IOPRIO_CLASS_BE << IOPRIO_CLASS_SHIFT | (t->sched.nice + 20) / 5;

	if (s->result < 0 || value < s->result)
		s->result = value;
}

static void ioprio_set_one(struct thread *t, struct priority_scan *s)
{
	if (may_change(t))
		t->ioprio = (uint16_t)s->nice;
	if (s->result == -ESRCH || !may_change(t))
		s->result = may_change(t) ? 0 : -EPERM;
}

/* The callers of ioprio_* and *priority name threads alike, but count from 1 and 0. */
static long scan_ioprio(int which, int who, struct priority_scan *s,
			void (*fn)(struct thread *, struct priority_scan *))
{
	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	return scan_priority(which - IOPRIO_WHO_PROCESS + PRIO_PROCESS, who, s, fn);
}

long sys_ioprio_get(int which, int who)
{
	struct priority_scan s = { 0 };

	return scan_ioprio(which, who, &s,
			   which == IOPRIO_WHO_PROCESS ? ioprio_get_raw : ioprio_get_one);
}

static int check_ioprio(int ioprio)
{
	switch (ioprio >> IOPRIO_CLASS_SHIFT) {
	case IOPRIO_CLASS_RT:
		return current_cred()->euid == 0 ? 0 : -EPERM;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return ioprio & IOPRIO_LEVEL_MASK ? -EINVAL : 0;
	}
	return -EINVAL;
}

long sys_ioprio_set(int which, int who, int ioprio)
{
	struct priority_scan s = { .nice = ioprio };
	int err = check_ioprio(ioprio);

	return err ? err : scan_ioprio(which, who, &s, ioprio_set_one);
}
