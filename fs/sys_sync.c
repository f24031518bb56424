/* SPDX-License-Identifier: MIT */
/*
 * What is on the medium, and what is in memory: sync, syncfs, fsync, fdatasync, sync_file_range,
 * posix_fadvise, readahead.
 */
#include <fs/vfs.h>
#include <generated/syscall_protos.h>
#include <lib/errseq.h>
#include <mm/memobj.h>
#include <uapi/fcntl.h>

#include "bdev.h"
#include "internal.h"
#include "writeback.h"

static long do_fsync(int fd, bool data_only)
{
	struct fd_ref r = fd_get(fd);
	long err;

	if (!r.file)
		return -EBADF;
	err = r.file->ops->fsync ? r.file->ops->fsync(r.file, 0, INT64_MAX, data_only) : -EINVAL;
	fd_put(r);
	return err;
}

long sys_fsync(int fd) { return do_fsync(fd, false); }
long sys_fdatasync(int fd) { return do_fsync(fd, true); }

static void sync_start(struct super_block *sb, void *arg)
{
	if (IS_ENABLED(CONFIG_BLOCK))
		(void)!writeback_super(sb, false);
}

static void sync_wait(struct super_block *sb, void *arg)
{
	(void)!super_sync(sb, true);
}

/* First everything is on its way, then everything is waited for. */
long sys_sync(void)
{
	super_for_each(sync_start, NULL);
	if (IS_ENABLED(CONFIG_BLOCK))
		bdev_sync_all(false);
	super_for_each(sync_wait, NULL);
	if (IS_ENABLED(CONFIG_BLOCK))
		bdev_sync_all(true);
	return 0;
}

long sys_syncfs(int fd)
{
	struct fd_ref r = fd_get(fd);
	struct super_block *sb;
	long err, failed;

	if (!r.file)
		return -EBADF;
	sb = r.file->inode->sb;
	err = super_sync(sb, true);
	failed = errseq_check(&sb->write_error, &r.file->super_error_seen);
	fd_put(r);
	return err ? err : failed;
}

/* The object that holds @f's data; NULL: none that is written back. */
static struct memobj *data_of(const struct file *f)
{
	struct memobj *o = f->inode->mapping;

	if (IS_ENABLED(CONFIG_BLOCK) && f->ops == &blockdev_ops)
		o = bdev_mapping(f->priv);

	return o && o->ops->write_pages ? o : NULL;
}

static long sync_range(struct file *f, uint64_t start, uint64_t end, unsigned int flags)
{
	struct memobj *o = data_of(f);
	long err = 0, failed = 0;

	if (!o)
		return 0;
	if (flags & SYNC_FILE_RANGE_WAIT_BEFORE)
		memobj_wait_writeback(o, start, end);
	if (flags & SYNC_FILE_RANGE_WRITE)
		err = o->ops->write_pages(o, start, end, flags & SYNC_FILE_RANGE_WAIT_BEFORE);
	if (flags & SYNC_FILE_RANGE_WAIT_AFTER)
		memobj_wait_writeback(o, start, end);
	if (flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER))
		failed = errseq_check(&o->write_error, &f->write_error_seen);
	return err ? err : failed;
}

long sys_sync_file_range(int fd, int64_t offset, int64_t nbytes, unsigned int flags)
{
	struct fd_ref r;
	long err;

	if ((flags & ~7u) || offset < 0 || nbytes < 0 || offset > INT64_MAX - nbytes)
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	if (!r.file->inode || (!S_ISREG(r.file->inode->mode) && !S_ISBLK(r.file->inode->mode) &&
			       !S_ISDIR(r.file->inode->mode) && !S_ISLNK(r.file->inode->mode)))
		err = -ESPIPE;
	else
		err = sync_range(r.file, (uint64_t)offset,
				 nbytes ? (uint64_t)(offset + nbytes) : INT64_MAX, flags);
	fd_put(r);
	return err;
}

long sys_fadvise64(int fd, int64_t offset, int64_t len, int advice)
{
	struct fd_ref r = fd_get(fd);
	long err = 0;

	if (!r.file)
		return -EBADF;
	if (r.file->mode & FMODE_STREAM)
		err = -ESPIPE;
	else if (advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE || len < 0)
		err = -EINVAL;
	else if (r.file->ops->fadvise && offset >= 0 && offset <= INT64_MAX - len)
		err = r.file->ops->fadvise(r.file, offset, len, advice);
	fd_put(r);
	return err;
}

long sys_readahead(int fd, int64_t offset, size_t count)
{
	struct fd_ref r = fd_get(fd);
	long err = 0;

	if (!r.file || !(r.file->mode & FMODE_READ))
		err = -EBADF;
	else if (!r.file->inode ||
		 (!S_ISREG(r.file->inode->mode) && !S_ISBLK(r.file->inode->mode)))
		err = -EINVAL;
	else if (r.file->ops->fadvise && count && offset >= 0)
		err = r.file->ops->fadvise(r.file, offset,
					   count > (size_t)(INT64_MAX - offset) ? 0 :
					   (int64_t)count, POSIX_FADV_WILLNEED);
	if (r.file)
		fd_put(r);
	return err;
}
