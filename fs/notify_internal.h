/* SPDX-License-Identifier: MIT */
/*
 * Watches: what fs/notify.c and fs/inotify.c share.
 *
 * W1  A watch is attached while it is in its inode's list and its instance's tree.  Who takes it
 *     off the list (under the inode's state_lock, where attached changes once from true to false)
 *     ends it, and inherits the reference that being attached is.
 * W2  A watch holds a reference to its inode and its instance, so both outlive it.
 * W3  Locks: inode state_lock, then the instance's.  Events are queued under both, so none comes
 *     after IN_IGNORED.
 */
#ifndef FS_NOTIFY_INTERNAL_H
#define FS_NOTIFY_INTERNAL_H

#include <fs/notify.h>
#include <kernel/waitq.h>
#include <lib/rbtree.h>

struct inotify;
struct account;

enum watch_flags { WATCH_ONESHOT = 1 << 0, WATCH_EXCL_UNLINK = 1 << 1 };

struct watch {
	refcount_t refs;
	bool attached;			/* [R] inode's state_lock */
	uint32_t mask, flags;		/* [R] inode's state_lock; enum watch_flags */
	int wd;				/* [I] */
	struct inode *inode;		/* [I] counted */
	struct inotify *instance;	/* [I] counted */
	struct list node;	/* [R] inode's state_lock; then its ender's */
	struct rb_node tree_node;	/* [R] instance's lock: by wd */
};

/* The watches on one inode.  Made with the first, freed with the inode. */
struct inotify_marks {
	struct list watches;		/* [R] state_lock */
	uint32_t mask;			/* [A] of all watches together; changed under state_lock */
	struct inode *inode;		/* [I] */
	struct list node;		/* [R] marks_lock: all there are */
};

struct watch_request {
	uint32_t mask;			/* IN_* as inotify_add_watch() has it */
	struct inotify *instance;
	struct inode *inode;
};

/* notify.c */
/* The marks of @inode, made if need be.  NULL: out of memory. */
struct inotify_marks *notify_get_marks(struct inode *inode);
/* Recompute the union; state_lock held. */
void notify_marks_changed_locked(struct inotify_marks *m);
/* Take @w off its inode; true: the caller ends it with watch_end(). */
bool watch_detach(struct watch *w);

struct queued_event {
	struct list node;
	struct inotify_event event;	/* event.len: with padding */
};

struct inotify {
	refcount_t refs;		/* the file and each watch */
	struct spinlock lock;		/* class RING */
	struct list events;		/* [L] struct queued_event, oldest first */
	uint32_t nr_events;		/* [L] */
	bool overflowed;		/* [L] the overflow event is queued */
	struct rb_tree watches;		/* [L] by wd */
	int last_wd;			/* [L] */
	struct mutex add_lock;		/* class EPOLL: one inotify_add_watch() at a time */
	struct account *account;	/* [I] */
	struct waitq waitq;
	struct queued_event *overflow;	/* [I] made beforehand */
};

/* inotify_queue.c */
extern int inotify_max_events, inotify_max_instances, inotify_max_watches;
/* One more instance for the caller.  -EMFILE, -ENOMEM. */
struct account *inotify_account_enter(void);
__must_check int inotify_charge_watch(struct account *a);	/* -ENOSPC */
void inotify_put(struct inotify *in);
int inotify_next_wd_locked(struct inotify *in);
/* Give @w a number and its place. */
void inotify_insert_locked(struct inotify *in, struct watch *w);
struct watch_event { uint32_t mask, cookie; const char *name; size_t len; };
/* Queue for @w's instance; state_lock held. */
void inotify_queue(struct watch *w, const struct watch_event *e);
/* Detached: off the instance, IN_IGNORED, and the attached reference goes. */
void watch_end(struct watch *w);
void watch_put(struct watch *w);

#endif
