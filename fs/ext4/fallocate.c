/* SPDX-License-Identifier: MIT */
/*
 * fallocate(2): room in advance, holes, and ranges of zeros.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <uapi/fcntl.h>

#include "ext4.h"

/* Blocks wholly within [start, end) go. */
static int punch_blocks(struct inode *inode, uint64_t start, uint64_t end)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint64_t limit = (uint64_t)ext4_max_lblock(inode);
	uint32_t from = (uint32_t)min((start + fs->block_size - 1) >> fs->block_shift, limit);
	uint32_t to = (uint32_t)min(end >> fs->block_shift, limit);
	struct journal_handle h;
	int err, stop;

	if (from >= to)
		return 0;
	ext4_pending_drop(inode, from, to);
	err = ext4_start(fs, &h, EXT4_EXTENT_CREDITS);
	if (err)
		return err;
	err = ext4_unmap(&h, inode, from, to);
	stop = journal_stop(&h);
	return err ? err : stop;
}

static int punch(struct inode *inode, uint64_t start, uint64_t end)
{
	int err = iomap_punch_begin(inode, start, end);

	if (err)
		return err;
	err = punch_blocks(inode, start, end);
	iomap_blocks_end(inode);
	return err;
}

/* Times, and the size where it grows. */
static int finish(struct inode *inode, uint64_t size)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct journal_handle h;
	int err, stop;

	if (size > (uint64_t)inode->size) {
		/* The old end's block must read as zeros behind it. */
		err = iomap_truncate_begin(inode, size);
		if (err)
			return err;
		iomap_blocks_end(inode);
	}
	err = ext4_start(fs, &h, 8);
	if (err)
		return err;
	inode_touch(inode);
	rwsem_lock_write(&ei->map_lock);
	/* Also what a write left to written(): the pages may be gone with the hole. */
	ei->disk_size = inode->size;
	if (ei->disk_size >= 0x80000000LL)
		err = ext4_need_feature(fs, &h, RO_COMPAT_LARGE_FILE);
	rwsem_unlock_write(&ei->map_lock);
	if (!err)
		err = ext4_update_inode(&h, inode);
	WRITE_ONCE(ei->datasync_tid, h.tid);
	stop = journal_stop(&h);
	return err ? err : stop;
}

/* The inode's lock is held for writing. */
int ext4_fallocate(struct inode *inode, int mode, uint64_t offset, uint64_t len)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint64_t end = offset + len;
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	int err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (!(EXT4_I(inode)->flags & FLAG_EXTENTS) && !(mode & FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (EXT4_I(inode)->flags & FLAG_IMMUTABLE)
		return -EPERM;
	if (!(mode & FALLOC_FL_PUNCH_HOLE) &&
	    (end > (uint64_t)inode->sb->max_file_size ||
	     end > (uint64_t)ext4_max_lblock(inode) << fs->block_shift))
		return -EFBIG;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		err = punch(inode, offset, end);
	if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
		err = ext4_fallocate_range(inode, offset, end);
	if (err)
		return err;
	keep = keep || (mode & FALLOC_FL_PUNCH_HOLE);
	return finish(inode, keep ? 0 : end);
}
