/* SPDX-License-Identifier: MIT */
/*
 * Decompression of gzip and zstd from memory into a callback, piece by piece, so that an initramfs
 * is unpacked without ever being whole in memory. The input is untrusted. All memory is the
 * caller's workspace. One call takes one gzip member or zstd frame; the caller loops over what
 * follows.
 */
#ifndef LIB_DECOMPRESS_H
#define LIB_DECOMPRESS_H

#include <lib/types.h>

enum compression {
	COMPRESSION_NONE,	/* no known magic number */
	COMPRESSION_GZIP,
	COMPRESSION_ZSTD,
	COMPRESSION_OTHER,	/* xz, bzip2, lz4, lzma: recognised so that a message can say so */
};

/* What the first bytes of @in tell. */
enum compression compression_detect(const void *in, size_t len);

/* For messages: "gzip", "zstd", "none", "unsupported". */
const char *compression_name(enum compression kind);

/*
 * How big a workspace this input needs (zstd's depends on the window in its header); 0 if the
 * header is damaged or the decoder is not configured. Up to 128 MiB for zstd: check before
 * allocating.
 */
size_t decompress_workspace_size(enum compression kind, const void *in, size_t len) __must_check;

/* Takes the next piece of the output; a non-zero result stops and is passed on. */
typedef int decompress_out_fn(void *arg, const void *bytes, size_t len);

struct decompress_args {
	const void *in;
	size_t in_len;
	void *workspace;	/* aligned to 16 */
	size_t workspace_size;
	uint64_t out_max;	/* more output is -E2BIG */
	decompress_out_fn *out;
	void *arg;
};

/*
 * 0: *@used input bytes were one complete member whose checksum (if it has one) is right. -EINVAL:
 * damaged or cut off; -E2BIG; -ENOMEM: workspace too small; -ENOSYS: decoder not configured; or
 * what the callback returned. Output given before an error cannot be trusted.
 */
int decompress(enum compression kind, const struct decompress_args *args, size_t *used)
	__must_check;

#endif
