/* SPDX-License-Identifier: MIT */
/*
 * Binary search in a sorted array.
 */
#ifndef LIB_BSEARCH_H
#define LIB_BSEARCH_H

#include <lib/sort.h>

/* The index of the first element that does not sort before @key; @count if all do. */
static inline size_t lower_bound(const void *key, const void *base, size_t count, size_t size,
				 compare_fn *compare, void *arg)
{
	size_t lo = 0, hi = count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare((const char *)base + mid * size, key, arg) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The first element equal to @key, or NULL. */
static inline void *binary_search(const void *key, const void *base, size_t count, size_t size,
				  compare_fn *compare, void *arg)
{
	size_t i = lower_bound(key, base, count, size, compare, arg);
	const char *element = (const char *)base + i * size;

	return i < count && compare(element, key, arg) == 0 ? (void *)element : NULL;
}

#endif
