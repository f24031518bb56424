/* SPDX-License-Identifier: MIT */
/*
 * libfdt for the kernel: the reading half of the library as one unit. It has no state, allocates
 * nothing, and is compiled with all of its own checks (FDT_ASSUME_MASK 0).
 */
#include <string.h>

#include "fdt.c"
#include "fdt_ro.c"
#include "fdt_check.c"
