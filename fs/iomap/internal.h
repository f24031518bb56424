/* SPDX-License-Identifier: MIT */
/*
 * What the files of fs/iomap share.  Rules: <fs/iomap.h>.
 */
#ifndef FS_IOMAP_INTERNAL_H
#define FS_IOMAP_INTERNAL_H

#include <drivers/block.h>
#include <fs/iomap.h>
#include <lib/assert.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/uaccess.h>

/* The cache of one file. */
struct iomap_file {
	struct memobj object;
	const struct iomap_ops *ops;	/* [I] */
	/*
	 * class PAGE_IO: read by who brings pages in or gives them a place, held for writing while
	 * blocks are taken away (IM3).
	 */
	struct rwsem blocks_lock;
	uint8_t block_shift;		/* [I] unit of dirtiness and of places */
	uint8_t end_shift;		/* [I] unit of the last transfer of the file */
	bool is_fixed;			/* [I] blocks are never taken away: a device itself */
};

static inline struct iomap_file *iomap_of(struct memobj *o)
{
	return container_of(o, struct iomap_file, object);
}

static inline struct iomap_file *iomap_of_inode(const struct inode *inode)
{
	return iomap_of(inode->mapping);
}

/* Buffers are read and written under locks inside PAGE_IO, so a device does without this one. */
static inline void blocks_lock_read(struct iomap_file *x)
{
	if (!x->is_fixed)
		rwsem_lock_read(&x->blocks_lock);
}

static inline void blocks_unlock_read(struct iomap_file *x)
{
	if (!x->is_fixed)
		rwsem_unlock_read(&x->blocks_lock);
}

static inline bool iomap_has(const struct iomap *m, uint64_t pos)
{
	return pos >= m->offset && pos - m->offset < m->length;
}

/* How many of the @len bytes at @pos @m tells of. */
static inline uint64_t iomap_span(const struct iomap *m, uint64_t pos, uint64_t len)
{
	return min(len, m->offset + m->length - pos);
}

static inline uint64_t iomap_address(const struct iomap *m, uint64_t pos)
{
	return m->address + (pos - m->offset);
}

/* ops->map() with its answer checked: -EIO when it does not cover @pos. */
__must_check int iomap_ask(struct inode *inode, uint64_t pos, uint64_t len, enum iomap_for what,
			   struct iomap *out);

/*
 * Blocks of a page that are smaller than it: which are dirty, a bit each, in page->cache.priv.
 * Unused (whole pages) where block_shift is PAGE_SHIFT.
 */
static inline uintptr_t *page_dirty_bits(struct page *p)
{
	return (uintptr_t *)&p->cache.priv;
}

static inline bool iomap_has_bits(const struct iomap_file *x)
{
	return x->block_shift != PAGE_SHIFT;
}

/* Bits of the blocks that [off, off + len) of a page touches. */
static inline uintptr_t iomap_bits(const struct iomap_file *x, size_t off, size_t len)
{
	unsigned int first = (unsigned int)(off >> x->block_shift),
		     last = (unsigned int)((off + len - 1) >> x->block_shift);

	return ((1UL << (last + 1)) - 1) & ~((1UL << first) - 1);
}

/* [off, off + len) of the page was written: dirty. */
static inline void iomap_dirty(struct iomap_file *x, struct page *p, size_t off, size_t len)
{
	/*
	 * The new content, then the look at PAGE_DIRTY; page_start_writeback() takes PAGE_DIRTY
	 * off, then the disk looks at the content: one of the two sees the other.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (iomap_has_bits(x))
		__atomic_fetch_or(page_dirty_bits(p), iomap_bits(x, off, len), __ATOMIC_ACQ_REL);
	page_mark_dirty(p);
}

/* read.c, write.c, writeback.c, direct.c: the same for a file's data that is not in f->inode. */
ssize_t iomap_read(struct file *f, struct inode *inode, struct iov_iter *to, int64_t *offset);
ssize_t iomap_write_locked(struct file *f, struct inode *inode, struct iov_iter *from,
			   int64_t *offset);
ssize_t iomap_direct_read(struct file *f, struct inode *inode, struct iov_iter *to,
			  int64_t *offset);
ssize_t iomap_direct_write(struct file *f, struct inode *inode, struct iov_iter *from,
			   int64_t *offset);
int iomap_advise(struct file *f, struct inode *inode, int64_t offset, int64_t len, int advice);

/* memobj_ops */
int iomap_read_page(struct memobj *o, struct page *p);
void iomap_readahead(struct memobj *o, uint64_t index, unsigned int nr);
int iomap_make_writable(struct memobj *o, struct page *p);
int iomap_write_pages(struct memobj *o, uint64_t start, uint64_t end, bool wait);

/* done.c: run @fn in a thread that may sleep.  Any context. */
struct iomap_work {
	struct list node;
	void (*fn)(struct iomap_work *w);
};
void iomap_work_queue(struct iomap_work *w);

#endif
