/* SPDX-License-Identifier: MIT */
/*
 * Reports of what happens to files: which watches want to hear of it.  fs/notify_internal.h has
 * the rules.
 *
 * An inode that nobody ever watched has no marks; of the others, the union of all masks says at a
 * glance whether anybody cares.  The parent of a name is looked at without a reference: inodes and
 * marks are freed after an RCU delay, and one that is going has no watches.
 */
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"
#include "notify_internal.h"

uint32_t notify_watches;
static uint32_t last_cookie;		/* [A] */
static struct spinlock marks_lock = SPINLOCK_INIT(FILE_STATE);
static LIST_HEAD(all_marks);		/* [R] marks_lock */

struct inotify_marks *notify_get_marks(struct inode *inode)
{
	struct inotify_marks *m = __atomic_load_n(&inode->marks, __ATOMIC_ACQUIRE), *old = NULL;

	if (m)
		return m;
	m = kzalloc(sizeof(*m), 0);
	if (!m)
		return NULL;
	list_init(&m->watches);
	m->inode = inode;
	/* Release pairs with the acquire loads: who sees it sees it whole. */
	if (!__atomic_compare_exchange_n(&inode->marks, &old, m, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		kfree(m);
		return old;
	}
	spin_lock(&marks_lock);
	list_add_tail(&m->node, &all_marks);
	spin_unlock(&marks_lock);
	return m;
}

void notify_unlist_marks(struct inode *inode)
{
	spin_lock(&marks_lock);
	list_del(&inode->marks->node);
	spin_unlock(&marks_lock);
}

void notify_marks_changed_locked(struct inotify_marks *m)
{
	uint32_t mask = 0;
	struct watch *w;

	list_for_each_entry(w, &m->watches, node)
		mask |= w->mask;
	__atomic_store_n(&m->mask, mask, __ATOMIC_RELAXED);
}

static void detach_locked(struct watch *w)
{
	w->attached = false;
	list_del(&w->node);
	notify_marks_changed_locked(w->inode->marks);
}

bool watch_detach(struct watch *w)
{
	bool ours;

	spin_lock(&w->inode->state_lock);
	ours = w->attached;
	if (ours)
		detach_locked(w);
	spin_unlock(&w->inode->state_lock);
	return ours;
}

static inline bool is_wanted(const struct inode *inode, uint32_t mask)
{
	struct inotify_marks *m = __atomic_load_n(&inode->marks, __ATOMIC_ACQUIRE);

	return m && (__atomic_load_n(&m->mask, __ATOMIC_RELAXED) & mask);
}

/* A name that is unlinked is no event for IN_EXCL_UNLINK. */
enum name_state { NAME_LINKED, NAME_UNLINKED };

/* Queue for all watches on @inode; those that want one event only go to @ended. */
static void report(struct inode *inode, const struct watch_event *e, enum name_state state,
		   struct list *ended)
{
	struct watch *w, *next;

	if (!is_wanted(inode, e->mask))
		return;
	spin_lock(&inode->state_lock);
	list_for_each_entry_safe(w, next, &inode->marks->watches, node) {
		if (!(w->mask & e->mask) ||
		    ((w->flags & WATCH_EXCL_UNLINK) && state == NAME_UNLINKED))
			continue;
		inotify_queue(w, e);
		if (w->flags & WATCH_ONESHOT) {
			detach_locked(w);
			list_add_tail(&w->node, ended);
		}
	}
	spin_unlock(&inode->state_lock);
}

static void end_all(struct list *ended)
{
	struct watch *w, *next;

	list_for_each_entry_safe(w, next, ended, node)
		watch_end(w);
}

/* The parent's watches, with the name; both are looked at together (dcache.c, I2). */
static void report_to_parent(struct dentry *d, uint32_t mask, enum name_state state,
			     struct list *ended)
{
	struct watch_event e = { .mask = mask };
	char text[NAME_LEN_MAX + 1];
	struct dentry *parent;
	struct inode *dir;
	uint32_t seq;

	rcu_read_lock();
	do {
		seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
		parent = READ_ONCE(d->parent);
		dir = parent == d ? NULL : READ_ONCE(parent->inode);
		if (!dir || !is_wanted(dir, mask)) {
			rcu_read_unlock();
			return;
		}
		str_copy_cut(text, READ_ONCE(d->name), sizeof(text));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((seq & 1) || seq != __atomic_load_n(&d->seq, __ATOMIC_RELAXED));
	e.name = text;
	e.len = strlen(text);
	report(dir, &e, state, ended);
	rcu_read_unlock();
}

static void report_name(struct dentry *d, struct inode *inode, uint32_t mask, enum name_state state)
{
	LIST_HEAD(ended);

	if (S_ISDIR(inode->mode))
		mask |= IN_ISDIR;
	if (d)
		report_to_parent(d, mask, state, &ended);
	report(inode, &(struct watch_event){ .mask = mask }, state, &ended);
	end_all(&ended);
}

void notify_file_slow(struct file *f, uint32_t mask)
{
	struct dentry *d = f->path.dentry;

	if ((f->mode & FMODE_PATH) || !f->inode)
		return;
	report_name(d, f->inode, mask, d && dentry_is_unlinked(d) ? NAME_UNLINKED : NAME_LINKED);
}

void notify_dentry_slow(struct dentry *d, uint32_t mask)
{
	struct inode *inode = READ_ONCE(d->inode);

	if (inode)
		report_name(d, inode, mask, NAME_LINKED);
}

void notify_inode_slow(struct inode *inode, uint32_t mask)
{
	report_name(NULL, inode, mask, NAME_LINKED);
}

void notify_entry_slow(const struct notify_entry *n)
{
	char text[NAME_LEN_MAX + 1];
	LIST_HEAD(ended);
	struct watch_event e = {
		.mask = n->mask | (n->is_dir ? IN_ISDIR : 0), .cookie = n->cookie, .name = text,
		.len = n->name->len,
	};

	if (!is_wanted(n->dir, n->mask))
		return;
	str_copy_cut(text, n->name->text, min(sizeof(text), (size_t)n->name->len + 1));
	report(n->dir, &e, NAME_LINKED, &ended);
	end_all(&ended);
}

uint32_t notify_move_cookie(void)
{
	return __atomic_add_fetch(&last_cookie, 1, __ATOMIC_RELAXED);
}

/* Report @mask, if any watch wants it, and end them all. */
static void end_inode(struct inode *inode, uint32_t mask)
{
	struct inotify_marks *m = __atomic_load_n(&inode->marks, __ATOMIC_ACQUIRE);
	struct watch_event e = { .mask = mask };
	struct watch *w, *next;
	LIST_HEAD(ended);

	if (!m)
		return;
	spin_lock(&inode->state_lock);
	list_for_each_entry_safe(w, next, &m->watches, node) {
		if (w->mask & mask)
			inotify_queue(w, &e);
		detach_locked(w);
		list_add_tail(&w->node, &ended);
	}
	spin_unlock(&inode->state_lock);
	end_all(&ended);
}

void notify_gone_slow(struct inode *inode)
{
	end_inode(inode, IN_DELETE_SELF);
}

/* An inode of @sb that is watched: a reference, or NULL. */
static struct inode *watched_inode(struct super_block *sb)
{
	struct inotify_marks *m;
	struct inode *found = NULL;

	spin_lock(&marks_lock);
	list_for_each_entry(m, &all_marks, node) {
		/* A mask stands for watches, and those hold the inode: it may be counted again. */
		if (m->inode->sb != sb || !__atomic_load_n(&m->mask, __ATOMIC_RELAXED) ||
		    !refcount_inc_not_zero(&m->inode->refs))
			continue;
		found = m->inode;
		break;
	}
	spin_unlock(&marks_lock);
	return found;
}

void notify_unmount_slow(struct super_block *sb)
{
	struct inode *inode;

	while ((inode = watched_inode(sb))) {
		end_inode(inode, IN_UNMOUNT);
		inode_put(inode);
	}
}
