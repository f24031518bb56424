/* SPDX-License-Identifier: MIT */
/* Fuzzes the formatter with formats that only consume integers, against the buffer's bounds. */
#include <lib/assert.h>
#include <lib/printf.h>
#include <lib/string.h>

#include "fuzz.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char fmt[64], buf[100];
	int whole;
	size_t room;

	if (len < 2 || len > sizeof(fmt))
		return 0;
	room = data[0] % (sizeof(buf) - 1) + 1;
	memcpy(fmt, data + 1, len - 1);
	fmt[len - 1] = '\0';
	for (char *p = fmt; *p; p++) {
		if (*p == 's' || *p == 'S' || *p == '*')
			*p = 'd';
		if (char_is_digit(*p) && p > fmt + 1 && char_is_digit(p[-1]) &&
		    char_is_digit(p[-2]))
			*p = '.';	/* widths of a thousand are enough */
	}
	memset(buf, 0x7e, sizeof(buf));
	whole = snprintf(buf, room, fmt, 1L, -2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, 12L, 13L,
			 14L, 15L, 16L, 17L, 18L, 19L, 20L, 21L, 22L, 23L, 24L, 25L, 26L, 27L,
			 28L, 29L, 30L, 31L, 32L);
	ENSURE(whole >= 0 && buf[room] == 0x7e);
	ENSURE(memchr(buf, 0, room));
	return 0;
}
