/* SPDX-License-Identifier: MIT */
/* Small system calls on processes and threads: identity, prctl, personality. */
#include <generated/syscall_protos.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/systrace.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <uapi/personality.h>
#include <uapi/prctl.h>
#include "proc.h"

long sys_getpid(void)  { return current_process()->pid->nr; }
long sys_gettid(void)  { return current_thread()->pid->nr; }

/*
 * The parent pointer is read without a lock: the process it names stays valid while RCU holds it.
 */
long sys_getppid(void)
{
	struct process *parent;
	long nr;

	rcu_read_lock();
	parent = rcu_dereference(current_process()->parent);
	nr = parent->pid->nr;
	rcu_read_unlock();
	return nr;
}

long sys_getcpu(uaddr_t cpu, uaddr_t node, uaddr_t cache)
{
	if (cpu.v && put_user((uint32_t)this_cpu_id(), cpu))
		return -EFAULT;
	if (node.v && put_user((uint32_t)0, node))
		return -EFAULT;
	return 0;
}

long sys_personality(unsigned int persona)
{
	struct process *p = current_process();
	unsigned int old = p->personality;

	if (persona != 0xffffffffu)
		p->personality = persona;
	return old;
}

static long set_name(uaddr_t uname)
{
	struct thread *t = current_thread();
	char name[THREAD_NAME_MAX] = { 0 };
	long n = copy_string_from_user(name, uname, sizeof(name) - 1);

	if (n == -EFAULT)
		return n;
	name[sizeof(name) - 1] = '\0';
	memcpy(t->name, name, sizeof(name));
	return 0;
}

static long set_pdeath(unsigned long sig)
{
	if (sig > NSIG_MAX)
		return -EINVAL;
	current_thread()->pdeath_signal = (int32_t)sig;
	return 0;
}

static long set_no_new_privs(unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)
{
	if (a2 != 1 || a3 || a4 || a5)
		return -EINVAL;
	current_process()->no_new_privs = 1;
	return 0;
}

static long set_dumpable(unsigned long value)
{
	if (value > 1)
		return -EINVAL;
	current_process()->dumpable = (uint32_t)value;
	return 0;
}

/*
 * Who may trace the caller is not narrowed to its ancestors here, so there is nothing to widen; the
 * number is checked as Linux's Yama does.
 */
static long set_ptracer(unsigned long pid)
{
	struct process *p;

	if (!pid || pid == ~0UL)
		return 0;
	p = pid <= INT32_MAX ? process_get((int)pid) : NULL;
	if (!p)
		return -EINVAL;
	process_put(p);
	return 0;
}

long sys_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)
{
	struct thread *t = current_thread();
	struct process *p = t->process;

	switch (option) {
	case PR_SET_NAME:
		return set_name(UADDR(a2));
	case PR_GET_NAME:
		return copy_to_user(UADDR(a2), t->name, sizeof(t->name));
	case PR_SET_PDEATHSIG:
		return set_pdeath(a2);
	case PR_GET_PDEATHSIG:
		return put_user((uint32_t)t->pdeath_signal, UADDR(a2));
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_SET_DUMPABLE:
		return set_dumpable(a2);
	case PR_SET_PTRACER:
		return set_ptracer(a2);
	case PR_SET_NO_NEW_PRIVS:
		return set_no_new_privs(a2, a3, a4, a5);
	case PR_GET_NO_NEW_PRIVS:
		return a2 || a3 || a4 || a5 ? -EINVAL : (long)p->no_new_privs;
	case PR_SET_CHILD_SUBREAPER:
		p->is_subreaper = a2;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_user((uint32_t)p->is_subreaper, UADDR(a2));
	case PR_SET_TIMERSLACK:
		t->timer_slack_ns = a2 ? a2 : 50000;
		return 0;
	case PR_GET_TIMERSLACK:
		return (long)t->timer_slack_ns;
	case PR_SET_KEEPCAPS:
		if (a2 > 1)
			return -EINVAL;
		p->keep_caps = (uint32_t)a2;
		return 0;
	case PR_GET_KEEPCAPS:
		return p->keep_caps;
	case PR_GET_SECUREBITS:
		return 0;
	case PR_CAPBSET_READ:
		return a2 > 40 ? -EINVAL : 1;
	}
	return systrace_prctl(option, a2, a3, a4, a5);
}
