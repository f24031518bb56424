/* SPDX-License-Identifier: MIT */
/*
 * How many threads each user has, for RLIMIT_NPROC: one counter for each real user id in use,
 * shared by the credentials with that id.  fork adds one without a look at any other process.
 *
 * User 0 has no limit and no counter (NULL).  A thread counts from fork until it is reaped.
 */
#include <lib/err.h>
#include <mm/slab.h>
#include "proc.h"

struct user {
	refcount_t refs;
	uint32_t uid;			/* [I] */
	uint32_t nr_threads;		/* [A] */
	uint32_t nr_in_flight;		/* [A] descriptors in messages of sockets */
	struct hlist_node node;		/* [R] user_lock */
};

#define USER_BUCKETS 64u

static struct spinlock user_lock = SPINLOCK_INIT(HASH);
static struct hlist_head users[USER_BUCKETS];	/* [R] user_lock */

/* user_lock is held: a user whose last reference is going may still be found, but not taken. */
static struct user *find_locked(uint32_t uid)
{
	struct user *u;

	hlist_for_each_entry(u, &users[uid % USER_BUCKETS], node)
		if (u->uid == uid && refcount_inc_not_zero(&u->refs))
			return u;
	return NULL;
}

struct user *user_get(uint32_t uid)
{
	struct user *u, *new;

	if (uid == 0)
		return NULL;
	new = kzalloc(sizeof(*new), ALLOC_NORMAL);
	if (!new)
		return ERR_PTR(-ENOMEM);
	refcount_set(&new->refs, 1);
	new->uid = uid;
	spin_lock(&user_lock);
	u = find_locked(uid);
	if (!u)
		hlist_add_head(&new->node, &users[uid % USER_BUCKETS]);
	spin_unlock(&user_lock);
	if (u)
		kfree(new);
	return u ? u : new;
}

struct user *user_ref(struct user *u)
{
	if (u)
		refcount_inc(&u->refs);
	return u;
}

void user_put(struct user *u)
{
	if (!u || !refcount_dec_and_test(&u->refs))
		return;
	spin_lock(&user_lock);
	hlist_del(&u->node);
	spin_unlock(&user_lock);
	kfree(u);
}

int user_charge(struct user *u, uint64_t limit)
{
	if (!u)
		return 0;
	if (__atomic_fetch_add(&u->nr_threads, 1, __ATOMIC_RELAXED) < limit)
		return 0;
	user_uncharge(u);
	return -EAGAIN;
}

void user_uncharge(struct user *u)
{
	if (u)
		__atomic_fetch_sub(&u->nr_threads, 1, __ATOMIC_RELAXED);
}

int user_add_in_flight(struct user *u, uint32_t nr, uint64_t limit)
{
	if (!u)
		return 0;
	if (__atomic_load_n(&u->nr_in_flight, __ATOMIC_RELAXED) > limit)
		return -ETOOMANYREFS;
	__atomic_fetch_add(&u->nr_in_flight, nr, __ATOMIC_RELAXED);
	user_ref(u);
	return 0;
}

void user_drop_in_flight(struct user *u, uint32_t nr)
{
	if (!u)
		return;
	__atomic_fetch_sub(&u->nr_in_flight, nr, __ATOMIC_RELAXED);
	user_put(u);
}
