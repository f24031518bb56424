/* SPDX-License-Identifier: MIT */
/*
 * A disk's life: made, registered, removed, freed with its last holder.
 *
 *	NEW -> LIVE -> GONE, NEW -> GONE
 *
 * References: the driver holds one, and each block_device (the whole and the partitions) one.
 */
#include <drivers/device.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

#define DEPTH_DEFAULT	64
#define TIMEOUT_DEFAULT	(30 * NSEC_PER_SEC)

void disk_letter_name(char *buf, size_t size, const char *prefix, unsigned int index)
{
	char letters[8];
	size_t at = sizeof(letters) - 1;

	letters[at] = '\0';
	/* a ... z, aa ... zz: each digit but the last counts from one */
	for (unsigned int n = index + 1; n && at; n = (n - 1) / 26)
		letters[--at] = (char)('a' + (n - 1) % 26);
	snprintf(buf, size, "%s%s", prefix, letters + at);
}

unsigned int disk_free_index(const char *prefix, char *buf, size_t size)
{
	for (unsigned int i = 0;; i++) {
		struct block_device *dev;

		disk_letter_name(buf, size, prefix, i);
		dev = block_find_get_by_name(buf);
		if (!dev)
			return i;
		block_put(dev);
	}
}

/* Unset limits get their defaults; all become multiples of a block.  -EINVAL. */
static int limits_normalise(struct block_limits *lim)
{
	uint32_t block = lim->logical_size ? lim->logical_size : SECTOR_SIZE;
	uint32_t block_sectors = block >> SECTOR_SHIFT;

	if (block < SECTOR_SIZE || block > PAGE_SIZE || block & (block - 1))
		return -EINVAL;
	lim->logical_size = block;
	lim->physical_size = max(lim->physical_size, block);
	if (!lim->max_sectors)
		lim->max_sectors = 1024;
	lim->max_sectors = align_down(lim->max_sectors, block_sectors);
	lim->max_discard_sectors = align_down(lim->max_discard_sectors, block_sectors);
	lim->max_zeroes_sectors = align_down(lim->max_zeroes_sectors, block_sectors);
	if (!lim->max_segments)
		lim->max_segments = 1;
	if (!lim->max_segment_size)
		lim->max_segment_size = 1u << 30;
	lim->max_segment_size = align_down(lim->max_segment_size, block);
	return lim->max_sectors && lim->max_segment_size ? 0 : -EINVAL;
}

static void disk_free(struct disk *d)
{
	for (unsigned int i = 0; i < d->nr_queues; i++)
		queue_destroy(&d->queues[i]);
	if (d->flush)
		flush_destroy(d);
	if (d->ops->release)
		d->ops->release(d);
	if (d->dma_dev)
		device_put(d->dma_dev);
	kfree(d);
}

void disk_put(struct disk *d)
{
	if (refcount_dec_and_test(&d->refs))
		disk_free(d);
}

static int disk_fill(struct disk *d, const struct disk_args *a)
{
	int err = limits_normalise(&d->limits);

	for (unsigned int i = 0; i < d->nr_queues && !err; i++)
		err = queue_create(&d->queues[i], d, i, a->request_size);
	if (err)
		return err;
	d->whole = device_alloc(d, a->name, 0);
	if (!d->whole)
		return -ENOMEM;
	d->whole->dev = DEV_MAKE(a->major, a->first_minor);
	d->whole->nr_sectors = a->nr_sectors;
	return flush_create(d);
}

struct disk *disk_create(const struct disk_args *a)
{
	unsigned int nr = a->nr_queues ? a->nr_queues : nr_cpus;
	struct disk *d = kzalloc(sizeof(*d) + nr * sizeof(d->queues[0]), 0);
	int err;

	if (!d)
		return ERR_PTR(-ENOMEM);
	d->ops = a->ops;
	d->priv = a->priv;
	d->dma_dev = a->dma_dev;
	if (d->dma_dev)
		device_ref(d->dma_dev);
	d->limits = a->limits;
	d->nr_queues = nr;
	d->queue_depth = a->queue_depth ? a->queue_depth : DEPTH_DEFAULT;
	d->minors = max(a->minors, 1u);
	d->timeout_ns = a->timeout_ns ? a->timeout_ns : TIMEOUT_DEFAULT;
	if (a->serial)
		str_copy_cut(d->serial, a->serial, sizeof(d->serial));
	list_init(&d->parts);
	list_init(&d->timeout_node);
	waitq_init(&d->idle);
	refcount_set(&d->refs, 1);
	err = disk_fill(d, a);
	if (!err)
		return d;
	/* The driver keeps what it gave. */
	d->ops = &(const struct disk_ops){ 0 };
	if (d->whole)
		block_put(d->whole);
	disk_put(d);
	return ERR_PTR(err);
}

static void announce(const struct disk *d)
{
	const struct block_limits *lim = &d->limits;

	log_info("%s: %llu sectors of %u bytes, %u queue%s of %u%s%s%s", d->whole->name,
		 (unsigned long long)(d->whole->nr_sectors / (lim->logical_size >> SECTOR_SHIFT)),
		 lim->logical_size, d->nr_queues, d->nr_queues > 1 ? "s" : "", d->queue_depth,
		 lim->has_cache ? ", write cache" : "", lim->has_fua ? ", FUA" : "",
		 lim->is_read_only ? ", read-only" : "");
}

int disk_register(struct disk *d)
{
	uint32_t state = DISK_NEW;
	int err;

	mutex_lock(&block_setup_lock);
	if (!d->whole->dev)
		d->whole->dev = ext_number_next();
	err = try_cmpxchg(&d->state, &state, DISK_LIVE) ? registry_add(d->whole) : -ENODEV;
	if (!err) {
		announce(d);
		partitions_scan(d);
	} else if (state == DISK_NEW) {
		__atomic_store_n(&d->state, DISK_NEW, __ATOMIC_RELEASE);
	}
	mutex_unlock(&block_setup_lock);
	return err;
}

static bool disk_is_idle(struct disk *d)
{
	for (unsigned int i = 0; i < d->nr_queues; i++)
		if (!queue_is_idle(&d->queues[i]))
			return false;
	return true;
}

/* False: somebody did it before. */
static bool end_all_io(struct disk *d)
{
	if (__atomic_exchange_n(&d->state, DISK_GONE, __ATOMIC_ACQ_REL) == DISK_GONE)
		return false;
	disk_quiesce(d);
	for (unsigned int i = 0; i < d->nr_queues; i++)
		queue_fail_waiting(&d->queues[i], -ENODEV);
	if (d->ops->stop)
		d->ops->stop(d);
	timeout_sync(d);
	disk_fail_started(d, -ENODEV);
	/* What a resetting driver put back meanwhile. */
	for (unsigned int i = 0; i < d->nr_queues; i++)
		queue_fail_waiting(&d->queues[i], -ENODEV);
	return true;
}

void disk_fail(struct disk *d)
{
	if (end_all_io(d))
		log_err("%s: the device is dead", d->whole->name);
}

void disk_stop(struct disk *d)
{
	end_all_io(d);
	timeout_sync(d);
	wait_event(&d->idle, disk_is_idle(d));
}

void disk_remove(struct disk *d)
{
	disk_stop(d);
	mutex_lock(&block_setup_lock);
	partitions_remove_all(d);
	registry_remove(d->whole);
	mutex_unlock(&block_setup_lock);
	for (unsigned int i = 0; i < d->nr_queues; i++)
		timer_cancel(&d->queues[i].retry);
	block_put(d->whole);
	disk_put(d);
}

void disk_resize(struct disk *d, uint64_t nr_sectors)
{
	if (nr_sectors != d->whole->nr_sectors)
		log_info("%s: now %llu sectors", d->whole->name, (unsigned long long)nr_sectors);
	__atomic_store_n(&d->whole->nr_sectors, nr_sectors, __ATOMIC_RELAXED);
}
