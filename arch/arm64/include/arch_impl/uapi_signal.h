/* SPDX-License-Identifier: MIT */
/* Alternate signal stack sizes of arm64. Include <uapi/signal.h>. */
#pragma once

#define MINSIGSTKSZ	5120
#define SIGSTKSZ	16384
