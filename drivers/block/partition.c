/* SPDX-License-Identifier: MIT */
/*
 * Partitions as devices: what the parsers find becomes block devices, and the other way round.
 * Everything here runs under block_setup_lock; it does I/O and calls listeners.
 */
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/map.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/major.h>

#include "internal.h"
#include "parts.h"

static uint32_t next_ext_minor;		/* [R] block_setup_lock: of major 259 */

struct found {
	struct part_entry e;
	struct list node;
};

#define WINDOW_SIZE	16384u		/* tables are read in pieces of this */

struct scan {
	struct disk *disk;
	struct list found;
	char *window;			/* what was read last */
	uint64_t window_start, window_blocks;
};

static int window_fill(struct scan *s, uint64_t block)
{
	uint32_t size = s->disk->limits.logical_size, sectors = size >> SECTOR_SHIFT;
	uint64_t nr = min((uint64_t)WINDOW_SIZE / size, s->disk->whole->nr_sectors / sectors -
			  block);
	int err;

	s->window_blocks = 0;
	err = block_read(s->disk->whole, block * sectors, s->window, nr * size);
	/* A bad block near the table is no reason to give up. */
	if (err == -EIO && nr > 1) {
		nr = 1;
		err = block_read(s->disk->whole, block * sectors, s->window, size);
	}
	if (err)
		return err;
	s->window_start = block;
	s->window_blocks = nr;
	return 0;
}

static int scan_read(void *ctx, uint64_t block, void *buf)
{
	struct scan *s = ctx;
	uint32_t size = s->disk->limits.logical_size;
	int err;

	if (block - s->window_start >= s->window_blocks) {
		err = window_fill(s, block);
		if (err)
			return err;
	}
	memcpy(buf, s->window + (block - s->window_start) * size, size);
	return 0;
}

static int scan_found(void *ctx, const struct part_entry *e)
{
	struct scan *s = ctx;
	struct found *f = kmalloc(sizeof(*f), 0);

	if (!f)
		return -ENOMEM;
	f->e = *e;
	list_add_tail(&f->node, &s->found);
	return 0;
}

static bool scan_overlaps(void *ctx, uint64_t start, uint64_t nr)
{
	struct scan *s = ctx;
	struct found *f;

	list_for_each_entry(f, &s->found, node)
		if (range_overlaps(f->e.start, f->e.nr_sectors, start, nr))
			return true;
	return false;
}

static void scan_complain(void *ctx, const char *what)
{
	struct scan *s = ctx;

	log_warn("%s: %s", s->disk->whole->name, what);
}

dev_t ext_number_next(void)
{
	return DEV_MAKE(BLOCK_EXT_MAJOR, next_ext_minor++ & 0xfffff);
}

static dev_t part_number(const struct disk *d, uint32_t part)
{
	if (part < d->minors)
		return d->whole->dev + part;
	return ext_number_next();
}

/* vda1, but nvme0n1p1. */
static void part_name(char *out, size_t size, const struct disk *d, uint32_t part)
{
	const char *whole = d->whole->name;
	char last = whole[strlen(whole) - 1];

	snprintf(out, size, "%s%s%u", whole, last >= '0' && last <= '9' ? "p" : "", part);
}

static int part_create(struct disk *d, const struct part_entry *e)
{
	struct block_device *dev;
	char name[sizeof(dev->name)];
	int err;

	part_name(name, sizeof(name), d, e->number);
	dev = device_alloc(d, name, e->number);
	if (!dev)
		return -ENOMEM;
	dev->start = e->start;
	dev->nr_sectors = e->nr_sectors;
	str_copy_cut(dev->part_uuid, e->uuid, sizeof(dev->part_uuid));
	str_copy_cut(dev->part_name, e->name, sizeof(dev->part_name));
	str_copy_cut(dev->part_type, e->type, sizeof(dev->part_type));
	do {
		dev->dev = part_number(d, e->number);
		err = registry_add(dev);
		/* Major 259 has been once around: the next number may be free. */
	} while (err == -EEXIST && DEV_MAJOR(dev->dev) == BLOCK_EXT_MAJOR &&
		 next_ext_minor <= 0xfffff);
	if (err) {
		block_put(dev);
		return err;
	}
	mutex_lock(&block_registry_lock);
	list_add_tail(&dev->disk_node, &d->parts);
	mutex_unlock(&block_registry_lock);
	return 0;
}

static void part_remove(struct block_device *dev)
{
	registry_remove(dev);
	mutex_lock(&block_registry_lock);
	list_del_init(&dev->disk_node);
	mutex_unlock(&block_registry_lock);
	block_put(dev);
}

static int scan_create_all(struct scan *s, int err)
{
	while (!list_empty(&s->found)) {
		struct found *f = list_first_entry(&s->found, struct found, node);

		list_del(&f->node);
		if (!err)
			err = part_create(s->disk, &f->e);
		kfree(f);
	}
	return err;
}

int partitions_scan(struct disk *d)
{
	struct scan s = { .disk = d, .found = LIST_INIT(s.found) };
	struct part_reader r = {
		.block_size = d->limits.logical_size,
		.nr_blocks = d->whole->nr_sectors / (d->limits.logical_size >> SECTOR_SHIFT),
		.read = scan_read, .found = scan_found, .overlaps = scan_overlaps,
		.complain = scan_complain, .ctx = &s,
	};
	int err = -ENOMEM;

	r.block = kmalloc(r.block_size, 0);
	r.block2 = kmalloc(r.block_size, 0);
	s.window = kmalloc(WINDOW_SIZE, 0);
	if (r.block && r.block2 && s.window)
		err = parts_read(&r);
	kfree(s.window);
	kfree(r.block);
	kfree(r.block2);
	if (err)
		log_warn("%s: partitions cannot be read: error %d", d->whole->name, err);
	return scan_create_all(&s, err);
}

void partitions_remove_all(struct disk *d)
{
	while (!list_empty(&d->parts))
		part_remove(list_first_entry(&d->parts, struct block_device, disk_node));
}

static bool any_in_use(struct disk *d)
{
	struct block_device *dev;

	list_for_each_entry(dev, &d->parts, disk_node)
		if (atomic_read(&dev->opens))
			return true;
	return false;
}

int block_rescan(struct block_device *dev)
{
	int err;

	if (dev->part)
		return -EINVAL;
	mutex_lock(&block_setup_lock);
	if (block_is_gone(dev)) {
		err = -ENODEV;
	} else if (any_in_use(dev->disk)) {
		err = -EBUSY;
	} else {
		partitions_remove_all(dev->disk);
		err = partitions_scan(dev->disk);
	}
	mutex_unlock(&block_setup_lock);
	return err;
}

static struct block_device *part_find_locked(struct disk *d, uint32_t part)
{
	struct block_device *dev;

	list_for_each_entry(dev, &d->parts, disk_node)
		if (dev->part == part)
			return dev;
	return NULL;
}

static int part_add_locked(struct disk *d, const struct part_entry *e)
{
	uint32_t block = d->limits.logical_size >> SECTOR_SHIFT;
	struct block_device *dev;

	if (!e->nr_sectors || (e->start | e->nr_sectors) & (block - 1) ||
	    !range_within(e->start, e->nr_sectors, d->whole->nr_sectors))
		return -EINVAL;
	if (part_find_locked(d, e->number))
		return -EBUSY;
	list_for_each_entry(dev, &d->parts, disk_node)
		if (range_overlaps(dev->start, dev->nr_sectors, e->start, e->nr_sectors))
			return -EBUSY;
	return part_create(d, e);
}

int block_part_add(struct block_device *dev, uint32_t part, uint64_t start, uint64_t nr_sectors)
{
	struct part_entry e = { .number = part, .start = start, .nr_sectors = nr_sectors };
	int err;

	if (dev->part || !part || part > PART_NUMBER_MAX)
		return -EINVAL;
	mutex_lock(&block_setup_lock);
	err = block_is_gone(dev) ? -ENODEV : part_add_locked(dev->disk, &e);
	mutex_unlock(&block_setup_lock);
	return err;
}

int block_part_remove(struct block_device *dev, uint32_t part)
{
	struct block_device *p;
	int err = 0;

	if (dev->part)
		return -EINVAL;
	mutex_lock(&block_setup_lock);
	p = part_find_locked(dev->disk, part);
	if (!p)
		err = -ENXIO;
	else if (atomic_read(&p->opens))
		err = -EBUSY;
	else
		part_remove(p);
	mutex_unlock(&block_setup_lock);
	return err;
}
