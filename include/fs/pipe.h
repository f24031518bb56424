/* SPDX-License-Identifier: MIT */
/*
 * Pipes for the rest of the kernel: both ends as files.
 */
#ifndef FS_PIPE_H
#define FS_PIPE_H

#include <kernel/file.h>

/* files[0] reads, files[1] writes.  @flags: O_NONBLOCK, O_DIRECT.  0 or -errno. */
__must_check int pipe_create_files(struct file *files[2], uint32_t flags);

extern const struct file_ops fifo_ops;

#endif
