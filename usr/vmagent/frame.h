/* SPDX-License-Identifier: MIT */
/*
 * The framing that vmagent and scripts/vm speak over a serial line.
 * The wire format and the meaning of each type stand in README.md; the host's
 * half is scripts/aegisvm/frames.py.
 */
#ifndef VMAGENT_FRAME_H
#define VMAGENT_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAGIC0	0x10
#define FRAME_MAGIC1	0xa9
#define FRAME_HEAD	6		/* magic, type, length, header check */
#define FRAME_TAIL	4		/* CRC-32 of the payload */
#define FRAME_MAX	4096		/* bytes of payload */

/* Bytes the host may send before it gets more credit: what the smallest tty
 * input buffer (4096 in Linux) holds with room for headers. */
#define FRAME_WINDOW	2048

enum frame_type {
	FRAME_HELLO	= 'H',		/* guest: agent is up; payload: protocol version */
	FRAME_STDOUT	= 'O',		/* guest: bytes of standard output */
	FRAME_STDERR	= 'E',		/* guest: bytes of standard error */
	FRAME_KMSG	= 'K',		/* guest: one record of /dev/kmsg, as read */
	FRAME_CREDIT	= 'C',		/* guest: u32 more bytes of input taken */
	FRAME_DEAF	= 'D',		/* guest: the command closed its input */
	FRAME_EXIT	= 'X',		/* guest: u32 wait status of the command */
	FRAME_FAIL	= 'F',		/* guest: the agent cannot go on; payload: why */
	FRAME_GO	= 'G',		/* host: start the command */
	FRAME_STDIN	= 'I',		/* host: bytes of standard input */
	FRAME_EOF	= 'Z',		/* host: end of standard input */
};

/* An incremental parser of the bytes that come from the host. */
struct frame_parser {
	size_t have;				/* bytes gathered of the current frame */
	uint8_t buf[FRAME_HEAD + FRAME_MAX + FRAME_TAIL];
};

typedef void (*frame_handler)(uint8_t type, const uint8_t *payload, size_t len, void *arg);

/* Sends one frame whole; waits for the line. 0 or -errno. */
int frame_send(int fd, uint8_t type, const void *payload, size_t len);

/* Feeds len bytes to the parser; calls handler once for each whole, intact frame. */
void frame_parse(struct frame_parser *p, const uint8_t *data, size_t len,
		 frame_handler handler, void *arg);

uint32_t frame_get32(const uint8_t *p);
void frame_put32(uint8_t *p, uint32_t v);

#endif
