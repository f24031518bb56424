/* SPDX-License-Identifier: MIT */
/* What poll, select and epoll_wait share. */
#ifndef FS_POLL_INTERNAL_H
#define FS_POLL_INTERNAL_H

#include <lib/types.h>

/* Absolute deadline for a user's timespec; 0: do not wait, WAIT_FOREVER for NULL.  0 or -errno. */
int poll_get_timespec(uaddr_t user, int64_t *deadline);
/* Set a temporary signal mask if one is given; put it back by what the call returns. */
int poll_set_mask(uaddr_t mask, size_t size);
void poll_restore_mask(uaddr_t mask, long ret);

#endif
