/* SPDX-License-Identifier: MIT */
/*
 * RLIMIT_CPU: a process at its soft limit of CPU time gets SIGXCPU, and again each second more; at
 * the hard one SIGKILL.
 *
 * CPU time wakes nobody: a timer looks at the clock when it may have come far enough (cputime.c),
 * and only in processes with a limit.  The soft limit itself moves on with each signal, as on
 * Linux.
 */
#include <kernel/clock.h>
#include <kernel/posix_timer.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>

#include "../proc/proc.h"
#include "itimer.h"

#define NO_LIMIT_S ((uint64_t)(INT64_MAX / NSEC_PER_SEC))

static uint64_t limit_s(const uint64_t *limit)
{
	return min(__atomic_load_n(limit, __ATOMIC_RELAXED), NO_LIMIT_S);
}

/* The signal that is due at @used_s, 0 for none; the soft limit goes on. */
static int due_signal(struct rlimit *r, uint64_t used_s)
{
	uint64_t soft = limit_s(&r->rlim_cur);

	if (used_s >= limit_s(&r->rlim_max))
		return SIGKILL;
	if (used_s < soft)
		return 0;
	/* Who sets another limit at this moment is right. */
	(void)__atomic_compare_exchange_n(&r->rlim_cur, &soft, used_s + 1, false, __ATOMIC_RELAXED,
					  __ATOMIC_RELAXED);
	return SIGXCPU;
}

static void arm_locked(struct cpu_limit *l)
{
	const struct rlimit *r = &l->process->rlimits[RLIMIT_CPU];
	uint64_t next_s = min(limit_s(&r->rlim_cur), limit_s(&r->rlim_max));
	int64_t left_ns;

	if (l->ended || next_s >= NO_LIMIT_S)
		return;
	left_ns = (int64_t)next_s * NSEC_PER_SEC - cpu_clock_ns(&l->cpu);
	timer_arm(&l->timer, clock_ns() + cpu_clock_distance_ns(&l->cpu, max(left_ns, (int64_t)0)));
}

static void cpu_limit_fire(struct timer *timer)
{
	struct cpu_limit *l = container_of(timer, struct cpu_limit, timer);
	struct process *p = l->process;
	int sig = due_signal(&p->rlimits[RLIMIT_CPU],
			     (uint64_t)(cpu_clock_ns(&l->cpu) / NSEC_PER_SEC));
	unsigned long flags = spin_lock_irqsave(&l->lock);

	if (sig != SIGKILL)
		arm_locked(l);
	spin_unlock_irqrestore(&l->lock, flags);
	if (sig)
		timer_signal(p, sig);
}

void cpu_limit_init(struct cpu_limit *l, struct process *p)
{
	spinlock_init(&l->lock, TIMER_OWNER);
	timer_init(&l->timer, cpu_limit_fire);
	l->process = p;
	l->cpu = (struct cpu_clock){ p, NULL, CPUTIME_ALL };
}

void cpu_limit_stop(struct cpu_limit *l)
{
	unsigned long flags = spin_lock_irqsave(&l->lock);

	l->ended = true;	/* from here on the callback does not arm it again */
	spin_unlock_irqrestore(&l->lock, flags);
	timer_cancel(&l->timer);
}

/* The timers that @p has, or @fresh as its own from now on; NULL when it is ending. */
static struct interval_timers *install_locked(struct process *p, struct interval_timers *fresh)
{
	struct interval_timers *none = NULL;

	if (p->state != PROCESS_ALIVE)
		return NULL;
	if (fresh)
		(void)__atomic_compare_exchange_n(&p->itimers, &none, fresh, false,
						  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return __atomic_load_n(&p->itimers, __ATOMIC_ACQUIRE);
}

int process_cpu_limit_set(struct process *p)
{
	struct interval_timers *fresh = NULL, *s;
	struct sighand *sighand;
	unsigned long flags;

	if (process_rlimit(p, RLIMIT_CPU) >= NO_LIMIT_S &&
	    limit_s(&p->rlimits[RLIMIT_CPU].rlim_max) >= NO_LIMIT_S)
		return 0;	/* a timer that is armed finds nothing due and goes off */
	if (!__atomic_load_n(&p->itimers, __ATOMIC_ACQUIRE)) {
		fresh = interval_timers_create(p);
		if (!fresh)
			return -ENOMEM;
	}
	/* The lock under which the last thread leaves: process_timers_exit() comes after. */
	sighand = sighand_lock(p, &flags);
	s = install_locked(p, fresh);
	if (s) {
		spin_lock(&s->cpu_limit.lock);
		arm_locked(&s->cpu_limit);
		spin_unlock(&s->cpu_limit.lock);
	}
	sighand_unlock(sighand, flags);
	if (s != fresh)
		kfree(fresh);
	return 0;
}
