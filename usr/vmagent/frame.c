/* SPDX-License-Identifier: MIT */
/*
 * Framing over a serial line: see README.md for the wire format.
 * A damaged frame is dropped by its checksum and the parser looks for the next magic.
 */
#include "frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static uint32_t crc32_of(const uint8_t *data, size_t len)
{
	static uint32_t table[256];
	uint32_t crc = ~0u;

	if (!table[1]) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int bit = 0; bit < 8; bit++)
				c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
			table[i] = c;
		}
	}
	for (size_t i = 0; i < len; i++)
		crc = table[(crc ^ data[i]) & 0xff] ^ (crc >> 8);
	return ~crc;
}

uint32_t frame_get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void frame_put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint8_t head_check(const uint8_t *head)
{
	return (uint8_t)~(head[2] + head[3] + head[4]);
}

static int write_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd pf = { .fd = fd, .events = POLLOUT };

			poll(&pf, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			return n == 0 ? -EIO : -errno;
		}
	}
	return 0;
}

int frame_send(int fd, uint8_t type, const void *payload, size_t len)
{
	static uint8_t out[FRAME_HEAD + FRAME_MAX + FRAME_TAIL];

	if (len > FRAME_MAX)
		return -EMSGSIZE;
	out[0] = FRAME_MAGIC0;
	out[1] = FRAME_MAGIC1;
	out[2] = type;
	out[3] = (uint8_t)len;
	out[4] = (uint8_t)(len >> 8);
	out[5] = head_check(out);
	if (len)
		memcpy(out + FRAME_HEAD, payload, len);
	frame_put32(out + FRAME_HEAD + len, crc32_of(out + FRAME_HEAD, len));
	return write_all(fd, out, FRAME_HEAD + len + FRAME_TAIL);
}

static size_t payload_len(const uint8_t *head)
{
	return head[3] | (size_t)head[4] << 8;
}

/* True if the bytes gathered can still become a frame. */
static int plausible(const struct frame_parser *p)
{
	if (p->buf[0] != FRAME_MAGIC0 || (p->have > 1 && p->buf[1] != FRAME_MAGIC1))
		return 0;
	return p->have < FRAME_HEAD ||
	       (p->buf[5] == head_check(p->buf) && payload_len(p->buf) <= FRAME_MAX);
}

/* Drops the first byte and what follows it up to the next possible magic. */
static void resync(struct frame_parser *p)
{
	const uint8_t *next = p->have > 1 ? memchr(p->buf + 1, FRAME_MAGIC0, p->have - 1) : NULL;
	size_t skip = next ? (size_t)(next - p->buf) : p->have;

	p->have -= skip;
	memmove(p->buf, p->buf + skip, p->have);
}

static void finish(struct frame_parser *p, frame_handler handler, void *arg)
{
	size_t len = payload_len(p->buf);
	const uint8_t *payload = p->buf + FRAME_HEAD;

	if (crc32_of(payload, len) != frame_get32(payload + len)) {
		resync(p);
		return;
	}
	handler(p->buf[2], payload, len, arg);
	p->have = 0;
}

void frame_parse(struct frame_parser *p, const uint8_t *data, size_t len,
		 frame_handler handler, void *arg)
{
	for (size_t i = 0; i < len; i++) {
		p->buf[p->have++] = data[i];
		while (p->have && !plausible(p))
			resync(p);
		if (p->have >= FRAME_HEAD &&
		    p->have == FRAME_HEAD + payload_len(p->buf) + FRAME_TAIL)
			finish(p, handler, arg);
	}
}
