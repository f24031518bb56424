/* SPDX-License-Identifier: MIT */
/*
 * Hardware queues: bios wait here for a tag, and one CPU at a time hands requests to the driver.
 *
 * I1 while .dispatching is set, one CPU is in queue_dispatch(), preemption off; others (and done()
 *    functions below it on the same stack) only add to .pending and leave.  That bounds the stack
 *    when a driver ends requests inside queue_request(), and spares drivers a lock.
 * I2 who clears .dispatching has seen, under the lock, that nothing could be started: no waiting
 *    bio, no tag, stopped, or busy.  Whoever changes one of these afterwards dispatches.
 * I3 .busy is set only while a completion (a request is in flight) or the retry timer will come.
 *
 * Locking: q->lock, class BLOCK_QUEUE, with interrupts masked; never held over a driver or done().
 */
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <mm/slab.h>

#include "internal.h"

#define RETRY_NS	(10 * NSEC_PER_MSEC)
#define BUSY_MAX	3000		/* tries before a request fails: half a minute */
#define BIG_ARRAYS	8

struct request *queue_request_at(struct disk_queue *q, unsigned int tag)
{
	return (struct request *)((char *)q->requests + tag * q->request_stride);
}

struct request *disk_request_find(struct disk_queue *q, uint32_t tag)
{
	struct request *rq;
	uint32_t state;

	if (tag >= q->disk->queue_depth)
		return NULL;
	rq = queue_request_at(q, tag);
	state = __atomic_load_n(&rq->state, __ATOMIC_ACQUIRE);
	return state == REQUEST_STARTED || state == REQUEST_TIMING ? rq : NULL;
}

/* The next request for the driver, STARTED; NULL: I2. */
static struct request *next_request_locked(struct disk_queue *q)
{
	struct request *rq;

	if (q->stopped || q->busy)
		return NULL;
	if (!list_empty(&q->requeued)) {
		rq = list_first_entry(&q->requeued, struct request, node);
		list_del(&rq->node);
	} else if (!list_empty(&q->pending) && q->nr_free) {
		rq = request_build(q);
	} else {
		return NULL;
	}
	timeout_start(q, rq);
	__atomic_store_n(&rq->state, REQUEST_STARTED, __ATOMIC_RELEASE);
	return rq;
}

/* The driver had no room.  True: it will be tried again. */
static bool put_back(struct disk_queue *q, struct request *rq)
{
	unsigned long flags;
	bool alone;

	if (rq->busy_count++ >= BUSY_MAX)
		return false;
	request_unmap(rq);
	flags = spin_lock_irqsave(&q->lock);
	__atomic_store_n(&rq->state, REQUEST_REQUEUED, __ATOMIC_RELAXED);
	list_add(&rq->node, &q->requeued);
	q->busy = true;
	/* A completion may have come before busy was set, so the timer is armed in any case. */
	alone = !timer_is_armed(&q->retry);
	spin_unlock_irqrestore(&q->lock, flags);
	if (alone)
		timer_arm(&q->retry, clock_ns() + RETRY_NS);
	return true;
}

static void give_to_driver(struct disk_queue *q, struct request *rq)
{
	int err = q->disk->ops->queue_request(rq);

	if (!err || (err == -EBUSY && put_back(q, rq)))
		return;
	block_request_done(rq, err == -EBUSY ? -EIO : err);
}

/* Lock held, .dispatching just set; ends with both given up. */
static void queue_dispatch(struct disk_queue *q, unsigned long flags)
{
	const struct disk_ops *ops = q->disk->ops;
	bool uncommitted = false;
	struct request *rq;

	preempt_disable();
	for (;;) {
		rq = next_request_locked(q);
		if (!rq && !uncommitted)
			break;
		spin_unlock_irqrestore(&q->lock, flags);
		if (rq)
			give_to_driver(q, rq);
		else
			ops->commit(q);
		uncommitted = rq && ops->commit;
		flags = spin_lock_irqsave(&q->lock);
	}
	q->dispatching = false;
	if (unlikely(q->stopped))
		waitq_wake_all(&q->disk->idle, 0);
	spin_unlock_irqrestore(&q->lock, flags);
	preempt_enable();
}

static bool may_dispatch_locked(const struct disk_queue *q)
{
	return !q->dispatching && !q->stopped && !q->busy &&
	       (!list_empty(&q->requeued) || (!list_empty(&q->pending) && q->nr_free));
}

void queue_kick(struct disk_queue *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	if (may_dispatch_locked(q)) {
		q->dispatching = true;
		queue_dispatch(q, flags);
		return;
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

/*
 * @rq is done with.  When nothing is left to be dispatched the disk may be gone from here on:
 * disk_remove() waits for tags and for dispatchers.
 */
void queue_give_back(struct disk_queue *q, struct request *rq)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	if (rq->big_segs) {
		rq->big_segs->phys = PADDR((uintptr_t)q->big_free);
		q->big_free = rq->big_segs;
		rq->big_segs = NULL;
	}
	list_add(&rq->node, &q->free);
	q->nr_free++;
	q->busy = false;
	if (unlikely(q->stopped))
		waitq_wake_all(&q->disk->idle, 0);
	if (may_dispatch_locked(q)) {
		q->dispatching = true;
		queue_dispatch(q, flags);
		return;
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

static struct disk_queue *this_queue(struct disk *d)
{
	return &d->queues[this_cpu_id() % d->nr_queues];
}

static void fail_bios(struct list *bios, int status)
{
	while (!list_empty(bios)) {
		struct bio *bio = list_first_entry(bios, struct bio, node);

		list_del(&bio->node);
		bio_part_done(bio, status);
	}
}

void queue_add(struct disk *d, struct list *bios)
{
	struct disk_queue *q = this_queue(d);
	unsigned long flags = spin_lock_irqsave(&q->lock);

	/* Ordered by q->lock: disk_remove() empties the queue after it has set the state. */
	if (unlikely(disk_is_gone(d))) {
		spin_unlock_irqrestore(&q->lock, flags);
		fail_bios(bios, -ENODEV);	/* may drop the last reference: q is no more */
		return;
	}
	list_splice_tail_init(bios, &q->pending);
	if (!may_dispatch_locked(q)) {
		spin_unlock_irqrestore(&q->lock, flags);
		return;
	}
	q->dispatching = true;
	queue_dispatch(q, flags);
}

void queue_add_one(struct disk *d, struct bio *bio)
{
	LIST_HEAD(one);

	list_add(&bio->node, &one);
	queue_add(d, &one);
}

static void retry_timer(struct timer *t)
{
	struct disk_queue *q = container_of(t, struct disk_queue, retry);
	unsigned long flags = spin_lock_irqsave(&q->lock);

	q->busy = false;
	spin_unlock_irqrestore(&q->lock, flags);
	queue_kick(q);
}

void queue_fail_waiting(struct disk_queue *q, int status)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	LIST_HEAD(requests);
	LIST_HEAD(bios);

	list_splice_init(&q->requeued, &requests);
	list_splice_init(&q->pending, &bios);
	spin_unlock_irqrestore(&q->lock, flags);
	while (!list_empty(&requests)) {
		struct request *rq = list_first_entry(&requests, struct request, node);

		list_del(&rq->node);
		request_finish(rq, status);
	}
	fail_bios(&bios, status);
}

bool queue_is_idle(struct disk_queue *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	bool idle = !q->dispatching && q->nr_free == q->disk->queue_depth;

	spin_unlock_irqrestore(&q->lock, flags);
	return idle;
}

static bool queue_is_quiet(struct disk_queue *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);
	bool quiet = !q->dispatching;

	spin_unlock_irqrestore(&q->lock, flags);
	return quiet;
}

void disk_quiesce(struct disk *d)
{
	for (unsigned int i = 0; i < d->nr_queues; i++) {
		struct disk_queue *q = &d->queues[i];
		unsigned long flags = spin_lock_irqsave(&q->lock);

		q->stopped++;
		spin_unlock_irqrestore(&q->lock, flags);
		wait_event(&d->idle, queue_is_quiet(q));
	}
}

void disk_resume(struct disk *d)
{
	for (unsigned int i = 0; i < d->nr_queues; i++) {
		struct disk_queue *q = &d->queues[i];
		unsigned long flags = spin_lock_irqsave(&q->lock);

		q->stopped--;
		q->busy = false;
		spin_unlock_irqrestore(&q->lock, flags);
		queue_kick(q);
	}
}

static void *large_arrays(struct disk_queue *q)
{
	uint32_t nr = q->disk->limits.max_segments;
	struct request_seg *all;

	if (nr <= REQUEST_INLINE_SEGS)
		return NULL;
	all = kvmalloc(BIG_ARRAYS * nr * sizeof(*all), 0);
	for (unsigned int i = 0; all && i < BIG_ARRAYS; i++) {
		all[i * nr].phys = PADDR((uintptr_t)q->big_free);
		q->big_free = &all[i * nr];
	}
	return all;
}

int queue_create(struct disk_queue *q, struct disk *d, unsigned int index, size_t request_size)
{
	q->disk = d;
	q->index = index;
	spinlock_init(&q->lock, BLOCK_QUEUE);
	list_init(&q->pending);
	list_init(&q->requeued);
	list_init(&q->free);
	timer_init(&q->retry, retry_timer);
	timeout_init_queue(q);
	q->request_stride = align_up(sizeof(struct request) + request_size, 64);
	q->requests = kvmalloc(d->queue_depth * q->request_stride, ALLOC_ZERO);
	if (!q->requests)
		return -ENOMEM;
	q->big_arrays = large_arrays(q);	/* without them requests are smaller */
	for (unsigned int tag = 0; tag < d->queue_depth; tag++) {
		struct request *rq = queue_request_at(q, tag);

		rq->queue = q;
		rq->tag = tag;
		list_add_tail(&rq->node, &q->free);
		q->nr_free++;
	}
	return 0;
}

void queue_destroy(struct disk_queue *q)
{
	if (!q->requests)
		return;
	timer_cancel(&q->retry);
	timer_cancel(&q->timer);
	kvfree(q->requests);
	kvfree(q->big_arrays);
}
