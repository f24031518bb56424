/* SPDX-License-Identifier: MIT */
/*
 * 128-bit intermediate products, without the compiler's run-time library.
 */
#ifndef LIB_MULDIV_H
#define LIB_MULDIV_H

#include <lib/types.h>

/* a * b / c rounded down, saturating at UINT64_MAX.  @c is not 0. */
static inline uint64_t muldiv_u64(uint64_t a, uint64_t b, uint64_t c)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product, quotient = 0;

	if (!high)
		return low / c;
	if (high >= c)
		return UINT64_MAX;
	/* Schoolbook division by bits: the remainder stays below c, so it fits with its carry. */
	for (int bit = 63; bit >= 0; bit--) {
		bool carry = high >> 63;

		high = high << 1 | (low >> bit & 1);
		quotient <<= 1;
		if (carry || high >= c) {
			high -= c;
			quotient |= 1;
		}
	}
	return quotient;
}

#endif
