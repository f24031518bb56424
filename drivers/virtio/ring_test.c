/* SPDX-License-Identifier: MIT */
/*
 * Both ring formats against a simulated device, which also lies: ids that are not in flight, ids
 * beyond the ring, ids twice, lengths beyond the buffer.
 */
#include <lib/bitmap.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <mm/slab.h>
#include "internal.h"

#define SIZE		16u

static uint8_t fake_status(struct virtio_device *vd)
{
	return 0;
}

static const struct virtio_transport fake_transport = { .name = "fake", .status = fake_status };

/* What the device sees of a queue, by the layouts of the standard and not by ours. */
struct sim {
	struct virtio_device vd;
	struct virtq *q;
	bool is_packed;
	uint8_t *desc, *driver, *device;	/* the three areas */
	uint16_t next_avail, next_used;		/* the device's own indices */
	bool avail_wrap, used_wrap;
	uint64_t state;				/* of random numbers */
};

static bool sim_init(struct sim *s, bool is_packed, uint64_t features)
{
	memset(s, 0, sizeof(*s));
	s->is_packed = is_packed;
	s->avail_wrap = s->used_wrap = true;
	s->state = 7;
	s->vd.transport = &fake_transport;
	s->vd.features = features;
	s->vd.dev.name = "sim";
	s->vd.dev.bus = &virtio_bus;
	s->vd.dev.dma.mask = ~0ULL;
	s->q = is_packed ? virtq_packed_alloc(&s->vd, SIZE) : virtq_split_alloc(&s->vd, SIZE);
	if (!s->q)
		return false;
	s->q->name = "sim";
	s->desc = phys_to_virt(PADDR(s->q->desc.v));
	s->driver = phys_to_virt(PADDR(s->q->driver.v));
	s->device = phys_to_virt(PADDR(s->q->device.v));
	return true;
}

static void sim_free(struct sim *s)
{
	s->q->ops->free(s->q);
}

/* The device takes the next request: its id, -1: there is none.  *@entries: ring entries. */
static int sim_take(struct sim *s, unsigned int *entries)
{
	*entries = 1;
	if (!s->is_packed) {
		if (get_le16(s->driver + 2) == s->next_avail)
			return -1;
		return get_le16(s->driver + 4 + 2 * (s->next_avail++ % SIZE));
	}
	for (*entries = 0;; ) {
		uint8_t *d = s->desc + 16 * s->next_avail;
		uint16_t flags = get_le16(d + 14), id = get_le16(d + 12);

		if (!*entries && (!!(flags & 0x80) != s->avail_wrap ||
				  !!(flags & 0x8000) == s->avail_wrap))
			return -1;
		++*entries;
		if (++s->next_avail == SIZE) {
			s->next_avail = 0;
			s->avail_wrap = !s->avail_wrap;
		}
		if (!(flags & VIRTQ_NEXT))
			return id;
	}
}

static void sim_give(struct sim *s, uint32_t id, uint32_t len, unsigned int entries)
{
	uint8_t *d;

	if (!s->is_packed) {
		d = s->device + 4 + 8 * (s->next_used % SIZE);
		put_le32(d, id);
		put_le32(d + 4, len);
		put_le16(s->device + 2, ++s->next_used);
		return;
	}
	d = s->desc + 16 * s->next_used;
	put_le32(d + 8, len);
	put_le16(d + 12, (uint16_t)id);
	put_le16(d + 14, s->used_wrap ? 0x8080 : 0);
	s->next_used = (uint16_t)(s->next_used + entries);
	if (s->next_used >= SIZE) {
		s->next_used = (uint16_t)(s->next_used - SIZE);
		s->used_wrap = !s->used_wrap;
	}
}

static const struct virtq_piece pieces[4] = {
	{ DMA_ADDR(0x1000), 16 }, { DMA_ADDR(0x2000), 100 }, { DMA_ADDR(0x3000), 200 },
	{ DMA_ADDR(0x4000), 1 },
};

#define INDIRECT	VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC)
#define EVENT		VIRTIO_FEATURE(VIRTIO_F_EVENT_IDX)
#define PACKED		VIRTIO_FEATURE(VIRTIO_F_RING_PACKED)

/* All combinations of formats and features. */
static void for_each_ring(void (*test)(struct sim *s))
{
	static const uint64_t features[] = { 0, INDIRECT, EVENT, INDIRECT | EVENT };
	struct sim *s = kmalloc(sizeof(*s), ALLOC_NORMAL);

	KASSERT_NOT_NULL(s);
	for (unsigned int i = 0; i < 2 * ARRAY_SIZE(features); i++) {
		if (!sim_init(s, i & 1, features[i / 2] | (i & 1 ? PACKED : 0))) {
			KEXPECT_TRUE(false);
			break;
		}
		test(s);
		sim_free(s);
	}
	kfree(s);
}

static void check_round_trips(struct sim *s)
{
	static int cookies[3];
	uint32_t len;

	for (unsigned int i = 0; i < 5 * SIZE; i++) {
		unsigned int entries, nr = i % 4 + 1;
		int id;

		KEXPECT_EQ(virtq_add(s->q, pieces, nr - nr / 2, nr / 2, &cookies[i % 3]), 0);
		KEXPECT_TRUE(virtq_kick_prepare(s->q) || (i && s->vd.features & EVENT));
		KEXPECT_FALSE(virtq_kick_prepare(s->q));
		KEXPECT_NULL(virtq_pop(s->q, &len));
		id = sim_take(s, &entries);
		KASSERT_TRUE(id >= 0);
		sim_give(s, (uint32_t)id, 1, entries);
		KEXPECT_TRUE(virtq_has_done(s->q));
		KEXPECT_PTR_EQ(virtq_pop(s->q, &len), &cookies[i % 3]);
		KEXPECT_EQ(len, nr / 2 ? 1 : 0);
		KEXPECT_EQ(s->q->nr_free, SIZE);
	}
}

KTEST(virtio, round_trips)
{
	for_each_ring(check_round_trips);
}

/* Full ring; answers out of order; every cookie once. */
static void check_out_of_order(struct sim *s)
{
	static char cookies[SIZE];
	int ids[SIZE], nr = 0;
	unsigned int entries[SIZE], seen = 0;

	for (unsigned int lap = 0; lap < 20; lap++) {
		char *cookie;

		for (nr = 0; !virtq_add(s->q, pieces, 1, 0, &cookies[nr]); nr++)
			KASSERT_TRUE(nr < (int)SIZE);
		KEXPECT_EQ(nr, SIZE);
		KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, cookies), -ENOSPC);
		for (int i = 0; i < nr; i++)
			ids[i] = sim_take(s, &entries[i]);
		for (int i = nr - 1; i > 0; i--) {
			unsigned int j = ktest_random(&s->state) % (unsigned int)(i + 1);

			swap_values(ids[i], ids[j]);
		}
		for (int i = 0; i < nr; i++)
			sim_give(s, (uint32_t)ids[i], 0, 1);
		for (seen = 0; (cookie = virtq_pop(s->q, NULL));) {
			KEXPECT_FALSE(seen & 1u << (cookie - cookies));
			seen |= 1u << (cookie - cookies);
		}
		KEXPECT_EQ(seen, (1u << SIZE) - 1);
	}
}

KTEST(virtio, answers_out_of_order)
{
	for_each_ring(check_out_of_order);
}

static void check_full_chains(struct sim *s)
{
	static char cookie;
	unsigned int nr = 0, entries;
	int id;

	while (!virtq_add(s->q, pieces, 2, 1, &cookie))
		nr++;
	KEXPECT_EQ(nr, s->vd.features & INDIRECT ? SIZE : SIZE / 3);
	KEXPECT_EQ(virtq_add(s->q, pieces, SIZE, 1, &cookie), -EINVAL);
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, NULL), -EINVAL);
	for (unsigned int i = 0; i < nr; i++) {
		id = sim_take(s, &entries);
		sim_give(s, (uint32_t)id, 500, entries);
	}
	for (unsigned int i = 0; i < nr; i++) {
		uint32_t len;

		KEXPECT_PTR_EQ(virtq_pop(s->q, &len), &cookie);
		KEXPECT_EQ(len, 200);		/* cut to what it may have written */
	}
	KEXPECT_EQ(s->q->nr_free, SIZE);
}

KTEST(virtio, full_of_chains)
{
	for_each_ring(check_full_chains);
}

static void expect_broken(struct sim *s)
{
	KEXPECT_NULL(virtq_pop(s->q, NULL));
	KEXPECT_TRUE(s->vd.is_broken);
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, s), -EIO);
	KEXPECT_FALSE(virtq_has_done(s->q));
	KEXPECT_NULL(virtq_pop(s->q, NULL));
}

static void check_id_beyond(struct sim *s)
{
	unsigned int entries;

	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 1, s), 0);
	(void)sim_take(s, &entries);
	sim_give(s, s->is_packed ? 0xffff : 0xfffffff0, 0, entries);
	expect_broken(s);
	KEXPECT_PTR_EQ(virtq_take_unused(s->q), s);
	KEXPECT_NULL(virtq_take_unused(s->q));
}

KTEST(virtio, id_beyond_the_ring)
{
	for_each_ring(check_id_beyond);
}

static void check_id_not_in_flight(struct sim *s)
{
	unsigned int entries;
	int id;

	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 1, s), 0);
	id = sim_take(s, &entries);
	sim_give(s, ((uint32_t)id + 1) % SIZE, 0, entries);
	expect_broken(s);
}

KTEST(virtio, id_not_in_flight)
{
	for_each_ring(check_id_not_in_flight);
}

static void check_id_twice(struct sim *s)
{
	unsigned int entries;
	int id;

	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, s), 0);
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, &s->vd), 0);
	id = sim_take(s, &entries);
	sim_give(s, (uint32_t)id, 0, entries);
	sim_give(s, (uint32_t)id, 0, entries);
	KEXPECT_PTR_EQ(virtq_pop(s->q, NULL), s);
	expect_broken(s);
	KEXPECT_PTR_EQ(virtq_take_unused(s->q), &s->vd);
}

KTEST(virtio, id_twice)
{
	for_each_ring(check_id_twice);
}

/* The device writes noise over everything it can reach, again and again: nothing but it breaks. */
static void check_noise(struct sim *s)
{
	static char cookies[SIZE];
	unsigned int given = 0, back = 0;

	for (unsigned int i = 0; i < SIZE; i++)
		given += !virtq_add(s->q, pieces, 1, i % 3, &cookies[i]);
	for (unsigned int lap = 0; lap < 200 && !s->vd.is_broken; lap++) {
		size_t span = s->is_packed ? 16 * SIZE : 16 * SIZE + 6 + 2 * SIZE;
		char *cookie;

		for (size_t i = 0; i < span; i++)
			s->desc[i] = (uint8_t)ktest_random(&s->state);
		for (size_t i = 0; i < 6 + 8 * SIZE && !s->is_packed; i++)
			s->device[i] = (uint8_t)ktest_random(&s->state);
		while ((cookie = virtq_pop(s->q, NULL))) {
			KEXPECT_TRUE(cookie >= cookies && cookie < cookies + SIZE);
			back++;
		}
		(void)!virtq_kick_prepare(s->q);
		(void)!virtq_irq_enable(s->q);
	}
	while (virtq_take_unused(s->q))
		back++;
	KEXPECT_EQ(back, given);
}

KTEST(virtio, noise)
{
	for_each_ring(check_noise);
}

/* With an event index: the device is told only when it asked to be. */
KTEST(virtio, event_index_saves_kicks)
{
	struct sim *s = kmalloc(sizeof(*s), ALLOC_NORMAL);

	KASSERT_NOT_NULL(s);
	KASSERT_TRUE(sim_init(s, false, EVENT));
	put_le16(s->device + 4 + 8 * SIZE, 2);		/* avail_event: the third */
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, s), 0);
	KEXPECT_FALSE(virtq_kick_prepare(s->q));
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, s), 0);
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, s), 0);
	KEXPECT_TRUE(virtq_kick_prepare(s->q));
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, s), 0);
	KEXPECT_FALSE(virtq_kick_prepare(s->q));
	while (virtq_take_unused(s->q))
		;
	sim_free(s);
	kfree(s);
}

KTEST(virtio, interrupts_are_asked_for)
{
	struct sim *s = kmalloc(sizeof(*s), ALLOC_NORMAL);
	unsigned int entries;
	int id;

	KASSERT_NOT_NULL(s);
	KASSERT_TRUE(sim_init(s, false, 0));
	virtq_irq_disable(s->q);
	KEXPECT_EQ(get_le16(s->driver), 1);
	KEXPECT_EQ(virtq_add(s->q, pieces, 1, 0, s), 0);
	id = sim_take(s, &entries);
	sim_give(s, (uint32_t)id, 0, entries);
	KEXPECT_FALSE(virtq_irq_enable(s->q));		/* one came meanwhile */
	KEXPECT_EQ(get_le16(s->driver), 0);
	KEXPECT_PTR_EQ(virtq_pop(s->q, NULL), s);
	KEXPECT_TRUE(virtq_irq_enable(s->q));
	sim_free(s);
	kfree(s);
}
