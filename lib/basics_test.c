/* SPDX-License-Identifier: MIT */
/*
 * Tests of the header-only basics: minmax, endian, err, atomic, refcount.
 */
#include <lib/atomic.h>
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/minmax.h>

KTEST(minmax, picks)
{
	size_t n = 10;
	int evaluated = 0;

	KEXPECT_EQ(min(n, 3), 3);
	KEXPECT_EQ(max(3, n), 10);
	KEXPECT_EQ(min(-1, 1), -1);
	KEXPECT_EQ(min(min(n, 20), max(n, 5)), 10);
	KEXPECT_EQ(clamp(15, 0, 10), 10);
	KEXPECT_EQ(min(++evaluated, 5), 1);
	KEXPECT_EQ(evaluated, 1);
}

KTEST(minmax, ranges)
{
	uint64_t sum, up = 4097;

	KEXPECT_TRUE(range_within(0, 0, 0));
	KEXPECT_TRUE(range_within(4, 6, 10));
	KEXPECT_FALSE(range_within(5, 6, 10));
	KEXPECT_FALSE(range_within(UINT64_MAX, 2, 10));
	KEXPECT_FALSE(range_within(2, UINT64_MAX, 10));
	KEXPECT_TRUE(range_overlaps(0, 10, 9, 1));
	KEXPECT_FALSE(range_overlaps(0, 10, 10, 1));
	KEXPECT_FALSE(range_overlaps(5, 0, 0, 10));
	KEXPECT_TRUE(range_overlaps(UINT64_MAX, 1, UINT64_MAX - 1, 2));
	KEXPECT_EQ(align_up(4097UL, 4096), 8192);
	KEXPECT_EQ(align_down(4097UL, 4096), 4096);
	KEXPECT_FALSE(check_align_up(&up, 4096));
	KEXPECT_EQ(up, 8192);
	up = UINT64_MAX;
	KEXPECT_TRUE(check_align_up(&up, 4096));
	KEXPECT_EQ(up, UINT64_MAX);
	up = UINT64_MAX - 4095;
	KEXPECT_FALSE(check_align_up(&up, 4096));
	KEXPECT_TRUE(check_add_overflow(UINT64_MAX, UINT64_C(1), &sum));
	KEXPECT_EQ(sum, 0);
	KEXPECT_EQ(add_saturate(UINT64_MAX, 2), UINT64_MAX);
	KEXPECT_EQ(mul_saturate(UINT64_MAX, 2), UINT64_MAX);
	KEXPECT_EQ(DIV_ROUND_UP(10, 3), 4);
	KEXPECT_EQ(mul_u64_u32_shift(UINT64_MAX, 0x80000000U, 31), UINT64_MAX);
}

KTEST(endian, converters)
{
	uint8_t bytes[9] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };

	KEXPECT_EQ(get_be16(bytes + 1), 0x0102);
	KEXPECT_EQ(get_le32(bytes + 1), 0x04030201);
	KEXPECT_EQ(get_be64(bytes + 1), 0x0102030405060708);
	put_be32(bytes + 1, 0xa0b0c0d0);
	KEXPECT_EQ(bytes[1], 0xa0);
	KEXPECT_EQ(be32_to_cpu(cpu_to_be32(0x12345678)), 0x12345678);
	KEXPECT_EQ(le16_to_cpu(cpu_to_le16(0x1234)), 0x1234);
}

KTEST(err, pointers)
{
	int object;

	KEXPECT_TRUE(IS_ERR(ERR_PTR(-ENOENT)));
	KEXPECT_EQ(PTR_ERR(ERR_PTR(-ENOENT)), -ENOENT);
	KEXPECT_FALSE(IS_ERR(&object));
	KEXPECT_FALSE(IS_ERR(NULL));
	KEXPECT_TRUE(IS_ERR_OR_NULL(NULL));
	KEXPECT_EQ(PTR_ERR_OR_ZERO(&object), 0);
	KEXPECT_EQ(PTR_ERR_OR_ZERO(ERR_PTR(-EIO)), -EIO);
}

KTEST(atomic, operations)
{
	atomic_t a = ATOMIC_INIT(5);
	atomic64_t b = ATOMIC64_INIT(-1);
	int old = 5;

	atomic_add(3, &a);
	KEXPECT_EQ(atomic_fetch_sub(8, &a), 8);
	KEXPECT_EQ(atomic_read(&a), 0);
	KEXPECT_FALSE(atomic_inc_not_zero(&a));
	KEXPECT_EQ(atomic_inc_return(&a), 1);
	KEXPECT_TRUE(atomic_inc_not_zero(&a));
	KEXPECT_FALSE(atomic_dec_and_test(&a));
	KEXPECT_TRUE(atomic_dec_and_test(&a));
	KEXPECT_EQ(atomic_dec_if_positive(&a), -1);
	KEXPECT_EQ(atomic_read(&a), 0);
	KEXPECT_EQ(atomic_cmpxchg(&a, 1, 2), 0);
	KEXPECT_FALSE(atomic_try_cmpxchg(&a, &old, 1));
	KEXPECT_EQ(old, 0);
	KEXPECT_TRUE(atomic_try_cmpxchg(&a, &old, 6));
	KEXPECT_EQ(atomic_xchg(&a, 7), 6);
	atomic64_andnot(0xff, &b);
	KEXPECT_EQ(atomic64_read(&b), -256);
	KEXPECT_EQ(atomic64_fetch_or_acquire(1, &b), -256);
}

static const char *last_misuse;

static void note_misuse(const refcount_t *r, const char *what)
{
	(void)r;
	last_misuse = what;
}

KTEST(refcount, saturates)
{
	void (*saved)(const refcount_t *, const char *) = refcount_misuse_hook;
	refcount_t r = REFCOUNT_INIT(1);

	refcount_misuse_hook = note_misuse;
	refcount_inc(&r);
	KEXPECT_FALSE(refcount_dec_and_test(&r));
	KEXPECT_FALSE(refcount_dec_not_one(&r));
	KEXPECT_TRUE(refcount_dec_and_test(&r));
	KEXPECT_FALSE(refcount_inc_not_zero(&r));
	KEXPECT_NULL(last_misuse);
	refcount_inc(&r);
	KEXPECT_STREQ(last_misuse, "use after free");
	KEXPECT_FALSE(refcount_dec_and_test(&r));
	KEXPECT_EQ(refcount_read(&r), REFCOUNT_SATURATED);
	refcount_set(&r, INT32_MAX);
	refcount_inc(&r);
	KEXPECT_STREQ(last_misuse, "overflow");
	KEXPECT_FALSE(refcount_dec_and_test(&r));
	refcount_set(&r, 0);
	KEXPECT_FALSE(refcount_dec_and_test(&r));
	KEXPECT_STREQ(last_misuse, "underflow");
	refcount_misuse_hook = saved;
}
