/* SPDX-License-Identifier: MIT */
/*
 * futex_waitv(2): sleep on several user words until one is woken.
 *
 * Each word has a waiter of its own in its bucket, all for one thread; the rules are those of
 * futex.c.  When the thread is up again all are taken off, and one that somebody else took off is
 * the answer.
 */
#include <generated/syscall_protos.h>
#include <mm/slab.h>
#include <uapi/time.h>

#include "futex_internal.h"
#include "proc.h"

struct waited_word {
	struct futex_waiter waiter;
	struct futex_waitv arg;		/* the user's, copied */
};

static bool is_shared(const struct waited_word *w)
{
	return !(w->arg.flags & FUTEX_PRIVATE_FLAG);
}

static int read_words(struct waited_word *words, uaddr_t user, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct futex_waitv *a = &words[i].arg;

		if (copy_from_user(a, uaddr_add(user, i * sizeof(*a)), sizeof(*a)))
			return -EFAULT;
		if ((a->flags & ~(uint32_t)(FUTEX_32 | FUTEX_PRIVATE_FLAG)) || a->__reserved ||
		    !(a->flags & FUTEX_32))
			return -EINVAL;
		futex_waiter_init(&words[i].waiter, FUTEX_PLAIN, FUTEX_BITSET_MATCH_ANY);
	}
	return 0;
}

/* Take the first @nr off their queues.  The last that was woken, or -1. */
static int leave(struct waited_word *words, unsigned int nr)
{
	int woken = -1;

	for (unsigned int i = 0; i < nr; i++)
		if (!futex_unqueue(&words[i].waiter))
			woken = (int)i;
	return woken;
}

/* Queue all.  0; or nothing is queued and *@ret is the call's result: an index or an error. */
static bool enter(struct waited_word *words, unsigned int nr, int *ret)
{
	/* All addresses are looked at before any value. */
	for (unsigned int i = 0; i < nr; i++) {
		*ret = futex_key(UADDR(words[i].arg.uaddr), is_shared(&words[i]),
				 &words[i].waiter.key);
		if (*ret)
			return false;
	}
	for (unsigned int i = 0; i < nr; i++) {
		struct waited_word *w = &words[i];
		int woken;

		*ret = futex_wait_setup(&w->waiter, UADDR(w->arg.uaddr), is_shared(w),
					(uint32_t)w->arg.val);
		if (!*ret)
			continue;
		woken = leave(words, i);
		if (woken >= 0)
			*ret = woken;
		return false;
	}
	return true;
}

static bool any_woken(const struct waited_word *words, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		/* Acquire pairs with futex_wake_waiter(). */
		if (!__atomic_load_n(&words[i].waiter.bucket, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

static int wait_any(struct waited_word *words, unsigned int nr, struct deadline *d)
{
	int err = 0, woken;

	if (!enter(words, nr, &err))
		return err;
	deadline_begin(d);
	while (!err) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		if (any_woken(words, nr))
			break;
		err = deadline_wait(d);
	}
	thread_set_state(THREAD_RUNNING);
	deadline_end(d);
	woken = leave(words, nr);
	return woken >= 0 ? woken : err;
}

static int read_deadline(uaddr_t timeout, int clock, struct deadline *d)
{
	struct timespec ts;

	*d = (struct deadline)DEADLINE_MONOTONIC(WAIT_FOREVER);
	if (!timeout.v)
		return 0;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	if (copy_from_user(&ts, timeout, sizeof(ts)))
		return -EFAULT;
	if (!timespec_is_valid(ts))
		return -EINVAL;
	d->ns = timespec_to_ns(ts);
	d->realtime = clock == CLOCK_REALTIME;
	return 0;
}

long sys_futex_waitv(uaddr_t waiters, unsigned int nr, unsigned int flags, uaddr_t timeout,
		     int clockid)
{
	struct waited_word *words;
	struct deadline d;
	long ret;

	if (flags || !nr || nr > FUTEX_WAITV_MAX || !waiters.v)
		return -EINVAL;
	ret = read_deadline(timeout, clockid, &d);
	if (ret)
		return ret;
	words = kmalloc_array(nr, sizeof(*words), 0);
	if (!words)
		return -ENOMEM;
	ret = read_words(words, waiters, nr);
	if (!ret)
		ret = wait_any(words, nr, &d);
	kfree(words);
	return ret;
}
