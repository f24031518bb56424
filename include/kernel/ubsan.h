/* SPDX-License-Identifier: MIT */
/* Findings of the undefined-behaviour checks. */
#ifndef KERNEL_UBSAN_H
#define KERNEL_UBSAN_H

#include <lib/types.h>

/* How often any was met since boot.  Only with CONFIG_UBSAN. */
uint64_t ubsan_reports(void);

#endif
