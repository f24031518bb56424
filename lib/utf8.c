/* SPDX-License-Identifier: MIT */
/*
 * UTF-8. The width ranges are those blocks of Unicode 15 that terminals agree on.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/utf8.h>

struct range {
	uint32_t first, last;
};

static const struct range zero_width[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x0610, 0x061a },
	{ 0x064b, 0x065f }, { 0x06d6, 0x06dc }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f }, { 0x202a, 0x202e },
	{ 0x2060, 0x2064 }, { 0x20d0, 0x20ff }, { 0x302a, 0x302d }, { 0x3099, 0x309a },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0100, 0xe01ef },
};

static const struct range double_width[] = {
	{ 0x1100, 0x115f }, { 0x231a, 0x231b }, { 0x2329, 0x232a }, { 0x23e9, 0x23ec },
	{ 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },
	{ 0xa000, 0xa4cf }, { 0xa960, 0xa97c }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count && ranges[i].first <= code; i++) {
		if (code <= ranges[i].last)
			return true;
	}
	return false;
}

/* Length that the first byte promises, 0 if it starts nothing. c0, c1 and f5.. never occur. */
static unsigned int lead_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2)
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0)
		return 3;
	return lead < 0xf5 ? 4 : 0;
}

/* Whether @second may follow @lead: here overlong forms, surrogates and too great values end. */
static bool second_fits(uint8_t lead, uint8_t second)
{
	switch (lead) {
	case 0xe0: return second >= 0xa0 && second <= 0xbf;
	case 0xed: return second >= 0x80 && second <= 0x9f;
	case 0xf0: return second >= 0x90 && second <= 0xbf;
	case 0xf4: return second >= 0x80 && second <= 0x8f;
	default: return (second & 0xc0) == 0x80;
	}
}

int utf8_decode(const void *s, size_t len, uint32_t *code)
{
	const uint8_t *p = s;
	unsigned int need;
	uint32_t value;

	if (!len)
		return -EAGAIN;
	need = lead_length(p[0]);
	if (!need)
		return -EILSEQ;
	value = need == 1 ? p[0] : p[0] & (0x7fU >> need);
	for (unsigned int i = 1; i < need; i++) {
		if (i >= len)
			return -EAGAIN;
		if (i == 1 ? !second_fits(p[0], p[1]) : (p[i] & 0xc0) != 0x80)
			return -EILSEQ;
		value = value << 6 | (p[i] & 0x3f);
	}
	*code = value;
	return (int)need;
}

int utf8_encode(uint32_t code, void *s)
{
	uint8_t *p = s;
	unsigned int len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return -EILSEQ;
	if (len == 1) {
		p[0] = (uint8_t)code;
		return 1;
	}
	for (unsigned int i = len - 1; i > 0; i--, code >>= 6)
		p[i] = (uint8_t)(0x80 | (code & 0x3f));
	p[0] = (uint8_t)((0xf00U >> len) | code);
	return (int)len;
}

size_t utf8_last_length(const void *s, size_t len)
{
	const uint8_t *p = s;
	uint32_t code;

	for (size_t n = 1; n <= min(len, UTF8_MAX); n++) {
		if ((p[len - n] & 0xc0) == 0x80)
			continue;
		return utf8_decode(p + len - n, n, &code) == (int)n ? n : 1;
	}
	return len ? 1 : 0;
}

unsigned int utf8_width(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return 0;
	if (code < 0x300)
		return 1;
	if (in_ranges(zero_width, ARRAY_SIZE(zero_width), code))
		return 0;
	return in_ranges(double_width, ARRAY_SIZE(double_width), code) ? 2 : 1;
}
