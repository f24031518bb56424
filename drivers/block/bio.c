/* SPDX-License-Identifier: MIT */
/*
 * Allocating and filling bios, and the synchronous calls on top of them.
 *
 * A writer that runs because memory is short must get its bio: a few of moderate size are kept
 * back, and who may sleep waits for one of them to come home.  Each that is in use is on its way
 * to a disk, so the wait ends.
 */
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

#define RESERVE_BIOS 32

static struct slab_cache *small_cache, *sure_cache;	/* [I] after boot: 4 and BIO_VECS_SURE */
#define SMALL_VECS 4

static struct {
	struct spinlock lock;		/* class BLOCK_QUEUE */
	struct list bios;		/* [L] of BIO_VECS_SURE */
	unsigned int nr;		/* [L] */
	struct waitq wait;
} reserve = {
	.lock = SPINLOCK_INIT(BLOCK_QUEUE), .bios = LIST_INIT(reserve.bios),
	.wait = WAITQ_INIT(reserve.wait),
};

static size_t bio_size(unsigned int vecs)
{
	return sizeof(struct bio) + vecs * sizeof(struct bio_vec);
}

static struct bio *bio_prepare(struct bio *bio, unsigned int max_vecs)
{
	memset(bio, 0, sizeof(*bio));
	bio->vecs = bio->inline_vecs;
	bio->max_vecs = max_vecs;
	list_init(&bio->node);
	return bio;
}

static struct bio *reserve_take(void)
{
	unsigned long flags = spin_lock_irqsave(&reserve.lock);
	struct bio *bio = NULL;

	if (reserve.nr) {
		bio = list_first_entry(&reserve.bios, struct bio, node);
		list_del(&bio->node);
		reserve.nr--;
	}
	spin_unlock_irqrestore(&reserve.lock, flags);
	return bio;
}

static bool reserve_give(struct bio *bio)
{
	unsigned long flags;
	bool taken = false;

	if (READ_ONCE(reserve.nr) >= RESERVE_BIOS)
		return false;
	flags = spin_lock_irqsave(&reserve.lock);
	if (reserve.nr < RESERVE_BIOS) {
		list_add(&bio->node, &reserve.bios);
		reserve.nr++;
		taken = true;
	}
	spin_unlock_irqrestore(&reserve.lock, flags);
	if (taken && waitq_is_active(&reserve.wait))
		waitq_wake(&reserve.wait, 0);
	return taken;
}

static struct bio *allocate(unsigned int max_vecs, bool may_sleep)
{
	unsigned int flags = may_sleep ? ALLOC_NO_RETRY : ALLOC_ATOMIC;

	if (max_vecs <= SMALL_VECS)
		return slab_alloc(small_cache, flags);
	if (max_vecs <= BIO_VECS_SURE)
		return slab_alloc(sure_cache, flags);
	return kmalloc(bio_size(max_vecs), flags);
}

struct bio *bio_alloc(unsigned int max_vecs)
{
	bool may_sleep = !in_atomic() && arch_irq_is_enabled();
	struct bio *bio;

	if (max_vecs > BIO_VECS_MAX)
		return NULL;
	/* The size tells bio_free() where it came from. */
	max_vecs = max_vecs <= SMALL_VECS ? SMALL_VECS : max(max_vecs, (unsigned int)BIO_VECS_SURE);
	bio = allocate(max_vecs, may_sleep);
	if (!bio && max_vecs <= BIO_VECS_SURE) {
		max_vecs = BIO_VECS_SURE;
		bio = reserve_take();
		if (!bio && may_sleep)
			wait_event(&reserve.wait, (bio = reserve_take()) != NULL);
	}
	return bio ? bio_prepare(bio, max_vecs) : NULL;
}

void bio_free(struct bio *bio)
{
	if (bio->max_vecs == SMALL_VECS)
		slab_free(small_cache, bio);
	else if (bio->max_vecs > BIO_VECS_SURE)
		kfree(bio);
	else if (!reserve_give(bio))
		slab_free(sure_cache, bio);
}

bool bio_add(struct bio *bio, struct page *page, uint32_t offset, uint32_t len)
{
	struct bio_vec *last = bio->nr_vecs ? &bio->vecs[bio->nr_vecs - 1] : NULL;

	if (last && page_to_phys(last->page).v + last->offset + last->len ==
		    page_to_phys(page).v + offset && last->len <= UINT32_MAX - len) {
		last->len += len;
	} else {
		if (bio->nr_vecs >= bio->max_vecs)
			return false;
		bio->vecs[bio->nr_vecs++] = (struct bio_vec){ page, offset, len };
	}
	bio->nr_sectors += len >> SECTOR_SHIFT;
	return true;
}

static void wake_submitter(struct bio *bio)
{
	completion_signal(bio->priv);
}

int block_submit_wait(struct bio *bio)
{
	struct completion done;

	completion_init(&done);
	bio->priv = &done;
	bio->done = wake_submitter;
	bio->flags |= BIO_SYNC;
	block_submit(bio);
	completion_wait(&done);
	return bio->status;
}

/* One transfer of at most what a bio holds; @buf lies in the direct map, four-byte aligned. */
static int transfer(struct bio *model, void *buf, size_t len)
{
	struct bio *bio = bio_alloc(1);
	int err;

	if (!bio)
		return -ENOMEM;
	bio->dev = model->dev;
	bio->op = model->op;
	bio->flags = model->flags;
	bio->sector = model->sector;
	if (len)
		(void)!bio_add(bio, virt_to_page(buf), (uint32_t)((uintptr_t)buf & ~PAGE_MASK),
			       (uint32_t)len);
	else
		bio->nr_sectors = model->nr_sectors;
	err = block_submit_wait(bio);
	bio_free(bio);
	return err;
}

/* Through a page of ours, for memory that no device can be told to use. */
static int transfer_bounced(struct bio *model, char *buf, size_t len)
{
	char *page = page_alloc_virt(0, 0);
	int err = 0;

	if (!page)
		return -ENOMEM;
	for (size_t at = 0; at < len && !err; at += PAGE_SIZE) {
		size_t n = min(len - at, (size_t)PAGE_SIZE);

		if (model->op == BIO_WRITE)
			memcpy(page, buf + at, n);
		err = transfer(model, page, n);
		if (!err && model->op == BIO_READ)
			memcpy(buf + at, page, n);
		model->sector += n >> SECTOR_SHIFT;
	}
	page_free_virt(page, 0);
	return err;
}

static int transfer_any(struct bio *model, void *buf, size_t len)
{
	if (len & (block_limits(model->dev)->logical_size - 1) || len > UINT32_MAX / 2)
		return -EINVAL;
	if (!len)
		return 0;
	if ((uintptr_t)buf & 3 || !phys_has_page(virt_to_phys(buf)) ||
	    !phys_has_page(virt_to_phys((char *)buf + len - 1)))
		return transfer_bounced(model, buf, len);
	return transfer(model, buf, len);
}

int block_read(struct block_device *dev, uint64_t sector, void *buf, size_t len)
{
	struct bio model = { .dev = dev, .op = BIO_READ, .sector = sector };

	return transfer_any(&model, buf, len);
}

int block_write(struct block_device *dev, uint64_t sector, const void *buf, size_t len,
		uint32_t flags)
{
	struct bio model = { .dev = dev, .op = BIO_WRITE, .sector = sector, .flags = flags };

	return transfer_any(&model, (void *)buf, len);
}

int block_flush(struct block_device *dev)
{
	struct bio model = { .dev = dev, .op = BIO_FLUSH };

	return transfer(&model, NULL, 0);
}

/* Discards and zeroes of any length: a bio counts its sectors in 32 bits. */
static int cover(struct bio *model, uint64_t nr_sectors)
{
	const uint32_t most = 1u << 24;
	int err = 0;

	while (nr_sectors && !err) {
		model->nr_sectors = (uint32_t)min(nr_sectors, (uint64_t)most);
		err = transfer(model, NULL, 0);
		model->sector += model->nr_sectors;
		nr_sectors -= model->nr_sectors;
	}
	return err;
}

int block_discard(struct block_device *dev, uint64_t sector, uint64_t nr_sectors)
{
	struct bio model = { .dev = dev, .op = BIO_DISCARD, .sector = sector };

	return cover(&model, nr_sectors);
}

int block_write_zeroes(struct block_device *dev, uint64_t sector, uint64_t nr_sectors)
{
	struct bio model = { .dev = dev, .op = BIO_WRITE_ZEROES, .sector = sector };

	return cover(&model, nr_sectors);
}

int bio_init_reserve(void)
{
	small_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "bio-4", .size = bio_size(SMALL_VECS) });
	sure_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "bio-16", .size = bio_size(BIO_VECS_SURE) });
	if (IS_ERR(small_cache) || IS_ERR(sure_cache))
		return -ENOMEM;
	for (unsigned int i = 0; i < RESERVE_BIOS; i++) {
		struct bio *bio = slab_alloc(sure_cache, 0);

		if (!bio)
			return -ENOMEM;
		list_add(&bio->node, &reserve.bios);
		reserve.nr++;
	}
	return 0;
}
