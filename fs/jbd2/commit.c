/* SPDX-License-Identifier: MIT */
/*
 * Commit: the running transaction becomes a part of the log that counts.
 *
 *	revoke blocks | descriptor, copies of blocks, descriptor, copies ... | (flush) commit block
 *
 * Everything before the commit block may reach the disk in any order; the commit block goes with a
 * flush before it and FUA, so it is there only when all of it is.  See J1 to J7 in journal.c.
 */
#include <kernel/clock.h>
#include <kernel/log.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

#define LOG_BATCH 64			/* blocks in flight */

/* Blocks of the log on their way, and the descriptor that is being filled. */
struct log_writer {
	struct journal *j;
	struct journal_tx *t;
	struct buf *flight[LOG_BATCH];
	unsigned int nr_flight;
	struct buf *descriptor;		/* NULL: none begun */
	uint32_t offset;		/* in it */
	uint8_t *last_tag;
	struct jbd2_tag last;
	int err;
};

static void wait_flight(struct log_writer *w)
{
	for (unsigned int i = 0; i < w->nr_flight; i++) {
		int err = buf_write_wait(w->flight[i]);

		if (err && !w->err)
			w->err = err;
		buf_put(w->flight[i]);
	}
	w->nr_flight = 0;
}

/* Takes over the reference. */
static void send(struct log_writer *w, struct buf *b)
{
	if (w->nr_flight == LOG_BATCH)
		wait_flight(w);
	buf_lock(b);
	buf_mark_dirty(b);
	buf_write_start(b, BIO_META | BIO_SYNC);
	buf_unlock(b);
	w->flight[w->nr_flight++] = b;
}

/* The next block of the log, to be filled; NULL and w->err. */
static struct buf *next_block(struct log_writer *w)
{
	struct journal *j = w->j;
	struct buf *b;

	if (w->err)
		return NULL;
	mutex_lock(&j->lock);
	b = log_free_blocks(j) ? jlog_get(j, j->head) : ERR_PTR(-ENOSPC);
	if (!IS_ERR(b))
		j->head = jlog_next(j, j->head);
	mutex_unlock(&j->lock);
	if (IS_ERR(b)) {
		w->err = (int)PTR_ERR(b);
		return NULL;
	}
	return b;
}

static void end_descriptor(struct log_writer *w)
{
	if (!w->descriptor)
		return;
	w->last.flags |= JBD2_TAG_LAST;
	jbd2_tag_put(w->j, w->last_tag, &w->last);
	jbd2_tail_csum_set(w->j, w->descriptor);
	send(w, w->descriptor);
	w->descriptor = NULL;
}

static bool begin_descriptor(struct log_writer *w)
{
	w->descriptor = next_block(w);
	if (!w->descriptor)
		return false;
	jbd2_header_init(w->descriptor, JBD2_DESCRIPTOR, w->t->tid);
	w->offset = sizeof(struct jbd2_header);
	return true;
}

static void put_tag(struct log_writer *w, const struct jbd2_tag *tag)
{
	uint8_t *p = (uint8_t *)w->descriptor->data + w->offset;
	uint32_t limit = w->descriptor->size - 4;

	w->last = *tag;
	w->last_tag = p;
	w->offset += jbd2_tag_size(w->j);
	if (p == (uint8_t *)w->descriptor->data + sizeof(struct jbd2_header)) {
		memcpy(p + jbd2_tag_size(w->j), super_of(w->j)->uuid, 16);
		w->offset += 16;
	} else {
		w->last.flags |= JBD2_TAG_SAME_UUID;
	}
	jbd2_tag_put(w->j, p, &w->last);
	if (w->offset + jbd2_tag_size(w->j) > limit)
		end_descriptor(w);
}

/* Copy what belongs to the transaction; from then on the buffer may change. */
static void copy_content(struct log_writer *w, struct jbuf *jb, struct buf *to)
{
	struct journal *j = w->j;

	mutex_lock(&j->lock);
	memcpy(to->data, jb->frozen ? jb->frozen : jb->buf->data, to->size);
	kfree(jb->frozen);
	jb->frozen = NULL;
	jb->logged = true;
	mutex_unlock(&j->lock);
}

static void log_one(struct log_writer *w, struct jbuf *jb)
{
	struct jbd2_tag tag = { .block = jb->buf->block };
	struct buf *to;

	if (!w->descriptor && !begin_descriptor(w))
		return;
	to = next_block(w);
	if (!to)
		return;
	copy_content(w, jb, to);
	if (get_be32(to->data) == JBD2_MAGIC) {
		put_be32(to->data, 0);
		tag.flags |= JBD2_TAG_ESCAPED;
	}
	if (journal_has_csum(w->j))
		tag.checksum = jbd2_data_csum(w->j, to->data, w->t->tid);
	send(w, to);
	put_tag(w, &tag);
}

static void log_revokes(struct log_writer *w)
{
	uint32_t width = w->j->incompat & JBD2_INCOMPAT_64BIT ? 8 : 4;
	uint32_t limit, used = 0;
	struct buf *b = NULL;
	struct revoke *r;

	rb_for_each_entry(r, &w->t->revokes, node) {
		if (!b) {
			b = next_block(w);
			if (!b)
				return;
			jbd2_header_init(b, JBD2_REVOKE, w->t->tid);
			used = sizeof(struct jbd2_revoke);
		}
		if (width == 8)
			put_be64((uint8_t *)b->data + used, r->block);
		else
			put_be32((uint8_t *)b->data + used, (uint32_t)r->block);
		used += width;
		((struct jbd2_revoke *)b->data)->used = cpu_to_be32(used);
		limit = b->size - (journal_has_csum(w->j) ? 4 : 0);
		if (used + width > limit) {
			jbd2_tail_csum_set(w->j, b);
			send(w, b);
			b = NULL;
		}
	}
	if (b) {
		jbd2_tail_csum_set(w->j, b);
		send(w, b);
	}
}

static void log_bufs(struct log_writer *w)
{
	struct jbuf *jb;

	/* Only the committer takes buffers off this list, and nobody adds: WRITING. */
	list_for_each_entry(jb, &w->t->bufs, node) {
		if (jb->dirty && jb->freed_in != w->t)
			log_one(w, jb);
		if (w->err)
			break;
	}
	if (w->err && w->descriptor) {
		buf_put(w->descriptor);
		w->descriptor = NULL;
	}
	end_descriptor(w);
	wait_flight(w);
}

static void write_commit_block(struct log_writer *w)
{
	struct buf *b = next_block(w);
	int64_t now = clock_realtime_ns();
	struct jbd2_commit *c;

	if (!b)
		return;
	jbd2_header_init(b, JBD2_COMMIT, w->t->tid);
	c = b->data;
	c->seconds = cpu_to_be64((uint64_t)(now / NSEC_PER_SEC));
	c->nanoseconds = cpu_to_be32((uint32_t)(now % NSEC_PER_SEC));
	jbd2_commit_csum_set(w->j, b);
	buf_lock(b);
	buf_mark_dirty(b);
	buf_write_start(b, BIO_META | BIO_SYNC |
			(w->j->args.no_barrier ? 0 : BIO_PREFLUSH | BIO_FUA));
	buf_unlock(b);
	w->err = buf_write_wait(b);
	buf_put(b);
}

/* The transaction counts: @jb may go home.  Lock held. */
static void release_buf(struct journal_tx *t, struct jbuf *jb)
{
	struct buf *b = jb->buf;
	bool was_freed = jb->freed_in == t;

	list_del(&jb->node);
	kfree(jb->frozen);
	jb->frozen = NULL;
	if (was_freed) {
		jb->freed_in = NULL;
		jbuf_set_checkpoint(jb, NULL);
	} else if (jb->dirty) {
		jbuf_set_checkpoint(jb, t);
	}
	jb->tx = jb->next_tx;
	jb->next_tx = NULL;
	if (jb->tx) {
		jb->dirty = jb->next_dirty;
		jb->logged = false;
		list_add_tail(&jb->node, &jb->tx->bufs);
		jb->tx->nr_bufs++;
		if (was_freed)
			buf_clear_flags(b, BUF_DIRTY);
		return;
	}
	if (was_freed)
		buf_forget(b);
	else if (jb->dirty)
		buf_mark_dirty(b);
	buf_unpin(b);
	jbuf_drop_if_idle(jb);
}

static void finish(struct journal *j, struct journal_tx *t)
{
	struct jbuf *jb, *next;

	tx_set_state(t, TX_CHECKPOINT);
	j->committed_tid = t->tid;
	j->committing = NULL;
	list_add_tail(&t->node, &j->checkpoints);
	list_for_each_entry_safe(jb, next, &t->bufs, node)
		release_buf(t, jb);
	revoke_clear(&t->revokes);
	journal_forget_clean_locked(j);
	journal_event(j);
}

/* The first transaction after the log was empty: replay begins with it.  Lock held. */
static int mark_log_used(struct journal *j, struct journal_tx *t)
{
	if (j->tail_on_disk)
		return 0;
	j->tail = j->head;
	j->tail_tid = t->tid;
	j->tail_on_disk = true;
	return jbd2_super_write(j);
}

/* No new handles, wait for the open ones; then the next transaction may run.  Lock held. */
static int lock_running(struct journal *j)
{
	struct journal_tx *t = j->running;
	int err;

	tx_set_state(t, TX_LOCKED);
	while (t->handles)
		journal_sleep(j);
	err = j->error ? -EROFS : mark_log_used(j, t);
	t->log_start = j->head;
	j->committing = t;
	j->running = NULL;
	tx_set_state(t, TX_WRITING);
	return err;
}

static int commit_running(struct journal *j)
{
	struct journal_tx *t = j->running;
	struct log_writer w = { .j = j, .t = t };
	int err = lock_running(j);

	mutex_unlock(&j->lock);
	if (!err) {
		log_revokes(&w);
		log_bufs(&w);
		mutex_lock(&j->lock);
		tx_set_state(t, TX_COMMITTING);
		mutex_unlock(&j->lock);
		if (!w.err)
			write_commit_block(&w);
		err = w.err;
	}
	if (err) {
		log_err("jbd2: transaction %u cannot be written (error %d)", t->tid, -err);
		journal_abort(j, err);
	}
	mutex_lock(&j->lock);
	if (!err)
		finish(j, t);
	return err;
}

int journal_commit_locked(struct journal *j, uint32_t tid)
{
	int err = 0;

	while (!err && tid_after(tid, j->committed_tid)) {
		if (j->error)
			return -EIO;
		if (j->committing || (j->running && j->running->state != TX_RUNNING))
			journal_sleep(j);
		else if (j->running && !tid_after(tid, j->running->tid))
			err = commit_running(j);
		else
			return 0;		/* nothing was done under this number */
	}
	return err;
}
