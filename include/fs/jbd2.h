/* SPDX-License-Identifier: MIT */
/*
 * A journal of metadata blocks, in the format of Linux's JBD2.
 *
 *	err = journal_start(j, &h, credits);	joins the running transaction
 *	err = journal_access(&h, b);		before b->data is changed
 *	...change b->data...
 *	journal_dirty(&h, b);			b will be part of the transaction
 *	err = journal_stop(&h);
 *
 * What one handle does reaches the disk as a whole or not at all.  Handles do not nest; whoever
 * holds one must not wait for a commit.  Everything also works without a journal (j NULL):
 * blocks are then simply dirty, as ext2 has it.  Thread context.  Theory: fs/jbd2/journal.c.
 */
#ifndef FS_JBD2_H
#define FS_JBD2_H

#include <fs/bdev.h>
#include <lib/types.h>

struct journal;
struct journal_tx;

/* Part in a transaction; lies on its owner's stack and is the owner's alone. */
struct journal_handle {
	struct journal *journal;	/* NULL: there is none */
	struct journal_tx *tx;
	uint32_t tid;			/* the transaction's number */
	uint32_t credits;		/* blocks that it may still dirty */
	bool wants_sync;		/* commit at journal_stop() */
};

struct journal_args {
	struct block_device *dev;	/* to be flushed; under the cache */
	struct buf_cache *cache;
	uint32_t block_size;
	uint32_t nr_blocks;		/* of the journal's file */
	uint64_t fs_blocks;		/* replay writes below this only */
	/* Where block @index of the journal lies. */
	int (*map)(void *arg, uint32_t index, uint64_t *block);
	void *arg;
	bool no_barrier;	/* do not flush: the owner knows that the disk has no cache */
	bool read_only;
};

enum journal_features {			/* what a fresh journal shall be able to say */
	JOURNAL_64BIT	= 1 << 0,
	JOURNAL_CSUM	= 1 << 1,
};

/*
 * Look at the journal's superblock.  Error pointer: -EUCLEAN damaged, -EOPNOTSUPP for features that
 * we do not know (among them fast commits that wait for replay), -EIO, -ENOMEM.
 */
struct journal *journal_open(const struct journal_args *args);
/* Does the log hold what has to be replayed? */
bool journal_needs_recovery(const struct journal *j);
/* Replay; the log is empty afterwards.  -EUCLEAN: damaged, and nothing was written. */
__must_check int journal_recover(struct journal *j);
/* Get ready to write; the log is empty. */
__must_check int journal_begin(struct journal *j, uint32_t features);
/* Commit, write everything home and mark the log empty (unless aborted); then free. */
int journal_close(struct journal *j);

__must_check int journal_start(struct journal *j, struct journal_handle *h, uint32_t credits);
/* More credits within the same transaction: 0, or -EAGAIN when it has no room. */
__must_check int journal_extend(struct journal_handle *h, uint32_t credits);
/* Make sure of @credits, if need be in the next transaction: what was done so far may commit. */
__must_check int journal_ensure(struct journal_handle *h, uint32_t credits);
int journal_stop(struct journal_handle *h);

/* Call before changing; _new: the block was just allocated, the caller fills all of it. */
__must_check int journal_access(struct journal_handle *h, struct buf *b);
__must_check int journal_access_new(struct journal_handle *h, struct buf *b);
void journal_dirty(struct journal_handle *h, struct buf *b);
/* Metadata block @block was freed: it is not written any more, and replay will not either. */
__must_check int journal_revoke(struct journal_handle *h, struct buf_cache *cache, uint64_t block);

/* The transaction @tid is on the medium when this returns 0.  Not with a handle. */
__must_check int journal_commit_wait(struct journal *j, uint32_t tid);
/* Is @tid known to be on the medium already? */
bool journal_is_committed(struct journal *j, uint32_t tid);
/* Commit what is running, if it is older than @age_ns; for the periodic thread. */
int journal_commit_old(struct journal *j, int64_t now_ns, int64_t age_ns);
/* Commit all and write all home: the log is empty. */
__must_check int journal_flush(struct journal *j);
/*
 * Call @fn when the journal gives up: nothing more can be written.  Any of its locks may be held.
 */
void journal_on_abort(struct journal *j, void (*fn)(void *arg, int err), void *arg);
void journal_abort(struct journal *j, int err);
/* 0 or the error that it was aborted with; also one that the last mount left behind. */
int journal_error(const struct journal *j);
/* Forget the error that the last mount left, once the owner has noted it. */
__must_check int journal_clear_error(struct journal *j);

#endif
