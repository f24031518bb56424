/* SPDX-License-Identifier: MIT */
/*
 * The newc readers. Every length comes from the archive and is checked before it is used; offsets
 * are 64 bits wide while the fields have 32, so their sums cannot wrap.
 */
#include <lib/cpio.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/parse.h>
#include <lib/string.h>

#define TRAILER	"TRAILER!!!"

static bool has_magic(const char *raw)
{
	return memcmp(raw, "07070", 5) == 0 && (raw[5] == '1' || raw[5] == '2');
}

/* Fills *@e (but name and data) and *@name_size from the 110 bytes at @raw. */
static int parse_header(const char *raw, struct cpio_entry *e, uint32_t *name_size)
{
	uint32_t f[13];

	if (!has_magic(raw))
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(f); i++) {
		uint64_t value;

		if (parse_hex_field(raw + 6 + 8 * i, 8, &value))
			return -EINVAL;
		f[i] = (uint32_t)value;
	}
	if (f[11] < 2 || f[11] > CPIO_NAME_MAX)
		return f[11] < 2 ? -EINVAL : -ENAMETOOLONG;
	*e = (struct cpio_entry){
		.ino = f[0], .mode = f[1], .uid = f[2], .gid = f[3], .nlink = f[4], .mtime = f[5],
		.size = f[6], .dev_major = f[7], .dev_minor = f[8], .rdev_major = f[9],
		.rdev_minor = f[10], .checksum = raw[5] == '2' ? f[12] : 0,
	};
	*name_size = f[11];
	return 0;
}

/* The stored name must be exactly @name_size bytes with its terminator. */
static int take_name(struct cpio_entry *e, const char *name, uint32_t name_size)
{
	if (strnlen(name, name_size) != name_size - 1)
		return -EINVAL;
	e->name = name;
	e->name_len = name_size - 1;
	return 0;
}

static bool is_trailer(const struct cpio_entry *e)
{
	return e->name_len == sizeof(TRAILER) - 1 && memcmp(e->name, TRAILER, e->name_len) == 0;
}

static uint32_t sum_bytes(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--)
		sum += *p++;
	return sum;
}

static int entry_at(const struct cpio_reader *r, struct cpio_entry *e, uint64_t *end)
{
	const char *raw = (const char *)r->data + r->pos;
	uint64_t name_at = (uint64_t)r->pos + CPIO_HEADER_BYTES, data_at;
	uint32_t name_size;

	if (!range_within(r->pos, CPIO_HEADER_BYTES, r->size) || parse_header(raw, e, &name_size))
		return -EINVAL;
	if (!range_within(name_at, name_size, r->size))
		return -EINVAL;
	data_at = align_up(name_at + name_size, 4);
	if (e->size && !range_within(data_at, e->size, r->size))
		return -EINVAL;
	if (take_name(e, raw + CPIO_HEADER_BYTES, name_size))
		return -EINVAL;
	e->data = e->size ? r->data + data_at : r->data;
	if (raw[5] == '2' && sum_bytes(0, e->data, e->size) != e->checksum)
		return -EINVAL;
	*end = min(align_up(data_at + e->size, 4), (uint64_t)r->size);
	return 0;
}

int cpio_next(struct cpio_reader *r, struct cpio_entry *e)
{
	for (;;) {
		uint64_t end = 0;
		const uint8_t *next;
		int err;

		next = mem_find_other(r->data + r->pos, 0, r->size - r->pos);
		r->pos = next ? (size_t)(next - r->data) : r->size;
		if (!next)
			return 0;
		if (r->size - r->pos >= 6 ? !has_magic((const char *)next) : *next != '0')
			return 0;
		err = entry_at(r, e, &end);
		if (err)
			return err;
		r->pos = (size_t)end;
		if (!is_trailer(e))
			return 1;
	}
}

void cpio_stream_init(struct cpio_stream *s, const struct cpio_stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
	s->state = CPIO_STREAM_HEADER;
	s->pos = 0;
	s->have = 0;
}

/* Moves up to @want - s->have bytes from the input to @to; true when @want are there. */
static bool collect(struct cpio_stream *s, char *to, uint32_t want, const uint8_t **p, size_t *len)
{
	uint32_t n = (uint32_t)min(*len, (size_t)(want - s->have));

	memcpy(to + s->have, *p, n);
	s->have += n;
	*p += n;
	*len -= n;
	s->pos += n;
	return s->have == want;
}

/* Skips the zeros that align the next field or lie between archives; true when there is data. */
static bool skip_padding(struct cpio_stream *s, const uint8_t **p, size_t *len)
{
	while (*len && (s->pos % 4 || **p == 0)) {
		(*p)++;
		(*len)--;
		s->pos++;
	}
	return *len;
}

static int step_header(struct cpio_stream *s, const uint8_t **p, size_t *len)
{
	uint32_t name_size;
	int err;

	if (!s->have && !skip_padding(s, p, len))
		return 0;
	if (!collect(s, s->header, CPIO_HEADER_BYTES, p, len))
		return 0;
	err = parse_header(s->header, &s->entry, &name_size);
	if (err)
		return err;
	s->entry.name_len = name_size - 1;
	s->state = CPIO_STREAM_NAME;
	s->have = 0;
	return 0;
}

static int end_entry(struct cpio_stream *s)
{
	s->state = CPIO_STREAM_HEADER;
	s->have = 0;
	if (s->header[5] == '2' && s->sum != s->entry.checksum)
		return -EINVAL;
	return is_trailer(&s->entry) ? 0 : s->ops->entry_end(s->arg);
}

static int step_name(struct cpio_stream *s, const uint8_t **p, size_t *len)
{
	uint32_t name_size = (uint32_t)s->entry.name_len + 1;
	int err;

	if (!collect(s, s->name, name_size, p, len))
		return 0;
	err = take_name(&s->entry, s->name, name_size);
	if (err)
		return err;
	if (!is_trailer(&s->entry))
		err = s->ops->entry(s->arg, &s->entry);
	if (err)
		return err;
	s->state = CPIO_STREAM_DATA;
	s->have = 0;
	s->sum = 0;
	return s->entry.size ? 0 : end_entry(s);
}

static int step_data(struct cpio_stream *s, const uint8_t **p, size_t *len)
{
	uint32_t n;
	int err = 0;

	if (!s->have && s->pos % 4) {	/* padding behind the name: any bytes */
		s->pos++;
		(*p)++;
		(*len)--;
		return 0;
	}
	n = (uint32_t)min(*len, (size_t)(s->entry.size - s->have));
	if (s->header[5] == '2')
		s->sum = sum_bytes(s->sum, *p, n);
	if (!is_trailer(&s->entry))
		err = s->ops->data(s->arg, *p, n);
	s->have += n;
	s->pos += n;
	*p += n;
	*len -= n;
	if (err || s->have < s->entry.size)
		return err;
	return end_entry(s);
}

int cpio_stream_feed(struct cpio_stream *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	int err = 0;

	while (len && !err) {
		switch (s->state) {
		case CPIO_STREAM_HEADER:
			err = step_header(s, &p, &len);
			break;
		case CPIO_STREAM_NAME:
			err = step_name(s, &p, &len);
			break;
		case CPIO_STREAM_DATA:
			err = step_data(s, &p, &len);
			break;
		}
	}
	return err;
}

int cpio_stream_finish(const struct cpio_stream *s)
{
	return s->state == CPIO_STREAM_HEADER && !s->have ? 0 : -EINVAL;
}
