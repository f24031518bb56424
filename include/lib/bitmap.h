/* SPDX-License-Identifier: MIT */
/*
 * Bit arrays in machine words. Bits past the end of the last word's used part are kept out of every
 * result. set_bit() and its like are atomic; the bitmap_ functions are not and need the owner's
 * lock.
 */
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include <lib/atomic.h>
#include <lib/bits.h>
#include <lib/minmax.h>

#define BITMAP_WORDS(bits)	DIV_ROUND_UP(bits, BITS_PER_LONG)
#define BITMAP_BYTES(bits)	(BITMAP_WORDS(bits) * sizeof(unsigned long))
#define DECLARE_BITMAP(name, bits)	unsigned long name[BITMAP_WORDS(bits)]

#define LIB_WORD(map, n)	((map)[(n) / BITS_PER_LONG])
#define LIB_MASK(n)		(1UL << ((n) % BITS_PER_LONG))

static inline bool test_bit(size_t n, const unsigned long *map)
{
	return READ_ONCE(LIB_WORD(map, n)) & LIB_MASK(n);
}

/* Atomic, relaxed. */
static inline void set_bit(size_t n, unsigned long *map)
{
	(void)__atomic_fetch_or(&LIB_WORD(map, n), LIB_MASK(n), __ATOMIC_RELAXED);
}

static inline void clear_bit(size_t n, unsigned long *map)
{
	(void)__atomic_fetch_and(&LIB_WORD(map, n), ~LIB_MASK(n), __ATOMIC_RELAXED);
}

/* Atomic full barriers; return the old bit. */
static inline bool test_and_set_bit(size_t n, unsigned long *map)
{
	return __atomic_fetch_or(&LIB_WORD(map, n), LIB_MASK(n), __ATOMIC_SEQ_CST) & LIB_MASK(n);
}

static inline bool test_and_clear_bit(size_t n, unsigned long *map)
{
	return __atomic_fetch_and(&LIB_WORD(map, n), ~LIB_MASK(n), __ATOMIC_SEQ_CST) & LIB_MASK(n);
}

/* A bit as a lock: what the holder did is visible to the next one. */
static inline bool test_and_set_bit_acquire(size_t n, unsigned long *map)
{
	return __atomic_fetch_or(&LIB_WORD(map, n), LIB_MASK(n), __ATOMIC_ACQUIRE) & LIB_MASK(n);
}

static inline void clear_bit_release(size_t n, unsigned long *map)
{
	(void)__atomic_fetch_and(&LIB_WORD(map, n), ~LIB_MASK(n), __ATOMIC_RELEASE);
}

/* Not atomic. */
static inline void bitmap_set_bit(unsigned long *map, size_t n)
{
	LIB_WORD(map, n) |= LIB_MASK(n);
}

static inline void bitmap_clear_bit(unsigned long *map, size_t n)
{
	LIB_WORD(map, n) &= ~LIB_MASK(n);
}

void bitmap_zero(unsigned long *map, size_t bits);
/* All @bits set; the rest of the last word is 0. */
void bitmap_fill(unsigned long *map, size_t bits);
void bitmap_copy(unsigned long *dst, const unsigned long *src, size_t bits);
void bitmap_set(unsigned long *map, size_t start, size_t len);
void bitmap_clear(unsigned long *map, size_t start, size_t len);

/* The first such bit in [from, bits), or @bits if there is none. */
size_t bitmap_find_next(const unsigned long *map, size_t bits, size_t from);
size_t bitmap_find_next_zero(const unsigned long *map, size_t bits, size_t from);
/* The last set bit below @bits, or @bits if there is none. */
size_t bitmap_find_last(const unsigned long *map, size_t bits);
/* The first run of @len zeros in [from, bits) that starts at a multiple of @align, or @bits. */
size_t bitmap_find_zero_area(const unsigned long *map, size_t bits, size_t from, size_t len,
			     size_t align);

static inline size_t bitmap_find_first(const unsigned long *map, size_t bits)
{
	return bitmap_find_next(map, bits, 0);
}

static inline size_t bitmap_find_first_zero(const unsigned long *map, size_t bits)
{
	return bitmap_find_next_zero(map, bits, 0);
}

size_t bitmap_weight(const unsigned long *map, size_t bits);
bool bitmap_empty(const unsigned long *map, size_t bits);
bool bitmap_full(const unsigned long *map, size_t bits);
bool bitmap_equal(const unsigned long *a, const unsigned long *b, size_t bits);
/* Every bit of @a is in @b. */
bool bitmap_subset(const unsigned long *a, const unsigned long *b, size_t bits);
bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t bits);
void bitmap_and(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits);
void bitmap_or(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits);
void bitmap_andnot(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits);

#define for_each_set_bit(bit, map, bits)				\
	for ((bit) = bitmap_find_next(map, bits, 0); (bit) < (bits);	\
	     (bit) = bitmap_find_next(map, bits, (bit) + 1))

#define for_each_clear_bit(bit, map, bits)				\
	for ((bit) = bitmap_find_next_zero(map, bits, 0); (bit) < (bits);	\
	     (bit) = bitmap_find_next_zero(map, bits, (bit) + 1))

#endif
