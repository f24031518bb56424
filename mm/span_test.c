/* SPDX-License-Identifier: MIT */
/*
 * Range trees against a bitmap: placement is the highest or lowest that fits, and gaps stay exact.
 */
#include <lib/ktest.h>
#include <mm/span.h>

#define CELLS 256U
#define LOW 16U

struct model {
	struct rb_tree tree;
	struct span spans[CELLS];
	bool used[CELLS];
};

static uint64_t model_high(const struct model *m, uint64_t len)
{
	for (uint64_t at = CELLS - len; at >= LOW; at--) {
		uint64_t n = 0;

		while (n < len && !m->used[at + n])
			n++;
		if (n == len)
			return at;
	}
	return 0;
}

static uint64_t model_low(const struct model *m, uint64_t len)
{
	for (uint64_t at = LOW; at + len <= CELLS; at++) {
		uint64_t n = 0;

		while (n < len && !m->used[at + n])
			n++;
		if (n == len)
			return at;
	}
	return 0;
}

static void toggle(struct model *m, uint64_t *seed)
{
	uint64_t at = LOW + ktest_random(seed) % (CELLS - LOW - 4),
		len = 1 + ktest_random(seed) % 4;
	struct span *s = span_find_next(&m->tree, at);

	if (s && s->start < at + len) {
		for (uint64_t i = s->start; i < s->end; i++)
			m->used[i] = false;
		span_erase(&m->tree, s);
		return;
	}
	s = &m->spans[at];
	*s = (struct span){ .start = at, .end = at + len };
	span_insert(&m->tree, s);
	for (uint64_t i = at; i < at + len; i++)
		m->used[i] = true;
}

KTEST(span, placement_matches_a_bitmap)
{
	static struct model m;
	uint64_t seed = 7;

	m = (struct model){ 0 };
	for (unsigned int i = 0; i < 3000; i++) {
		uint64_t len = 1 + ktest_random(&seed) % 12;

		toggle(&m, &seed);
		KASSERT_EQ(span_place_high(&m.tree, len, LOW, CELLS), model_high(&m, len));
		KASSERT_EQ(span_place_low(&m.tree, len, LOW, CELLS), model_low(&m, len));
	}
}

KTEST(span, guard_keeps_its_distance)
{
	struct rb_tree t = RB_TREE_INIT;
	struct span stack = { .start = 100, .end = 110, .guard = 20 };

	span_insert(&t, &stack);
	KEXPECT_EQ(span_place_high(&t, 10, 10, 105), 70);
	span_resize(&t, &stack, 90, 110);
	KEXPECT_EQ(span_place_high(&t, 10, 10, 105), 60);
}
