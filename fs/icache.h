/* SPDX-License-Identifier: MIT */
/*
 * The inode cache's interface to fs/super.c, fs/inode.c and fs/writeback.c.  Theory: <fs/vfs.h>.
 */
#ifndef FS_ICACHE_H
#define FS_ICACHE_H

#include <fs/vfs.h>

/* Lists and locks of a superblock, whether it caches or not. */
void icache_init_super(struct super_block *sb);
/* Its inodes may be found by reclaim from now on. */
void icache_enable(struct super_block *sb);
/* Nobody refers to any inode: all go, written or not. */
void icache_evict_all(struct super_block *sb);
/* One more reference, perhaps the first; sb->inodes_lock held. */
void icache_ref_locked(struct inode *inode);
/* inode_put() of a cached inode. */
void icache_put(struct inode *inode);

#endif
