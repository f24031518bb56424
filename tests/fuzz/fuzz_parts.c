/* SPDX-License-Identifier: MIT */
/* Fuzzes partition tables: what is found lies within the disk and apart from each other. */
#include <lib/assert.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <uapi/errno.h>

#include "../../drivers/block/parts.h"
#include "fuzz.h"

#define BLOCK		512u
#define FOUND_MAX	512u

struct input {
	const uint8_t *data;
	size_t len;
	uint64_t nr_blocks;
	struct { uint64_t start, nr; } found[FOUND_MAX];
	unsigned int nr_found;
};

static int input_read(void *ctx, uint64_t block, void *buf)
{
	const struct input *in = ctx;
	size_t at = block * BLOCK;

	ENSURE(block < in->nr_blocks);
	memset(buf, 0, BLOCK);
	if (at < in->len)
		memcpy(buf, in->data + at, min(in->len - at, (size_t)BLOCK));
	return 0;
}

static bool input_overlaps(void *ctx, uint64_t start, uint64_t nr)
{
	const struct input *in = ctx;

	for (unsigned int i = 0; i < in->nr_found; i++)
		if (range_overlaps(in->found[i].start, in->found[i].nr, start, nr))
			return true;
	return false;
}

static int input_found(void *ctx, const struct part_entry *e)
{
	struct input *in = ctx;

	ENSURE(e->nr_sectors && range_within(e->start, e->nr_sectors, in->nr_blocks));
	ENSURE(!input_overlaps(in, e->start, e->nr_sectors));
	ENSURE(strnlen(e->name, sizeof(e->name)) < sizeof(e->name));
	if (in->nr_found == FOUND_MAX)
		return -ENOSPC;
	in->found[in->nr_found].start = e->start;
	in->found[in->nr_found++].nr = e->nr_sectors;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct input in;
	static uint8_t block[BLOCK], block2[BLOCK];
	struct part_reader r = {
		.block_size = BLOCK, .read = input_read, .found = input_found,
		.overlaps = input_overlaps, .ctx = &in, .block = block, .block2 = block2,
	};
	int err;

	in = (struct input){ .data = data, .len = len, .nr_blocks = len / BLOCK + 64 };
	r.nr_blocks = in.nr_blocks;
	err = parts_read(&r);
	ENSURE(!err || err == -ENOSPC);
	return 0;
}
