/* SPDX-License-Identifier: MIT */
/*
 * A byte ring over the owner's storage. One reader and one writer may run at the same time without
 * a lock; more of either need one.
 */
#ifndef LIB_RINGBUF_H
#define LIB_RINGBUF_H

#include <lib/types.h>

struct ringbuf {
	uint8_t *data;		/* [I] */
	size_t size;		/* [I] a power of two */
	size_t head;		/* written by the writer: bytes ever written */
	size_t tail;		/* written by the reader: bytes ever read */
};

/* @size is a power of two. */
void ringbuf_init(struct ringbuf *ring, void *data, size_t size);

/* Bytes that the reader may take, and that the writer may put. */
size_t ringbuf_used(const struct ringbuf *ring);
size_t ringbuf_free(const struct ringbuf *ring);

/* Copy as much as there is or fits; return how much that was. */
size_t ringbuf_write(struct ringbuf *ring, const void *data, size_t len);
size_t ringbuf_read(struct ringbuf *ring, void *data, size_t len);
/* As ringbuf_read from @skip bytes ahead, but nothing is consumed. */
size_t ringbuf_peek(const struct ringbuf *ring, size_t skip, void *data, size_t len);

/* Zero copy: the longest contiguous piece; then commit or consume up to its length. */
void *ringbuf_write_span(const struct ringbuf *ring, size_t *len);
const void *ringbuf_read_span(const struct ringbuf *ring, size_t *len);
void ringbuf_commit(struct ringbuf *ring, size_t len);
void ringbuf_consume(struct ringbuf *ring, size_t len);

/* Drops everything; reader's side. */
void ringbuf_clear(struct ringbuf *ring);

#endif
