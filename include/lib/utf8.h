/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 (RFC 3629) for terminals and file systems.
 */
#ifndef LIB_UTF8_H
#define LIB_UTF8_H

#include <lib/types.h>

#define UTF8_MAX	4	/* bytes of the longest character */

/*
 * Decodes the character at @s. Returns its length; -EILSEQ for bytes that can never be one (take
 * one byte and go on), -EAGAIN if the @len bytes are the beginning of one. Surrogates, overlong
 * forms and values above 0x10ffff are not characters.
 */
int utf8_decode(const void *s, size_t len, uint32_t *code) __must_check;

/* Writes @code to the UTF8_MAX bytes at @s; returns the length, or -EILSEQ. */
int utf8_encode(uint32_t code, void *s) __must_check;

/* How many bytes at the end of @s are its last character: one for malformed text, 0 if empty. */
size_t utf8_last_length(const void *s, size_t len);

/* Columns on a terminal: 0 for combining marks, 2 for wide characters, else 1. Controls give 0. */
unsigned int utf8_width(uint32_t code);

#endif
