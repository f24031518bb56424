/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: threads, and poll-style callbacks, waiting for an event.
 *
 *	WAITQ_ENTRY(wait);
 *	waitq_add(&q, &wait);
 *	while (!condition) {
 *		if (signal_is_pending()) { err = -ERESTARTSYS; break; }
 *		schedule_wait(...);
 *	}
 *	waitq_remove(&q, &wait);
 *
 * is what wait_event() and wait_event_interruptible() expand to.
 */
#ifndef KERNEL_WAITQ_H
#define KERNEL_WAITQ_H

#include <kernel/spinlock.h>
#include <lib/list.h>

struct thread;

struct waitq {
	struct spinlock lock;		/* class WAITQ; taken with interrupts masked */
	struct list entries;		/* [L] struct waitq_entry, exclusive ones last */
};

enum waitq_flags {
	WAITQ_EXCLUSIVE	= 1 << 0,	/* a wake-up of n reaches at most n of these */
	WAITQ_PRIORITY	= 1 << 1,	/* goes before the others (EPOLLEXCLUSIVE bookkeeping) */
};

struct waitq_entry {
	struct list node;		/* [R] the queue's lock; empty = not queued */
	/*
	 * Called under the queue's lock with interrupts masked.  @events: poll bits that became
	 * true, 0 = unknown.  True: counts as one woken.  waitq_wake_thread() is the usual one.
	 */
	bool (*wake)(struct waitq_entry *e, uint32_t events);
	struct thread *thread;
	uint32_t flags;
};

#define WAITQ_INIT(q)	{ .lock = SPINLOCK_INIT(WAITQ), .entries = LIST_INIT((q).entries) }
void waitq_init(struct waitq *q);

bool waitq_wake_thread(struct waitq_entry *e, uint32_t events);
void waitq_entry_init(struct waitq_entry *e, struct thread *t, uint32_t flags);
void waitq_add(struct waitq *q, struct waitq_entry *e);
void waitq_remove(struct waitq *q, struct waitq_entry *e);

/* Wake all shared entries and up to @nr exclusive ones (0 = all).  Any context. */
void waitq_wake_nr(struct waitq *q, unsigned int nr, uint32_t events);
static inline void waitq_wake(struct waitq *q, uint32_t events) { waitq_wake_nr(q, 1, events); }
static inline void waitq_wake_all(struct waitq *q, uint32_t events) { waitq_wake_nr(q, 0, events); }

/*
 * As waitq_wake() for one waiter that the caller will wait for next (pipe and futex ping-pong): the
 * woken thread is placed so that this CPU switches straight to it when the caller blocks.
 */
void waitq_wake_sync(struct waitq *q, uint32_t events);

/* Is anybody there?  A full barrier goes before the look: pairs with set_state() in the waiter. */
static inline bool waitq_is_active(struct waitq *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !list_empty(&q->entries);
}

/*
 * Wait until @cond holds.  _interruptible: 0, or -ERESTARTSYS when a signal came.
 * _timeout: the deadline is absolute on clock_ns(), WAIT_FOREVER for none; 0,
 * -ERESTARTSYS or -ETIMEDOUT.  _killable: only fatal signals end it.
 * @cond is evaluated many times; it may take spinlocks, not sleeping locks.
 */
#define WAIT_FOREVER INT64_MAX

#define wait_event_common(q, cond, state, flags_, deadline) ({			\
	struct waitq_entry wait_entry_;						\
	int wait_err_ = 0;							\
	if (!(cond)) {								\
		waitq_entry_init(&wait_entry_, current_thread(), flags_);	\
		waitq_add(q, &wait_entry_);					\
		for (;;) {							\
			thread_set_state(state);				\
			if (cond)						\
				break;						\
			wait_err_ = schedule_wait(deadline);			\
			if (wait_err_) {					\
				/* The event may have come too, and it counts:	\
				   an exclusive wake-up must not be lost. */	\
				if (cond)					\
					wait_err_ = 0;				\
				break;						\
			}							\
		}								\
		thread_set_state(THREAD_RUNNING);				\
		waitq_remove(q, &wait_entry_);					\
	}									\
	wait_err_; })

#define wait_event(q, cond) \
	((void)wait_event_common(q, cond, THREAD_UNINTERRUPTIBLE, 0, WAIT_FOREVER))
#define wait_event_interruptible(q, cond) \
	wait_event_common(q, cond, THREAD_INTERRUPTIBLE, 0, WAIT_FOREVER)
#define wait_event_exclusive(q, cond) \
	wait_event_common(q, cond, THREAD_INTERRUPTIBLE, WAITQ_EXCLUSIVE, WAIT_FOREVER)
#define wait_event_killable(q, cond) \
	wait_event_common(q, cond, THREAD_KILLABLE, 0, WAIT_FOREVER)
#define wait_event_timeout(q, cond, deadline) \
	wait_event_common(q, cond, THREAD_INTERRUPTIBLE, 0, deadline)
#define wait_event_timeout_uninterruptible(q, cond, deadline) \
	wait_event_common(q, cond, THREAD_UNINTERRUPTIBLE, 0, deadline)

/* One event that happens once. */
struct completion {
	struct waitq queue;
	bool done;			/* [A] */
};

void completion_init(struct completion *c);
void completion_signal(struct completion *c);
void completion_wait(struct completion *c);

#endif
