/* SPDX-License-Identifier: MIT */
/* Resource limits and usage. */
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/posix_timer.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include "proc.h"

static int check_new(const struct rlimit *old, const struct rlimit *new, unsigned int resource)
{
	if (new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (resource == RLIMIT_NOFILE && new->rlim_max > (1 << 20))
		return -EPERM;
	if (new->rlim_max > old->rlim_max && current_cred()->euid != 0)
		return -EPERM;
	return 0;
}

static int exchange(struct process *p, unsigned int resource, const struct rlimit *new,
		    struct rlimit *old)
{
	int err = 0;

	spin_lock(&p->lock);
	*old = p->rlimits[resource];
	if (new) {
		err = check_new(old, new, resource);
		if (!err)
			p->rlimits[resource] = *new;
	}
	spin_unlock(&p->lock);
	return err;
}

static bool is_same_user(const struct cred *me, const struct cred *to)
{
	return me->uid == to->uid && me->uid == to->euid && me->uid == to->suid &&
	       me->gid == to->gid && me->gid == to->egid && me->gid == to->sgid;
}

/* A reference to @p does not keep its leader: the lock does. */
bool process_has_my_ids(struct process *p)
{
	bool same;

	spin_lock(&tasklist_lock);
	same = p->state != PROCESS_REAPED && is_same_user(current_cred(), p->leader->cred);
	spin_unlock(&tasklist_lock);
	return same;
}

/* Another process's limits are for the same user only. */
static bool may_change(struct process *p)
{
	return p == current_process() || current_cred()->euid == 0 || process_has_my_ids(p);
}

long sys_prlimit64(int pid, int resource, uaddr_t unew, uaddr_t uold)
{
	struct rlimit new, old;
	struct process *p;
	long err;

	if (resource < 0 || resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (unew.v && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (pid < 0)
		return -ESRCH;
	p = pid ? process_get(pid) : current_process();
	if (!p)
		return -ESRCH;
	err = may_change(p) ? exchange(p, (unsigned int)resource, unew.v ? &new : NULL, &old) :
		-EPERM;
	if (!err && unew.v && resource == RLIMIT_CPU)
		err = process_cpu_limit_set(p);
	if (pid)
		process_put(p);
	if (!err && uold.v)
		err = copy_to_user(uold, &old, sizeof(old));
	return err;
}

long sys_getrlimit(int resource, uaddr_t rlim)
{
	return sys_prlimit64(0, resource, UADDR(0), rlim);
}

long sys_setrlimit(int resource, uaddr_t rlim)
{
	return rlim.v ? sys_prlimit64(0, resource, rlim, UADDR(0)) : -EFAULT;
}

long sys_getrusage(int who, uaddr_t usage)
{
	struct thread *t = current_thread();
	struct cpu_usage u = { 0 };
	struct rusage ru;

	switch (who) {
	case RUSAGE_SELF:
		process_usage(t->process, &u);
		if (t->aspace && u.max_rss_pages < t->aspace->rss_max)
			u.max_rss_pages = t->aspace->rss_max;
		break;
	case RUSAGE_CHILDREN:
		u = t->process->dead_children;
		break;
	case RUSAGE_THREAD:
		thread_usage(t, &u);
		break;
	default:
		return -EINVAL;
	}
	usage_to_rusage(&u, &ru);
	return copy_to_user(usage, &ru, sizeof(ru));
}
