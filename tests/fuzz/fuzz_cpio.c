/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes both cpio readers; where the walker is content the stream must be, with the same entries.
 */
#include <lib/assert.h>
#include <lib/cpio.h>
#include <lib/crc32.h>

#include "fuzz.h"

static int hash_entry(void *arg, const struct cpio_entry *e)
{
	uint32_t *sum = arg;

	*sum = crc32(*sum, e->name, e->name_len);
	*sum = crc32(*sum, &e->size, sizeof(e->size));
	return 0;
}

static int hash_data(void *arg, const void *bytes, size_t len)
{
	uint32_t *sum = arg;

	*sum = crc32(*sum, bytes, len);
	return 0;
}

static int hash_end(void *arg)
{
	(void)arg;
	return 0;
}

static const struct cpio_stream_ops ops = { hash_entry, hash_data, hash_end };
static struct cpio_stream stream;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t walked = 0, streamed = 0;
	struct cpio_reader r;
	struct cpio_entry e;
	int err, stream_err;

	cpio_reader_init(&r, data, len);
	while ((err = cpio_next(&r, &e)) == 1) {
		hash_entry(&walked, &e);
		hash_data(&walked, e.data, e.size);
	}
	ENSURE(r.pos <= len);
	cpio_stream_init(&stream, &ops, &streamed);
	stream_err = cpio_stream_feed(&stream, data, len / 2);
	if (!stream_err)
		stream_err = cpio_stream_feed(&stream, data + len / 2, len - len / 2);
	/* Archives that start off a multiple of 4 are the walker's alone. */
	if (!err && r.pos == len && !stream_err && !cpio_stream_finish(&stream) && len % 4 == 0)
		ENSURE(walked == streamed || data[0] == 0);
	return 0;
}
