/* SPDX-License-Identifier: MIT */
/*
 * One gzip member (RFC 1952): header and trailer here, the deflate data by zlib's inflateBack(),
 * whose 32 KiB window in the workspace is also the output buffer.
 */
#include <lib/crc32.h>
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#define crc32 zlib_crc32	/* zlib.h declares one of its own, which is not linked */
#include <zlib.h>
#undef crc32

#include "decompress_impl.h"

#define WINDOW_BITS	15
#define WINDOW_BYTES	(1U << WINDOW_BITS)
#define STATE_BYTES	(16U * 1024)	/* struct inflate_state and alignment, with room to grow */
#define IN_PIECE	(1U << 30)	/* zlib counts in 32 bits */

enum gzip_flags {
	GZIP_HEADER_CRC	= 0x02,
	GZIP_EXTRA	= 0x04,
	GZIP_NAME	= 0x08,
	GZIP_COMMENT	= 0x10,
	GZIP_RESERVED	= 0xe0,
};

struct gunzip {
	const struct decompress_args *args;
	size_t given;		/* input bytes handed to zlib, and before it */
	uint8_t *arena;		/* free part of the workspace */
	size_t arena_left;
	uint64_t out_total;
	uint32_t crc;
	int error;		/* why the output callback stopped */
};

size_t gunzip_workspace_size(void)
{
	return WINDOW_BYTES + STATE_BYTES;
}

/* Moves *@pos behind a zero-terminated field. */
static bool skip_string(const uint8_t *in, size_t len, size_t *pos)
{
	const uint8_t *end = memchr(in + *pos, 0, len - *pos);

	if (!end)
		return false;
	*pos = (size_t)(end - in) + 1;
	return true;
}

/* The length of the member's header, or 0 if it is damaged or cut off. */
static size_t header_length(const uint8_t *in, size_t len)
{
	size_t pos = 10;
	uint8_t flags;

	if (len < 10 || in[0] != 0x1f || in[1] != 0x8b || in[2] != Z_DEFLATED)
		return 0;
	flags = in[3];
	if (flags & GZIP_RESERVED)
		return 0;
	if (flags & GZIP_EXTRA) {
		if (!range_within(pos, 2, len) ||
		    !range_within(pos + 2, get_le16(in + pos), len))
			return 0;
		pos += 2U + get_le16(in + pos);
	}
	if ((flags & GZIP_NAME) && !skip_string(in, len, &pos))
		return 0;
	if ((flags & GZIP_COMMENT) && !skip_string(in, len, &pos))
		return 0;
	if (flags & GZIP_HEADER_CRC) {
		if (!range_within(pos, 2, len) ||
		    get_le16(in + pos) != (uint16_t)crc32(0, in, pos))
			return 0;
		pos += 2;
	}
	return pos;
}

static void *arena_alloc(void *opaque, unsigned int items, unsigned int size)
{
	struct gunzip *g = opaque;
	size_t bytes = align_up((size_t)items * size, 16);
	void *mem = g->arena;

	if (bytes > g->arena_left)
		return NULL;
	g->arena += bytes;
	g->arena_left -= bytes;
	return mem;
}

static void arena_free(void *opaque, void *mem)
{
	(void)opaque;
	(void)mem;
}

static unsigned int next_input(void *opaque, const unsigned char **piece)
{
	struct gunzip *g = opaque;
	size_t n = min(g->args->in_len - g->given, IN_PIECE);

	*piece = (const uint8_t *)g->args->in + g->given;
	g->given += n;
	return (unsigned int)n;
}

static int take_output(void *opaque, unsigned char *bytes, unsigned int len)
{
	struct gunzip *g = opaque;

	if (!range_within(g->out_total, len, g->args->out_max))
		g->error = -E2BIG;
	else
		g->error = g->args->out(g->args->arg, bytes, len);
	if (g->error)
		return 1;
	g->out_total += len;
	g->crc = crc32(g->crc, bytes, len);
	return 0;
}

static int inflate_all(struct gunzip *g, uint8_t *window)
{
	z_stream strm = { .zalloc = arena_alloc, .zfree = arena_free, .opaque = g };
	int status;

	if (inflateBackInit(&strm, WINDOW_BITS, window) != Z_OK)
		return -ENOMEM;
	status = inflateBack(&strm, next_input, g, take_output, g);
	g->given -= strm.avail_in;
	inflateBackEnd(&strm);
	if (g->error)
		return g->error;
	return status == Z_STREAM_END ? 0 : -EINVAL;
}

int gunzip(const struct decompress_args *args, size_t *used)
{
	const uint8_t *in = args->in;
	struct gunzip g = { .args = args, .given = header_length(in, args->in_len) };
	int err;

	if (!g.given)
		return -EINVAL;
	if (args->workspace_size < gunzip_workspace_size())
		return -ENOMEM;
	g.arena = (uint8_t *)args->workspace + WINDOW_BYTES;
	g.arena_left = args->workspace_size - WINDOW_BYTES;
	err = inflate_all(&g, args->workspace);
	if (err)
		return err;
	if (!range_within(g.given, 8, args->in_len) || get_le32(in + g.given) != g.crc ||
	    get_le32(in + g.given + 4) != (uint32_t)g.out_total)
		return -EINVAL;
	*used = g.given + 8;
	return 0;
}
