/* SPDX-License-Identifier: MIT */
/*
 * Interval timers: alarm, setitimer.  Three for each process, made at its first use of one.
 *
 * ITIMER_REAL is a timer.  The other two count CPU time, which wakes nobody: a timer looks at the
 * clock when it may have come far enough, so their signal comes up to a tick late.
 */
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/posix_timer.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include "itimer.h"

static const int itimer_signals[ITIMERS] = { SIGALRM, SIGVTALRM, SIGPROF };

static int64_t now_ns(const struct itimer *t)
{
	return t->which == ITIMER_REAL ? clock_ns() : cpu_clock_ns(&t->cpu);
}

/* When to look, on clock_ns(); @now is on the timer's own clock. */
static int64_t look_at(const struct itimer *t, int64_t now)
{
	if (t->which == ITIMER_REAL)
		return t->expiry_ns;
	return clock_ns() + cpu_clock_distance_ns(&t->cpu, t->expiry_ns - now);
}

static void itimer_fire(struct timer *timer)
{
	struct itimer *t = container_of(timer, struct itimer, timer);
	int64_t now = now_ns(t);
	unsigned long flags = spin_lock_irqsave(&t->lock);
	bool expired = t->expiry_ns && now >= t->expiry_ns;

	if (expired)
		t->expiry_ns = t->interval_ns ? timer_next_period(t->expiry_ns, t->interval_ns, now,
								  NULL) : 0;
	if (t->expiry_ns)
		timer_arm(&t->timer, look_at(t, now));
	spin_unlock_irqrestore(&t->lock, flags);
	if (expired)
		timer_signal(t->process, itimer_signals[t->which]);
}

int64_t timer_next_period(int64_t expiry_ns, int64_t interval_ns, int64_t now_at, uint64_t *missed)
{
	/* A period shorter than the work of an expiry would leave no time for anything else. */
	int64_t until = now_at + TIMER_MIN_GAP_NS, periods = 1;

	if (until > expiry_ns)
		periods += (until - expiry_ns) / interval_ns;
	if (missed)
		*missed = (uint64_t)periods - 1;
	return periods > (INT64_MAX - expiry_ns) / interval_ns ? INT64_MAX :
		expiry_ns + periods * interval_ns;
}

struct interval_timers *interval_timers_create(struct process *p)
{
	struct interval_timers *s = kzalloc(sizeof(*s), 0);

	if (!s)
		return NULL;
	for (unsigned int i = 0; i < ITIMERS; i++) {
		struct itimer *t = &s->timers[i];

		spinlock_init(&t->lock, TIMER_OWNER);
		timer_init(&t->timer, itimer_fire);
		t->process = p;		/* not counted: process_timers_exit() comes first */
		t->which = i;
		t->cpu = (struct cpu_clock){ p, NULL, i == ITIMER_VIRTUAL ? CPUTIME_USER :
					     CPUTIME_ALL };
	}
	cpu_limit_init(&s->cpu_limit, p);
	posix_timers_init(s);
	return s;
}

struct interval_timers *interval_timers_of(struct process *p)
{
	struct interval_timers *s = __atomic_load_n(&p->itimers, __ATOMIC_ACQUIRE),
		*expected = NULL;

	if (s)
		return s;
	s = interval_timers_create(p);
	if (!s || __atomic_compare_exchange_n(&p->itimers, &expected, s, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE))
		return s;
	kfree(s);
	return expected;
}

struct itimer_state {
	int64_t left_ns, interval_ns;	/* left 0: off */
};

static void read_locked(const struct itimer *t, int64_t now, struct itimer_state *s)
{
	s->interval_ns = t->interval_ns;
	s->left_ns = t->expiry_ns ? max(t->expiry_ns - now, NSEC_PER_USEC) : 0;
}

static void itimer_set(struct itimer *t, const struct itimer_state *new, struct itimer_state *old)
{
	unsigned long flags;
	int64_t now;

	timer_cancel(&t->timer);
	now = now_ns(t);
	flags = spin_lock_irqsave(&t->lock);
	read_locked(t, now, old);
	t->interval_ns = new->interval_ns;
	t->expiry_ns = !new->left_ns ? 0 : new->left_ns > INT64_MAX - now ? INT64_MAX :
		now + new->left_ns;
	/*
	 * The callback may have armed it once more meanwhile: arming moves it, and an unset one
	 * does nothing.
	 */
	if (t->expiry_ns)
		timer_arm(&t->timer, look_at(t, now));
	spin_unlock_irqrestore(&t->lock, flags);
}

static bool timeval_to_ns(struct timeval tv, int64_t *ns)
{
	if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_usec >= USEC_PER_SEC)
		return false;
	*ns = timespec_to_ns((struct timespec){ tv.tv_sec, tv.tv_usec * NSEC_PER_USEC });
	return true;
}

/* Rounded up: a timer that runs shows at least a microsecond. */
static struct timeval ns_to_timeval(int64_t ns)
{
	ns += ns > INT64_MAX - (NSEC_PER_USEC - 1) ? 0 : NSEC_PER_USEC - 1;
	return (struct timeval){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / NSEC_PER_USEC };
}

static int write_state(uaddr_t to, const struct itimer_state *s)
{
	struct itimerval v = { ns_to_timeval(s->interval_ns), ns_to_timeval(s->left_ns) };

	return copy_to_user(to, &v, sizeof(v));
}

long sys_getitimer(int which, uaddr_t value)
{
	struct interval_timers *s = __atomic_load_n(&current_process()->itimers, __ATOMIC_ACQUIRE);
	struct itimer_state state = { 0 };

	if (which < 0 || which >= ITIMERS)
		return -EINVAL;
	if (s) {
		struct itimer *t = &s->timers[which];
		int64_t now = now_ns(t);
		unsigned long flags = spin_lock_irqsave(&t->lock);

		read_locked(t, now, &state);
		spin_unlock_irqrestore(&t->lock, flags);
	}
	return write_state(value, &state);
}

long sys_setitimer(int which, uaddr_t value, uaddr_t ovalue)
{
	struct itimer_state new = { 0 }, old;
	struct interval_timers *s;
	struct itimerval v;

	if (value.v) {
		if (copy_from_user(&v, value, sizeof(v)))
			return -EFAULT;
		if (!timeval_to_ns(v.it_value, &new.left_ns) ||
		    !timeval_to_ns(v.it_interval, &new.interval_ns))
			return -EINVAL;
	}
	if (which < 0 || which >= ITIMERS)
		return -EINVAL;
	s = interval_timers_of(current_process());
	if (!s)
		return -ENOMEM;
	itimer_set(&s->timers[which], &new, &old);
	return ovalue.v ? write_state(ovalue, &old) : 0;
}

long sys_alarm(unsigned int seconds)
{
	struct itimer_state new = { .left_ns = seconds * NSEC_PER_SEC }, old;
	struct interval_timers *s = interval_timers_of(current_process());
	int64_t left;

	if (!s)
		return 0;	/* alarm() cannot fail: as if none had been set */
	itimer_set(&s->timers[ITIMER_REAL], &new, &old);
	left = (old.left_ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return old.left_ns && !left ? 1 : left;
}

static void itimer_stop(struct itimer *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);

	t->expiry_ns = 0;	/* from here on the callback does not arm it again */
	spin_unlock_irqrestore(&t->lock, flags);
	timer_cancel(&t->timer);
}

void process_timers_exit(struct process *p)
{
	struct interval_timers *s = p->itimers;

	if (!s)
		return;
	posix_timers_delete_all(p, s);
	for (unsigned int i = 0; i < ITIMERS; i++)
		itimer_stop(&s->timers[i]);
	cpu_limit_stop(&s->cpu_limit);
	p->itimers = NULL;
	kfree(s);
}

void process_timers_exec(struct process *p)
{
	if (p->itimers)
		posix_timers_delete_all(p, p->itimers);
}
