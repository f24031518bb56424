/* SPDX-License-Identifier: MIT */
/*
 * The two ends of a bio's way: checks, plugs and the choice of path at submission; the submitter's
 * done() at the end.
 */
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/sched.h>
#include <lib/minmax.h>

#include "internal.h"

#define PLUG_MAX 64			/* bios held back at most */

void bio_finish(struct bio *bio, int status)
{
	if (status)
		(void)cmpxchg(&bio->status, 0, status);
	stats_end(bio);
	bio->done(bio);
}

static bool op_writes(enum bio_op op)
{
	return op != BIO_READ && op != BIO_FLUSH;
}

/* -ENODEV, -EROFS, -EIO (outside of the device), -EINVAL (not whole blocks), -EOPNOTSUPP. */
static int bio_check(const struct bio *bio)
{
	const struct block_device *dev = bio->dev;
	const struct block_limits *lim = &dev->disk->limits;
	uint64_t block_mask = (lim->logical_size >> SECTOR_SHIFT) - 1;

	if (disk_is_gone(dev->disk) || READ_ONCE(dev->is_removed))
		return -ENODEV;
	if (op_writes(bio->op) && (lim->is_read_only || READ_ONCE(dev->is_read_only)))
		return -EROFS;
	if (bio->op == BIO_DISCARD && !lim->max_discard_sectors)
		return -EOPNOTSUPP;
	if (!range_within(bio->sector, bio->nr_sectors, READ_ONCE(dev->nr_sectors)))
		return -EIO;
	if ((bio->sector | bio->nr_sectors) & block_mask)
		return -EINVAL;
	if (op_has_data(bio->op) && bio->nr_sectors && !bio->nr_vecs)
		return -EINVAL;
	return 0;
}

/* Is there anything to be done at all? */
static bool bio_is_void(const struct bio *bio)
{
	if (bio->nr_sectors)
		return false;
	return !bio->dev->disk->limits.has_cache ||
	       !(bio->op == BIO_FLUSH || bio->flags & BIO_PREFLUSH);
}

static void bio_begin(struct bio *bio)
{
	bio->status = 0;
	bio->pending = 1;
	bio->cursor.sectors = bio->cursor.vec = bio->cursor.offset = 0;
	bio->stage = STAGE_NONE;
	bio->merged = false;
	bio->start_ns = clock_ns();
	stats_start(bio);
}

static void plug_send(struct block_plug *plug)
{
	LIST_HEAD(bios);

	/* done() of one may submit another, which must not end up in the plug being sent. */
	current_thread()->plug = NULL;
	list_splice_init(&plug->bios, &bios);
	plug->nr = 0;
	while (!list_empty(&bios)) {
		struct disk *d = list_first_entry(&bios, struct bio, node)->dev->disk;
		struct bio *bio, *next;
		LIST_HEAD(same);

		list_for_each_entry_safe(bio, next, &bios, node)
			if (bio->dev->disk == d)
				list_move_tail(&bio->node, &same);
		queue_add(d, &same);
	}
	current_thread()->plug = plug;
}

static uint64_t disk_sector(const struct bio *bio)
{
	return bio->dev->start + bio->sector;
}

/* In order of sectors, so that neighbours meet; most arrive so, the walk from the end is short. */
static void plug_insert(struct block_plug *plug, struct bio *bio)
{
	struct bio *before;

	list_for_each_entry_reverse(before, &plug->bios, node)
		if (before->dev->disk != bio->dev->disk || before->op != bio->op ||
		    disk_sector(before) <= disk_sector(bio))
			break;
	list_add(&bio->node, &before->node);
	if (++plug->nr >= PLUG_MAX)
		plug_send(plug);
}

void block_submit(struct bio *bio)
{
	struct block_plug *plug = in_interrupt() ? NULL : current_thread()->plug;
	int err;

	bio_begin(bio);
	err = bio_check(bio);
	if (err || bio_is_void(bio)) {
		bio_finish(bio, err);
		return;
	}
	if (flush_submit(bio))
		return;
	if (plug)
		plug_insert(plug, bio);
	else
		queue_add_one(bio->dev->disk, bio);
}

void block_plug_start(struct block_plug *plug)
{
	list_init(&plug->bios);
	plug->nr = 0;
	plug->outer = current_thread()->plug;
	/* The outermost collects for all. */
	if (!plug->outer)
		current_thread()->plug = plug;
}

void block_plug_finish(struct block_plug *plug)
{
	if (plug->outer)
		return;
	if (plug->nr)
		plug_send(plug);
	current_thread()->plug = NULL;
}

static void plug_before_sleep(void)
{
	struct block_plug *plug = current_thread()->plug;

	if (plug->nr)
		plug_send(plug);
}

static int block_init(void)
{
	int err = bio_init_reserve();

	err = err ? err : timeout_init();
	err = err ? err : stats_init();
	if (!err)
		sched_set_sleep_hook(plug_before_sleep);
	return err;
}
INITCALL(INIT_SUBSYSTEM, block_init);
