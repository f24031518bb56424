/* SPDX-License-Identifier: MIT */
/*
 * RAM disks.  Pages appear at the first write; what was never written reads as zeros.
 *
 * With limits.has_cache the disk plays one with a volatile cache: `live` is what reads see,
 * `medium` what a power cut leaves, `dirty` tells by sector where they differ.  rd->lock (class
 * DEVICE) is held over each request then; without a cache requests of different queues run side
 * by side.
 */
#include <drivers/disk.h>
#include <drivers/ramdisk.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/bitmap.h>
#include <lib/err.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/major.h>

#define PAGE_SECTORS (PAGE_SIZE / SECTOR_SIZE)

struct ramdisk {
	struct disk *disk;		/* [I] */
	uint64_t nr_pages;		/* [I] */
	struct page **live, **medium;	/* [A] NULL entries: zeros; medium is [L] */
	unsigned long *dirty;		/* [L] by sector; NULL without a cache */
	struct spinlock lock;		/* class DEVICE */
	struct list held;		/* [L] requests: node */
	unsigned int nr_held;		/* [L] */
	bool hold;			/* [L] */
	unsigned int fail_every, fail_ops, fail_count;	/* [A] */
	int fail_error;
	int (*filter)(struct request *rq, void *arg);	/* [I] */
	void *arg;			/* [I] */
};

static unsigned int next_number;	/* [A] of disks without a name */

static char *page_of(struct page **pages, uint64_t index)
{
	struct page *p = __atomic_load_n(&pages[index], __ATOMIC_ACQUIRE);

	return p ? page_to_virt(p) : NULL;
}

/* The same, made when missing; NULL: out of memory. */
static char *page_for_write(struct page **pages, uint64_t index, unsigned int flags)
{
	struct page *p = __atomic_load_n(&pages[index], __ATOMIC_ACQUIRE), *old = NULL;

	if (p)
		return page_to_virt(p);
	p = page_alloc(0, flags | ALLOC_ZERO);
	if (!p)
		return NULL;
	if (try_cmpxchg(&pages[index], &old, p))
		return page_to_virt(p);
	page_put(p);
	return page_to_virt(old);
}

/* One sector-aligned piece within a page; NULL @buf writes zeros.  0 or -EBUSY. */
static int move_piece(struct ramdisk *rd, struct page **pages, uint64_t at, void *buf, size_t len,
		      bool is_read)
{
	uint64_t index = at >> PAGE_SHIFT;
	size_t offset = at & ~PAGE_MASK;
	char *page = is_read || !buf ? page_of(pages, index) :
		     page_for_write(pages, index, ALLOC_ATOMIC);

	if (is_read && !page)
		memset(buf, 0, len);
	else if (is_read)
		memcpy(buf, page + offset, len);
	else if (buf && page)
		memcpy(page + offset, buf, len);
	else if (page)
		memset(page + offset, 0, len);
	else if (buf)
		return -EBUSY;		/* memory may come back */
	return 0;
}

/* [at, at + len) of the disk from or to @buf. */
static int move(struct ramdisk *rd, struct page **pages, uint64_t at, char *buf, uint64_t len,
		bool is_read)
{
	int err = 0;

	while (len && !err) {
		size_t n = min_t(uint64_t, len, PAGE_SIZE - (at & ~PAGE_MASK));

		err = move_piece(rd, pages, at, buf, n, is_read);
		at += n;
		len -= n;
		if (buf)
			buf += n;
	}
	return err;
}

static void mark_dirty(struct ramdisk *rd, const struct request *rq)
{
	if (rd->dirty)
		bitmap_set(rd->dirty, rq->sector, rq->nr_sectors);
}

/* The sector's content goes from one side to the other. */
static void copy_sector(struct page **to, struct page **from, uint64_t sector)
{
	uint64_t index = sector / PAGE_SECTORS;
	size_t offset = sector % PAGE_SECTORS * SECTOR_SIZE;
	char *src = page_of(from, index), *dst = page_of(to, index);

	if (src && dst)
		memcpy(dst + offset, src + offset, SECTOR_SIZE);
	else if (dst)
		memset(dst + offset, 0, SECTOR_SIZE);
}

static void write_back(struct ramdisk *rd, uint64_t first, uint64_t nr)
{
	uint64_t end = first + nr;

	for (uint64_t s = bitmap_find_next(rd->dirty, end, first); s < end;
	     s = bitmap_find_next(rd->dirty, end, s + 1)) {
		copy_sector(rd->medium, rd->live, s);
		bitmap_clear_bit(rd->dirty, s);
	}
}

static int serve_data(struct ramdisk *rd, struct request *rq)
{
	uint64_t at = rq->sector << SECTOR_SHIFT;
	int err = 0;

	for (uint32_t i = 0; i < rq->nr_segs && !err; i++) {
		const struct request_seg *s = &rq->segs[i];

		err = move(rd, rd->live, at, phys_to_virt(s->phys), s->len, rq->op == BIO_READ);
		at += s->len;
	}
	return err;
}

static int serve_op(struct ramdisk *rd, struct request *rq)
{
	uint64_t bytes = (uint64_t)rq->nr_sectors << SECTOR_SHIFT;

	switch (rq->op) {
	case BIO_READ:
	case BIO_WRITE:
		return serve_data(rd, rq);
	case BIO_DISCARD:
	case BIO_WRITE_ZEROES:
		return move(rd, rd->live, rq->sector << SECTOR_SHIFT, NULL, bytes, false);
	case BIO_FLUSH:
		return 0;
	}
	return -EOPNOTSUPP;
}

static int serve_cached_locked(struct ramdisk *rd, struct request *rq)
{
	int err = serve_op(rd, rq);

	if (err || rq->op == BIO_READ)
		return err;
	if (rq->op == BIO_FLUSH) {
		write_back(rd, 0, rd->nr_pages * PAGE_SECTORS);
		return 0;
	}
	mark_dirty(rd, rq);
	if (rq->flags & BIO_FUA)
		write_back(rd, rq->sector, rq->nr_sectors);
	return 0;
}

static int injected(struct ramdisk *rd, struct request *rq)
{
	unsigned int every = READ_ONCE(rd->fail_every);
	int err = rd->filter ? rd->filter(rq, rd->arg) : 0;

	if (err || !every || !(READ_ONCE(rd->fail_ops) & 1u << rq->op))
		return err;
	if (__atomic_add_fetch(&rd->fail_count, 1, __ATOMIC_RELAXED) % every == 0)
		return READ_ONCE(rd->fail_error);
	return 0;
}

static int serve(struct ramdisk *rd, struct request *rq)
{
	unsigned long flags;
	int err;

	if (!rd->dirty)
		return serve_op(rd, rq);
	flags = spin_lock_irqsave(&rd->lock);
	err = serve_cached_locked(rd, rq);
	spin_unlock_irqrestore(&rd->lock, flags);
	return err;
}

static bool keep(struct ramdisk *rd, struct request *rq)
{
	unsigned long flags;
	bool kept;

	if (!READ_ONCE(rd->hold))
		return false;
	flags = spin_lock_irqsave(&rd->lock);
	kept = rd->hold;
	if (kept) {
		list_add_tail(&rq->node, &rd->held);
		rd->nr_held++;
	}
	spin_unlock_irqrestore(&rd->lock, flags);
	return kept;
}

static int ramdisk_queue_request(struct request *rq)
{
	struct ramdisk *rd = rq->queue->disk->priv;
	int err;

	if (keep(rd, rq))
		return 0;
	err = injected(rd, rq);
	err = err ? err : serve(rd, rq);
	if (err != -EBUSY)
		block_request_done(rq, err);
	return err == -EBUSY ? err : 0;
}

static struct request *take_held(struct ramdisk *rd, struct request *wanted)
{
	unsigned long flags = spin_lock_irqsave(&rd->lock);
	struct request *rq, *found = NULL;

	list_for_each_entry(rq, &rd->held, node)
		if (!wanted || rq == wanted) {
			found = rq;
			list_del(&rq->node);
			rd->nr_held--;
			break;
		}
	spin_unlock_irqrestore(&rd->lock, flags);
	return found;
}

static void ramdisk_timeout(struct request *rq)
{
	struct ramdisk *rd = rq->queue->disk->priv;

	if (take_held(rd, rq))
		block_request_done(rq, -ETIMEDOUT);
}

static void ramdisk_stop(struct disk *d)
{
	struct ramdisk *rd = d->priv;

	while (take_held(rd, NULL))
		;			/* the block layer ends them */
}

static void free_pages(struct ramdisk *rd, struct page **pages)
{
	for (uint64_t i = 0; pages && i < rd->nr_pages; i++)
		if (pages[i])
			page_put(pages[i]);
	kvfree(pages);
}

static void ramdisk_free(struct ramdisk *rd)
{
	free_pages(rd, rd->live);
	free_pages(rd, rd->medium);
	kvfree(rd->dirty);
	kfree(rd);
}

static void ramdisk_release(struct disk *d)
{
	ramdisk_free(d->priv);
}

static const struct disk_ops ramdisk_ops = {
	.queue_request	= ramdisk_queue_request,
	.stop		= ramdisk_stop,
	.release	= ramdisk_release,
};

static const struct disk_ops ramdisk_timed_ops = {
	.queue_request	= ramdisk_queue_request,
	.timeout	= ramdisk_timeout,
	.stop		= ramdisk_stop,
	.release	= ramdisk_release,
};

static int fill(struct ramdisk *rd, struct page **pages)
{
	for (uint64_t i = 0; i < rd->nr_pages; i++)
		if (!page_for_write(pages, i, ALLOC_NO_RETRY))
			return -ENOMEM;
	return 0;
}

static int ramdisk_allocate(struct ramdisk *rd, const struct ramdisk_args *a)
{
	size_t table = rd->nr_pages * sizeof(struct page *);
	int err;

	rd->live = kvmalloc(table, ALLOC_ZERO);
	if (!rd->live)
		return -ENOMEM;
	err = a->preallocate || a->limits.has_cache ? fill(rd, rd->live) : 0;
	if (err || !a->limits.has_cache)
		return err;
	rd->medium = kvmalloc(table, ALLOC_ZERO);
	rd->dirty = kvmalloc(BITMAP_BYTES(rd->nr_pages * PAGE_SECTORS), ALLOC_ZERO);
	return rd->medium && rd->dirty ? fill(rd, rd->medium) : -ENOMEM;
}

static struct disk *make_disk(struct ramdisk *rd, const struct ramdisk_args *a)
{
	unsigned int number = __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
	struct disk_args args = {
		.name = a->name, .ops = a->timeout_ns ? &ramdisk_timed_ops : &ramdisk_ops,
		.priv = rd, .limits = a->limits, .nr_sectors = a->nr_sectors,
		.nr_queues = a->nr_queues, .queue_depth = a->queue_depth ? a->queue_depth : 4,
		.major = RAMDISK_MAJOR, .first_minor = number, .minors = 1,
		.timeout_ns = a->timeout_ns,
	};
	char name[24];

	if (!args.name) {
		snprintf(name, sizeof(name), "ram%u", number);
		args.name = name;
	}
	if (!args.limits.max_segments)
		args.limits.max_segments = 128;
	if (!args.limits.physical_size)
		args.limits.physical_size = PAGE_SIZE;
	if (!args.limits.max_discard_sectors && !a->no_offload)
		args.limits.max_discard_sectors = 1u << 16;
	if (!args.limits.max_zeroes_sectors && !a->no_offload)
		args.limits.max_zeroes_sectors = 1u << 16;
	return disk_create(&args);
}

struct ramdisk *ramdisk_create(const struct ramdisk_args *a)
{
	struct ramdisk *rd = kzalloc(sizeof(*rd), 0);
	int err;

	if (!rd)
		return ERR_PTR(-ENOMEM);
	spinlock_init(&rd->lock, DEVICE);
	list_init(&rd->held);
	rd->filter = a->filter;
	rd->arg = a->arg;
	rd->nr_pages = DIV_ROUND_UP(a->nr_sectors, PAGE_SECTORS);
	err = ramdisk_allocate(rd, a);
	rd->disk = err ? ERR_PTR(err) : make_disk(rd, a);
	if (IS_ERR(rd->disk)) {
		err = (int)PTR_ERR(rd->disk);
		ramdisk_free(rd);
		return ERR_PTR(err);
	}
	err = disk_register(rd->disk);
	if (err) {
		disk_remove(rd->disk);
		return ERR_PTR(err);
	}
	return rd;
}

void ramdisk_destroy(struct ramdisk *rd)
{
	disk_remove(rd->disk);
}

struct block_device *ramdisk_device(struct ramdisk *rd)
{
	return rd->disk->whole;
}

void ramdisk_fail_every(struct ramdisk *rd, unsigned int n, unsigned int ops, int error)
{
	WRITE_ONCE(rd->fail_error, error);
	WRITE_ONCE(rd->fail_ops, ops);
	WRITE_ONCE(rd->fail_count, 0);
	WRITE_ONCE(rd->fail_every, n);
}

static void set_hold(struct ramdisk *rd, bool hold)
{
	unsigned long flags = spin_lock_irqsave(&rd->lock);

	rd->hold = hold;
	spin_unlock_irqrestore(&rd->lock, flags);
}

void ramdisk_hold(struct ramdisk *rd)
{
	set_hold(rd, true);
}

void ramdisk_resume(struct ramdisk *rd)
{
	struct request *rq;

	set_hold(rd, false);
	while ((rq = take_held(rd, NULL))) {
		int err = injected(rd, rq);

		err = err ? err : serve(rd, rq);
		block_request_done(rq, err == -EBUSY ? -ENOSPC : err);
	}
}

unsigned int ramdisk_nr_held(struct ramdisk *rd)
{
	return READ_ONCE(rd->nr_held);
}

static bool coin(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	return (z ^ z >> 27) >> 40 & 1;
}

void ramdisk_power_cut(struct ramdisk *rd, uint64_t seed)
{
	uint64_t nr = rd->nr_pages * PAGE_SECTORS, s;
	unsigned long flags;

	if (!rd->dirty)
		return;
	flags = spin_lock_irqsave(&rd->lock);
	for_each_set_bit(s, rd->dirty, nr) {
		if (seed && coin(&seed))
			copy_sector(rd->medium, rd->live, s);
		else
			copy_sector(rd->live, rd->medium, s);
		bitmap_clear_bit(rd->dirty, s);
	}
	spin_unlock_irqrestore(&rd->lock, flags);
}

/* ramdisk.size=, ramdisk.count= */
static int ramdisk_boot(void)
{
	const char *size_text = boot_arg("ramdisk.size"), *count_text = boot_arg("ramdisk.count");
	uint64_t size;
	uint32_t count = 1;

	if (!size_text)
		return 0;
	if (parse_size(size_text, &size) || size < PAGE_SIZE ||
	    (count_text && parse_u32(count_text, 10, &count))) {
		log_err("ramdisk: ramdisk.size=%s is not understood", size_text);
		return 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct ramdisk *rd = ramdisk_create(&(struct ramdisk_args){
			.nr_sectors = align_down(size, PAGE_SIZE) >> SECTOR_SHIFT });

		if (IS_ERR(rd))
			return (int)PTR_ERR(rd);
	}
	return 0;
}
INITCALL(INIT_DRIVER, ramdisk_boot);
