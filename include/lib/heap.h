/* SPDX-License-Identifier: MIT */
/*
 * An intrusive pairing heap: least element first, insertion and merge in constant time, removal in
 * logarithmic time on average. For queues whose owner only ever asks for the first (timers).
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include <lib/types.h>

struct heap_node {
	struct heap_node *child;	/* first child */
	struct heap_node *next;		/* sibling */
	struct heap_node **link;	/* the pointer that points at us; NULL: in no heap */
};

/* True if @a comes before @b. */
typedef bool heap_less_fn(const struct heap_node *a, const struct heap_node *b);

struct heap {
	struct heap_node *root;
	heap_less_fn *less;
};

#define HEAP_INIT(less_fn)	{ .root = NULL, .less = (less_fn) }
#define heap_entry(ptr, type, member)	container_of(ptr, type, member)

static inline bool heap_is_empty(const struct heap *heap)
{
	return !heap->root;
}

/* The least node, still in the heap; or NULL. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
	return heap->root;
}

static inline void heap_node_init(struct heap_node *node)
{
	node->link = NULL;
}

static inline bool heap_node_is_queued(const struct heap_node *node)
{
	return node->link;
}

void heap_insert(struct heap *heap, struct heap_node *node);
/* @node is in @heap. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* Takes the least node out; NULL if empty. */
struct heap_node *heap_pop(struct heap *heap);

#endif
