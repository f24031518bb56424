/* SPDX-License-Identifier: MIT */
/*
 * Maps of blocks as in ext2: 12 direct pointers in the inode, then blocks of pointers, one, two and
 * three deep.  A freed or never written block is a 0.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "ext4.h"

#define NR_DIRECT	12u
#define MAX_DEPTH	3u

/* The way to a block: slot of the inode, then a slot in each block of pointers. */
struct way { uint32_t depth,
	slot[MAX_DEPTH + 1]; uint32_t left; /* slots to the right in the last */ };

static uint32_t per_block(const struct ext4_fs *fs) { return fs->block_size / 4; }

static int bad(struct ext4_inode *ei, uint64_t block)
{
	return ext4_damaged(ext4_fs_of(&ei->inode), "inode %llu: block %llu is not a file's",
			    (unsigned long long)ei->inode.ino, (unsigned long long)block);
}

/* Blocks that a slot of depth @depth spans. */
static uint64_t span(const struct ext4_fs *fs, uint32_t depth)
{
	uint64_t n = 1;

	while (depth--)
		n *= per_block(fs);
	return n;
}

static int find_way(const struct ext4_fs *fs, uint32_t lblock, struct way *w)
{
	uint64_t n = lblock;

	if (n < NR_DIRECT) {
		*w = (struct way){ .slot = { (uint32_t)n }, .left = NR_DIRECT - (uint32_t)n };
		return 0;
	}
	n -= NR_DIRECT;
	for (w->depth = 1; w->depth <= MAX_DEPTH; w->depth++) {
		if (n < span(fs, w->depth))
			break;
		n -= span(fs, w->depth);
	}
	if (w->depth > MAX_DEPTH)
		return -EFBIG;
	w->slot[0] = NR_DIRECT + w->depth - 1;
	for (uint32_t i = 1; i <= w->depth; i++) {
		w->slot[i] = (uint32_t)(n / span(fs, w->depth - i));
		n %= span(fs, w->depth - i);
	}
	w->left = per_block(fs) - w->slot[w->depth];
	return 0;
}

static struct buf *read_pointers(struct ext4_inode *ei, uint64_t block)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);

	if (!ext4_blocks_ok(fs, block, 1))
		return ERR_PTR(bad(ei, block));
	return buf_read(fs->cache, block);
}

/* How many of @slots (at most @max) go on from the first: a run of blocks, or of holes. */
static uint32_t count_run(const uint8_t *slots, uint32_t max)
{
	uint32_t first = get_le32(slots), n = 1;

	while (n < max && get_le32(slots + 4 * n) == (first ? first + n : 0))
		n++;
	return n;
}

/* A pointer at depth @i of the way is 0: how far the hole reaches. */
static uint32_t hole_len(const struct ext4_fs *fs, const struct way *w, uint32_t i)
{
	uint64_t within = 0;

	for (uint32_t k = i + 1; k <= w->depth; k++)
		within += w->slot[k] * span(fs, w->depth - k);
	return (uint32_t)min_t(uint64_t, span(fs, w->depth - i) - within, UINT32_MAX);
}

int ext4_indirect_map(struct ext4_inode *ei, uint32_t lblock, uint32_t max, struct ext4_run *run)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	const uint8_t *slots = ei->block;
	struct buf *b = NULL;
	struct way w;
	int err = find_way(fs, lblock, &w);

	if (err)
		return err;
	*run = (struct ext4_run){ .lblock = lblock };
	for (uint32_t i = 0;; i++) {
		uint32_t block = get_le32(slots + 4 * w.slot[i]);

		if (i == w.depth) {
			run->len = count_run(slots + 4 * w.slot[i], min(max, w.left));
			run->block = block;
			break;
		}
		if (!block) {
			run->len = min(max, hole_len(fs, &w, i));
			break;
		}
		if (b)
			buf_put(b);
		b = read_pointers(ei, block);
		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		slots = b->data;
	}
	if (b)
		buf_put(b);
	if (run->block && !ext4_blocks_ok(fs, run->block, run->len))
		return bad(ei, run->block);
	return 0;
}

/*
 * The block of pointers that @slot names, made if there is none.  @holder: of the slot, NULL:
 * inode.
 */
static struct buf *step_down(struct journal_handle *h, struct ext4_inode *ei, struct buf *holder,
			     uint8_t *slot)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	uint32_t block = get_le32(slot);
	struct buf *b;
	int err;

	if (block)
		return read_pointers(ei, block);
	err = holder ? journal_access(h, holder) : 0;
	if (err)
		return ERR_PTR(err);
	b = ext4_new_meta(h, &ei->inode, ext4_group_first_block(fs, ei->group), EXT4_ALLOC_POOL);
	if (IS_ERR(b))
		return b;
	journal_dirty(h, b);
	put_le32(slot, (uint32_t)b->block);
	if (holder)
		journal_dirty(h, holder);
	ei->nr_blocks++;
	return b;
}

/* As much of @run as one block of pointers takes: how much, or -errno. */
static int insert_some(struct journal_handle *h, struct ext4_inode *ei, const struct ext4_run *run)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	struct buf *b = NULL, *next;
	uint8_t *slots = ei->block;
	uint32_t n;
	struct way w;
	int err = find_way(fs, run->lblock, &w);

	for (uint32_t i = 0; !err && i < w.depth; i++) {
		next = step_down(h, ei, b, slots + 4 * w.slot[i]);
		if (b)
			buf_put(b);
		if (IS_ERR(next))
			return (int)PTR_ERR(next);
		b = next;
		slots = b->data;
	}
	if (!err && b)
		err = journal_access(h, b);
	if (err)
		goto out;
	n = min(run->len, w.left);
	for (uint32_t k = 0; k < n; k++) {
		if (get_le32(slots + 4 * (w.slot[w.depth] + k))) {
			err = ext4_damaged(fs, "inode %llu: a block is mapped twice",
					   (unsigned long long)ei->inode.ino);
			goto out;
		}
		put_le32(slots + 4 * (w.slot[w.depth] + k), (uint32_t)(run->block + k));
	}
	if (b)
		journal_dirty(h, b);
	err = (int)n;
out:
	if (b)
		buf_put(b);
	return err;
}

int ext4_indirect_insert(struct journal_handle *h, struct ext4_inode *ei,
			 const struct ext4_run *run)
{
	struct ext4_run r = *run;

	if ((run->block + run->len) >> 32)
		return -EFBIG;
	while (r.len) {
		int n = insert_some(h, ei, &r);

		if (n < 0)
			return n;
		r.lblock += (uint32_t)n;
		r.block += (uint32_t)n;
		r.len -= (uint32_t)n;
	}
	return 0;
}

static int free_run(struct journal_handle *h, struct ext4_inode *ei, uint32_t block, uint32_t n)
{
	int err = ext4_free_blocks(h, ext4_fs_of(&ei->inode), block, n,
				   S_ISREG(ei->inode.mode) ? 0 : EXT4_FREE_METADATA);

	if (!err)
		ei->nr_blocks -= n;
	return err;
}

static bool all_zero(const uint8_t *slots, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (get_le32(slots + 4 * i))
			return false;
	}
	return true;
}

/* The last run of blocks that slots [from, to) name goes.  -EAGAIN: there was one; 0: none. */
static int free_last_run(struct journal_handle *h, struct ext4_inode *ei, uint8_t *slots,
			 uint32_t from, uint32_t to)
{
	uint32_t n = 0, first, limit = ext4_fs_of(&ei->inode)->blocks_per_group;
	int err;

	while (to > from && !get_le32(slots + 4 * (to - 1)))
		to--;
	if (to == from)
		return 0;
	first = get_le32(slots + 4 * (to - 1));
	while (to > from && n < limit && get_le32(slots + 4 * (to - 1)) == first - n) {
		put_le32(slots + 4 * (to - 1), 0);
		to--;
		n++;
	}
	err = free_run(h, ei, first - n + 1, n);
	return err ? err : -EAGAIN;
}

/*
 * Free the last run of the subtree at *slot (depth >= 1; its first block of the file is 0 here)
 * that lies in [from, to).  Recursion is bounded by MAX_DEPTH.  -EAGAIN: something was freed; 0:
 * nothing.
 */
static int trim(struct journal_handle *h, struct ext4_inode *ei, uint8_t *slot, uint32_t depth,
		uint64_t from, uint64_t to)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	uint64_t each = span(fs, depth - 1);
	uint32_t n = per_block(fs), block = get_le32(slot);
	struct buf *b;
	int err = 0;

	if (!block)
		return 0;
	b = read_pointers(ei, block);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = journal_access(h, b);
	if (err) {
		buf_put(b);
		return err;
	}
	if (depth == 1) {
		err = free_last_run(h, ei, b->data, (uint32_t)from, (uint32_t)to);
	} else {
		for (uint32_t i = (uint32_t)DIV_ROUND_UP(to, each); !err && i-- > from / each;) {
			uint64_t base = i * each;

			err = trim(h, ei, (uint8_t *)b->data + 4 * i, depth - 1,
				   max(from, base) - base, min(to, base + each) - base);
		}
	}
	if (err == -EAGAIN || !err)
		journal_dirty(h, b);
	if (!err && all_zero(b->data, n)) {
		put_le32(slot, 0);
		err = ext4_free_blocks(h, fs, block, 1, EXT4_FREE_METADATA);
		ei->nr_blocks--;
		err = err ? err : -EAGAIN;
	}
	buf_put(b);
	return err;
}

int ext4_indirect_remove(struct journal_handle *h, struct ext4_inode *ei, uint32_t from,
			 uint32_t to)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	uint64_t base[MAX_DEPTH + 2];
	int err = 0;

	base[1] = NR_DIRECT;
	for (uint32_t d = 1; d <= MAX_DEPTH; d++)
		base[d + 1] = base[d] + span(fs, d);
	for (uint32_t d = MAX_DEPTH; !err && d >= 1; d--) {
		uint64_t lo = max((uint64_t)from, base[d]), hi = min((uint64_t)to, base[d + 1]);

		if (lo < hi)
			err = trim(h, ei, ei->block + 4 * (NR_DIRECT + d - 1), d, lo - base[d],
				   hi - base[d]);
	}
	if (!err && from < NR_DIRECT)
		err = free_last_run(h, ei, ei->block, from, min(to, NR_DIRECT));
	return err;
}
