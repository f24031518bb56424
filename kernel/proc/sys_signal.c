/* SPDX-License-Identifier: MIT */
/* System calls on signals. */
#include <arch/signal.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <mm/uaccess.h>
#include "proc.h"

#define BITS(a) (1ULL << ((a) - 1))

static bool sig_is_valid(int sig)
{
	return sig >= 1 && sig <= NSIG_MAX;
}

/*
 * Same user: the sender's real or effective id is the target's real or saved one.  SIGCONT: also
 * within the session.
 */
int signal_permission(struct process *p, int sig)
{
	const struct cred *me = current_cred(), *to = p->leader->cred;

	if (p == current_process() || me->euid == 0)
		return 0;
	if (me->euid == to->suid || me->euid == to->uid || me->uid == to->suid ||
	    me->uid == to->uid)
		return 0;
	return sig == SIGCONT && p->session == current_process()->session ? 0 : -EPERM;
}

static void user_info(struct siginfo *info, int sig, int code)
{
	siginfo_init(info, sig, code);
	info->si_pid = current_process()->pid->nr;
	info->si_uid = current_cred()->uid;
}

/* tasklist_lock held. */
static long kill_one(struct process *p, int sig, const struct siginfo *info)
{
	long err = signal_permission(p, sig);

	return err || !sig ? err : signal_send_process(p, sig, info);
}

/* Success if one was reached; else the last error. */
static long kill_group(struct pid *group, int sig, const struct siginfo *info)
{
	long err = -ESRCH;
	bool any = false;
	struct process *p;

	if (!group)
		return -ESRCH;
	list_for_each_entry(p, &group->members[PID_GROUP], pid_node[PID_GROUP]) {
		err = kill_one(p, sig, info);
		any |= !err;
	}
	return any ? 0 : err;
}

/* -1: everybody that may be signalled but PID 1 and the caller. */
static long kill_all(int sig, const struct siginfo *info)
{
	long err = -ESRCH;
	bool any = false;
	struct process *p;

	list_for_each_entry(p, &process_list, all_node) {
		if (p == init_process || p == current_process())
			continue;
		err = kill_one(p, sig, info);
		any |= err != -EPERM;
	}
	return any ? 0 : err;
}

static long kill_by_pid(int pid, int sig, const struct siginfo *info)
{
	struct thread *t;
	long err;

	spin_lock(&tasklist_lock);
	if (pid > 0) {
		t = thread_find(pid);	/* any thread's number names its process */
		err = t ? kill_one(t->process, sig, info) : -ESRCH;
	} else if (pid == -1) {
		err = kill_all(sig, info);
	} else {
		err = kill_group(pid ? pid_find(-pid) : current_process()->group, sig, info);
	}
	spin_unlock(&tasklist_lock);
	return err;
}

long sys_kill(int pid, int sig)
{
	struct siginfo info;

	if (sig < 0 || sig > NSIG_MAX)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	user_info(&info, sig, SI_USER);
	return kill_by_pid(pid, sig, &info);
}

/* @tgid 0: any. */
static long kill_thread(int tgid, int tid, int sig, const struct siginfo *info)
{
	struct thread *t;
	long err = -ESRCH;

	/*
	 * A thread that is still in the map has a process, whose leader and credentials RCU keeps.
	 */
	rcu_read_lock();
	t = thread_find(tid);
	if (t && (!tgid || t->process->pid->nr == tgid)) {
		err = signal_permission(t->process, sig);
		if (!err && sig)
			err = signal_send_thread(t, sig, info);
	}
	rcu_read_unlock();
	return err;
}

long sys_tgkill(int tgid, int tid, int sig)
{
	struct siginfo info;

	if (tgid <= 0 || tid <= 0 || sig < 0 || sig > NSIG_MAX)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return kill_thread(tgid, tid, sig, &info);
}

long sys_tkill(int tid, int sig)
{
	struct siginfo info;

	if (tid <= 0 || sig < 0 || sig > NSIG_MAX)
		return -EINVAL;
	user_info(&info, sig, SI_TKILL);
	return kill_thread(0, tid, sig, &info);
}

/* A program may not pretend to be the kernel or kill(), except to itself. */
static long take_info(struct siginfo *info, uaddr_t uinfo, int sig, int pid)
{
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && pid != current_process()->pid->nr)
		return -EPERM;
	info->si_signo = sig;
	return 0;
}

long sys_rt_sigqueueinfo(int pid, int sig, uaddr_t uinfo)
{
	struct siginfo info;
	long err = take_info(&info, uinfo, sig, pid);

	if (err)
		return err;
	if (sig < 0 || sig > NSIG_MAX)
		return -EINVAL;
	return pid > 0 ? kill_by_pid(pid, sig, &info) : -ESRCH;
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int sig, uaddr_t uinfo)
{
	struct siginfo info;
	long err = take_info(&info, uinfo, sig, tgid);

	if (err)
		return err;
	if (tgid <= 0 || tid <= 0 || sig < 0 || sig > NSIG_MAX)
		return -EINVAL;
	return kill_thread(tgid, tid, sig, &info);
}

/* An action that ignores throws away what waits already. */
static void discard_ignored(struct process *p, int sig)
{
	struct siginfo scratch;
	struct thread *t;

	if (p->sighand->actions[sig - 1].sa_handler != SIG_IGN &&
	    !(p->sighand->actions[sig - 1].sa_handler == SIG_DFL && sig_is_default_ignored(sig)))
		return;
	list_for_each_entry_rcu(t, &p->threads, process_node)
		while (dequeue_locked(t, BITS(sig), &scratch))
			;
}

long sys_rt_sigaction(int sig, uaddr_t act, uaddr_t oact, size_t size)
{
	struct sigaction new, old;
	struct process *p = current_process();
	unsigned long flags;
	struct sighand *s;

	if (size != sizeof(sigset_t) || !sig_is_valid(sig) ||
	    (act.v && (sig == SIGKILL || sig == SIGSTOP)))
		return -EINVAL;
	if (act.v && copy_from_user(&new, act, sizeof(new)))
		return -EFAULT;
	s = sighand_lock_own(&flags);
	old = s->actions[sig - 1];
	if (act.v) {
		new.sa_mask.v &= ~(BITS(SIGKILL) | BITS(SIGSTOP));
		s->actions[sig - 1] = new;
		discard_ignored(p, sig);
	}
	sighand_unlock(s, flags);
	return oact.v ? copy_to_user(oact, &old, sizeof(old)) : 0;
}

long sys_rt_sigprocmask(int how, uaddr_t uset, uaddr_t oset, size_t size)
{
	sigset_t old = current_thread()->blocked, set;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (uset.v) {
		if (get_user(&set.v, uset))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			set.v |= old.v;
			break;
		case SIG_UNBLOCK:
			set.v = old.v & ~set.v;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		signal_set_mask(set);
	}
	return oset.v ? put_user(old.v, oset) : 0;
}

long sys_rt_sigpending(uaddr_t uset, size_t size)
{
	struct thread *t = current_thread();
	unsigned long flags;
	struct sighand *s;
	uint64_t set;

	if (size > sizeof(sigset_t))
		return -EINVAL;
	s = sighand_lock(t->process, &flags);
	set = (t->pending_set.v | t->process->pending_set.v) & t->blocked.v;
	sighand_unlock(s, flags);
	return copy_to_user(uset, &set, size);
}

long sys_rt_sigsuspend(uaddr_t uset, size_t size)
{
	sigset_t set;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (get_user(&set.v, uset))
		return -EFAULT;
	signal_set_temporary_mask(set);
	while (!signal_is_pending()) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		schedule();
	}
	return -ERESTARTNOHAND;
}

long sys_pause(void)
{
	while (!signal_is_pending()) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		schedule();
	}
	return -ERESTARTNOHAND;
}

/*
 * Take a signal of @set; none: from now on (@wait) or no more, a sender of one wakes us though it
 * is blocked.
 */
static int dequeue_or_mark(sigset_t set, sigset_t wait, struct siginfo *info)
{
	struct thread *t = current_thread();
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);
	int sig = dequeue_locked(t, set.v, info);

	t->waited.v = sig ? 0 : wait.v;
	signal_recompute_locked(t);
	sighand_unlock(s, flags);
	return sig;
}

/*
 * Take a signal of @set, waiting until @deadline.  The signals stay blocked: unblocked, their
 * default action would be taken at the moment they are sent, which is death for most and nothing
 * for SIGCHLD.
 */
static int wait_signal(sigset_t set, struct siginfo *info, int64_t deadline)
{
	int sig, err = 0;

	set.v &= ~(BITS(SIGKILL) | BITS(SIGSTOP));
	sig = dequeue_or_mark(set, set, info);
	while (!sig && !err) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		err = schedule_wait(deadline);
		thread_set_state(THREAD_RUNNING);
		sig = dequeue_or_mark(set, (sigset_t){ 0 }, info);
		if (!sig && !err)
			sig = dequeue_or_mark(set, set, info);
	}
	if (sig)
		return sig;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

long sys_rt_sigtimedwait(uaddr_t uset, uaddr_t uinfo, uaddr_t utimeout, size_t size)
{
	int64_t deadline = WAIT_FOREVER;
	struct siginfo info;
	struct timespec ts;
	sigset_t set;
	int sig;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (get_user(&set.v, uset) || (utimeout.v && copy_from_user(&ts, utimeout, sizeof(ts))))
		return -EFAULT;
	if (utimeout.v) {
		if (!timespec_is_valid(ts))
			return -EINVAL;
		deadline = clock_deadline(timespec_to_ns(ts));
	}
	sig = wait_signal(set, &info, deadline);
	if (sig > 0 && uinfo.v && copy_to_user(uinfo, &info, sizeof(info)))
		return -EFAULT;
	return sig;
}

static uint32_t altstack_state(const struct thread *t)
{
	uint64_t sp = regs_sp(arch_user_regs(t));

	if (!t->altstack.ss_size)
		return SS_DISABLE;
	if (!(t->altstack.ss_flags & SS_AUTODISARM) && sp > t->altstack.ss_sp &&
	    sp - t->altstack.ss_sp <= t->altstack.ss_size)
		return SS_ONSTACK;
	return 0;
}

long sys_sigaltstack(uaddr_t uss, uaddr_t uold)
{
	struct thread *t = current_thread();
	uint32_t state = altstack_state(t), mode;
	stack_t old = t->altstack, new;

	old.ss_flags = (int)(state | (t->altstack.ss_flags & SS_AUTODISARM));
	if (uss.v) {
		if (copy_from_user(&new, uss, sizeof(new)))
			return -EFAULT;
		if (state == SS_ONSTACK)
			return -EPERM;
		mode = (uint32_t)new.ss_flags & ~SS_AUTODISARM;
		if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
			return -EINVAL;
		if (mode == SS_DISABLE)
			new = (stack_t){ .ss_flags = SS_DISABLE };
		else if (new.ss_size < MINSIGSTKSZ)
			return -ENOMEM;
		t->altstack = new;
	}
	return uold.v ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

long sys_restart_syscall(void)
{
	struct thread *t = current_thread();

	return t->restart.fn ? t->restart.fn(t) : -EINTR;
}
