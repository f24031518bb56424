/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer semaphores: count > 0 readers, -1 a writer, 0 free.  Readers stand back
 * while a writer waits, so that writers are not starved.
 */
#include <kernel/mutex.h>
#include <kernel/sched.h>
#include <lib/assert.h>
#include <lib/err.h>

#ifdef CONFIG_LOCK_CHECK
#define rwsem_class(s) ((enum lock_class)(s)->class)
#else
#define rwsem_class(s) ((enum lock_class)0)
#endif

void rwsem_init_class(struct rwsem *s, enum lock_class class)
{
	s->count = 0;
	s->writers_waiting = 0;
	waitq_init(&s->waiters);
#ifdef CONFIG_LOCK_CHECK
	s->class = (uint16_t)class;
#endif
}

static bool take_read(struct rwsem *s)
{
	int64_t n = __atomic_load_n(&s->count, __ATOMIC_RELAXED);

	while (n >= 0 && !__atomic_load_n(&s->writers_waiting, __ATOMIC_RELAXED))
		if (__atomic_compare_exchange_n(&s->count, &n, n + 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

static bool take_write(struct rwsem *s)
{
	int64_t expected = 0;

	return __atomic_compare_exchange_n(&s->count, &expected, -1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void rwsem_lock_read(struct rwsem *s)
{
	might_sleep();
	lockdep_acquire(s, rwsem_class(s), false);
	if (likely(take_read(s)))
		return;
	wait_event(&s->waiters, take_read(s));
}

bool rwsem_try_lock_read(struct rwsem *s)
{
	if (!take_read(s))
		return false;
	lockdep_acquire(s, rwsem_class(s), true);
	return true;
}

/* The count's change is ordered before the look at the queue by waitq_is_active()'s fence. */
void rwsem_unlock_read(struct rwsem *s)
{
	lockdep_release(s, rwsem_class(s));
	if (__atomic_sub_fetch(&s->count, 1, __ATOMIC_RELEASE) == 0)
		waitq_wake_all(&s->waiters, 0);
}

static int lock_write_state(struct rwsem *s, enum thread_state state)
{
	int err = 0;

	might_sleep();
	lockdep_acquire(s, rwsem_class(s), false);
	if (likely(take_write(s)))
		return 0;
	__atomic_fetch_add(&s->writers_waiting, 1, __ATOMIC_SEQ_CST);
	err = wait_event_common(&s->waiters, take_write(s), state, 0, WAIT_FOREVER);
	if (__atomic_sub_fetch(&s->writers_waiting, 1, __ATOMIC_SEQ_CST) == 0 && err)
		waitq_wake_all(&s->waiters, 0);
	if (err)
		lockdep_release(s, rwsem_class(s));
	return err;
}

void rwsem_lock_write(struct rwsem *s)
{
	(void)!lock_write_state(s, THREAD_UNINTERRUPTIBLE);
}

int rwsem_lock_write_killable(struct rwsem *s)
{
	return lock_write_state(s, THREAD_KILLABLE) ? -EINTR : 0;
}

void rwsem_unlock_write(struct rwsem *s)
{
	lockdep_release(s, rwsem_class(s));
	ASSERT(s->count == -1);
	__atomic_store_n(&s->count, 0, __ATOMIC_RELEASE);
	waitq_wake_all(&s->waiters, 0);
}

void rwsem_downgrade(struct rwsem *s)
{
	ASSERT(s->count == -1);
	__atomic_store_n(&s->count, 1, __ATOMIC_RELEASE);
	waitq_wake_all(&s->waiters, 0);
}
