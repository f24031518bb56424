/* SPDX-License-Identifier: MIT */
/*
 * Placement: where a woken thread goes, and what an idle or underloaded CPU takes from others.
 */
#include "runqueue.h"
#include <arch/irq.h>
#include <lib/assert.h>

#define BALANCE_INTERVAL_NS	(20 * 1000 * 1000LL)

struct cpumask idle_cpus;

static bool allowed(const struct thread *t, unsigned int cpu)
{
	return cpumask_has(&t->affinity, cpu) && cpumask_has(&cpus_online, cpu);
}

/* Claim an idle CPU that @t may use, so that two wakers do not choose the same one. */
static bool claim_idle(const struct thread *t, unsigned int cpu)
{
	if (!cpumask_has(&idle_cpus, cpu) || !allowed(t, cpu))
		return false;
	cpumask_clear(&idle_cpus, cpu);
	return true;
}

/*
 * The CPU for a woken thread: its last one when idle (warm caches); the waker's when it will block;
 * any idle one; else its last one, and else the first that affinity allows.
 */
unsigned int select_cpu(struct thread *t, bool sync)
{
	unsigned int last = t->cpu, here = this_cpu_id();

	if (nr_cpus == 1)
		return 0;
	if (sync && allowed(t, here) &&
	    __atomic_load_n(&cpu_rq(here)->nr_running, __ATOMIC_RELAXED) <= 1)
		return here;
	if (claim_idle(t, last))
		return last;
	if (claim_idle(t, here))
		return here;
	for_each_cpu_in(cpu, &idle_cpus)
		if (claim_idle(t, cpu))
			return cpu;
	if (allowed(t, last))
		return last;
	for_each_cpu_in(cpu, &t->affinity)
		if (cpumask_has(&cpus_online, cpu))
			return cpu;
	return here;
}

static bool rq_try_lock(struct runqueue *rq)
{
	uint16_t owner = __atomic_load_n(&rq->lock.owner, __ATOMIC_RELAXED), expected = owner;

	return __atomic_compare_exchange_n(&rq->lock.next, &expected, (uint16_t)(owner + 1), false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* The CPU with most waiting threads, if it has at least @least runnable. */
static struct runqueue *busiest(struct runqueue *self, uint32_t least)
{
	struct runqueue *best = NULL;

	for_each_cpu_in(cpu, &cpus_online) {
		struct runqueue *rq = cpu_rq(cpu);
		uint32_t n = __atomic_load_n(&rq->nr_running, __ATOMIC_RELAXED);

		if (rq != self && n >= least) {
			best = rq;
			least = n + 1;
		}
	}
	return best;
}

static bool pull(struct runqueue *rq, uint32_t least)
{
	struct runqueue *from = busiest(rq, least);
	struct thread *t;

	/* Only a try: the order of two queue locks is by number, and a miss costs little. */
	if (!from || !rq_try_lock(from))
		return false;
	t = rt_steal_candidate(from, rq->cpu);
	if (!t)
		t = fair_steal_candidate(from, rq->cpu);
	if (t)
		move_thread(from, rq, t);
	spin_unlock_raw(&from->lock);
	return t != NULL;
}

/* @rq is about to idle: take a waiting thread from elsewhere.  True if it has one now. */
bool balance_idle(struct runqueue *rq)
{
	return nr_cpus > 1 && pull(rq, 2);
}

/* A CPU that went idle just before a thread was queued here looks for work only when it is told. */
static void kick_idle(void)
{
	for_each_cpu_in(cpu, &idle_cpus) {
		thread_set_work(cpu_rq(cpu)->idle, WORK_RESCHED);
		arch_ipi_send(cpu, IPI_RESCHEDULE);
		return;
	}
}

/* Now and then: even out queues that are two or more apart. */
void balance_tick(struct runqueue *rq)
{
	if (nr_cpus == 1 || rq->clock_ns < rq->next_balance_ns)
		return;
	rq->next_balance_ns = rq->clock_ns + BALANCE_INTERVAL_NS;
	if (rq->nr_running > 1)
		kick_idle();
	(void)pull(rq, rq->nr_running + 2);
}
