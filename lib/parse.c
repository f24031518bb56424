/* SPDX-License-Identifier: MIT */
/*
 * Text to values.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/parse.h>
#include <lib/string.h>

static unsigned int digit_value(char c)
{
	if (char_is_digit(c))
		return (unsigned int)(c - '0');
	if (char_is_alpha(c))
		return (unsigned int)(char_to_lower(c) - 'a' + 10);
	return 255;
}

/* The base that a prefix tells, and where the digits start. */
static unsigned int detect_base(const char **s)
{
	unsigned int base;

	if ((*s)[0] != '0')
		return 10;
	switch ((*s)[1]) {
	case 'x': case 'X': base = 16; break;
	case 'o': case 'O': base = 8; break;
	case 'b': case 'B': base = 2; break;
	default: return 10;
	}
	*s += 2;
	return base;
}

int parse_u64_prefix(const char *s, unsigned int base, uint64_t *out, const char **end)
{
	uint64_t n = 0;
	bool overflow = false;
	const char *first;

	if (!base)
		base = detect_base(&s);
	for (first = s; digit_value(*s) < base; s++) {
		overflow |= check_mul_overflow(n, base, &n);
		overflow |= check_add_overflow(n, digit_value(*s), &n);
	}
	if (s == first)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*out = n;
	*end = s;
	return 0;
}

int parse_u64(const char *s, unsigned int base, uint64_t *out)
{
	const char *end;
	uint64_t n;
	int err = parse_u64_prefix(s, base, &n, &end);

	if (err)
		return err;
	if (*end)
		return -EINVAL;
	*out = n;
	return 0;
}

int parse_u32(const char *s, unsigned int base, uint32_t *out)
{
	uint64_t n;
	int err = parse_u64(s, base, &n);

	if (err)
		return err;
	if (n > UINT32_MAX)
		return -ERANGE;
	*out = (uint32_t)n;
	return 0;
}

int parse_s64(const char *s, unsigned int base, int64_t *out)
{
	bool negative = *s == '-';
	uint64_t n;
	int err;

	if (*s == '-' || *s == '+')
		s++;
	err = parse_u64(s, base, &n);
	if (err)
		return err;
	if (n > (uint64_t)INT64_MAX + negative)
		return -ERANGE;
	*out = negative ? (int64_t)-n : (int64_t)n;
	return 0;
}

int parse_s32(const char *s, unsigned int base, int32_t *out)
{
	int64_t n;
	int err = parse_s64(s, base, &n);

	if (err)
		return err;
	if (n < INT32_MIN || n > INT32_MAX)
		return -ERANGE;
	*out = (int32_t)n;
	return 0;
}

int parse_size(const char *s, uint64_t *out)
{
	static const char units[] = "kmgt";
	const char *end, *unit;
	uint64_t n;
	int err = parse_u64_prefix(s, 0, &n, &end);

	if (err)
		return err;
	unit = *end ? strchr(units, char_to_lower(*end)) : NULL;
	if (unit) {
		end++;
		if (check_mul_overflow(n, UINT64_C(1) << (10 * (unit - units + 1)), &n))
			return -ERANGE;
		if (end[0] == 'i' && end[1] == 'B')
			end++;
	}
	if (*end == 'B')
		end++;
	if (*end)
		return -EINVAL;
	*out = n;
	return 0;
}

int parse_bool(const char *s, bool *out)
{
	static const char *const yes[] = { "1", "y", "yes", "on", "true" };
	static const char *const no[] = { "0", "n", "no", "off", "false" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcasecmp(s, yes[i]) == 0) {
			*out = true;
			return 0;
		}
		if (strcasecmp(s, no[i]) == 0) {
			*out = false;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_hex_field(const char *s, size_t len, uint64_t *out)
{
	uint64_t n = 0;

	if (!len || len > 16)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		unsigned int d = digit_value(s[i]);

		if (d >= 16)
			return -EINVAL;
		n = n << 4 | d;
	}
	*out = n;
	return 0;
}
