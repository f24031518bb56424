/* SPDX-License-Identifier: MIT */
/*
 * POSIX timers: timer_create and friends.
 *
 * I1  A timer has at most one signal queued.  While it waits, further expiries count in .overrun
 *     and in the queued siginfo; all of it under the sighand's lock.
 * I2  A callback that finds .expiry_ns 0 or not yet reached does not signal, so stopping is: make
 *     it 0, then cancel.
 * I3  No signal is queued to a thread or process that is ending: its queue is flushed under the
 *     sighand's lock after that can be seen (thread.futex_exit, process.nr_threads), so nothing is
 *     left behind.
 *
 * A timer on the wall clock keeps its absolute moment there and is armed anew when the clock is
 * set.  One on a CPU-time clock is looked at when the clock may have come far enough.
 *
 * Locks: process->lock (ids) for finding; then the timer's own lock, interrupts masked.  The
 * sighand's lock is outside of the timer's, so a callback signals after it has let go of the timer.
 */
#include <generated/syscall_protos.h>
#include <kernel/deadline.h>
#include <kernel/init.h>
#include <kernel/mutex.h>
#include <kernel/posix_timer.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include "../proc/proc.h"
#include "itimer.h"

enum timer_clock { TIMER_MONOTONIC, TIMER_REALTIME, TIMER_CPU };

struct posix_timer {
	refcount_t refs;		/* the id map's, and users' */
	struct spinlock lock;		/* class TIMER_OWNER; interrupts masked */
	struct timer timer;
	struct list process_node;	/* [R] process lock: process.posix_timers */
	struct list realtime_node;	/* [R] realtime_lock; empty: another clock */
	struct process *process;	/* [I] not counted: its end deletes the timers */
	struct thread *target;		/* [I] counted; NULL: the process */
	struct cpu_clock cpu;		/* [I] counted; TIMER_CPU only */
	enum timer_clock clock;		/* [I] */
	int id;				/* [I] */
	int notify, signal;		/* [I] */
	sigval_t value;			/* [I] */
	int64_t expiry_ns;		/* [L] on its own clock; 0: off */
	int64_t interval_ns;		/* [L] */
	int32_t overrun;		/* [R] SIGNAL: of the newest signal */
	int32_t overrun_taken;		/* [R] SIGNAL: of the one before */
};

static struct mutex realtime_lock = MUTEX_INIT(realtime_lock, REGISTRY);
static struct list realtime_timers = LIST_INIT(realtime_timers);

static struct map_node *node_alloc(struct map *map)
{
	return kmalloc(sizeof(struct map_node), ALLOC_ATOMIC);
}

static void node_free(struct map *map, struct map_node *node)
{
	kfree(node);
}

static const struct map_ops id_ops = { node_alloc, node_free };

void posix_timers_init(struct interval_timers *s)
{
	idmap_init(&s->ids, &id_ops);
}

/* Signals. */

void timer_signal(struct process *p, int sig)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);

	if (p->nr_threads)		/* I3 */
		(void)signal_send_locked(p, NULL, sig, NULL);
	sighand_unlock(s, flags);
}

/* The queued signal of @t; the sighand's lock is held. */
static struct siginfo *queued_info(struct posix_timer *t)
{
	struct list *queue = t->target ? &t->target->pending : &t->process->pending;
	struct sigqueue *q;

	list_for_each_entry(q, queue, node)
		if (q->info.si_code == SI_TIMER && q->info.si_tid == t->id &&
		    q->info.si_signo == t->signal)
			return &q->info;
	return NULL;
}

static int32_t add_overrun(int32_t have, uint64_t more)
{
	return more > (uint64_t)(INT32_MAX - have) ? INT32_MAX : have + (int32_t)more;
}

static void send(struct posix_timer *t, uint64_t missed)
{
	struct siginfo info, *queued;
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);

	if (!t->process->nr_threads ||
	    (t->target && __atomic_load_n(&t->target->futex_exit, __ATOMIC_ACQUIRE)))
		goto unlock;		/* I3 */
	queued = queued_info(t);
	if (queued) {			/* I1 */
		t->overrun = add_overrun(t->overrun, missed + 1);
		queued->si_overrun = t->overrun;
		goto unlock;
	}
	t->overrun_taken = t->overrun;
	t->overrun = add_overrun(0, missed);
	siginfo_init(&info, t->signal, SI_TIMER);
	info.si_tid = t->id;
	info.si_overrun = t->overrun;
	info._sifields._timer.sigval = t->value;
	(void)signal_send_locked(t->process, t->target, t->signal, &info);
unlock:
	sighand_unlock(s, flags);
}

/* The clock of @t. */
static int64_t now_ns(const struct posix_timer *t)
{
	switch (t->clock) {
	case TIMER_MONOTONIC:
		return clock_ns();
	case TIMER_REALTIME:
		return clock_realtime_ns();
	case TIMER_CPU:
		return cpu_clock_ns(&t->cpu);
	}
	return 0;
}

static bool is_silent(const struct posix_timer *t)
{
	return t->notify == SIGEV_NONE;
}

/* Arm the hardware timer for .expiry_ns.  @now is on the timer's own clock; the lock is held. */
static void arm_locked(struct posix_timer *t, int64_t now)
{
	if (!t->expiry_ns || is_silent(t))
		return;
	switch (t->clock) {
	case TIMER_MONOTONIC:
		timer_arm(&t->timer, t->expiry_ns);
		return;
	case TIMER_REALTIME:
		timer_arm(&t->timer, realtime_to_clock_ns(t->expiry_ns));
		return;
	case TIMER_CPU:
		timer_arm(&t->timer, clock_ns_after(cpu_clock_distance_ns(&t->cpu,
									  max(t->expiry_ns - now,
									      (int64_t)0))));
	}
}

static void fire(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	int64_t now = now_ns(t);
	unsigned long flags = spin_lock_irqsave(&t->lock);
	bool expired = t->expiry_ns && now >= t->expiry_ns;		/* I2 */
	uint64_t missed = 0;

	if (expired)
		t->expiry_ns = t->interval_ns ? timer_next_period(t->expiry_ns, t->interval_ns, now,
								  &missed) : 0;
	arm_locked(t, now);
	spin_unlock_irqrestore(&t->lock, flags);
	if (expired)
		send(t, missed);
}

/* The wall clock was set. */
static void realtime_step(void)
{
	struct posix_timer *t;

	mutex_lock(&realtime_lock);
	list_for_each_entry(t, &realtime_timers, realtime_node) {
		unsigned long flags = spin_lock_irqsave(&t->lock);

		arm_locked(t, 0);
		spin_unlock_irqrestore(&t->lock, flags);
	}
	mutex_unlock(&realtime_lock);
}

static int posix_timer_init(void)
{
	static struct clock_observer observer = { .stepped = realtime_step };

	clock_on_realtime_step(&observer);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, posix_timer_init);

/* Making and finding. */

static void posix_timer_put(struct posix_timer *t)
{
	if (!refcount_dec_and_test(&t->refs))
		return;
	if (t->target)
		thread_put(t->target);
	if (t->clock == TIMER_CPU)
		cpu_clock_put(&t->cpu);
	kfree(t);
}

static struct posix_timer *posix_timer_get(int id)
{
	struct process *p = current_process();
	struct posix_timer *t = NULL;

	spin_lock(&p->lock);
	if (id >= 0 && p->itimers)
		t = idmap_find(&p->itimers->ids, (uint64_t)id);
	if (t)
		refcount_inc(&t->refs);
	spin_unlock(&p->lock);
	return t ? t : ERR_PTR(-EINVAL);
}

/* Stop @t, which is not in the id map any more, and drop the map's reference. */
static void posix_timer_delete(struct posix_timer *t)
{
	unsigned long flags;

	if (t->clock == TIMER_REALTIME) {
		mutex_lock(&realtime_lock);
		list_del_init(&t->realtime_node);
		mutex_unlock(&realtime_lock);
	}
	flags = spin_lock_irqsave(&t->lock);
	t->expiry_ns = 0;		/* I2 */
	spin_unlock_irqrestore(&t->lock, flags);
	timer_cancel(&t->timer);
	posix_timer_put(t);
}

/* Take a timer out of the process: the one with @id, or NULL when there is none. */
static struct posix_timer *unlink_locked(struct process *p, int id)
{
	struct posix_timer *t = p->itimers ? idmap_remove(&p->itimers->ids, (uint64_t)id) : NULL;

	if (t) {
		list_del(&t->process_node);
		p->itimers->nr_posix--;
	}
	return t;
}

void posix_timers_delete_all(struct process *p, struct interval_timers *s)
{
	struct posix_timer *t;

	for (;;) {
		spin_lock(&p->lock);
		t = list_empty(&p->posix_timers) ? NULL :
		    container_of(p->posix_timers.next, struct posix_timer, process_node);
		if (t)
			(void)unlink_locked(p, t->id);
		spin_unlock(&p->lock);
		if (!t)
			return;
		posix_timer_delete(t);
	}
}

static int set_clock(struct posix_timer *t, int clock)
{
	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		t->clock = TIMER_MONOTONIC;
		return 0;
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		t->clock = TIMER_REALTIME;
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	}
	if (cpu_clock_get(clock, &t->cpu))
		return -EINVAL;
	t->clock = TIMER_CPU;
	return 0;
}

static int set_event(struct posix_timer *t, const struct sigevent *e)
{
	t->notify = e->sigev_notify & ~SIGEV_THREAD_ID;
	t->signal = e->sigev_signo;
	t->value = e->sigev_value;
	if (t->notify < SIGEV_SIGNAL || t->notify > SIGEV_THREAD ||
	    ((e->sigev_notify & SIGEV_THREAD_ID) && t->notify != SIGEV_SIGNAL))
		return -EINVAL;
	if (t->notify != SIGEV_NONE && (t->signal < 1 || t->signal > NSIG_MAX))
		return -EINVAL;
	if (!(e->sigev_notify & SIGEV_THREAD_ID))
		return 0;
	t->target = thread_get(e->sigev_notify_thread_id);
	return t->target && t->target->process == t->process ? 0 : -EINVAL;
}

static struct posix_timer *posix_timer_create(int clock, const struct sigevent *e)
{
	struct posix_timer *t = kzalloc(sizeof(*t), 0);
	int err;

	if (!t)
		return ERR_PTR(-EAGAIN);
	refcount_set(&t->refs, 1);
	spinlock_init(&t->lock, TIMER_OWNER);
	timer_init(&t->timer, fire);
	list_init(&t->realtime_node);
	t->process = current_process();
	err = set_clock(t, clock);
	if (!err)
		err = set_event(t, e);
	if (err) {
		posix_timer_put(t);
		return ERR_PTR(err);
	}
	return t;
}

/* Give @t a number.  -EAGAIN. */
static int publish(struct posix_timer *t, struct interval_timers *s, bool id_is_value, int *number)
{
	struct process *p = t->process;
	uint64_t limit = process_rlimit(p, RLIMIT_SIGPENDING), id;
	int err = -EAGAIN;

	spin_lock(&p->lock);
	if (s->nr_posix < limit)
		err = idmap_alloc_cyclic(&s->ids, 0, INT32_MAX, t, &id);
	if (!err) {
		*number = t->id = (int)id;
		if (id_is_value)
			t->value.sival_int = t->id;
		s->nr_posix++;
		list_add_tail(&t->process_node, &p->posix_timers);
	}
	spin_unlock(&p->lock);
	return err ? -EAGAIN : 0;
}

static long unlink_and_delete(int id)
{
	struct process *p = current_process();
	struct posix_timer *t = NULL;

	spin_lock(&p->lock);
	if (id >= 0)
		t = unlink_locked(p, id);
	spin_unlock(&p->lock);
	if (!t)
		return -EINVAL;
	posix_timer_delete(t);
	return 0;
}

long sys_timer_create(int clock, uaddr_t event, uaddr_t timerid)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct interval_timers *s = interval_timers_of(current_process());
	struct posix_timer *t;
	int err, id = -1;

	if (!s)
		return -EAGAIN;
	if (event.v && copy_from_user(&e, event, sizeof(e)))
		return -EFAULT;
	t = posix_timer_create(clock, &e);
	if (IS_ERR(t))
		return PTR_ERR(t);
	if (t->clock == TIMER_REALTIME) {
		mutex_lock(&realtime_lock);
		list_add_tail(&t->realtime_node, &realtime_timers);
		mutex_unlock(&realtime_lock);
	}
	/* Another thread may delete it as soon as it has a number. */
	err = publish(t, s, !event.v, &id);
	if (err) {
		posix_timer_delete(t);
		return err;
	}
	if (put_user((uint32_t)id, timerid)) {
		(void)unlink_and_delete(id);
		return -EFAULT;
	}
	return 0;
}

long sys_timer_delete(int id)
{
	return unlink_and_delete(id);
}

/* Setting and reading. */

/* A silent timer has no callback that moves it on: do it when somebody looks. */
static void forward_silent_locked(struct posix_timer *t, int64_t now)
{
	if (!is_silent(t) || !t->expiry_ns || now < t->expiry_ns)
		return;
	t->expiry_ns = t->interval_ns ? timer_next_period(t->expiry_ns, t->interval_ns, now, NULL) :
		0;
}

static void read_locked(struct posix_timer *t, int64_t now, struct itimerspec *v)
{
	forward_silent_locked(t, now);
	v->it_interval = ns_to_timespec(t->interval_ns);
	v->it_value = ns_to_timespec(t->expiry_ns ? max(t->expiry_ns - now, (int64_t)1) : 0);
}

static void set(struct posix_timer *t, const struct itimerspec *new, bool absolute,
		struct itimerspec *old)
{
	int64_t value = timespec_to_ns(new->it_value), now;
	unsigned long flags;

	timer_cancel(&t->timer);
	now = now_ns(t);
	flags = spin_lock_irqsave(&t->lock);
	read_locked(t, now, old);
	t->interval_ns = timespec_to_ns(new->it_interval);
	if (!value || absolute)
		t->expiry_ns = value;
	else
		t->expiry_ns = value > INT64_MAX - now ? INT64_MAX : now + value;
	/*
	 * A callback may have armed it for the old moment meanwhile: arming moves it; off, it will
	 * do nothing (I2).
	 */
	arm_locked(t, now);
	spin_unlock_irqrestore(&t->lock, flags);
}

long sys_timer_settime(int id, unsigned int flags, uaddr_t unew, uaddr_t uold)
{
	struct itimerspec new, old;
	struct posix_timer *t;

	if (copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (!timespec_is_valid(new.it_value) || !timespec_is_valid(new.it_interval))
		return -EINVAL;
	t = posix_timer_get(id);
	if (IS_ERR(t))
		return PTR_ERR(t);
	set(t, &new, flags & TIMER_ABSTIME, &old);
	posix_timer_put(t);
	return uold.v ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

long sys_timer_gettime(int id, uaddr_t value)
{
	struct posix_timer *t = posix_timer_get(id);
	struct itimerspec v;
	unsigned long flags;
	int64_t now;

	if (IS_ERR(t))
		return PTR_ERR(t);
	now = now_ns(t);
	flags = spin_lock_irqsave(&t->lock);
	read_locked(t, now, &v);
	spin_unlock_irqrestore(&t->lock, flags);
	posix_timer_put(t);
	return copy_to_user(value, &v, sizeof(v));
}

long sys_timer_getoverrun(int id)
{
	struct posix_timer *t = posix_timer_get(id);
	unsigned long flags;
	struct sighand *s;
	int32_t overrun;

	if (IS_ERR(t))
		return PTR_ERR(t);
	s = sighand_lock(t->process, &flags);
	/* Of the signal delivered last: the newest one, unless that still waits. */
	overrun = queued_info(t) ? t->overrun_taken : t->overrun;
	sighand_unlock(s, flags);
	posix_timer_put(t);
	return overrun;
}
