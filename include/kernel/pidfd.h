/* SPDX-License-Identifier: MIT */
/* Descriptors that stand for a process. */
#ifndef KERNEL_PIDFD_H
#define KERNEL_PIDFD_H

struct pid;

/* A new descriptor for @pid (borrowed); @flags: O_CLOEXEC, O_NONBLOCK.  -errno. */
int pidfd_create(struct pid *pid, unsigned int flags);
/* The pid behind descriptor @fd, counted; error pointer (-EBADF). */
struct pid *pidfd_get_pid(int fd);

#endif
