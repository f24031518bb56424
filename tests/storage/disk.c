/* SPDX-License-Identifier: MIT */
/*
 * The host's disk and its cache of blocks (<drivers/block.h>, <fs/bdev.h>): all is done at once,
 * and what was written is kept in order, with flushes, for images of power cuts.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "shim.h"

#define HASH_SIZE 1024u

struct buf_cache {
	struct disk_image *disk;
	uint32_t block_size;
	struct host_buf *hash[HASH_SIZE];
};

struct host_buf {
	struct buf buf;
	struct host_buf *next;
	bool is_held;			/* by buf_lock() */
};

uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct disk_image *image_create(const void *data, uint64_t size)
{
	struct disk_image *d = host_alloc(sizeof(*d));

	d->data = host_alloc(size);
	memcpy(d->data, data, size);
	d->size = size;
	str_copy_cut(d->dev.name, "host", sizeof(d->dev.name));
	d->dev.nr_sectors = size / SECTOR_SIZE;
	d->dev.holder_data = d;
	return d;
}

static void drop_events(struct disk_image *d)
{
	for (uint32_t i = 0; i < d->nr_events; i++)
		host_free(d->events[i].data);
	host_free(d->events);
	d->events = NULL;
	d->nr_events = d->max_events = 0;
}

void image_free(struct disk_image *d)
{
	drop_events(d);
	host_free(d->data);
	host_free(d);
}

void image_record(struct disk_image *d)
{
	drop_events(d);
	d->records = true;
}

static void add_event(struct disk_image *d, uint64_t offset, const void *data, uint32_t len,
		      bool fua)
{
	struct event *e;

	if (!d->records)
		return;
	if (d->nr_events == d->max_events) {
		uint32_t n = d->max_events ? d->max_events * 2 : 256;
		struct event *more = host_alloc(n * sizeof(*more));

		if (d->nr_events)
			memcpy(more, d->events, d->nr_events * sizeof(*more));
		host_free(d->events);
		d->events = more;
		d->max_events = n;
	}
	e = &d->events[d->nr_events++];
	*e = (struct event){ .offset = offset, .len = len, .fua = fua };
	if (len) {
		e->data = host_alloc(len);
		memcpy(e->data, data, len);
	}
}

static bool fails(struct disk_image *d)
{
	uint64_t n = ++d->requests;

	if (!d->fail_at || n < d->fail_at)
		return false;
	return n == d->fail_at || (d->fail_every && (n - d->fail_at) % d->fail_every == 0);
}

static int disk_read(struct disk_image *d, uint64_t offset, void *data, uint32_t len)
{
	if (fails(d) || !range_within(offset, len, d->size))
		return -EIO;
	memcpy(data, d->data + offset, len);
	return 0;
}

static int disk_write(struct disk_image *d, uint64_t offset, const void *data, uint32_t len,
		      uint32_t flags)
{
	if (d->is_dead)
		return 0;
	if (fails(d) || !range_within(offset, len, d->size))
		return -EIO;
	if (flags & BIO_PREFLUSH)
		add_event(d, 0, NULL, 0, false);
	memcpy(d->data + offset, data, len);
	add_event(d, offset, data, len, flags & BIO_FUA);
	return 0;
}

void image_cut(const struct disk_image *d, const void *base, uint32_t upto, uint64_t seed,
	       void *out)
{
	uint32_t flushed = 0;

	for (uint32_t i = 0; i < upto; i++) {
		if (!d->events[i].len)
			flushed = i;
	}
	memcpy(out, base, d->size);
	for (uint32_t i = 0; i < upto; i++) {
		const struct event *e = &d->events[i];
		bool kept = i < flushed || e->fua || !seed;

		for (uint32_t o = 0; o < e->len; o += SECTOR_SIZE) {
			/* Sometimes whole requests, sometimes single sectors are lost. */
			if (!kept && (seed == 1 || next_random(&seed) % 3 == 0)) {
				if (seed == 1 || next_random(&seed) % 4)
					break;
				continue;
			}
			memcpy((uint8_t *)out + e->offset + o, e->data + o, SECTOR_SIZE);
		}
	}
}

static struct disk_image *disk_of(struct block_device *dev)
{
	return dev->holder_data;
}

int block_read(struct block_device *dev, uint64_t sector, void *buf, size_t len)
{
	return disk_read(disk_of(dev), sector * SECTOR_SIZE, buf, (uint32_t)len);
}

int block_write(struct block_device *dev, uint64_t sector, const void *buf, size_t len,
		uint32_t flags)
{
	return disk_write(disk_of(dev), sector * SECTOR_SIZE, buf, (uint32_t)len, flags);
}

int block_flush(struct block_device *dev)
{
	struct disk_image *d = disk_of(dev);

	if (d->is_dead)
		return 0;
	if (fails(d))
		return -EIO;
	add_event(d, 0, NULL, 0, false);
	return 0;
}

struct buf_cache *buf_cache_create(struct block_device *dev, uint32_t block_size)
{
	struct buf_cache *c = host_alloc(sizeof(*c));

	c->disk = disk_of(dev);
	c->block_size = block_size;
	return c;
}

static struct host_buf **slot_of(struct buf_cache *c, uint64_t block)
{
	struct host_buf **p = &c->hash[block % HASH_SIZE];

	while (*p && (*p)->buf.block != block)
		p = &(*p)->next;
	return p;
}

static void free_buf(struct host_buf *b)
{
	host_free(b->buf.data);
	host_free(b);
}

void buf_cache_destroy(struct buf_cache *c)
{
	for (uint32_t i = 0; i < HASH_SIZE; i++) {
		while (c->hash[i]) {
			struct host_buf *b = c->hash[i];

			ENSURE(refcount_read(&b->buf.refs) == 1 && !b->buf.journal);
			c->hash[i] = b->next;
			free_buf(b);
		}
	}
	host_free(c);
}

/* Clean blocks that nobody holds leave memory, as they would when it is wanted. */
void buf_cache_shrink(struct buf_cache *c);
void buf_cache_shrink(struct buf_cache *c)
{
	for (uint32_t i = 0; i < HASH_SIZE; i++) {
		struct host_buf **p = &c->hash[i];

		while (*p) {
			struct host_buf *b = *p;

			if (refcount_read(&b->buf.refs) > 1 ||
			    buf_has(&b->buf, BUF_DIRTY | BUF_PINNED)) {
				p = &b->next;
				continue;
			}
			*p = b->next;
			free_buf(b);
		}
	}
}

struct buf *buf_get(struct buf_cache *c, uint64_t block)
{
	struct host_buf **p = slot_of(c, block), *b = *p;

	if (!b) {
		if (!range_within(block, 1, c->disk->size / c->block_size))
			return ERR_PTR(-EIO);
		b = host_alloc(sizeof(*b));
		b->buf.block = block;
		b->buf.size = c->block_size;
		b->buf.data = host_alloc(c->block_size);
		memset(b->buf.data, 0xa5, c->block_size);
		b->buf.cache = c;
		refcount_set(&b->buf.refs, 1);
		*p = b;
	}
	refcount_inc(&b->buf.refs);
	return &b->buf;
}

struct buf *buf_read(struct buf_cache *c, uint64_t block)
{
	struct buf *b = buf_get(c, block);
	int err;

	if (IS_ERR(b) || buf_has(b, BUF_UPTODATE))
		return b;
	err = disk_read(c->disk, block * c->block_size, b->data, c->block_size);
	if (err) {
		buf_put(b);
		return ERR_PTR(err);
	}
	b->flags |= BUF_UPTODATE;
	return b;
}

struct buf *buf_find_get(struct buf_cache *c, uint64_t block)
{
	struct host_buf *b = *slot_of(c, block);

	if (!b)
		return NULL;
	refcount_inc(&b->buf.refs);
	return &b->buf;
}

void buf_readahead(struct buf_cache *c, uint64_t block, unsigned int nr)
{
	(void)c;
	(void)block;
	(void)nr;
}

void buf_ref(struct buf *b)
{
	refcount_inc(&b->refs);
}

void buf_put(struct buf *b)
{
	ENSURE(refcount_read(&b->refs) > 1);
	(void)!refcount_dec_and_test(&b->refs);
}

void buf_lock(struct buf *b)
{
	struct host_buf *h = container_of(b, struct host_buf, buf);

	ENSURE(!h->is_held);
	h->is_held = true;
}

void buf_unlock(struct buf *b)
{
	struct host_buf *h = container_of(b, struct host_buf, buf);

	ENSURE(h->is_held);
	h->is_held = false;
}

void buf_mark_dirty(struct buf *b)
{
	b->flags |= BUF_DIRTY | BUF_UPTODATE;
}

void buf_set_uptodate(struct buf *b)
{
	b->flags |= BUF_UPTODATE;
}

void buf_pin(struct buf *b)
{
	ENSURE(!(b->flags & BUF_PINNED));
	b->flags |= BUF_PINNED;
	buf_ref(b);
}

void buf_unpin(struct buf *b)
{
	ENSURE(b->flags & BUF_PINNED);
	b->flags &= ~(uint32_t)BUF_PINNED;
	buf_put(b);
}

void buf_forget(struct buf *b)
{
	b->flags &= ~(uint32_t)(BUF_DIRTY | BUF_UPTODATE | 0xf00);
}

void buf_write_start(struct buf *b, uint32_t bio_flags)
{
	ENSURE(container_of(b, struct host_buf, buf)->is_held && !(b->flags & BUF_PINNED));
	b->flags &= ~(uint32_t)(BUF_DIRTY | BUF_ERROR);
	b->error = disk_write(b->cache->disk, b->block * b->size, b->data, b->size, bio_flags);
	if (b->error)
		b->flags |= BUF_DIRTY | BUF_ERROR;
}

int buf_write_wait(struct buf *b)
{
	int err = b->error;

	b->error = 0;
	return err;
}

int buf_cache_sync(struct buf_cache *c)
{
	int err = 0;

	for (uint32_t i = 0; i < HASH_SIZE; i++) {
		for (struct host_buf *b = c->hash[i]; b; b = b->next) {
			int e;

			if (!(b->buf.flags & BUF_DIRTY) || (b->buf.flags & BUF_PINNED))
				continue;
			buf_lock(&b->buf);
			buf_write_start(&b->buf, 0);
			buf_unlock(&b->buf);
			e = buf_write_wait(&b->buf);
			err = err ? err : e;
		}
	}
	return err;
}
