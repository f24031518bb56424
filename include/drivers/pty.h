/* SPDX-License-Identifier: MIT */
/*
 * Pseudo-terminals and the file system that names them: what pty.c and fs/devpts need of each
 * other.
 */
#ifndef DRIVERS_PTY_H
#define DRIVERS_PTY_H

#include <lib/types.h>

struct inode;

/* The inode of /dev/pts/@index: a reference, or NULL. */
struct inode *pty_lookup_inode(uint32_t index);
/* The lowest pair >= *@index whose master is open; false when there is none. */
bool pty_next(uint32_t *index);

/*
 * What pty.c asks of fs/devpts, which is above it.  A node for pair @index, owned by the caller;
 * NULL: out of memory.
 */
struct inode *devpts_inode_alloc(uint32_t index);
/* It is gone from the directory; drops the reference. */
void devpts_inode_drop(struct inode *inode);

#endif
