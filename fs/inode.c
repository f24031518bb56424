/* SPDX-License-Identifier: MIT */
/*
 * Inodes: life, permissions, attributes.
 */
#include <fs/chardev.h>
#include <fs/notify.h>
#include <fs/pipe.h>
#include <fs/vfs.h>
#include <kernel/clock.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/memobj.h>
#include <mm/slab.h>
#include <uapi/mount.h>

#include "bdev.h"
#include "icache.h"
#include "internal.h"

int64_t inode_now_ns(void)
{
	return clock_realtime_ns();
}

void inode_init(struct inode *inode, struct super_block *sb, uint32_t mode)
{
	int64_t now = inode_now_ns();

	memset(inode, 0, sizeof(*inode));
	inode->mode = mode;
	inode->sb = sb;
	inode->nlink = 1;
	refcount_set(&inode->refs, 1);
	rwsem_init(&inode->lock, INODE);
	spinlock_init(&inode->state_lock, INODE_STATE);
	inode->atime_ns = inode->mtime_ns = inode->ctime_ns = inode->btime_ns = now;
	inode->ino = __atomic_fetch_add(&sb->next_ino, 1, __ATOMIC_RELAXED);
}

void inode_init_owner(struct inode *inode, const struct inode *dir, uint32_t mode)
{
	const struct cred *c = current_cred();

	inode->uid = c->fsuid;
	inode->gid = c->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		inode->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
	}
	inode->mode = mode;
}

void inode_init_special(struct inode *inode, dev_t rdev)
{
	inode->rdev = rdev;
	switch (inode->mode & S_IFMT) {
	case S_IFIFO:
		inode->fops = &fifo_ops;
		break;
	case S_IFCHR:
		inode->fops = &chardev_default_ops;
		break;
	case S_IFBLK:
		inode->fops = IS_ENABLED(CONFIG_BLOCK) ? &blockdev_ops : &no_device_ops;
		break;
	default:
		inode->fops = &no_device_ops;
		break;
	}
}

struct inode *inode_alloc(struct super_block *sb, uint32_t mode)
{
	struct inode *inode = kmalloc(sizeof(*inode), 0);

	if (inode)
		inode_init(inode, sb, mode);
	return inode;
}

void inode_ref(struct inode *inode)
{
	refcount_inc(&inode->refs);
}

static void inode_free_rcu(struct rcu_head *head)
{
	struct inode *inode = container_of(head, struct inode, rcu);

	kfree(inode->marks);
	if (inode->sb->ops->free_inode)
		inode->sb->ops->free_inode(inode);
	else
		kfree(inode);
}

void inode_put(struct inode *inode)
{
	if (unlikely(inode->state & INODE_CACHED)) {
		icache_put(inode);
		return;
	}
	if (likely(!refcount_dec_and_test(&inode->refs)))
		return;
	if (inode->sb->ops->evict)
		inode->sb->ops->evict(inode);
	if (inode->locks)
		locks_free(inode);
	if (inode->marks)
		notify_unlist_marks(inode);
	rcu_call(&inode->rcu, inode_free_rcu);
}

bool inode_owner_or_capable(const struct inode *inode)
{
	const struct cred *c = current_cred();

	return c->fsuid == inode->uid || cred_overrides_files(c);
}

static int permission_slow(const struct inode *inode, uint32_t mode, unsigned int mask)
{
	const struct cred *c = current_cred();
	unsigned int bits;

	if (c->fsuid == inode->uid)
		bits = mode >> 6;
	else if (c->fsgid == inode->gid || cred_in_group(c, inode->gid))
		bits = mode >> 3;
	else
		bits = mode;
	if ((bits & mask & 7) == (mask & 7))
		return 0;
	if (!cred_overrides_files(c))
		return -EACCES;
	/* Executing needs some x bit, except on directories. */
	if ((mask & MAY_EXEC) && !S_ISDIR(mode) && !(mode & S_IXUGO))
		return -EACCES;
	return 0;
}

int inode_permission(struct inode *inode, unsigned int mask)
{
	uint32_t mode = READ_ONCE(inode->mode);

	if (unlikely(inode->flags & INODE_HAS_PERMISSION))
		return inode->ops->permission(inode, mask);
	if (unlikely(mask & MAY_WRITE) && super_is_rdonly(inode->sb) &&
	    (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
		return -EROFS;
	mask &= 7;
	/* What everybody may do needs no look at who asks. */
	if (likely((mode & mask) == mask && (mode >> 3 & mask) == mask &&
		   (mode >> 6 & mask) == mask))
		return 0;
	return permission_slow(inode, mode, mask);
}

void inode_getattr(struct inode *inode, struct kstat *st)
{
	st->ino = inode->ino;
	st->mode = inode->mode;
	st->nlink = inode->nlink;
	st->uid = inode->uid;
	st->gid = inode->gid;
	st->size = (uint64_t)inode->size;
	st->blocks = inode->blocks;
	st->blksize = inode->sb->block_size;
	st->attributes = 0;
	st->dev = inode->sb->dev;
	st->rdev = inode->rdev;
	st->atime_ns = inode->atime_ns;
	st->mtime_ns = inode->mtime_ns;
	st->ctime_ns = inode->ctime_ns;
	st->btime_ns = inode->btime_ns;
	if (inode->ops && inode->ops->getattr)
		inode->ops->getattr(inode, st);
}

static int check_chown(const struct inode *inode, const struct attr_change *a)
{
	const struct cred *c = current_cred();

	if (cred_overrides_files(c))
		return 0;
	if ((a->valid & ATTR_UID) && (c->fsuid != inode->uid || a->uid != inode->uid))
		return -EPERM;
	if ((a->valid & ATTR_GID) &&
	    (c->fsuid != inode->uid ||
	     (a->gid != inode->gid && a->gid != c->fsgid && !cred_in_group(c, a->gid))))
		return -EPERM;
	return 0;
}

/*
 * What a file says changes with its content, so its set-id bits go; group x off means mandatory
 * locking, which stays.  Who may override permissions may also keep them.
 */
static uint32_t mode_after_change(const struct inode *inode)
{
	uint32_t mode = inode->mode;

	if (likely(!(mode & (S_ISUID | S_ISGID))) || cred_overrides_files(current_cred()))
		return mode;
	return mode & ~(uint32_t)(S_ISUID | (mode & S_IXGRP ? S_ISGID : 0));
}

int inode_setattr_check(struct inode *inode, struct attr_change *a)
{
	const struct cred *c = current_cred();
	int err;

	if (super_is_rdonly(inode->sb))
		return -EROFS;
	if (a->valid & (ATTR_UID | ATTR_GID)) {
		err = check_chown(inode, a);
		if (err)
			return err;
		/*
		 * A new owner does not inherit set-id rights; group x off means mandatory locking,
		 * which stays.
		 */
		if (!S_ISDIR(inode->mode) && (inode->mode & (S_ISUID | S_ISGID))) {
			a->mode = (a->valid & ATTR_MODE ? a->mode : inode->mode) &
				~(uint32_t)S_ISUID;
			if (inode->mode & S_IXGRP)
				a->mode &= ~(uint32_t)S_ISGID;
			a->valid |= ATTR_MODE;
			return 0;
		}
	} else if (a->valid & ATTR_MODE) {
		if (!inode_owner_or_capable(inode))
			return -EPERM;
		if (!cred_overrides_files(c) && inode->gid != c->fsgid &&
		    !cred_in_group(c, inode->gid))
			a->mode &= ~(uint32_t)S_ISGID;
	} else if ((a->valid & ATTR_SIZE) && mode_after_change(inode) != inode->mode) {
		a->mode = mode_after_change(inode);
		a->valid |= ATTR_MODE;
	}
	if ((a->valid & (ATTR_ATIME | ATTR_MTIME)) && !inode_owner_or_capable(inode)) {
		if (!(a->valid & ATTR_TIMES_NOW))
			return -EPERM;
		return inode_permission(inode, MAY_WRITE);
	}
	return 0;
}

void inode_apply_attr(struct inode *inode, const struct attr_change *a)
{
	if (a->valid & ATTR_MODE)
		inode->mode = (inode->mode & S_IFMT) | (a->mode & S_IALLUGO);
	if (a->valid & ATTR_UID)
		inode->uid = a->uid;
	if (a->valid & ATTR_GID)
		inode->gid = a->gid;
	if (a->valid & ATTR_ATIME)
		inode->atime_ns = a->atime_ns;
	if (a->valid & ATTR_MTIME)
		inode->mtime_ns = a->mtime_ns;
	inode->ctime_ns = inode_now_ns();
	inode_mark_dirty(inode, INODE_DIRTY_META);
}

int inode_setattr(struct inode *inode, struct attr_change *a)
{
	int err = inode_setattr_check(inode, a);

	if (err)
		return err;
	if (inode->ops && inode->ops->setattr)
		return inode->ops->setattr(inode, a);
	/* A shell's "> file": what has no content, as in /proc, has none to lose. */
	if (a->valid & ATTR_SIZE)
		return a->valid & ATTR_OPEN_TRUNC ? 0 : -EINVAL;
	inode_apply_attr(inode, a);
	return 0;
}

int setattr_ignore_size(struct inode *inode, const struct attr_change *a)
{
	inode_apply_attr(inode, a);
	return 0;
}

void file_accessed(struct file *f)
{
	struct inode *inode = f->inode;
	struct mount *m = f->path.mount;
	int64_t now;

	if (!m || (f->flags & O_NOATIME) || (m->flags & (MOUNT_NOATIME | MOUNT_RDONLY)) ||
	    (inode->sb->flags & (MS_RDONLY | MS_NOATIME)))
		return;
	if (S_ISDIR(inode->mode) && (m->flags & MOUNT_NODIRATIME))
		return;
	/* relatime: at most once a day unless it changed since. */
	if (inode->atime_ns > inode->mtime_ns && inode->atime_ns > inode->ctime_ns &&
	    (m->flags & MOUNT_RELATIME)) {
		now = inode_now_ns();
		if (now - inode->atime_ns < 24 * 3600 * NSEC_PER_SEC)
			return;
		inode->atime_ns = now;
	} else {
		inode->atime_ns = inode_now_ns();
	}
	inode_mark_dirty(inode, INODE_DIRTY_META);
}

int file_modified(struct file *f)
{
	struct inode *inode = f->inode;

	inode_touch(inode);
	if (unlikely(inode->mode & (S_ISUID | S_ISGID)))
		inode->mode = mode_after_change(inode);
	inode_mark_dirty(inode, INODE_DIRTY_META);
	return 0;
}

ssize_t write_limit(struct file *f, int64_t offset, size_t len)
{
	uint64_t limit = process_rlimit(current_process(), RLIMIT_FSIZE);
	int64_t max = f->inode->sb->max_file_size;

	if (limit != RLIM_INFINITY && len) {
		if ((uint64_t)offset >= limit) {
			signal_send_thread(current_thread(), SIGXFSZ, NULL);
			return -EFBIG;
		}
		len = min_t(uint64_t, len, limit - (uint64_t)offset);
	}
	if (offset >= max)
		return len ? -EFBIG : 0;
	return (ssize_t)min_t(uint64_t, len, (uint64_t)(max - offset));
}
