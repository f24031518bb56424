/* SPDX-License-Identifier: MIT */
/* Alternate signal stack sizes of x86_64. Include <uapi/signal.h>. */
#pragma once

#define MINSIGSTKSZ	2048
#define SIGSTKSZ	8192
