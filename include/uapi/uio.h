/* SPDX-License-Identifier: MIT */
/* Scatter-gather vectors. */
#pragma once

#include <uapi/types.h>

struct iovec {
	uint64_t iov_base;
	uint64_t iov_len;
};
UAPI_SIZE(struct iovec, 16);

#define UIO_FASTIOV	8
#define UIO_MAXIOV	1024

/* preadv2, pwritev2 */
#define RWF_HIPRI	0x00000001
#define RWF_DSYNC	0x00000002
#define RWF_SYNC	0x00000004
#define RWF_NOWAIT	0x00000008
#define RWF_APPEND	0x00000010
#define RWF_SUPPORTED	0x0000001f
