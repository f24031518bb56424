/* SPDX-License-Identifier: MIT */
/*
 * The parts of fcntl(2) that live with what they act on.
 */
#ifndef FS_FCNTL_INTERNAL_H
#define FS_FCNTL_INTERNAL_H

#include <kernel/file.h>

long fcntl_lock(struct file *f, int cmd, uaddr_t arg);			/* locks.c */
long pipe_fcntl(struct file *f, int cmd, unsigned long arg);	/* pipe.c: -EBADF if it is none */
/* tmpfs/memfd.c: -EINVAL if it is none */
long memfd_fcntl(struct file *f, int cmd, unsigned long arg);

#endif
