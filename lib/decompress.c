/* SPDX-License-Identifier: MIT */
/*
 * Which decoder: detection and dispatch. The decoders are lib/gunzip.c and lib/unzstd.c.
 */
#include <lib/decompress.h>
#include <lib/err.h>
#include <lib/string.h>

#include "decompress_impl.h"

static bool starts_with(const void *in, size_t len, const char *magic, size_t magic_len)
{
	return len >= magic_len && memcmp(in, magic, magic_len) == 0;
}

enum compression compression_detect(const void *in, size_t len)
{
	static const struct {
		const char *magic;
		size_t len;
		enum compression kind;
	} known[] = {
		{ "\x1f\x8b\x08", 3, COMPRESSION_GZIP },
		{ "\x28\xb5\x2f\xfd", 4, COMPRESSION_ZSTD },
		{ "\xfd" "7zXZ", 5, COMPRESSION_OTHER },
		{ "BZh", 3, COMPRESSION_OTHER },
		{ "\x04\x22\x4d\x18", 4, COMPRESSION_OTHER },	/* lz4 */
		{ "\x02\x21\x4c\x18", 4, COMPRESSION_OTHER },	/* lz4, legacy */
		{ "\x5d\x00\x00", 3, COMPRESSION_OTHER },	/* lzma */
		{ "\x89LZO", 4, COMPRESSION_OTHER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (starts_with(in, len, known[i].magic, known[i].len))
			return known[i].kind;
	}
	return COMPRESSION_NONE;
}

const char *compression_name(enum compression kind)
{
	switch (kind) {
	case COMPRESSION_NONE: return "none";
	case COMPRESSION_GZIP: return "gzip";
	case COMPRESSION_ZSTD: return "zstd";
	case COMPRESSION_OTHER: break;
	}
	return "unsupported";
}

size_t decompress_workspace_size(enum compression kind, const void *in, size_t len)
{
	if (IS_ENABLED(CONFIG_INITRAMFS_GZIP) && kind == COMPRESSION_GZIP)
		return gunzip_workspace_size();
	if (IS_ENABLED(CONFIG_INITRAMFS_ZSTD) && kind == COMPRESSION_ZSTD)
		return unzstd_workspace_size(in, len);
	return 0;
}

int decompress(enum compression kind, const struct decompress_args *args, size_t *used)
{
	if (IS_ENABLED(CONFIG_INITRAMFS_GZIP) && kind == COMPRESSION_GZIP)
		return gunzip(args, used);
	if (IS_ENABLED(CONFIG_INITRAMFS_ZSTD) && kind == COMPRESSION_ZSTD)
		return unzstd(args, used);
	return -ENOSYS;
}
