/* SPDX-License-Identifier: MIT */
/*
 * Tests of the cpio readers on archives built here: both readers agree, at every split and every
 * truncation; damage is refused.
 */
#include <lib/cpio.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <lib/printf.h>

struct archive {
	uint8_t bytes[2048];
	size_t len;
};

static void add_bytes(struct archive *a, const void *p, size_t len)
{
	memcpy(a->bytes + a->len, p, len);
	a->len += len;
}

static void add_padding(struct archive *a)
{
	while (a->len % 4)
		a->bytes[a->len++] = 0;
}

static void add_entry(struct archive *a, char version, const char *name, unsigned int mode,
		      const char *data)
{
	char header[CPIO_HEADER_BYTES + 1];
	size_t name_size = strlen(name) + 1, size = strlen(data);
	unsigned int sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (uint8_t)data[i];
	snprintf(header, sizeof(header),
		 "07070%c%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X", version, 7U, mode,
		 1U, 2U, 1U, 99U, size, 8U, 1U, 5U, 6U, name_size, version == '2' ? sum : 0);
	add_bytes(a, header, CPIO_HEADER_BYTES);
	add_bytes(a, name, name_size);
	add_padding(a);
	add_bytes(a, data, size);
	add_padding(a);
}

static void build(struct archive *a)
{
	a->len = 0;
	add_entry(a, '1', "dir", 0040755, "");
	add_entry(a, '1', "dir/file", 0100644, "hello");
	add_entry(a, '2', "sum", 0100600, "checked data");
	add_entry(a, '1', "TRAILER!!!", 0, "");
	memset(a->bytes + a->len, 0, 200);
	a->len += 200;
	add_entry(a, '1', "second", 0120777, "target");
	add_entry(a, '1', "TRAILER!!!", 0, "");
}

static const char listing[] =
	"dir 040755 []\ndir/file 0100644 [hello]\nsum 0100600 [checked data]\n"
			      "second 0120777 [target]\n";

struct text {
	char buf[256];
	size_t len;
};

static int text_entry(void *arg, const struct cpio_entry *e)
{
	struct text *t = arg;

	t->len += scnprintf(t->buf + t->len, sizeof(t->buf) - t->len, "%s %#o [", e->name, e->mode);
	return 0;
}

static int text_data(void *arg, const void *bytes, size_t len)
{
	struct text *t = arg;

	t->len += scnprintf(t->buf + t->len, sizeof(t->buf) - t->len, "%.*s", (int)len,
			    (const char *)bytes);
	return 0;
}

static int text_end(void *arg)
{
	struct text *t = arg;

	t->len += scnprintf(t->buf + t->len, sizeof(t->buf) - t->len, "]\n");
	return 0;
}

static const struct cpio_stream_ops text_ops = {
	.entry = text_entry, .data = text_data, .entry_end = text_end,
};

static struct archive sample;
static struct cpio_stream stream;

static int walk(const void *data, size_t len, struct text *t, size_t *pos)
{
	struct cpio_reader r;
	struct cpio_entry e;
	int err;

	cpio_reader_init(&r, data, len);
	while ((err = cpio_next(&r, &e)) == 1) {
		text_entry(t, &e);
		text_data(t, e.data, e.size);
		text_end(t);
	}
	*pos = r.pos;
	return err;
}

KTEST(cpio, walks_memory)
{
	struct text t = { .len = 0 };
	size_t pos;

	build(&sample);
	KEXPECT_EQ(walk(sample.bytes, sample.len, &t, &pos), 0);
	KEXPECT_STREQ(t.buf, listing);
	KEXPECT_EQ(pos, sample.len);
	add_bytes(&sample, "\x1f\x8b\x08 more", 8);
	t.len = 0;
	KEXPECT_EQ(walk(sample.bytes, sample.len, &t, &pos), 0);
	KEXPECT_EQ(pos, sample.len - 8);
}

KTEST(cpio, streams_in_any_pieces)
{
	build(&sample);
	for (size_t piece = 1; piece < sample.len; piece += 1 + piece / 8) {
		struct text t = { .len = 0 };

		cpio_stream_init(&stream, &text_ops, &t);
		for (size_t at = 0; at < sample.len; at += piece)
			KASSERT_EQ(cpio_stream_feed(&stream, sample.bytes + at,
						    min(piece, sample.len - at)), 0);
		KEXPECT_EQ(cpio_stream_finish(&stream), 0);
		KEXPECT_STREQ(t.buf, listing);
	}
}

KTEST(cpio, truncations_never_succeed_inside)
{
	build(&sample);
	for (size_t cut = 0; cut < 420; cut++) {
		struct text a = { .len = 0 }, b = { .len = 0 };
		size_t pos;
		int walked = walk(sample.bytes, cut, &a, &pos), streamed;

		cpio_stream_init(&stream, &text_ops, &b);
		streamed = cpio_stream_feed(&stream, sample.bytes, cut);
		if (!streamed)
			streamed = cpio_stream_finish(&stream);
		if (walked == 0)
			KEXPECT_EQ(streamed, 0);
		KEXPECT_LE(pos, cut);
	}
}

KTEST(cpio, refuses_damage)
{
	struct text t = { .len = 0 };
	size_t pos;

	build(&sample);
	sample.bytes[54] = 'f';			/* dir's size: beyond the archive */
	KEXPECT_EQ(walk(sample.bytes, sample.len, &t, &pos), -EINVAL);
	build(&sample);
	sample.bytes[100] = 'g';		/* no hexadecimal digit */
	KEXPECT_EQ(walk(sample.bytes, sample.len, &t, &pos), -EINVAL);
	build(&sample);
	sample.bytes[CPIO_HEADER_BYTES + 3] = 'x';	/* name without its terminator */
	KEXPECT_EQ(walk(sample.bytes, sample.len, &t, &pos), -EINVAL);
	sample.len = 0;
	add_entry(&sample, '2', "sum", 0100600, "data");
	sample.bytes[sample.len - 1] ^= 1;	/* checksum */
	KEXPECT_EQ(walk(sample.bytes, sample.len, &t, &pos), -EINVAL);
	cpio_stream_init(&stream, &text_ops, &t);
	KEXPECT_EQ(cpio_stream_feed(&stream, sample.bytes, sample.len), -EINVAL);
}
