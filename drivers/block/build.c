/* SPDX-License-Identifier: MIT */
/*
 * Making requests out of waiting bios: one pass does splitting, merging and gathering memory.
 *
 * The first waiting bio gives as much of itself as the disk's limits allow; what does not fit stays
 * at the head of the queue for the next request, with its cursor moved.  A bio that went in whole
 * lets its neighbours in, if they continue where it ends and fit whole.  Nothing is allocated.
 *
 * I1 bio.pending counts the requests that carry a part of it, plus one while a part is waiting.
 * I2 the bios of a request are linked by node.next from first to last; only last may be waiting
 *    still, and only first may have begun in an earlier request.
 */
#include <lib/minmax.h>
#include <mm/page.h>

#include "internal.h"

/* How far a request has grown, to go back to. */
struct mark {
	uint32_t nr_sectors, nr_segs, last_len;
};

static struct mark mark_take(const struct request *rq)
{
	return (struct mark){ rq->nr_sectors, rq->nr_segs,
			      rq->nr_segs ? rq->segs[rq->nr_segs - 1].len : 0 };
}

static void mark_restore(struct request *rq, struct mark m)
{
	rq->nr_sectors = m.nr_sectors;
	rq->nr_segs = m.nr_segs;
	if (m.nr_segs)
		rq->segs[m.nr_segs - 1].len = m.last_len;
}

/* Room for one more piece: from the inline array to a large one, if the queue has one left. */
static bool seg_room(struct request *rq)
{
	const struct block_limits *lim = &rq->queue->disk->limits;
	struct disk_queue *q = rq->queue;

	if (rq->nr_segs >= lim->max_segments)
		return false;
	if (rq->big_segs || rq->nr_segs < REQUEST_INLINE_SEGS)
		return true;
	if (!q->big_free)
		return false;
	rq->big_segs = q->big_free;
	q->big_free = (struct request_seg *)(uintptr_t)rq->big_segs->phys.v;
	for (uint32_t i = 0; i < rq->nr_segs; i++)
		rq->big_segs[i] = rq->inline_segs[i];
	rq->segs = rq->big_segs;
	return true;
}

/* Add memory: how many bytes of @len, whole blocks, were taken. */
static uint32_t seg_add(struct request *rq, paddr_t phys, uint32_t len)
{
	const struct block_limits *lim = &rq->queue->disk->limits;
	struct request_seg *last = rq->nr_segs ? &rq->segs[rq->nr_segs - 1] : NULL;

	if (last && last->phys.v + last->len == phys.v) {
		uint32_t more = min(len, lim->max_segment_size - last->len);

		more = align_down(more, lim->logical_size);
		last->len += more;
		if (more)
			return more;
	}
	if (last && lim->gap_size &&
	    ((last->phys.v + last->len) | phys.v) & (lim->gap_size - 1))
		return 0;
	if (!seg_room(rq))
		return 0;
	len = min(len, lim->max_segment_size);
	rq->segs[rq->nr_segs++] = (struct request_seg){ .phys = phys, .len = len };
	return len;
}

static bool zeroes_are_data(const struct request *rq, const struct bio *bio)
{
	return bio->op == BIO_WRITE_ZEROES && rq->op == BIO_WRITE;
}

/* The next piece of @bio's memory, at most @most bytes; how many went in. */
static uint32_t take_piece(struct request *rq, struct bio *bio, uint32_t most)
{
	const struct bio_vec *v;

	if (zeroes_are_data(rq, bio))
		return seg_add(rq, page_to_phys(zero_page), min(most, (uint32_t)PAGE_SIZE));
	v = &bio->vecs[bio->cursor.vec];
	most = min(most, v->len - bio->cursor.offset);
	most = seg_add(rq, paddr_add(page_to_phys(v->page), v->offset + bio->cursor.offset), most);
	bio->cursor.offset += most;
	if (bio->cursor.offset == v->len) {
		bio->cursor.vec++;
		bio->cursor.offset = 0;
	}
	return most;
}

/* Take as much of @bio's rest as fits; true: all of it. */
static bool take_data(struct request *rq, struct bio *bio)
{
	const struct block_limits *lim = &rq->queue->disk->limits;

	while (bio->cursor.sectors < bio->nr_sectors) {
		uint32_t sectors = min(bio->nr_sectors - bio->cursor.sectors,
				       lim->max_sectors - rq->nr_sectors);
		uint32_t bytes = take_piece(rq, bio, min(sectors, 1u << 21) << SECTOR_SHIFT);

		if (!bytes)
			return false;
		rq->nr_sectors += bytes >> SECTOR_SHIFT;
		bio->cursor.sectors += bytes >> SECTOR_SHIFT;
	}
	return true;
}

static bool take_range(struct request *rq, struct bio *bio, uint32_t most)
{
	uint32_t n = min(bio->nr_sectors - bio->cursor.sectors, most);

	rq->nr_sectors = n;
	bio->cursor.sectors += n;
	return bio->cursor.sectors == bio->nr_sectors;
}

static bool take(struct request *rq, struct bio *bio)
{
	const struct block_limits *lim = &rq->queue->disk->limits;

	switch (rq->op) {
	case BIO_READ:
	case BIO_WRITE:
		return take_data(rq, bio);
	case BIO_FLUSH:
		return true;
	case BIO_DISCARD:
		return take_range(rq, bio, lim->max_discard_sectors);
	case BIO_WRITE_ZEROES:
		return take_range(rq, bio, lim->max_zeroes_sectors);
	}
	return true;
}

static bool may_follow(const struct request *rq, const struct bio *bio)
{
	return bio->op == rq->op && (bio->flags & BIO_FUA) == (rq->flags & BIO_FUA) &&
	       bio->dev->start + bio->sector == rq->sector + rq->nr_sectors &&
	       !bio->cursor.sectors;
}

/* @bio went in whole: it waits no more, and the request has the count of I1. */
static void consume(struct request *rq, struct bio *bio)
{
	list_del(&bio->node);
	if (rq->last)
		rq->last->node.next = &bio->node;
	else
		rq->first = bio;
	rq->last = bio;
}

static void merge_neighbours(struct request *rq, struct list *pending)
{
	while (!list_empty(pending)) {
		struct bio *bio = list_first_entry(pending, struct bio, node);
		struct mark m = mark_take(rq);

		if (!may_follow(rq, bio))
			return;
		if (!take_data(rq, bio)) {
			mark_restore(rq, m);
			bio->cursor.sectors = bio->cursor.vec = bio->cursor.offset = 0;
			return;
		}
		bio->merged = true;
		consume(rq, bio);
	}
}

static void request_reset(struct request *rq, struct bio *bio)
{
	const struct block_limits *lim = &rq->queue->disk->limits;

	rq->op = bio->op;
	if (bio->op == BIO_WRITE_ZEROES && !lim->max_zeroes_sectors)
		rq->op = BIO_WRITE;
	rq->flags = bio->flags;
	if (!lim->has_cache || !lim->has_fua)
		rq->flags &= ~(uint32_t)BIO_FUA;
	rq->sector = bio->op == BIO_FLUSH ? 0 : bio->dev->start + bio->sector + bio->cursor.sectors;
	rq->nr_sectors = rq->nr_segs = 0;
	rq->segs = rq->inline_segs;
	rq->big_segs = NULL;
	rq->first = rq->last = NULL;
	rq->status = 0;
	rq->busy_count = 0;
	rq->mapped = false;
}

/* Queue lock held, a bio waits and a tag is free. */
struct request *request_build(struct disk_queue *q)
{
	struct request *rq = list_first_entry(&q->free, struct request, node);
	struct bio *bio = list_first_entry(&q->pending, struct bio, node);

	list_del(&rq->node);
	q->nr_free--;
	request_reset(rq, bio);
	if (take(rq, bio)) {
		consume(rq, bio);
		if (op_has_data(rq->op) && op_has_data(bio->op))
			merge_neighbours(rq, &q->pending);
	} else {
		rq->first = rq->last = bio;
		__atomic_fetch_add(&bio->pending, 1, __ATOMIC_RELAXED);
	}
	return rq;
}
