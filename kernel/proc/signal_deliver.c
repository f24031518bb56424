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
#include "ptrace_internal.h"

#define BITS(a) (1ULL << ((a) - 1))

static void tell_continued(struct process *p, struct sighand *s, unsigned long *flags)
{
	p->notify_continued = false;
	sighand_unlock(s, *flags);
	spin_lock(&tasklist_lock);
	notify_parent(p, CLD_CONTINUED, SIGCONT);
	if (p->leader->tracer && p->leader->tracer != p->parent)
		notify_change(p->leader->tracer, p->leader, CLD_CONTINUED, SIGCONT);
	spin_unlock(&tasklist_lock);
	(void)!sighand_lock(p, flags);
}

/* @info NULL: of somebody else's making, so no core file is due. */
__noreturn static void die(int sig, const struct siginfo *info, struct sighand *s,
			   unsigned long flags)
{
	struct process *p = current_process();
	int code = WAIT_KILLED(sig);

	sighand_unlock(s, flags);
	if (info && sig_makes_core(sig) && core_dump(info))
		code |= WAIT_CORE_FLAG;
	process_exit(p->group_stop == GROUP_EXIT ? p->group_exit_code : code);
}

/* Take a signal and let the tracer change it.  0: none.  May drop the lock in between. */
static int next_signal(struct thread *t, struct siginfo *info, struct sighand **s,
		       unsigned long *flags)
{
	int sig = dequeue_locked(t, ~t->blocked.v, info);

	/* SIGCONT takes this back, also while the lock is dropped. */
	t->process->stop_dequeued = true;
	if (!sig || sig == SIGKILL || !thread_is_traced(t))
		return sig;
	sighand_unlock(*s, *flags);
	sig = ptrace_signal(t, sig, info);
	*s = sighand_lock_own(flags);
	return sig ? sig : -1;
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
			die(SIGKILL, NULL, s, flags);
		/* exec or a core dump ends this thread, not the process */
		if (p->exec_thread && p->exec_thread != t) {
			sighand_unlock(s, flags);
			thread_exit(0);
		}
		if (p->notify_continued)
			tell_continued(p, s, &flags);
		if (ptrace_trap_is_due(t)) {
			sighand_unlock(s, flags);
			ptrace_trap(t);
			s = sighand_lock_own(&flags);
			continue;
		}
		if (stop_is_due(t)) {
			stop_self(t, s, flags);
			s = sighand_lock(p, &flags);
			continue;
		}
		sig = next_signal(t, info, &s, &flags);
		if (!sig)
			break;
		/* While a tracer looked, the process may have been killed. */
		if (sig < 0 || p->group_stop == GROUP_EXIT)
			continue;
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
			die(sig, info, s, flags);
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
	ptrace_handler_runs(regs);
}

static bool is_restart(int64_t result)
{
	return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
	       result == -ERESTART_RESTARTBLOCK;
}

/*
 * Where the result shares a register with an argument, a debugger must see the call undone before
 * it saves registers: what it puts back after a call of its own is made again then.
 */
struct undone {
	int64_t result;			/* of the call; 0: nothing was undone */
	uint64_t pc_after, pc_again;
};

static struct undone undo_for_debugger(struct regs *regs)
{
	struct undone u = { .result = regs_is_syscall(regs) ? regs_return(regs) : 0,
			    .pc_after = regs_pc(regs) };

	if (!ARCH_RESULT_IS_ARGUMENT || !thread_is_traced(current_thread()) ||
	    !is_restart(u.result))
		return (struct undone){ 0 };
	regs_restart_syscall(regs, regs_syscall_nr(regs));
	u.pc_again = regs_pc(regs);
	return u;
}

/* The call shall not be made again after all, unless the debugger went elsewhere. */
static void settle(struct regs *regs, const struct undone *u, const struct sigaction *action)
{
	if (!u->result || regs_pc(regs) != u->pc_again)
		return;
	if (!action) {
		if (u->result == -ERESTART_RESTARTBLOCK)
			regs_set_restarted_nr(regs, __NR_restart_syscall);
	} else if (u->result != -ERESTARTNOINTR &&
		   !(u->result == -ERESTARTSYS && action->sa_flags & SA_RESTART)) {
		regs_set_return(regs, -EINTR);
		regs_set_pc(regs, u->pc_after);
	}
}

void signal_deliver(struct regs *regs)
{
	struct thread *t = current_thread();
	struct undone undone = undo_for_debugger(regs);
	struct sigaction action;
	struct siginfo info;
	int sig = next_handled(t, &action, &info);

	settle(regs, &undone, sig ? &action : NULL);
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
