/* SPDX-License-Identifier: MIT */
/*
 * Tests of lib/bitmap.c against an array of bools, and of <lib/bits.h>.
 */
#include <lib/bitmap.h>
#include <lib/ktest.h>

#define BITS	197

static void check_model(const unsigned long *map, const bool *model)
{
	size_t weight = 0, next = BITS, next_zero = BITS;

	for (size_t i = BITS; i-- > 0; ) {
		KEXPECT_EQ(test_bit(i, map), model[i]);
		weight += model[i];
		if (model[i])
			next = i;
		else
			next_zero = i;
		KEXPECT_EQ(bitmap_find_next(map, BITS, i), next);
		KEXPECT_EQ(bitmap_find_next_zero(map, BITS, i), next_zero);
	}
	KEXPECT_EQ(bitmap_weight(map, BITS), weight);
	KEXPECT_EQ(bitmap_empty(map, BITS), weight == 0);
	KEXPECT_EQ(bitmap_full(map, BITS), weight == BITS);
	KEXPECT_EQ(map[BITS / 64] >> (BITS % 64), 0);
}

KTEST(bitmap, random_model)
{
	DECLARE_BITMAP(map, BITS);
	bool model[BITS] = { false };
	uint64_t seed = 3;

	bitmap_zero(map, BITS);
	for (int step = 0; step < 3000; step++) {
		size_t start = ktest_random(&seed) % BITS;
		size_t len = ktest_random(&seed) % (BITS - start + 1);
		bool value = ktest_random(&seed) & 1;

		if (value)
			bitmap_set(map, start, len);
		else
			bitmap_clear(map, start, len);
		for (size_t i = start; i < start + len; i++)
			model[i] = value;
		check_model(map, model);
	}
}

KTEST(bitmap, zero_areas)
{
	DECLARE_BITMAP(map, BITS);

	bitmap_fill(map, BITS);
	KEXPECT_EQ(bitmap_find_zero_area(map, BITS, 0, 1, 1), BITS);
	bitmap_clear(map, 10, 5);
	bitmap_clear(map, 60, 20);
	KEXPECT_EQ(bitmap_find_zero_area(map, BITS, 0, 5, 1), 10);
	KEXPECT_EQ(bitmap_find_zero_area(map, BITS, 0, 6, 1), 60);
	KEXPECT_EQ(bitmap_find_zero_area(map, BITS, 0, 4, 16), 64);
	KEXPECT_EQ(bitmap_find_zero_area(map, BITS, 11, 5, 1), 60);
	KEXPECT_EQ(bitmap_find_zero_area(map, BITS, 0, 21, 1), BITS);
	KEXPECT_EQ(bitmap_find_last(map, BITS), BITS - 1);
	bitmap_zero(map, BITS);
	KEXPECT_EQ(bitmap_find_last(map, BITS), BITS);
	KEXPECT_EQ(bitmap_find_zero_area(map, BITS, 0, BITS, 1), 0);
}

KTEST(bitmap, set_algebra)
{
	DECLARE_BITMAP(a, BITS);
	DECLARE_BITMAP(b, BITS);
	DECLARE_BITMAP(c, BITS);
	size_t bit, sum = 0;

	bitmap_zero(a, BITS);
	bitmap_zero(b, BITS);
	bitmap_set(a, 0, 100);
	bitmap_set(b, 50, 100);
	bitmap_and(c, a, b, BITS);
	KEXPECT_EQ(bitmap_weight(c, BITS), 50);
	KEXPECT_TRUE(bitmap_subset(c, a, BITS) && bitmap_subset(c, b, BITS));
	KEXPECT_FALSE(bitmap_subset(a, b, BITS));
	bitmap_or(c, a, b, BITS);
	KEXPECT_EQ(bitmap_weight(c, BITS), 150);
	bitmap_andnot(c, a, b, BITS);
	KEXPECT_EQ(bitmap_weight(c, BITS), 50);
	KEXPECT_FALSE(bitmap_intersects(c, b, BITS));
	KEXPECT_TRUE(bitmap_intersects(a, b, BITS));
	bitmap_copy(b, c, BITS);
	KEXPECT_TRUE(bitmap_equal(b, c, BITS));
	for_each_set_bit(bit, c, BITS)
		sum += bit;
	KEXPECT_EQ(sum, 49 * 50 / 2);
}

KTEST(bitmap, atomic_bits)
{
	DECLARE_BITMAP(map, BITS) = { 0 };

	KEXPECT_FALSE(test_and_set_bit(130, map));
	KEXPECT_TRUE(test_and_set_bit(130, map));
	KEXPECT_TRUE(test_and_clear_bit(130, map));
	KEXPECT_FALSE(test_bit(130, map));
	set_bit(0, map);
	KEXPECT_TRUE(test_and_set_bit_acquire(0, map));
	clear_bit_release(0, map);
	KEXPECT_TRUE(bitmap_empty(map, BITS));
}

KTEST(bits, words)
{
	KEXPECT_EQ(GENMASK(63, 0), ~0UL);
	KEXPECT_EQ(GENMASK(7, 4), 0xf0);
	KEXPECT_EQ(FIELD_GET(GENMASK(7, 4), 0xabcd), 0xc);
	KEXPECT_EQ(FIELD_PREP(GENMASK(7, 4), 0x1c), 0xc0);
	KEXPECT_EQ(ffs64(0), 0);
	KEXPECT_EQ(fls64(BIT(63)), 64);
	KEXPECT_EQ(ilog2(4096), 12);
	KEXPECT_EQ(roundup_pow2(0), 1);
	KEXPECT_EQ(roundup_pow2(4097), 8192);
	KEXPECT_EQ(roundup_pow2(BIT(63) + 1), 0);
	KEXPECT_EQ(roundup_pow2(BIT(63)), BIT(63));
	KEXPECT_EQ(rounddown_pow2(4097), 4096);
	KEXPECT_EQ(popcount64(~0UL), 64);
	KEXPECT_EQ(popcount64(0x8000000000000101UL), 3);
	KEXPECT_EQ(rol32(0x80000001, 1), 3);
	KEXPECT_EQ(ror32(1, 0), 1);
	KEXPECT_EQ(rol64(1, 64), 1);
	KEXPECT_EQ(sign_extend64(0xfff, 11), -1);
}
