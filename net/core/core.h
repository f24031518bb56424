/* SPDX-License-Identifier: MIT */
/* What the files of net/core share. */
#ifndef NET_CORE_H
#define NET_CORE_H

#include <net/socket.h>

/* A descriptor that is a socket: .file NULL, and *@err is -EBADF or -ENOTSOCK. */
struct fd_ref socket_fd_get(int fd, int *err);

/* A user's address: @len is what the caller said.  0, -EINVAL, -EFAULT. */
__must_check int socket_address_get(struct socket_address *a, uaddr_t user, int len);
/*
 * Write @a out: value-result length at @user_len.  0, -EINVAL, -EFAULT.
 */
__must_check int socket_address_put(const struct socket_address *a, uaddr_t user, uaddr_t user_len);

#endif
