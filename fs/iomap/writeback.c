/* SPDX-License-Identifier: MIT */
/*
 * Writing dirty pages: runs of pages that lie side by side on the device go out in one bio.
 *
 * The order of each step matters (IM2, and W2 of mm/writeback.c): what was collected is submitted,
 * a place is asked for, and only then pages are moved from dirty to under writeback, each only if
 * nothing was truncated since.  So nobody waits for a page whose transfer waits for a transaction.
 *
 * A page in flight has a reference of its bio.  Blocks smaller than a page are dirty one by one; a
 * page whose dirty blocks do not lie side by side is written here and now (write_scattered()).
 *
 * Bytes behind the end of the file, which a mapping may have stored, are not written: such a last
 * page goes out as a copy with zeros.
 */
#include <kernel/sched.h>
#include <lib/errseq.h>
#include <mm/slab.h>

#include "internal.h"

#define RUNS_MAX	8u		/* blocks of 512 bytes in a page */

struct writer {
	struct iomap_file *x;
	struct inode *inode;
	struct iomap map;		/* length 0: none */
	uint64_t truncations;		/* when map was asked for */
	uint64_t size;			/* of the file, when the page at hand was looked at */
	struct bio *bio;
	struct write_end *end;		/* of bio, where it needs one */
	uint64_t next;			/* the sector behind bio */
	bool mapped_only;
	bool wait;
};

/* What the end of a transfer to an unwritten run needs. */
struct write_end {
	struct iomap_work work;
	struct bio *bio;
	struct memobj *object;
	uint64_t pos, len;
};

static void pages_written(struct memobj *o, struct bio *bio, int err)
{
	if (err && o->inode)
		errseq_set(&o->inode->sb->write_error, err);
	for (uint32_t i = 0; i < bio->nr_vecs; i++) {
		struct page *p = bio->vecs[i].page;
		uint32_t off = bio->vecs[i].offset, left = bio->vecs[i].len, n;

		for (p += off >> PAGE_SHIFT, off &= PAGE_SIZE - 1; left; left -= n, off = 0, p++) {
			n = min(left, (uint32_t)PAGE_SIZE - off);
			page_end_writeback(o, p, err);
			page_put(p);
		}
	}
	bio_free(bio);
}

static void write_done(struct bio *bio)
{
	pages_written(bio->priv, bio, bio->status);
}

static void unwritten_work(struct iomap_work *w)
{
	struct write_end *e = container_of(w, struct write_end, work);
	int err = e->bio->status;

	if (!err && iomap_of(e->object)->ops->written)
		err = iomap_of(e->object)->ops->written(e->object->inode, e->pos, e->len);
	pages_written(e->object, e->bio, err);
	kfree(e);
}

static void unwritten_done(struct bio *bio)
{
	struct write_end *e = bio->priv;

	iomap_work_queue(&e->work);
}

static void writer_submit(struct writer *w)
{
	if (w->bio && w->bio->nr_vecs) {
		block_submit(w->bio);
	} else if (w->bio) {		/* begun for a page that went away */
		kfree(w->end);
		bio_free(w->bio);
	}
	w->bio = NULL;
	w->end = NULL;
}

/*
 * Begin a bio at @sector for byte @pos of the file.  False: no memory for what its end needs; then
 * nothing was begun.
 */
static bool writer_begin(struct writer *w, uint64_t sector, uint64_t pos, unsigned int pages)
{
	struct write_end *e = NULL;

	if (w->map.type == IOMAP_UNWRITTEN) {
		e = kmalloc(sizeof(*e), 0);
		if (!e)
			return false;
	}
	w->bio = pages > BIO_VECS_SURE ? bio_alloc(min(pages, (unsigned int)BIO_VECS_MAX)) : NULL;
	if (!w->bio)
		w->bio = bio_alloc(BIO_VECS_SURE);
	if (!w->bio) {
		kfree(e);
		return false;
	}
	w->bio->dev = w->map.dev;
	w->bio->op = BIO_WRITE;
	w->bio->flags = w->wait ? BIO_SYNC : 0;
	w->bio->sector = sector;
	w->bio->done = e ? unwritten_done : write_done;
	w->bio->priv = e ? (void *)e : &w->x->object;
	if (e)
		*e = (struct write_end){ .bio = w->bio, .object = &w->x->object, .pos = pos,
					 .work.fn = unwritten_work };
	w->end = e;
	w->next = sector;
	return true;
}

/* Put [off, off + len) of @p behind what is collected, if it fits there. */
static bool writer_append(struct writer *w, struct page *p, uint32_t off, uint32_t len,
			  uint64_t sector)
{
	if (!w->bio || w->next != sector || !bio_add(w->bio, p, off, len))
		return false;
	w->next += len >> SECTOR_SHIFT;
	if (w->end)
		w->end->len += len;
	return true;
}

/* How many pages from @index on are dirty as a whole, at most @max. */
static unsigned int full_pages(struct iomap_file *x, uint64_t index, unsigned int max)
{
	uintptr_t all = iomap_bits(x, 0, PAGE_SIZE);
	unsigned int n = 0;
	bool is_full = true;

	if (!iomap_has_bits(x))
		return memobj_dirty_run(&x->object, index, max);
	while (n < max && is_full) {
		struct page *p = memobj_find_page(&x->object, index + n);

		is_full = p && page_has(p, PAGE_DIRTY) &&
			  (__atomic_load_n(page_dirty_bits(p), __ATOMIC_ACQUIRE) & all) == all;
		n += is_full;
		if (p)
			page_put(p);
	}
	return n;
}

/*
 * A place for the @len dirty bytes at @pos in @p, and for what is dirty right behind them, but for
 * nothing that is not.  0; 1: there is none and nobody wants one; -errno.
 */
static int writer_place(struct writer *w, struct page *p, uint64_t pos, uint64_t len,
			uint64_t truncations)
{
	int err;

	if (!w->map.length || w->truncations != truncations || !iomap_has(&w->map, pos)) {
		writer_submit(w);
		if (!((pos + len) & ~PAGE_MASK))
			len += (uint64_t)full_pages(w->x, p->cache.index + 1, 1024) << PAGE_SHIFT;
		w->truncations = truncations;
		err = iomap_ask(w->inode, pos, len,
				w->mapped_only ? IOMAP_READ : IOMAP_ALLOCATE, &w->map);
		if (err)
			return err;
	}
	if (w->map.flags & IOMAP_JOURNAL_DATA)
		return 0;
	if (w->map.type == IOMAP_MAPPED || (w->map.type == IOMAP_UNWRITTEN && !w->mapped_only))
		return 0;
	return w->mapped_only ? 1 : -EIO;
}

/* Take @p for writing, and the dirty bits that @bits does not cover put back. */
static bool writer_take(struct writer *w, struct page *p, uintptr_t bits)
{
	uint64_t end = (p->cache.index + 1) << PAGE_SHIFT;
	uintptr_t now = 0;
	bool again;

	if (!page_start_writeback(&w->x->object, p, w->truncations))
		return false;
	/*
	 * A write that goes on behind the size that we know has raised the size first and looked at
	 * PAGE_DIRTY then: what we are about to cut off is written once more.
	 */
	again = w->size < end && READ_ONCE(w->x->object.size) != w->size;
	if (iomap_has_bits(w->x)) {
		now = __atomic_fetch_and(page_dirty_bits(p), ~bits, __ATOMIC_ACQ_REL);
		if (again)
			__atomic_fetch_or(page_dirty_bits(p), now & bits, __ATOMIC_ACQ_REL);
	}
	if (again || now & ~bits)
		page_mark_dirty(p);
	return true;
}

static int transfer_wait(struct writer *w, const struct iomap *m, struct page *p, uint32_t off,
			 uint32_t len)
{
	uint64_t pos = (p->cache.index << PAGE_SHIFT) + (off & ~PAGE_MASK);
	struct bio *bio = bio_alloc(1);
	int err;

	if (!bio)
		return -ENOMEM;
	bio->dev = m->dev;
	bio->op = BIO_WRITE;
	bio->flags = BIO_SYNC;
	bio->sector = iomap_address(m, pos) >> SECTOR_SHIFT;
	(void)!bio_add(bio, p, off, len);
	err = block_submit_wait(bio);
	bio_free(bio);
	if (!err && m->type == IOMAP_UNWRITTEN && w->x->ops->written)
		err = w->x->ops->written(w->inode, pos, len);
	return err;
}

/* As transfer_wait(), with zeros behind @size bytes of the page, by way of a copy. */
static int transfer_last(struct writer *w, const struct iomap *m, struct page *p, uint32_t off,
			 uint32_t len, uint32_t size)
{
	struct page *copy = page_alloc(0, ALLOC_NORMAL);
	char *data;
	int err;

	if (!copy)
		return transfer_wait(w, m, p, off, len);
	data = page_to_virt(copy);
	memcpy(data, page_to_virt(p), size);
	memset(data + size, 0, PAGE_SIZE - size);
	copy->cache.index = p->cache.index;
	err = transfer_wait(w, m, copy, off, len);
	page_put(copy);
	return err;
}

/* The first run of set bits of *@bits as bytes of a page; cleared there. */
static void next_run(const struct iomap_file *x, uintptr_t *bits, uint32_t *off, uint32_t *len)
{
	unsigned int first = (unsigned int)ctz64(*bits), n = 1;

	while (*bits >> (first + n) & 1)
		n++;
	*off = first << x->block_shift;
	*len = n << x->block_shift;
	*bits &= ~(((1UL << n) - 1) << first);
}

/*
 * A page whose dirty blocks are not in one place, or that ends the file: each run by itself.  All
 * places are asked for before the page is taken (IM2).
 */
static int write_scattered(struct writer *w, struct page *p, uintptr_t bits, uint64_t truncations)
{
	struct { struct iomap map; uint32_t off, len; } runs[RUNS_MAX];
	uint64_t start = p->cache.index << PAGE_SHIFT, size = READ_ONCE(w->x->object.size);
	uint32_t off, len, last = (uint32_t)min(size - start, (uint64_t)PAGE_SIZE);
	uintptr_t left = iomap_has_bits(w->x) ? bits : 0;
	unsigned int nr = 0;
	int err = 0, e;

	writer_submit(w);
	w->size = size;
	off = 0;
	len = left ? 0 : (uint32_t)align_up(last, 1U << w->x->end_shift);
	while (left || len) {
		if (!len)
			next_run(w->x, &left, &off, &len);
		err = writer_place(w, p, start + off, len, truncations);
		if (err)
			return err;
		runs[nr].map = w->map;
		runs[nr].off = off;
		runs[nr].len = (uint32_t)iomap_span(&w->map, start + off, len);
		off += runs[nr].len;
		len -= runs[nr++].len;
	}
	if (!writer_take(w, p, bits))
		return -EAGAIN;
	for (unsigned int i = 0; i < nr; i++) {
		e = runs[i].off + runs[i].len > last ?
			transfer_last(w, &runs[i].map, p, runs[i].off, runs[i].len, last) :
			transfer_wait(w, &runs[i].map, p, runs[i].off, runs[i].len);
		err = err ? err : e;
	}
	if (err)
		errseq_set(&w->inode->sb->write_error, err);
	page_end_writeback(&w->x->object, p, err);
	return 0;
}

static int write_journal(struct writer *w, struct page *p, uint32_t off, uint32_t len,
			 uintptr_t bits)
{
	uint64_t pos = (p->cache.index << PAGE_SHIFT) + off;
	int err;

	writer_submit(w);
	if (!writer_take(w, p, bits))
		return -EAGAIN;
	err = w->x->ops->journal_page(w->inode, pos, len, (char *)page_to_virt(p) + off);
	page_end_writeback(&w->x->object, p, err);
	return 0;
}

static bool has_tail(const struct page *p, uint32_t from, uint32_t to)
{
	const uint8_t *data = (const uint8_t *)page_to_virt(p) + from;

	return from < to && (*data || memcmp(data, data + 1, to - from - 1));
}

/*
 * One dirty page.  0: on its way, or nothing to do; -EAGAIN: things changed, look again; else the
 * error that its place costs.
 */
static int write_one(struct writer *w, struct page *p, uint64_t truncations)
{
	uint64_t start = p->cache.index << PAGE_SHIFT, size = READ_ONCE(w->x->object.size), sector;
	uint32_t off = 0, len = PAGE_SIZE, last;
	uintptr_t bits = 1, rest = 0;
	int err;

	if (start >= size)
		return 0;		/* truncation is about to take it */
	w->size = size;
	last = (uint32_t)min((uint64_t)PAGE_SIZE, align_up(size - start, 1UL << w->x->end_shift));
	if (iomap_has_bits(w->x)) {
		bits = __atomic_load_n(page_dirty_bits(p), __ATOMIC_ACQUIRE) &
		       iomap_bits(w->x, 0, last);
		rest = bits;
		if (!bits) {		/* truncation took what was dirty of it */
			w->map.length = 0;
			w->truncations = truncations;
			/* Not what is being written to it since we looked. */
			if (!writer_take(w, p, ~iomap_bits(w->x, 0, last)))
				return -EAGAIN;
			page_end_writeback(&w->x->object, p, 0);
			return 0;
		}
		next_run(w->x, &rest, &off, &len);
	} else {
		len = last;
	}
	err = writer_place(w, p, start + off, len, truncations);
	if (err)
		return err;
	if (w->map.flags & IOMAP_JOURNAL_DATA)
		return write_journal(w, p, off, len, bits & ~rest);
	if (rest || iomap_span(&w->map, start + off, len) < len ||
	    (start + PAGE_SIZE > size && has_tail(p, (uint32_t)(size - start), off + len)))
		return write_scattered(w, p, bits, truncations);
	sector = iomap_address(&w->map, start + off) >> SECTOR_SHIFT;
	if (!w->bio || w->next != sector) {
		writer_submit(w);
		if (!writer_begin(w, sector, start + off,
				  1 + memobj_dirty_run(&w->x->object, p->cache.index + 1,
						       BIO_VECS_MAX)))
			return write_scattered(w, p, bits, truncations);
	}
	if (!writer_take(w, p, bits))
		return -EAGAIN;
	page_ref(p);
	if (writer_append(w, p, off, len, sector))
		return 0;
	/* Full: the next one begins with this page. */
	writer_submit(w);
	if (writer_begin(w, sector, start + off, BIO_VECS_SURE)) {
		writer_append(w, p, off, len, sector);
		return 0;
	}
	err = transfer_wait(w, &w->map, p, off, len);
	page_end_writeback(&w->x->object, p, err);
	page_put(p);
	return 0;
}

/* The page has no place: what was to be written is lost, unless trying again may help. */
static int give_up(struct writer *w, struct page *p, int err)
{
	if (err == -ENOMEM || err == -EINTR || w->mapped_only)
		return err;
	w->truncations = w->x->object.truncations;
	if (writer_take(w, p, ~0UL)) {
		errseq_set(&w->inode->sb->write_error, err);
		page_end_writeback(&w->x->object, p, err);
	}
	return err;
}

static int write_range(struct writer *w, uint64_t first, uint64_t last)
{
	uint64_t truncations;
	struct page *p;
	int err = 0, e;

	for (uint64_t i = first; (p = memobj_next_dirty(&w->x->object, &i, last, &truncations)); ) {
		e = 0;
		if (page_has(p, PAGE_WRITEBACK) && w->wait) {
			writer_submit(w);
			page_wait_writeback(p);
		}
		if (!page_has(p, PAGE_WRITEBACK))
			e = write_one(w, p, truncations);
		if (e == -EAGAIN) {
			w->map.length = 0;
		} else {
			if (e < 0) {
				e = give_up(w, p, e);
				err = err ? err : e;
			}
			i++;
		}
		page_put(p);
		if (i > last || !i)
			break;
	}
	writer_submit(w);
	return err;
}

int iomap_write_pages(struct memobj *o, uint64_t start, uint64_t end, bool wait)
{
	struct iomap_file *x = iomap_of(o);
	struct writer w = { .x = x, .inode = o->inode, .wait = wait };
	struct block_plug plug;
	int err;

	if (start >= end || !memobj_is_dirty(o))
		return 0;
	blocks_lock_read(x);
	block_plug_start(&plug);
	err = write_range(&w, start >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
	block_plug_finish(&plug);
	blocks_unlock_read(x);
	return err;
}

int iomap_write_mapped(struct inode *inode)
{
	struct memobj *o = inode->mapping;
	struct writer w = { .x = iomap_of(o), .inode = inode, .wait = true, .mapped_only = true };
	uint64_t seen = __atomic_load_n(&o->write_error, __ATOMIC_RELAXED);
	struct block_plug plug;
	int err;

	block_plug_start(&plug);
	err = write_range(&w, 0, UINT64_MAX >> PAGE_SHIFT);
	block_plug_finish(&plug);
	memobj_wait_writeback(o, 0, UINT64_MAX);
	if (err)
		return err;
	seen ^= __atomic_load_n(&o->write_error, __ATOMIC_ACQUIRE);
	return seen & ~ERRSEQ_SEEN ? -EIO : 0;
}

int iomap_writeback_wait(struct inode *inode, int64_t start, int64_t end)
{
	return memobj_writeback(inode->mapping, (uint64_t)start, (uint64_t)end);
}

int iomap_file_error(struct file *f)
{
	return errseq_check(&f->inode->mapping->write_error, &f->write_error_seen);
}
