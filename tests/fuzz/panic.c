/* SPDX-License-Identifier: MIT */
/* A broken invariant ends the fuzz run as a crash. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <lib/assert.h>

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
