/* SPDX-License-Identifier: MIT */
/* Wait queues and completions. */
#include <kernel/sched.h>
#include <kernel/waitq.h>

void waitq_init(struct waitq *q)
{
	spinlock_init(&q->lock, WAITQ);
	list_init(&q->entries);
}

bool waitq_wake_thread(struct waitq_entry *e, uint32_t events)
{
	return thread_wake(e->thread);
}

static bool wake_thread_sync(struct waitq_entry *e)
{
	return e->wake == waitq_wake_thread ? thread_wake_sync(e->thread) : e->wake(e, 0);
}

void waitq_entry_init(struct waitq_entry *e, struct thread *t, uint32_t flags)
{
	list_init(&e->node);
	e->wake = waitq_wake_thread;
	e->thread = t;
	e->flags = flags;
}

/* Shared entries stand before exclusive ones, so that a wake-up reaches all of them first. */
void waitq_add(struct waitq *q, struct waitq_entry *e)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	if (e->flags & WAITQ_EXCLUSIVE)
		list_add_tail(&e->node, &q->entries);
	else
		list_add(&e->node, &q->entries);
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_remove(struct waitq *q, struct waitq_entry *e)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	list_del_init(&e->node);
	spin_unlock_irqrestore(&q->lock, flags);
}

/* An entry that says it could not be woken (it is awake already) does not use up the count. */
void waitq_wake_nr(struct waitq *q, unsigned int nr, uint32_t events)
{
	struct waitq_entry *e, *next;
	unsigned long flags;

	if (!waitq_is_active(q))
		return;
	flags = spin_lock_irqsave(&q->lock);
	list_for_each_entry_safe(e, next, &q->entries, node) {
		bool exclusive = e->flags & WAITQ_EXCLUSIVE;

		if (e->wake(e, events) && exclusive && nr && --nr == 0)
			break;
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

void waitq_wake_sync(struct waitq *q, uint32_t events)
{
	struct waitq_entry *e, *next;
	unsigned long flags;

	if (!waitq_is_active(q))
		return;
	flags = spin_lock_irqsave(&q->lock);
	list_for_each_entry_safe(e, next, &q->entries, node) {
		bool exclusive = e->flags & WAITQ_EXCLUSIVE;
		bool woken = events && e->wake != waitq_wake_thread ? e->wake(e, events)
								     : wake_thread_sync(e);

		if (woken && exclusive)
			break;
	}
	spin_unlock_irqrestore(&q->lock, flags);
}

void completion_init(struct completion *c)
{
	waitq_init(&c->queue);
	c->done = false;
}

/*
 * The waiter may free the completion as soon as it sees done, so done changes and the
 * wake-up happens under the queue's lock, and the waiter takes that lock before it returns.
 */
void completion_signal(struct completion *c)
{
	struct waitq_entry *e, *next;
	unsigned long flags = spin_lock_irqsave(&c->queue.lock);

	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	list_for_each_entry_safe(e, next, &c->queue.entries, node)
		e->wake(e, 0);
	spin_unlock_irqrestore(&c->queue.lock, flags);
}

void completion_wait(struct completion *c)
{
	unsigned long flags;

	wait_event(&c->queue, __atomic_load_n(&c->done, __ATOMIC_ACQUIRE));
	flags = spin_lock_irqsave(&c->queue.lock);
	spin_unlock_irqrestore(&c->queue.lock, flags);
}
