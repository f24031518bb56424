/* SPDX-License-Identifier: MIT */
/*
 * Bit arrays, word by word. used_mask() names the used bits of a word.
 */
#include <lib/bitmap.h>
#include <lib/string.h>

/* The used bits of word @i of a map of @bits. */
static inline unsigned long used_mask(size_t i, size_t bits)
{
	size_t left = bits - i * BITS_PER_LONG;

	return left >= BITS_PER_LONG ? ~0UL : (1UL << left) - 1;
}

#define for_each_word(i, bits)	for (size_t i = 0; i < BITMAP_WORDS(bits); i++)

void bitmap_zero(unsigned long *map, size_t bits)
{
	memset(map, 0, BITMAP_BYTES(bits));
}

void bitmap_fill(unsigned long *map, size_t bits)
{
	for_each_word(i, bits)
		map[i] = used_mask(i, bits);
}

void bitmap_copy(unsigned long *dst, const unsigned long *src, size_t bits)
{
	memcpy(dst, src, BITMAP_BYTES(bits));
}

/* The part of word @i that lies in [start, start + len). */
static unsigned long range_mask(size_t i, size_t start, size_t len)
{
	size_t word_start = i * BITS_PER_LONG, end = start + len;
	unsigned long mask = ~0UL;

	if (word_start < start)
		mask &= ~0UL << (start - word_start);
	if (end - word_start < BITS_PER_LONG)
		mask &= (1UL << (end - word_start)) - 1;
	return mask;
}

void bitmap_set(unsigned long *map, size_t start, size_t len)
{
	for (size_t i = start / BITS_PER_LONG; len && i < BITMAP_WORDS(start + len); i++)
		map[i] |= range_mask(i, start, len);
}

void bitmap_clear(unsigned long *map, size_t start, size_t len)
{
	for (size_t i = start / BITS_PER_LONG; len && i < BITMAP_WORDS(start + len); i++)
		map[i] &= ~range_mask(i, start, len);
}

/* @flip is 0 to look for ones, ~0 to look for zeros. */
static inline size_t find_next(const unsigned long *map, size_t bits, size_t from,
			       unsigned long flip)
{
	unsigned long word;
	size_t i = from / BITS_PER_LONG;

	if (from >= bits)
		return bits;
	word = (READ_ONCE(map[i]) ^ flip) & (~0UL << (from % BITS_PER_LONG));
	while (!word) {
		if (++i >= BITMAP_WORDS(bits))
			return bits;
		word = READ_ONCE(map[i]) ^ flip;
	}
	return min(i * BITS_PER_LONG + ctz64(word), bits);
}

size_t bitmap_find_next(const unsigned long *map, size_t bits, size_t from)
{
	return find_next(map, bits, from, 0);
}

size_t bitmap_find_next_zero(const unsigned long *map, size_t bits, size_t from)
{
	return find_next(map, bits, from, ~0UL);
}

size_t bitmap_find_last(const unsigned long *map, size_t bits)
{
	for (size_t i = BITMAP_WORDS(bits); i-- > 0; ) {
		unsigned long word = map[i] & used_mask(i, bits);

		if (word)
			return i * BITS_PER_LONG + msb64(word);
	}
	return bits;
}

size_t bitmap_find_zero_area(const unsigned long *map, size_t bits, size_t from, size_t len,
			     size_t align)
{
	while (from < bits) {
		size_t start = bitmap_find_next_zero(map, bits, from), end;

		start = round_up_to(start, align);
		if (!range_within(start, len, bits))
			break;
		end = bitmap_find_next(map, start + len, start);
		if (end == start + len)
			return start;
		from = end + 1;
	}
	return bits;
}

size_t bitmap_weight(const unsigned long *map, size_t bits)
{
	size_t weight = 0;

	for_each_word(i, bits)
		weight += popcount64(map[i] & used_mask(i, bits));
	return weight;
}

bool bitmap_empty(const unsigned long *map, size_t bits)
{
	return bitmap_find_next(map, bits, 0) == bits;
}

bool bitmap_full(const unsigned long *map, size_t bits)
{
	return bitmap_find_next_zero(map, bits, 0) == bits;
}

bool bitmap_equal(const unsigned long *a, const unsigned long *b, size_t bits)
{
	for_each_word(i, bits) {
		if ((a[i] ^ b[i]) & used_mask(i, bits))
			return false;
	}
	return true;
}

bool bitmap_subset(const unsigned long *a, const unsigned long *b, size_t bits)
{
	for_each_word(i, bits) {
		if (a[i] & ~b[i] & used_mask(i, bits))
			return false;
	}
	return true;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b, size_t bits)
{
	for_each_word(i, bits) {
		if (a[i] & b[i] & used_mask(i, bits))
			return true;
	}
	return false;
}

void bitmap_and(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits)
{
	for_each_word(i, bits)
		dst[i] = a[i] & b[i];
}

void bitmap_or(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits)
{
	for_each_word(i, bits)
		dst[i] = a[i] | b[i];
}

void bitmap_andnot(unsigned long *dst, const unsigned long *a, const unsigned long *b, size_t bits)
{
	for_each_word(i, bits)
		dst[i] = a[i] & ~b[i];
}
