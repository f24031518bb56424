/* SPDX-License-Identifier: MIT */
/*
 * Blocks: who may have which.
 *
 * A block is free when the bitmap says so and it is not busy.  Busy are
 *	- blocks in flight: data is being written there, and only then will a transaction say so in
 *	  bitmap and map at once (map.c); a crash before leaves them free;
 *	- blocks freed by a transaction that has not committed: after a crash they may still be the
 *	  old file's, so no data may be written there (J6).  Metadata may have them: it goes home
 *	  only after a later or the same transaction has committed.
 *
 * Delayed allocation needs room before there is a place: ext4_promise() counts it.  What is
 * promised is still free in the bitmaps.  A small pool is left for the metadata of promised data.
 */
#include <lib/bitmap.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>

#include "ext4.h"
#include "glue.h"

/* A free run within one group. */
struct run { uint32_t group, at, len; };

/* What for? */
struct search { uint64_t goal; uint32_t want; bool is_metadata; };

/* The first busy range that ends behind @block.  Lock held. */
static struct busy *busy_after(struct ext4_fs *fs, uint64_t block)
{
	struct rb_node *n = fs->busy.root;
	struct busy *best = NULL;

	while (n) {
		struct busy *b = rb_entry(n, struct busy, node);

		if (b->start + b->len > block) {
			best = b;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static void busy_remove(struct ext4_fs *fs, struct busy *b)
{
	rb_erase(&fs->busy, &b->node);
	kfree(b);
}

static bool is_stale(struct ext4_fs *fs, const struct busy *b)
{
	return !b->in_flight && (!fs->journal || journal_is_committed(fs->journal, b->tid));
}

/* The first range that counts.  Those whose transaction has committed go. */
static struct busy *busy_find(struct ext4_fs *fs, uint64_t block)
{
	struct busy *b;

	for (;;) {
		b = busy_after(fs, block);
		if (!b || !is_stale(fs, b))
			return b;
		busy_remove(fs, b);
	}
}

/* Freed by @h; NULL: in flight. */
static int busy_add(struct ext4_fs *fs, uint64_t start, uint32_t len,
		    const struct journal_handle *h)
{
	struct rb_node **link = &fs->busy.root, *parent = NULL;
	struct busy *b = kmalloc(sizeof(*b), 0);

	if (!b)
		return -ENOMEM;
	*b = (struct busy){ .start = start, .len = len, .tid = h ? h->tid : 0, .in_flight = !h };
	while (*link) {
		parent = *link;
		link = start < rb_entry(parent, struct busy, node)->start ? &parent->left :
			&parent->right;
	}
	rb_link(&b->node, parent, link);
	rb_insert(&fs->busy, &b->node);
	return 0;
}

/* [start, start + len) is in flight no more, or not held back as freed any more.  Lock held. */
static int busy_cut(struct ext4_fs *fs, uint64_t start, uint32_t len)
{
	uint64_t end = start + len;
	struct busy *b;

	while ((b = busy_after(fs, start)) && b->start < end) {
		uint64_t b_end = b->start + b->len;

		if (b->start < start && b_end > end) {
			struct journal_handle freed_in = { .tid = b->tid };
			int err = busy_add(fs, end, (uint32_t)(b_end - end),
					   b->in_flight ? NULL : &freed_in);

			if (err)
				return err;
		}
		if (b->start < start) {
			b->len = (uint32_t)(start - b->start);
		} else if (b_end > end) {
			/* Order in the tree stays. */
			b->len = (uint32_t)(b_end - end);
			b->start = end;
		} else {
			busy_remove(fs, b);
		}
	}
	return 0;
}

void ext4_busy_drop_all(struct ext4_fs *fs)
{
	while (fs->busy.root)
		busy_remove(fs, rb_entry(fs->busy.root, struct busy, node));
}

/* Forget what has committed, so that the tree stays small. */
static void busy_reap(struct ext4_fs *fs)
{
	uint64_t at = 0;
	struct busy *b;

	while ((b = busy_find(fs, at)))
		at = b->start + b->len;
}

/* Free and not promised, for whom? */
static uint64_t available(struct ext4_fs *fs)
{
	uint64_t kept = fs->promised + fs->pool_blocks;

	if (!ext4_may_use_reserved(fs))
		kept += fs->root_blocks;
	return fs->free_blocks > kept ? fs->free_blocks - kept : 0;
}

int ext4_promise(struct ext4_fs *fs, uint64_t n)
{
	int err = 0;

	mutex_lock(&fs->alloc_lock);
	if (available(fs) < n)
		err = -ENOSPC;
	else
		fs->promised += n;
	mutex_unlock(&fs->alloc_lock);
	return err;
}

static void unpromise_locked(struct ext4_fs *fs, uint64_t n)
{
	fs->promised -= min(n, fs->promised);
}

void ext4_unpromise(struct ext4_fs *fs, uint64_t n)
{
	mutex_lock(&fs->alloc_lock);
	unpromise_locked(fs, n);
	mutex_unlock(&fs->alloc_lock);
}

/* The first busy range that ends behind @block and matters for @s. */
static struct busy *obstacle(struct ext4_fs *fs, const struct search *s, uint64_t block)
{
	struct busy *b = busy_find(fs, block);

	while (b && s->is_metadata && !b->in_flight)
		b = busy_find(fs, b->start + b->len);
	return b;
}

/* The next free run at or behind bit r->at, no longer than is wanted; false: none. */
static bool next_run(struct ext4_fs *fs, const struct buf *bitmap, struct run *r,
		     const struct search *s)
{
	uint64_t first = ext4_group_first_block(fs, r->group);
	uint32_t nr = ext4_group_nr_blocks(fs, r->group), end;
	struct busy *b;

	for (;;) {
		r->at = (uint32_t)bitmap_find_next_zero(bitmap->data, nr, r->at);
		if (r->at >= nr)
			return false;
		end = (uint32_t)min_t(uint64_t, nr, (uint64_t)r->at + s->want);
		end = (uint32_t)bitmap_find_next(bitmap->data, end, r->at);
		b = obstacle(fs, s, first + r->at);
		if (!b || b->start >= first + end)
			break;
		if (b->start > first + r->at) {
			end = (uint32_t)(b->start - first);
			break;
		}
		r->at = (uint32_t)min_t(uint64_t, nr, b->start + b->len - first);
	}
	r->len = end - r->at;
	return true;
}

/* The best run of a group from @from on: the first that is long enough, or the longest. */
static int search_group(struct ext4_fs *fs, uint32_t group, uint32_t from, const struct search *s,
			struct run *best)
{
	struct disk_group *g = ext4_group(fs, group);
	struct run r = { .group = group, .at = from };
	struct buf *bitmap;

	if (!ext4_group_get(fs, &g->free_blocks_lo, &g->free_blocks_hi))
		return 0;
	bitmap = ext4_block_bitmap(fs, group);
	if (IS_ERR(bitmap))
		return (int)PTR_ERR(bitmap);
	for (; next_run(fs, bitmap, &r, s); r.at += r.len) {
		if (r.len > best->len)
			*best = r;
		/* Where the file ends anything will do: it stays in one piece. */
		if (best->len >= s->want || (r.at == from && from && r.len >= min(s->want, 8u)))
			break;
	}
	buf_put(bitmap);
	return 0;
}

static bool is_good(const struct run *r, uint32_t want, uint32_t nr_searched)
{
	return r->len >= want || (r->len && nr_searched >= 8 && r->len >= want / 8);
}

/* Lock held. */
static int find_run(struct ext4_fs *fs, const struct search *s, struct run *best)
{
	uint64_t goal = s->goal;
	uint32_t group, from, n;
	int err = 0;

	if (goal < fs->first_block || goal >= fs->nr_blocks)
		goal = fs->first_block;
	group = (uint32_t)((goal - fs->first_block) / fs->blocks_per_group);
	from = (uint32_t)((goal - fs->first_block) % fs->blocks_per_group);
	best->len = 0;
	/* The goal's group comes twice: behind the goal, at last before it. */
	for (n = 0; !err && n <= fs->nr_groups; n++) {
		err = search_group(fs, (group + n) % fs->nr_groups, n ? 0 : from, s, best);
		if (is_good(best, s->want, n) || (!n && best->len && best->at == from))
			break;
	}
	if (err)
		return err;
	if (!best->len)
		return -ENOSPC;
	if (!ext4_blocks_ok(fs, ext4_group_first_block(fs, best->group) + best->at, best->len))
		return ext4_damaged(fs, "bitmap of group %u: its own blocks are free", best->group);
	return 0;
}

/* Wait for a commit if freed blocks are held back by one.  True: look again. */
static bool wait_for_freed(struct ext4_fs *fs)
{
	struct busy *b;
	uint32_t tid = 0;
	bool found = false;

	mutex_lock(&fs->alloc_lock);
	for (b = busy_find(fs, 0); b; b = busy_find(fs, b->start + b->len)) {
		if (!b->in_flight) {
			tid = b->tid;
			found = true;
		}
	}
	mutex_unlock(&fs->alloc_lock);
	return found && fs->journal && !journal_commit_wait(fs->journal, tid);
}

int ext4_take_blocks(struct ext4_fs *fs, uint64_t goal, uint32_t *len, uint64_t *start)
{
	struct search s = { .goal = goal, .want = *len };
	struct run r;
	int err;

	mutex_lock(&fs->alloc_lock);
	err = find_run(fs, &s, &r);
	if (!err) {
		*start = ext4_group_first_block(fs, r.group) + r.at;
		*len = r.len;
		err = busy_add(fs, *start, r.len, NULL);
	}
	mutex_unlock(&fs->alloc_lock);
	return err;
}

void ext4_untake_blocks(struct ext4_fs *fs, uint64_t start, uint32_t len)
{
	mutex_lock(&fs->alloc_lock);
	(void)!busy_cut(fs, start, len);
	unpromise_locked(fs, len);
	mutex_unlock(&fs->alloc_lock);
}

/* Put bitmap and descriptor of a group into the transaction: the bitmap, counted. */
static struct buf *group_access(struct journal_handle *h, struct ext4_fs *fs, uint32_t group)
{
	struct buf *bitmap = ext4_block_bitmap(fs, group);
	int err;

	if (IS_ERR(bitmap))
		return bitmap;
	err = journal_access(h, bitmap);
	if (!err)
		err = journal_access(h, ext4_group_buf(fs, group));
	if (!err)
		return bitmap;
	buf_put(bitmap);
	return ERR_PTR(err);
}

static void group_done(struct journal_handle *h, struct ext4_fs *fs, uint32_t group,
		       struct buf *bitmap, int64_t more_free)
{
	struct disk_group *g = ext4_group(fs, group);
	uint32_t n = ext4_group_get(fs, &g->free_blocks_lo, &g->free_blocks_hi);

	ext4_group_put(fs, &g->free_blocks_lo, &g->free_blocks_hi, (uint32_t)(n + more_free));
	g->flags = cpu_to_le16(le16_to_cpu(g->flags) & ~GROUP_BLOCK_UNINIT);
	fs->free_blocks = (uint64_t)((int64_t)fs->free_blocks + more_free);
	ext4_bitmap_changed(fs, group, bitmap, false);
	journal_dirty(h, bitmap);
	journal_dirty(h, ext4_group_buf(fs, group));
	buf_put(bitmap);
}

/* Bits [at, at + len) of a group become used (@free false) or free.  Lock held. */
static int change_bits(struct journal_handle *h, struct ext4_fs *fs, const struct run *r, bool free)
{
	struct disk_group *g = ext4_group(fs, r->group);
	struct buf *bitmap = group_access(h, fs, r->group);
	uint32_t end = r->at + r->len, odd;
	uint32_t n = ext4_group_get(fs, &g->free_blocks_lo, &g->free_blocks_hi);

	if (IS_ERR(bitmap))
		return (int)PTR_ERR(bitmap);
	odd = (uint32_t)(free ? bitmap_find_next_zero(bitmap->data, end, r->at) :
			 bitmap_find_next(bitmap->data, end, r->at));
	if (odd < end || (free ? n + r->len > ext4_group_nr_blocks(fs, r->group) : n < r->len)) {
		buf_put(bitmap);
		return ext4_damaged(fs, "bitmap of group %u: block %u is %s already", r->group, odd,
				    free ? "free" : "used");
	}
	if (free)
		bitmap_clear(bitmap->data, r->at, r->len);
	else
		bitmap_set(bitmap->data, r->at, r->len);
	group_done(h, fs, r->group, bitmap, free ? (int64_t)r->len : -(int64_t)r->len);
	return 0;
}

/* The part of [start, start + len) in its first group. */
static struct run first_part(const struct ext4_fs *fs, uint64_t start, uint32_t len)
{
	uint64_t offset = start - fs->first_block;
	struct run r;

	r.group = (uint32_t)(offset / fs->blocks_per_group);
	r.at = (uint32_t)(offset % fs->blocks_per_group);
	r.len = min(len, fs->blocks_per_group - r.at);
	return r;
}

int ext4_commit_blocks(struct journal_handle *h, struct ext4_fs *fs, uint64_t start, uint32_t len)
{
	int err = 0;

	mutex_lock(&fs->alloc_lock);
	while (len && !err) {
		struct run r = first_part(fs, start, len);

		err = change_bits(h, fs, &r, false);
		if (!err)
			err = busy_cut(fs, start, r.len);
		unpromise_locked(fs, r.len);
		start += r.len;
		len -= r.len;
	}
	mutex_unlock(&fs->alloc_lock);
	return err;
}

int ext4_alloc_blocks(struct journal_handle *h, struct ext4_fs *fs, uint64_t goal, uint32_t flags,
		      uint32_t *len, uint64_t *start)
{
	struct search s = { .goal = goal, .is_metadata = !(flags & EXT4_ALLOC_DATA) };
	struct run r;
	uint64_t have;
	int err = -ENOSPC;

	mutex_lock(&fs->alloc_lock);
	if (flags & EXT4_ALLOC_POOL)
		have = fs->free_blocks > fs->promised ? fs->free_blocks - fs->promised : 0;
	else
		have = available(fs);
	s.want = (uint32_t)min_t(uint64_t, *len, have);
	if (have)
		err = find_run(fs, &s, &r);
	if (!err)
		err = change_bits(h, fs, &r, false);
	if (!err) {
		*start = ext4_group_first_block(fs, r.group) + r.at;
		*len = r.len;
		err = busy_cut(fs, *start, r.len);
	}
	mutex_unlock(&fs->alloc_lock);
	return err;
}

int ext4_free_blocks(struct journal_handle *h, struct ext4_fs *fs, uint64_t start, uint32_t len,
		     uint32_t flags)
{
	int err = 0;

	if (!ext4_blocks_ok(fs, start, len))
		return ext4_damaged(fs, "blocks %llu+%u to be freed are no file's",
				    (unsigned long long)start, len);
	for (uint32_t i = 0; (flags & EXT4_FREE_METADATA) && !err && i < len; i++)
		err = journal_revoke(h, fs->cache, start + i);
	mutex_lock(&fs->alloc_lock);
	busy_reap(fs);
	while (len && !err) {
		struct run r = first_part(fs, start, len);

		err = change_bits(h, fs, &r, true);
		if (!err && fs->journal)
			err = busy_add(fs, start, r.len, h);
		start += r.len;
		len -= r.len;
	}
	mutex_unlock(&fs->alloc_lock);
	return err;
}

bool ext4_should_retry(struct ext4_fs *fs, int err, unsigned int *tries)
{
	return err == -ENOSPC && !(*tries)++ && wait_for_freed(fs);
}
