/* SPDX-License-Identifier: MIT */
/*
 * Kernel files with an inode and a name of their own, outside every directory:
 * pipes, memfds, sockets, ptys' peers.
 */
#ifndef FS_PSEUDO_H
#define FS_PSEUDO_H

#include <fs/vfs.h>

/*
 * An inode of the internal file system: @mode with the type, owned by the caller.  NULL: out of
 * memory.
 */
struct inode *pseudo_inode_alloc(uint32_t mode);

/*
 * An open file on @inode (takes over its reference, also on failure).  @ops->name, such as "pipe"
 * or "socket", shows in /proc/PID/fd as "pipe:[ino]".  @flags: O_ACCMODE and status flags.  Error
 * pointer.
 */
struct file *pseudo_file_create(struct inode *inode, const struct file_ops *ops, void *priv,
				uint32_t flags);

/* What /proc/PID/fd shows for a file without a path: its length. */
size_t pseudo_file_name(const struct file *f, char *buf, size_t size);

/*
 * A counted path to a file that has none: for opening it again through /proc/PID/fd.  0 or -errno.
 */
__must_check int pseudo_file_path(const struct file *f, struct path *out);

void pseudo_init(void);

#endif
