/* SPDX-License-Identifier: MIT */
/*
 * Packed rings (virtio 1.2, 2.8): one ring of descriptors that we fill and the device overwrites
 * in place when it is done.
 *
 * K1 What we must rely on stands in slots[], by buffer id; the ring is shared and may hold
 *    anything.  Free ids are linked from free_id.
 * K2 An addition takes consecutive entries from next_avail; its id stands in the last of them (we
 *    write it into all), and its slot says how many entries to skip when it comes back.
 * K3 An entry is available when its AVAIL bit equals our wrap counter and USED does not, and used
 *    when both equal the used wrap counter.  Both counters start at 1 and flip at the ring's end.
 * K4 The first entry's flags are written last: the device sees a whole chain or none of it.
 * K5 As S4 of split.c: with interrupts on, pop() that found nothing has asked for the next one.
 */
#include <arch/io.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "internal.h"

enum event_flags { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };

struct packed_desc {
	le64_t addr;
	le32_t len;
	le16_t id, flags;
};

struct packed_event {
	le16_t position;		/* entry, and the wrap counter in bit 15 */
	le16_t flags;
};

struct packed_queue {
	struct virtq q;
	struct packed_desc *ring;	/* [I] shared */
	struct packed_event *ours;	/* [I] shared: when we want interrupts */
	const struct packed_event *theirs;	/* [I] when the device wants to be told */
	size_t bytes;			/* [I] */
	uint16_t next_avail, next_used;	/* [R] the driver's lock: entries */
	uint16_t nr_added;		/* [R] entries since the last kick */
	uint16_t free_id;		/* [R] */
	bool avail_wrap, used_wrap;	/* [R] */
	bool irq_is_on;			/* [R] */
	struct virtq_slot *slots;	/* [R] by id */
};

static struct packed_queue *packed_of(struct virtq *q)
{
	return container_of(q, struct packed_queue, q);
}

static uint16_t avail_bits(const struct packed_queue *p)
{
	return p->avail_wrap ? VIRTQ_AVAIL : VIRTQ_USED;
}

/* Fill the entry at next_avail but for its flags, which go back to the caller, and move on. */
static uint16_t fill_entry(struct packed_queue *p, const struct virtq_piece *piece, uint16_t id,
			   uint16_t flags)
{
	struct packed_desc *d = &p->ring[p->next_avail];

	d->addr = cpu_to_le64(piece->addr.v);
	d->len = cpu_to_le32(piece->len);
	d->id = cpu_to_le16(id);
	flags |= avail_bits(p);
	if (++p->next_avail == p->q.size) {
		p->next_avail = 0;
		p->avail_wrap = !p->avail_wrap;
	}
	return flags;
}

/* K4: publish what starts at @first. */
static void publish(struct packed_queue *p, uint16_t first, uint16_t flags)
{
	arch_io_before_write();
	WRITE_ONCE(p->ring[first].flags.raw, cpu_to_le16(flags).raw);
}

static void add_indirect(struct packed_queue *p, const struct virtq_piece *pieces,
			 unsigned int nr_out, unsigned int nr, uint16_t id)
{
	struct packed_desc *table = (struct packed_desc *)p->slots[id].table;
	struct virtq_piece whole = {
		DMA_ADDR(virt_to_phys(table).v), (uint32_t)(nr * sizeof(*table))
	};
	uint16_t first = p->next_avail;

	for (unsigned int i = 0; i < nr; i++)
		table[i] = (struct packed_desc){
			.addr = cpu_to_le64(pieces[i].addr.v), .len = cpu_to_le32(pieces[i].len),
			.flags = cpu_to_le16(i < nr_out ? 0 : VIRTQ_WRITE),
		};
	publish(p, first, fill_entry(p, &whole, id, VIRTQ_INDIRECT));
}

static void add_chain(struct packed_queue *p, const struct virtq_piece *pieces,
		      unsigned int nr_out, unsigned int nr, uint16_t id)
{
	uint16_t first = p->next_avail, first_flags = 0;

	for (unsigned int i = 0; i < nr; i++) {
		uint16_t at = p->next_avail, flags;

		flags = fill_entry(p, &pieces[i], id,
				   (uint16_t)((i < nr_out ? 0 : VIRTQ_WRITE) |
					      (i + 1 < nr ? VIRTQ_NEXT : 0)));
		if (i)
			p->ring[at].flags = cpu_to_le16(flags);
		else
			first_flags = flags;
	}
	publish(p, first, first_flags);
}

static int packed_add(struct virtq *q, const struct virtq_piece *pieces, unsigned int nr_out,
		      unsigned int nr_in, void *cookie)
{
	struct packed_queue *p = packed_of(q);
	unsigned int nr = nr_out + nr_in;
	uint16_t id = p->free_id;
	struct virtq_slot *slot;
	bool indirect;

	if (!q->nr_free)
		return -ENOSPC;
	slot = &p->slots[id];		/* as many ids as entries: there is a free one */
	indirect = nr > 1 && virtq_table_get(q, slot, nr);
	if (!indirect && nr > q->nr_free)
		return -ENOSPC;
	p->free_id = slot->next;
	slot->cookie = cookie;
	slot->in_len = virtq_in_len(pieces + nr_out, nr_in);
	slot->nr = indirect ? 1 : (uint16_t)nr;
	q->nr_free -= slot->nr;
	p->nr_added = (uint16_t)(p->nr_added + slot->nr);
	if (indirect)
		add_indirect(p, pieces, nr_out, nr, id);
	else
		add_chain(p, pieces, nr_out, nr, id);
	return 0;
}

static bool packed_kick_prepare(struct virtq *q)
{
	struct packed_queue *p = packed_of(q);
	uint16_t position, flags, event, old = (uint16_t)(p->next_avail - p->nr_added);

	if (!p->nr_added)
		return false;
	p->nr_added = 0;
	/* Entries are visible before we look whether the device sleeps; pairs with its own. */
	arch_io_mb();
	flags = le16_to_cpu((le16_t){ READ_ONCE(p->theirs->flags.raw) }) & 3;
	if (flags != EVENT_DESC)
		return flags != EVENT_DISABLE;
	arch_io_after_read();
	position = le16_to_cpu((le16_t){ READ_ONCE(p->theirs->position.raw) });
	event = position & 0x7fff;
	/* An entry of the lap before counts from one ring's length earlier. */
	if (position >> 15 != p->avail_wrap)
		event = (uint16_t)(event - q->size);
	return virtq_need_event(event, p->next_avail, old);
}

static bool packed_has_done(struct virtq *q)
{
	struct packed_queue *p = packed_of(q);
	uint16_t flags = le16_to_cpu((le16_t){ READ_ONCE(p->ring[p->next_used].flags.raw) });
	bool avail = flags & VIRTQ_AVAIL, used = flags & VIRTQ_USED;

	/* Id and length are read after the flags; pairs with the device's write barrier. */
	arch_io_after_read();
	return avail == used && used == p->used_wrap;
}

static void ask_for_interrupt(struct packed_queue *p)
{
	uint16_t flags = EVENT_ENABLE;

	if (virtq_has_event_index(&p->q)) {
		WRITE_ONCE(p->ours->position.raw,
			   cpu_to_le16((uint16_t)(p->next_used | p->used_wrap << 15)).raw);
		/* The device reads flags first, then the position. */
		arch_io_before_write();
		flags = EVENT_DESC;
	}
	WRITE_ONCE(p->ours->flags.raw, cpu_to_le16(flags).raw);
}

static void *finish(struct packed_queue *p, uint16_t id)
{
	struct virtq_slot *slot = &p->slots[id];
	void *cookie = slot->cookie;

	slot->cookie = NULL;
	slot->next = p->free_id;
	p->free_id = id;
	p->q.nr_free += slot->nr;
	return cookie;
}

static void *packed_pop(struct virtq *q, uint32_t *len)
{
	struct packed_queue *p = packed_of(q);
	uint16_t id;

	if (!packed_has_done(q)) {
		if (!p->irq_is_on || !virtq_has_event_index(q))
			return NULL;
		ask_for_interrupt(p);		/* K5 */
		arch_io_mb();
		if (!packed_has_done(q))
			return NULL;
	}
	id = le16_to_cpu((le16_t){ READ_ONCE(p->ring[p->next_used].id.raw) });
	*len = le32_to_cpu((le32_t){ READ_ONCE(p->ring[p->next_used].len.raw) });
	if (unlikely(id >= q->size || !p->slots[id].cookie)) {
		virtio_break(q->vd, "queue %s gives back %u, which is not in flight", q->name, id);
		return NULL;
	}
	*len = min(*len, p->slots[id].in_len);
	p->next_used = (uint16_t)(p->next_used + p->slots[id].nr);
	if (p->next_used >= q->size) {
		p->next_used = (uint16_t)(p->next_used - q->size);
		p->used_wrap = !p->used_wrap;
	}
	return finish(p, id);
}

static void packed_irq_disable(struct virtq *q)
{
	struct packed_queue *p = packed_of(q);

	p->irq_is_on = false;
	WRITE_ONCE(p->ours->flags.raw, cpu_to_le16(EVENT_DISABLE).raw);
}

static void packed_irq_enable(struct virtq *q)
{
	struct packed_queue *p = packed_of(q);

	p->irq_is_on = true;
	ask_for_interrupt(p);
}

static void *packed_take_unused(struct virtq *q)
{
	struct packed_queue *p = packed_of(q);

	for (uint32_t i = 0; i < q->size; i++)
		if (p->slots[i].cookie)
			return finish(p, (uint16_t)i);
	return NULL;
}

static void packed_free(struct virtq *q)
{
	struct packed_queue *p = packed_of(q);

	dma_free(&q->vd->dev, p->bytes, p->ring, q->desc);
	virtq_slots_free(p->slots, q->size);
	kfree(p);
}

static const struct virtq_ops packed_ops = {
	.add = packed_add, .kick_prepare = packed_kick_prepare, .pop = packed_pop,
	.has_done = packed_has_done, .irq_disable = packed_irq_disable,
	.irq_enable = packed_irq_enable, .take_unused = packed_take_unused, .free = packed_free,
};

struct virtq *virtq_packed_alloc(struct virtio_device *vd, uint32_t size)
{
	size_t ours_at = size * sizeof(struct packed_desc), theirs_at = ours_at + 64;
	struct packed_queue *p = kzalloc(sizeof(*p), ALLOC_NORMAL);

	if (!p)
		return NULL;
	p->bytes = theirs_at + 64;
	p->q.vd = vd;
	p->q.size = p->q.nr_free = size;
	p->q.ops = &packed_ops;
	p->slots = kzalloc(size * sizeof(p->slots[0]), ALLOC_NORMAL);
	p->ring = p->slots ? dma_alloc(&vd->dev, p->bytes, &p->q.desc) : NULL;
	if (!p->ring) {
		kfree(p->slots);
		kfree(p);
		return NULL;
	}
	p->ours = (struct packed_event *)((char *)p->ring + ours_at);
	p->theirs = (const struct packed_event *)((char *)p->ring + theirs_at);
	p->q.driver = dma_addr_add(p->q.desc, ours_at);
	p->q.device = dma_addr_add(p->q.desc, theirs_at);
	p->avail_wrap = p->used_wrap = p->irq_is_on = true;
	for (uint32_t i = 0; i < size; i++)
		p->slots[i].next = (uint16_t)(i + 1);
	return &p->q;
}
