/* SPDX-License-Identifier: MIT */
/*
 * Ordered, disjoint address ranges in an augmented red-black tree that finds a hole of some size in
 * O(log n).  Regions of address spaces and kernel mappings are both kept so.  The
 * owner locks.
 */
#ifndef MM_SPAN_H
#define MM_SPAN_H

#include <lib/rbtree.h>

struct span {
	struct rb_node node;
	uint64_t start, end;		/* [start, end), page-aligned */
	uint64_t gap;			/* usable hole between the span before, or 0, and start */
	uint64_t max_gap;		/* largest gap of this subtree */
	uint64_t guard;			/* bytes below start that no other span may take */
};

static inline struct span *span_of(struct rb_node *n)
{
	return rb_entry_or_null(n, struct span, node);
}

static inline struct span *span_next(struct span *s) { return span_of(rb_next(&s->node)); }
static inline struct span *span_prev(struct span *s) { return span_of(rb_prev(&s->node)); }
static inline struct span *span_first(struct rb_tree *t) { return span_of(rb_first(t)); }

/* The first span that ends above @addr. */
struct span *span_find_next(const struct rb_tree *t, uint64_t addr);
/* Nothing of the tree overlaps @s. */
void span_insert(struct rb_tree *t, struct span *s);
void span_erase(struct rb_tree *t, struct span *s);
/* Move the bounds of @s, within the holes beside it. */
void span_resize(struct rb_tree *t, struct span *s, uint64_t start, uint64_t end);

/*
 * A place for @len bytes within [low, high): the highest, or the lowest.  0: none (so
 * low must not be 0).
 */
uint64_t span_place_high(const struct rb_tree *t, uint64_t len, uint64_t low, uint64_t high);
uint64_t span_place_low(const struct rb_tree *t, uint64_t len, uint64_t low, uint64_t high);

#endif
