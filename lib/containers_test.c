/* SPDX-License-Identifier: MIT */
/*
 * Tests of sort, bsearch, heap and ringbuf against plain models.
 */
#include <lib/bsearch.h>
#include <lib/heap.h>
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <lib/ringbuf.h>

struct record {
	uint32_t key;
	uint8_t tail[5];	/* an odd size, so that elements are unaligned */
} __packed;

static int compare_records(const void *a, const void *b, void *arg)
{
	uint32_t x = ((const struct record *)a)->key, y = ((const struct record *)b)->key;

	KEXPECT_PTR_EQ(arg, &compare_records);
	return x < y ? -1 : x > y;
}

KTEST(sort, random_arrays)
{
	static struct record records[300];
	void *arg = (void *)&compare_records;
	uint64_t seed = 5;

	for (size_t count = 0; count < ARRAY_SIZE(records); count += 1 + count / 4) {
		uint64_t sum = 0;

		for (size_t i = 0; i < count; i++) {
			records[i].key = (uint32_t)ktest_random(&seed) % (count + 1);
			records[i].tail[4] = (uint8_t)records[i].key;
			sum += records[i].key;
		}
		sort(records, count, sizeof(records[0]), compare_records, arg);
		for (size_t i = 0; i < count; i++) {
			struct record *hit;

			KEXPECT_TRUE(!i || records[i - 1].key <= records[i].key);
			KEXPECT_EQ(records[i].tail[4], (uint8_t)records[i].key);
			sum -= records[i].key;
			hit = binary_search(&records[i], records, count, sizeof(records[0]),
					    compare_records, arg);
			KASSERT_NOT_NULL(hit);
			KEXPECT_EQ(hit->key, records[i].key);
		}
		KEXPECT_EQ(sum, 0);
		records[count].key = UINT32_MAX;
		KEXPECT_NULL(binary_search(&records[count], records, count, sizeof(records[0]),
					   compare_records, arg));
	}
}

struct timer {
	uint32_t when;
	struct heap_node node;
};

static bool timer_less(const struct heap_node *a, const struct heap_node *b)
{
	return heap_entry(a, struct timer, node)->when < heap_entry(b, struct timer, node)->when;
}

KTEST(heap, random_model)
{
	static struct timer timers[100];
	struct heap heap = HEAP_INIT(timer_less);
	uint64_t seed = 6;

	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		heap_node_init(&timers[i].node);
	for (int step = 0; step < 5000; step++) {
		struct timer *t = &timers[ktest_random(&seed) % ARRAY_SIZE(timers)];
		uint32_t least = UINT32_MAX;

		if (ktest_random(&seed) % 8 == 0 && heap_first(&heap))
			t = heap_entry(heap_first(&heap), struct timer, node);
		if (heap_node_is_queued(&t->node)) {
			heap_remove(&heap, &t->node);
		} else {
			t->when = (uint32_t)(ktest_random(&seed) % 1000);
			heap_insert(&heap, &t->node);
		}
		for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
			if (heap_node_is_queued(&timers[i].node))
				least = min(least, timers[i].when);
		}
		KEXPECT_EQ(heap_is_empty(&heap), least == UINT32_MAX);
		if (heap_first(&heap))
			KEXPECT_EQ(heap_entry(heap_first(&heap), struct timer, node)->when, least);
	}
	for (uint32_t last = 0; !heap_is_empty(&heap); ) {
		struct timer *t = heap_entry(heap_pop(&heap), struct timer, node);

		KEXPECT_LE(last, t->when);
		last = t->when;
	}
	KEXPECT_NULL(heap_pop(&heap));
}

KTEST(ringbuf, random_model)
{
	uint8_t storage[64], model[64], out[80], in[80];
	struct ringbuf ring;
	uint64_t seed = 7;
	size_t used = 0;
	uint8_t next = 0;

	ringbuf_init(&ring, storage, sizeof(storage));
	ring.head = ring.tail = SIZE_MAX - 20;	/* so that the counters wrap */
	for (int step = 0; step < 5000; step++) {
		size_t len = ktest_random(&seed) % 80, n;

		if (ktest_random(&seed) & 1) {
			for (size_t i = 0; i < len; i++)
				in[i] = (uint8_t)(next + i);
			n = ringbuf_write(&ring, in, len);
			KEXPECT_EQ(n, min(len, sizeof(storage) - used));
			memcpy(model + used, in, n);
			next = (uint8_t)(next + n);
			used += n;
		} else {
			n = ringbuf_read(&ring, out, len);
			KEXPECT_EQ(n, min(len, used));
			KEXPECT_MEMEQ(out, model, n);
			memmove(model, model + n, used - n);
			used -= n;
		}
		KEXPECT_EQ(ringbuf_used(&ring), used);
		KEXPECT_EQ(ringbuf_free(&ring), sizeof(storage) - used);
		n = ringbuf_peek(&ring, used / 2, out, sizeof(out));
		KEXPECT_EQ(n, used - used / 2);
		KEXPECT_MEMEQ(out, model + used / 2, n);
	}
	ringbuf_clear(&ring);
	KEXPECT_EQ(ringbuf_used(&ring), 0);
}

KTEST(ringbuf, spans)
{
	uint8_t storage[8];
	struct ringbuf ring;
	size_t len;

	ringbuf_init(&ring, storage, sizeof(storage));
	KEXPECT_PTR_EQ(ringbuf_write_span(&ring, &len), storage);
	KEXPECT_EQ(len, 8);
	ringbuf_commit(&ring, 6);
	ringbuf_consume(&ring, 5);
	KEXPECT_PTR_EQ(ringbuf_write_span(&ring, &len), storage + 6);
	KEXPECT_EQ(len, 2);
	ringbuf_commit(&ring, 2);
	KEXPECT_PTR_EQ(ringbuf_read_span(&ring, &len), storage + 5);
	KEXPECT_EQ(len, 3);
	KEXPECT_PTR_EQ(ringbuf_write_span(&ring, &len), storage);
	KEXPECT_EQ(len, 5);
}
