/* SPDX-License-Identifier: MIT */
/* What futex.c, futex_pi.c and futex_exit.c share. */
#ifndef KERNEL_PROC_FUTEX_INTERNAL_H
#define KERNEL_PROC_FUTEX_INTERNAL_H

#include <kernel/deadline.h>
#include <lib/hash.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <uapi/futex.h>

struct futex_bucket {
	struct spinlock lock;		/* class FUTEX */
	uint32_t nr;			/* [A] waiters here or about to be; changed under lock */
	struct list waiters;		/* [L] struct futex_waiter, oldest first */
} __aligned(32);

enum futex_waiter_kind {
	FUTEX_PLAIN,
	FUTEX_REQUEUE_PI,		/* waits plainly for being moved to a PI futex */
	FUTEX_PI,			/* waits for ownership */
};

/*
 * On its thread's stack.  Others reach it only under the lock of its bucket, or under pi_lock by
 * its owner's list.
 */
struct futex_waiter {
	struct list node;		/* [R] bucket's lock */
	struct futex_bucket *bucket;	/* [A] changed under its lock; NULL: woken, or owner now */
	struct mem_key key;		/* [R] bucket's lock */
	struct thread *thread;		/* [I] */
	uint32_t bitset;		/* [I] */
	enum futex_waiter_kind kind;	/* [R] bucket's lock */
	struct mem_key target;		/* [I] REQUEUE_PI: the PI futex */
	struct thread *owner;		/* [R] pi_lock: whose pi_waiters holds us; NULL: none */
	struct hlist_node owner_node;	/* [R] pi_lock */
	bool orphaned;			/* [A] the owner ended; set under pi_lock */
};

/* futex.c */
struct futex_bucket *futex_bucket_of(const struct mem_key *key);
/* -EINVAL, -EFAULT */
int futex_key(uaddr_t addr, bool shared, struct mem_key *key);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_waiter_init(struct futex_waiter *w, enum futex_waiter_kind kind, uint32_t bitset);
/* Bucket locked.  _enqueue counts the waiter unless the caller did. */
void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w);
void futex_dequeue(struct futex_bucket *b, struct futex_waiter *w);
/* Queue @w on @addr if the word holds @val.  0, -EAGAIN (it does not), -EFAULT, -EINVAL. */
int futex_wait_setup(struct futex_waiter *w, uaddr_t addr, bool shared, uint32_t val);
/* Sleep until woken or orphaned: 0; else off its queue with -ETIMEDOUT or -ERESTARTSYS. */
int futex_sleep(struct futex_waiter *w, struct deadline *d);
/* Leave the queue.  False: it was woken already. */
bool futex_unqueue(struct futex_waiter *w);
/* Dequeue and wake, the bucket locked.  @w is gone on return. */
void futex_wake_waiter(struct futex_bucket *b, struct futex_waiter *w, bool sync);

static inline bool futex_keys_equal(const struct mem_key *a, const struct mem_key *b)
{
	return a->offset == b->offset && a->object == b->object && a->shared == b->shared;
}

/* The word, without serving faults: under a bucket's lock. */
static inline int futex_read_locked(uaddr_t addr, uint32_t *value)
{
	int err;

	pagefault_disable();
	err = get_user(value, addr);
	pagefault_enable();
	return err;
}

static inline int futex_cmpxchg_locked(uaddr_t addr, uint32_t expected, uint32_t desired,
				       uint32_t *found)
{
	int err;

	pagefault_disable();
	err = arch_user_cmpxchg32(addr, expected, desired, found);
	pagefault_enable();
	return err;
}

/* Make the word writable in the caller's address space; no lock held.  0 or -EFAULT. */
static inline int futex_fault_in(uaddr_t addr)
{
	uint32_t old;

	return arch_user_atomic32(USER_OR, addr, 0, &old);
}

/* futex_pi.c */
long futex_lock_pi(uaddr_t addr, bool shared, struct deadline *d);
long futex_trylock_pi(uaddr_t addr, bool shared);
long futex_unlock_pi(uaddr_t addr, bool shared);
long futex_wait_requeue_pi(uaddr_t addr, uaddr_t target, bool shared, uint32_t val,
			   struct deadline *d);
long futex_cmp_requeue_pi(uaddr_t from, uaddr_t to, bool shared, int nr_wake, int nr_requeue,
			  uint32_t val);
/* The caller ends: those who wait for it must take over. */
void futex_pi_orphan_waiters(struct thread *t);

enum futex_exit { FUTEX_ALIVE, FUTEX_EXITING, FUTEX_EXITED };

#endif
