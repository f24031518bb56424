/* SPDX-License-Identifier: MIT */
/* eventfd2 flags. */
#pragma once

#include <uapi/fcntl.h>

#define EFD_SEMAPHORE	(1 << 0)
#define EFD_CLOEXEC	O_CLOEXEC
#define EFD_NONBLOCK	O_NONBLOCK
