/* SPDX-License-Identifier: MIT */
/*
 * Taking signals, at the door to user mode: handlers, stops, death, and the restart of the
 * system call that was interrupted.
 */
#include <arch/cpu.h>
#include <arch/regs.h>
#include <arch/signal.h>
#include <kernel/log.h>
#include <kernel/rseq.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <uapi/wait.h>
#include <generated/syscall_nr.h>
#include <generated/syscall_protos.h>
#include "proc.h"

#define BITS(a) (1ULL << ((a) - 1))

static void tell_continued(struct process *p, struct sighand *s, unsigned long *flags)
{
	p->notify_continued = false;
	sighand_unlock(s, *flags);
	spin_lock(&tasklist_lock);
	notify_parent(p, CLD_CONTINUED, SIGCONT);
	spin_unlock(&tasklist_lock);
	(void)!sighand_lock(p, flags);
}

__noreturn static void die(int sig, struct sighand *s, unsigned long flags)
{
	struct process *p = current_process();

	sighand_unlock(s, flags);
	process_exit(p->group_stop == GROUP_EXIT ? p->group_exit_code : WAIT_KILLED(sig));
}

/*
 * The next signal that has a handler: its number, with *@action and *@info.  Stops and deaths
 * happen inside.  0: nothing is left.
 */
static int next_handled(struct thread *t, struct sigaction *action, struct siginfo *info)
{
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *s = sighand_lock_own(&flags);
	int sig;

	for (;;) {
		if (p->group_stop == GROUP_EXIT)
			die(SIGKILL, s, flags);
		/* exec ends this thread, not the process */
		if (p->exec_thread && p->exec_thread != t) {
			sighand_unlock(s, flags);
			thread_exit(WAIT_KILLED(SIGKILL));
		}
		if (p->notify_continued)
			tell_continued(p, s, &flags);
		if (stop_is_due(t)) {
			stop_self(t, s, flags);
			s = sighand_lock(p, &flags);
			continue;
		}
		sig = dequeue_locked(t, ~t->blocked.v, info);
		if (!sig)
			break;
		*action = s->actions[sig - 1];
		if (action->sa_handler == SIG_IGN)
			continue;
		if (action->sa_handler != SIG_DFL) {
			if (action->sa_flags & SA_RESETHAND)
				s->actions[sig - 1].sa_handler = SIG_DFL;
			break;
		}
		if (sig_is_default_ignored(sig) || signal_is_protected(p, sig, info))
			continue;
		if (sig_is_stop(sig))
			s = stop_by_default(p, sig, s, &flags);
		else
			die(sig, s, flags);
	}
	signal_recompute_locked(t);
	sighand_unlock(s, flags);
	return sig;
}

/* What an interrupted call does when a handler runs first. */
static void restart_before_handler(struct regs *regs, const struct sigaction *action)
{
	switch (regs_is_syscall(regs) ? regs_return(regs) : 0) {
	case -ERESTARTSYS:
		if (!(action->sa_flags & SA_RESTART)) {
			regs_set_return(regs, -EINTR);
			break;
		}
		fallthrough;
	case -ERESTARTNOINTR:
		regs_restart_syscall(regs, regs_syscall_nr(regs));
		break;
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		regs_set_return(regs, -EINTR);
		break;
	}
	regs_no_restart(regs);
}

static void restart_without_handler(struct regs *regs)
{
	switch (regs_is_syscall(regs) ? regs_return(regs) : 0) {
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
		regs_restart_syscall(regs, regs_syscall_nr(regs));
		break;
	case -ERESTART_RESTARTBLOCK:
		regs_restart_syscall(regs, __NR_restart_syscall);
		break;
	}
	regs_no_restart(regs);
}

static bool on_altstack(const struct thread *t, uint64_t sp)
{
	return !(t->altstack.ss_flags & SS_DISABLE) && sp > t->altstack.ss_sp &&
	       sp - t->altstack.ss_sp <= t->altstack.ss_size;
}

static uint64_t frame_top(const struct thread *t, const struct regs *regs,
			  const struct sigaction *action)
{
	uint64_t sp = regs_sp(regs);

	if ((action->sa_flags & SA_ONSTACK) && t->altstack.ss_size && !on_altstack(t, sp) &&
	    !(t->altstack.ss_flags & SS_DISABLE))
		return t->altstack.ss_sp + t->altstack.ss_size;
	return sp;
}

/*
 * There is no stack for a handler.  When it was SIGSEGV's own, trying that again would never end.
 */
static void signal_frame_failed(int sig)
{
	struct process *p = current_process();
	unsigned long flags;
	struct sighand *s;

	if (sig == SIGSEGV) {
		s = sighand_lock(p, &flags);
		s->actions[SIGSEGV - 1].sa_handler = SIG_DFL;
		sighand_unlock(s, flags);
	}
	signal_force(SIGSEGV, SI_KERNEL, 0);
}

static void run_handler(struct regs *regs, int sig, const struct sigaction *action,
			const struct siginfo *info)
{
	struct thread *t = current_thread();
	struct signal_frame_args args = {
		.sig = sig, .action = action, .info = info,
		.mask = t->core.work & WORK_MASK ? t->saved_mask : t->blocked,
		.altstack = &t->altstack, .stack_top = frame_top(t, regs, action),
		.fault_trapno = t->fault.trapno, .fault_error = t->fault.error,
		.fault_address = t->fault.address,
	};
	sigset_t mask = { t->blocked.v | action->sa_mask.v };

	thread_clear_work(t, WORK_MASK);
	if (t->rseq)
		rseq_exit_to_user(regs);
	if (arch_signal_push(regs, &args)) {
		signal_frame_failed(sig);
		return;
	}
	if (t->altstack.ss_flags & SS_AUTODISARM)
		t->altstack = (stack_t){ .ss_flags = SS_DISABLE };
	if (!(action->sa_flags & SA_NODEFER))
		mask.v |= BITS(sig);
	signal_set_mask(mask);
}

void signal_deliver(struct regs *regs)
{
	struct thread *t = current_thread();
	struct sigaction action;
	struct siginfo info;
	int sig = next_handled(t, &action, &info);

	if (sig) {
		restart_before_handler(regs, &action);
		run_handler(regs, sig, &action, &info);
		return;
	}
	restart_without_handler(regs);
	signal_restore_mask();
}

long sys_rt_sigreturn(struct regs *regs)
{
	struct thread *t = current_thread();
	sigset_t mask;
	stack_t altstack;

	if (arch_signal_pop(regs, &mask, &altstack)) {
		signal_force(SIGSEGV, SI_KERNEL, 0);
		return regs_return(regs);
	}
	regs_no_restart(regs);
	signal_set_mask(mask);
	/* From user memory: what sigaltstack() would refuse is not taken. */
	altstack.ss_flags &= (int)SS_AUTODISARM | SS_DISABLE;
	if ((altstack.ss_flags & SS_DISABLE) || altstack.ss_size < MINSIGSTKSZ)
		altstack = (stack_t){ .ss_flags = SS_DISABLE };
	if (!on_altstack(t, regs_sp(regs)))
		t->altstack = altstack;
	return regs_return(regs);
}
