/* SPDX-License-Identifier: MIT */
/*
 * Buffered reads: pages from the disk, one by one or many at once ahead of the reader.
 *
 * A page that is being read is locked and in the cache before its place is asked for, and the
 * blocks cannot be taken away meanwhile (blocks_lock); so what is read belongs to the file, or the
 * page was dropped and nobody finds it.  While it is read, page->cache.priv counts the bytes that
 * are still missing; each transfer takes its own off and the last one unlocks the page.
 *
 * Readahead: a file that is read in sequence has a window, which doubles up to READAHEAD_MAX.  The
 * next window is asked for when the reader comes into the second half of what was asked for.
 */
#include <uapi/fcntl.h>

#include "internal.h"

#define READAHEAD_MAX	128u		/* pages */
#define READAHEAD_MIN	4u

/* Transfers that are being put together. */
struct reader {
	struct inode *inode;
	struct iomap map;		/* length 0: none yet */
	struct bio *bio;
	uint64_t next;			/* the sector behind bio */
	uint64_t want_end;		/* bytes: how far the reader will go */
	uint32_t bio_flags;
};

int iomap_ask(struct inode *inode, uint64_t pos, uint64_t len, enum iomap_for what,
	      struct iomap *out)
{
	int err = iomap_ops_of(inode)->map(inode, pos, len, what, out);

	if (err)
		out->length = 0;
	else if (!iomap_has(out, pos))
		err = -EIO;
	return err;
}

/* @len bytes of @p are there, or will never be (@ok).  The last ones end the read. */
static void page_arrived(struct page *p, size_t len, bool ok)
{
	if (!ok)
		page_set_flags(p, PAGE_ERROR);
	if (__atomic_sub_fetch(page_dirty_bits(p), len, __ATOMIC_ACQ_REL))
		return;
	if (!page_has(p, PAGE_ERROR))
		page_set_flags(p, PAGE_UPTODATE);
	page_unlock(p);
	page_put(p);
}

static void read_done(struct bio *bio)
{
	for (uint32_t i = 0; i < bio->nr_vecs; i++) {
		struct page *p = bio->vecs[i].page;
		uint32_t off = bio->vecs[i].offset, left = bio->vecs[i].len, n;

		for (p += off >> PAGE_SHIFT, off &= PAGE_SIZE - 1; left; left -= n, off = 0, p++) {
			n = min(left, (uint32_t)PAGE_SIZE - off);
			page_arrived(p, n, !bio->status);
		}
	}
	bio_free(bio);
}

static void reader_submit(struct reader *r)
{
	if (!r->bio)
		return;
	block_submit(r->bio);
	r->bio = NULL;
}

/* Add a piece that lies at byte @address of the device.  False: no memory. */
static bool reader_add(struct reader *r, struct page *p, uint32_t off, uint32_t len,
		       uint64_t address)
{
	uint64_t sector = address >> SECTOR_SHIFT;

	if (r->bio && (r->next != sector || r->bio->dev != r->map.dev ||
		       !bio_add(r->bio, p, off, len)))
		reader_submit(r);
	else if (r->bio) {
		r->next += len >> SECTOR_SHIFT;
		return true;
	}
	r->bio = bio_alloc((unsigned int)clamp((r->want_end - (uint64_t)p->cache.index * PAGE_SIZE)
					       >> PAGE_SHIFT, 1ULL, (uint64_t)BIO_VECS_MAX));
	if (!r->bio)
		r->bio = bio_alloc(BIO_VECS_SURE);
	if (!r->bio)
		return false;
	r->bio->dev = r->map.dev;
	r->bio->op = BIO_READ;
	r->bio->flags = r->bio_flags;
	r->bio->sector = sector;
	r->bio->done = read_done;
	(void)!bio_add(r->bio, p, off, len);
	r->next = sector + (len >> SECTOR_SHIFT);
	return true;
}

static void read_inline(const struct iomap *m, char *to, uint64_t pos, size_t len, uint64_t size)
{
	uint64_t end = min(size, m->offset + m->length);
	size_t n = pos < end ? min((uint64_t)len, end - pos) : 0;

	memcpy(to, (char *)m->inline_data + (pos - m->offset), n);
	memset(to + n, 0, len - n);
}

/* One run of @p at byte @off of it, at most @len bytes.  How many, or -errno. */
static int read_piece(struct reader *r, struct page *p, uint32_t off, uint32_t len)
{
	uint64_t pos = (p->cache.index << PAGE_SHIFT) + off, size = (uint64_t)r->inode->size;
	char *to = (char *)page_to_virt(p) + off;
	struct iomap *m = &r->map;
	uint32_t n;
	int err;

	if (pos >= size) {
		memset(to, 0, len);
		page_arrived(p, len, true);
		return (int)len;
	}
	if (!iomap_has(m, pos)) {
		err = iomap_ask(r->inode, pos, max(r->want_end, pos + len) - pos, IOMAP_READ, m);
		if (err)
			return err;
	}
	n = (uint32_t)iomap_span(m, pos, len);
	if (m->type == IOMAP_MAPPED) {
		if (!reader_add(r, p, off, n, iomap_address(m, pos)))
			return -ENOMEM;
		return (int)n;
	}
	if (m->type == IOMAP_INLINE)
		read_inline(m, to, pos, n, size);
	else
		memset(to, 0, n);
	page_arrived(p, n, true);
	return (int)n;
}

/* Begin to read the locked @p, which is in the cache; its end is told by PAGE_LOCKED. */
static int reader_page(struct reader *r, struct page *p)
{
	uint32_t off = 0;
	int n = 0;

	page_ref(p);
	page_clear_flags(p, PAGE_ERROR);
	/* One byte more than there are: nothing ends it before all is asked for. */
	__atomic_store_n(page_dirty_bits(p), PAGE_SIZE + 1, __ATOMIC_RELEASE);
	while (off < PAGE_SIZE) {
		n = read_piece(r, p, off, (uint32_t)PAGE_SIZE - off);
		if (n < 0)
			break;
		off += (uint32_t)n;
	}
	page_arrived(p, PAGE_SIZE - off + 1, n >= 0);
	return n < 0 ? n : 0;
}

int iomap_read_page(struct memobj *o, struct page *p)
{
	struct iomap_file *x = iomap_of(o);
	struct reader r = { .inode = o->inode, .want_end = (p->cache.index + 1) << PAGE_SHIFT,
			    .bio_flags = BIO_SYNC };
	int err;

	blocks_lock_read(x);
	err = reader_page(&r, p);
	reader_submit(&r);
	blocks_unlock_read(x);
	return err;
}

/* The first index in [*index, last] without a page. */
static bool next_missing(struct memobj *o, uint64_t *index, uint64_t last)
{
	bool found;

	spin_lock(&o->tree_lock);
	found = map_find_free(&o->pages, index, last);
	spin_unlock(&o->tree_lock);
	return found;
}

void iomap_readahead(struct memobj *o, uint64_t index, unsigned int nr)
{
	struct iomap_file *x = iomap_of(o);
	uint64_t size = READ_ONCE(o->size), last;
	struct reader r = { .inode = o->inode, .bio_flags = BIO_READAHEAD };
	struct block_plug plug;

	if (!nr || index >= DIV_ROUND_UP(size, PAGE_SIZE))
		return;
	last = min(index + nr, DIV_ROUND_UP(size, PAGE_SIZE)) - 1;
	if (!next_missing(o, &index, last))
		return;
	r.want_end = (last + 1) << PAGE_SHIFT;
	blocks_lock_read(x);
	block_plug_start(&plug);
	do {
		struct page *p = page_alloc(0, ALLOC_NORMAL | ALLOC_NO_RETRY);
		int err;

		if (!p)
			break;
		p->flags = PAGE_LOCKED;
		err = memobj_insert_page(o, p, index);
		if (err)
			p->flags = 0;
		else
			err = reader_page(&r, p);
		page_put(p);
		if (err && err != -EEXIST)
			break;
	} while (index++ < last && next_missing(o, &index, last));
	reader_submit(&r);
	block_plug_finish(&plug);
	blocks_unlock_read(x);
}

/* The reader of @f is about to want pages [index, end). */
static void readahead_look(struct file *f, struct memobj *o, uint64_t index, uint64_t end)
{
	struct file_readahead *ra = &f->readahead;
	uint32_t most = ra->advice == POSIX_FADV_SEQUENTIAL ? 2 * READAHEAD_MAX : READAHEAD_MAX;
	uint64_t start;

	if (ra->advice == POSIX_FADV_RANDOM)
		return;
	if (index != ra->next && index + 1 != ra->next) {
		ra->window = 0;		/* a miss reads what is wanted, no more */
		ra->end = end;
	} else {
		if (!ra->window)
			ra->window = (uint32_t)clamp(2 * (end - index), (uint64_t)READAHEAD_MIN,
						     (uint64_t)READAHEAD_MAX);
		start = max(ra->end, index);
		if (start < end + ra->window / 2) {
			iomap_readahead(o, start, (unsigned int)(end + ra->window - start));
			ra->end = end + ra->window;
			ra->window = min(2 * ra->window, most);
		}
	}
	ra->next = end;
}

ssize_t iomap_read(struct file *f, struct inode *inode, struct iov_iter *to, int64_t *offset)
{
	struct memobj *o = inode->mapping;
	size_t left = to->count, done = 0;
	ssize_t n = 0;

	while (left && *offset < inode->size) {
		size_t want = min(left, (size_t)READAHEAD_MAX * PAGE_SIZE);
		uint64_t pos = (uint64_t)*offset,
			 end = min(pos + want, (uint64_t)inode->size);

		readahead_look(f, o, pos >> PAGE_SHIFT, DIV_ROUND_UP(end, PAGE_SIZE));
		to->count = want;
		n = memobj_read(o, to, offset);
		to->count = left - (size_t)max(n, (ssize_t)0);
		if (n <= 0)
			break;
		left -= (size_t)n;
		done += (size_t)n;
		if ((size_t)n < want)
			break;
	}
	return done ? (ssize_t)done : n;
}

ssize_t iomap_file_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	ssize_t n;

	if (!to->count)
		return 0;
	n = f->flags & O_DIRECT ? iomap_direct_read(f, f->inode, to, offset) :
				  iomap_read(f, f->inode, to, offset);
	if (n > 0)
		file_accessed(f);
	return n;
}

int iomap_advise(struct file *f, struct inode *inode, int64_t offset, int64_t len, int advice)
{
	struct memobj *o = inode->mapping;
	uint64_t start = (uint64_t)offset, end = len ? start + (uint64_t)len : INT64_MAX, last;

	switch (advice) {
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_RANDOM:
	case POSIX_FADV_SEQUENTIAL:
		f->readahead.advice = (uint8_t)advice;
		break;
	case POSIX_FADV_WILLNEED:
		last = DIV_ROUND_UP(min(end, (uint64_t)inode->size), PAGE_SIZE);
		for (uint64_t i = start >> PAGE_SHIFT; i < last; i += READAHEAD_MAX)
			iomap_readahead(o, i, (unsigned int)min(last - i, (uint64_t)READAHEAD_MAX));
		break;
	case POSIX_FADV_DONTNEED:
		if (start >= end)
			break;
		(void)iomap_write_pages(o, start, end, false);
		/* Whole pages only, but the end of the file counts as one. */
		start = align_up(start, PAGE_SIZE);
		if (end < (uint64_t)inode->size)
			end = align_down(end, PAGE_SIZE);
		if (start < end)
			memobj_drop_clean(o, start, end);
		break;
	}
	return 0;
}

int iomap_fadvise(struct file *f, int64_t offset, int64_t len, int advice)
{
	return iomap_advise(f, f->inode, offset, len, advice);
}
