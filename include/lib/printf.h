/* SPDX-License-Identifier: MIT */
/*
 * Formatted output for the kernel: the integer, character, string and pointer conversions of ISO C
 * with flags, width, precision and the length modifiers hh h l ll j z t. No floating point, no %n.
 * %p prints raw hexadecimal with 0x; %pS prints symbol+0xoff/0xsize through printf_symbol_hook.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>

#include <lib/types.h>

/* Receives the output piece by piece; @text is not terminated. */
typedef void format_sink_fn(void *arg, const char *text, size_t len);

/* Writes the name of the symbol at @addr into @buf; false if there is none. */
typedef bool printf_symbol_fn(char *buf, size_t size, uintptr_t addr);

extern printf_symbol_fn *printf_symbol_hook;

/* Returns the number of bytes given to @sink. Any context; allocates nothing. */
size_t vformat(format_sink_fn *sink, void *arg, const char *fmt, va_list ap) __printf(3, 0);
size_t format(format_sink_fn *sink, void *arg, const char *fmt, ...) __printf(3, 4);

/* As ISO C: terminated if @size > 0; returns the length that the whole output has. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* As snprintf, but returns the length that is in @buf: safe to add up. */
size_t vscnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
size_t scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#endif
