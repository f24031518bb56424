/* SPDX-License-Identifier: MIT */
/*
 * CPU time and load figures.
 *
 * How long a thread ran is exact (sum_exec_ns).  How it splits into user and kernel mode is
 * sampled at ticks and scaled to the exact sum, so that system calls pay nothing for it.
 */
#include "runqueue.h"
#include <kernel/clock.h>
#include <lib/minmax.h>
#include <lib/muldiv.h>

#define LOAD_PERIOD_NS	(5 * NSEC_PER_SEC)
#define LOAD_ONE	(1u << 11)

static struct {
	struct spinlock lock;
	int64_t next_ns;		/* [L] */
	uint64_t averages[3];		/* [L] */
} load = { .lock = SPINLOCK_INIT(CLOCK) };

/* exp(-5s / 1min), 5min, 15min in 11-bit fixed point. */
static const uint32_t load_decay[3] = { 1884, 2014, 2037 };

void account_tick(struct runqueue *rq, bool user)
{
	struct thread *t = rq->current;

	if (t == rq->idle)
		return;
	if (user)
		t->user_ticks++;
	else
		t->system_ticks++;
	if (!user)
		rq->times.system_ns += TICK_NS;
	else if (t->sched.nice > 0)
		rq->times.nice_ns += TICK_NS;
	else
		rq->times.user_ns += TICK_NS;
}

static unsigned int total_running(void)
{
	unsigned int n = 0;

	for_each_cpu_in(cpu, &cpus_online)
		n += __atomic_load_n(&cpu_rq(cpu)->nr_running, __ATOMIC_RELAXED);
	return n;
}

/* Catch up with the periods that have passed; an idle machine does it when somebody asks. */
void load_update(int64_t now_ns)
{
	unsigned long flags;
	uint64_t active;

	if (now_ns < __atomic_load_n(&load.next_ns, __ATOMIC_RELAXED))
		return;
	active = (uint64_t)total_running() * LOAD_ONE;
	flags = spin_lock_irqsave(&load.lock);
	for (unsigned int n = 0; load.next_ns <= now_ns && n < 200; n++) {
		for (unsigned int i = 0; i < 3; i++)
			load.averages[i] = (load.averages[i] * load_decay[i] +
					    active * (LOAD_ONE - load_decay[i])) / LOAD_ONE;
		load.next_ns += LOAD_PERIOD_NS;
	}
	if (load.next_ns <= now_ns)
		load.next_ns = now_ns + LOAD_PERIOD_NS;
	spin_unlock_irqrestore(&load.lock, flags);
}

void sched_stats(struct sched_stats *s)
{
	load_update(clock_ns());
	*s = (struct sched_stats){ .running = total_running() };
	for (unsigned int i = 0; i < 3; i++)
		s->loads[i] = load.averages[i];
	for_each_cpu_in(cpu, &cpus_online) {
		s->switches += cpu_rq(cpu)->switches;
		s->forks += cpu_rq(cpu)->forks;
	}
}

void sched_cpu_times(unsigned int cpu, struct cpu_times *t)
{
	struct runqueue *rq = cpu_rq(cpu);
	int64_t busy;

	*t = rq->times;
	busy = (int64_t)(t->user_ns + t->nice_ns + t->system_ns);
	t->idle_ns = (uint64_t)max(clock_ns() - busy, (int64_t)0);
}

uint64_t thread_cpu_ns(struct thread *t)
{
	unsigned long flags = arch_irq_save();
	struct runqueue *rq = thread_rq_lock(t);
	uint64_t ns;

	if (rq->current == t)
		rq_update(rq);
	ns = t->sched.sum_exec_ns;
	thread_rq_unlock(rq);
	arch_irq_restore(flags);
	return ns;
}

void thread_cpu_split(struct thread *t, uint64_t *user_ns, uint64_t *system_ns)
{
	uint64_t total = thread_cpu_ns(t), ticks = t->user_ticks + t->system_ticks;

	/* Without a sample, system: a thread too short for one mostly ran in the kernel. */
	*user_ns = ticks ? muldiv_u64(total, t->user_ticks, ticks) : 0;
	*system_ns = total - *user_ns;
}
