/* SPDX-License-Identifier: MIT */
/*
 * The journal: handles, transactions, what a buffer is part of.  Read commit.c, checkpoint.c and
 * recovery.c next.
 *
 * The problem.  An operation changes several blocks; power may fail at any moment, and a disk may
 * write what it was given in any order until it is told to flush.  So the blocks of many operations
 * are collected in a transaction; a copy of all is written to a log, then, after a flush, a commit
 * block that makes the copy count.  Only then may the blocks go to their homes, and only when they
 * are safe there may the log be overwritten.  After a crash what the log holds is written home
 * again.
 *
 * States of a transaction, in tx_set_state():
 *
 *	RUNNING -> LOCKED -> WRITING -> COMMITTING -> CHECKPOINT -> (freed)
 *
 * RUNNING: handles join.  LOCKED: no new ones; waits for those that are open.  WRITING: its blocks
 * go to the log, and the next transaction may run.  COMMITTING: the commit block is on its way.
 * CHECKPOINT: it counts; it leaves the list when all its blocks are known at home.
 *
 * J1 a buffer in a running or committing transaction is pinned: nobody writes it home.
 * J2 a block of the log is overwritten only after the superblock that no longer needs it (tail) is
 *    on the medium, and the tail moves only after the blocks it protected, and a flush.
 * J3 the content that a committing transaction logs is that of the moment when its last handle
 *    ended: who changes the buffer for the next transaction before it is logged leaves a copy in
 *    jbuf.frozen first (journal_access()).
 * J4 every change that somebody may wait for (handles, states, space) is followed by
 *    journal_event().
 * J5 the credits of all handles of a transaction fit in the free part of the log when they are
 *    given, so a commit never has to wait for space.
 * J6 the block of a freed buffer is not used again until the transaction that freed it has
 *    committed (the file system's part), and is revoked there, so replay cannot write old metadata
 *    over new data.
 * J7 data need no order here: the file system puts a block into a transaction only after the data
 *    were written (fs/ext4/map.c), and the commit block's flush covers them.
 *
 * Locking: the journal's mutex for all of the above; it is not held over reading or writing.  A
 * buffer's content belongs to its file system's locks.  There is no thread that commits alone:
 * whoever needs a commit does it, and others who need the same one wait.
 *
 * Roads not taken: copying all blocks when a transaction locks (simple, but memory for every block
 * of every commit); writing data at commit (a commit would wait for pages, pages for the commit).
 */
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <kernel/sched.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

void tx_set_state(struct journal_tx *t, enum tx_state state)
{
	/* Each state has one successor. */
	ENSURE(state == t->state + 1 && state <= TX_CHECKPOINT);
	t->state = state;
	journal_event(t->journal);
}

void journal_event(struct journal *j)
{
	__atomic_fetch_add(&j->event, 1, __ATOMIC_RELEASE);
	waitq_wake_all(&j->waiters, 0);
}

void journal_sleep(struct journal *j)
{
	uint32_t seen = j->event;

	mutex_unlock(&j->lock);
	wait_event(&j->waiters, __atomic_load_n(&j->event, __ATOMIC_ACQUIRE) != seen);
	mutex_lock(&j->lock);
}

/*
 * Blocks of the log that @t needs when @more are added to its credits: descriptors, revokes,
 * commit.
 */
uint32_t tx_log_need(const struct journal *j, const struct journal_tx *t, uint32_t more)
{
	uint32_t blocks = (t ? t->credits : 0) + more;
	uint32_t per_descriptor = (j->args.block_size - 32) / 16;
	uint32_t per_revoke = (j->args.block_size - 20) / 8;

	return blocks + blocks / per_descriptor + (t ? t->nr_revokes : 0) / per_revoke + 16;
}

uint32_t log_free_blocks(const struct journal *j)
{
	uint32_t size = j->end - j->first;

	/* One block stays free, so that a full log does not look empty. */
	if (j->head >= j->tail)
		return size - (j->head - j->tail) - 1;
	return j->tail - j->head - 1;
}

static struct journal_tx *tx_alloc(struct journal *j)
{
	struct journal_tx *t = kzalloc(sizeof(*t), 0);

	if (!t)
		return NULL;
	t->journal = j;
	t->tid = j->next_tid++;
	t->started_ns = clock_ns();
	list_init(&t->bufs);
	list_init(&t->checkpoint);
	list_init(&t->node);
	return t;
}

void tx_free(struct journal_tx *t)
{
	ENSURE(list_empty(&t->bufs) && list_empty(&t->checkpoint));
	revoke_clear(&t->revokes);
	kfree(t);
}

/* Free what hangs on a buffer that no transaction has any more. */
void jbuf_drop_if_idle(struct jbuf *jb)
{
	struct buf *b = jb->buf;

	if (jb->tx || jb->checkpoint_tx)
		return;
	ENSURE(!jb->next_tx && !jb->frozen);
	b->journal = NULL;
	kfree(jb);
	buf_put(b);
}

/* @t NULL: at home, or not needed there. */
void jbuf_set_checkpoint(struct jbuf *jb, struct journal_tx *t)
{
	if (jb->checkpoint_tx)
		list_del(&jb->checkpoint_node);
	jb->checkpoint_tx = t;
	if (t)
		list_add_tail(&jb->checkpoint_node, &t->checkpoint);
}

/*
 * Room for @credits in the running transaction?  0: joined.  -EAGAIN: something was waited for,
 * look again.  Lock held.
 */
static int try_join(struct journal *j, struct journal_handle *h, uint32_t credits)
{
	struct journal_tx *t = j->running;

	if (j->error)
		return -EROFS;
	if (t && t->state != TX_RUNNING) {
		journal_sleep(j);
		return -EAGAIN;
	}
	if (t && t->credits && t->credits + credits > j->max_credits) {
		int err = journal_commit_locked(j, t->tid);

		return err ? err : -EAGAIN;
	}
	/* A committing transaction still writes its part: its need counts, too. */
	if (log_free_blocks(j) < tx_log_need(j, t, credits) +
	    (j->committing ? tx_log_need(j, j->committing, 0) : 0)) {
		int err = journal_checkpoint_locked(j);

		return err ? err : -EAGAIN;
	}
	if (!t) {
		t = tx_alloc(j);
		if (!t)
			return -ENOMEM;
		j->running = t;
	}
	t->handles++;
	t->credits += credits;
	h->tx = t;
	h->tid = t->tid;
	h->credits = credits;
	return 0;
}

int journal_start(struct journal *j, struct journal_handle *h, uint32_t credits)
{
	int err;

	*h = (struct journal_handle){ .journal = j };
	if (!j)
		return 0;
	if (credits > j->max_credits)
		return -ENOSPC;
	mutex_lock(&j->lock);
	do {
		err = try_join(j, h, credits);
	} while (err == -EAGAIN);
	mutex_unlock(&j->lock);
	return err;
}

int journal_extend(struct journal_handle *h, uint32_t credits)
{
	struct journal *j = h->journal;
	struct journal_tx *t = h->tx;
	int err = 0;

	if (!j)
		return 0;
	mutex_lock(&j->lock);
	if (j->error)
		err = -EROFS;
	else if (t->state != TX_RUNNING || t->credits + credits > j->max_credits ||
		 log_free_blocks(j) < tx_log_need(j, t, credits) +
		 (j->committing ? tx_log_need(j, j->committing, 0) : 0))
		err = -EAGAIN;
	else {
		t->credits += credits;
		h->credits += credits;
	}
	mutex_unlock(&j->lock);
	return err;
}

/* Credits that were not used go back.  Lock held. */
static void leave(struct journal_handle *h)
{
	struct journal_tx *t = h->tx;

	t->credits -= h->credits;
	h->credits = 0;
	h->tx = NULL;
	if (!--t->handles)
		journal_event(h->journal);
}

int journal_ensure(struct journal_handle *h, uint32_t credits)
{
	struct journal *j = h->journal;
	bool wants_sync = h->wants_sync;
	int err;

	if (!j || h->credits >= credits)
		return 0;
	if (!h->tx)
		return -EROFS;
	err = journal_extend(h, credits - h->credits);
	if (err != -EAGAIN)
		return err;
	mutex_lock(&j->lock);
	leave(h);
	mutex_unlock(&j->lock);
	err = journal_start(j, h, credits);
	h->wants_sync = wants_sync;
	return err;
}

int journal_stop(struct journal_handle *h)
{
	struct journal *j = h->journal;
	int err = 0;

	if (!j || !h->tx)
		return 0;
	mutex_lock(&j->lock);
	leave(h);
	if (h->wants_sync)
		err = journal_commit_locked(j, h->tid);
	mutex_unlock(&j->lock);
	return err;
}

static struct jbuf *jbuf_get(struct buf *b)
{
	struct jbuf *jb = b->journal;

	if (jb)
		return jb;
	jb = kzalloc(sizeof(*jb), 0);
	if (!jb)
		return NULL;
	jb->buf = b;
	buf_ref(b);
	b->journal = jb;
	return jb;
}

/* Lock held.  1: newly pinned. */
static int join_buf(struct journal_handle *h, struct jbuf *jb)
{
	struct journal_tx *t = h->tx;

	if (jb->tx == t || jb->next_tx == t)
		return 0;
	if (!jb->tx) {
		jb->tx = t;
		jb->dirty = jb->logged = false;
		list_add_tail(&jb->node, &t->bufs);
		t->nr_bufs++;
		buf_pin(jb->buf);
		return 1;
	}
	ENSURE(jb->tx == h->journal->committing && !jb->next_tx);
	if (!jb->logged && jb->dirty) {			/* J3 */
		jb->frozen = kmemdup(jb->buf->data, jb->buf->size, 0);
		if (!jb->frozen)
			return -ENOMEM;
	}
	jb->next_tx = t;
	jb->next_dirty = false;
	return 0;
}

/*
 * After journal_access() by @h: only the handle's own transaction can take the buffer out of it
 * again, so no lock is needed to look.
 */
static bool is_ours(const struct journal_handle *h, const struct buf *b)
{
	const struct jbuf *jb = READ_ONCE(b->journal);

	return jb && (READ_ONCE(jb->tx) == h->tx || READ_ONCE(jb->next_tx) == h->tx) &&
	       READ_ONCE(jb->freed_in) != h->tx;
}

int journal_access(struct journal_handle *h, struct buf *b)
{
	struct journal *j = h->journal;
	struct jbuf *jb;
	int err = -ENOMEM;

	if (!j)
		return 0;
	if (j->error || !h->tx)
		return -EROFS;
	mutex_lock(&j->lock);
	jb = jbuf_get(b);
	if (jb) {
		err = join_buf(h, jb);
		jbuf_drop_if_idle(jb);
	}
	mutex_unlock(&j->lock);
	if (err > 0) {
		/*
		 * It may be on its way home: that must end before it changes.  No new one starts:
		 * J1.
		 */
		buf_lock(b);
		buf_unlock(b);
		err = 0;
	}
	return err;
}

int journal_access_new(struct journal_handle *h, struct buf *b)
{
	struct journal *j = h->journal;
	struct jbuf *jb;
	struct revoke *r;
	int err = journal_access(h, b);

	if (err || !j)
		return err;
	mutex_lock(&j->lock);
	jb = b->journal;
	if (jb->freed_in == h->tx)
		jb->freed_in = NULL;
	r = revoke_find(&h->tx->revokes, b->block);
	if (r) {
		revoke_remove(&h->tx->revokes, r);
		h->tx->nr_revokes--;
	}
	mutex_unlock(&j->lock);
	return 0;
}

void journal_dirty(struct journal_handle *h, struct buf *b)
{
	struct journal *j = h->journal;
	struct jbuf *jb = b->journal;

	if (!j) {
		buf_mark_dirty(b);
		return;
	}
	/* Freed meanwhile: two owners claim the block on a damaged medium. */
	if (jb && jb->freed_in == h->tx)
		return;
	ENSURE(jb && is_ours(h, b));
	buf_set_uptodate(b);
	if (jb->tx == h->tx ? jb->dirty : jb->next_dirty)
		return;
	mutex_lock(&j->lock);
	if (jb->tx == h->tx)
		jb->dirty = true;
	else
		jb->next_dirty = true;
	if (h->credits)
		h->credits--;
	else
		h->tx->credits++;	/* an underestimate: the log's margin takes it */
	mutex_unlock(&j->lock);
}

/*
 * The buffer's content is of no interest once this handle's transaction has committed.  Lock held.
 */
static int forget_buf(struct journal_handle *h, struct buf *b)
{
	struct jbuf *jb = b->journal;
	int err;

	if (!jb)
		return 0;
	err = join_buf(h, jb);
	if (err < 0)
		return err;
	jb->freed_in = h->tx;
	return 0;
}

int journal_revoke(struct journal_handle *h, struct buf_cache *cache, uint64_t block)
{
	struct buf *b = buf_find_get(cache, block);
	struct journal *j = h->journal;
	int err = 0;

	if (j) {
		if (j->error || !h->tx) {
			err = -EROFS;
		} else {
			mutex_lock(&j->lock);
			err = b ? forget_buf(h, b) : 0;
			if (!err)
				err = revoke_add(&h->tx->revokes, block, h->tid);
			if (err > 0)
				h->tx->nr_revokes++;
			mutex_unlock(&j->lock);
		}
	}
	if (b && !b->journal)
		buf_forget(b);
	if (b)
		buf_put(b);
	return min(err, 0);
}

int journal_commit_wait(struct journal *j, uint32_t tid)
{
	int err;

	mutex_lock(&j->lock);
	err = journal_commit_locked(j, tid);
	mutex_unlock(&j->lock);
	return err;
}

bool journal_is_committed(struct journal *j, uint32_t tid)
{
	return !tid_after(tid, READ_ONCE(j->committed_tid));
}

int journal_commit_old(struct journal *j, int64_t now_ns, int64_t age_ns)
{
	int err = 0;

	mutex_lock(&j->lock);
	if (j->running && now_ns - j->running->started_ns >= age_ns)
		err = journal_commit_locked(j, j->running->tid);
	mutex_unlock(&j->lock);
	return err;
}

int journal_flush(struct journal *j)
{
	int err = 0;

	mutex_lock(&j->lock);
	while (!err && (j->running || j->committing))
		err = journal_commit_locked(j, j->running ? j->running->tid : j->committing->tid);
	while (!err && !list_empty(&j->checkpoints))
		err = journal_checkpoint_locked(j);
	if (!err && j->tail_on_disk) {
		j->tail_tid = j->next_tid;
		j->tail = j->head;
		j->tail_on_disk = false;
		err = jbd2_super_write(j);
	}
	mutex_unlock(&j->lock);
	return err;
}

void journal_abort(struct journal *j, int err)
{
	int none = 0;

	if (!__atomic_compare_exchange_n(&j->error, &none, err, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	journal_event(j);
	if (j->on_abort)
		j->on_abort(j->on_abort_arg, err);
}

void journal_on_abort(struct journal *j, void (*fn)(void *arg, int err), void *arg)
{
	j->on_abort = fn;
	j->on_abort_arg = arg;
}

int journal_error(const struct journal *j)
{
	return READ_ONCE(j->error) ? j->error : j->old_error;
}

int journal_clear_error(struct journal *j)
{
	int err;

	mutex_lock(&j->lock);
	j->old_error = 0;
	err = jbd2_super_write(j);
	mutex_unlock(&j->lock);
	return err;
}

struct journal *journal_open(const struct journal_args *args)
{
	struct journal *j = kzalloc(sizeof(*j), 0);
	int err;

	if (!j)
		return ERR_PTR(-ENOMEM);
	mutex_init(&j->lock, JOURNAL);
	waitq_init(&j->waiters);
	list_init(&j->checkpoints);
	j->args = *args;
	j->super_buf = jlog_read(j, 0);
	if (IS_ERR(j->super_buf)) {
		err = (int)PTR_ERR(j->super_buf);
		goto free_journal;
	}
	err = jbd2_super_check(j);
	if (err)
		goto put_super;
	return j;

put_super:
	buf_put(j->super_buf);
free_journal:
	kfree(j);
	return ERR_PTR(err);
}

bool journal_needs_recovery(const struct journal *j)
{
	return j->tail_on_disk;
}

int journal_begin(struct journal *j, uint32_t features)
{
	struct jbd2_super *s = super_of(j);

	ENSURE(!j->tail_on_disk);
	if (be32_to_cpu(s->header.type) != JBD2_SUPER_V2)
		return -EOPNOTSUPP;
	j->incompat |= JBD2_INCOMPAT_REVOKE;
	if (features & JOURNAL_64BIT)
		j->incompat |= JBD2_INCOMPAT_64BIT;
	if (features & JOURNAL_CSUM)
		j->incompat = (j->incompat & ~(uint32_t)JBD2_INCOMPAT_CSUM_V2) |
			JBD2_INCOMPAT_CSUM_V3;
	if (!journal_has_csum(j))
		s->checksum_type = 0;
	/* compat bit 0: an older kind of checksum, which we do not write */
	s->compat = cpu_to_be32(be32_to_cpu(s->compat) & ~1u);
	j->next_tid = j->tail_tid;
	j->committed_tid = j->next_tid - 1;
	j->head = j->tail = j->first;
	j->max_credits = (j->end - j->first) / 4;
	return jbd2_super_write(j);
}

/* After an abort: give back what the transactions hold; nothing of it is written. */
static void drop_bufs(struct journal_tx *t)
{
	struct jbuf *jb, *next;

	list_for_each_entry_safe(jb, next, &t->bufs, node) {
		list_del(&jb->node);
		kfree(jb->frozen);
		jb->frozen = NULL;
		jb->tx = jb->next_tx = NULL;
		jbuf_set_checkpoint(jb, NULL);
		buf_forget(jb->buf);
		buf_unpin(jb->buf);
		jbuf_drop_if_idle(jb);
	}
	list_for_each_entry_safe(jb, next, &t->checkpoint, checkpoint_node) {
		jbuf_set_checkpoint(jb, NULL);
		jbuf_drop_if_idle(jb);
	}
	tx_free(t);
}

static void drop_all(struct journal *j)
{
	struct journal_tx *t, *next;

	if (j->committing)
		drop_bufs(j->committing);
	if (j->running)
		drop_bufs(j->running);
	j->committing = j->running = NULL;
	list_for_each_entry_safe(t, next, &j->checkpoints, node) {
		list_del(&t->node);
		drop_bufs(t);
	}
}

int journal_close(struct journal *j)
{
	int err = 0;

	if (!j->args.read_only && j->max_credits)
		err = j->error ? j->error : journal_flush(j);
	if (j->error && !j->args.read_only && j->max_credits) {
		/* The tail stays as it is: what had committed is replayed next time. */
		mutex_lock(&j->lock);
		j->old_error = j->error;
		(void)!jbd2_super_write(j);
		mutex_unlock(&j->lock);
	}
	drop_all(j);
	buf_put(j->super_buf);
	kfree(j);
	return err;
}
