/* SPDX-License-Identifier: MIT */
/*
 * Descriptors in flight, and the collector of sockets that only messages refer to.
 *
 * The problem: a socket's descriptor can be sent over a socket, over itself even.  When all other
 * descriptors are closed, the socket is kept by a message in its own queue (or in a circle of
 * queues) that nobody can read.
 *
 * In flight is a socket that messages refer to: in_flight counts these references, the file's own
 * count those and all others.  Where both are equal there is no other: a candidate.  A reference to
 * a candidate that stands in a candidate's queue says nothing yet; any other one says that somebody
 * may still receive it.  So:
 *
 *	1. gc_left = in_flight, for all candidates
 *	2. for each reference in a candidate's queue to a candidate: its gc_left falls by one
 *	3. candidates with gc_left > 0 are live, and what is in their queues, and so on
 *	4. what is left is garbage: the rights in its queues are given up
 *
 * Queues of a listener are those of its embryos as well.
 *
 * G1  in_flight rises before its message is queued and falls before the file is installed or put
 *     (U6), both under gc_lock.  So a reference that a receiver has taken off a queue counts as one
 *     from outside while a collection runs, and its file is not used before that has ended.
 * G2  Nobody reads from a candidate while gc_lock is held: a call needs a reference of its file,
 *     and there is none but those in messages (G1).  So messages do not leave its queue, and their
 *     rights may be looked at under its lock.  New ones may come: their files were counted before
 *     (G1), so they only make step 3 find more.
 * G3  in_flight != 0 exactly when the socket is in the list flying, or in one of a collection's.
 * G4  A peek gives a file a second reference without G1.  It takes and drops gc_lock before it
 *     installs the file: a collection that counted without that reference has ended by then, and
 *     has found the file live, for the queue that was peeked at has a reader.
 *
 * A collection is due when a descriptor of a socket in flight is closed, when any UNIX socket is
 * released while some are in flight, and when many more are in flight than the last one left.  A
 * thread does it; it looks a second time a little later, because a closing thread tells us before
 * it drops its reference.
 *
 * Giving up rights may release sockets with further rights in their queues, to any depth; they are
 * chained and given up one after the other by the outermost call (unix_rights_put()).
 */
#include <kernel/clock.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <lib/assert.h>
#include <mm/slab.h>

#include "unix.h"

#define SECOND_LOOK_NS	(20 * NSEC_PER_MSEC)
#define GROWTH		1000u		/* sockets in flight more than the last time */

static struct mutex gc_lock = MUTEX_INIT(gc_lock, SOCKET_GC);
static struct list flying = LIST_INIT(flying);	/* [R] gc_lock: G3 */
static uint32_t nr_flying;			/* [R] gc_lock; looked at without */
static uint32_t nr_left;			/* [A] in flight after the last collection */
static struct thread *collector;		/* [R] gc_lock: made when it is first needed */
static struct waitq collector_waitq = WAITQ_INIT(collector_waitq);
static bool is_wanted;				/* [A] */

uint32_t unix_gc_in_flight(void)
{
	return READ_ONCE(nr_flying);
}

static void collector_thread(void *arg)
{
	for (;;) {
		wait_event(&collector_waitq, READ_ONCE(is_wanted));
		WRITE_ONCE(is_wanted, false);
		smp_mb();	/* who asks from now on is heard again */
		unix_gc_collect();
		if (unix_gc_in_flight()) {
			sleep_ns(SECOND_LOOK_NS);
			unix_gc_collect();
		}
	}
}

static void ask_collector(void)
{
	if (xchg(&is_wanted, true))
		return;
	waitq_wake(&collector_waitq, 0);
}

void unix_gc_descriptor_closed(struct socket *s)
{
	if (unlikely(READ_ONCE(unix_of(s)->in_flight)))
		ask_collector();
}

void unix_gc_socket_released(void)
{
	if (unlikely(READ_ONCE(nr_flying)))
		ask_collector();
}

/* gc_lock is held. */
static int start_collector(void)
{
	struct thread *t;

	if (likely(collector))
		return 0;
	t = kthread_create(collector_thread, NULL, "unix_gc");
	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	collector = t;
	return 0;
}

static void count_locked(struct unix_socket *u)
{
	if (!u->in_flight)
		list_add_tail(&u->gc_node, &flying);
	nr_flying += !u->in_flight;
	WRITE_ONCE(u->in_flight, u->in_flight + 1);
}

static void uncount_locked(struct unix_socket *u)
{
	WRITE_ONCE(u->in_flight, u->in_flight - 1);
	if (u->in_flight)
		return;
	list_del_init(&u->gc_node);
	nr_flying--;
}

static bool has_sockets(const struct unix_rights *r)
{
	for (uint32_t i = 0; i < r->nr; i++)
		if (unix_of_file(r->files[i]))
			return true;
	return false;
}

int unix_rights_depart(struct unix_rights *r)
{
	uint64_t limit = process_rlimit(current_process(), RLIMIT_NOFILE);
	int err = user_add_in_flight(current_cred()->user, r->nr, limit);

	if (err)
		return err;
	r->user = current_cred()->user;
	if (likely(!has_sockets(r)))
		return 0;
	if (unlikely(READ_ONCE(nr_flying) > 2 * READ_ONCE(nr_left) + GROWTH))
		unix_gc_collect();
	mutex_lock(&gc_lock);
	err = start_collector();
	for (uint32_t i = 0; !err && i < r->nr; i++) {
		struct unix_socket *u = unix_of_file(r->files[i]);

		if (u) {
			count_locked(u);
			r->nr_unix++;
		}
	}
	mutex_unlock(&gc_lock);
	return err;
}

void unix_rights_arrive(struct unix_rights *r)
{
	if (r->user) {
		user_drop_in_flight(r->user, r->nr);
		r->user = NULL;
	}
	if (likely(!r->nr_unix))
		return;
	mutex_lock(&gc_lock);
	for (uint32_t i = 0; i < r->nr; i++) {
		struct unix_socket *u = unix_of_file(r->files[i]);

		if (u)
			uncount_locked(u);
	}
	r->nr_unix = 0;
	mutex_unlock(&gc_lock);
}

void unix_rights_peek_barrier(const struct unix_rights *r)
{
	if (likely(!has_sockets(r)))
		return;
	mutex_lock(&gc_lock);
	mutex_unlock(&gc_lock);
}

void unix_rights_put(struct unix_rights *r)
{
	struct thread *t = current_thread();
	struct unix_rights **chain = t->net_rights, *rest = NULL;

	unix_rights_arrive(r);
	if (chain) {		/* a call further out gives them up */
		r->next = *chain;
		*chain = r;
		return;
	}
	t->net_rights = &rest;
	for (;;) {
		for (uint32_t i = 0; i < r->nr; i++)
			file_put(r->files[i]);
		kfree(r);
		r = rest;
		if (!r)
			break;
		rest = r->next;
	}
	t->net_rights = NULL;
}

/* The collection.  gc_lock is held in all of it, but for what comes after. */

static void find_candidates(struct list *candidates)
{
	struct unix_socket *u, *next;

	list_for_each_entry_safe(u, next, &flying, gc_node) {
		if ((uint32_t)refcount_read(&u->sk.file->refs) != u->in_flight)
			continue;
		u->gc_mark = GC_CANDIDATE;
		u->gc_left = u->in_flight;
		list_move_tail(&u->gc_node, candidates);
	}
}

typedef void visit_fn(struct unix_socket *child, struct list *arg);

/* For each candidate that the queue of @u refers to, once for each reference.  @u is locked. */
static void visit_queue(struct unix_socket *u, visit_fn *fn, struct list *arg)
{
	struct unix_message *msg;

	list_for_each_entry(msg, &u->queue, node) {
		struct unix_rights *r = msg->rights;

		for (uint32_t i = 0; r && i < r->nr; i++) {
			struct unix_socket *child = unix_of_file(r->files[i]);

			if (child && child->gc_mark == GC_CANDIDATE)
				fn(child, arg);
		}
	}
}

/* The same for the queues of @u and of connections that wait there. */
static void visit(struct unix_socket *u, visit_fn *fn, struct list *arg)
{
	struct unix_socket *embryo;

	spin_lock(&u->lock);
	visit_queue(u, fn, arg);
	list_for_each_entry(embryo, &u->embryos, embryo_node) {
		spin_lock(&embryo->lock);
		visit_queue(embryo, fn, arg);
		spin_unlock(&embryo->lock);
	}
	spin_unlock(&u->lock);
}

static void explain_one(struct unix_socket *child, struct list *arg)
{
	ASSERT(child->gc_left);
	child->gc_left--;
}

static void revive(struct unix_socket *child, struct list *live)
{
	child->gc_mark = GC_LIVE;
	list_move_tail(&child->gc_node, live);
}

static void find_live(struct list *candidates, struct list *live)
{
	struct unix_socket *u, *next;

	list_for_each_entry(u, candidates, gc_node)
		visit(u, explain_one, NULL);
	list_for_each_entry_safe(u, next, candidates, gc_node)
		if (u->gc_left)
			revive(u, live);
	/* The list grows while we walk along it. */
	list_for_each_entry(u, live, gc_node)
		visit(u, revive, live);
}

static void take_rights_of_queue(struct unix_socket *u, struct unix_rights **hit)
{
	struct unix_message *msg;

	list_for_each_entry(msg, &u->queue, node) {
		if (!msg->rights)
			continue;
		msg->rights->next = *hit;
		*hit = msg->rights;
		msg->rights = NULL;
	}
}

static void take_rights(struct unix_socket *u, struct unix_rights **hit)
{
	struct unix_socket *embryo;

	spin_lock(&u->lock);
	take_rights_of_queue(u, hit);
	list_for_each_entry(embryo, &u->embryos, embryo_node) {
		spin_lock(&embryo->lock);
		take_rights_of_queue(embryo, hit);
		spin_unlock(&embryo->lock);
	}
	spin_unlock(&u->lock);
}

/* Back into the list of all in flight. */
static void restore(struct list *from)
{
	struct unix_socket *u;

	list_for_each_entry(u, from, gc_node)
		u->gc_mark = GC_NONE;
	list_splice_tail_init(from, &flying);
}

unsigned int unix_gc_collect(void)
{
	struct unix_rights *hit = NULL;
	unsigned int garbage = 0;
	struct unix_socket *u;
	LIST_HEAD(candidates);
	LIST_HEAD(live);

	mutex_lock(&gc_lock);
	find_candidates(&candidates);
	find_live(&candidates, &live);
	list_for_each_entry(u, &candidates, gc_node) {
		take_rights(u, &hit);
		garbage++;
	}
	restore(&live);
	restore(&candidates);
	WRITE_ONCE(nr_left, nr_flying);
	mutex_unlock(&gc_lock);
	while (hit) {
		struct unix_rights *r = hit;

		hit = r->next;
		unix_rights_put(r);
	}
	return garbage;
}
