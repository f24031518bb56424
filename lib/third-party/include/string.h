/* SPDX-License-Identifier: MIT */
/*
 * What third-party code expects of <string.h>: prototypes of lib's own functions. Not
 * <lib/string.h> itself, whose compiler vocabulary (fallthrough, __pure, ...) collides with theirs.
 */
#pragma once

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int byte, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *mem, int byte, size_t len);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t len);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

#ifndef LIB_HOST
#define memcpy(dst, src, len)	__builtin_memcpy(dst, src, len)
#define memmove(dst, src, len)	__builtin_memmove(dst, src, len)
#define memset(dst, byte, len)	__builtin_memset(dst, byte, len)
#define memcmp(a, b, len)	__builtin_memcmp(a, b, len)
#define strlen(s)		__builtin_strlen(s)
#endif
