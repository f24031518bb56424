/* SPDX-License-Identifier: MIT */
/*
 * Stops of a tracee, from its own side, and the freezing and resuming of it from the tracer's.  The
 * theory is in ptrace.c.
 */
#include <arch/ptrace.h>
#include <arch/regs.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/init.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <uapi/wait.h>
#include "ptrace_internal.h"


void ptrace_set_phase(struct ptrace_state *pt, enum ptrace_phase to)
{
	static const uint64_t legal =
		1ULL << (PTRACE_RUNS * 8 + PTRACE_STOPPED) |
		1ULL << (PTRACE_RUNS * 8 + PTRACE_ENDED) |
		1ULL << (PTRACE_STOPPED * 8 + PTRACE_FROZEN) |
		1ULL << (PTRACE_STOPPED * 8 + PTRACE_RUNS) |
		1ULL << (PTRACE_LISTENS * 8 + PTRACE_RUNS) |
		1ULL << (PTRACE_FROZEN * 8 + PTRACE_STOPPED) |
		1ULL << (PTRACE_FROZEN * 8 + PTRACE_LISTENS) |
		1ULL << (PTRACE_FROZEN * 8 + PTRACE_RUNS) |
		1ULL << (PTRACE_ENDED * 8 + PTRACE_RUNS);

	ASSERT(legal >> ((unsigned int)pt->phase * 8 + (unsigned int)to) & 1);
	__atomic_store_n(&pt->phase, to, __ATOMIC_RELEASE);
}

struct stop {
	int code;			/* wait status >> 8 */
	int why;			/* CLD_* for SIGCHLD */
	uint64_t message;
	struct siginfo *info;		/* NULL: a group stop, which has none */
	int keep;			/* the signal to go on with when nobody answers */
	bool at_exit;			/* the last stop of a thread that may be killed already */
};

/* Make the caller STOPPED.  tasklist_lock held; false: it must not stop any more. */
static bool enter_stop(struct thread *t, const struct stop *a, bool *last)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s = sighand_lock_own(&flags);

	if (!t->tracer || (signal_is_fatal_pending() && !a->at_exit)) {
		pt->attaching = false;
		sighand_unlock(s, flags);
		return false;
	}
	pt->code = a->code;
	pt->message = a->message;
	pt->signal = a->keep;
	pt->killed = false;
	pt->has_info = a->info != NULL;
	if (a->info)
		pt->info = *a->info;
	if (a->why == CLD_STOPPED) {
		*last = stop_take_part(t);
		pt->trap_notify = false;
	}
	pt->trap_stop = pt->attaching = false;
	ptrace_set_phase(pt, PTRACE_STOPPED);
	thread_set_state(THREAD_TRACED);
	sighand_unlock(s, flags);
	return true;
}

/* P3: until the phase is RUNS.  The signal to go on with. */
static int sleep_in_stop(struct thread *t, struct siginfo *info)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s;
	int sig;

	for (;;) {
		schedule();
		s = sighand_lock_own(&flags);
		if (pt->phase == PTRACE_RUNS)
			break;
		thread_set_state(THREAD_TRACED);
		sighand_unlock(s, flags);
	}
	sig = pt->signal;
	if (info)
		*info = pt->info;
	pt->has_info = false;
	pt->code = 0;
	signal_recompute_locked(t);
	sighand_unlock(s, flags);
	thread_set_work(t, WORK_FRAME);
	if (!thread_is_traced(t)) {
		arch_single_step_disable(t, arch_user_regs(t));
		arch_debug_clear(t);
	}
	return sig;
}

/* PTRACE_ATTACH waits for a stop that will not come.  tasklist_lock held. */
static void wake_attacher(struct thread *t)
{
	if (t->tracer)
		waitq_wake_all(&t->tracer->child_waitq, 0);
}

static int stop(const struct stop *a)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	bool last = false;

	spin_lock(&tasklist_lock);
	if (!enter_stop(t, a, &last)) {
		wake_attacher(t);
		spin_unlock(&tasklist_lock);
		return a->keep;
	}
	notify_change(t->tracer, t, a->why, a->code & 0x7f);
	if (last && t->tracer != p->parent)
		notify_parent(p, CLD_STOPPED, p->stop_signal);
	spin_unlock(&tasklist_lock);
	return sleep_in_stop(t, a->info);
}

static void own_info(struct siginfo *info, int sig, int code)
{
	siginfo_init(info, sig, code);
	info->si_pid = current_thread()->pid->nr;
	info->si_uid = current_cred()->uid;
}

/* A stop that shows SIGTRAP, with its code in si_code.  The signal that the tracer gave. */
static int trap(int code, uint64_t message, bool at_exit)
{
	struct siginfo info;

	own_info(&info, SIGTRAP, code);
	return stop(&(struct stop){ .code = code, .why = CLD_TRAPPED, .message = message,
				    .info = &info, .at_exit = at_exit });
}

void ptrace_event(int event, uint64_t message)
{
	if (ptrace_wants(event))
		(void)trap(event << 8 | SIGTRAP, message, event == PTRACE_EVENT_EXIT);
}

/* Without the event, whoever did not come by PTRACE_SEIZE gets a plain SIGTRAP. */
void ptrace_exec(int old_tid)
{
	struct thread *t = current_thread();
	struct siginfo info;

	if (!thread_is_traced(t))
		return;
	if (ptrace_wants(PTRACE_EVENT_EXEC)) {
		ptrace_event(PTRACE_EVENT_EXEC, (uint64_t)old_tid);
	} else if (!t->ptrace->seized) {
		own_info(&info, SIGTRAP, SI_USER);
		(void)!signal_send_thread(t, SIGTRAP, &info);
	}
}

/* The tracer gave another signal than the one shown: then it is from the tracer. */
static void new_info(struct thread *t, int sig, struct siginfo *info)
{
	siginfo_init(info, sig, SI_USER);
	rcu_read_lock();
	spin_lock(&tasklist_lock);
	if (t->tracer) {
		info->si_pid = t->tracer->pid->nr;
		info->si_uid = rcu_dereference(t->tracer->leader->cred)->uid;
	}
	spin_unlock(&tasklist_lock);
	rcu_read_unlock();
}

int ptrace_signal(struct thread *t, int sig, struct siginfo *info)
{
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *s;

	sig = stop(&(struct stop){ .code = sig, .why = CLD_TRAPPED, .info = info, .keep = sig });
	if (!sig)
		return 0;
	if (sig != info->si_signo)
		new_info(t, sig, info);
	if (!(t->blocked.v & sig_bit(sig)))
		return sig;
	s = sighand_lock_own(&flags);	/* it waits until it is unblocked */
	(void)!signal_send_locked(p, t, sig, info);
	sighand_unlock(s, flags);
	return 0;
}

bool ptrace_trap_is_due(const struct thread *t)
{
	const struct ptrace_state *pt = t->ptrace;

	return pt && t->tracer && (pt->trap_stop || pt->trap_notify || stop_is_due(t));
}

void ptrace_trap(struct thread *t)
{
	struct ptrace_state *pt = t->ptrace;
	struct process *p = t->process;
	struct siginfo info;
	unsigned long flags;
	struct sighand *s = sighand_lock_own(&flags);
	int sig = stop_is_on(p) ? p->stop_signal : 0;
	bool seized = pt->seized;

	if (!sig && !seized) {		/* SIGCONT was quicker than the attach */
		pt->trap_stop = pt->attaching = pt->trap_notify = false;
		sighand_unlock(s, flags);
		spin_lock(&tasklist_lock);
		wake_attacher(t);
		spin_unlock(&tasklist_lock);
		return;
	}
	sighand_unlock(s, flags);
	if (!seized) {
		(void)stop(&(struct stop){ .code = sig, .why = CLD_STOPPED });
		return;
	}
	sig = sig ? sig : SIGTRAP;
	own_info(&info, sig, sig | PTRACE_EVENT_STOP << 8);
	(void)stop(&(struct stop){ .code = sig | PTRACE_EVENT_STOP << 8, .why = CLD_STOPPED,
				   .info = &info });
}

/* Ends PTRACE_LISTEN: the thread wakes to report again. */
static void end_listening(struct thread *t)
{
	if (t->ptrace->phase != PTRACE_LISTENS)
		return;
	ptrace_set_phase(t->ptrace, PTRACE_RUNS);
	(void)thread_wake_states(t, THREAD_TRACED);
}

void ptrace_group_news(struct thread *t)
{
	if (!t->tracer || !t->ptrace->seized)
		return;
	t->ptrace->trap_notify = true;
	signal_wake(t);
	end_listening(t);
}

bool ptrace_may_kill(struct thread *t)
{
	struct ptrace_state *pt = t->ptrace;

	if (pt->phase == PTRACE_FROZEN) {
		pt->killed = true;
		return false;
	}
	if (pt->phase == PTRACE_STOPPED || pt->phase == PTRACE_LISTENS)
		ptrace_set_phase(pt, PTRACE_RUNS);
	return true;
}

/* Calls and steps. */

static void report_call(struct thread *t, uint64_t which)
{
	bool good = t->ptrace->options & PTRACE_O_TRACESYSGOOD;
	int sig = trap(SIGTRAP | (good ? 0x80 : 0), which, false);

	if (sig > 0 && sig <= NSIG_MAX)
		(void)!signal_send_thread(t, sig, NULL);
}

static bool call_enter(struct regs *regs)
{
	struct thread *t = current_thread();
	enum ptrace_resume how = t->ptrace->resume;

	if (how == PTRACE_STEP || how == PTRACE_GO_ON || !thread_is_traced(t))
		return true;
	report_call(t, PTRACE_EVENTMSG_SYSCALL_ENTRY);
	return arch_syscall_changed(regs) && how == PTRACE_TO_CALL && !signal_is_fatal_pending();
}

/* A step that was a system call ends behind it, and not one instruction later. */
static void report_step(const struct regs *regs)
{
	signal_force(SIGTRAP, arch_step_code, arch_step_code > 0 ? regs_pc(regs) : 0);
}

static void call_exit(struct regs *regs)
{
	struct thread *t = current_thread();

	if (!thread_is_traced(t))
		return;
	if (t->ptrace->resume == PTRACE_TO_CALL)
		report_call(t, PTRACE_EVENTMSG_SYSCALL_EXIT);
	else if (t->ptrace->resume == PTRACE_STEP)
		report_step(regs);
}

void ptrace_handler_runs(struct regs *regs)
{
	struct thread *t = current_thread();

	if (!thread_is_traced(t) || t->ptrace->resume < PTRACE_STEP ||
	    t->ptrace->resume == PTRACE_EMULATE)
		return;
	arch_single_step_disable(t, regs);
	(void)trap(SIGTRAP, 0, false);
}

bool ptrace_trap_is_stale(struct regs *regs)
{
	struct thread *t = current_thread();

	if (!t->ptrace || thread_is_traced(t) || !arch_single_step_is_on(t))
		return false;
	arch_single_step_disable(t, regs);
	return true;
}

/* The tracer's side. */

static int try_freeze(struct thread *t)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);
	int err = -ESRCH;

	if (!ptrace_is_mine(t)) {
		/* detached since the request was admitted, perhaps somebody else's by now */
	} else if (pt->phase == PTRACE_FROZEN) {
		err = -EAGAIN;
	} else if (pt->phase == PTRACE_STOPPED && t->state == THREAD_TRACED) {
		ptrace_set_phase(pt, PTRACE_FROZEN);
		pt->freezer = current_thread();
		pt->killed = false;
		err = 0;
	}
	sighand_unlock(s, flags);
	return err;
}

int ptrace_freeze(struct thread *t)
{
	int err;

	/* Another thread of this tracer is in a request, which does not last. */
	while ((err = try_freeze(t)) == -EAGAIN && !signal_is_fatal_pending())
		sleep_ns(50000);
	if (!err)
		sched_wait_asleep(t);
	return err == -EAGAIN ? -ESRCH : err;
}

void ptrace_thaw(struct thread *t)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);

	/* If this request let it go on, it may be in the next stop, frozen by the next request. */
	if (pt->phase == PTRACE_FROZEN && pt->freezer == current_thread()) {
		ptrace_set_phase(pt, pt->killed ? PTRACE_RUNS : PTRACE_STOPPED);
		if (pt->killed)
			(void)thread_wake_states(t, THREAD_TRACED);
	}
	sighand_unlock(s, flags);
}

/* @t, frozen, goes on with @sig. */
void ptrace_resume(struct thread *t, enum ptrace_resume how, int sig)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s;

	if (how == PTRACE_STEP || how == PTRACE_EMULATE_STEP)
		arch_single_step_enable(t, arch_user_regs(t));
	else
		arch_single_step_disable(t, arch_user_regs(t));
	s = sighand_lock(t->process, &flags);
	pt->resume = how;
	if (how == PTRACE_GO_ON)
		thread_clear_work(t, WORK_PTRACE);
	else
		thread_set_work(t, WORK_PTRACE);
	pt->signal = sig;
	ptrace_set_phase(pt, PTRACE_RUNS);
	(void)thread_wake_states(t, THREAD_TRACED);
	sighand_unlock(s, flags);
}

static const struct syscall_stops stops = { .enter = call_enter, .exit = call_exit };

static int ptrace_init(void)
{
	syscall_stops_register(&stops);
	return 0;
}
INITCALL(INIT_CORE, ptrace_init);
