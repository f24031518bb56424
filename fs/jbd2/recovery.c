/* SPDX-License-Identifier: MIT */
/*
 * Recovery: write home what the log holds.
 *
 * Four passes over the log, from the tail that the superblock names:
 *
 *	SCAN	find the last transaction with a commit block
 *	REVOKE	collect the revoked blocks, with the youngest transaction that revoked each
 *	VERIFY	check the checksum and number of every block that will be written
 *	REPLAY	write them, but for those revoked by the same or a later transaction
 *
 * The log is not trusted.  A log may end anywhere: a block that is no valid continuation is its
 * end, because a power cut leaves just that.  But if a commit block of a later transaction, or of
 * this one, follows somewhere behind, the log was complete once, so it is damaged: nothing is
 * written and the mount fails with EUCLEAN.  Each pass looks at no more blocks than the log has.
 */
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

enum pass { PASS_SCAN, PASS_REVOKE, PASS_VERIFY, PASS_REPLAY };

struct recovery {
	struct journal *j;
	enum pass pass;
	uint32_t at, tid;		/* the walk */
	uint32_t left;			/* blocks that it may still look at */
	uint32_t end_tid;		/* the first transaction that is not there */
	struct rb_tree revokes;
	uint32_t nr_replayed, nr_revoked;
};

static bool step(struct recovery *r)
{
	r->at = jlog_next(r->j, r->at);
	return r->left && --r->left;
}

static int replay_block(struct recovery *r, const struct jbd2_tag *tag, const struct buf *copy)
{
	struct revoke *rev = revoke_find(&r->revokes, tag->block);
	struct buf *home;

	if (rev && !tid_after(r->tid, rev->tid)) {
		r->nr_revoked++;
		return 0;
	}
	home = buf_get(r->j->args.cache, tag->block);
	if (IS_ERR(home))
		return (int)PTR_ERR(home);
	buf_lock(home);
	memcpy(home->data, copy->data, home->size);
	if (tag->flags & JBD2_TAG_ESCAPED)
		put_be32(home->data, JBD2_MAGIC);
	buf_mark_dirty(home);
	buf_unlock(home);
	buf_put(home);
	r->nr_replayed++;
	return 0;
}

static int verify_block(struct recovery *r, const struct jbd2_tag *tag, const struct buf *copy)
{
	struct journal *j = r->j;
	uint32_t crc;

	if (tag->block >= j->args.fs_blocks)
		return -EUCLEAN;
	if (!journal_has_csum(j))
		return 0;
	crc = jbd2_data_csum(j, copy->data, r->tid);
	if (j->incompat & JBD2_INCOMPAT_CSUM_V2)
		crc = (uint16_t)crc;
	return crc == tag->checksum ? 0 : -EUCLEAN;
}

/* One copy in the log, at r->at. */
static int do_block(struct recovery *r, const struct jbd2_tag *tag)
{
	struct buf *copy;
	int err;

	if (r->pass != PASS_VERIFY && r->pass != PASS_REPLAY)
		return 0;
	copy = jlog_read(r->j, r->at);
	if (IS_ERR(copy))
		return (int)PTR_ERR(copy);
	err = r->pass == PASS_VERIFY ? verify_block(r, tag, copy) : replay_block(r, tag, copy);
	buf_put(copy);
	return err;
}

/* 0, 1: the log ends within it, or -errno. */
static int do_descriptor(struct recovery *r, const struct buf *b)
{
	uint32_t offset = sizeof(struct jbd2_header);
	struct jbd2_tag tag;
	int err;

	if (!jbd2_tail_csum_ok(r->j, b))
		return 1;
	while (jbd2_tag_get(r->j, b, &offset, &tag)) {
		if (!step(r))
			return 1;
		err = do_block(r, &tag);
		if (err)
			return err;
		if (tag.flags & JBD2_TAG_LAST)
			break;
	}
	return 0;
}

static int do_revoke(struct recovery *r, const struct buf *b)
{
	uint32_t used = be32_to_cpu(((const struct jbd2_revoke *)b->data)->used);
	uint32_t width = r->j->incompat & JBD2_INCOMPAT_64BIT ? 8 : 4;
	const uint8_t *p = b->data;
	int err = 0;

	if (!jbd2_tail_csum_ok(r->j, b))
		return 1;
	if (used > b->size || used < sizeof(struct jbd2_revoke))
		return -EUCLEAN;
	if (r->pass != PASS_REVOKE)
		return 0;
	for (uint32_t o = sizeof(struct jbd2_revoke); o + width <= used && err >= 0; o += width)
		err = revoke_add(&r->revokes, width == 8 ? get_be64(p + o) : get_be32(p + o),
				 r->tid);
	return err < 0 ? err : 0;
}

/* One block of the log that is no copy.  0: go on; 1: the log ends before it; -errno. */
static int do_one(struct recovery *r, const struct buf *b)
{
	uint32_t type, tid;

	if (!jbd2_header_ok(b, &type, &tid) || tid != r->tid)
		return 1;
	switch (type) {
	case JBD2_DESCRIPTOR:
		return do_descriptor(r, b);
	case JBD2_REVOKE:
		return do_revoke(r, b);
	case JBD2_COMMIT:
		if (!jbd2_commit_csum_ok(r->j, b))
			return 1;
		r->tid++;
		return 0;
	}
	return 1;
}

static int run_pass(struct recovery *r, enum pass pass)
{
	struct journal *j = r->j;
	int err = 0;

	r->pass = pass;
	r->at = j->tail;
	r->tid = j->tail_tid;
	r->left = j->end - j->first + 1;
	while (!err) {
		struct buf *b;

		if (pass != PASS_SCAN && r->tid == r->end_tid)
			return 0;
		b = jlog_read(j, r->at);
		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		err = do_one(r, b);
		buf_put(b);
		if (!err && !step(r))
			err = 1;
	}
	if (pass == PASS_SCAN && err == 1) {
		r->end_tid = r->tid;
		return 0;
	}
	/* What SCAN has seen to be complete must be so again. */
	return err == 1 && r->tid == r->end_tid ? 0 : err < 0 ? err : -EUCLEAN;
}

/* Is there, anywhere in the log, the commit block of a transaction that SCAN has not reached? */
static int look_for_lost_commits(struct recovery *r)
{
	struct journal *j = r->j;
	uint32_t span = j->end - j->first;

	for (uint32_t i = j->first; i < j->end; i++) {
		struct buf *b = jlog_read(j, i);
		uint32_t type, tid;
		bool lost;

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		lost = jbd2_header_ok(b, &type, &tid) && type == JBD2_COMMIT &&
			tid - r->end_tid < span && jbd2_commit_csum_ok(j, b);
		buf_put(b);
		if (lost) {
			log_err("jbd2: transaction %u is damaged, %u was committed after it",
				r->end_tid, tid);
			return -EUCLEAN;
		}
	}
	return 0;
}

static int run_passes(struct recovery *r)
{
	int err = run_pass(r, PASS_SCAN);

	/* Without checksums a copy of data could look like a commit block. */
	if (!err && journal_has_csum(r->j))
		err = look_for_lost_commits(r);
	for (enum pass p = PASS_REVOKE; !err && p <= PASS_REPLAY; p++)
		err = run_pass(r, p);
	return err;
}

int journal_recover(struct journal *j)
{
	struct recovery r = { .j = j };
	int err;

	if (!j->tail_on_disk)
		return 0;
	err = run_passes(&r);
	revoke_clear(&r.revokes);
	if (!err)
		err = buf_cache_sync(j->args.cache);
	if (!err)
		err = journal_disk_flush(j);
	if (err) {
		log_err("jbd2: recovery failed (error %d)", -err);
		return err;
	}
	log_info("jbd2: recovered %u transactions, %u blocks (%u revoked)",
		 r.end_tid - j->tail_tid, r.nr_replayed, r.nr_revoked);
	/*
	 * A number of its own, so that a torn tail of the old log is never taken for the new one.
	 */
	j->tail_tid = r.end_tid + 1;
	j->tail_on_disk = false;
	return jbd2_super_write(j);
}
