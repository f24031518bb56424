/* SPDX-License-Identifier: MIT */
/*
 * Split rings (virtio 1.2, 2.7): a table of descriptors, a ring in which we offer chains of them,
 * and one in which the device gives chains back.
 *
 * S1 The device can write all three areas if it likes (it is said to write the used ring only), so
 *    what we must rely on, the chains and what is in flight, stands in slots[], which is ours.
 * S2 A descriptor is free or belongs to exactly one chain, whose head's slot has the cookie.
 *    nr_free counts the free ones, linked by slots[].next from free_head.
 * S3 avail_idx and last_used are ours and only grow, modulo 2^16; the size is a power of two.
 * S4 With interrupts on, pop() that finds nothing has told the device to interrupt for the next:
 *    a done() that drains until NULL misses nothing.
 */
#include <arch/io.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "internal.h"

#define AVAIL_NO_INTERRUPT	1
#define USED_NO_NOTIFY		1

struct split_avail {
	le16_t flags, idx;
	le16_t ring[];			/* size entries, then used_event */
};

struct split_used {
	le16_t flags, idx;
	struct {
		le32_t id, len;
	} ring[];			/* size entries, then avail_event */
};

struct split_queue {
	struct virtq q;
	struct virtq_desc *descs;	/* [I] device memory, shared */
	struct split_avail *avail;	/* [I] */
	const struct split_used *used;	/* [I] the device's */
	size_t bytes;			/* [I] of all three */
	uint16_t avail_idx;		/* [R] the driver's lock */
	uint16_t nr_added;		/* [R] since the last kick */
	uint16_t last_used;		/* [R] */
	uint16_t free_head;		/* [R] */
	bool irq_is_on;			/* [R] */
	struct virtq_slot *slots;	/* [R] one for each descriptor */
};

static struct split_queue *split_of(struct virtq *q)
{
	return container_of(q, struct split_queue, q);
}

static void fill_desc(struct virtq_desc *d, const struct virtq_piece *p, uint16_t flags,
		      uint16_t next)
{
	*d = (struct virtq_desc){
		.addr = cpu_to_le64(p->addr.v), .len = cpu_to_le32(p->len),
		.flags = cpu_to_le16(flags), .next = cpu_to_le16(next),
	};
}

/* One descriptor that leads to a table of all pieces. */
static void add_indirect(struct split_queue *s, const struct virtq_piece *pieces,
			 unsigned int nr_out, unsigned int nr)
{
	struct virtq_slot *slot = &s->slots[s->free_head];
	struct virtq_desc *table = slot->table;
	struct virtq_piece whole = {
		DMA_ADDR(virt_to_phys(table).v), (uint32_t)(nr * sizeof(*table))
	};

	for (unsigned int i = 0; i < nr; i++)
		fill_desc(&table[i], &pieces[i],
			  (uint16_t)((i < nr_out ? 0 : VIRTQ_WRITE) |
				     (i + 1 < nr ? VIRTQ_NEXT : 0)),
			  (uint16_t)(i + 1));
	fill_desc(&s->descs[s->free_head], &whole, VIRTQ_INDIRECT, 0);
	slot->nr = 1;
	s->free_head = slot->next;
	s->q.nr_free--;
}

static void add_chain(struct split_queue *s, const struct virtq_piece *pieces,
		      unsigned int nr_out, unsigned int nr)
{
	uint16_t at = s->free_head;

	s->slots[at].nr = (uint16_t)nr;
	for (unsigned int i = 0; i < nr; i++) {
		uint16_t next = s->slots[at].next;

		fill_desc(&s->descs[at], &pieces[i],
			  (uint16_t)((i < nr_out ? 0 : VIRTQ_WRITE) |
				     (i + 1 < nr ? VIRTQ_NEXT : 0)),
			  next);
		at = next;
	}
	s->free_head = at;
	s->q.nr_free -= nr;
}

static int split_add(struct virtq *q, const struct virtq_piece *pieces, unsigned int nr_out,
		     unsigned int nr_in, void *cookie)
{
	struct split_queue *s = split_of(q);
	unsigned int nr = nr_out + nr_in;
	uint16_t head = s->free_head;
	bool indirect;

	if (!q->nr_free)
		return -ENOSPC;
	indirect = nr > 1 && virtq_table_get(q, &s->slots[head], nr);
	if (!indirect && nr > q->nr_free)
		return -ENOSPC;
	s->slots[head].cookie = cookie;
	s->slots[head].in_len = virtq_in_len(pieces + nr_out, nr_in);
	if (indirect)
		add_indirect(s, pieces, nr_out, nr);
	else
		add_chain(s, pieces, nr_out, nr);
	s->avail->ring[s->avail_idx & (q->size - 1)] = cpu_to_le16(head);
	/* Descriptors and ring entry before the index; pairs with the device's read of idx. */
	arch_io_before_write();
	WRITE_ONCE(s->avail->idx.raw, cpu_to_le16(++s->avail_idx).raw);
	s->nr_added++;
	return 0;
}

/* What the device last said about being told: avail_event, behind the used ring's entries. */
static uint16_t avail_event(const struct split_queue *s)
{
	const le16_t *p = (const le16_t *)&s->used->ring[s->q.size];

	return le16_to_cpu((le16_t){ READ_ONCE(p->raw) });
}

static bool split_kick_prepare(struct virtq *q)
{
	struct split_queue *s = split_of(q);
	uint16_t new = s->avail_idx, old = (uint16_t)(new - s->nr_added);

	if (!s->nr_added)
		return false;
	s->nr_added = 0;
	/* The index is visible before we look whether the device sleeps; pairs with its own. */
	arch_io_mb();
	if (virtq_has_event_index(q))
		return virtq_need_event(avail_event(s), new, old);
	return !(le16_to_cpu((le16_t){ READ_ONCE(s->used->flags.raw) }) & USED_NO_NOTIFY);
}

static bool split_has_done(struct virtq *q)
{
	struct split_queue *s = split_of(q);
	bool has = le16_to_cpu((le16_t){ READ_ONCE(s->used->idx.raw) }) != s->last_used;

	/* Entries are read after the index; pairs with the device's write barrier. */
	arch_io_after_read();
	return has;
}

static void ask_for_interrupt(struct split_queue *s)
{
	WRITE_ONCE(s->avail->ring[s->q.size].raw, cpu_to_le16(s->last_used).raw);
}

static void *finish(struct split_queue *s, uint16_t head)
{
	struct virtq_slot *slot = &s->slots[head];
	void *cookie = slot->cookie;
	uint16_t last = head;

	for (uint16_t i = 1; i < slot->nr; i++)
		last = s->slots[last].next;
	s->slots[last].next = s->free_head;
	s->free_head = head;
	s->q.nr_free += slot->nr;
	slot->cookie = NULL;
	return cookie;
}

static void *split_pop(struct virtq *q, uint32_t *len)
{
	struct split_queue *s = split_of(q);
	uint32_t id, at;

	if (!split_has_done(q)) {
		if (!s->irq_is_on || !virtq_has_event_index(q))
			return NULL;
		ask_for_interrupt(s);		/* S4 */
		arch_io_mb();
		if (!split_has_done(q))
			return NULL;
	}
	at = s->last_used & (q->size - 1);
	id = le32_to_cpu((le32_t){ READ_ONCE(s->used->ring[at].id.raw) });
	*len = le32_to_cpu((le32_t){ READ_ONCE(s->used->ring[at].len.raw) });
	if (unlikely(id >= q->size || !s->slots[id].cookie)) {
		virtio_break(q->vd, "queue %s gives back %u, which is not in flight", q->name, id);
		return NULL;
	}
	*len = min(*len, s->slots[id].in_len);
	s->last_used++;
	return finish(s, (uint16_t)id);
}

static void split_irq_disable(struct virtq *q)
{
	struct split_queue *s = split_of(q);

	s->irq_is_on = false;
	/* With an event index, the one that was asked for last lies behind: nothing is due. */
	if (!virtq_has_event_index(q))
		WRITE_ONCE(s->avail->flags.raw, cpu_to_le16(AVAIL_NO_INTERRUPT).raw);
}

static void split_irq_enable(struct virtq *q)
{
	struct split_queue *s = split_of(q);

	s->irq_is_on = true;
	if (virtq_has_event_index(q))
		ask_for_interrupt(s);
	else
		WRITE_ONCE(s->avail->flags.raw, 0);
}

static void *split_take_unused(struct virtq *q)
{
	struct split_queue *s = split_of(q);

	for (uint32_t i = 0; i < q->size; i++)
		if (s->slots[i].cookie)
			return finish(s, (uint16_t)i);
	return NULL;
}

static void split_free(struct virtq *q)
{
	struct split_queue *s = split_of(q);

	dma_free(&q->vd->dev, s->bytes, s->descs, q->desc);
	virtq_slots_free(s->slots, q->size);
	kfree(s);
}

static const struct virtq_ops split_ops = {
	.add = split_add, .kick_prepare = split_kick_prepare, .pop = split_pop,
	.has_done = split_has_done, .irq_disable = split_irq_disable,
	.irq_enable = split_irq_enable, .take_unused = split_take_unused, .free = split_free,
};

/* One piece of memory: descriptors (16-aligned), avail (2), used (4). */
struct virtq *virtq_split_alloc(struct virtio_device *vd, uint32_t size)
{
	size_t avail_at = size * sizeof(struct virtq_desc);
	size_t used_at = align_up(avail_at + 6 + 2 * (size_t)size, 64);
	struct split_queue *s = kzalloc(sizeof(*s), ALLOC_NORMAL);

	if (!s)
		return NULL;
	s->bytes = used_at + 6 + 8 * (size_t)size;
	s->q.vd = vd;
	s->q.size = s->q.nr_free = size;
	s->q.ops = &split_ops;
	s->slots = kzalloc(size * sizeof(s->slots[0]), ALLOC_NORMAL);
	s->descs = s->slots ? dma_alloc(&vd->dev, s->bytes, &s->q.desc) : NULL;
	if (!s->descs) {
		kfree(s->slots);
		kfree(s);
		return NULL;
	}
	s->avail = (struct split_avail *)((char *)s->descs + avail_at);
	s->used = (const struct split_used *)((char *)s->descs + used_at);
	s->q.driver = dma_addr_add(s->q.desc, avail_at);
	s->q.device = dma_addr_add(s->q.desc, used_at);
	s->irq_is_on = true;
	for (uint32_t i = 0; i < size; i++)
		s->slots[i].next = (uint16_t)(i + 1);
	return &s->q;
}
