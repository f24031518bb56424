/* SPDX-License-Identifier: MIT */
/* Fuzzes gunzip and unzstd with bounded output and workspace. */
#include <lib/assert.h>
#include <lib/decompress.h>

#include "fuzz.h"

#define OUT_MAX	(1U << 20)

static uint8_t arena[10 * 1024 * 1024] __aligned(16);

static int take(void *arg, const void *bytes, size_t len)
{
	uint64_t *total = arg;
	volatile uint8_t last = ((const uint8_t *)bytes)[len - 1];

	(void)last;
	*total += len;
	ENSURE(*total <= OUT_MAX);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum compression kind = compression_detect(data, len);
	uint64_t total = 0;
	size_t used = 0;
	struct decompress_args args = {
		.in = data, .in_len = len, .workspace = arena,
		.workspace_size = decompress_workspace_size(kind, data, len),
		.out_max = OUT_MAX, .out = take, .arg = &total,
	};

	if (args.workspace_size > sizeof(arena))
		return 0;
	if (decompress(kind, &args, &used) == 0)
		ENSURE(used && used <= len);
	return 0;
}
