/* SPDX-License-Identifier: MIT */
/*
 * The pairing heap (Fredman et al. 1986), two-pass merging, without recursion.
 */
#include <lib/heap.h>

/* Joins two roots; the greater becomes the first child of the lesser. */
static struct heap_node *join(struct heap *heap, struct heap_node *a, struct heap_node *b)
{
	if (heap->less(b, a)) {
		struct heap_node *greater = a;

		a = b;
		b = greater;
	}
	b->next = a->child;
	if (b->next)
		b->next->link = &b->next;
	b->link = &a->child;
	a->child = b;
	return a;
}

/* Joins a list of siblings into one tree: pairs from the left, then all from the right. */
static struct heap_node *join_siblings(struct heap *heap, struct heap_node *list)
{
	struct heap_node *pairs = NULL, *tree;

	while (list) {
		struct heap_node *a = list, *b = a->next;

		list = b ? b->next : NULL;
		a->next = NULL;
		if (b) {
			b->next = NULL;
			a = join(heap, a, b);
		}
		a->next = pairs;	/* reversed, so the second pass starts at the right */
		pairs = a;
	}
	tree = pairs;
	pairs = tree ? tree->next : NULL;
	while (pairs) {
		struct heap_node *next = pairs->next;

		tree = join(heap, tree, pairs);
		pairs = next;
	}
	return tree;
}

static void set_root(struct heap *heap, struct heap_node *node)
{
	heap->root = node;
	if (node) {
		node->next = NULL;
		node->link = &heap->root;
	}
}

void heap_insert(struct heap *heap, struct heap_node *node)
{
	node->child = NULL;
	node->next = NULL;
	set_root(heap, heap->root ? join(heap, heap->root, node) : node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *children = join_siblings(heap, node->child);

	if (node == heap->root) {
		set_root(heap, children);
	} else {
		*node->link = node->next;
		if (node->next)
			node->next->link = node->link;
		if (children)
			set_root(heap, join(heap, heap->root, children));
	}
	node->link = NULL;
}

struct heap_node *heap_pop(struct heap *heap)
{
	struct heap_node *first = heap->root;

	if (first)
		heap_remove(heap, first);
	return first;
}
