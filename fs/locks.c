/* SPDX-License-Identifier: MIT */
/*
 * File locks: POSIX record locks (owner: the descriptor table), OFD locks and flock (owner: the
 * open file).
 *
 * All locks of an inode hang on its lock_context.  One global spinlock guards all of them and
 * the graph of who waits for whom: locks are rare, and deadlock detection looks across inodes.
 * flock locks live in a list of their own and never meet record locks.
 */
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/waitq.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#include "fcntl_internal.h"
#include "internal.h"
#include "locks.h"

enum lock_kind { KIND_RECORD, KIND_FLOCK };

struct file_lock {
	struct list node;		/* [R] table_lock */
	const void *owner;		/* struct files, or struct file */
	int32_t pid;			/* -1 for OFD locks */
	uint8_t type;			/* F_RDLCK, F_WRLCK */
	uint8_t kind;			/* enum lock_kind */
	bool ofd;
	int64_t start, end;		/* both included */
};

struct lock_context {
	struct list locks;		/* [R] table_lock */
	struct waitq waitq;		/* something was unlocked */
	struct inode *inode;
	struct list node;		/* [R] table_lock: all contexts */
};

/* A POSIX lock request that sleeps: for deadlock detection. */
struct waiter {
	struct list node;
	const void *owner, *blocker;
};

static struct spinlock table_lock = SPINLOCK_INIT(INODE_STATE);
static LIST_HEAD(waiters);
static LIST_HEAD(contexts);

static struct lock_context *context_get(struct inode *inode)
{
	struct lock_context *c = rcu_dereference(inode->locks), *fresh;

	if (c)
		return c;
	fresh = kzalloc(sizeof(*fresh), 0);
	if (!fresh)
		return NULL;
	list_init(&fresh->locks);
	waitq_init(&fresh->waitq);
	fresh->inode = inode;
	spin_lock(&table_lock);
	c = inode->locks;
	if (!c) {
		c = fresh;
		list_add_tail(&c->node, &contexts);
		rcu_assign(inode->locks, c);
		fresh = NULL;
	}
	spin_unlock(&table_lock);
	kfree(fresh);
	return c;
}

static void free_list(struct list *gone)
{
	struct file_lock *l, *n;

	list_for_each_entry_safe(l, n, gone, node)
		kfree(l);
}

/* The inode goes: no open file, so no lock, is left. */
void locks_free(struct inode *inode)
{
	struct lock_context *c = inode->locks;

	spin_lock(&table_lock);
	list_del(&c->node);
	spin_unlock(&table_lock);
	free_list(&c->locks);
	kfree(c);
}

static void remove_owner(struct inode *inode, const void *owner)
{
	struct lock_context *c = rcu_dereference(inode->locks);
	struct file_lock *l, *n;
	LIST_HEAD(gone);

	if (!c)
		return;
	spin_lock(&table_lock);
	list_for_each_entry_safe(l, n, &c->locks, node)
		if (l->owner == owner)
			list_move(&l->node, &gone);
	spin_unlock(&table_lock);
	if (list_empty(&gone))
		return;
	free_list(&gone);
	waitq_wake_all(&c->waitq, 0);
}

void locks_remove_posix(struct inode *inode, const void *owner)
{
	remove_owner(inode, owner);
}

void locks_remove_file(struct file *f)
{
	if (f->inode)
		remove_owner(f->inode, f);
}

static bool conflicts(const struct file_lock *a, const struct file_lock *b)
{
	return a->kind == b->kind && a->owner != b->owner && a->start <= b->end &&
	       b->start <= a->end && (a->type == F_WRLCK || b->type == F_WRLCK);
}

static struct file_lock *find_conflict(struct lock_context *c, const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each_entry(l, &c->locks, node)
		if (conflicts(l, want))
			return l;
	return NULL;
}

/*
 * Would @owner waiting for @blocker close a circle?  Each owner waits for at most one other per
 * thread.
 */
static bool would_deadlock(const void *owner, const void *blocker, unsigned int depth)
{
	struct waiter *w;

	if (owner == blocker)
		return true;
	if (!depth)
		return false;
	list_for_each_entry(w, &waiters, node)
		if (w->owner == blocker && would_deadlock(owner, w->blocker, depth - 1))
			return true;
	return false;
}

/*
 * Put @want (type F_UNLCK: only remove) over what the owner has in its range.  @spare are two
 * locks: for the new one and for the tail when an old one is split; what is not used stays.
 */
static void apply_locked(struct lock_context *c, const struct file_lock *want,
			 struct file_lock *spare[2], struct list *gone)
{
	struct file_lock *l, *n;
	int64_t start = want->start, end = want->end;

	list_for_each_entry_safe(l, n, &c->locks, node) {
		if (l->owner != want->owner || l->kind != want->kind)
			continue;
		/* The same type joins with what it touches. */
		if (l->type == want->type && want->type != F_UNLCK &&
		    (start == 0 || l->end >= start - 1) &&
		    (end == INT64_MAX || l->start <= end + 1)) {
			start = min(start, l->start);
			end = max(end, l->end);
			list_move(&l->node, gone);
			continue;
		}
		if (l->end < want->start || l->start > want->end)
			continue;
		if (l->start < want->start && l->end > want->end) {
			*spare[1] = *l;
			spare[1]->start = want->end + 1;
			list_add(&spare[1]->node, &l->node);
			spare[1] = NULL;
			l->end = want->start - 1;
		} else if (l->start < want->start) {
			l->end = want->start - 1;
		} else if (l->end > want->end) {
			l->start = want->end + 1;
		} else {
			list_move(&l->node, gone);
		}
	}
	if (want->type != F_UNLCK) {
		*spare[0] = *want;
		spare[0]->start = start;
		spare[0]->end = end;
		list_add_tail(&spare[0]->node, &c->locks);
		spare[0] = NULL;
	}
}

/* One attempt: 0, -EAGAIN with *blocker, -EDEADLK. */
static int try_lock(struct lock_context *c, const struct file_lock *want, struct waiter *w,
		    struct file_lock *spare[2])
{
	struct file_lock *l;
	LIST_HEAD(gone);
	int err = 0;

	spin_lock(&table_lock);
	if (!list_empty(&w->node))
		list_del_init(&w->node);
	l = want->type == F_UNLCK ? NULL : find_conflict(c, want);
	if (l) {
		w->owner = want->owner;
		w->blocker = l->owner;
		err = -EAGAIN;
		if (want->kind == KIND_RECORD && !want->ofd &&
		    would_deadlock(want->owner, l->owner, 10))
			err = -EDEADLK;
		else
			list_add(&w->node, &waiters);
	} else {
		apply_locked(c, want, spare, &gone);
	}
	spin_unlock(&table_lock);
	if (!err && (want->type == F_UNLCK || !list_empty(&gone)))
		waitq_wake_all(&c->waitq, 0);
	free_list(&gone);
	return err;
}

static bool is_blocked(struct lock_context *c, const struct file_lock *want)
{
	bool blocked;

	spin_lock(&table_lock);
	blocked = find_conflict(c, want) != NULL;
	spin_unlock(&table_lock);
	return blocked;
}

static int set_lock(struct inode *inode, const struct file_lock *want, bool wait)
{
	struct lock_context *c = want->type == F_UNLCK ? rcu_dereference(inode->locks) :
							 context_get(inode);
	struct file_lock *spare[2];
	struct waiter w;
	int err;

	if (!c)
		return want->type == F_UNLCK ? 0 : -ENOLCK;
	spare[0] = kmalloc(sizeof(*spare[0]), 0);
	spare[1] = kmalloc(sizeof(*spare[1]), 0);
	err = -ENOLCK;
	if (!spare[0] || !spare[1])
		goto out;
	list_init(&w.node);
	for (;;) {
		err = try_lock(c, want, &w, spare);
		if (err != -EAGAIN || !wait)
			break;
		err = wait_event_interruptible(&c->waitq, !is_blocked(c, want));
		if (err)
			break;
	}
	spin_lock(&table_lock);
	if (!list_empty(&w.node))
		list_del_init(&w.node);
	spin_unlock(&table_lock);
out:
	kfree(spare[0]);
	kfree(spare[1]);
	return err;
}

/* Translate the user's range; -EINVAL, -EOVERFLOW. */
static int to_range(struct file *f, const struct flock *u, struct file_lock *l)
{
	int64_t start = u->l_start, base = 0;

	if (u->l_whence == SEEK_CUR)
		base = f->position;
	else if (u->l_whence == SEEK_END)
		base = f->inode->size;
	else if (u->l_whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(start, base, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	l->start = start;
	l->end = INT64_MAX;
	if (u->l_len > 0) {
		if (__builtin_add_overflow(start, u->l_len - 1, &l->end))
			return -EOVERFLOW;
	} else if (u->l_len < 0) {
		if (start + u->l_len < 0)
			return -EINVAL;
		l->start = start + u->l_len;
		l->end = start - 1;
	}
	return 0;
}

static long get_lock(struct file *f, struct flock *u, const struct file_lock *want, uaddr_t arg)
{
	struct lock_context *c = rcu_dereference(f->inode->locks);
	struct file_lock *l = NULL;

	spin_lock(&table_lock);
	if (c)
		l = find_conflict(c, want);
	if (l) {
		u->l_type = l->type;
		u->l_whence = SEEK_SET;
		u->l_start = l->start;
		u->l_len = l->end == INT64_MAX ? 0 : l->end - l->start + 1;
		u->l_pid = l->pid;
	} else {
		u->l_type = F_UNLCK;
	}
	spin_unlock(&table_lock);
	return copy_to_user(arg, u, sizeof(*u));
}

long fcntl_lock(struct file *f, int cmd, uaddr_t arg)
{
	bool ofd = cmd == F_OFD_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	bool get = cmd == F_GETLK || cmd == F_OFD_GETLK;
	struct file_lock want = { .kind = KIND_RECORD, .ofd = ofd };
	struct flock u;
	int err;

	if (copy_from_user(&u, arg, sizeof(u)))
		return -EFAULT;
	if (u.l_type != F_RDLCK && u.l_type != F_WRLCK && (get || u.l_type != F_UNLCK))
		return -EINVAL;
	if (ofd && u.l_pid)
		return -EINVAL;
	err = to_range(f, &u, &want);
	if (err)
		return err;
	want.type = (uint8_t)u.l_type;
	want.owner = ofd ? (const void *)f : current_thread()->files;
	want.pid = ofd ? -1 : current_process()->pid->nr;
	if (get)
		return get_lock(f, &u, &want, arg);
	if ((want.type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (want.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (ofd)
		__atomic_fetch_or(&f->mode, FMODE_LOCKS, __ATOMIC_RELAXED);
	return set_lock(f->inode, &want, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

long sys_flock(int fd, unsigned int operation)
{
	struct file_lock want = { .kind = KIND_FLOCK, .start = 0, .end = INT64_MAX };
	struct fd_ref r = fd_get(fd);
	long err;

	if (!r.file)
		return -EBADF;
	err = -EINVAL;
	switch (operation & ~(unsigned int)LOCK_NB) {
	case LOCK_SH:
		want.type = F_RDLCK;
		break;
	case LOCK_EX:
		want.type = F_WRLCK;
		break;
	case LOCK_UN:
		want.type = F_UNLCK;
		break;
	default:
		goto put;
	}
	want.owner = r.file;
	want.pid = current_process()->pid->nr;
	__atomic_fetch_or(&r.file->mode, FMODE_LOCKS, __ATOMIC_RELAXED);
	err = set_lock(r.file->inode, &want, !(operation & LOCK_NB));
	if (err == -EAGAIN)
		err = -EWOULDBLOCK;
put:
	fd_put(r);
	return err;
}

void locks_show(struct seq_file *m)
{
	struct lock_context *c;
	struct file_lock *l;
	unsigned int id = 0;

	spin_lock(&table_lock);
	list_for_each_entry(c, &contexts, node) {
		list_for_each_entry(l, &c->locks, node) {
			dev_t dev = c->inode->sb->dev;

			seq_printf(m, "%u: %s ADVISORY  %s %d %02x:%02x:%llu %lld ", ++id,
				   l->kind == KIND_FLOCK ? "FLOCK " : l->ofd ? "OFDLCK" : "POSIX ",
				   l->type == F_WRLCK ? "WRITE" : "READ ", l->pid, DEV_MAJOR(dev),
				   DEV_MINOR(dev), (unsigned long long)c->inode->ino,
				   (long long)l->start);
			if (l->end == INT64_MAX)
				seq_puts(m, "EOF\n");
			else
				seq_printf(m, "%lld\n", (long long)l->end);
		}
	}
	spin_unlock(&table_lock);
}
