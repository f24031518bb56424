/* SPDX-License-Identifier: MIT */
/*
 * Memory and string functions. The standard ones behave as ISO C says; there is no strcpy, strcat
 * or strncpy: str_copy() bounds, terminates and tells about truncation.
 *
 * memcpy, memmove, memset and memcmp are weak symbols in lib/string.c; a port may define faster
 * ones.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <lib/types.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *mem, int byte, size_t len);
void *memrchr(const void *mem, int byte, size_t len);
void *memmem(const void *mem, size_t len, const void *needle, size_t needle_len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t len);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *needle);
size_t strspn(const char *s, const char *accept);
size_t strcspn(const char *s, const char *reject);

#ifndef LIB_HOST
/* The compiler may expand these inline even in a freestanding build. */
#define memcpy(dst, src, len)	__builtin_memcpy(dst, src, len)
#define memmove(dst, src, len)	__builtin_memmove(dst, src, len)
#define memset(dst, byte, len)	__builtin_memset(dst, byte, len)
#define memcmp(a, b, len)	__builtin_memcmp(a, b, len)
#define strlen(s)		__builtin_strlen(s)
#endif

/* The first byte that is not @byte, or NULL if all are. */
void *mem_find_other(const void *mem, int byte, size_t len);

/*
 * Copies @src with its terminator into the @size bytes at @dst. Returns the length without the
 * terminator, or -E2BIG after a copy cut short; @dst is terminated in both cases if @size > 0.
 */
ssize_type str_copy(char *dst, const char *src, size_t size) __must_check;

/* As str_copy, where being cut short is fine (names for people). */
static inline void str_copy_cut(char *dst, const char *src, size_t size)
{
	(void)!str_copy(dst, src, size);
}

/* Appends to the string already in @dst; as str_copy, and the length is the whole string's. */
ssize_type str_append(char *dst, const char *src, size_t size) __must_check;

static inline bool str_eq(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* The length of @prefix if @s starts with it, else 0. */
size_t str_has_prefix(const char *s, const char *prefix);

/* Sets memory to 0 even if nobody reads it again: keys and passwords. */
static inline void memzero_explicit(void *mem, size_t len)
{
	memset(mem, 0, len);
	__asm__ volatile("" : : "r"(mem) : "memory");
}

/* Compares secrets in a time that depends on @len alone. */
bool mem_equal_secret(const void *a, const void *b, size_t len);

/* ASCII only. */
static inline bool char_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool char_is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool char_is_alpha(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool char_is_print(int c)
{
	return c >= 0x20 && c < 0x7f;
}

static inline int char_to_lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static inline int char_to_upper(int c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

#endif
