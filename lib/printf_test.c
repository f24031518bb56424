/* SPDX-License-Identifier: MIT */
/*
 * Tests of lib/printf.c: a table of conversions as ISO C defines them, and the bounds.
 */
#include <lib/ktest.h>
#include <lib/printf.h>

#define KEXPECT_FORMAT(expected, ...)					\
do {									\
	char fmt_buf[128];						\
									\
	KEXPECT_EQ(snprintf(fmt_buf, sizeof(fmt_buf), __VA_ARGS__), strlen(expected));	\
	KEXPECT_STREQ(fmt_buf, expected);				\
} while (0)

KTEST(printf, signed_integers)
{
	KEXPECT_FORMAT("0", "%d", 0);
	KEXPECT_FORMAT("-2147483648", "%d", INT32_MIN);
	KEXPECT_FORMAT("-9223372036854775808", "%lld", (long long)INT64_MIN);
	KEXPECT_FORMAT("+5| 5|-5", "%+d|% d|%+d", 5, 5, -5);
	KEXPECT_FORMAT("   42|42   |00042", "%5d|%-5d|%05d", 42, 42, 42);
	KEXPECT_FORMAT("-0042|  -42|-42", "%05d|%5d|%2d", -42, -42, -42);
	KEXPECT_FORMAT("  007|007", "%5.3d|%.3i", 7, 7);
	KEXPECT_FORMAT("-1 -1", "%hhd %hd", (signed char)0xff, (short)0xffff);
	KEXPECT_FORMAT("[]", "[%.0d]", 0);
	KEXPECT_FORMAT("-7 9", "%zd %td", (size_t)-7, (ptrdiff_t)9);
}

KTEST(printf, unsigned_integers)
{
	KEXPECT_FORMAT("4294967295", "%u", UINT32_MAX);
	KEXPECT_FORMAT("18446744073709551615", "%lu", UINT64_MAX);
	KEXPECT_FORMAT("ff|FF|0xff|0XFF", "%x|%X|%#x|%#X", 255, 255, 255, 255);
	KEXPECT_FORMAT("0|0|00", "%x|%#x|%02x", 0, 0, 0);
	KEXPECT_FORMAT("17|017|0", "%o|%#o|%#o", 15, 15, 0);
	KEXPECT_FORMAT("0x0000ff|  0xff|0xff  |", "%#08x|%#6x|%-#6x|", 255, 255, 255);
	KEXPECT_FORMAT("1777777777777777777777", "%lo", UINT64_MAX);
	KEXPECT_FORMAT("00000000000000000000000000000001", "%.32x", 1);
	KEXPECT_FORMAT("34 1234", "%hhx %hx", (unsigned char)0x34, (unsigned short)0x1234);
}

KTEST(printf, text_and_pointers)
{
	KEXPECT_FORMAT("a|  a|a  |%", "%c|%3c|%-3c|%%", 'a', 'a', 'a');
	KEXPECT_FORMAT("abc|  abc|abc  |ab", "%s|%5s|%-5s|%.2s", "abc", "abc", "abc", "abc");
	KEXPECT_FORMAT("   ab|", "%*.*s|", 5, 2, "abc");
	KEXPECT_FORMAT("ab   |", "%*s|", -5, "ab");
	KEXPECT_FORMAT("abc", "%.*s", -1, "abc");
	KEXPECT_FORMAT("0xffffffff80000000", "%p", (void *)0xffffffff80000000UL);
	KEXPECT_FORMAT("0x0", "%p", (void *)NULL);
}

KTEST(printf, odd_formats)
{
	char buf[32];
	const char *bad = opaque_value((const char *)"%y|%"),
		*null_string = opaque_value((const char *)"%s");

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	KEXPECT_EQ(snprintf(buf, sizeof(buf), bad), 5);
	KEXPECT_STREQ(buf, "%?|%?");
	snprintf(buf, sizeof(buf), null_string, opaque_value((char *)NULL));
	KEXPECT_STREQ(buf, "(null)");
#pragma GCC diagnostic pop
}

static bool fake_symbol(char *buf, size_t size, uintptr_t addr)
{
	if (addr != 0x1000)
		return false;
	str_copy_cut(buf, "start+0x0/0x40", size);
	return true;
}

KTEST(printf, symbols)
{
	printf_symbol_fn *saved = printf_symbol_hook;

	printf_symbol_hook = fake_symbol;
	KEXPECT_FORMAT("at start+0x0/0x40.", "at %pS.", (void *)0x1000);
	KEXPECT_FORMAT("at 0x2000.", "at %pS.", (void *)0x2000);
	printf_symbol_hook = NULL;
	KEXPECT_FORMAT("at 0x1000.", "at %pS.", (void *)0x1000);
	printf_symbol_hook = saved;
}

KTEST(printf, bounds)
{
	char buf[4] = "xyz";

	KEXPECT_EQ(snprintf(buf, 0, "%d", 12345), 5);
	KEXPECT_STREQ(buf, "xyz");
	KEXPECT_EQ(snprintf(NULL, 0, "%s", "abc"), 3);
	KEXPECT_EQ(snprintf(buf, sizeof(buf), "%d", 12345), 5);
	KEXPECT_STREQ(buf, "123");
	KEXPECT_EQ(scnprintf(buf, sizeof(buf), "%d", 12345), 3);
	KEXPECT_EQ(scnprintf(buf, 0, "%d", 12345), 0);
	KEXPECT_EQ(snprintf(buf, 1, "ab"), 2);
	KEXPECT_STREQ(buf, "");
}

static void count_sink(void *arg, const char *text, size_t len)
{
	size_t *count = arg;

	(void)text;
	*count += len;
}

KTEST(printf, sink_has_no_limit)
{
	size_t count = 0;

	KEXPECT_EQ(format(count_sink, &count, "%100000d%s", 1, "tail"), 100004);
	KEXPECT_EQ(count, 100004);
}
