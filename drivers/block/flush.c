/* SPDX-License-Identifier: MIT */
/*
 * Flush sequences: what PREFLUSH, FUA and flushes become on the disk at hand.
 *
 * The problem: a disk with a volatile cache promises nothing but through its FLUSH command, FUA
 * may have to be made out of a flush after the write, and many threads that sync at once shall
 * share flushes.
 *
 *	PRE   waits for a flush that starts after it came     (PREFLUSH, FLUSH)
 *	DATA  the write itself is in flight
 *	POST  waits for a flush that starts after the write was done   (FUA without has_fua)
 *
 * A bio goes through those of its stages in this order.
 *
 * I1 at most one flush of ours is in flight for a disk.  Who comes meanwhile waits for the next
 *    one, since the disk may have looked at its cache before: waiting -> running when it starts.
 * I2 a bio whose flush failed is done with that error: its data is never reported as safe.
 * I3 BIO_FUA goes down to the driver only with has_fua.
 *
 * Locking: flush->lock; never held over queue_add() or done().
 *
 * Not done: leaving out a flush when nothing was written since the last one.  Only the disk knows.
 */
#include <kernel/clock.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

static void flush_issue(struct disk *d)
{
	struct bio *f = d->flush->bio;

	f->status = 0;
	f->pending = 1;
	f->cursor.sectors = f->cursor.vec = f->cursor.offset = 0;
	f->merged = false;
	f->start_ns = clock_ns();
	stats_start(f);
	queue_add_one(d, f);
}

static void flush_wait(struct bio *bio)
{
	struct disk *d = bio->dev->disk;
	struct disk_flush *fl = d->flush;
	unsigned long flags = spin_lock_irqsave(&fl->lock);
	bool start = !fl->active;

	if (start)
		fl->active = true;
	list_add_tail(&bio->node, start ? &fl->running : &fl->waiting);
	spin_unlock_irqrestore(&fl->lock, flags);
	if (start)
		flush_issue(d);
}

static bool needs_post(const struct bio *bio)
{
	return bio->flags & BIO_FUA && bio->nr_sectors && !bio->dev->disk->limits.has_fua;
}

/* The flush that @bio waited for is over. */
static void flush_step(struct bio *bio, int status)
{
	if (status || bio->stage == STAGE_POST || !bio->nr_sectors) {
		bio_finish(bio, status);
		return;
	}
	bio->stage = STAGE_DATA;
	queue_add_one(bio->dev->disk, bio);
}

static void flush_done(struct bio *f)
{
	struct disk *d = f->dev->disk;
	struct disk_flush *fl = d->flush;
	int status = f->status;
	LIST_HEAD(finished);
	unsigned long flags = spin_lock_irqsave(&fl->lock);
	bool again = !list_empty(&fl->waiting);

	list_splice_init(&fl->running, &finished);
	list_splice_init(&fl->waiting, &fl->running);
	fl->active = again;
	spin_unlock_irqrestore(&fl->lock, flags);
	if (again)
		flush_issue(d);
	while (!list_empty(&finished)) {
		struct bio *bio = list_first_entry(&finished, struct bio, node);

		list_del_init(&bio->node);
		flush_step(bio, status);
	}
}

bool flush_submit(struct bio *bio)
{
	const struct block_limits *lim = &bio->dev->disk->limits;

	if (!lim->has_cache)
		return false;
	if (bio->op == BIO_FLUSH || bio->flags & BIO_PREFLUSH) {
		bio->stage = STAGE_PRE;
		flush_wait(bio);
		return true;
	}
	if (needs_post(bio))
		bio->stage = STAGE_DATA;
	return false;
}

bool flush_data_done(struct bio *bio)
{
	if (bio->stage != STAGE_DATA || READ_ONCE(bio->status) || !needs_post(bio))
		return false;
	bio->stage = STAGE_POST;
	flush_wait(bio);
	return true;
}

int flush_create(struct disk *d)
{
	d->flush = kzalloc(sizeof(*d->flush), 0);
	if (!d->flush)
		return -ENOMEM;
	spinlock_init(&d->flush->lock, BLOCK_QUEUE);
	list_init(&d->flush->waiting);
	list_init(&d->flush->running);
	d->flush->bio = bio_alloc(0);
	if (!d->flush->bio) {
		kfree(d->flush);
		return -ENOMEM;
	}
	d->flush->bio->dev = d->whole;
	d->flush->bio->op = BIO_FLUSH;
	d->flush->bio->done = flush_done;
	return 0;
}

void flush_destroy(struct disk *d)
{
	bio_free(d->flush->bio);
	kfree(d->flush);
}
