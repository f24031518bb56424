/* SPDX-License-Identifier: MIT */
/* poll(2) and select(2). */
#pragma once

#include <uapi/types.h>

#define POLLIN		0x0001
#define POLLPRI		0x0002
#define POLLOUT		0x0004
#define POLLERR		0x0008
#define POLLHUP		0x0010
#define POLLNVAL	0x0020
#define POLLRDNORM	0x0040
#define POLLRDBAND	0x0080
#define POLLWRNORM	0x0100
#define POLLWRBAND	0x0200
#define POLLMSG		0x0400
#define POLLREMOVE	0x1000
#define POLLRDHUP	0x2000

struct pollfd {
	int32_t fd;
	int16_t events;
	int16_t revents;
};
UAPI_SIZE(struct pollfd, 8);

/* pselect6's last argument: a pointer to this */
struct sigset_argpack {
	uint64_t ss;			/* user address of a sigset_t, 0 = leave the mask */
	uint64_t ss_len;
};
UAPI_SIZE(struct sigset_argpack, 16);
