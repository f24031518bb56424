/* SPDX-License-Identifier: MIT */
/*
 * The journal's own: format on disk, transactions, and what it hangs on a buffer.  The theory is at
 * the top of journal.c.
 */
#ifndef FS_JBD2_INTERNAL_H
#define FS_JBD2_INTERNAL_H

#include <fs/jbd2.h>
#include <kernel/waitq.h>
#include <lib/endian.h>
#include <lib/rbtree.h>

#define JBD2_MAGIC	0xC03B3998u

enum jbd2_block_type {
	JBD2_DESCRIPTOR = 1, JBD2_COMMIT = 2, JBD2_SUPER_V1 = 3, JBD2_SUPER_V2 = 4, JBD2_REVOKE = 5,
};
enum jbd2_tag_flags {
	JBD2_TAG_ESCAPED = 1, JBD2_TAG_SAME_UUID = 2, JBD2_TAG_DELETED = 4, JBD2_TAG_LAST = 8,
};
enum jbd2_incompat {
	JBD2_INCOMPAT_REVOKE	= 0x01,
	JBD2_INCOMPAT_64BIT	= 0x02,
	JBD2_INCOMPAT_ASYNC	= 0x04,
	JBD2_INCOMPAT_CSUM_V2	= 0x08,
	JBD2_INCOMPAT_CSUM_V3	= 0x10,
	JBD2_INCOMPAT_FAST	= 0x20,
	JBD2_INCOMPAT_KNOWN	= 0x3f,
};
#define JBD2_CHECKSUM_CRC32C	4

struct jbd2_header { be32_t magic, type, sequence; };

struct jbd2_super {
	struct jbd2_header header;
	be32_t block_size, nr_blocks, first;
	be32_t sequence, start;		/* first transaction of the log and its block; 0: empty */
	be32_t error;
	be32_t compat, incompat, ro_compat;
	uint8_t uuid[16];
	be32_t nr_users, dynamic_super, max_tx, max_tx_data;
	uint8_t checksum_type, pad1[3];
	be32_t nr_fast_blocks;
	be32_t head;
	uint8_t pad2[160];
	be32_t checksum;
	uint8_t users[768];
};
_Static_assert(sizeof(struct jbd2_super) == 1024, "journal superblock");

struct jbd2_commit {
	struct jbd2_header header;
	uint8_t checksum_type, checksum_size, pad[2];
	be32_t checksum[8];
	be64_t seconds;
	be32_t nanoseconds;
};

struct jbd2_revoke { struct jbd2_header header; be32_t used; };

/* One block that a descriptor names, decoded. */
struct jbd2_tag {
	uint64_t block;
	uint32_t flags, checksum;
};

enum tx_state { TX_RUNNING, TX_LOCKED, TX_WRITING, TX_COMMITTING, TX_CHECKPOINT };

struct journal_tx {
	struct journal *journal;
	uint32_t tid;			/* [I] */
	enum tx_state state;		/* [J] changed by tx_set_state() alone */
	uint32_t handles;		/* [J] that are open */
	uint32_t credits;		/* [J] promised to open and finished handles */
	uint32_t nr_bufs;		/* [J] on bufs */
	struct list bufs;		/* [J] struct jbuf.node, of running and committing */
	struct list checkpoint;		/* [J] struct jbuf.checkpoint_node: not yet known at home */
	struct rb_tree revokes;		/* [J] struct revoke */
	uint32_t nr_revokes;		/* [J] */
	uint32_t log_start;		/* [J] its first block in the log */
	int64_t started_ns;		/* [I] */
	struct list node;		/* [J] journal.checkpoints */
};

struct revoke {
	struct rb_node node;
	uint64_t block;
	uint32_t tid;
};

/* What the journal knows of a buffer: buf.journal.  Holds a reference to the buffer. */
struct jbuf {
	struct buf *buf;		/* [I] */
	struct journal_tx *tx;		/* [J] running or committing, whose part it is */
	struct journal_tx *next_tx;	/* [J] running, while tx is committing */
	struct journal_tx *checkpoint_tx;	/* [J] youngest committed one that has it */
	struct journal_tx *freed_in;	/* [J] tx or next_tx, in which its block was freed */
	void *frozen;			/* [J] J3: the content for tx, when buf.data has moved on */
	bool logged;			/* [J] tx has its copy in the log */
	bool dirty, next_dirty;		/* [J] changed in tx, in next_tx; else only looked at */
	struct list node;		/* [J] tx->bufs */
	struct list checkpoint_node;	/* [J] checkpoint_tx->checkpoint */
};

/*   [J] lock   [I] immutable after journal_begin() */
struct journal {
	struct mutex lock;		/* class JOURNAL */
	struct waitq waiters;		/* anything of J4 has changed */
	uint32_t event;			/* [A] counts the changes */
	struct journal_args args;	/* [I] */
	struct buf *super_buf;		/* [I] */
	uint32_t incompat;		/* [I] */
	uint32_t csum_seed;		/* [I] */
	uint32_t first, end;		/* [I] the log is blocks [first, end) of the file */
	uint32_t head;			/* [J] next block to write */
	uint32_t tail, tail_tid;	/* [J] where replay would begin */
	bool tail_on_disk;		/* [J] false: superblock says "empty" */
	uint32_t next_tid;		/* [J] of the next transaction */
	uint32_t committed_tid;		/* [J] the youngest on the medium */
	uint32_t max_credits;		/* [I] of one transaction */
	struct journal_tx *running;	/* [J] */
	struct journal_tx *committing;	/* [J] */
	bool is_flushing;		/* [J] somebody moves the tail */
	struct list checkpoints;	/* [J] committed transactions, oldest first */
	int error;			/* [A] why it was aborted */
	void (*on_abort)(void *arg, int err);	/* [I] */
	void *on_abort_arg;		/* [I] */
	int old_error;			/* [J] left by the last mount */
};

/* a is later than b, around the wrap. */
static inline bool tid_after(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }
static inline struct jbd2_super *super_of(struct journal *j) { return j->super_buf->data; }
static inline bool journal_has_csum(const struct journal *j)
{
	return j->incompat & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3);
}

/* format.c */
struct buf *jlog_get(struct journal *j, uint32_t index);
struct buf *jlog_read(struct journal *j, uint32_t index);
uint32_t jlog_next(const struct journal *j, uint32_t index);
uint32_t jbd2_tag_size(const struct journal *j);
bool jbd2_header_ok(const struct buf *b, uint32_t *type, uint32_t *sequence);
void jbd2_header_init(struct buf *b, enum jbd2_block_type type, uint32_t tid);
uint32_t jbd2_data_csum(const struct journal *j, const void *data, uint32_t tid);
void jbd2_tail_csum_set(const struct journal *j, struct buf *b);
bool jbd2_tail_csum_ok(const struct journal *j, const struct buf *b);
void jbd2_commit_csum_set(const struct journal *j, struct buf *b);
bool jbd2_commit_csum_ok(const struct journal *j, const struct buf *b);
/* The tag at @p; false: it does not fit before the end of the block. */
bool jbd2_tag_get(const struct journal *j, const struct buf *b, uint32_t *offset,
		  struct jbd2_tag *tag);
void jbd2_tag_put(const struct journal *j, void *p, const struct jbd2_tag *tag);
__must_check int jbd2_super_check(struct journal *j);
__must_check int jbd2_super_write(struct journal *j);
__must_check int journal_disk_flush(struct journal *j);

/* journal.c; the lock is held */
void tx_set_state(struct journal_tx *t, enum tx_state state);
void journal_event(struct journal *j);
/* Let go of the lock until something changes. */
void journal_sleep(struct journal *j);
uint32_t tx_log_need(const struct journal *j, const struct journal_tx *t, uint32_t more);
uint32_t log_free_blocks(const struct journal *j);
void jbuf_drop_if_idle(struct jbuf *jb);
void jbuf_set_checkpoint(struct jbuf *jb, struct journal_tx *t);
void tx_free(struct journal_tx *t);

/* revoke.c */
struct revoke *revoke_find(struct rb_tree *tree, uint64_t block);
__must_check int revoke_add(struct rb_tree *tree, uint64_t block, uint32_t tid);
void revoke_remove(struct rb_tree *tree, struct revoke *r);
void revoke_clear(struct rb_tree *tree);

/* commit.c, checkpoint.c: the lock is held, and let go of on the way */
__must_check int journal_commit_locked(struct journal *j, uint32_t tid);
/* Write home what keeps the oldest transaction in the log, then move the tail. */
__must_check int journal_checkpoint_locked(struct journal *j);
void journal_forget_clean_locked(struct journal *j);

#endif
