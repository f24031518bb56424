/* SPDX-License-Identifier: MIT */
/*
 * tmpfs inside: what its files and devtmpfs share.
 */
#ifndef FS_TMPFS_TMPFS_H
#define FS_TMPFS_TMPFS_H

#include <fs/vfs.h>
#include <mm/memobj.h>

#include "xattr.h"

struct tmpfs_super {
	int64_t used_pages, used_inodes;	/* [A] */
	int64_t max_pages, max_inodes;		/* [A] remount changes them */
};

struct tmpfs_inode {
	struct inode inode;
	struct memobj object;		/* regular files: their data */
	struct tmpfs_super *super;	/* [I] */
	struct xattrs xattrs;
	uint32_t seals;			/* [R] inode->lock: F_SEAL_* */
};

struct tmpfs_options {
	int64_t max_pages, max_inodes;
	uint32_t mode, uid, gid;
};
void tmpfs_default_options(struct tmpfs_options *o);
/* "size=64M,mode=1777,..." cut up in place; -EINVAL for what is not understood. */
int tmpfs_parse(struct tmpfs_options *o, char *data);
int tmpfs_remount(struct super_block *sb, uint32_t flags, char *data);

struct super_block *tmpfs_super_create(const struct fs_type *type, char *data);
struct inode *tmpfs_inode_create(struct super_block *sb, const struct inode *dir, uint32_t mode,
				 dev_t rdev);
extern const struct file_ops tmpfs_file_ops, tmpfs_dir_ops;
void tmpfs_init(void);
void memfd_init(void);

#endif
