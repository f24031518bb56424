/* SPDX-License-Identifier: MIT */
/*
 * In-place sorting in O(n log n) time at worst, with constant stack. Not stable.
 */
#ifndef LIB_SORT_H
#define LIB_SORT_H

#include <lib/types.h>

/* Negative, 0 or positive as @a sorts before, with or behind @b. */
typedef int compare_fn(const void *a, const void *b, void *arg);

void sort(void *base, size_t count, size_t size, compare_fn *compare, void *arg);

#endif
