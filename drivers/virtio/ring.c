/* SPDX-License-Identifier: MIT */
/* Virtqueues: what both ring formats share, and the operations that drivers call. */
#include <lib/err.h>
#include <arch/io.h>
#include <lib/bits.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "internal.h"

int virtq_add(struct virtq *q, const struct virtq_piece *pieces, unsigned int nr_out,
	      unsigned int nr_in, void *cookie)
{
	if (unlikely(virtq_is_broken(q)))
		return -EIO;
	if (unlikely(!cookie || !(nr_out + nr_in) || nr_out > q->size || nr_in > q->size - nr_out))
		return -EINVAL;
	return q->ops->add(q, pieces, nr_out, nr_in, cookie);
}

uint32_t virtq_max_pieces(const struct virtq *q)
{
	return q->size;
}

bool virtq_kick_prepare(struct virtq *q)
{
	return q->ops->kick_prepare(q) && !virtq_is_broken(q);
}

void virtq_notify(struct virtq *q)
{
	q->vd->transport->notify(q);
}

void virtq_kick(struct virtq *q)
{
	if (virtq_kick_prepare(q))
		virtq_notify(q);
}

void *virtq_pop(struct virtq *q, uint32_t *len)
{
	uint32_t unused;

	if (unlikely(virtq_is_broken(q)))
		return NULL;
	return q->ops->pop(q, len ? len : &unused);
}

bool virtq_has_done(struct virtq *q)
{
	return !virtq_is_broken(q) && q->ops->has_done(q);
}

void virtq_irq_disable(struct virtq *q)
{
	q->ops->irq_disable(q);
}

bool virtq_irq_enable(struct virtq *q)
{
	q->ops->irq_enable(q);
	/* The device sees that it is asked before we look a last time; pairs with its barrier. */
	arch_io_mb();
	return !virtq_has_done(q);
}

void *virtq_take_unused(struct virtq *q)
{
	return q->ops->take_unused(q);
}

void virtq_interrupt(struct virtq *q)
{
	if (q->done && virtq_has_done(q))
		q->done(q);
}

void virtq_interrupt_all(struct virtio_device *vd)
{
	for (unsigned int i = 0; i < vd->nr_queues; i++)
		if (vd->queues[i])
			virtq_interrupt(vd->queues[i]);
}

struct virtq_desc *virtq_table_get(struct virtq *q, struct virtq_slot *s, unsigned int nr)
{
	struct virtq_desc *table;
	uint32_t size;

	if (likely(s->table_size >= nr))
		return s->table;
	if (!virtio_has_feature(q->vd, VIRTIO_F_INDIRECT_DESC) || !dma_is_direct(&q->vd->dev))
		return NULL;
	size = (uint32_t)roundup_pow2(max(nr, 4u));
	table = kmalloc(size * sizeof(*table), ALLOC_ATOMIC);
	if (!table)
		return NULL;
	kfree(s->table);
	s->table = table;
	s->table_size = size;
	return table;
}

uint32_t virtq_in_len(const struct virtq_piece *in, unsigned int nr_in)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < nr_in; i++)
		sum += in[i].len;
	return (uint32_t)min(sum, (uint64_t)UINT32_MAX);
}

void virtq_slots_free(struct virtq_slot *slots, uint32_t size)
{
	for (uint32_t i = 0; slots && i < size; i++)
		kfree(slots[i].table);
	kfree(slots);
}
