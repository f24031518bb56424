/* SPDX-License-Identifier: MIT */
/*
 * Maps of blocks as trees of extents.
 *
 * The root is in the inode (4 entries), nodes are blocks; depth 0 is a leaf.  Each call works on
 * one path from the root to a leaf.
 *
 * X1 the key of an index entry is the first key of the node below it: fix_keys() after every change
 *    of an entry 0.
 * X2 no node but the root is empty: an empty one is freed, with its entry above.
 * X3 an insertion makes room first, a split at a time from above, each of which leaves a correct
 *    tree; then it looks for its place anew.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "ext4.h"

#define BUF_NODE_OK	BUF_PRIV_1	/* its checksum was right */
#define ROOT_MAX	4u

/*
 * Entry @at of the node at one level of a path: the last whose key is not behind what we look for.
 */
struct level {
	struct buf *buf;		/* NULL: the root */
	struct disk_extent_header *node;
	int32_t at;			/* -1: all keys are behind it (leaves only) */
};
struct path_in { struct level level[EXTENT_MAX_DEPTH + 1]; uint32_t depth; };

static struct disk_extent *leaf(const struct level *l)
{
	return (struct disk_extent *)(l->node + 1);
}
static struct disk_extent_index *indexes(const struct level *l)
{
	return (struct disk_extent_index *)(l->node + 1);
}
static uint32_t entries(const struct level *l) { return le16_to_cpu(l->node->entries); }
static uint32_t room(const struct level *l) { return le16_to_cpu(l->node->max); }
static void set_entries(struct level *l, uint32_t n)
{
	l->node->entries = cpu_to_le16((uint16_t)n);
}

static uint32_t len_of(const struct disk_extent *e)
{
	uint32_t n = le16_to_cpu(e->len);

	return n > EXTENT_MAX_LEN ? n - EXTENT_MAX_LEN : n;
}
static bool is_unwritten(const struct disk_extent *e)
{
	return le16_to_cpu(e->len) > EXTENT_MAX_LEN;
}
static uint32_t first_of(const struct disk_extent *e) { return le32_to_cpu(e->block); }
static uint64_t end_of(const struct disk_extent *e) { return (uint64_t)first_of(e) + len_of(e); }
static uint64_t start_of(const struct disk_extent *e) { return le48(e->start_lo, e->start_hi); }
static uint64_t child_of(const struct disk_extent_index *x) { return le48(x->leaf_lo, x->leaf_hi); }

static void set_extent(struct disk_extent *e, const struct ext4_run *r)
{
	e->block = cpu_to_le32(r->lblock);
	e->len = cpu_to_le16((uint16_t)(r->len + (r->unwritten ? EXTENT_MAX_LEN : 0)));
	e->start_lo = cpu_to_le32((uint32_t)r->block);
	e->start_hi = cpu_to_le16((uint16_t)(r->block >> 32));
}

static struct ext4_run get_extent(const struct disk_extent *e)
{
	return (struct ext4_run){ first_of(e), len_of(e), start_of(e), is_unwritten(e) };
}

static void set_child(struct disk_extent_index *x, uint32_t key, uint64_t block)
{
	*x = (struct disk_extent_index){ .block = cpu_to_le32(key),
		.leaf_lo = cpu_to_le32((uint32_t)block),
		.leaf_hi = cpu_to_le16((uint16_t)(block >> 32)) };
}

void ext4_extents_init(struct ext4_inode *ei)
{
	struct disk_extent_header *h = (struct disk_extent_header *)ei->block;

	memset(ei->block, 0, sizeof(ei->block));
	h->magic = cpu_to_le16(EXTENT_MAGIC);
	h->max = cpu_to_le16(ROOT_MAX);
}

static uint32_t node_room(const struct ext4_fs *fs)
{
	return (fs->block_size - sizeof(struct disk_extent_header)) / sizeof(struct disk_extent);
}

static uint32_t tail_at(const struct disk_extent_header *h)
{
	return (uint32_t)(sizeof(*h) + le16_to_cpu(h->max) * sizeof(struct disk_extent));
}

static int bad(struct ext4_inode *ei, const char *what)
{
	return ext4_damaged(ext4_fs_of(&ei->inode), "inode %llu: extents: %s",
			    (unsigned long long)ei->inode.ino, what);
}

/* Keys in order, nothing overlaps, all within the file system. */
static bool entries_ok(const struct ext4_fs *fs, const struct level *l, uint32_t depth)
{
	uint64_t next = 0;

	for (uint32_t i = 0; i < entries(l); i++) {
		const struct disk_extent *e = &leaf(l)[i];

		if (i ? first_of(e) < next : false)
			return false;
		if (depth) {
			next = (uint64_t)first_of(e) + 1;
		} else {
			if (!len_of(e) || !ext4_blocks_ok(fs, start_of(e), len_of(e)))
				return false;
			next = end_of(e);
			if (next > UINT32_MAX)
				return false;
		}
	}
	return true;
}

static int check_node(struct ext4_inode *ei, const struct level *l, uint32_t depth)
{
	const struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	const struct disk_extent_header *h = l->node;

	if (le16_to_cpu(h->magic) != EXTENT_MAGIC || le16_to_cpu(h->depth) != depth)
		return bad(ei, "no node");
	if (room(l) > (l->buf ? node_room(fs) : ROOT_MAX) || entries(l) > room(l) ||
	    ((l->buf || depth) && !entries(l)))
		return bad(ei, "counts");
	if (l->buf && !buf_has(l->buf, BUF_NODE_OK)) {
		if (tail_at(h) + 4 > fs->block_size && ext4_has_csum(fs))
			return bad(ei, "no room for the checksum");
		if (ext4_has_csum(fs) && !ext4_csum_tail_ok(ei, h, tail_at(h), tail_at(h)))
			return bad(ei, "wrong checksum");
		buf_set_flags(l->buf, BUF_NODE_OK);
	}
	return entries_ok(fs, l, depth) ? 0 : bad(ei, "entries");
}

static void put_path(struct path_in *p)
{
	for (uint32_t i = 0; i <= EXTENT_MAX_DEPTH; i++) {
		if (p->level[i].buf)
			buf_put(p->level[i].buf);
		p->level[i].buf = NULL;
	}
}

/* The last entry whose key is not behind @lblock, -1. */
static int32_t search(const struct level *l, uint32_t lblock)
{
	int32_t low = 0, high = (int32_t)entries(l);

	while (low < high) {
		int32_t mid = (low + high) / 2;

		if (first_of(&leaf(l)[mid]) <= lblock)
			low = mid + 1;
		else
			high = mid;
	}
	return low - 1;
}

static int get_path(struct ext4_inode *ei, uint32_t lblock, struct path_in *p)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	uint32_t depth;
	int err;

	memset(p, 0, sizeof(*p));
	p->level[0].node = (struct disk_extent_header *)ei->block;
	depth = p->depth = le16_to_cpu(p->level[0].node->depth);
	if (depth > EXTENT_MAX_DEPTH)
		return bad(ei, "too deep");
	for (uint32_t i = 0;; i++) {
		struct level *l = &p->level[i];
		uint64_t child;

		err = check_node(ei, l, depth - i);
		if (err)
			break;
		l->at = search(l, lblock);
		if (i == depth)
			return 0;
		l->at = max(l->at, 0);
		child = child_of(&indexes(l)[l->at]);
		if (!ext4_blocks_ok(fs, child, 1)) {
			err = bad(ei, "index points astray");
			break;
		}
		l[1].buf = buf_read(fs->cache, child);
		if (IS_ERR(l[1].buf)) {
			err = (int)PTR_ERR(l[1].buf);
			l[1].buf = NULL;
			break;
		}
		l[1].node = l[1].buf->data;
	}
	put_path(p);
	return err;
}

/* The key that follows the path's place, or the end of what a file can have. */
static uint32_t next_key(const struct path_in *p)
{
	for (int32_t i = (int32_t)p->depth; i >= 0; i--) {
		const struct level *l = &p->level[i];

		if (l->at + 1 < (int32_t)entries(l))
			return first_of(&leaf(l)[l->at + 1]);
	}
	return UINT32_MAX;
}

int ext4_extents_map(struct ext4_inode *ei, uint32_t lblock, uint32_t max, struct ext4_run *run)
{
	const struct disk_extent *e;
	const struct level *l;
	struct path_in p;
	uint32_t next;
	int err = get_path(ei, lblock, &p);

	if (err)
		return err;
	l = &p.level[p.depth];
	e = l->at >= 0 ? &leaf(l)[l->at] : NULL;
	*run = (struct ext4_run){ .lblock = lblock };
	if (e && lblock < end_of(e)) {
		run->block = start_of(e) + (lblock - first_of(e));
		run->len = (uint32_t)min_t(uint64_t, max, end_of(e) - lblock);
		run->unwritten = is_unwritten(e);
	} else {
		next = next_key(&p);
		if (next <= lblock)
			err = bad(ei, "keys");
		run->len = min(max, next - lblock);
	}
	put_path(&p);
	return err;
}

static int access_level(struct journal_handle *h, struct level *l)
{
	return l->buf ? journal_access(h, l->buf) : 0;
}

static void dirty_level(struct journal_handle *h, struct ext4_inode *ei, struct level *l)
{
	if (!l->buf)
		return;			/* the caller writes the inode */
	ext4_csum_tail_set(ei, l->node, tail_at(l->node), tail_at(l->node));
	journal_dirty(h, l->buf);
}

/* X1: entry 0 at level @i has a new key. */
static int fix_keys(struct journal_handle *h, struct ext4_inode *ei, struct path_in *p, uint32_t i)
{
	while (i > 0) {
		struct level *l = &p->level[i], *up = &p->level[i - 1];
		int err = access_level(h, up);

		if (err)
			return err;
		indexes(up)[up->at].block = leaf(l)[0].block;
		dirty_level(h, ei, up);
		if (up->at)
			return 0;
		i--;
	}
	return 0;
}

static void count_blocks(struct ext4_inode *ei, int64_t n)
{
	ei->nr_blocks = (uint64_t)((int64_t)ei->nr_blocks + n);
}

static struct buf *new_node(struct journal_handle *h, struct ext4_inode *ei, uint32_t depth)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	struct disk_extent_header *n;
	struct buf *b = ext4_new_meta(h, &ei->inode, ext4_group_first_block(fs, ei->group),
				      EXT4_ALLOC_POOL);

	if (IS_ERR(b))
		return b;
	n = b->data;
	n->magic = cpu_to_le16(EXTENT_MAGIC);
	n->max = cpu_to_le16((uint16_t)node_room(fs));
	n->depth = cpu_to_le16((uint16_t)depth);
	buf_set_flags(b, BUF_NODE_OK);
	count_blocks(ei, 1);
	return b;
}

/* The root's entries move into a node below it. */
static int grow(struct journal_handle *h, struct ext4_inode *ei, struct path_in *p)
{
	struct level *root = &p->level[0], below = { 0 };
	uint32_t key = first_of(&leaf(root)[0]);

	if (p->depth == EXTENT_MAX_DEPTH)
		return -EFBIG;
	below.buf = new_node(h, ei, p->depth);
	if (IS_ERR(below.buf))
		return (int)PTR_ERR(below.buf);
	below.node = below.buf->data;
	memcpy(leaf(&below), leaf(root), entries(root) * sizeof(struct disk_extent));
	set_entries(&below, entries(root));
	dirty_level(h, ei, &below);
	root->node->depth = cpu_to_le16((uint16_t)(p->depth + 1));
	set_entries(root, 1);
	memset(leaf(root), 0, ROOT_MAX * sizeof(struct disk_extent));
	set_child(indexes(root), key, below.buf->block);
	buf_put(below.buf);
	return 0;
}

/* Put an entry behind the path's place at level @i, which has room. */
static void insert_index(struct level *l, uint32_t key, uint64_t block)
{
	struct disk_extent_index *x = &indexes(l)[l->at + 1];

	memmove(x + 1, x, (entries(l) - (uint32_t)(l->at + 1)) * sizeof(*x));
	set_child(x, key, block);
	set_entries(l, entries(l) + 1);
}

/* The full node at level @i gives its upper half to a new one; the level above has room. */
static int split(struct journal_handle *h, struct ext4_inode *ei, struct path_in *p, uint32_t i)
{
	struct level *l = &p->level[i], *up = &p->level[i - 1], right = { 0 };
	uint32_t n = entries(l), keep = n / 2;
	int err = access_level(h, l);

	if (!err)
		err = access_level(h, up);
	if (err)
		return err;
	if (l->at == (int32_t)n - 1)		/* appending: leave it full */
		keep = n - 1;
	right.buf = new_node(h, ei, p->depth - i);
	if (IS_ERR(right.buf))
		return (int)PTR_ERR(right.buf);
	right.node = right.buf->data;
	memcpy(leaf(&right), &leaf(l)[keep], (n - keep) * sizeof(struct disk_extent));
	set_entries(&right, n - keep);
	set_entries(l, keep);
	insert_index(up, first_of(&leaf(&right)[0]), right.buf->block);
	dirty_level(h, ei, &right);
	dirty_level(h, ei, l);
	dirty_level(h, ei, up);
	buf_put(right.buf);
	return 0;
}

/* X3: one step towards room in the path's leaf. */
static int make_room(struct journal_handle *h, struct ext4_inode *ei, struct path_in *p)
{
	for (int32_t i = (int32_t)p->depth - 1; i >= 0; i--) {
		if (entries(&p->level[i]) < room(&p->level[i]))
			return split(h, ei, p, (uint32_t)i + 1);
	}
	return grow(h, ei, p);
}

static bool can_join(const struct ext4_run *a, const struct ext4_run *b)
{
	return a->unwritten == b->unwritten && (uint64_t)a->lblock + a->len == b->lblock &&
	       a->block + a->len == b->block &&
	       a->len + b->len <= EXTENT_MAX_LEN - (a->unwritten ? 1 : 0);
}

static void remove_entry(struct level *l, uint32_t at)
{
	memmove(&leaf(l)[at], &leaf(l)[at + 1],
		(entries(l) - at - 1) * sizeof(struct disk_extent));
	set_entries(l, entries(l) - 1);
}

/* Join @run with its neighbours in the leaf.  1: done; 0: it needs an entry of its own. */
static int try_join(struct journal_handle *h, struct ext4_inode *ei, struct path_in *p,
		    const struct ext4_run *run)
{
	struct level *l = &p->level[p->depth];
	bool has_right = l->at + 1 < (int32_t)entries(l);
	struct disk_extent *left = l->at >= 0 ? &leaf(l)[l->at] : NULL;
	struct disk_extent *right = has_right ? &leaf(l)[l->at + 1] : NULL;
	struct ext4_run a = { 0 }, b = { 0 };

	if (left)
		a = get_extent(left);
	if (right)
		b = get_extent(right);
	if (left && can_join(&a, run)) {
		a.len += run->len;
		if (right && can_join(&a, &b)) {
			a.len += b.len;
			remove_entry(l, (uint32_t)l->at + 1);
		}
		set_extent(left, &a);
		dirty_level(h, ei, l);
		return 1;
	}
	if (!right || !can_join(run, &b))
		return 0;
	b.lblock = run->lblock;
	b.block = run->block;
	b.len += run->len;
	set_extent(right, &b);
	dirty_level(h, ei, l);
	return l->at < 0 ? fix_keys(h, ei, p, p->depth) ? : 1 : 1;
}

static int overlaps(struct ext4_inode *ei, const struct path_in *p, const struct ext4_run *run)
{
	const struct level *l = &p->level[p->depth];

	if ((l->at >= 0 && end_of(&leaf(l)[l->at]) > run->lblock) ||
	    (uint64_t)run->lblock + run->len > next_key(p))
		return bad(ei, "a run is mapped twice");
	return 0;
}

/* 0: done; -EAGAIN: the tree was changed to have room, look again. */
static int insert_once(struct journal_handle *h, struct ext4_inode *ei, const struct ext4_run *run)
{
	struct disk_extent *e;
	struct path_in p;
	struct level *l;
	int err = get_path(ei, run->lblock, &p);

	if (err)
		return err;
	l = &p.level[p.depth];
	err = overlaps(ei, &p, run);
	if (!err)
		err = access_level(h, l);
	if (!err)
		err = try_join(h, ei, &p, run);
	if (err) {
		err = min(err, 0);
	} else if (entries(l) == room(l)) {
		err = make_room(h, ei, &p);
		err = err ? err : -EAGAIN;
	} else {
		e = &leaf(l)[l->at + 1];
		memmove(e + 1, e, (entries(l) - (uint32_t)(l->at + 1)) * sizeof(*e));
		set_extent(e, run);
		set_entries(l, entries(l) + 1);
		dirty_level(h, ei, l);
		if (l->at < 0)
			err = fix_keys(h, ei, &p, p.depth);
	}
	put_path(&p);
	return err;
}

static int insert_piece(struct journal_handle *h, struct ext4_inode *ei, const struct ext4_run *run)
{
	int err;

	for (unsigned int tries = 0; tries < 4 * EXTENT_MAX_DEPTH; tries++) {
		err = insert_once(h, ei, run);
		if (err != -EAGAIN)
			return err;
	}
	return bad(ei, "no room can be made");
}

int ext4_extents_insert(struct journal_handle *h, struct ext4_inode *ei, const struct ext4_run *run)
{
	uint32_t limit = EXTENT_MAX_LEN - (run->unwritten ? 1 : 0);
	struct ext4_run piece = *run;
	uint32_t left = run->len;
	int err = 0;

	while (left && !err) {
		piece.len = min(left, limit);
		err = insert_piece(h, ei, &piece);
		left -= piece.len;
		piece.lblock += piece.len;
		piece.block += piece.len;
	}
	return err;
}

/* X2: the node at level @i may have become empty. */
static int prune(struct journal_handle *h, struct ext4_inode *ei, struct path_in *p, uint32_t i)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	int err;

	while (i > 0 && !entries(&p->level[i])) {
		struct level *up = &p->level[i - 1];

		err = access_level(h, up);
		if (!err)
			err = ext4_free_blocks(h, fs, p->level[i].buf->block, 1,
					       EXT4_FREE_METADATA);
		if (err)
			return err;
		count_blocks(ei, -1);
		remove_entry(up, (uint32_t)up->at);
		dirty_level(h, ei, up);
		i--;
		if (entries(up)) {
			/* A removed entry 0 leaves its successor in its place. */
			return up->at ? 0 : fix_keys(h, ei, p, i);
		}
	}
	if (!i && !entries(&p->level[0]))
		ext4_extents_init(ei);
	return 0;
}

/* Take [a, b) out of the entry of the path; what is right of it is returned in *rest. */
static int cut(struct journal_handle *h, struct ext4_inode *ei, struct path_in *p,
	       const struct ext4_run *hole, struct ext4_run *rest)
{
	struct level *l = &p->level[p->depth];
	struct disk_extent *e = &leaf(l)[l->at];
	struct ext4_run r = get_extent(e);
	uint32_t end = r.lblock + r.len, hole_end = hole->lblock + hole->len;
	int err = access_level(h, l);

	if (err)
		return err;
	*rest = (struct ext4_run){ hole_end, end - hole_end, r.block + (hole_end - r.lblock),
		r.unwritten };
	if (hole->lblock > r.lblock) {
		r.len = hole->lblock - r.lblock;
		set_extent(e, &r);
		dirty_level(h, ei, l);
		return 0;
	}
	if (rest->len) {			/* the entry itself becomes the rest */
		set_extent(e, rest);
		rest->len = 0;
		dirty_level(h, ei, l);
		return l->at ? 0 : fix_keys(h, ei, p, p->depth);
	}
	remove_entry(l, (uint32_t)l->at);
	if (entries(l)) {
		dirty_level(h, ei, l);
		return l->at ? 0 : fix_keys(h, ei, p, p->depth);
	}
	return prune(h, ei, p, p->depth);
}

int ext4_extents_remove(struct journal_handle *h, struct ext4_inode *ei, uint32_t from, uint32_t to)
{
	struct ext4_fs *fs = ext4_fs_of(&ei->inode);
	struct ext4_run r, hole, rest;
	struct path_in p;
	struct level *l;
	int err;

	if (from >= to)
		return 0;
	err = get_path(ei, to - 1, &p);
	if (err)
		return err;
	l = &p.level[p.depth];
	if (l->at < 0 || end_of(&leaf(l)[l->at]) <= from) {
		put_path(&p);
		return 0;
	}
	r = get_extent(&leaf(l)[l->at]);
	hole.lblock = max(r.lblock, from);
	hole.len = min(r.lblock + r.len, to) - hole.lblock;
	if (hole.len > fs->blocks_per_group) {	/* few groups for one transaction */
		hole.lblock += hole.len - fs->blocks_per_group;
		hole.len = fs->blocks_per_group;
	}
	hole.block = r.block + (hole.lblock - r.lblock);
	err = cut(h, ei, &p, &hole, &rest);
	put_path(&p);
	if (!err && rest.len)
		err = ext4_extents_insert(h, ei, &rest);
	if (!err)
		err = ext4_free_blocks(h, fs, hole.block, hole.len,
				       S_ISREG(ei->inode.mode) ? 0 : EXT4_FREE_METADATA);
	if (!err)
		count_blocks(ei, -(int64_t)hole.len);
	return err ? err : -EAGAIN;
}

/* One extent's part of [lblock, lblock + len): how much was dealt with in *done. */
static int write_one(struct journal_handle *h, struct ext4_inode *ei, uint32_t lblock, uint32_t len,
		     uint32_t *done)
{
	struct ext4_run r, mine, rest;
	struct path_in p;
	struct level *l;
	int err = ext4_extents_map(ei, lblock, len, &r);

	if (err)
		return err;
	*done = r.len;
	if (!r.block || !r.unwritten)
		return 0;
	err = get_path(ei, lblock, &p);
	if (err)
		return err;
	l = &p.level[p.depth];
	mine = r;
	mine.unwritten = false;
	if (entries(l) == 1 && len_of(&leaf(l)[0]) == mine.len) {
		err = access_level(h, l);
		if (!err) {
			set_extent(&leaf(l)[0], &mine);
			dirty_level(h, ei, l);
		}
		put_path(&p);
		return err;
	}
	err = cut(h, ei, &p, &mine, &rest);
	put_path(&p);
	if (!err)
		err = ext4_extents_insert(h, ei, &mine);
	if (!err && rest.len)
		err = ext4_extents_insert(h, ei, &rest);
	return err;
}

int ext4_extents_set_written(struct journal_handle *h, struct ext4_inode *ei, uint32_t lblock,
			     uint32_t len)
{
	int err = 0;

	while (len && !err) {
		uint32_t done = 0;

		err = write_one(h, ei, lblock, len, &done);
		lblock += done;
		len -= done;
	}
	return err;
}
