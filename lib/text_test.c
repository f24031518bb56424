/* SPDX-License-Identifier: MIT */
/*
 * Tests of parse, cmdline and utf8.
 */
#include <lib/cmdline.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <lib/parse.h>
#include <lib/utf8.h>

KTEST(parse, numbers)
{
	uint64_t u = 99;
	int64_t s;
	int32_t s32;
	uint32_t u32;
	bool b;

	KEXPECT_EQ(parse_u64("18446744073709551615", 10, &u), 0);
	KEXPECT_EQ(u, UINT64_MAX);
	KEXPECT_EQ(parse_u64("18446744073709551616", 10, &u), -ERANGE);
	KEXPECT_EQ(u, UINT64_MAX);
	KEXPECT_EQ(parse_u64("0x1F", 0, &u), 0);
	KEXPECT_EQ(u, 31);
	KEXPECT_EQ(parse_u64("0b101", 0, &u), 0);
	KEXPECT_EQ(u, 5);
	KEXPECT_EQ(parse_u64("0755", 8, &u), 0);
	KEXPECT_EQ(u, 0755);
	KEXPECT_EQ(parse_u64("", 10, &u), -EINVAL);
	KEXPECT_EQ(parse_u64("0x", 0, &u), -EINVAL);
	KEXPECT_EQ(parse_u64("12a", 10, &u), -EINVAL);
	KEXPECT_EQ(parse_u64("-1", 10, &u), -EINVAL);
	KEXPECT_EQ(parse_u64(" 1", 10, &u), -EINVAL);
	KEXPECT_EQ(parse_u64("8", 8, &u), -EINVAL);
	KEXPECT_EQ(parse_s64("-9223372036854775808", 10, &s), 0);
	KEXPECT_EQ(s, INT64_MIN);
	KEXPECT_EQ(parse_s64("9223372036854775808", 10, &s), -ERANGE);
	KEXPECT_EQ(parse_s32("-2147483649", 10, &s32), -ERANGE);
	KEXPECT_EQ(parse_u32("4294967296", 10, &u32), -ERANGE);
	KEXPECT_EQ(parse_bool("On", &b), 0);
	KEXPECT_TRUE(b);
	KEXPECT_EQ(parse_bool("2", &b), -EINVAL);
	KEXPECT_EQ(parse_hex_field("0000FFff", 8, &u), 0);
	KEXPECT_EQ(u, 65535);
	KEXPECT_EQ(parse_hex_field("0000 fff", 8, &u), -EINVAL);
}

KTEST(parse, sizes)
{
	uint64_t n;

	KEXPECT_EQ(parse_size("64M", &n), 0);
	KEXPECT_EQ(n, 64 << 20);
	KEXPECT_EQ(parse_size("4KiB", &n), 0);
	KEXPECT_EQ(n, 4096);
	KEXPECT_EQ(parse_size("1gB", &n), 0);
	KEXPECT_EQ(n, 1 << 30);
	KEXPECT_EQ(parse_size("0x10", &n), 0);
	KEXPECT_EQ(n, 16);
	KEXPECT_EQ(parse_size("16777216T", &n), -ERANGE);
	KEXPECT_EQ(parse_size("5X", &n), -EINVAL);
	KEXPECT_EQ(parse_size("K", &n), -EINVAL);
	KEXPECT_EQ(parse_size("5KK", &n), -EINVAL);
}

KTEST(cmdline, words)
{
	char line[] = "  quiet console=ttyS0,115200 name=\"two words\" \"a b=c d\" "
		      "e=f=g -- init arg";
	char *cursor = line;
	struct cmdline_arg arg;
	static const struct {
		const char *name, *value;
	} expected[] = {
		{ "quiet", NULL }, { "console", "ttyS0,115200" }, { "name", "two words" },
		{ "a b", "c d" }, { "e", "f=g" }, { "--", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		KASSERT_TRUE(cmdline_next(&cursor, &arg));
		KEXPECT_STREQ(arg.name, expected[i].name);
		KEXPECT_EQ(!arg.value, !expected[i].value);
		if (arg.value && expected[i].value)
			KEXPECT_STREQ(arg.value, expected[i].value);
	}
	KEXPECT_STREQ(cursor, "init arg");
	KEXPECT_TRUE(cmdline_next(&cursor, &arg));
	KEXPECT_TRUE(cmdline_next(&cursor, &arg));
	KEXPECT_STREQ(arg.name, "arg");
	KEXPECT_FALSE(cmdline_next(&cursor, &arg));
	KEXPECT_FALSE(cmdline_next(&cursor, &arg));
}

KTEST(cmdline, lookups)
{
	const char *line = "root=a debug root=\"b c\" x -- root=d late";
	char buf[8];

	KEXPECT_EQ(cmdline_get(line, "root", buf, sizeof(buf)), 3);
	KEXPECT_STREQ(buf, "b c");
	KEXPECT_EQ(cmdline_get(line, "debug", buf, sizeof(buf)), 0);
	KEXPECT_STREQ(buf, "");
	KEXPECT_EQ(cmdline_get(line, "roo", buf, sizeof(buf)), -ENOENT);
	KEXPECT_EQ(cmdline_get("a=12345678", "a", buf, sizeof(buf)), -E2BIG);
	KEXPECT_STREQ(buf, "1234567");
	KEXPECT_EQ(cmdline_get("a=1234567", "a", buf, sizeof(buf)), 7);
	KEXPECT_TRUE(cmdline_has(line, "debug"));
	KEXPECT_FALSE(cmdline_has(line, "late"));
	KEXPECT_FALSE(cmdline_has("", "x"));
	KEXPECT_EQ(cmdline_get("a=\"open", "a", buf, sizeof(buf)), 4);
}

KTEST(utf8, round_trip)
{
	for (uint32_t code = 0; code < 0x110000; code += 1 + code / 512) {
		uint8_t bytes[UTF8_MAX];
		uint32_t back = 0;
		int len = utf8_encode(code, bytes);

		if (code >= 0xd800 && code <= 0xdfff) {
			KEXPECT_EQ(len, -EILSEQ);
			continue;
		}
		KASSERT_TRUE(len > 0);
		KEXPECT_EQ(utf8_decode(bytes, (size_t)len, &back), len);
		KEXPECT_EQ(back, code);
		KEXPECT_EQ(utf8_decode(bytes, (size_t)len - 1, &back), -EAGAIN);
		KEXPECT_EQ(utf8_last_length(bytes, (size_t)len), len);
	}
}

KTEST(utf8, malformed)
{
	uint32_t code;

	KEXPECT_EQ(utf8_decode("\x80", 1, &code), -EILSEQ);
	KEXPECT_EQ(utf8_decode("\xc0\x80", 2, &code), -EILSEQ);
	KEXPECT_EQ(utf8_decode("\xe0\x80\x80", 3, &code), -EILSEQ);
	KEXPECT_EQ(utf8_decode("\xed\xa0\x80", 3, &code), -EILSEQ);
	KEXPECT_EQ(utf8_decode("\xf4\x90\x80\x80", 4, &code), -EILSEQ);
	KEXPECT_EQ(utf8_decode("\xf5", 1, &code), -EILSEQ);
	KEXPECT_EQ(utf8_decode("\xe2\x28\xa1", 3, &code), -EILSEQ);
	KEXPECT_EQ(utf8_encode(0x110000, (uint8_t[4]){ 0 }), -EILSEQ);
	KEXPECT_EQ(utf8_last_length("a\x80", 2), 1);
	KEXPECT_EQ(utf8_last_length("\xe2\x82\xac", 3), 3);
	KEXPECT_EQ(utf8_last_length("\x82\xac", 2), 1);
	KEXPECT_EQ(utf8_last_length("", 0), 0);
}

KTEST(utf8, widths)
{
	KEXPECT_EQ(utf8_width('a'), 1);
	KEXPECT_EQ(utf8_width('\n'), 0);
	KEXPECT_EQ(utf8_width(0xe9), 1);
	KEXPECT_EQ(utf8_width(0x301), 0);
	KEXPECT_EQ(utf8_width(0x4e2d), 2);
	KEXPECT_EQ(utf8_width(0x1f600), 2);
}
