/* SPDX-License-Identifier: MIT */
/*
 * Bits of one machine word: masks, scans, powers of two. Bit arrays are in <lib/bitmap.h>.
 */
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include <lib/types.h>

#define BITS_PER_LONG	64
#define BIT(n)		(1UL << (n))
#define BIT32(n)	(UINT32_C(1) << (n))

/* Bits @lo to @hi, both included. */
#define GENMASK(hi, lo)	((~0UL << (lo)) & (~0UL >> (BITS_PER_LONG - 1 - (hi))))

/* The value of the field @mask within @word, and a value shifted into that field. */
#define FIELD_GET(mask, word)	(((word) & (mask)) >> __builtin_ctzl(mask))
#define FIELD_PREP(mask, value)	(((uint64_t)(value) << __builtin_ctzl(mask)) & (mask))

/* Index of the lowest or highest set bit. @x is not 0. */
static inline unsigned int ctz64(uint64_t x)
{
	return (unsigned int)__builtin_ctzl(x);
}

static inline unsigned int msb64(uint64_t x)
{
	return 63U - (unsigned int)__builtin_clzl(x);
}

/* As ffs(3): 1 + index of the lowest set bit, 0 for 0. fls64 does the same for the highest. */
static inline unsigned int ffs64(uint64_t x)
{
	return x ? ctz64(x) + 1 : 0;
}

static inline unsigned int fls64(uint64_t x)
{
	return x ? msb64(x) + 1 : 0;
}

/* Base-2 logarithm rounded down; @x is not 0. A constant folds. */
#define ilog2(x)	(63U - (unsigned int)__builtin_clzl((uint64_t)(x)))

static inline bool is_power_of_2(uint64_t x)
{
	return x && !(x & (x - 1));
}

/* The least power of two >= @x; 1 for 0; 0 if that does not fit in 64 bits. */
static inline uint64_t roundup_pow2(uint64_t x)
{
	if (x <= 1)
		return 1;
	return x > BIT(63) ? 0 : BIT(fls64(x - 1));
}

/* The greatest power of two <= @x; @x is not 0. */
static inline uint64_t rounddown_pow2(uint64_t x)
{
	return BIT(msb64(x));
}

/* Number of set bits, without the compiler's run-time library. */
static inline unsigned int popcount64(uint64_t x)
{
	x -= (x >> 1) & 0x5555555555555555UL;
	x = (x & 0x3333333333333333UL) + ((x >> 2) & 0x3333333333333333UL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return (unsigned int)((x * 0x0101010101010101UL) >> 56);
}

static inline uint32_t rol32(uint32_t x, unsigned int n)
{
	return (x << (n & 31)) | (x >> (-n & 31));
}

static inline uint32_t ror32(uint32_t x, unsigned int n)
{
	return (x >> (n & 31)) | (x << (-n & 31));
}

static inline uint64_t rol64(uint64_t x, unsigned int n)
{
	return (x << (n & 63)) | (x >> (-n & 63));
}

static inline uint64_t ror64(uint64_t x, unsigned int n)
{
	return (x >> (n & 63)) | (x << (-n & 63));
}

/* Extends the sign of the number in bits 0 to @top. */
static inline int64_t sign_extend64(uint64_t x, unsigned int top)
{
	unsigned int shift = 63 - top;

	return (int64_t)(x << shift) >> shift;
}

#endif
