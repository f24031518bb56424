/* SPDX-License-Identifier: MIT */
/*
 * Sets of revoked blocks, by number: of a transaction that is being made, and of a log that is
 * being replayed.
 */
#include <lib/err.h>
#include <mm/slab.h>

#include "internal.h"

struct revoke *revoke_find(struct rb_tree *tree, uint64_t block)
{
	struct rb_node *n = tree->root;

	while (n) {
		struct revoke *r = rb_entry(n, struct revoke, node);

		if (r->block == block)
			return r;
		n = block < r->block ? n->left : n->right;
	}
	return NULL;
}

/* 1: it is new; 0: it was there and is now as young as @tid; or -ENOMEM. */
int revoke_add(struct rb_tree *tree, uint64_t block, uint32_t tid)
{
	struct rb_node **link = &tree->root, *parent = NULL;
	struct revoke *r;

	while (*link) {
		r = rb_entry(*link, struct revoke, node);
		if (r->block == block) {
			if (tid_after(tid, r->tid))
				r->tid = tid;
			return 0;
		}
		parent = *link;
		link = block < r->block ? &parent->left : &parent->right;
	}
	r = kmalloc(sizeof(*r), 0);
	if (!r)
		return -ENOMEM;
	r->block = block;
	r->tid = tid;
	rb_link(&r->node, parent, link);
	rb_insert(tree, &r->node);
	return 1;
}

void revoke_remove(struct rb_tree *tree, struct revoke *r)
{
	rb_erase(tree, &r->node);
	kfree(r);
}

void revoke_clear(struct rb_tree *tree)
{
	while (tree->root)
		revoke_remove(tree, rb_entry(tree->root, struct revoke, node));
}
