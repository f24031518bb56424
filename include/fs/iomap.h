/* SPDX-License-Identifier: MIT */
/*
 * Files on block devices: a file system says where the bytes of a file are (struct iomap_ops), and
 * fs/iomap does the rest: buffered reads and writes through the page cache, readahead, writeback,
 * direct I/O, mmap, SEEK_DATA/SEEK_HOLE, FIEMAP.
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
	IOMAP_INLINE,			/* in .inline_data, within the inode */
};

enum iomap_flags {
	IOMAP_NEW	= 1 << 0,	/* just allocated: parts not written must be zeroed */
	IOMAP_JOURNAL_DATA = 1 << 1,	/* data goes through the journal: ops->write_page does it */
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
	/* a buffered write will dirty it: reserve or allocate; ENOSPC and EDQUOT come here */
	IOMAP_RESERVE,
	IOMAP_ALLOCATE,		/* writeback or direct I/O is about to write it: give it a place */
	IOMAP_REPORT,			/* SEEK_HOLE, FIEMAP: as READ, delalloc shown */
};

struct iomap_ops {
	/* The run at @pos; looks at no more than @len.  May sleep and start a transaction. */
	int (*map)(struct inode *inode, uint64_t pos, uint64_t len, enum iomap_for what,
		   struct iomap *out);
	/*
	 * [pos, pos + len) of an unwritten or new run has reached the disk: make it readable.
	 * Thread context.  NULL: nothing to do.
	 */
	int (*written)(struct inode *inode, uint64_t pos, uint64_t len);
	/*
	 * A buffered write has changed the size (inode lock held): record it.  NULL: nothing to do.
	 */
	void (*size_changed)(struct inode *inode);
};

/* A regular file's cache: set inode->mapping up so that pages are read and written by @ops. */
__must_check int iomap_inode_init(struct inode *inode, const struct iomap_ops *ops);
void iomap_inode_fini(struct inode *inode);
const struct iomap_ops *iomap_ops_of(const struct inode *inode);

/* For file_ops: buffered or direct as the file's flags say. */
ssize_t iomap_file_read(struct file *f, struct iov_iter *to, int64_t *offset);
ssize_t iomap_file_write(struct file *f, struct iov_iter *from, int64_t *offset);
int64_t iomap_seek(struct file *f, int64_t offset, int whence);
int iomap_mmap(struct file *f, struct region *r);
/* Write the file's dirty pages and wait; metadata and flush are the file system's.  0 or -errno. */
__must_check int iomap_writeback_wait(struct inode *inode, int64_t start, int64_t end);
/* Zero [start, end) through the cache, where it is not a hole: for truncate and punch. */
__must_check int iomap_zero(struct inode *inode, uint64_t start, uint64_t end);
/* FS_IOC_FIEMAP */
long iomap_fiemap(struct file *f, uint64_t arg);

#endif
