/* SPDX-License-Identifier: MIT */
/*
 * min, max, clamp, alignment and overflow-free range arithmetic. Comparing a signed with an
 * unsigned variable does not compile; a non-negative constant goes with both; else say the type
 * (min_t).
 */
#ifndef LIB_MINMAX_H
#define LIB_MINMAX_H

#include <lib/types.h>

#define LIB_IS_SIGNED(x)	((__typeof__(x))-1 < (__typeof__(x))1)
#define LIB_IS_CONST(x)		\
	(sizeof(int) == sizeof(*(8 ? ((void *)((long)(x) * 0L)) : (int *)8)))
#define LIB_IS_CONST_POSITIVE(x) \
	(__builtin_choose_expr(LIB_IS_CONST(x), x, -1) >= 0)
#define LIB_COMPARABLE(x, y)	\
	(LIB_IS_SIGNED(x) == LIB_IS_SIGNED(y) || LIB_IS_CONST_POSITIVE(x) ||	\
	 LIB_IS_CONST_POSITIVE(y))

#define LIB_PICK(x, op, y, ux, uy)					\
({									\
	_Static_assert(LIB_COMPARABLE(x, y), "signed against unsigned: use min_t or max_t");	\
	__typeof__(1 ? (x) : (y)) ux = (x);				\
	__typeof__(1 ? (x) : (y)) uy = (y);				\
	ux op uy ? ux : uy;						\
})
#define min(x, y)	LIB_PICK(x, <, y, UNIQUE_NAME(mm_x), UNIQUE_NAME(mm_y))
#define max(x, y)	LIB_PICK(x, >, y, UNIQUE_NAME(mm_x), UNIQUE_NAME(mm_y))
#define min_t(type, x, y)	min((type)(x), (type)(y))
#define max_t(type, x, y)	max((type)(x), (type)(y))
#define clamp(value, lo, hi)	min(max(value, lo), hi)
#define clamp_t(type, value, lo, hi)	min_t(type, max_t(type, value, lo), hi)

#define swap_values(a, b)						\
do {									\
	__typeof__(a) sv_a = (a);					\
	(a) = (b);							\
	(b) = sv_a;							\
} while (0)

/* @a is a power of two. align_up wraps to 0 past the top of the type: see check_align_up(). */
#define align_down(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define align_up(x, a)		align_down((x) + ((__typeof__(x))(a) - 1), a)
#define is_aligned(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)
#define ptr_align_up(p, a)	((__typeof__(p))align_up((uintptr_t)(p), a))
#define ptr_align_down(p, a)	((__typeof__(p))align_down((uintptr_t)(p), a))
#define ptr_is_aligned(p, a)	is_aligned((uintptr_t)(p), a)

/* @d is any positive number. */
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define round_up_to(n, d)	(DIV_ROUND_UP(n, d) * (d))

/* Like Linux: true on overflow, and *@result holds the wrapped value. */
#define check_add_overflow(a, b, \
			   result)	lib_must_check_bool(__builtin_add_overflow(a, b, result))
#define check_sub_overflow(a, b, \
			   result)	lib_must_check_bool(__builtin_sub_overflow(a, b, result))
#define check_mul_overflow(a, b, \
			   result)	lib_must_check_bool(__builtin_mul_overflow(a, b, result))

static inline bool __must_check lib_must_check_bool(bool overflow)
{
	return unlikely(overflow);
}

/* Aligns *@n up to the power of two @a; true on overflow, then *@n is unchanged. */
static inline bool __must_check check_align_up(uint64_t *n, uint64_t a)
{
	if (*n > align_down(UINT64_MAX, a))
		return true;
	*n = align_up(*n, a);
	return false;
}

/* True if [off, off + len) lies within [0, size). Never overflows. */
static inline bool range_within(uint64_t off, uint64_t len, uint64_t size)
{
	return len <= size && off <= size - len;
}

/*
 * True if [a, a + a_len) and [b, b + b_len) share a byte. Empty ranges share none; neither wraps.
 */
static inline bool range_overlaps(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	if (!a_len || !b_len)
		return false;
	return a < b ? b - a < a_len : a - b < b_len;
}

/* a + b, or the greatest value if that does not fit. */
static inline uint64_t add_saturate(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline int64_t add_saturate_signed(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b < 0 ? INT64_MIN : INT64_MAX;
}

static inline uint64_t mul_saturate(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* (a * mul) >> shift with a 128-bit product: clock conversions. */
static inline uint64_t mul_u64_u32_shift(uint64_t a, uint32_t mul, unsigned int shift)
{
	return (uint64_t)(((unsigned __int128)a * mul) >> shift);
}

#endif
