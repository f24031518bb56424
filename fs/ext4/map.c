/* SPDX-License-Identifier: MIT */
/*
 * Where a file's bytes are, and how data gets a place.
 *
 * The problem: a crash must not show in a file what somebody else's blocks held, and waiting for
 * data in a commit invites deadlocks.  So a block enters the map on the medium only after the data
 * is in it:
 *
 *	RESERVE		a hole that will be written becomes DELAYED: a block is promised (balloc.c),
 *			which one is open; that is pending, and in memory alone
 *	ALLOCATE	writeback: the run becomes IN FLIGHT: it has blocks, which the bitmaps still
 *			call free; the answer is "unwritten", so that iomap calls
 *	written()	the data is on the disk: one transaction sets bitmap, map and size
 *
 * A crash before that transaction has committed leaves the old file.  Its commit flushes the disk
 * first, so data that the transaction names is on the medium (E3).  Runs that fallocate() made are
 * unwritten in the map, and written() turns them.
 *
 * M1 ei->pending and the map on the medium are disjoint.
 * M2 ei->disk_size <= inode->size, but while a truncation is on its way; it grows in written()
 *    only, or with the size of setattr().
 * M3 inode->blocks counts the map and what is pending.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "ext4.h"
#include "glue.h"

bool ext4_has_map(const struct inode *inode)
{
	const struct ext4_inode *ei = container_of((struct inode *)inode, struct ext4_inode, inode);

	if (S_ISLNK(inode->mode))
		return (ei->flags & FLAG_EXTENTS) || ei->nr_blocks > (ei->xattr_block ? 1 : 0);
	return S_ISREG(inode->mode) || S_ISDIR(inode->mode);
}

static void show_blocks(struct ext4_inode *ei)
{
	WRITE_ONCE(ei->inode.blocks,
		   (ei->nr_blocks + ei->nr_pending) << (ext4_fs_of(&ei->inode)->block_shift - 9));
}

/* The first pending run that ends behind @lblock. */
static struct ext4_pending *pending_after(struct ext4_inode *ei, uint32_t lblock)
{
	struct rb_node *n = ei->pending.root;
	struct ext4_pending *best = NULL;

	while (n) {
		struct ext4_pending *p = rb_entry(n, struct ext4_pending, node);

		if ((uint64_t)p->lblock + p->len > lblock) {
			best = p;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

static void pending_link(struct ext4_inode *ei, struct ext4_pending *p)
{
	struct rb_node **link = &ei->pending.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = p->lblock < rb_entry(parent, struct ext4_pending, node)->lblock ?
			&parent->left : &parent->right;
	}
	rb_link(&p->node, parent, link);
	rb_insert(&ei->pending, &p->node);
}

static int pending_add(struct ext4_inode *ei, uint32_t lblock, uint32_t len, uint64_t block)
{
	struct ext4_pending *before = lblock ? pending_after(ei, lblock - 1) : NULL, *p;

	ei->nr_pending += len;
	/* Appending is the usual thing: one run grows. */
	if (before && before->lblock + before->len == lblock && before->len + len > len &&
	    (block ? before->block && before->block + before->len == block : !before->block)) {
		before->len += len;
		return 0;
	}
	p = kmalloc(sizeof(*p), 0);
	if (!p) {
		ei->nr_pending -= len;
		return -ENOMEM;
	}
	*p = (struct ext4_pending){ .lblock = lblock, .len = len, .block = block };
	pending_link(ei, p);
	return 0;
}

/* Take [from, from + len), which lies within @p, out.  -ENOMEM: nothing has changed. */
static int pending_cut(struct ext4_inode *ei, struct ext4_pending *p, uint32_t from, uint32_t len)
{
	uint32_t head = from - p->lblock, tail = p->len - head - len;
	struct ext4_pending *right;

	if (head && tail) {
		right = kmalloc(sizeof(*right), 0);
		if (!right)
			return -ENOMEM;
		*right = (struct ext4_pending){ .lblock = from + len, .len = tail,
			.block = p->block ? p->block + head + len : 0 };
		p->len = head;
		pending_link(ei, right);
	} else if (head) {
		p->len = head;
	} else if (tail) {
		p->lblock += len;		/* order in the tree stays */
		p->len = tail;
		if (p->block)
			p->block += len;
	} else {
		rb_erase(&ei->pending, &p->node);
		kfree(p);
	}
	ei->nr_pending -= len;
	return 0;
}

/* Forget what is pending in [from, to): nothing of it is on its way (IM3). */
void ext4_pending_drop(struct inode *inode, uint32_t from, uint32_t to)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct ext4_pending *p;

	if (rb_empty(&ei->pending))
		return;
	rwsem_lock_write(&ei->map_lock);
	while ((p = pending_after(ei, from)) && p->lblock < to) {
		uint32_t a = max(p->lblock, from), b = min(p->lblock + p->len, to);
		uint64_t block = p->block ? p->block + (a - p->lblock) : 0;

		if (pending_cut(ei, p, a, b - a))
			break;			/* out of memory: the promise is kept longer */
		if (block)
			ext4_untake_blocks(fs, block, b - a);
		else
			ext4_unpromise(fs, b - a);
	}
	show_blocks(ei);
	rwsem_unlock_write(&ei->map_lock);
}

uint32_t ext4_max_lblock(const struct inode *inode)
{
	const struct ext4_inode *ei = container_of((struct inode *)inode, struct ext4_inode, inode);
	uint64_t n = ext4_fs_of(inode)->block_size / 4;

	if (ei->flags & FLAG_EXTENTS)
		return UINT32_MAX - 1;
	return (uint32_t)min_t(uint64_t, 12 + n + n * n + n * n * n, UINT32_MAX - 1);
}

int ext4_map_locked(struct inode *inode, uint32_t lblock, uint32_t max, struct ext4_run *run)
{
	struct ext4_inode *ei = EXT4_I(inode);

	if (lblock >= ext4_max_lblock(inode)) {
		*run = (struct ext4_run){ .lblock = lblock, .len = max };
		return 0;
	}
	if (ei->flags & FLAG_EXTENTS)
		return ext4_extents_map(ei, lblock, max, run);
	return ext4_indirect_map(ei, lblock, max, run);
}

int ext4_map_block(struct inode *inode, uint32_t lblock, uint64_t *block)
{
	struct ext4_run run;
	int err;

	rwsem_lock_read(&EXT4_I(inode)->map_lock);
	err = ext4_map_locked(inode, lblock, 1, &run);
	rwsem_unlock_read(&EXT4_I(inode)->map_lock);
	if (!err)
		*block = run.unwritten ? 0 : run.block;
	return err;
}

static int insert_run(struct journal_handle *h, struct inode *inode, const struct ext4_run *run)
{
	struct ext4_inode *ei = EXT4_I(inode);
	int err;

	if (ei->flags & FLAG_EXTENTS)
		err = ext4_extents_insert(h, ei, run);
	else
		err = ext4_indirect_insert(h, ei, run);
	if (!err)
		ei->nr_blocks += run->len;
	return err;
}

/* Where a block at @lblock would best lie: behind the one before it. */
static uint64_t goal_for(struct inode *inode, uint32_t lblock)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_run run;

	if (ei->goal_block && ei->goal_lblock == lblock)
		return ei->goal_block;
	if (lblock && !ext4_map_locked(inode, lblock - 1, 1, &run) && run.block)
		return run.block + 1;
	return ext4_group_first_block(ext4_fs_of(inode), ei->group);
}

static void set_goal(struct ext4_inode *ei, uint32_t lblock, uint64_t block)
{
	ei->goal_lblock = lblock;
	ei->goal_block = block;
}

struct buf *ext4_new_meta(struct journal_handle *h, struct inode *inode, uint64_t goal,
			  uint32_t alloc_flags)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t len = 1;
	uint64_t block;
	struct buf *b;
	int err = ext4_alloc_blocks(h, fs, goal, alloc_flags, &len, &block);

	if (err)
		return ERR_PTR(err);
	b = buf_get(fs->cache, block);
	if (IS_ERR(b))
		return b;
	err = journal_access_new(h, b);
	if (err) {
		buf_put(b);
		return ERR_PTR(err);
	}
	memset(b->data, 0, b->size);
	buf_clear_flags(b, BUF_PRIV_0 | BUF_PRIV_1 | BUF_PRIV_2 | BUF_PRIV_3);
	buf_set_uptodate(b);
	return b;
}

int ext4_append_block(struct journal_handle *h, struct inode *inode, uint32_t lblock,
		      uint64_t *block)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_run run = { .lblock = lblock, .len = 1 };
	int err;

	rwsem_lock_write(&ei->map_lock);
	err = ext4_alloc_blocks(h, ext4_fs_of(inode), goal_for(inode, lblock), 0, &run.len,
				&run.block);
	if (!err) {
		err = insert_run(h, inode, &run);
		err = err ? ext4_fatal(ext4_fs_of(inode), err) : 0;
	}
	set_goal(ei, lblock + 1, run.block + 1);
	show_blocks(ei);
	rwsem_unlock_write(&ei->map_lock);
	*block = run.block;
	return err;
}

/* iomap_ops.map */

struct request {
	struct inode *inode;
	uint32_t lblock, len;		/* what is asked for, in blocks */
	enum iomap_for what;
	struct iomap *out;
};

static void answer(const struct request *r, uint32_t len, uint64_t block, enum iomap_type type)
{
	struct ext4_fs *fs = ext4_fs_of(r->inode);

	*r->out = (struct iomap){
		.offset = (uint64_t)r->lblock << fs->block_shift,
		.length = (uint64_t)len << fs->block_shift,
		.address = block << fs->block_shift,
		.type = type,
		.dev = fs->dev,
	};
}

/* The pending run at the place, if there is one; else r->len ends before the next. */
static struct ext4_pending *pending_at(struct request *r)
{
	struct ext4_pending *p = pending_after(EXT4_I(r->inode), r->lblock);

	if (!p)
		return NULL;
	if (p->lblock <= r->lblock)
		return p;
	r->len = min(r->len, p->lblock - r->lblock);
	return NULL;
}

/* READ and REPORT: what is pending is zeros on the medium, and its bytes are in the cache. */
static int look(struct request *r)
{
	struct ext4_pending *p = pending_at(r);
	struct ext4_run run;
	int err;

	if (p) {
		answer(r, p->lblock + p->len - r->lblock, 0,
		       r->what == IOMAP_REPORT ? IOMAP_DELALLOC : IOMAP_HOLE);
		return 0;
	}
	err = ext4_map_locked(r->inode, r->lblock, r->len, &run);
	if (!err)
		answer(r, run.len, run.block, !run.block ? IOMAP_HOLE :
		       run.unwritten ? IOMAP_UNWRITTEN : IOMAP_MAPPED);
	return err;
}

static int reserve(struct request *r)
{
	struct ext4_inode *ei = EXT4_I(r->inode);
	struct ext4_pending *p = pending_at(r);
	struct ext4_run run;
	int err;

	if (p) {
		answer(r, p->lblock + p->len - r->lblock, 0, IOMAP_DELALLOC);
		return 0;
	}
	err = ext4_map_locked(r->inode, r->lblock, r->len, &run);
	if (err)
		return err;
	if (run.block) {
		answer(r, run.len, run.block, run.unwritten ? IOMAP_UNWRITTEN : IOMAP_MAPPED);
		return 0;
	}
	err = ext4_promise(ext4_fs_of(r->inode), run.len);
	if (err == -ENOSPC && run.len > 1) {
		run.len = 1;
		err = ext4_promise(ext4_fs_of(r->inode), 1);
	}
	if (err)
		return err;
	err = pending_add(ei, r->lblock, run.len, 0);
	if (err) {
		ext4_unpromise(ext4_fs_of(r->inode), run.len);
		return err;
	}
	show_blocks(ei);
	answer(r, run.len, 0, IOMAP_DELALLOC);
	r->out->flags = IOMAP_NEW;
	return 0;
}

/* A delayed run gets blocks: from its start, as many as there are in a row. */
static int place(struct request *r, struct ext4_pending *p)
{
	struct ext4_inode *ei = EXT4_I(r->inode);
	struct ext4_fs *fs = ext4_fs_of(r->inode);
	uint32_t len = min(r->len, p->lblock + p->len - r->lblock);
	uint64_t block;
	int err = ext4_take_blocks(fs, goal_for(r->inode, r->lblock), &len, &block);

	if (err)
		return err;
	err = pending_cut(ei, p, r->lblock, len);
	if (!err) {
		err = pending_add(ei, r->lblock, len, block);
		if (err)	/* its promise goes with the blocks: the data is lost (IM4) */
			show_blocks(ei);
	}
	if (err) {
		ext4_untake_blocks(fs, block, len);
		return err;
	}
	set_goal(ei, r->lblock + len, block + len);
	answer(r, len, block, IOMAP_UNWRITTEN);
	return 0;
}

static int allocate(struct request *r)
{
	struct ext4_fs *fs = ext4_fs_of(r->inode);
	struct ext4_inode *ei = EXT4_I(r->inode);
	struct ext4_pending *p = pending_at(r);
	struct ext4_run run;
	int err;

	if (p && p->block) {
		answer(r, p->lblock + p->len - r->lblock, p->block + (r->lblock - p->lblock),
		       IOMAP_UNWRITTEN);
		return 0;
	}
	if (p)
		return place(r, p);
	err = ext4_map_locked(r->inode, r->lblock, r->len, &run);
	if (err)
		return err;
	if (run.block) {
		uint64_t end = ((uint64_t)r->lblock + run.len) << fs->block_shift;

		/* M2: written() shall hear of what lies beyond the size that the medium knows. */
		answer(r, run.len, run.block, run.unwritten || end > (uint64_t)ei->disk_size ?
		       IOMAP_UNWRITTEN : IOMAP_MAPPED);
		return 0;
	}
	/* Direct I/O into a hole. */
	err = ext4_promise(fs, run.len);
	if (err)
		return err;
	err = pending_add(ei, r->lblock, run.len, 0);
	if (err) {
		ext4_unpromise(fs, run.len);
		return err;
	}
	return place(r, pending_after(ei, r->lblock));
}

static int map_run(struct request *r)
{
	struct ext4_inode *ei = EXT4_I(r->inode);
	bool changes = r->what == IOMAP_RESERVE || r->what == IOMAP_ALLOCATE;
	int err;

	if (!changes) {
		rwsem_lock_read(&ei->map_lock);
		err = look(r);
		rwsem_unlock_read(&ei->map_lock);
		return err;
	}
	rwsem_lock_write(&ei->map_lock);
	err = r->what == IOMAP_RESERVE ? reserve(r) : allocate(r);
	rwsem_unlock_write(&ei->map_lock);
	return err;
}

static int ext4_map(struct inode *inode, uint64_t pos, uint64_t len, enum iomap_for what,
		    struct iomap *out)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint64_t first = pos >> fs->block_shift;
	uint64_t end = (pos + max(len, (uint64_t)1) - 1) >> fs->block_shift;
	unsigned int tries = 0;
	struct request r = { .inode = inode, .what = what, .out = out };
	int err;

	if (first >= ext4_max_lblock(inode)) {
		if (what == IOMAP_RESERVE || what == IOMAP_ALLOCATE)
			return -EFBIG;
		*out = (struct iomap){ .offset = align_down(pos, (uint64_t)fs->block_size),
			.length = (end - first + 1) << fs->block_shift, .dev = fs->dev };
		return 0;
	}
	r.lblock = (uint32_t)first;
	do {
		r.len = (uint32_t)min(end - first + 1, (uint64_t)1 << 30);
		r.len = min(r.len, UINT32_MAX - r.lblock ? UINT32_MAX - r.lblock : 1);
		err = map_run(&r);
	} while (err && ext4_should_retry(fs, err, &tries));
	return err;
}

#define WRITTEN_CREDITS	(EXT4_EXTENT_CREDITS + EXT4_ALLOC_CREDITS + 4)

/* The first piece of [lblock, lblock + len) is on the disk: how long it is. */
static int record_piece(struct journal_handle *h, struct inode *inode, uint32_t lblock,
			uint32_t len, uint32_t *done)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct ext4_pending *p = pending_after(ei, lblock);
	struct ext4_run run = { .lblock = lblock };
	int err;

	if (p && p->lblock <= lblock) {
		*done = run.len = min(len, p->lblock + p->len - lblock);
		if (!p->block)
			return 0;		/* written again since, it will come */
		run.block = p->block + (lblock - p->lblock);
		err = pending_cut(ei, p, lblock, run.len);
		if (!err)
			err = ext4_commit_blocks(h, fs, run.block, run.len);
		if (!err)
			err = insert_run(h, inode, &run);
		return err ? ext4_fatal(fs, err) : 0;
	}
	if (p)
		len = min(len, p->lblock - lblock);
	err = ext4_map_locked(inode, lblock, len, &run);
	if (err)
		return err;
	*done = run.len;
	if (!run.block || !run.unwritten)
		return 0;
	err = ext4_extents_set_written(h, ei, lblock, run.len);
	return err ? ext4_fatal(fs, err) : 0;
}

static int record_all(struct journal_handle *h, struct inode *inode, uint32_t lblock, uint32_t end)
{
	struct ext4_inode *ei = EXT4_I(inode);
	int err = 0;

	while (lblock < end && !err) {
		uint32_t done = 0;

		err = journal_ensure(h, WRITTEN_CREDITS);
		if (err)
			break;
		rwsem_lock_write(&ei->map_lock);
		err = record_piece(h, inode, lblock, end - lblock, &done);
		show_blocks(ei);
		/* Each piece is complete in itself: another transaction may begin behind it. */
		if (!err && done)
			err = ext4_update_inode(h, inode);
		rwsem_unlock_write(&ei->map_lock);
		lblock += done;
	}
	return err;
}

static int ext4_written(struct inode *inode, uint64_t pos, uint64_t len)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t lblock = (uint32_t)(pos >> fs->block_shift);
	uint32_t end = (uint32_t)((pos + len + fs->block_size - 1) >> fs->block_shift);
	struct journal_handle h;
	int64_t size;
	int err, stop;

	err = ext4_start(fs, &h, WRITTEN_CREDITS);
	if (err)
		return err;
	err = record_all(&h, inode, lblock, end);
	if (!err) {
		rwsem_lock_write(&ei->map_lock);
		size = min(READ_ONCE(inode->size), (int64_t)(pos + len));
		if (size > ei->disk_size) {
			ei->disk_size = size;
			if (size >= 0x80000000LL)
				err = ext4_need_feature(fs, &h, RO_COMPAT_LARGE_FILE);
		}
		if (!err)
			err = ext4_update_inode(&h, inode);
		rwsem_unlock_write(&ei->map_lock);
		WRITE_ONCE(ei->datasync_tid, h.tid);
	}
	stop = journal_stop(&h);
	return err ? err : stop;
}

const struct iomap_ops ext4_iomap_ops = { .map = ext4_map, .written = ext4_written };

/* Freeing */

#define UNMAP_CREDITS	(EXT4_EXTENT_CREDITS + 2 * EXT4_ALLOC_CREDITS + 4)

int ext4_unmap(struct journal_handle *h, struct inode *inode, uint32_t from, uint32_t to)
{
	struct ext4_inode *ei = EXT4_I(inode);
	int err, e;

	do {
		err = journal_ensure(h, UNMAP_CREDITS);
		if (err)
			return err;
		rwsem_lock_write(&ei->map_lock);
		if (ei->flags & FLAG_EXTENTS)
			err = ext4_extents_remove(h, ei, from, to);
		else
			err = ext4_indirect_remove(h, ei, from, to);
		ei->goal_block = 0;
		show_blocks(ei);
		/* Each step leaves a correct file: another transaction may begin behind it. */
		e = err == -EAGAIN ? ext4_update_inode(h, inode) : 0;
		rwsem_unlock_write(&ei->map_lock);
	} while (err == -EAGAIN && !e);
	err = e ? e : err;
	if (err)
		return ext4_fatal(ext4_fs_of(inode), err);
	WRITE_ONCE(ei->datasync_tid, h->tid);
	return 0;
}

int ext4_truncate_blocks(struct inode *inode)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint64_t size = inode->nlink ? (uint64_t)inode->size : 0;
	uint32_t from = (uint32_t)((size + fs->block_size - 1) >> fs->block_shift);
	struct journal_handle h;
	int err, stop;

	ext4_pending_drop(inode, from, UINT32_MAX);
	if (!ext4_has_map(inode) || !EXT4_I(inode)->nr_blocks)
		return 0;
	err = ext4_start(fs, &h, UNMAP_CREDITS);
	if (err)
		return err;
	err = ext4_unmap(&h, inode, from, ext4_max_lblock(inode));
	stop = journal_stop(&h);
	return err ? err : stop;
}

/* A hole in [from, to) that nobody has: it gets unwritten blocks.  How much was dealt with. */
static int prealloc_piece(struct journal_handle *h, struct inode *inode, uint32_t from, uint32_t to,
			  uint32_t *done)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_pending *p = pending_after(ei, from);
	struct ext4_run run;
	int err;

	if (p && p->lblock <= from) {
		*done = min(to, p->lblock + p->len) - from;
		return 0;
	}
	if (p)
		to = min(to, p->lblock);
	err = ext4_map_locked(inode, from, to - from, &run);
	if (err)
		return err;
	*done = run.len;
	if (run.block)
		return 0;
	run.len = min(run.len, EXTENT_MAX_LEN - 1);
	run.unwritten = true;
	err = ext4_alloc_blocks(h, ext4_fs_of(inode), goal_for(inode, from),
				EXT4_ALLOC_DATA, &run.len, &run.block);
	if (err)
		return err;
	*done = run.len;
	err = insert_run(h, inode, &run);
	if (err)
		return ext4_fatal(ext4_fs_of(inode), err);
	set_goal(ei, from + run.len, run.block + run.len);
	show_blocks(ei);
	return ext4_update_inode(h, inode);
}

int ext4_fallocate_range(struct inode *inode, uint64_t from, uint64_t to)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t lblock = (uint32_t)(from >> fs->block_shift);
	uint32_t end = (uint32_t)((to + fs->block_size - 1) >> fs->block_shift);
	unsigned int tries = 0;
	int err = 0, stop;

	if (!(ei->flags & FLAG_EXTENTS))
		return -EOPNOTSUPP;
	while (lblock < end && !err) {
		struct journal_handle h;
		uint32_t done = 0;

		err = ext4_start(fs, &h, WRITTEN_CREDITS);
		if (err)
			return err;
		rwsem_lock_write(&ei->map_lock);
		err = prealloc_piece(&h, inode, lblock, end, &done);
		rwsem_unlock_write(&ei->map_lock);
		WRITE_ONCE(ei->datasync_tid, h.tid);
		stop = journal_stop(&h);
		err = err ? err : stop;
		lblock += done;
		if (err && ext4_should_retry(fs, err, &tries))
			err = 0;
	}
	return err;
}
