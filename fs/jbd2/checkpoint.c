/* SPDX-License-Identifier: MIT */
/*
 * Checkpoint: write home what the oldest transactions of the log hold, and move the tail behind
 * them (J2).  Buffers usually went home by themselves long before; then only the tail moves.
 */
#include <kernel/log.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>

#include "internal.h"

#define BATCH 64

/*
 * At home, as far as the disk has said: a flush must follow.  One that could not be written is not:
 * the log has the only copy, and write_batch() gives up when it comes to it.
 */
static bool is_home(const struct jbuf *jb)
{
	return !jb->tx && !buf_has(jb->buf, BUF_DIRTY | BUF_WRITING | BUF_PINNED | BUF_ERROR);
}

/* Let go of buffers that are at home, so that their memory can be had. */
void journal_forget_clean_locked(struct journal *j)
{
	struct journal_tx *t;
	struct jbuf *jb, *next;

	list_for_each_entry(t, &j->checkpoints, node) {
		list_for_each_entry_safe(jb, next, &t->checkpoint, checkpoint_node) {
			if (!is_home(jb))
				continue;
			jbuf_set_checkpoint(jb, NULL);
			jbuf_drop_if_idle(jb);
		}
	}
}

/* Forget the transactions at the old end that protect nothing, and say so on the disk. */
static int move_tail(struct journal *j)
{
	struct journal_tx *t, *next;
	bool moved = false;
	uint32_t tail = j->head, tid = j->next_tid;
	int err;

	list_for_each_entry(t, &j->checkpoints, node) {
		if (!list_empty(&t->checkpoint)) {
			tail = t->log_start;
			tid = t->tid;
			break;
		}
		moved = true;
	}
	if (!moved)
		return 0;
	if (&t->node == &j->checkpoints && (j->committing || j->running)) {
		struct journal_tx *first = j->committing ? j->committing : j->running;

		tid = first->tid;
		tail = j->committing ? first->log_start : j->head;
	}
	j->is_flushing = true;
	mutex_unlock(&j->lock);
	err = journal_disk_flush(j);
	mutex_lock(&j->lock);
	if (!err) {
		/* An empty log must name a transaction that will come. */
		j->tail = tail;
		j->tail_tid = tid;
		err = jbd2_super_write(j);
	}
	j->is_flushing = false;
	list_for_each_entry_safe(t, next, &j->checkpoints, node) {
		if (err || !tid_after(tid, t->tid))
			break;
		list_del(&t->node);
		tx_free(t);
	}
	journal_event(j);
	return err;
}

/* Write a batch of @t's buffers home.  Lock held; the buffers' references keep them. */
static int write_batch(struct journal *j, struct journal_tx *t)
{
	struct buf *batch[BATCH];
	unsigned int nr = 0;
	struct jbuf *jb;
	int err = 0;

	list_for_each_entry(jb, &t->checkpoint, checkpoint_node) {
		if (jb->tx || nr == BATCH)
			continue;
		buf_ref(jb->buf);
		batch[nr++] = jb->buf;
	}
	mutex_unlock(&j->lock);
	for (unsigned int i = 0; i < nr; i++) {
		buf_lock(batch[i]);
		if (buf_has(batch[i], BUF_DIRTY) && !buf_has(batch[i], BUF_PINNED))
			buf_write_start(batch[i], BIO_META);
		buf_unlock(batch[i]);
	}
	for (unsigned int i = 0; i < nr; i++) {
		int e = buf_write_wait(batch[i]);

		err = err ? err : e;
		buf_put(batch[i]);
	}
	mutex_lock(&j->lock);
	return err;
}

/* Is a buffer of @t part of a younger transaction that has not committed: which one?  0: none. */
static struct journal_tx *younger_user(struct journal_tx *t)
{
	struct jbuf *jb;

	list_for_each_entry(jb, &t->checkpoint, checkpoint_node)
		if (jb->tx)
			return jb->tx;
	return NULL;
}

int journal_checkpoint_locked(struct journal *j)
{
	struct journal_tx *t, *user;
	int err;

	if (j->error)
		return -EROFS;
	if (j->is_flushing) {
		journal_sleep(j);
		return 0;
	}
	if (list_empty(&j->checkpoints)) {
		/* All the space is a commit's that is being made, or of the running one. */
		if (j->committing)
			journal_sleep(j);
		else if (j->running)
			return journal_commit_locked(j, j->running->tid);
		return 0;
	}
	t = list_first_entry(&j->checkpoints, struct journal_tx, node);
	j->is_flushing = true;			/* @t stays while we look away */
	err = write_batch(j, t);
	j->is_flushing = false;
	journal_event(j);
	if (err) {
		log_err("jbd2: a block cannot be written to its place (error %d)", -err);
		journal_abort(j, err);
		return err;
	}
	journal_forget_clean_locked(j);
	user = younger_user(t);
	if (user)
		return journal_commit_locked(j, user->tid);
	err = move_tail(j);
	if (err)
		journal_abort(j, err);
	return err;
}
