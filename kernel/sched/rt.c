/* SPDX-License-Identifier: MIT */
/*
 * The real-time classes: SCHED_FIFO and SCHED_RR.  The highest priority runs; within one,
 * first in first out, and RR threads go to the end when their slice is over.
 */
#include "runqueue.h"

/* Level 0 is priority 99, so that the first set bit is the best. */
static unsigned int level_of(const struct thread *t)
{
	return RT_LEVELS - 1u - t->sched.rt_priority;
}

void rt_init(struct rt_queue *q)
{
	for (unsigned int i = 0; i < RT_LEVELS; i++)
		list_init(&q->levels[i]);
}

void rt_enqueue(struct runqueue *rq, struct thread *t, bool at_head)
{
	unsigned int level = level_of(t);

	if (at_head)
		list_add(&t->sched.rt_node, &rq->rt.levels[level]);
	else
		list_add_tail(&t->sched.rt_node, &rq->rt.levels[level]);
	rq->rt.bitmap[level / 64] |= 1ULL << (level % 64);
	rq->rt.nr++;
	if (t->sched.slice_ns <= 0 || t->sched.slice_ns > RR_SLICE_NS)
		t->sched.slice_ns = RR_SLICE_NS;
}

void rt_dequeue(struct runqueue *rq, struct thread *t)
{
	unsigned int level = level_of(t);

	list_del_init(&t->sched.rt_node);
	if (list_empty(&rq->rt.levels[level]))
		rq->rt.bitmap[level / 64] &= ~(1ULL << (level % 64));
	rq->rt.nr--;
}

struct thread *rt_pick(struct runqueue *rq)
{
	for (unsigned int w = 0; w < 2; w++)
		if (rq->rt.bitmap[w]) {
			unsigned int level = w * 64 +
				(unsigned int)__builtin_ctzll(rq->rt.bitmap[w]);

			return list_first_entry(&rq->rt.levels[level], struct thread,
						sched.rt_node);
		}
	return NULL;
}

/* To the end of its priority's queue: yield, or the RR slice is over. */
void rt_rotate(struct runqueue *rq, struct thread *t)
{
	list_move_tail(&t->sched.rt_node, &rq->rt.levels[level_of(t)]);
	t->sched.slice_ns = RR_SLICE_NS;
}

struct thread *rt_steal_candidate(struct runqueue *rq, unsigned int cpu)
{
	struct thread *t;

	for (unsigned int level = 0; level < RT_LEVELS; level++)
		list_for_each_entry(t, &rq->rt.levels[level], sched.rt_node)
			if (t != rq->current && !t->sched.pinned &&
			    cpumask_has(&t->affinity, cpu) &&
			    !__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
				return t;
	return NULL;
}
