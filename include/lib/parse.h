/* SPDX-License-Identifier: MIT */
/*
 * Strict conversion of text to values: the whole string must be a value, or it is an error and the
 * result is untouched. -EINVAL: not of the form; -ERANGE: does not fit.
 */
#ifndef LIB_PARSE_H
#define LIB_PARSE_H

#include <lib/types.h>

/* Digits only. @base 2 to 36, or 0: 0x, 0o, 0b prefixes tell, else decimal. */
int parse_u64(const char *s, unsigned int base, uint64_t *out) __must_check;
int parse_u32(const char *s, unsigned int base, uint32_t *out) __must_check;
/* With an optional sign. */
int parse_s64(const char *s, unsigned int base, int64_t *out) __must_check;
int parse_s32(const char *s, unsigned int base, int32_t *out) __must_check;
/* A number and an optional K, M, G, T (either case, powers of 1024), with an optional B or iB. */
int parse_size(const char *s, uint64_t *out) __must_check;
/* y n yes no on off true false 1 0 */
int parse_bool(const char *s, bool *out) __must_check;
/* Exactly @len hexadecimal digits, as in cpio headers; @len <= 16. */
int parse_hex_field(const char *s, size_t len, uint64_t *out) __must_check;

/*
 * The digits at the start of @s; *@end goes behind them. -EINVAL if there is none. For formats in
 * which something follows the number.
 */
int parse_u64_prefix(const char *s, unsigned int base, uint64_t *out,
		     const char **end) __must_check;

#endif
