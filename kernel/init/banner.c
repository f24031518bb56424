/* SPDX-License-Identifier: MIT */
/* What this kernel calls itself: uname, /proc/version, the first line of the log. */
#include <kernel/version.h>

/* Programs compare the release with Linux's: the ABI offered is that of 6.1. */
const char kernel_release[] = "6.1.0-aegis";
const char kernel_version[] = "#1 SMP PREEMPT Aegis 0.1";
