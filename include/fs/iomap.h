/* SPDX-License-Identifier: MIT */
/*
 * Files on block devices: a file system says where the bytes of a file are (struct iomap_ops), and
 * fs/iomap does the rest: buffered reads and writes through the page cache, readahead, writeback,
 * direct I/O, mmap, SEEK_DATA/SEEK_HOLE, FIEMAP.
 *
 * IM1 map(IOMAP_READ) and map(IOMAP_REPORT) may be called with locked pages, from page faults and
 *     from anybody: they take no inode->lock and wait for no transaction.
 * IM2 map(IOMAP_RESERVE) and map(IOMAP_ALLOCATE) are called with no page locked and no page marked
 *     as under writeback that is not on its way to the disk, so they may start a transaction, and a
 *     commit may write and wait for a file's pages (iomap_write_mapped()).  They take no
 *     inode->lock either: a file system has its own lock around its block map.
 * IM3 truncation, punching and whatever else takes blocks away from a file happens between
 *     iomap_truncate_begin() or iomap_punch_begin() and iomap_blocks_end(): then no page of the
 *     range is in the cache or on its way to the disk, and nobody asks for IOMAP_ALLOCATE.
 *     What was reserved (delalloc) there is the file system's to give back.
 * IM4 pages whose IOMAP_ALLOCATE fails are lost (the error is reported by fsync): the file system
 *     gives back their reservation.
 */
#ifndef FS_IOMAP_H
#define FS_IOMAP_H

#include <fs/vfs.h>
#include <mm/memobj.h>

struct block_device;

enum iomap_type {
	IOMAP_HOLE,			/* nothing there: zeros */
	IOMAP_MAPPED,			/* at .address */
	IOMAP_UNWRITTEN,		/* space at .address, but zeros until written() */
	IOMAP_DELALLOC,		/* reserved, no place yet: writeback will ask IOMAP_ALLOCATE */
	IOMAP_INLINE,		/* in .inline_data, within the inode; READ and REPORT only */
};

enum iomap_flags {
	/*
	 * RESERVE and ALLOCATE: just allocated, content is anything: what is not written is zeroed
	 */
	IOMAP_NEW	= 1 << 0,
	/* ALLOCATE: data goes through the journal: ops->journal_page does it */
	IOMAP_JOURNAL_DATA = 1 << 1,
	IOMAP_LAST	= 1 << 2,	/* REPORT: the file has nothing mapped behind it */
	IOMAP_SHARED	= 1 << 3,	/* REPORT: for FIEMAP_EXTENT_SHARED */
};

/* A run of a file with one answer. */
struct iomap {
	uint64_t offset;		/* bytes in the file, block-aligned, <= what was asked */
	uint64_t length;	/* bytes; ends after what was asked for at least one block */
	uint64_t address;		/* bytes on the device */
	enum iomap_type type;
	uint32_t flags;			/* enum iomap_flags */
	struct block_device *dev;
	void *inline_data;
};

enum iomap_for {
	IOMAP_READ,			/* where is it? */
	/*
	 * A buffered write or a store through a mapping will dirty [pos, pos + len): reserve or
	 * allocate; ENOSPC and EDQUOT come here.  May reach beyond the size.
	 */
	IOMAP_RESERVE,
	IOMAP_ALLOCATE,		/* writeback or direct I/O is about to write it: give it a place */
	IOMAP_REPORT,			/* SEEK_HOLE, FIEMAP: as READ, delalloc shown */
};

struct iomap_ops {
	/*
	 * The run at @pos (need not be block-aligned); looks at no more than @len, but may tell
	 * more.  0 or -errno.  May sleep.  IM1, IM2.
	 */
	int (*map)(struct inode *inode, uint64_t pos, uint64_t len, enum iomap_for what,
		   struct iomap *out);
	/*
	 * [pos, pos + len) of an unwritten run, or of one that was IOMAP_NEW for direct I/O, has
	 * reached the disk: make it readable.  Thread context; its pages count as under writeback
	 * until it returns (so a commit must not wait for files that have unwritten runs).
	 * NULL: nothing to do.
	 */
	int (*written)(struct inode *inode, uint64_t pos, uint64_t len);
	/*
	 * A buffered or direct write has changed inode->size (inode lock held): record it
	 * (inode_mark_dirty(inode, INODE_DIRTY_SIZE) is done already).  NULL: nothing to do.
	 */
	void (*size_changed)(struct inode *inode);
	/*
	 * data=journal: [pos, pos + len) of the dirty, up-to-date page at @data goes into the
	 * running transaction.  IM2.  NULL: never asked for.
	 */
	int (*journal_page)(struct inode *inode, uint64_t pos, uint32_t len, const void *data);
};

/*
 * A regular file's cache: sets inode->mapping up so that pages are read and written by @ops.
 * inode->sb->block_size is the file's block size (512 ... 4096).  _fini: pages are gone.
 */
__must_check int iomap_inode_init(struct inode *inode, const struct iomap_ops *ops);
void iomap_inode_fini(struct inode *inode);
const struct iomap_ops *iomap_ops_of(const struct inode *inode);

/* For file_ops: buffered or direct as the file's flags say; O_SYNC by file_ops.fsync. */
ssize_t iomap_file_read(struct file *f, struct iov_iter *to, int64_t *offset);
ssize_t iomap_file_write(struct file *f, struct iov_iter *from, int64_t *offset);
int64_t iomap_seek(struct file *f, int64_t offset, int whence);
int iomap_mmap(struct file *f, struct region *r);
/* posix_fadvise(2) and readahead(2) of such files. */
int iomap_fadvise(struct file *f, int64_t offset, int64_t len, int advice);
/* Write the file's dirty pages in [start, end) and wait; metadata and flush are the file system's.
 * 0 or -errno.  @end: INT64_MAX for all.  Also reports (once) what failed before: @f, or NULL. */
__must_check int iomap_writeback_wait(struct inode *inode, int64_t start, int64_t end);
/* What fsync() of @f has to report of failed writeback, once: call it last.  0 or -errno. */
__must_check int iomap_file_error(struct file *f);
/*
 * For a commit in ordered mode: write those dirty pages that have a place already, without
 * allocating, and wait for them and for all that are on their way.
 */
__must_check int iomap_write_mapped(struct inode *inode);
/* FS_IOC_FIEMAP */
long iomap_fiemap(struct file *f, uint64_t arg);

/*
 * Truncation (inode lock held for writing): zeroes the tail of the block that holds the new end,
 * sets inode->size, drops pages beyond, and keeps writeback out until iomap_blocks_end(); in
 * between the file system frees the blocks.  Also to grow: then the old tail is zeroed.  On failure
 * nothing has changed and iomap_blocks_end() is not due.
 */
__must_check int iomap_truncate_begin(struct inode *inode, uint64_t size);
/* The same for a hole: parts of blocks are zeroed, pages dropped; the size stays. */
__must_check int iomap_punch_begin(struct inode *inode, uint64_t start, uint64_t end);
void iomap_blocks_end(struct inode *inode);
/* Zero [start, end) through the cache, where it is not a hole.  Inode lock held for writing. */
__must_check int iomap_zero(struct inode *inode, uint64_t start, uint64_t end);

#endif
