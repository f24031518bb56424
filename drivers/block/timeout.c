/* SPDX-License-Identifier: MIT */
/*
 * Deadlines of requests.  A queue's timer looks for requests that are late and asks one kernel
 * thread, shared by all disks, to call the driver's timeout(); resets sleep.
 *
 * The timer runs only while something is in flight and is not moved at each request: it fires at
 * what was the first deadline when it was armed, and looks for the next one then.
 */
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>

#include "internal.h"

static struct spinlock timeout_lock = SPINLOCK_INIT(BLOCK_QUEUE);
static LIST_HEAD(late_disks);		/* [R] timeout_lock: disk.timeout_node */
static struct waitq late_wait = WAITQ_INIT(late_wait);
static struct waitq sync_wait = WAITQ_INIT(sync_wait);
static struct thread *late_thread;	/* [I] after boot */

static void report_late(struct disk *d)
{
	unsigned long flags = spin_lock_irqsave(&timeout_lock);

	if (list_empty(&d->timeout_node) && !disk_is_gone(d))
		list_add_tail(&d->timeout_node, &late_disks);
	spin_unlock_irqrestore(&timeout_lock, flags);
	waitq_wake_all(&late_wait, 0);
}

static bool is_late(const struct request *rq, int64_t now)
{
	return __atomic_load_n(&rq->state, __ATOMIC_ACQUIRE) == REQUEST_STARTED &&
	       rq->deadline_ns <= now;
}

/* The earliest deadline of what is in flight; INT64_MAX: nothing is. */
static int64_t first_deadline(struct disk_queue *q)
{
	int64_t first = INT64_MAX;

	for (unsigned int tag = 0; tag < q->disk->queue_depth; tag++) {
		struct request *rq = queue_request_at(q, tag);

		if (__atomic_load_n(&rq->state, __ATOMIC_ACQUIRE) != REQUEST_IDLE)
			first = min(first, rq->deadline_ns);
	}
	return first;
}

static void deadline_timer(struct timer *t)
{
	struct disk_queue *q = container_of(t, struct disk_queue, timer);
	int64_t now = clock_ns(), next;
	unsigned long flags = spin_lock_irqsave(&q->lock);

	next = first_deadline(q);
	q->timer_armed = next != INT64_MAX && !disk_is_gone(q->disk);
	if (q->timer_armed)
		timer_arm(t, max(next, now + q->disk->timeout_ns / 4));
	spin_unlock_irqrestore(&q->lock, flags);
	if (next <= now)
		report_late(q->disk);
}

void timeout_init_queue(struct disk_queue *q)
{
	timer_init(&q->timer, deadline_timer);
}

void timeout_start(struct disk_queue *q, struct request *rq)
{
	if (!q->disk->ops->timeout)
		return;
	rq->deadline_ns = clock_ns() + q->disk->timeout_ns;
	if (q->timer_armed)
		return;
	q->timer_armed = true;
	timer_arm(&q->timer, rq->deadline_ns);
}

static void handle_late(struct request *rq)
{
	struct disk *d = rq->queue->disk;
	uint32_t old = REQUEST_STARTED;

	if (!try_cmpxchg(&rq->state, &old, REQUEST_TIMING))
		return;
	d->ops->timeout(rq);
	rq->deadline_ns = clock_ns() + d->timeout_ns;
	old = REQUEST_TIMING;
	if (!try_cmpxchg(&rq->state, &old, REQUEST_STARTED) && old == REQUEST_DONE)
		request_finish(rq, rq->status);
}

void disk_recover(struct disk *d)
{
	__atomic_store_n(&d->wants_recovery, true, __ATOMIC_RELEASE);
	report_late(d);
}

static void handle_disk(struct disk *d)
{
	if (__atomic_exchange_n(&d->wants_recovery, false, __ATOMIC_ACQ_REL) && !disk_is_gone(d))
		d->ops->recover(d);
	for (unsigned int i = 0; i < d->nr_queues; i++)
		for (unsigned int tag = 0; tag < d->queue_depth; tag++) {
			struct request *rq = queue_request_at(&d->queues[i], tag);

			if (!disk_is_gone(d) && is_late(rq, clock_ns()))
				handle_late(rq);
		}
}

static struct disk *take_late_disk(void)
{
	unsigned long flags = spin_lock_irqsave(&timeout_lock);
	struct disk *d = list_first_entry_or_null(&late_disks, struct disk, timeout_node);

	if (d) {
		list_del_init(&d->timeout_node);
		d->timeout_busy = true;
	}
	spin_unlock_irqrestore(&timeout_lock, flags);
	return d;
}

static void timeout_thread(void *arg)
{
	unsigned long flags;
	struct disk *d;

	for (;;) {
		wait_event(&late_wait, (d = take_late_disk()) != NULL);
		handle_disk(d);
		flags = spin_lock_irqsave(&timeout_lock);
		d->timeout_busy = false;
		waitq_wake_all(&sync_wait, 0);
		spin_unlock_irqrestore(&timeout_lock, flags);
	}
}

static bool is_busy(struct disk *d)
{
	unsigned long flags = spin_lock_irqsave(&timeout_lock);
	bool busy = d->timeout_busy;

	if (!list_empty(&d->timeout_node))
		list_del_init(&d->timeout_node);
	spin_unlock_irqrestore(&timeout_lock, flags);
	return busy;
}

/* The disk is gone: on return no timeout() runs for it or will. */
void timeout_sync(struct disk *d)
{
	for (unsigned int i = 0; i < d->nr_queues; i++)
		timer_cancel(&d->queues[i].timer);
	/* A driver that gives up its disk in timeout() waits for nobody. */
	if (current_thread() != late_thread)
		wait_event(&sync_wait, !is_busy(d));
}

int timeout_init(void)
{
	late_thread = kthread_create(timeout_thread, NULL, "kblockd");
	return PTR_ERR_OR_ZERO(late_thread);
}
