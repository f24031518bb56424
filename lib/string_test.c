/* SPDX-License-Identifier: MIT */
/*
 * Tests of lib/string.c: every length and alignment up to a few words against byte loops.
 */
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/string.h>

#define SPAN	100

static void fill_pattern(uint8_t *p, size_t len, uint8_t seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(seed + i * 7);
}

KTEST(string, memcpy_every_alignment)
{
	uint8_t src[SPAN], dst[SPAN];

	fill_pattern(src, SPAN, 3);
	for (size_t so = 0; so < 9; so++) {
		for (size_t d = 0; d < 9; d++) {
			for (size_t len = 0; len < SPAN - 16; len++) {
				memset(dst, 0xee, SPAN);
				KASSERT_TRUE(memcpy(dst + d, src + so, len) == dst + d);
				KASSERT_EQ(memcmp(dst + d, src + so, len), 0);
				KASSERT_TRUE(d == 0 || dst[d - 1] == 0xee);
				KASSERT_EQ(dst[d + len], 0xee);
			}
		}
	}
}

KTEST(string, memmove_every_overlap)
{
	uint8_t buf[SPAN], expect[SPAN];

	for (size_t from = 0; from < 40; from++) {
		for (size_t to = 0; to < 40; to++) {
			for (size_t len = 0; len < 60; len++) {
				fill_pattern(buf, SPAN, 11);
				fill_pattern(expect, SPAN, 11);
				for (size_t i = 0; i < len; i++)
					expect[to + i] = (uint8_t)(11 + (from + i) * 7);
				memmove(buf + to, buf + from, len);
				KASSERT_EQ(memcmp(buf, expect, SPAN), 0);
			}
		}
	}
}

KTEST(string, memset_bounds)
{
	uint8_t buf[SPAN];

	for (size_t off = 0; off < 9; off++) {
		for (size_t len = 0; len < SPAN - 10; len++) {
			memset(buf, 1, SPAN);
			memset(buf + off, 0x1a5, len);
			KASSERT_TRUE(mem_find_other(buf, 1, SPAN) == (len ? buf + off : NULL));
			KASSERT_TRUE(mem_find_other(buf + off, 0xa5, len) == NULL);
			KASSERT_EQ(buf[off + len], 1);
		}
	}
}

KTEST(string, memcmp_is_unsigned)
{
	uint8_t a[20] = { 0 }, b[20] = { 0 };

	for (size_t i = 0; i < 19; i++) {
		a[i] = 0x80;
		b[i] = 0x7f;
		b[19] = 0xff;
		KEXPECT_GT(memcmp(a, b, sizeof(a)), 0);
		KEXPECT_LT(memcmp(b, a, sizeof(a)), 0);
		KEXPECT_EQ(memcmp(a, b, i), 0);
		a[i] = b[i] = 0;
		b[19] = 0;
	}
}

KTEST(string, memchr_finds_first)
{
	uint8_t buf[50];

	for (size_t at = 0; at < sizeof(buf); at++) {
		memset(buf, 'x', sizeof(buf));
		buf[at] = 0x80;
		buf[sizeof(buf) - 1] = 0x80;
		KEXPECT_PTR_EQ(memchr(buf, 0x80, sizeof(buf)), buf + at);
		KEXPECT_PTR_EQ(memrchr(buf, 0x80, sizeof(buf)), buf + sizeof(buf) - 1);
		KEXPECT_NULL(memchr(buf, 0x80, at));
	}
	KEXPECT_NULL(memchr(buf, 0x01, sizeof(buf)));
}

KTEST(string, memmem_and_strstr)
{
	KEXPECT_STREQ(strstr("aaab", "aab"), "aab");
	KEXPECT_NULL(strstr("aaab", "aac"));
	KEXPECT_STREQ(strstr("abc", ""), "abc");
	KEXPECT_NULL(strstr("", "a"));
	KEXPECT_NULL(memmem("ab", 2, "abc", 3));
}

KTEST(string, comparisons)
{
	KEXPECT_EQ(strcmp("", ""), 0);
	KEXPECT_LT(strcmp("a", "ab"), 0);
	KEXPECT_GT(strcmp("\xff", "a"), 0);
	KEXPECT_EQ(strncmp("abc", "abd", 2), 0);
	KEXPECT_EQ(strncmp("ab", "ab", 100), 0);
	KEXPECT_EQ(strcasecmp("HeLLo", "hEllO"), 0);
	KEXPECT_NE(strcasecmp("a", "b"), 0);
	KEXPECT_EQ(strnlen("abcdef", 3), 3);
	KEXPECT_EQ(strnlen("ab", 30), 2);
	KEXPECT_EQ(str_has_prefix("console=tty", "console="), 8);
	KEXPECT_EQ(str_has_prefix("cons", "console="), 0);
	KEXPECT_TRUE(mem_equal_secret("abc", "abc", 3));
	KEXPECT_FALSE(mem_equal_secret("abc", "abd", 3));
}

KTEST(string, searches)
{
	const char *s = "a/b/c";

	KEXPECT_PTR_EQ(strchr(s, '/'), s + 1);
	KEXPECT_PTR_EQ(strrchr(s, '/'), s + 3);
	KEXPECT_PTR_EQ(strchr(s, 0), s + 5);
	KEXPECT_NULL(strchr(s, 'x'));
	KEXPECT_EQ(strspn("  x", " \t"), 2);
	KEXPECT_EQ(strcspn("ab,c", ","), 2);
	KEXPECT_EQ(strcspn("ab", ","), 2);
}

KTEST(string, str_copy_truncates)
{
	char buf[5] = "zzzz";

	KEXPECT_EQ(str_copy(buf, "abcd", sizeof(buf)), 4);
	KEXPECT_STREQ(buf, "abcd");
	KEXPECT_EQ(str_copy(buf, "abcde", sizeof(buf)), -E2BIG);
	KEXPECT_STREQ(buf, "abcd");
	KEXPECT_EQ(str_copy(buf, "x", 0), -E2BIG);
	KEXPECT_EQ(str_copy(buf, "ab", sizeof(buf)), 2);
	KEXPECT_EQ(str_append(buf, "cd", sizeof(buf)), 4);
	KEXPECT_STREQ(buf, "abcd");
	KEXPECT_EQ(str_append(buf, "e", sizeof(buf)), -E2BIG);
	KEXPECT_STREQ(buf, "abcd");
}
