/* SPDX-License-Identifier: MIT */
/*
 * The byte ring. head and tail only grow (and wrap as numbers), so full and empty differ without a
 * spare byte. Each side publishes its counter with a release store that pairs with the other side's
 * acquire load: data before head, space before tail.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <lib/bits.h>
#include <lib/minmax.h>
#include <lib/ringbuf.h>
#include <lib/string.h>

void ringbuf_init(struct ringbuf *ring, void *data, size_t size)
{
	ENSURE(is_power_of_2(size));
	*ring = (struct ringbuf){ .data = data, .size = size };
}

size_t ringbuf_used(const struct ringbuf *ring)
{
	/* tail first: head never falls behind a tail seen earlier */
	size_t tail = smp_load_acquire(&ring->tail);	/* pairs with ringbuf_consume */

	return smp_load_acquire(&ring->head) - tail;	/* pairs with ringbuf_commit */
}

size_t ringbuf_free(const struct ringbuf *ring)
{
	size_t used = ringbuf_used(ring);

	/* An onlooker (neither reader nor writer) may see a head that is ahead of its old tail. */
	return used < ring->size ? ring->size - used : 0;
}

void *ringbuf_write_span(const struct ringbuf *ring, size_t *len)
{
	size_t at = ring->head & (ring->size - 1);

	*len = min(ringbuf_free(ring), ring->size - at);
	return ring->data + at;
}

const void *ringbuf_read_span(const struct ringbuf *ring, size_t *len)
{
	size_t at = ring->tail & (ring->size - 1);

	*len = min(ringbuf_used(ring), ring->size - at);
	return ring->data + at;
}

void ringbuf_commit(struct ringbuf *ring, size_t len)
{
	ASSERT(len <= ringbuf_free(ring));
	smp_store_release(&ring->head, ring->head + len);	/* pairs with ringbuf_used */
}

void ringbuf_consume(struct ringbuf *ring, size_t len)
{
	ASSERT(len <= ringbuf_used(ring));
	smp_store_release(&ring->tail, ring->tail + len);	/* pairs with ringbuf_used */
}

size_t ringbuf_write(struct ringbuf *ring, const void *data, size_t len)
{
	size_t at = ring->head & (ring->size - 1), first;

	len = min(len, ringbuf_free(ring));
	first = min(len, ring->size - at);
	memcpy(ring->data + at, data, first);
	memcpy(ring->data, (const uint8_t *)data + first, len - first);
	ringbuf_commit(ring, len);
	return len;
}

size_t ringbuf_peek(const struct ringbuf *ring, size_t skip, void *data, size_t len)
{
	size_t used = ringbuf_used(ring), at, first;

	if (skip >= used)
		return 0;
	at = (ring->tail + skip) & (ring->size - 1);
	len = min(len, used - skip);
	first = min(len, ring->size - at);
	memcpy(data, ring->data + at, first);
	memcpy((uint8_t *)data + first, ring->data, len - first);
	return len;
}

size_t ringbuf_read(struct ringbuf *ring, void *data, size_t len)
{
	len = ringbuf_peek(ring, 0, data, len);
	ringbuf_consume(ring, len);
	return len;
}

void ringbuf_clear(struct ringbuf *ring)
{
	ringbuf_consume(ring, ringbuf_used(ring));
}
