/* SPDX-License-Identifier: MIT */
/*
 * Signals: sending and queueing.  Taking them is in signal_deliver.c.
 *
 * I1  A bit in a pending set stands for at least one queued or bare instance; the queue holds the
 *     siginfo where there was memory and, for standard signals, at most one.
 * I2  A fatal signal without a handler ends the process at the moment it is sent: the group exit
 *     starts under the same lock.  Not so what a tracer shall see first, and what makes a core
 *     file, which the taker writes.
 * I3  WORK_SIGNAL is set on a thread whenever signal_deliver() would find something; it may be set
 *     too often, never too seldom.
 *
 * The sighand's lock (class SIGNAL, interrupts masked: timers send from interrupts) guards all of
 * it for all threads of the process.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <generated/syscall_protos.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/wait.h>
#include "ptrace_internal.h"

#define BITS(a) (1ULL << ((a) - 1))
#define STOP_SIGNALS	(BITS(SIGSTOP) | BITS(SIGTSTP) | BITS(SIGTTIN) | BITS(SIGTTOU))
#define IGNORED_BY_DEFAULT (BITS(SIGCHLD) | BITS(SIGCONT) | BITS(SIGURG) | BITS(SIGWINCH))
#define NEVER_BLOCKED	(BITS(SIGKILL) | BITS(SIGSTOP))
#define CORE_SIGNALS	(BITS(SIGQUIT) | BITS(SIGILL) | BITS(SIGTRAP) | BITS(SIGABRT) | \
			 BITS(SIGFPE) | BITS(SIGSEGV) | BITS(SIGBUS) | BITS(SIGSYS) | \
			 BITS(SIGXCPU) | BITS(SIGXFSZ))
#define SYNCHRONOUS	(BITS(SIGSEGV) | BITS(SIGBUS) | BITS(SIGILL) | BITS(SIGTRAP) | \
			 BITS(SIGFPE) | BITS(SIGSYS))

static struct slab_cache *sigqueue_cache;

void signal_init(void)
{
	sigqueue_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "sigqueue", .size = sizeof(struct sigqueue) });
	if (IS_ERR(sigqueue_cache))
		panic("signal: no memory");
}

bool sig_is_default_ignored(int sig)
{
	return IGNORED_BY_DEFAULT & BITS(sig);
}

bool sig_is_stop(int sig)
{
	return STOP_SIGNALS & BITS(sig);
}

bool sig_makes_core(int sig)
{
	return CORE_SIGNALS & BITS(sig);
}

void siginfo_init(struct siginfo *info, int sig, int code)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
}

static void sigqueue_free(struct sigqueue *q)
{
	__atomic_fetch_sub(&q->process->nr_pending, 1, __ATOMIC_RELAXED);
	process_put(q->process);
	slab_free(sigqueue_cache, q);
}

void sigqueue_flush(struct list *queue, sigset_t *set)
{
	struct sigqueue *q, *next;

	list_for_each_entry_safe(q, next, queue, node) {
		list_del(&q->node);
		sigqueue_free(q);
	}
	list_init(queue);
	set->v = 0;
}

static void flush_mask(struct list *queue, sigset_t *set, uint64_t mask)
{
	struct sigqueue *q, *next;

	if (!(set->v & mask))
		return;
	set->v &= ~mask;
	list_for_each_entry_safe(q, next, queue, node)
		if (BITS(q->info.si_signo) & mask) {
			list_del(&q->node);
			sigqueue_free(q);
		}
}

/* SIGCONT discards stops, stops discard SIGCONT: in the process and all its threads. */
static void discard_opposites(struct process *p, uint64_t mask)
{
	struct thread *t;

	flush_mask(&p->pending, &p->pending_set, mask);
	list_for_each_entry_rcu(t, &p->threads, process_node)
		flush_mask(&t->pending, &t->pending_set, mask);
}

static bool action_ignores(const struct process *p, int sig)
{
	uint64_t handler = p->sighand->actions[sig - 1].sa_handler;

	return handler == SIG_IGN || (handler == SIG_DFL && sig_is_default_ignored(sig));
}

static bool is_fatal(const struct process *p, int sig)
{
	return p->sighand->actions[sig - 1].sa_handler == SIG_DFL &&
	       !((IGNORED_BY_DEFAULT | STOP_SIGNALS) & BITS(sig));
}

/* PID 1 gets only what it handles: nothing but its own faults may kill or stop it by default. */
bool signal_is_protected(const struct process *p, int sig, const struct siginfo *info)
{
	bool forced = info && info->si_code > 0 && (SYNCHRONOUS & BITS(sig));

	return p == init_process && !forced && p->sighand->actions[sig - 1].sa_handler == SIG_DFL;
}

/* Would a signal sent now be thrown away?  A blocked one is kept: the action may change. */
static bool is_dropped(const struct process *p, const struct thread *t, int sig,
		       const struct siginfo *info)
{
	const struct thread *to = t ? t : p->leader;

	if (p->state != PROCESS_ALIVE || p->group_stop == GROUP_EXIT || p->core)
		return sig != SIGKILL;
	if (to->blocked.v & ~NEVER_BLOCKED & BITS(sig))
		return false;
	if (thread_is_traced(to) && sig != SIGKILL)
		return false;
	return signal_is_protected(p, sig, info) || (action_ignores(p, sig) && sig != SIGCONT);
}

static void wake_for_signal(struct thread *t, bool fatal)
{
	uint32_t states = THREAD_INTERRUPTIBLE;

	if (fatal)
		states |= THREAD_KILLABLE | THREAD_STOPPED;
	if (fatal && t->ptrace && ptrace_may_kill(t))
		states |= THREAD_TRACED;
	thread_set_work(t, WORK_SIGNAL);
	if (thread_wake_states(t, states))
		return;
	/* Running in user mode elsewhere: make it look. */
	if (t != current_thread() && __atomic_load_n(&t->on_cpu, __ATOMIC_RELAXED))
		arch_ipi_send(t->cpu, IPI_RESCHEDULE);
}

void signal_wake(struct thread *t)
{
	wake_for_signal(t, false);
}

void signal_wake_fatal(struct thread *t)
{
	wake_for_signal(t, true);
}

/* Everybody ends with @code. */
void signal_group_exit_locked(struct process *p, int code)
{
	struct thread *t;

	p->group_stop = GROUP_EXIT;
	p->group_exit_code = code;
	list_for_each_entry_rcu(t, &p->threads, process_node)
		if (t != current_thread())
			wake_for_signal(t, true);
		else
			thread_set_work(t, WORK_SIGNAL);
}

/* Only SIGKILL reaches a stopped thread; others wait until it goes on. */
static bool wants(const struct thread *t, int sig)
{
	if (thread_is_leaving(t) || t->state == THREAD_DEAD)
		return false;
	if (sig != SIGKILL && (t->state & (THREAD_STOPPED | THREAD_TRACED)))
		return false;
	return (~t->blocked.v | t->waited.v) & BITS(sig);
}

/* Who shall take a signal for the process: the leader if it can, else the first that can. */
static struct thread *choose(struct process *p, int sig)
{
	struct thread *t;

	if (wants(p->leader, sig))
		return p->leader;
	list_for_each_entry_rcu(t, &p->threads, process_node)
		if (wants(t, sig))
			return t;
	return NULL;
}

static void complete(struct process *p, struct thread *t, int sig)
{
	struct thread *target = t ? (wants(t, sig) ? t : NULL) : choose(p, sig);

	if (!target)
		return;
	/* I2; but one that sigtimedwait() waits for is taken, not suffered. */
	if (is_fatal(p, sig) && p->group_stop != GROUP_EXIT && !(target->waited.v & BITS(sig)) &&
	    (sig == SIGKILL || !(thread_is_traced(target) || sig_makes_core(sig)))) {
		signal_group_exit_locked(p, WAIT_KILLED(sig));
		return;
	}
	wake_for_signal(target, sig == SIGKILL);
}

static int queue_signal(struct process *p, struct thread *t, int sig, const struct siginfo *info)
{
	struct list *queue = t ? &t->pending : &p->pending;
	sigset_t *set = t ? &t->pending_set : &p->pending_set;
	uint64_t limit = p->rlimits[RLIMIT_SIGPENDING].rlim_cur;
	bool realtime = sig >= SIGRTMIN;
	struct sigqueue *q = NULL;

	if (!realtime && (set->v & BITS(sig)))
		return 0;		/* I1 */
	if (sig != SIGKILL && (p->nr_pending < limit || (info && info->si_code > 0)))
		q = slab_alloc(sigqueue_cache, ALLOC_ATOMIC);
	if (!q && realtime && info && info->si_code != SI_USER)
		return -EAGAIN;
	if (q) {
		process_ref(p);
		__atomic_fetch_add(&p->nr_pending, 1, __ATOMIC_RELAXED);
		q->process = p;
		if (info)
			q->info = *info;
		else
			siginfo_init(&q->info, sig, SI_KERNEL);
		list_add_tail(&q->node, queue);
	}
	set->v |= BITS(sig);
	return 0;
}

/* The lock of @p's sighand is held.  @t NULL: to the process. */
int signal_send_locked(struct process *p, struct thread *t, int sig, const struct siginfo *info)
{
	int err;

	if (p->state != PROCESS_ALIVE || (t && thread_is_leaving(t)))
		return 0;
	if (sig_is_stop(sig))
		discard_opposites(p, BITS(SIGCONT));
	if (sig == SIGCONT) {
		discard_opposites(p, STOP_SIGNALS);
		stop_resume(p);
	}
	if (is_dropped(p, t, sig, info))
		return 0;
	err = queue_signal(p, t, sig, info);
	if (err)
		return err;
	waitq_wake_all(&p->sighand->signalfd_waitq, 0);
	complete(p, t, sig);
	return 0;
}

int signal_send_thread(struct thread *t, int sig, const struct siginfo *info)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);
	int err = signal_send_locked(t->process, t, sig, info);

	sighand_unlock(s, flags);
	return err;
}

int signal_send_process(struct process *p, int sig, const struct siginfo *info)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);
	int err = signal_send_locked(p, NULL, sig, info);

	sighand_unlock(s, flags);
	return err;
}

int signal_send_group(struct pid *group, int sig, const struct siginfo *info)
{
	struct process *p;
	int err = -ESRCH;

	spin_lock(&tasklist_lock);
	list_for_each_entry(p, &group->members[PID_GROUP], pid_node[PID_GROUP])
		err = signal_send_process(p, sig, info);
	spin_unlock(&tasklist_lock);
	return err;
}

void signal_force(int sig, int code, uint64_t address)
{
	struct thread *t = current_thread();
	struct siginfo info;
	unsigned long flags;
	struct sighand *s;
	struct sigaction *a;

	siginfo_init(&info, sig, code);
	info.si_addr = address;
	s = sighand_lock_own(&flags);
	a = &s->actions[sig - 1];
	/*
	 * Blocked or ignored, it cannot be handled and the instruction cannot go on: the default
	 * action.
	 */
	if ((t->blocked.v & ~NEVER_BLOCKED & BITS(sig)) || a->sa_handler == SIG_IGN) {
		a->sa_handler = SIG_DFL;
		t->blocked.v &= ~BITS(sig);
	}
	flush_mask(&t->pending, &t->pending_set, BITS(sig));
	(void)signal_send_locked(t->process, t, sig, &info);
	sighand_unlock(s, flags);
}

bool signal_is_fatal_pending(void)
{
	struct thread *t = current_thread();
	struct process *p = t->process;

	return __atomic_load_n(&p->group_stop, __ATOMIC_RELAXED) == GROUP_EXIT ||
	       (__atomic_load_n(&p->exec_thread, __ATOMIC_RELAXED) && p->exec_thread != t);
}

void signal_recompute_locked(struct thread *t)
{
	struct process *p = t->process;
	bool stop = stop_is_due(t) || ptrace_trap_is_due(t);

	/* I3 */
	if (((t->pending_set.v | p->pending_set.v) & ~t->blocked.v) || stop ||
	    p->notify_continued || p->group_stop == GROUP_EXIT ||
	    (p->exec_thread && p->exec_thread != t))
		thread_set_work(t, WORK_SIGNAL);
	else
		thread_clear_work(t, WORK_SIGNAL);
}

/* A signal for the process may be waiting for a thread that is about to block it: pass it on. */
static void hand_over(struct thread *t, uint64_t newly_blocked)
{
	struct process *p = t->process;
	uint64_t waiting = p->pending_set.v & newly_blocked;
	struct thread *other;

	if (!waiting || p->nr_threads < 2)
		return;
	list_for_each_entry_rcu(other, &p->threads, process_node)
		if (other != t && (waiting & (~other->blocked.v | other->waited.v)))
			wake_for_signal(other, false);
}

void signal_set_mask(sigset_t mask)
{
	struct thread *t = current_thread();
	unsigned long flags;
	struct sighand *s;

	mask.v &= ~NEVER_BLOCKED;
	if (t->blocked.v == mask.v)
		return;
	s = sighand_lock_own(&flags);
	hand_over(t, mask.v & ~t->blocked.v);
	t->blocked = mask;
	signal_recompute_locked(t);
	sighand_unlock(s, flags);
}

void signal_set_temporary_mask(sigset_t mask)
{
	struct thread *t = current_thread();

	t->saved_mask = t->blocked;
	thread_set_work(t, WORK_MASK);
	signal_set_mask(mask);
}

void signal_restore_mask(void)
{
	struct thread *t = current_thread();

	if (!(t->core.work & WORK_MASK))
		return;
	thread_clear_work(t, WORK_MASK);
	signal_set_mask(t->saved_mask);
}

bool signal_is_ignored_or_blocked(int sig)
{
	struct thread *t = current_thread();

	return (t->blocked.v & BITS(sig)) ||
	       t->process->sighand->actions[sig - 1].sa_handler == SIG_IGN;
}

/*
 * Faults come before everything else, so that they hit the instruction that made them; then the
 * lowest number.
 */
static int lowest(uint64_t set)
{
	if (set & SYNCHRONOUS)
		set &= SYNCHRONOUS;
	return __builtin_ctzll(set) + 1;
}

static int take(struct list *queue, sigset_t *set, uint64_t mask, struct siginfo *info)
{
	struct sigqueue *q, *found = NULL;
	int sig;

	if (!(set->v & mask))
		return 0;
	sig = lowest(set->v & mask);
	set->v &= ~BITS(sig);
	list_for_each_entry(q, queue, node) {
		if (q->info.si_signo != sig)
			continue;
		if (found) {
			set->v |= BITS(sig);	/* more of the same real-time signal wait */
			break;
		}
		found = q;
	}
	if (!found) {
		siginfo_init(info, sig, SI_USER);
		return sig;
	}
	*info = found->info;
	list_del(&found->node);
	sigqueue_free(found);
	return sig;
}

/* Take the next signal in @mask; the lock is held.  0: none. */
int dequeue_locked(struct thread *t, uint64_t mask, struct siginfo *info)
{
	int sig = take(&t->pending, &t->pending_set, mask, info);

	if (!sig)
		sig = take(&t->process->pending, &t->process->pending_set, mask, info);
	return sig;
}

int signal_dequeue(const sigset_t *set, struct siginfo *info)
{
	struct thread *t = current_thread();
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);
	int sig = dequeue_locked(t, set->v & ~NEVER_BLOCKED, info);

	if (sig)
		signal_recompute_locked(t);
	sighand_unlock(s, flags);
	return sig;
}

/*
 * The caller is on its way out: from here on no signal is sent to it, what waits for the process
 * goes to others, and a stop does not wait for it.
 */
void signal_thread_leaves(struct thread *t)
{
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);
	bool stopped;

	s = core_dump_join(t, s, &flags);
	hand_over(t, ~t->blocked.v);
	t->blocked.v = ~0ULL;
	stopped = stop_leave(p, t);
	sighand_unlock(s, flags);
	if (!stopped)
		return;
	spin_lock(&tasklist_lock);
	notify_parent(p, CLD_STOPPED, p->stop_signal);
	spin_unlock(&tasklist_lock);
}

static void notify(struct process *to, struct thread *t, int sig, int code, int status)
{
	const struct cpu_usage *u = &t->process->dead_threads;
	struct siginfo info;

	if (sig && to != &kernel_process) {
		siginfo_init(&info, sig, code);
		info.si_pid = t->pid->nr;
		info.si_uid = t->cred->uid;
		info.si_status = status;
		info.si_utime = (int64_t)(u->user_ns / 10000000);
		info.si_stime = (int64_t)(u->system_ns / 10000000);
		(void)signal_send_process(to, sig, &info);
	}
	waitq_wake_all(&to->child_waitq, 0);
}

/* tasklist_lock held, for the next two as well. */
void notify_change(struct process *to, struct thread *t, int code, int status)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(to, &flags);
	bool silent = s->actions[SIGCHLD - 1].sa_flags & SA_NOCLDSTOP;

	sighand_unlock(s, flags);
	notify(to, t, silent ? 0 : SIGCHLD, code, status);
}

void notify_end(struct process *to, struct thread *t, int sig, int w)
{
	int code = !(w & 0x7f) ? CLD_EXITED : w & WAIT_CORE_FLAG ? CLD_DUMPED : CLD_KILLED;

	notify(to, t, sig, code, w & 0x7f ? w & 0x7f : w >> 8 & 0xff);
}

/*
 * Tell the parent of a change: the end (@code 0), a stop or a continuation.  tasklist_lock held.
 */
void notify_parent(struct process *p, int code, int status)
{
	if (code)
		notify_change(p->parent, p->leader, code, status);
	else
		notify_end(p->parent, p->leader, (int)p->leader->exit_signal, p->exit_code);
}
