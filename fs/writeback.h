/* SPDX-License-Identifier: MIT */
/*
 * Writeback: who writes dirty pages, inodes and buffers, and when.  Theory: fs/writeback.c.
 */
#ifndef FS_WRITEBACK_H
#define FS_WRITEBACK_H

#include <fs/vfs.h>

struct buf_cache;
struct memobj;
struct seq_file;

/* /proc/sys/vm/dirty_*; any may change at any time. */
struct writeback_limits {
	uint32_t dirty_ratio, background_ratio;		/* percent of free and cache memory */
	uint64_t dirty_bytes, background_bytes;		/* instead, unless 0 */
	uint32_t expire_centisecs, interval_centisecs;	/* interval 0: nothing by itself */
};
extern struct writeback_limits writeback_limits;

/* The flusher of one block device. */
struct writeback *writeback_create(const char *name);	/* error pointer */
void writeback_destroy(struct writeback *wb);		/* nothing is attached */
/* What it serves: the inodes of a superblock, the buffers of a device. */
void writeback_attach(struct writeback *wb, struct super_block *sb);
void writeback_detach(struct super_block *sb);
void writeback_attach_buffers(struct writeback *wb, struct buf_cache *c);
void writeback_detach_buffers(struct writeback *wb, struct buf_cache *c);
/* Something became dirty: its time begins to run.  Thread context, no spinlock held. */
void writeback_wake(struct writeback *wb);
/* Write all there is, now. */
void writeback_kick(struct writeback *wb);

/* memobj_ops.dirtied of files. */
void writeback_object_dirtied(struct memobj *o);
/* The caller made @bytes dirty: wait where there is too much.  No lock that writeback needs. */
void writeback_throttle(struct inode *inode, uint64_t bytes);

/* Write all dirty inodes of @sb; @wait: and wait.  0 or the first error. */
__must_check int writeback_super(struct super_block *sb, bool wait);
/* One inode out of all dirty lists: it goes away. */
void writeback_forget(struct inode *inode);

#endif
