/* SPDX-License-Identifier: MIT */
/*
 * Intrusive red-black trees. The user walks and compares (so no callback on the fast path), links
 * the node with rb_link() and rebalances with rb_insert(). struct rb_tree_cached also knows its
 * first node; the _augmented forms keep a per-subtree summary (the greatest gap, the latest end)
 * correct.
 *
 *	struct rb_node **link = &tree->root, *parent = NULL;
 *	while (*link) {
 *		parent = *link;
 *		link = less(new, parent) ? &parent->left : &parent->right;
 *	}
 *	rb_link(&new->node, parent, link);
 *	rb_insert(tree, &new->node);
 */
#ifndef LIB_RBTREE_H
#define LIB_RBTREE_H

#include <lib/types.h>

struct rb_node {
	uintptr_t parent_color;		/* parent | 1 if black */
	struct rb_node *left;
	struct rb_node *right;
} __aligned(sizeof(long));

struct rb_tree {
	struct rb_node *root;
};

struct rb_tree_cached {
	struct rb_tree tree;
	struct rb_node *leftmost;
};

/*
 * Recomputes the summary of @node from itself and its two children (which are correct).
 * Returns true if it changed.
 */
typedef bool rb_update_fn(struct rb_node *node);

#define RB_TREE_INIT		{ .root = NULL }
#define RB_TREE_CACHED_INIT	{ .tree = RB_TREE_INIT, .leftmost = NULL }

#define rb_entry(ptr, type, member)	container_of(ptr, type, member)
#define rb_entry_or_null(ptr, type, member)				\
({									\
	struct rb_node *rb_ptr = (ptr);					\
	rb_ptr ? rb_entry(rb_ptr, type, member) : NULL;			\
})

static inline bool rb_empty(const struct rb_tree *tree)
{
	return !tree->root;
}

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~(uintptr_t)1);
}

/*
 * A node that is in no tree: rb_node_clear() it once, and after each rb_erase() that is followed by
 * a test.
 */
static inline void rb_node_clear(struct rb_node *node)
{
	node->parent_color = (uintptr_t)node;
}

static inline bool rb_node_is_clear(const struct rb_node *node)
{
	return node->parent_color == (uintptr_t)node;
}

/* Hangs @node as a red leaf at *@link below @parent. rb_insert() must follow. */
static inline void rb_link(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_color = (uintptr_t)parent;
	node->left = NULL;
	node->right = NULL;
	*link = node;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node);
void rb_erase(struct rb_tree *tree, struct rb_node *node);
/* Puts @node, whose key sorts the same, in the place of @old. */
void rb_replace(struct rb_tree *tree, struct rb_node *old, struct rb_node *node);

void rb_insert_augmented(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update);
void rb_erase_augmented(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update);
/* To be called when what @node itself contributes has changed: fixes it and its ancestors. */
void rb_propagate(struct rb_node *node, rb_update_fn *update);

/* In order; NULL at the end. */
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_last(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);
/* Children before parents: for freeing a whole tree without rebalancing. */
struct rb_node *rb_first_postorder(const struct rb_tree *tree);
struct rb_node *rb_next_postorder(const struct rb_node *node);

static inline struct rb_node *rb_first_cached(const struct rb_tree_cached *tree)
{
	return tree->leftmost;
}

/* @is_leftmost: the walk to the place went left at every step. */
static inline void rb_insert_cached(struct rb_tree_cached *tree, struct rb_node *node,
				    bool is_leftmost)
{
	if (is_leftmost)
		tree->leftmost = node;
	rb_insert(&tree->tree, node);
}

static inline void rb_erase_cached(struct rb_tree_cached *tree, struct rb_node *node)
{
	if (tree->leftmost == node)
		tree->leftmost = rb_next(node);
	rb_erase(&tree->tree, node);
}

/* Inserts @node by @less(node, other); equal keys stay in order of insertion. */
static __always_inline void rb_add_cached(struct rb_tree_cached *tree, struct rb_node *node,
		bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &tree->tree.root, *parent = NULL;
	bool is_leftmost = true;

	while (*link) {
		parent = *link;
		if (less(node, parent)) {
			link = &parent->left;
		} else {
			link = &parent->right;
			is_leftmost = false;
		}
	}
	rb_link(node, parent, link);
	rb_insert_cached(tree, node, is_leftmost);
}

static __always_inline void rb_add(struct rb_tree *tree, struct rb_node *node,
		bool (*less)(const struct rb_node *, const struct rb_node *))
{
	struct rb_node **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = less(node, parent) ? &parent->left : &parent->right;
	}
	rb_link(node, parent, link);
	rb_insert(tree, node);
}

#define rb_for_each_entry(pos, tree, member)				\
	for (pos = rb_entry_or_null(rb_first(tree), __typeof__(*pos), member);	\
	     pos;							\
	     pos = rb_entry_or_null(rb_next(&pos->member), __typeof__(*pos), member))

/* The body may free @pos (and must not erase others); the tree is garbage afterwards. */
#define rb_for_each_entry_postorder_safe(pos, n, tree, member)		\
	for (pos = rb_entry_or_null(rb_first_postorder(tree), __typeof__(*pos), member);	\
	     pos && ({ n = rb_entry_or_null(rb_next_postorder(&pos->member),	\
					    __typeof__(*pos), member); true; });	\
	     pos = n)

#endif
