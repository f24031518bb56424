/* SPDX-License-Identifier: MIT */
/*
 * One zstd frame (RFC 8878) through the library's streaming decoder, which lives in the workspace
 * together with its window; the tail of the workspace is the output piece.
 */
#include <lib/err.h>
#include <lib/minmax.h>

#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "decompress_impl.h"

#define OUT_PIECE	(32U * 1024)
#define WINDOW_MAX	(UINT64_C(1) << 27)

static size_t decoder_size(const void *in, size_t len)
{
	ZSTD_frameHeader header;
	size_t size;

	if (ZSTD_getFrameHeader(&header, in, len) != 0 || header.frameType != ZSTD_frame ||
	    header.windowSize > WINDOW_MAX)
		return 0;
	size = ZSTD_estimateDStreamSize(header.windowSize);
	return ZSTD_isError(size) ? 0 : align_up(size, 16);
}

size_t unzstd_workspace_size(const void *in, size_t len)
{
	size_t size = decoder_size(in, len);

	return size ? size + OUT_PIECE : 0;
}

static int give_output(const struct decompress_args *args, const ZSTD_outBuffer *out,
		       uint64_t *total)
{
	if (!out->pos)
		return 0;
	if (!range_within(*total, out->pos, args->out_max))
		return -E2BIG;
	*total += out->pos;
	return args->out(args->arg, out->dst, out->pos);
}

int unzstd(const struct decompress_args *args, size_t *used)
{
	size_t size = decoder_size(args->in, args->in_len), left;
	ZSTD_inBuffer in = { .src = args->in, .size = args->in_len };
	ZSTD_DStream *stream;
	uint64_t total = 0;

	if (!size)
		return -EINVAL;
	if (args->workspace_size < size + OUT_PIECE)
		return -ENOMEM;
	stream = ZSTD_initStaticDStream(args->workspace, size);
	if (!stream)
		return -ENOMEM;
	do {
		ZSTD_outBuffer out = { (uint8_t *)args->workspace + size, OUT_PIECE, 0 };
		size_t in_before = in.pos;
		int err;

		left = ZSTD_decompressStream(stream, &out, &in);
		if (ZSTD_isError(left))
			return -EINVAL;
		err = give_output(args, &out, &total);
		if (err)
			return err;
		if (left && !out.pos && in.pos == in_before)
			return -EINVAL;		/* no progress: the input is cut off */
	} while (left);
	*used = in.pos;
	return 0;
}
