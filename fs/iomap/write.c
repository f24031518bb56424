/* SPDX-License-Identifier: MIT */
/*
 * Buffered writes, stores through mappings, and zeroing: how pages become dirty.  Space is reserved
 * before anything becomes dirty, so that writeback finds a place for it.
 */
#include <kernel/process.h>
#include <mm/aspace.h>
#include <mm/slab.h>

#include "../writeback.h"
#include "internal.h"

#define WRITE_CHUNK	(256 * PAGE_SIZE)	/* what one reservation asks for at most */

/*
 * The size goes first: who writes the page back looks at it after PAGE_DIRTY is off, and neither
 * cuts off what has just been written nor records less than it (writer_take(), written()).
 */
static void page_written(struct memobj *o, struct page *p, size_t off, size_t len)
{
	uint64_t end = (p->cache.index << PAGE_SHIFT) + off + len;

	if (end > (uint64_t)READ_ONCE(o->inode->size)) {
		WRITE_ONCE(o->size, end);
		WRITE_ONCE(o->inode->size, (int64_t)end);
	}
	iomap_dirty(iomap_of(o), p, off, len);
}

static void release(struct memobj *o)
{
	kfree(iomap_of(o));
}

static const struct memobj_ops iomap_object_ops = {
	.read_page = iomap_read_page,
	.readahead = iomap_readahead,
	.write_pages = iomap_write_pages,
	.page_written = page_written,
	.dirtied = writeback_object_dirtied,
	.make_writable = iomap_make_writable,
	.release = release,
};

int iomap_inode_init(struct inode *inode, const struct iomap_ops *ops)
{
	struct iomap_file *x = kzalloc(sizeof(*x), 0);

	if (!x)
		return -ENOMEM;
	memobj_init(&x->object, &iomap_object_ops, inode);
	x->object.size = (uint64_t)inode->size;
	x->ops = ops;
	rwsem_init(&x->blocks_lock, PAGE_IO);
	x->block_shift = x->end_shift = (uint8_t)min(ilog2(inode->sb->block_size),
						     (unsigned int)PAGE_SHIFT);
	if (iomap_has_bits(x))
		x->object.flags |= MEMOBJ_PART_DIRTY;
	inode->mapping = &x->object;
	return 0;
}

void iomap_inode_fini(struct inode *inode)
{
	if (inode->mapping)
		memobj_put(inode->mapping);
	inode->mapping = NULL;
}

const struct iomap_ops *iomap_ops_of(const struct inode *inode)
{
	return iomap_of_inode(inode)->ops;
}

/* Reserve [pos, pos + len), which is to become dirty. */
static int reserve(struct inode *inode, uint64_t pos, uint64_t len)
{
	struct iomap m;

	while (len) {
		int err = iomap_ask(inode, pos, len, IOMAP_RESERVE, &m);
		uint64_t n;

		if (err)
			return err;
		n = iomap_span(&m, pos, len);
		pos += n;
		len -= n;
	}
	return 0;
}

/* Are all of [p, p + len) zero? */
static bool all_zero(const uint8_t *p, size_t len)
{
	return !len || (!*p && !memcmp(p, p + 1, len - 1));
}

/*
 * The file is about to grow from @size: what a mapping stored behind the end of the file, in its
 * last page, must not come to light.
 */
static int zero_tail(struct inode *inode, uint64_t size)
{
	struct iomap_file *x = iomap_of_inode(inode);
	size_t off = size & ~PAGE_MASK, end, block = 1UL << x->block_shift;
	struct page *p = off ? memobj_find_page(&x->object, size >> PAGE_SHIFT) : NULL;
	bool changed = false;
	int err = 0;

	if (!p)
		return 0;
	end = align_up(off, block);
	page_lock(p);
	if (page_has(p, PAGE_UPTODATE)) {
		char *data = page_to_virt(p);

		changed = !all_zero((uint8_t *)data + off, end - off);
		memset(data + off, 0, PAGE_SIZE - off);
	}
	page_unlock(p);
	if (changed)
		err = reserve(inode, size, end - off);
	if (changed && !err)
		iomap_dirty(x, p, off, end - off);
	/* Blocks that were behind the end are not reserved: stores to them shall ask. */
	if (iomap_has_bits(x))
		memobj_clean_mappings(&x->object, size >> PAGE_SHIFT);
	page_put(p);
	return err;
}

static void set_size(struct inode *inode, uint64_t size)
{
	const struct iomap_ops *ops = iomap_ops_of(inode);

	WRITE_ONCE(inode->mapping->size, size);
	WRITE_ONCE(inode->size, (int64_t)size);
	inode_mark_dirty(inode, INODE_DIRTY_SIZE);
	if (ops->size_changed)
		ops->size_changed(inode);
}

/*
 * The pages of [pos, pos + len) that are not overwritten as a whole: they come in before space is
 * taken, while a hole still reads as zeros.  At most two; held until they have been written to.
 */
static int hold_edges(struct memobj *o, uint64_t pos, uint64_t len, struct page *edge[2])
{
	uint64_t end = pos + len;

	edge[0] = edge[1] = NULL;
	if (pos & ~PAGE_MASK || (end & ~PAGE_MASK && end - pos < PAGE_SIZE))
		edge[0] = memobj_get_page(o, pos >> PAGE_SHIFT);
	if (!IS_ERR(edge[0]) && end & ~PAGE_MASK && (pos ^ end) >> PAGE_SHIFT)
		edge[1] = memobj_get_page(o, end >> PAGE_SHIFT);
	if (!IS_ERR(edge[0]) && !IS_ERR(edge[1]))
		return 0;
	if (IS_ERR(edge[0]))
		return (int)PTR_ERR(edge[0]);
	if (edge[0])
		page_put(edge[0]);
	return (int)PTR_ERR(edge[1]);
}

static void drop_edges(struct page *edge[2])
{
	for (unsigned int i = 0; i < 2; i++)
		if (edge[i])
			page_put(edge[i]);
}

/* New blocks of [pos, end) that the caller's data did not reach, because of a fault: zeros. */
static int zero_new(struct iomap_file *x, uint64_t pos, uint64_t end)
{
	for (uint64_t n; pos < end; pos += n) {
		struct page *p = memobj_get_page_overwrite(&x->object, pos >> PAGE_SHIFT);

		n = min(end - pos, PAGE_SIZE - (pos & ~PAGE_MASK));
		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		/* Edges are there already, so all of a page that is not is new. */
		if (!page_has(p, PAGE_UPTODATE))
			memset(page_to_virt(p), 0, PAGE_SIZE);
		else
			memset((char *)page_to_virt(p) + (pos & ~PAGE_MASK), 0, n);
		page_set_flags(p, PAGE_UPTODATE);
		page_unlock(p);
		iomap_dirty(x, p, pos & ~PAGE_MASK, n);
		page_put(p);
	}
	return 0;
}

/* One run of a write, which @left bytes are left of: bytes or -errno. */
static ssize_t write_run(struct inode *inode, struct iov_iter *from, int64_t *offset, size_t left)
{
	struct memobj *o = inode->mapping;
	uint64_t pos = (uint64_t)*offset, len = min(left, WRITE_CHUNK - (pos & ~PAGE_MASK));
	struct page *edge[2];
	struct iomap m;
	ssize_t n;
	int err = hold_edges(o, pos, len, edge);

	if (err)
		return err;
	err = iomap_ask(inode, pos, len, IOMAP_RESERVE, &m);
	if (err) {
		drop_edges(edge);
		return err;
	}
	len = iomap_span(&m, pos, len);
	from->count = len;
	n = memobj_write(o, from, offset);
	len -= (uint64_t)max(n, (ssize_t)0);
	if (len && m.flags & IOMAP_NEW)
		err = zero_new(iomap_of(o), (uint64_t)*offset, (uint64_t)*offset + len);
	drop_edges(edge);
	return n > 0 || !err ? n : err;
}

ssize_t iomap_write_locked(struct file *f, struct inode *inode, struct iov_iter *from,
			   int64_t *offset)
{
	struct memobj *o = inode->mapping;
	size_t left = from->count, done = 0;
	int64_t size = inode->size;
	bool is_short = false;
	ssize_t n = 0;

	if (*offset > inode->size)
		n = zero_tail(inode, (uint64_t)inode->size);
	else if (*offset == inode->size && *offset & ~PAGE_MASK && iomap_has_bits(iomap_of(o)))
		memobj_clean_mappings(o, (uint64_t)*offset >> PAGE_SHIFT);
	while (left && n >= 0 && !is_short) {
		n = write_run(inode, from, offset, left);
		if (n <= 0)
			break;
		is_short = from->count;
		left -= (size_t)n;
		done += (size_t)n;
		if (*offset > size) {
			size = *offset;
			set_size(inode, (uint64_t)size);
		}
	}
	from->count = left;
	return done ? (ssize_t)done : n;
}

/* O_SYNC and O_DSYNC: what was written is on the medium before the call returns. */
static ssize_t sync_written(struct file *f, int64_t end, ssize_t n)
{
	int err;

	if (n <= 0 || !(f->flags & O_DSYNC) || !f->ops->fsync)
		return n;
	err = f->ops->fsync(f, end - n, end, (f->flags & O_SYNC) != O_SYNC);
	return err ? err : n;
}

static ssize_t write_locked(struct file *f, struct iov_iter *from, int64_t *offset)
{
	struct inode *inode = f->inode;
	ssize_t n;
	int err;

	if (f->flags & O_APPEND)
		*offset = inode->size;
	n = write_limit(f, *offset, from->count);
	if (n <= 0)
		return n;
	from->count = (size_t)n;
	err = file_modified(f);
	if (err)
		return err;
	return f->flags & O_DIRECT ? iomap_direct_write(f, inode, from, offset) :
				     iomap_write_locked(f, inode, from, offset);
}

ssize_t iomap_file_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	ssize_t n;

	if (!from->count)
		return 0;
	rwsem_lock_write(&f->inode->lock);
	n = write_locked(f, from, offset);
	rwsem_unlock_write(&f->inode->lock);
	if (n > 0)
		writeback_throttle(f->inode, (uint64_t)n);
	return sync_written(f, *offset, n);
}

int iomap_make_writable(struct memobj *o, struct page *p)
{
	struct iomap_file *x = iomap_of(o);
	uint64_t pos = p->cache.index << PAGE_SHIFT, size = READ_ONCE(o->size), len;
	int err;

	if (pos >= size)
		return -EIO;
	len = min((uint64_t)PAGE_SIZE, align_up(size - pos, 1UL << x->block_shift));
	err = reserve(o->inode, pos, len);
	if (err)
		return err;
	if (iomap_has_bits(x))
		__atomic_fetch_or(page_dirty_bits(p), iomap_bits(x, 0, len), __ATOMIC_ACQ_REL);
	inode_touch(o->inode);
	inode_mark_dirty(o->inode, INODE_DIRTY_META);
	writeback_throttle(o->inode, PAGE_SIZE);
	return 0;
}

int iomap_mmap(struct file *f, struct region *r)
{
	memobj_ref(f->inode->mapping);
	r->object = f->inode->mapping;
	file_accessed(f);
	return 0;
}

/* Zero within one page, [pos, pos + len), for which there is a place. */
static int zero_page_part(struct iomap_file *x, uint64_t pos, size_t len)
{
	struct page *p = memobj_get_page(&x->object, pos >> PAGE_SHIFT);
	size_t off = pos & ~PAGE_MASK;
	int err;

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	err = reserve(x->object.inode, pos, len);
	if (!err) {
		memset((char *)page_to_virt(p) + off, 0, len);
		iomap_dirty(x, p, off, len);
	}
	page_put(p);
	return err;
}

/* Is there newer content in the cache than the unwritten block at @pos? */
static bool is_dirty_at(struct memobj *o, uint64_t pos)
{
	struct page *p = memobj_find_page(o, pos >> PAGE_SHIFT);
	bool dirty = p && page_has(p, PAGE_DIRTY | PAGE_WRITEBACK);

	if (p)
		page_put(p);
	return dirty;
}

int iomap_zero(struct inode *inode, uint64_t start, uint64_t end)
{
	struct iomap_file *x = iomap_of_inode(inode);
	struct iomap m = { .length = 0 };

	for (uint64_t pos = start, n; pos < end; pos += n) {
		int err = 0;

		if (!iomap_has(&m, pos))
			err = iomap_ask(inode, pos, end - pos, IOMAP_READ, &m);
		if (err)
			return err;
		n = iomap_span(&m, pos, end - pos);
		if (m.type == IOMAP_HOLE)
			continue;
		n = min(n, PAGE_SIZE - (pos & ~PAGE_MASK));
		if (m.type != IOMAP_UNWRITTEN || is_dirty_at(&x->object, pos))
			err = zero_page_part(x, pos, n);
		if (err)
			return err;
	}
	return 0;
}

/* The blocks of [start, end) in the page of @start are gone: not dirty any more. */
static void forget_bits(struct iomap_file *x, uint64_t start, uint64_t end)
{
	size_t block = 1UL << x->block_shift;
	uint64_t from = align_up(start, block), to = align_down(end, block);
	struct page *p;

	if (!iomap_has_bits(x) || from >= to)
		return;
	p = memobj_find_page(&x->object, from >> PAGE_SHIFT);
	if (!p)
		return;
	if (page_has(p, PAGE_UPTODATE))
		__atomic_fetch_and(page_dirty_bits(p),
				   ~iomap_bits(x, from & ~PAGE_MASK, to - from), __ATOMIC_ACQ_REL);
	page_put(p);
}

int iomap_truncate_begin(struct inode *inode, uint64_t size)
{
	struct iomap_file *x = iomap_of_inode(inode);
	uint64_t old = (uint64_t)inode->size, block = 1UL << x->block_shift;
	int err = 0;

	if (size > old)
		err = zero_tail(inode, old);
	else if (size < old)
		err = iomap_zero(inode, size, min(align_up(size, block), old));
	if (err)
		return err;
	rwsem_lock_write(&x->blocks_lock);
	WRITE_ONCE(inode->size, (int64_t)size);
	memobj_truncate(&x->object, size);
	if (size & ~PAGE_MASK)
		forget_bits(x, size, align_up(size, PAGE_SIZE));
	return 0;
}

int iomap_punch_begin(struct inode *inode, uint64_t start, uint64_t end)
{
	struct iomap_file *x = iomap_of_inode(inode);
	uint64_t block = 1UL << x->block_shift, first = align_up(start, block),
		 last = align_down(end, block);
	int err;

	if (first >= last) {
		err = iomap_zero(inode, start, end);
	} else {
		err = iomap_zero(inode, start, first);
		if (!err)
			err = iomap_zero(inode, last, end);
	}
	if (err)
		return err;
	rwsem_lock_write(&x->blocks_lock);
	memobj_punch(&x->object, start, end);
	if (first < last) {
		if (first & ~PAGE_MASK)
			forget_bits(x, first, min(align_up(first, PAGE_SIZE), last));
		if (last & ~PAGE_MASK && align_down(last, PAGE_SIZE) >= first)
			forget_bits(x, align_down(last, PAGE_SIZE), last);
	}
	return 0;
}

void iomap_blocks_end(struct inode *inode)
{
	rwsem_unlock_write(&iomap_of_inode(inode)->blocks_lock);
}
