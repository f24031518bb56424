/* SPDX-License-Identifier: MIT */
/*
 * inotify instances: their queue of events, their watches by number, and what users may have.
 *
 * Events are made where the thing happens, under spinlocks, so their memory comes from the atomic
 * reserve; when there is none the event is lost, and the reader learns of it as of an overflow.
 */
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/poll.h>

#include "notify_internal.h"

int inotify_max_events = 16384, inotify_max_instances = 128, inotify_max_watches;

/* Accounts. */

/* What one user has, against the limits. */
struct account {
	uint32_t uid;			/* [I] */
	uint32_t instances, watches;	/* [R] accounts_lock */
	struct hlist_node node;		/* [R] accounts_lock */
};

#define ACCOUNT_BUCKETS 64u
static struct spinlock accounts_lock = SPINLOCK_INIT(HASH);
static struct hlist_head accounts[ACCOUNT_BUCKETS];	/* [R] accounts_lock */

static struct account *find_account_locked(uint32_t uid)
{
	struct account *a;

	hlist_for_each_entry(a, &accounts[uid % ACCOUNT_BUCKETS], node)
		if (a->uid == uid)
			return a;
	return NULL;
}

/* One more instance for the caller.  -EMFILE, -ENOMEM. */
struct account *inotify_account_enter(void)
{
	struct account *fresh = kzalloc(sizeof(*fresh), 0), *a;
	uint32_t uid = current_cred()->euid;
	int err = 0;

	if (!fresh)
		return ERR_PTR(-ENOMEM);
	fresh->uid = uid;
	spin_lock(&accounts_lock);
	a = find_account_locked(uid);
	if (!a) {
		hlist_add_head(&fresh->node, &accounts[uid % ACCOUNT_BUCKETS]);
		swap_values(a, fresh);
	}
	if ((int64_t)a->instances >= READ_ONCE(inotify_max_instances))
		err = -EMFILE;
	else
		a->instances++;
	if (!a->instances) {
		hlist_del(&a->node);
		swap_values(a, fresh);
	}
	spin_unlock(&accounts_lock);
	kfree(fresh);
	return err ? ERR_PTR(err) : a;
}

static void account_leave(struct account *a)
{
	bool last;

	spin_lock(&accounts_lock);
	last = --a->instances == 0;
	if (last)
		hlist_del(&a->node);
	spin_unlock(&accounts_lock);
	if (last)
		kfree(a);
}

int inotify_charge_watch(struct account *a)
{
	int err = 0;

	spin_lock(&accounts_lock);
	if ((int64_t)a->watches >= READ_ONCE(inotify_max_watches))
		err = -ENOSPC;
	else
		a->watches++;
	spin_unlock(&accounts_lock);
	return err;
}

static void uncharge_watch(struct account *a)
{
	spin_lock(&accounts_lock);
	a->watches--;
	spin_unlock(&accounts_lock);
}

/* Instances and watches: life. */

static void drop_events(struct inotify *in)
{
	struct queued_event *q, *next;

	list_for_each_entry_safe(q, next, &in->events, node)
		if (q != in->overflow)
			kfree(q);
}

void inotify_put(struct inotify *in)
{
	if (!refcount_dec_and_test(&in->refs))
		return;
	drop_events(in);
	kfree(in->overflow);
	account_leave(in->account);
	kfree(in);
}

void watch_put(struct watch *w)
{
	if (!refcount_dec_and_test(&w->refs))
		return;
	__atomic_fetch_sub(&notify_watches, 1, __ATOMIC_RELAXED);
	uncharge_watch(w->instance->account);
	inode_put(w->inode);
	inotify_put(w->instance);
	kfree(w);
}

/* The watch @wd of the locked @in; borrowed. */
static struct watch *find_wd_locked(struct inotify *in, int wd)
{
	struct rb_node *n = in->watches.root;

	while (n) {
		struct watch *w = rb_entry(n, struct watch, tree_node);

		if (wd == w->wd)
			return w;
		n = wd < w->wd ? n->left : n->right;
	}
	return NULL;
}

/* Numbers go up; only after INT_MAX of them are old ones looked for. */
int inotify_next_wd_locked(struct inotify *in)
{
	int wd = in->last_wd;

	do
		wd = wd == INT32_MAX ? 1 : wd + 1;
	while (find_wd_locked(in, wd));
	return wd;
}

void inotify_insert_locked(struct inotify *in, struct watch *w)
{
	struct rb_node **link = &in->watches.root, *parent = NULL;

	w->wd = in->last_wd = inotify_next_wd_locked(in);
	while (*link) {
		parent = *link;
		link = w->wd < rb_entry(parent, struct watch, tree_node)->wd ? &parent->left :
									       &parent->right;
	}
	rb_link(&w->tree_node, parent, link);
	rb_insert(&in->watches, &w->tree_node);
}

/* Events. */

static bool equals_last_locked(const struct inotify *in, const struct inotify_event *e)
{
	const struct inotify_event *last;

	if (list_empty(&in->events))
		return false;
	last = &list_last_entry(&in->events, struct queued_event, node)->event;
	return last->wd == e->wd && last->mask == e->mask && last->len == e->len &&
	       !memcmp(last->name, e->name, e->len);
}

static void append_locked(struct inotify *in, struct queued_event *q)
{
	list_add_tail(&q->node, &in->events);
	in->nr_events++;
	waitq_wake(&in->waitq, POLLIN | POLLRDNORM);
}

static void overflow_locked(struct inotify *in)
{
	if (in->overflowed)
		return;
	in->overflowed = true;
	append_locked(in, in->overflow);
}

/* An event without its place in a queue.  NULL: out of memory. */
static struct queued_event *event_make(int wd, const struct watch_event *e)
{
	size_t len = e->len ? align_up(e->len + 1, sizeof(struct inotify_event)) : 0;
	struct queued_event *q = kzalloc(sizeof(*q) + len, ALLOC_ATOMIC);

	if (!q)
		return NULL;
	q->event.wd = wd;
	q->event.mask = e->mask;
	q->event.cookie = e->cookie;
	q->event.len = (uint32_t)len;
	if (e->len)
		memcpy(q->event.name, e->name, e->len);
	return q;
}

static void queue(struct inotify *in, int wd, const struct watch_event *e)
{
	struct queued_event *q = event_make(wd, e);

	spin_lock(&in->lock);
	if (!q || (int64_t)in->nr_events >= READ_ONCE(inotify_max_events)) {
		overflow_locked(in);
	} else if (!equals_last_locked(in, &q->event)) {
		append_locked(in, q);
		q = NULL;
	}
	spin_unlock(&in->lock);
	kfree(q);
}

void inotify_queue(struct watch *w, const struct watch_event *e)
{
	struct watch_event copy = *e;

	/* The inode's own fate never says what kind it was. */
	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
		copy.mask &= ~(uint32_t)IN_ISDIR;
	queue(w->instance, w->wd, &copy);
}

void watch_end(struct watch *w)
{
	struct inotify *in = w->instance;

	queue(in, w->wd, &(struct watch_event){ .mask = IN_IGNORED });
	spin_lock(&in->lock);
	rb_erase(&in->watches, &w->tree_node);
	spin_unlock(&in->lock);
	watch_put(w);
}
