/* SPDX-License-Identifier: MIT */
/* Fuzzes the boot-argument parser: the cutting walk and the lookup agree on every name. */
#include <lib/assert.h>
#include <lib/cmdline.h>
#include <lib/parse.h>
#include <lib/string.h>

#include "fuzz.h"

#define LINE_MAX	1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char line[LINE_MAX], cut[LINE_MAX], value[LINE_MAX], *cursor = cut;
	struct cmdline_arg arg;
	uint64_t n;
	bool b;

	if (len >= sizeof(line))
		return 0;
	memcpy(line, data, len);
	line[len] = '\0';
	memcpy(cut, line, sizeof(cut));
	while (cmdline_next(&cursor, &arg)) {
		if (str_eq(arg.name, "--") && !arg.value)
			break;
		ENSURE(cursor >= cut && cursor <= cut + len);
		ENSURE(cmdline_has(line, arg.name));
		ENSURE(cmdline_get(line, arg.name, value, sizeof(value)) >= 0);
		if (arg.value) {
			(void)!parse_size(arg.value, &n);
			(void)!parse_u64(arg.value, 0, &n);
			(void)!parse_bool(arg.value, &b);
		}
	}
	return 0;
}
