/* SPDX-License-Identifier: MIT */
/*
 * Mutexes.
 *
 * The owner word holds the owning thread, 0 when free.  An uncontended lock or unlock is one
 * atomic operation.  Unlocking frees the word first and then wakes one
 * waiter, which competes for it again: no hand-over, so a running thread may take the lock before
 * the woken one does (throughput over order; waiters stay queued, so none is forgotten).
 *
 * Bit 0 of the word says that somebody may be queued: set by a waiter that found
 * the lock taken, it makes the owner's unlock take the slow path.
 */
#include <kernel/mutex.h>
#include <kernel/sched.h>
#include <lib/assert.h>
#include <lib/err.h>

#define MUTEX_WAITERS 1ul

static unsigned long *mutex_word(struct mutex *m)
{
	return (unsigned long *)&m->owner;
}

#ifdef CONFIG_LOCK_CHECK
#define mutex_class(m) ((enum lock_class)(m)->class)
#else
#define mutex_class(m) ((enum lock_class)0)
#endif

void mutex_init_class(struct mutex *m, enum lock_class class)
{
	m->owner = NULL;
	waitq_init(&m->waiters);
#ifdef CONFIG_LOCK_CHECK
	m->class = (uint16_t)class;
#endif
}

static bool mutex_take(struct mutex *m)
{
	unsigned long expected = 0;

	return __atomic_compare_exchange_n(mutex_word(m), &expected,
					   (unsigned long)current_thread(),
					   false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Take the lock if it is free (others may still wait: keep their mark); else leave our mark. */
static bool mutex_take_or_mark(struct mutex *m)
{
	unsigned long self = (unsigned long)current_thread() | MUTEX_WAITERS;
	unsigned long word = __atomic_load_n(mutex_word(m), __ATOMIC_RELAXED);

	for (;;) {
		unsigned long want = (word & ~MUTEX_WAITERS) ? word | MUTEX_WAITERS : self;

		if (__atomic_compare_exchange_n(mutex_word(m), &word, want, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return want == self;
	}
}

static int mutex_lock_slow(struct mutex *m, enum thread_state state)
{
	return wait_event_common(&m->waiters, mutex_take_or_mark(m), state, WAITQ_EXCLUSIVE,
				 WAIT_FOREVER);
}

static int mutex_lock_state(struct mutex *m, enum thread_state state)
{
	int err = 0;

	might_sleep();
	lockdep_acquire(m, mutex_class(m), false);
	if (unlikely(!mutex_take(m)))
		err = mutex_lock_slow(m, state);
	if (err)
		lockdep_release(m, mutex_class(m));
	return err;
}

void mutex_lock(struct mutex *m)
{
	(void)!mutex_lock_state(m, THREAD_UNINTERRUPTIBLE);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return mutex_lock_state(m, THREAD_INTERRUPTIBLE);
}

int mutex_lock_killable(struct mutex *m)
{
	return mutex_lock_state(m, THREAD_KILLABLE) ? -EINTR : 0;
}

bool mutex_try_lock(struct mutex *m)
{
	if (!mutex_take(m))
		return false;
	lockdep_acquire(m, mutex_class(m), true);
	return true;
}

void mutex_unlock(struct mutex *m)
{
	unsigned long word;

	lockdep_release(m, mutex_class(m));
	/* Release pairs with the acquire in mutex_take(). */
	word = __atomic_exchange_n(mutex_word(m), 0, __ATOMIC_RELEASE);
	ASSERT((word & ~MUTEX_WAITERS) == (unsigned long)current_thread());
	if (unlikely(word & MUTEX_WAITERS))
		waitq_wake_nr(&m->waiters, 1, 0);
}

bool mutex_is_locked(const struct mutex *m)
{
	return __atomic_load_n((const unsigned long *)&m->owner, __ATOMIC_RELAXED) != 0;
}
