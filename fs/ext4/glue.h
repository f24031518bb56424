/* SPDX-License-Identifier: MIT */
/*
 * What the core asks of its surroundings: the kernel's side is vfs.c, the host's
 * tests/storage/shim.c.
 */
#ifndef FS_EXT4_GLUE_H
#define FS_EXT4_GLUE_H

#include "ext4.h"

/* May the caller use the blocks that are kept for root? */
bool ext4_may_use_reserved(const struct ext4_fs *fs);
/* A fresh or loaded inode gets its operations, and a file its page cache.  0 or -ENOMEM. */
__must_check int ext4_attach_ops(struct inode *inode, dev_t rdev);
/* No inode shall be in memory: a mount failed. */
void ext4_forget_inodes(struct ext4_fs *fs);
/* The commit thread of a journal: from the first mount for writing to the end. */
__must_check int ext4_thread_start(struct ext4_fs *fs);
void ext4_thread_stop(struct ext4_fs *fs);
/* -ENOSPC, and a commit would give freed blocks: it was done, try again.  No handle. */
bool ext4_should_retry(struct ext4_fs *fs, int err, unsigned int *tries);

#endif
