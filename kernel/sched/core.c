/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's core: switching, sleeping, waking.
 *
 * The problem: put the right thread on each CPU, with no lock that all CPUs share, and never lose a
 * wake-up.
 *
 * I1  A thread is on at most one run queue; thread.cpu names it, and changes only while the thread
 *     is off every queue, or under both queues' locks.
 * I2  on_cpu is 1 from before a thread is switched to until after it was switched from; only
 *     then may another CPU run it.
 * I3  A sleeper sets its state, then looks at its condition; a waker makes the condition true, then
 *     looks at the state.  Both are full barriers, so one of them sees the other.
 * I4  A thread with a sleeping state that is still on its queue has not gone to sleep yet: waking
 *     it is setting the state back under the queue's lock.
 *
 * Locking: thread.lock orders wakers of one thread and guards affinity and policy; the run queue's
 * lock is inside it.  The switch passes the queue's lock from the old thread to the new one, which
 * releases it in finish_switch(): so it is taken raw, without the order checker.
 *
 * A wake-up that hands the CPU over (thread_wake_sync) puts the woken thread on the waker's own
 * queue as .handoff, and the next pick takes it without a search, if it is eligible: pipe and futex
 * ping-pong then cost one queue and no search.
 */
#include "runqueue.h"
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/time.h>
#include <arch/upcalls.h>
#include <kernel/clock.h>
#include <kernel/rseq.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/timer.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/aspace.h>

DEFINE_PERCPU(struct runqueue, runqueues);

static struct runqueue *rq_lock(struct runqueue *rq)
{
	spin_lock_raw(&rq->lock);
	return rq;
}

/* Lock the queue that @t belongs to; interrupts are masked. */
struct runqueue *thread_rq_lock(struct thread *t)
{
	for (;;) {
		struct runqueue *rq = rq_lock(cpu_rq(__atomic_load_n(&t->cpu, __ATOMIC_RELAXED)));

		if (likely(rq->cpu == t->cpu))
			return rq;
		spin_unlock_raw(&rq->lock);
	}
}

void thread_rq_unlock(struct runqueue *rq)
{
	spin_unlock_raw(&rq->lock);
}

/* Charge the running thread for the time since the last update. */
void rq_update(struct runqueue *rq)
{
	struct thread *t = rq->current;
	int64_t now = clock_ns(), delta = now - t->sched.exec_start_ns;

	rq->clock_ns = now;
	if (t == rq->idle || delta <= 0)
		return;
	t->sched.exec_start_ns = now;
	t->sched.sum_exec_ns += (uint64_t)delta;
	if (t->sched.class == SCHED_CLASS_FAIR)
		fair_charge(rq, t, delta);
	else if (t->sched.policy == SCHED_RR)
		t->sched.slice_ns -= delta;
}

static void attach(struct runqueue *rq, struct thread *t)
{
	if (t->sched.class == SCHED_CLASS_RT)
		rt_enqueue(rq, t, false);
	else
		fair_enqueue(rq, t);
	__atomic_store_n(&t->cpu, rq->cpu, __ATOMIC_RELAXED);
	__atomic_store_n(&rq->nr_running, rq->nr_running + 1, __ATOMIC_RELAXED);
}

static void detach(struct runqueue *rq, struct thread *t)
{
	if (rq->handoff == t)
		rq->handoff = NULL;
	if (t->sched.class == SCHED_CLASS_RT)
		rt_dequeue(rq, t);
	else
		fair_dequeue(rq, t);
	__atomic_store_n(&rq->nr_running, rq->nr_running - 1, __ATOMIC_RELAXED);
}

void rq_enqueue(struct runqueue *rq, struct thread *t)
{
	attach(rq, t);
	__atomic_store_n(&t->sched.on_queue, true, __ATOMIC_RELEASE);
}

void rq_dequeue(struct runqueue *rq, struct thread *t)
{
	detach(rq, t);
	__atomic_store_n(&t->sched.on_queue, false, __ATOMIC_RELEASE);
}

/*
 * Both queues are locked; @t waits on @from.  It may have been preempted on its way to sleep, so a
 * waker may be looking at on_queue without a lock: the flag stays true, or the waker would queue it
 * a second time.
 */
void move_thread(struct runqueue *from, struct runqueue *to, struct thread *t)
{
	detach(from, t);
	attach(to, t);
}

/* Make @rq's CPU call schedule() soon.  The queue's lock is held. */
void rq_resched(struct runqueue *rq)
{
	struct thread *t = rq->current;

	if (__atomic_load_n(&t->core.work, __ATOMIC_RELAXED) & WORK_RESCHED)
		return;
	thread_set_work(t, WORK_RESCHED);
	if (rq->cpu != this_cpu_id())
		arch_ipi_send(rq->cpu, IPI_RESCHEDULE);
}

void rq_check_preempt(struct runqueue *rq, struct thread *woken)
{
	struct thread *t = rq->current;

	if (t == rq->idle || woken->sched.class < t->sched.class)
		rq_resched(rq);
	else if (woken->sched.class > t->sched.class)
		return;
	else if (woken->sched.class == SCHED_CLASS_RT
		 ? woken->sched.rt_priority > t->sched.rt_priority
		 : fair_preempts(rq, woken, t))
		rq_resched(rq);
}

static struct thread *pick_next(struct runqueue *rq, struct thread *prev, bool prev_runs)
{
	struct thread *next = rq->handoff;

	if (unlikely(rq->rt.nr))
		return rt_pick(rq);
	if (next && !prev_runs && fair_is_eligible(rq, next))
		return next;
	next = fair_pick(rq);
	if (!prev_runs)
		return next ? next : rq->idle;
	/*
	 * The running thread competes: it stays while it is eligible and nobody's deadline is
	 * earlier.
	 */
	if (!next || (fair_is_eligible(rq, prev) && prev->sched.deadline <= next->sched.deadline))
		return prev;
	return next;
}

/*
 * Set the hardware event for the scheduler's own needs and the timers'.  An event that is set
 * earlier than needed stays: it costs one early interrupt instead of a device write at every
 * switch.
 */
static void program_event(struct runqueue *rq, struct thread *next)
{
	int64_t want;

	if (next == rq->idle)
		return;
	if (rq->next_tick_ns <= rq->clock_ns)
		rq->next_tick_ns = rq->clock_ns + TICK_NS;
	want = rq->next_tick_ns;
	if (rq->nr_running > 1 && next->sched.policy != SCHED_FIFO)
		want = min(want, rq->clock_ns + max(next->sched.slice_ns, (int64_t)100000));
	if (want < rq->event_ns) {
		rq->event_ns = want;
		timer_program_sched(want);
	}
}

/*
 * May @t, which would go on running here, not?  Only in state RUNNING, which no waker changes: in
 * another one it was preempted on its way to sleep, and a waker would queue it while push_thread()
 * does.
 */
static bool must_leave(const struct runqueue *rq, const struct thread *t)
{
	return t != rq->idle && !cpumask_has(&t->affinity, rq->cpu) &&
	       __atomic_load_n(&t->state, __ATOMIC_RELAXED) == THREAD_RUNNING;
}

/*
 * @t runs, is on no queue and off this CPU.  Its lock keeps its class and affinity while it is
 * queued elsewhere.
 */
static void push_thread(struct runqueue *rq, struct thread *t)
{
	struct runqueue *to;

	rq->push = NULL;
	spin_lock_raw(&t->lock);
	to = rq_lock(cpu_rq(select_cpu(t, false)));
	rq_update(to);
	rq_enqueue(to, t);
	rq_check_preempt(to, t);
	thread_rq_unlock(to);
	spin_unlock_raw(&t->lock);
}

/* On the new thread's stack: the old one is off this CPU now. */
static void finish_switch(void)
{
	struct runqueue *rq = this_rq();
	struct thread *prev = rq->prev;
	bool dead = prev->state == THREAD_DEAD;

	/* I2; pairs with the acquire loads of on_cpu in wakers. */
	__atomic_store_n(&prev->on_cpu, 0, __ATOMIC_RELEASE);
	spin_unlock_raw(&rq->lock);
	if (unlikely(dead))
		thread_put(prev);
	else if (unlikely(rq->push == prev))
		push_thread(rq, prev);
}

static void switch_to(struct runqueue *rq, struct thread *prev, struct thread *next)
{
	rq->current = next;
	rq->prev = prev;
	rq->switches++;
	next->sched.exec_start_ns = rq->clock_ns;
	next->cpu = rq->cpu;
	rseq_switched_in(next);
	__atomic_store_n(&next->on_cpu, 1, __ATOMIC_RELAXED);
	if (next->aspace != prev->aspace)
		arch_aspace_switch(next->aspace);
	arch_switch(prev, next);
	finish_switch();
}

/* A sleeper with a signal that its state admits stays awake. */
static bool signal_keeps_awake(struct thread *t, uint32_t state)
{
	if (!(__atomic_load_n(&t->core.work, __ATOMIC_RELAXED) & WORK_SIGNAL))
		return false;
	return (state & THREAD_INTERRUPTIBLE) ||
		((state & THREAD_KILLABLE) && signal_is_fatal_pending());
}

/*
 * The next thread is known to be another one: @prev's place in the queue, @next's, and the switch.
 */
static void requeue(struct runqueue *rq, struct thread *prev, struct thread *next, bool prev_runs)
{
	bool out = prev_runs && prev->sched.class == SCHED_CLASS_FAIR;
	bool in = next != rq->idle && next->sched.class == SCHED_CLASS_FAIR;

	if (prev_runs)
		prev->sched.switches_forced++;
	if (out && in)
		fair_swap(rq, prev, next);
	else if (out)
		fair_put_prev(rq, prev);
	else if (in)
		fair_set_next(rq, next);
}

/*
 * The one place where threads change.  Interrupts masked, preemption count 1, the queue locked and
 * up to date; it is unlocked here.  @runs: @prev competes for the CPU; otherwise it is off the
 * queue.
 */
static void schedule_locked(struct runqueue *rq, struct thread *prev, bool runs)
{
	struct thread *next;

	/* Others set the bit under the queue's lock, so none is lost. */
	if (__atomic_load_n(&prev->core.work, __ATOMIC_RELAXED) & WORK_RESCHED)
		thread_clear_work(prev, WORK_RESCHED);
	if (runs && unlikely(must_leave(rq, prev))) {
		rq_dequeue(rq, prev);
		rq->push = prev;
		runs = false;
	}
	if (prev == rq->idle)
		runs = false;
	if (!rq->nr_running && balance_idle(rq))
		rq_update(rq);
	next = pick_next(rq, prev, runs);
	rq->handoff = NULL;
	program_event(rq, next);
	if (next == prev) {
		spin_unlock_raw(&rq->lock);
		return;
	}
	requeue(rq, prev, next, runs);
	switch_to(rq, prev, next);
}

/*
 * Interrupts masked, preemption count 1.  @preempted: the thread did not ask, so a sleeping state
 * set already does not put it to sleep yet.
 */
static void schedule_masked(bool preempted)
{
	struct thread *prev = current_thread();
	struct runqueue *rq = this_rq();
	uint32_t state;
	bool runs = true;

	rcu_quiescent();
	rq_lock(rq);
	rq_update(rq);
	state = __atomic_load_n(&prev->state, __ATOMIC_RELAXED);
	if (state != THREAD_RUNNING && !preempted) {
		if (signal_keeps_awake(prev, state)) {
			__atomic_store_n(&prev->state, THREAD_RUNNING, __ATOMIC_RELAXED);
		} else {
			rq_dequeue(rq, prev);
			prev->sched.switches_voluntary++;
			runs = false;
		}
	}
	schedule_locked(rq, prev, runs);
}

static void (*sleep_hook)(void);		/* [I] after boot */

void sched_set_sleep_hook(void (*fn)(void))
{
	sleep_hook = fn;
}

void schedule(void)
{
	unsigned long flags;

	might_sleep();
	/* Somebody may be waited for who waits for what this thread holds back. */
	if (unlikely(current_thread()->plug) && sleep_hook)
		sleep_hook();
	flags = arch_irq_save();
	preempt_disable();
	schedule_masked(false);
	preempt_enable_no_resched();
	arch_irq_restore(flags);
}

void preempt_schedule(void)
{
	if (!arch_irq_is_enabled())
		return;
	arch_irq_disable();
	while (__atomic_load_n(&current_core()->work, __ATOMIC_RELAXED) & WORK_RESCHED) {
		preempt_disable();
		schedule_masked(true);
		preempt_enable_no_resched();
	}
	arch_irq_enable();
}

/*
 * From the end of an interrupt that came in preemptible kernel code; interrupts stay masked for the
 * caller.
 */
void preempt_schedule_irq(void)
{
	preempt_disable();
	schedule_masked(true);
	preempt_enable_no_resched();
}

void sched_yield_current(void)
{
	struct runqueue *rq;
	struct thread *t = current_thread();

	arch_irq_disable();
	preempt_disable();
	rcu_quiescent();
	rq = rq_lock(this_rq());
	if (rq->nr_running > 1) {
		rq_update(rq);
		if (t->sched.class == SCHED_CLASS_RT)
			rt_rotate(rq, t);
		else
			fair_yield(rq, t);
		schedule_locked(rq, t, true);
	} else {
		spin_unlock_raw(&rq->lock);
		rcu_quiescent();
	}
	preempt_enable_no_resched();
	arch_irq_enable();
}

/*
 * The thread's lock is held, interrupts masked.  True if @t was put on a queue or stays awake
 * because of us.
 */
static bool wake_locked(struct thread *t, uint32_t states, bool sync)
{
	uint32_t state = __atomic_load_n(&t->state, __ATOMIC_SEQ_CST);
	struct runqueue *rq;

	if (!(state & states))
		return false;
	if (__atomic_load_n(&t->sched.on_queue, __ATOMIC_ACQUIRE)) {
		bool still;

		rq = thread_rq_lock(t);
		still = t->sched.on_queue;
		if (still)	/* I4 */
			__atomic_store_n(&t->state, THREAD_RUNNING, __ATOMIC_RELAXED);
		thread_rq_unlock(rq);
		if (still)
			return true;
	}
	/* It is on its way out: I2. */
	while (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
	__atomic_store_n(&t->state, THREAD_RUNNING, __ATOMIC_RELAXED);
	rq = rq_lock(cpu_rq(select_cpu(t, sync)));
	rq_update(rq);
	rq_enqueue(rq, t);
	/* The idle thread (in an interrupt) does not block soon: it must be asked to switch. */
	if (sync && rq->cpu == this_cpu_id() && t->sched.class == SCHED_CLASS_FAIR &&
	    rq->current != rq->idle)
		rq->handoff = t;
	else
		rq_check_preempt(rq, t);
	if (rq->cpu == this_cpu_id())
		program_event(rq, rq->current);
	thread_rq_unlock(rq);
	return true;
}

static bool wake(struct thread *t, uint32_t states, bool sync)
{
	unsigned long flags;
	bool woken;

	/* I3: what the caller changed is visible before the state is looked at. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&t->state, __ATOMIC_RELAXED) & states))
		return false;
	flags = spin_lock_irqsave(&t->lock);
	woken = wake_locked(t, states, sync);
	spin_unlock_irqrestore(&t->lock, flags);
	return woken;
}

bool thread_wake_states(struct thread *t, uint32_t states)
{
	return wake(t, states, false);
}

bool thread_wake_sync(struct thread *t)
{
	return wake(t, THREAD_INTERRUPTIBLE | THREAD_UNINTERRUPTIBLE | THREAD_KILLABLE, true);
}

struct sleeper {
	struct timer timer;
	struct thread *thread;
	bool expired;
};

static void sleeper_wake(struct timer *timer)
{
	struct sleeper *s = container_of(timer, struct sleeper, timer);

	__atomic_store_n(&s->expired, true, __ATOMIC_RELEASE);
	thread_wake(s->thread);
}

/* Why did a sleep that ended without its event end?  0: the event is to be looked at again. */
static int sleep_result(uint32_t state)
{
	if (!signal_is_pending())
		return 0;
	if (state == THREAD_INTERRUPTIBLE)
		return -ERESTARTSYS;
	return state == THREAD_KILLABLE && signal_is_fatal_pending() ? -ERESTARTSYS : 0;
}

int schedule_wait(int64_t deadline_ns)
{
	uint32_t state = __atomic_load_n(&current_thread()->state, __ATOMIC_RELAXED);
	struct sleeper s;

	if (deadline_ns == WAIT_FOREVER) {
		schedule();
		return sleep_result(state);
	}
	s.thread = current_thread();
	s.expired = false;
	timer_init(&s.timer, sleeper_wake);
	timer_arm(&s.timer, deadline_ns);
	schedule();
	timer_cancel(&s.timer);
	if (__atomic_load_n(&s.expired, __ATOMIC_ACQUIRE))
		return -ETIMEDOUT;
	return sleep_result(state);
}

void sleep_ns(int64_t ns)
{
	int64_t deadline = clock_ns() + ns;

	do {
		thread_set_state(THREAD_UNINTERRUPTIBLE);
	} while (schedule_wait(deadline) != -ETIMEDOUT && clock_ns() < deadline);
	thread_set_state(THREAD_RUNNING);
}

void sched_start(struct thread *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	(void)wake_locked(t, THREAD_UNINTERRUPTIBLE, false);
	spin_unlock_irqrestore(&t->lock, flags);
}

void sched_exit(void)
{
	arch_irq_disable();
	preempt_disable();
	__atomic_store_n(&current_thread()->state, THREAD_DEAD, __ATOMIC_SEQ_CST);
	schedule_masked(false);
	panic("sched: a dead thread ran");
}

void sched_wait_off_cpu(struct thread *t)
{
	while (__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
}

/* It may have been preempted between its state and schedule(): then it runs once more (I4). */
void sched_wait_asleep(struct thread *t)
{
	while (__atomic_load_n(&t->sched.on_queue, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE)) {
		if (t->cpu == this_cpu_id())
			sleep_ns(50000);
		else
			sched_yield_current();
	}
}

void thread_start(void (*entry)(void *arg), void *arg)
{
	finish_switch();
	preempt_enable_no_resched();
	arch_irq_enable();
	if (!entry)
		return;
	entry(arg);
	/*
	 * PID 1's thread has become a user thread in @entry, and returns to user mode; others are
	 * done.
	 */
	if (!thread_is_user(current_thread()))
		thread_exit(0);
}

/*
 * The event fired, or a timer's did.  Charges the running thread, asks for a switch when its slice
 * is over, and does what is due at ticks.
 */
void sched_tick(void)
{
	struct runqueue *rq = rq_lock(this_rq());
	struct thread *t = rq->current;

	rq->event_ns = INT64_MAX;
	rq_update(rq);
	if (t->sched.policy == SCHED_RR && t->sched.slice_ns <= 0 && rq->rt.nr > 1) {
		rt_rotate(rq, t);
		rq_resched(rq);
	}
	if (t != rq->idle && rq->clock_ns >= rq->next_tick_ns) {
		account_tick(rq, irq_regs() && regs_is_user(irq_regs()));
		balance_tick(rq);
		rq->next_tick_ns = rq->clock_ns + TICK_NS;
	}
	if (unlikely(must_leave(rq, t)))
		rq_resched(rq);
	program_event(rq, t);
	thread_rq_unlock(rq);
}

void sched_idle_loop(void)
{
	unsigned int cpu = this_cpu_id();

	for (;;) {
		arch_irq_disable();
		cpumask_set(&idle_cpus, cpu);
		rcu_idle_enter();
		if (!(__atomic_load_n(&current_core()->work, __ATOMIC_SEQ_CST) & WORK_RESCHED))
			arch_idle();
		rcu_idle_exit();
		arch_irq_enable();
		if (__atomic_load_n(&current_core()->work, __ATOMIC_RELAXED) & WORK_RESCHED) {
			cpumask_clear(&idle_cpus, cpu);
			schedule();
		}
	}
}
