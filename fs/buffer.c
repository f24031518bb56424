/* SPDX-License-Identifier: MIT */
/*
 * Metadata buffers over the page cache of a device.  What they are: <fs/bdev.h>.
 *
 * B1 a buffer is in the map of its cache while it exists; refs go from 0 to 1 and from 1 to 0 under
 *    the cache's lock alone, so who finds one in the map may have it;
 * B2 its page is held and counts as up to date for readers of the device from the moment the buffer
 *    exists.  Where a block is a whole page the buffer may come before the content (buf_get() of a
 *    block that will be overwritten): the page shows zeros then, and if nobody fills the buffer,
 *    the last buf_put() takes both away.  Smaller blocks always have their content, because the
 *    page is read as a whole;
 * B3 a buffer is on the list of dirty ones exactly while it is BUF_DIRTY and not BUF_PINNED, and on
 *    the LRU list exactly while nobody refers to it and it may be dropped some day;
 * B4 a transfer holds no reference: BUF_WRITING keeps the buffer, in_flight keeps the cache.
 */
#include <fs/bdev.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/map.h>
#include <lib/minmax.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/memobj.h>
#include <mm/slab.h>

#include "buffer.h"
#include "writeback.h"

#define FLUSH_BATCH	64u

struct buf_cache {
	struct block_device *dev;	/* [I] the opener's */
	struct memobj *mapping;		/* [I] of dev; lives as long as dev is open */
	struct writeback *writeback;	/* [I] */
	uint32_t block_size, shift;	/* [I] */
	uint32_t max_dirty;		/* [I] more wake the flusher */
	struct spinlock lock;		/* class BUF_CACHE */
	struct map bufs;		/* [L] by block */
	struct list lru;		/* [L] the longest unused first */
	struct list dirty;		/* [L] in order of dirtied_ns */
	uint32_t nr_dirty;		/* [L] on that list */
	struct waitq waitq;		/* ends of transfers; its lock guards in_flight */
	uint32_t in_flight;		/* [R] waitq.lock: B4 */
	int error;			/* [A] the first failed write since the last sync */
	struct list writeback_node;	/* the flusher's */
	struct list node;		/* [R] caches_lock */
};

static struct slab_cache *buf_slab, *node_slab;
static struct spinlock caches_lock = SPINLOCK_INIT(CACHES);
static LIST_HEAD(caches);		/* [R] caches_lock */

static struct map_node *node_alloc(struct map *m)
{
	return slab_alloc(node_slab, ALLOC_ATOMIC);
}

static void node_free(struct map *m, struct map_node *n)
{
	slab_free(node_slab, n);
}

static const struct map_ops buf_map_ops = { .node_alloc = node_alloc, .node_free = node_free };

struct list *buf_cache_node(struct buf_cache *c)
{
	return &c->writeback_node;
}

struct buf_cache *buf_cache_of(struct list *node)
{
	return container_of(node, struct buf_cache, writeback_node);
}

/* Life of a buffer. */

static void ref_locked(struct buf *b)
{
	if (refcount_read(&b->refs)) {
		refcount_inc(&b->refs);
		return;
	}
	refcount_set(&b->refs, 1);
	list_del_init(&b->lru_node);
}

static struct buf *find_locked(struct buf_cache *c, uint64_t block)
{
	struct buf *b = map_load(&c->bufs, block);

	if (b)
		ref_locked(b);
	return b;
}

struct buf *buf_find_get(struct buf_cache *c, uint64_t block)
{
	struct buf *b;

	spin_lock(&c->lock);
	b = find_locked(c, block);
	spin_unlock(&c->lock);
	return b;
}

static void buf_free(struct buf *b)
{
	page_put(b->page);
	slab_free(buf_slab, b);
}

static struct buf *buf_alloc(struct buf_cache *c, uint64_t block, struct page *p)
{
	struct buf *b = slab_alloc(buf_slab, 0);

	if (!b)
		return NULL;
	*b = (struct buf){
		.block = block, .size = c->block_size, .cache = c, .page = p,
		.data = (char *)page_to_virt(p) + ((block << c->shift) & ~PAGE_MASK),
	};
	refcount_set(&b->refs, 1);
	mutex_init(&b->lock, BUF);
	list_init(&b->journal_node);
	list_init(&b->lru_node);
	list_init(&b->dirty_node);
	return b;
}

/*
 * A buffer on the locked page @p, whose reference it takes over; or the one that somebody else has
 * just made.  Error pointer: @p is put.
 */
static struct buf *buf_insert(struct buf_cache *c, uint64_t block, struct page *p)
{
	struct buf *b = buf_alloc(c, block, p), *other = NULL;
	int err = -ENOMEM;

	if (b) {
		if (page_has(p, PAGE_UPTODATE))
			b->flags = BUF_UPTODATE;
		spin_lock(&c->lock);
		err = map_insert(&c->bufs, block, b);
		if (err == -EEXIST)
			other = find_locked(c, block);
		spin_unlock(&c->lock);
	}
	if (!err) {
		if (!page_has(p, PAGE_UPTODATE)) {
			memset(page_to_virt(p), 0, PAGE_SIZE);
			page_set_flags(p, PAGE_UPTODATE);	/* B2 */
		}
		return b;
	}
	if (b)
		slab_free(buf_slab, b);
	page_put(p);
	return other ? other : ERR_PTR(err);
}

static struct buf *buf_create(struct buf_cache *c, uint64_t block, bool with_content)
{
	uint64_t index = (block << c->shift) >> PAGE_SHIFT;
	struct page *p;
	struct buf *b;

	if (block >= READ_ONCE(c->mapping->size) >> c->shift)
		return ERR_PTR(-EIO);
	do {
		if (with_content || c->block_size < PAGE_SIZE) {
			p = memobj_get_page(c->mapping, index);
			if (!IS_ERR(p))
				page_lock(p);
		} else {
			p = memobj_get_page_overwrite(c->mapping, index);
		}
		if (IS_ERR(p))
			return ERR_CAST(p);
		b = NULL;
		/* It may have been dropped, or become invalid, before it was locked. */
		if (READ_ONCE(p->cache.object) == c->mapping &&
		    (page_has(p, PAGE_UPTODATE) ||
		     (!with_content && c->block_size == PAGE_SIZE))) {
			page_ref(p);
			b = buf_insert(c, block, p);
		}
		page_unlock(p);
		page_put(p);
	} while (!b);
	return b;
}

struct buf *buf_get(struct buf_cache *c, uint64_t block)
{
	struct buf *b = buf_find_get(c, block);

	return b ? b : buf_create(c, block, false);
}

void buf_ref(struct buf *b)
{
	refcount_inc(&b->refs);
}

/*
 * Nobody ever filled @b (B2): the page goes back to not being up to date.  No new buffer can be
 * made on it meanwhile, because that takes the page's lock.
 */
static void drop_empty(struct buf_cache *c, struct buf *b, struct page *p)
{
	bool gone = false;

	page_lock(p);
	spin_lock(&c->lock);
	/* @b itself may be gone already; what the map has now tells. */
	if (map_load(&c->bufs, (p->cache.index << PAGE_SHIFT) >> c->shift) == b &&
	    !refcount_read(&b->refs) && !buf_has(b, BUF_UPTODATE | BUF_DIRTY | BUF_PINNED)) {
		map_erase(&c->bufs, b->block);
		list_del_init(&b->lru_node);
		gone = true;
	}
	spin_unlock(&c->lock);
	if (gone) {
		page_clear_flags(p, PAGE_UPTODATE);
		buf_free(b);
	}
	page_unlock(p);
	page_put(p);
}

void buf_put(struct buf *b)
{
	struct buf_cache *c = b->cache;
	struct page *empty = NULL;
	bool is_last;

	if (refcount_dec_not_one(&b->refs))
		return;
	if (!buf_has(b, BUF_UPTODATE | BUF_DIRTY | BUF_PINNED)) {
		empty = b->page;
		page_ref(empty);
	}
	spin_lock(&c->lock);
	is_last = refcount_dec_and_test(&b->refs);
	if (is_last)
		list_add_tail(&b->lru_node, &c->lru);
	spin_unlock(&c->lock);
	if (empty && is_last)
		drop_empty(c, b, empty);
	else if (empty)
		page_put(empty);
}

/* Content. */

static int read_block(struct buf *b)
{
	struct buf_cache *c = b->cache;
	struct bio *bio = bio_alloc(1);
	int err;

	if (!bio)
		return -ENOMEM;
	bio->dev = c->dev;
	bio->op = BIO_READ;
	bio->flags = BIO_SYNC | BIO_META;
	bio->sector = b->block << (c->shift - SECTOR_SHIFT);
	(void)!bio_add(bio, b->page, (uint32_t)((uintptr_t)b->data & ~PAGE_MASK), b->size);
	err = block_submit_wait(bio);
	bio_free(bio);
	return err;
}

struct buf *buf_read(struct buf_cache *c, uint64_t block)
{
	struct buf *b = buf_find_get(c, block);
	int err = 0;

	if (!b)
		b = buf_create(c, block, true);
	if (IS_ERR(b) || likely(buf_has(b, BUF_UPTODATE)))
		return b;
	buf_lock(b);
	if (!buf_has(b, BUF_UPTODATE)) {
		err = read_block(b);
		if (!err)
			buf_set_flags(b, BUF_UPTODATE);
	}
	buf_unlock(b);
	if (!err)
		return b;
	buf_put(b);
	return ERR_PTR(err);
}

void buf_readahead(struct buf_cache *c, uint64_t block, unsigned int nr)
{
	uint64_t first = (block << c->shift) >> PAGE_SHIFT,
		 last = ((block + nr) << c->shift) - 1;

	if (nr)
		c->mapping->ops->readahead(c->mapping, first,
					   (unsigned int)((last >> PAGE_SHIFT) - first + 1));
}

void buf_lock(struct buf *b)
{
	mutex_lock(&b->lock);
	if (unlikely(buf_has(b, BUF_WRITING)))
		wait_event(&b->cache->waitq, !buf_has(b, BUF_WRITING));
}

void buf_unlock(struct buf *b)
{
	mutex_unlock(&b->lock);
}

void buf_set_uptodate(struct buf *b)
{
	buf_set_flags(b, BUF_UPTODATE);
}

/* Dirty ones. */

static void list_dirty_locked(struct buf_cache *c, struct buf *b)
{
	b->dirtied_ns = clock_ns();
	list_add_tail(&b->dirty_node, &c->dirty);
	c->nr_dirty++;
}

static void unlist_dirty_locked(struct buf_cache *c, struct buf *b)
{
	if (list_empty(&b->dirty_node))
		return;
	list_del_init(&b->dirty_node);
	c->nr_dirty--;
}

void buf_mark_dirty(struct buf *b)
{
	struct buf_cache *c = b->cache;
	bool too_many;

	buf_set_flags(b, BUF_UPTODATE);
	spin_lock(&c->lock);
	buf_set_flags(b, BUF_DIRTY);
	if (!buf_has(b, BUF_PINNED) && list_empty(&b->dirty_node))
		list_dirty_locked(c, b);
	too_many = c->nr_dirty > c->max_dirty;
	spin_unlock(&c->lock);
	if (too_many)
		writeback_kick(c->writeback);
	else
		writeback_wake(c->writeback);
}

void buf_pin(struct buf *b)
{
	struct buf_cache *c = b->cache;

	spin_lock(&c->lock);
	buf_set_flags(b, BUF_PINNED);
	refcount_inc(&b->refs);
	unlist_dirty_locked(c, b);
	spin_unlock(&c->lock);
}

void buf_unpin(struct buf *b)
{
	struct buf_cache *c = b->cache;

	spin_lock(&c->lock);
	buf_clear_flags(b, BUF_PINNED);
	if (buf_has(b, BUF_DIRTY) && list_empty(&b->dirty_node))
		list_dirty_locked(c, b);
	spin_unlock(&c->lock);
	writeback_wake(c->writeback);
	buf_put(b);
}

void buf_forget(struct buf *b)
{
	struct buf_cache *c = b->cache;

	spin_lock(&c->lock);
	buf_clear_flags(b, BUF_DIRTY | BUF_ERROR);
	unlist_dirty_locked(c, b);
	spin_unlock(&c->lock);
}

/* Transfers. */

static void write_done(struct bio *bio)
{
	struct buf *b = bio->priv;
	struct buf_cache *c = b->cache;
	struct waitq_entry *e, *next;
	unsigned long flags;

	b->error = bio->status;
	if (bio->status) {
		buf_set_flags(b, BUF_ERROR);
		cmpxchg(&c->error, 0, bio->status);
	}
	bio_free(bio);
	flags = spin_lock_irqsave(&c->waitq.lock);
	buf_clear_flags(b, BUF_WRITING);
	c->in_flight--;
	list_for_each_entry_safe(e, next, &c->waitq.entries, node)
		e->wake(e, 0);
	spin_unlock_irqrestore(&c->waitq.lock, flags);
}

void buf_write_start(struct buf *b, uint32_t bio_flags)
{
	struct buf_cache *c = b->cache;
	struct bio *bio = bio_alloc(1);
	unsigned long flags;

	ENSURE(mutex_is_locked(&b->lock) && bio);
	spin_lock(&c->lock);
	buf_clear_flags(b, BUF_DIRTY | BUF_ERROR);
	unlist_dirty_locked(c, b);
	spin_unlock(&c->lock);
	flags = spin_lock_irqsave(&c->waitq.lock);
	c->in_flight++;
	buf_set_flags(b, BUF_WRITING);
	spin_unlock_irqrestore(&c->waitq.lock, flags);
	bio->dev = c->dev;
	bio->op = BIO_WRITE;
	bio->flags = bio_flags | BIO_META;
	bio->sector = b->block << (c->shift - SECTOR_SHIFT);
	bio->done = write_done;
	bio->priv = b;
	(void)!bio_add(bio, b->page, (uint32_t)((uintptr_t)b->data & ~PAGE_MASK), b->size);
	block_submit(bio);
}

int buf_write_wait(struct buf *b)
{
	wait_event(&b->cache->waitq, !buf_has(b, BUF_WRITING));
	return buf_has(b, BUF_ERROR) ? READ_ONCE(b->error) : 0;
}

bool buf_cache_is_dirty(struct buf_cache *c)
{
	return !list_empty(&c->dirty);
}

static int by_block(const void *a, const void *b, void *arg)
{
	const struct buf *x = *(struct buf *const *)a, *y = *(struct buf *const *)b;

	return x->block < y->block ? -1 : x->block > y->block;
}

/* References to the first dirty buffers; they stay on the list, at its end. */
static unsigned int take_dirty(struct buf_cache *c, int64_t before, int64_t now,
			       struct buf **batch)
{
	unsigned int nr = 0;
	struct buf *b;

	spin_lock(&c->lock);
	while (nr < FLUSH_BATCH && !list_empty(&c->dirty)) {
		b = list_first_entry(&c->dirty, struct buf, dirty_node);
		if (b->dirtied_ns > before || b->dirtied_ns >= now)
			break;
		ref_locked(b);
		b->dirtied_ns = now;	/* if it cannot be written it does not hold up the others */
		list_move_tail(&b->dirty_node, &c->dirty);
		batch[nr++] = b;
	}
	spin_unlock(&c->lock);
	return nr;
}

void buf_cache_flush(struct buf_cache *c, int64_t before)
{
	struct buf *batch[FLUSH_BATCH];
	int64_t now = clock_ns() + 1;
	struct block_plug plug;
	unsigned int nr;

	while ((nr = take_dirty(c, before, now, batch))) {
		sort(batch, nr, sizeof(batch[0]), by_block, NULL);
		block_plug_start(&plug);
		for (unsigned int i = 0; i < nr; i++) {
			buf_lock(batch[i]);
			if (buf_has(batch[i], BUF_DIRTY) && !buf_has(batch[i], BUF_PINNED))
				buf_write_start(batch[i], 0);
			buf_unlock(batch[i]);
			buf_put(batch[i]);
		}
		block_plug_finish(&plug);
	}
}

static void wait_all(struct buf_cache *c)
{
	unsigned long flags;

	wait_event(&c->waitq, !READ_ONCE(c->in_flight));
	/* The last one's end may still be waking us. */
	flags = spin_lock_irqsave(&c->waitq.lock);
	spin_unlock_irqrestore(&c->waitq.lock, flags);
}

int buf_cache_sync(struct buf_cache *c)
{
	buf_cache_flush(c, INT64_MAX);
	wait_all(c);
	return xchg(&c->error, 0);
}

/* Caches. */

struct buf_cache *buf_cache_create(struct block_device *dev, uint32_t block_size)
{
	struct buf_cache *c = kzalloc(sizeof(*c), 0);
	struct page_stats s;

	if (!c)
		return NULL;
	page_stats(&s);
	c->dev = dev;
	c->mapping = bdev_mapping(dev);
	c->writeback = bdev_writeback(dev);
	c->block_size = block_size;
	c->shift = ilog2(block_size);
	c->max_dirty = (uint32_t)(s.total / 16);
	spinlock_init(&c->lock, BUF_CACHE);
	map_init(&c->bufs, &buf_map_ops);
	list_init(&c->lru);
	list_init(&c->dirty);
	waitq_init(&c->waitq);
	list_init(&c->writeback_node);
	writeback_attach_buffers(c->writeback, c);
	spin_lock(&caches_lock);
	list_add_tail(&c->node, &caches);
	spin_unlock(&caches_lock);
	return c;
}

static void drop_left(void *arg, uint64_t block, void *entry)
{
	buf_free(entry);
}

void buf_cache_destroy(struct buf_cache *c)
{
	spin_lock(&caches_lock);
	list_del(&c->node);
	spin_unlock(&caches_lock);
	writeback_detach_buffers(c->writeback, c);
	wait_all(c);
	map_clear(&c->bufs, drop_left, NULL);
	kfree(c);
}

/* Up to @want buffers that nobody needs; those written in vain stay. */
static uint64_t cache_shrink_locked(struct buf_cache *c, uint64_t want)
{
	uint64_t scan = 4 * want, freed = 0;
	struct buf *b, *next;

	list_for_each_entry_safe(b, next, &c->lru, lru_node) {
		if (!scan-- || freed == want)
			break;
		if (buf_has(b, BUF_DIRTY | BUF_PINNED | BUF_WRITING | BUF_ERROR) ||
		    !buf_has(b, BUF_UPTODATE) || mutex_is_locked(&b->lock))
			continue;
		map_erase(&c->bufs, b->block);
		list_del(&b->lru_node);
		buf_free(b);
		freed++;
	}
	return freed;
}

static uint64_t bufs_shrink(struct reclaimer *r, uint64_t want, bool may_sleep)
{
	uint64_t freed = 0;
	struct buf_cache *c;

	spin_lock(&caches_lock);
	list_for_each_entry(c, &caches, node) {
		spin_lock(&c->lock);
		freed += cache_shrink_locked(c, max(want, 64ULL));
		spin_unlock(&c->lock);
	}
	spin_unlock(&caches_lock);
	return freed / 2;		/* their pages are the page cache's to give back */
}

static struct reclaimer buf_reclaimer = { .name = "buffers", .shrink = bufs_shrink };

static int buffers_init(void)
{
	buf_slab = slab_cache_create(&(struct slab_cache_args){
		.name = "buf", .size = sizeof(struct buf) });
	node_slab = slab_cache_create(&(struct slab_cache_args){
		.name = "buf_node", .size = sizeof(struct map_node) });
	if (IS_ERR(buf_slab) || IS_ERR(node_slab))
		panic("fs: no memory for buffers");
	reclaim_register(&buf_reclaimer);
	return 0;
}
INITCALL(INIT_CORE, buffers_init);
