/* SPDX-License-Identifier: MIT */
/*
 * Tests of the decoders: whole members, every truncation, every flipped bit, limits and workspaces.
 */
#include <lib/decompress.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/minmax.h>

/* 40 times the line of expected_byte(), by gzip -9 with a file name, and by zstd -19 --check. */
static const uint8_t gzip_hello[] = {
	0x1f, 0x8b, 0x08, 0x08, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x6e, 0x61, 0x6d, 0x65, 0x2e,
	0x74, 0x78, 0x74, 0x00, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0xc0, 0x46, 0x25,
	0xa6, 0xa6, 0x67, 0x16, 0x73, 0x65, 0x8c, 0xaa, 0x18, 0x55, 0x31, 0xaa, 0x62, 0x54, 0xc5,
	0xa8, 0x0a, 0x22, 0x54, 0x00, 0x00, 0x20, 0x63, 0x23, 0x17, 0x50, 0x05, 0x00, 0x00,
};

static const uint8_t zstd_hello[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x50, 0x04, 0xbd, 0x00, 0x00, 0x68, 0x68, 0x65, 0x6c, 0x6c,
	0x6f, 0x2c, 0x20, 0x61, 0x65, 0x67, 0x69, 0x73, 0x0a, 0x02, 0x00, 0x2b, 0x15, 0xf5, 0x17,
	0x7d, 0xc5, 0x08, 0xd3, 0x58, 0x72, 0x08,
};

#define OUT_LEN		(40 * 34)
#define ARENA_BYTES	(512 * 1024)

static uint8_t arena[ARENA_BYTES] __aligned(16);

struct checker {
	size_t total;
	int stop_with;		/* what the callback answers */
	bool is_wrong;
};

static uint8_t expected_byte(size_t i)
{
	return (uint8_t)"hello, hello, hello, hello, aegis\n"[i % 34];
}

static int check_output(void *arg, const void *bytes, size_t len)
{
	struct checker *c = arg;

	for (size_t i = 0; i < len; i++)
		c->is_wrong |= ((const uint8_t *)bytes)[i] != expected_byte(c->total + i);
	c->total += len;
	return c->stop_with;
}

static int run(const void *in, size_t len, uint64_t out_max, struct checker *c, size_t *used)
{
	enum compression kind = compression_detect(in, len);
	struct decompress_args args = {
		.in = in, .in_len = len, .workspace = arena,
		.workspace_size = decompress_workspace_size(kind, in, len),
		.out_max = out_max, .out = check_output, .arg = c,
	};

	if (args.workspace_size > sizeof(arena))
		return -ENOMEM;
	return decompress(kind, &args, used);
}

static void check_format(const uint8_t *in, size_t len)
{
	struct checker c = { 0 };
	uint8_t copy[256];
	size_t used = 0;

	KASSERT_TRUE(len + 7 <= sizeof(copy));
	memset(copy, 0x55, sizeof(copy));
	memcpy(copy, in, len);
	KEXPECT_EQ(run(copy, len + 7, OUT_LEN, &c, &used), 0);
	KEXPECT_EQ(used, len);
	KEXPECT_EQ(c.total, OUT_LEN);
	KEXPECT_FALSE(c.is_wrong);
	KEXPECT_EQ(run(in, len, OUT_LEN - 1, &(struct checker){ 0 }, &used), -E2BIG);
	KEXPECT_EQ(run(in, len, OUT_LEN, &(struct checker){ .stop_with = -EIO }, &used), -EIO);
	for (size_t cut = 0; cut < len; cut++)
		KEXPECT_NE(run(in, cut, UINT64_MAX, &(struct checker){ 0 }, &used), 0);
	for (size_t bit = 0; bit < len * 8; bit++) {
		c = (struct checker){ 0 };
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (run(copy, len, 1 << 20, &c, &used) == 0)
			KEXPECT_TRUE(c.total == OUT_LEN && !c.is_wrong);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

KTEST(decompress, gzip)
{
	check_format(gzip_hello, sizeof(gzip_hello));
}

KTEST(decompress, zstd)
{
	check_format(zstd_hello, sizeof(zstd_hello));
}

KTEST(decompress, detection)
{
	struct decompress_args args = {
		.in = gzip_hello, .in_len = sizeof(gzip_hello), .workspace = arena,
		.workspace_size = 100, .out_max = OUT_LEN, .out = check_output,
	};
	size_t used;

	KEXPECT_EQ(compression_detect("070701", 6), COMPRESSION_NONE);
	KEXPECT_EQ(compression_detect("\x1f\x8b", 2), COMPRESSION_NONE);
	KEXPECT_EQ(compression_detect("\xfd" "7zXZ\0", 6), COMPRESSION_OTHER);
	KEXPECT_EQ(decompress_workspace_size(COMPRESSION_OTHER, "BZh", 3), 0);
	KEXPECT_EQ(decompress(COMPRESSION_OTHER, &args, &used), -ENOSYS);
	KEXPECT_EQ(decompress(COMPRESSION_GZIP, &args, &used), -ENOMEM);
	KEXPECT_STREQ(compression_name(COMPRESSION_ZSTD), "zstd");
}
