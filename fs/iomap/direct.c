/* SPDX-License-Identifier: MIT */
/*
 * Direct I/O: between the device and the caller's own pages.
 *
 * The inode's lock is held throughout (for reading by reads), so blocks stay where they are.  What
 * the cache has newer is written before; pages of the range are dropped before and after a write,
 * so that buffered readers see it.  Everything is waited for: the pages are pinned no longer than
 * the call.  Positions, lengths and addresses must be multiples of the device's logical block; a
 * write that does not cover whole blocks of the file system, or that finds no place that can be
 * written directly (-ENOTBLK), goes through the cache and is then flushed out of it.
 */
#include <kernel/sched.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <uapi/fcntl.h>

#include "internal.h"

#define PIN_MAX	64u			/* pages pinned at a time */

struct direct {
	struct inode *inode;
	struct completion all_done;
	uint32_t pending;		/* [A] bios in flight, and one while they are made */
	int err;			/* [A] the first */
	struct page *pages[PIN_MAX];
	unsigned int nr_pages;
};

static void direct_done(struct bio *bio)
{
	struct direct *d = bio->priv;
	int none = 0;

	if (bio->status)
		__atomic_compare_exchange_n(&d->err, &none, bio->status, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	bio_free(bio);
	if (!__atomic_sub_fetch(&d->pending, 1, __ATOMIC_ACQ_REL))
		completion_signal(&d->all_done);
}

static void direct_wait(struct direct *d)
{
	if (__atomic_sub_fetch(&d->pending, 1, __ATOMIC_ACQ_REL))
		completion_wait(&d->all_done);
}

static uint32_t align_of(const struct inode *inode)
{
	return inode->sb->bdev ? block_limits(inode->sb->bdev)->logical_size : SECTOR_SIZE;
}

/* Are the position and all pieces of memory multiples of the device's block? */
static bool fits_device(const struct inode *inode, const struct iov_iter *it, uint64_t pos)
{
	uint32_t mask = align_of(inode) - 1;
	size_t left = it->count, skip = it->segment_offset;

	if ((pos | it->count) & mask)
		return false;
	for (unsigned int i = 0; i < it->nr_segments && left; i++) {
		const struct iovec *v = &it->segments[i];
		size_t n = min((size_t)v->iov_len - skip, left);

		if ((v->iov_base + skip) & mask || n & mask)
			return false;
		left -= n;
		skip = 0;
	}
	return true;
}

/* Pin up to PIN_MAX pages of what @it points at next.  Bytes that they hold for us, or -errno. */
static ssize_t pin(struct direct *d, const struct iov_iter *it, size_t max, bool for_write,
		   uint32_t *first_offset)
{
	const struct iovec *v = it->segments;
	size_t skip = it->segment_offset, len, off;
	uint64_t at;
	int got;

	while (v->iov_len == skip) {
		v++;
		skip = 0;
	}
	at = v->iov_base + skip;
	off = at & ~PAGE_MASK;
	len = min(min(max, (size_t)v->iov_len - skip), PIN_MAX * PAGE_SIZE - off);
	*first_offset = (uint32_t)off;
	d->nr_pages = 0;
	got = user_pages_pin(UADDR(at - off), (unsigned int)DIV_ROUND_UP(off + len, PAGE_SIZE),
			     for_write, d->pages);
	if (got <= 0)
		return got ? got : -EFAULT;
	d->nr_pages = (unsigned int)got;
	return (ssize_t)min(len, d->nr_pages * PAGE_SIZE - off);
}

static void unpin(struct direct *d, bool were_written)
{
	for (unsigned int i = 0; i < d->nr_pages; i++) {
		if (were_written && d->pages[i]->kind == PAGE_CACHE)
			page_mark_dirty(d->pages[i]);
		page_put(d->pages[i]);
	}
	d->nr_pages = 0;
}

/* Submit @len bytes of the pinned pages from byte @off of the first on, to or from @address. */
static void direct_submit(struct direct *d, const struct iomap *m, enum bio_op op, uint64_t address,
			  uint32_t off, size_t len)
{
	struct bio *bio = NULL;
	uint64_t sector = address >> SECTOR_SHIFT;

	while (len) {
		uint32_t n = (uint32_t)min(len, PAGE_SIZE - (off & (PAGE_SIZE - 1)));

		if (!bio) {
			bio = bio_alloc(BIO_VECS_SURE);
			bio->dev = m->dev;
			bio->op = op;
			bio->flags = BIO_SYNC;
			bio->sector = sector;
			bio->done = direct_done;
			bio->priv = d;
		}
		if (!bio_add(bio, d->pages[off >> PAGE_SHIFT], off & (PAGE_SIZE - 1), n)) {
			__atomic_add_fetch(&d->pending, 1, __ATOMIC_RELAXED);
			block_submit(bio);
			bio = NULL;
			continue;
		}
		off += n;
		len -= n;
		sector += n >> SECTOR_SHIFT;
	}
	if (bio) {
		__atomic_add_fetch(&d->pending, 1, __ATOMIC_RELAXED);
		block_submit(bio);
	}
}

static void direct_begin(struct direct *d, struct inode *inode)
{
	d->inode = inode;
	completion_init(&d->all_done);
	d->pending = 1;
	d->err = 0;
	d->nr_pages = 0;
}

/* One round of a read: bytes or -errno. */
static ssize_t read_round(struct direct *d, struct iov_iter *to, uint64_t pos, size_t len)
{
	struct iomap m;
	uint32_t off;
	ssize_t n;
	int err = iomap_ask(d->inode, pos, len, IOMAP_READ, &m);

	if (err)
		return err;
	len = iomap_span(&m, pos, len);
	if (m.type == IOMAP_INLINE)
		return -ENOTBLK;
	if (m.type != IOMAP_MAPPED) {
		n = (ssize_t)iov_clear(to, len);
		return n ? n : -EFAULT;
	}
	n = pin(d, to, len, true, &off);
	if (n < 0)
		return n;
	direct_begin(d, d->inode);
	d->nr_pages = (unsigned int)DIV_ROUND_UP(off + (size_t)n, PAGE_SIZE);
	direct_submit(d, &m, BIO_READ, iomap_address(&m, pos), off, (size_t)n);
	direct_wait(d);
	unpin(d, true);
	if (d->err)
		return d->err;
	iov_advance(to, (size_t)n);
	return n;
}

static ssize_t read_locked(struct file *f, struct direct *d, struct iov_iter *to, int64_t *offset)
{
	uint64_t pos = (uint64_t)*offset, size = (uint64_t)d->inode->size, end;
	size_t done = 0, left;
	ssize_t n = 0;
	int err;

	if (pos >= size)
		return 0;
	end = min(pos + to->count, align_up(size, (uint64_t)align_of(d->inode)));
	err = iomap_writeback_wait(d->inode, (int64_t)pos, (int64_t)end);
	if (err)
		return err;
	for (left = end - pos; left; left -= (size_t)n, done += (size_t)n) {
		n = read_round(d, to, pos + done, left);
		if (n <= 0)
			break;
	}
	if (n == -ENOTBLK && !done)
		return iomap_read(f, d->inode, to, offset);
	done = min(done, size - pos);
	*offset += (int64_t)done;
	return done ? (ssize_t)done : n;
}

ssize_t iomap_direct_read(struct file *f, struct inode *inode, struct iov_iter *to, int64_t *offset)
{
	struct direct *d;
	ssize_t n;

	if (to->kernel)
		return iomap_read(f, inode, to, offset);
	if (!fits_device(inode, to, (uint64_t)*offset))
		return -EINVAL;
	d = kmalloc(sizeof(*d), 0);
	if (!d)
		return -ENOMEM;
	direct_begin(d, inode);
	rwsem_lock_read(&inode->lock);
	n = read_locked(f, d, to, offset);
	rwsem_unlock_read(&inode->lock);
	kfree(d);
	return n;
}

/* The cache gives up what it has of [start, end). */
static void invalidate(struct inode *inode, uint64_t start, uint64_t end)
{
	start = align_down(start, PAGE_SIZE);
	end = align_up(end, PAGE_SIZE);
	memobj_unmap_cached(inode->mapping, start, end);
	memobj_drop_clean(inode->mapping, start, end);
}

static void grow(struct inode *inode, uint64_t end)
{
	if (end <= (uint64_t)inode->size)
		return;
	WRITE_ONCE(inode->mapping->size, end);
	WRITE_ONCE(inode->size, (int64_t)end);
	inode_mark_dirty(inode, INODE_DIRTY_SIZE);
	if (iomap_ops_of(inode)->size_changed)
		iomap_ops_of(inode)->size_changed(inode);
}

static ssize_t write_round(struct direct *d, struct iov_iter *from, uint64_t pos, size_t len)
{
	const struct iomap_ops *ops = iomap_ops_of(d->inode);
	struct iomap m;
	uint32_t off;
	ssize_t n = pin(d, from, len, false, &off);
	int err;

	if (n < 0)
		return n;
	/* Whole blocks of the file system, unless they are the last ones of the call. */
	if ((size_t)n < len)
		n = (ssize_t)align_down((uint64_t)n, (uint64_t)d->inode->sb->block_size);
	err = n ? iomap_ask(d->inode, pos, (size_t)n, IOMAP_ALLOCATE, &m) : -ENOTBLK;
	if (!err && m.type != IOMAP_MAPPED && m.type != IOMAP_UNWRITTEN)
		err = -ENOTBLK;
	if (!err && m.flags & IOMAP_JOURNAL_DATA)
		err = -ENOTBLK;
	if (err) {
		unpin(d, false);
		return err;
	}
	n = (ssize_t)iomap_span(&m, pos, (size_t)n);
	unsigned int nr = d->nr_pages;

	direct_begin(d, d->inode);
	d->nr_pages = nr;
	direct_submit(d, &m, BIO_WRITE, iomap_address(&m, pos), off, (size_t)n);
	direct_wait(d);
	unpin(d, false);
	err = d->err;
	/* written() records no more than the size, so that comes first. */
	if (!err)
		grow(d->inode, pos + (uint64_t)n);
	if (!err && ops->written && (m.type == IOMAP_UNWRITTEN || m.flags & IOMAP_NEW))
		err = ops->written(d->inode, pos, (uint64_t)n);
	if (err)
		return err;
	iov_advance(from, (size_t)n);
	return n;
}

/* Through the cache, and out of it. */
static ssize_t write_cached(struct file *f, struct inode *inode, struct iov_iter *from,
			    int64_t *offset)
{
	int64_t start = *offset;
	ssize_t n = iomap_write_locked(f, inode, from, offset);
	int err;

	if (n <= 0)
		return n;
	err = iomap_writeback_wait(inode, start, start + n);
	if (err)
		return err;
	memobj_drop_clean(inode->mapping, align_down((uint64_t)start, PAGE_SIZE),
			  align_up((uint64_t)(start + n), PAGE_SIZE));
	return n;
}

static ssize_t write_aligned(struct direct *d, struct iov_iter *from, int64_t *offset)
{
	uint64_t pos = (uint64_t)*offset;
	size_t left = from->count, done = 0;
	ssize_t n = iomap_writeback_wait(d->inode, *offset, *offset + (int64_t)left);

	if (n)
		return n;
	invalidate(d->inode, pos, pos + left);
	for (; left; left -= (size_t)n, done += (size_t)n) {
		n = write_round(d, from, pos + done, left);
		if (n <= 0)
			break;
	}
	invalidate(d->inode, pos, pos + done);
	*offset += (int64_t)done;
	return done ? (ssize_t)done : n;
}

/* The inode's lock is held for writing. */
ssize_t iomap_direct_write(struct file *f, struct inode *inode, struct iov_iter *from,
			   int64_t *offset)
{
	uint64_t pos = (uint64_t)*offset, block = inode->sb->block_size;
	bool is_file = S_ISREG(inode->mode);
	struct direct *d;
	ssize_t n, more;

	if (from->kernel)
		return write_cached(f, inode, from, offset);
	if (!fits_device(inode, from, pos))
		return -EINVAL;
	/* Partial blocks, and a hole between the old end and here, need what only the cache can. */
	if (is_file && ((pos | from->count) & (block - 1) || pos > (uint64_t)inode->size ||
			(uint64_t)inode->size & (block - 1)))
		return write_cached(f, inode, from, offset);
	d = kmalloc(sizeof(*d), 0);
	if (!d)
		return -ENOMEM;
	direct_begin(d, inode);
	n = write_aligned(d, from, offset);
	kfree(d);
	if (from->count && (n > 0 || n == -ENOTBLK)) {
		more = write_cached(f, inode, from, offset);
		n = n > 0 ? n + max(more, (ssize_t)0) : more;
	}
	return n;
}
