/* SPDX-License-Identifier: MIT */
/*
 * The end of requests: from the driver's word to the bios' done().
 *
 * A request is ended by whoever moves it out of STARTED; while timeout() looks at one (TIMING), an
 * end is only noted, and the time-out thread brings it about, so that no tag is used anew under
 * a handler's hands.
 */
#include <kernel/log.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>

#include "internal.h"

void bio_part_done(struct bio *bio, int status)
{
	if (status)
		(void)cmpxchg(&bio->status, 0, status);
	/* Full barrier: the last part sees the others' status. */
	if (__atomic_sub_fetch(&bio->pending, 1, __ATOMIC_ACQ_REL))
		return;
	if (!flush_data_done(bio))
		bio_finish(bio, 0);
}

static void finish_bios(struct bio *bio, struct bio *last, int status)
{
	for (;;) {
		/* Read before the bio is its submitter's again. */
		struct list *next = bio == last ? NULL : bio->node.next;

		bio_part_done(bio, status);
		if (!next)
			return;
		bio = container_of(next, struct bio, node);
	}
}

void request_finish(struct request *rq, int status)
{
	struct disk_queue *q = rq->queue;

	request_unmap(rq);
	__atomic_store_n(&rq->state, REQUEST_IDLE, __ATOMIC_RELEASE);
	finish_bios(rq->first, rq->last, status);
	queue_give_back(q, rq);
}

void block_request_done(struct request *rq, int status)
{
	uint32_t old = __atomic_load_n(&rq->state, __ATOMIC_ACQUIRE);

	while (old == REQUEST_STARTED || old == REQUEST_TIMING) {
		bool timing = old == REQUEST_TIMING;

		if (timing)
			rq->status = status;
		if (!try_cmpxchg(&rq->state, &old, timing ? REQUEST_DONE : REQUEST_IDLE))
			continue;
		if (!timing)
			request_finish(rq, status);
		return;
	}
	log_err("%s: request %u of queue %u ended twice", rq->queue->disk->whole->name, rq->tag,
		rq->queue->index);
}

/*
 * The device is stopped, but a handler may hold requests that it completed just before: they are
 * linked in its list, by the node that we are about to use.  Handlers run with interrupts masked.
 */
static void wait_for_handlers(void)
{
	rcu_synchronize();
}

/* Collect what the device has; @end: what becomes of each. */
static void for_each_started(struct disk *d, void (*end)(struct request *rq, int status),
			     int status)
{
	for (unsigned int i = 0; i < d->nr_queues; i++)
		for (unsigned int tag = 0; tag < d->queue_depth; tag++) {
			struct request *rq = disk_request_find(&d->queues[i], tag);

			if (rq)
				end(rq, status);
		}
}

void disk_fail_started(struct disk *d, int status)
{
	wait_for_handlers();
	for_each_started(d, block_request_done, status);
}

static void requeue(struct request *rq, int status)
{
	struct disk_queue *q = rq->queue;
	uint32_t old = __atomic_load_n(&rq->state, __ATOMIC_ACQUIRE);
	unsigned long flags;

	if ((old != REQUEST_STARTED && old != REQUEST_TIMING) ||
	    !try_cmpxchg(&rq->state, &old, REQUEST_REQUEUED))
		return;
	request_unmap(rq);
	flags = spin_lock_irqsave(&q->lock);
	list_add_tail(&rq->node, &q->requeued);
	spin_unlock_irqrestore(&q->lock, flags);
}

void disk_requeue_started(struct disk *d)
{
	wait_for_handlers();
	for_each_started(d, requeue, 0);
}
