/* SPDX-License-Identifier: MIT */
/*
 * Sleeping until a moment of a clock that somebody may set.
 *
 *	struct deadline d = DEADLINE_MONOTONIC(ns);
 *	deadline_begin(&d);
 *	... set the state, look at the condition, err = deadline_wait(&d) ...
 *	deadline_end(&d);
 */
#ifndef KERNEL_DEADLINE_H
#define KERNEL_DEADLINE_H

#include <kernel/clock.h>
#include <kernel/sched.h>

struct deadline {
	int64_t ns;			/* on clock_ns(), or since 1970 */
	bool realtime;			/* ns is wall-clock time */
	struct waitq_entry step;	/* wakes the sleeper when the wall clock is set */
};

#define DEADLINE_MONOTONIC(when)	{ .ns = (when) }
#define DEADLINE_REALTIME(when)		{ .ns = (when), .realtime = true }

extern struct waitq realtime_step_waitq;

static inline void deadline_begin(struct deadline *d)
{
	if (unlikely(d->realtime)) {
		waitq_entry_init(&d->step, current_thread(), 0);
		waitq_add(&realtime_step_waitq, &d->step);
	}
}

static inline void deadline_end(struct deadline *d)
{
	if (unlikely(d->realtime))
		waitq_remove(&realtime_step_waitq, &d->step);
}

__must_check int deadline_wait_realtime(struct deadline *d);

/* schedule_wait() until @d: 0 (woken, or look again), -ETIMEDOUT, -ERESTARTSYS. */
static inline __must_check int deadline_wait(struct deadline *d)
{
	return likely(!d->realtime) ? schedule_wait(d->ns) : deadline_wait_realtime(d);
}

/* A wall-clock moment on clock_ns(), as the wall clock stands now; saturates. */
int64_t realtime_to_clock_ns(int64_t ns);

/* now + @ns, saturating. */
static inline int64_t clock_ns_after(int64_t ns)
{
	int64_t now = clock_ns();

	return ns > INT64_MAX - now ? INT64_MAX : now + ns;
}

#endif
