/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees (Cormen et al., chapter 13, with NULL for the black leaves).
 *
 * I1 the root is black; I2 a red node has no red child; I3 every path from a node down to a leaf
 * has the same number of black nodes; I4 with an update function, every node's summary is that of
 * its subtree whenever a public function returns. A rotation keeps the set below its top node, so
 * I4 needs two recomputations there, and link and unlink one walk up to the root.
 */
#include <lib/rbtree.h>

#define RB_BLACK	((uintptr_t)1)

static inline bool is_black(const struct rb_node *node)
{
	return !node || (node->parent_color & RB_BLACK);
}

static inline bool is_red(const struct rb_node *node)
{
	return !is_black(node);
}

static inline void set_black(struct rb_node *node)
{
	node->parent_color |= RB_BLACK;
}

static inline void set_red(struct rb_node *node)
{
	node->parent_color &= ~RB_BLACK;
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (uintptr_t)parent | (node->parent_color & RB_BLACK);
}

static inline void copy_color(struct rb_node *to, const struct rb_node *from)
{
	to->parent_color = (to->parent_color & ~RB_BLACK) | (from->parent_color & RB_BLACK);
}

/* Makes the pointer that led to @old lead to @node. */
static inline void change_child(struct rb_tree *tree, struct rb_node *parent, struct rb_node *old,
				struct rb_node *node)
{
	if (!parent)
		tree->root = node;
	else if (parent->left == old)
		parent->left = node;
	else
		parent->right = node;
}

static __always_inline void rotate_left(struct rb_tree *tree, struct rb_node *top,
					rb_update_fn *update)
{
	struct rb_node *right = top->right, *parent = rb_parent(top);

	top->right = right->left;
	if (top->right)
		set_parent(top->right, top);
	right->left = top;
	set_parent(right, parent);
	change_child(tree, parent, top, right);
	set_parent(top, right);
	if (update) {
		update(top);
		update(right);
	}
}

static __always_inline void rotate_right(struct rb_tree *tree, struct rb_node *top,
					 rb_update_fn *update)
{
	struct rb_node *left = top->left, *parent = rb_parent(top);

	top->left = left->right;
	if (top->left)
		set_parent(top->left, top);
	left->right = top;
	set_parent(left, parent);
	change_child(tree, parent, top, left);
	set_parent(top, left);
	if (update) {
		update(top);
		update(left);
	}
}

/* Restores I2 between the red @node and its parent, moving the clash up until it is solved. */
static __always_inline void insert_fixup(struct rb_tree *tree, struct rb_node *node,
					 rb_update_fn *update)
{
	struct rb_node *parent;

	while (is_red(parent = rb_parent(node))) {
		struct rb_node *grand = rb_parent(parent);
		bool is_left = parent == grand->left;
		struct rb_node *uncle = is_left ? grand->right : grand->left;

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (node == (is_left ? parent->right : parent->left)) {
			if (is_left)
				rotate_left(tree, parent, update);
			else
				rotate_right(tree, parent, update);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		if (is_left)
			rotate_right(tree, grand, update);
		else
			rotate_left(tree, grand, update);
		break;
	}
	set_black(tree->root);
}

/*
 * The left subtree of @parent (@node, maybe empty) lacks one black: returns where that now is true.
 */
static __always_inline struct rb_node *erase_step_left(struct rb_tree *tree, struct rb_node *parent,
						       rb_update_fn *update)
{
	struct rb_node *sibling = parent->right;

	if (is_red(sibling)) {
		set_black(sibling);
		set_red(parent);
		rotate_left(tree, parent, update);
		sibling = parent->right;
	}
	if (is_black(sibling->left) && is_black(sibling->right)) {
		set_red(sibling);
		return parent;
	}
	if (is_black(sibling->right)) {
		set_black(sibling->left);
		set_red(sibling);
		rotate_right(tree, sibling, update);
		sibling = parent->right;
	}
	copy_color(sibling, parent);
	set_black(parent);
	set_black(sibling->right);
	rotate_left(tree, parent, update);
	return NULL;
}

static __always_inline struct rb_node *erase_step_right(struct rb_tree *tree,
							struct rb_node *parent,
							rb_update_fn *update)
{
	struct rb_node *sibling = parent->left;

	if (is_red(sibling)) {
		set_black(sibling);
		set_red(parent);
		rotate_right(tree, parent, update);
		sibling = parent->left;
	}
	if (is_black(sibling->left) && is_black(sibling->right)) {
		set_red(sibling);
		return parent;
	}
	if (is_black(sibling->left)) {
		set_black(sibling->right);
		set_red(sibling);
		rotate_left(tree, sibling, update);
		sibling = parent->left;
	}
	copy_color(sibling, parent);
	set_black(parent);
	set_black(sibling->left);
	rotate_right(tree, parent, update);
	return NULL;
}

/* Restores I3 where the subtree @node (maybe empty) below @parent lacks one black. */
static __always_inline void erase_fixup(struct rb_tree *tree, struct rb_node *node,
					struct rb_node *parent, rb_update_fn *update)
{
	while (parent && is_black(node)) {
		node = node == parent->left ? erase_step_left(tree, parent, update)
					    : erase_step_right(tree, parent, update);
		if (!node)
			return;
		parent = rb_parent(node);
	}
	if (node)
		set_black(node);
}

/* Takes @node, which has two children, out by putting its successor in its place. */
static __always_inline struct rb_node *unlink_inner(struct rb_tree *tree, struct rb_node *node,
						    struct rb_node **child)
{
	struct rb_node *next = node->right, *parent;

	while (next->left)
		next = next->left;
	*child = next->right;
	parent = rb_parent(next);
	if (parent == node) {
		parent = next;
	} else {
		parent->left = *child;
		if (*child)
			set_parent(*child, parent);
		next->right = node->right;
		set_parent(next->right, next);
	}
	next->left = node->left;
	set_parent(next->left, next);
	change_child(tree, rb_parent(node), node, next);
	next->parent_color = node->parent_color;
	return parent;
}

static __always_inline void erase(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update)
{
	struct rb_node *child, *parent;
	bool lost_black;

	if (node->left && node->right) {
		const struct rb_node *next = node->right;

		while (next->left)
			next = next->left;
		lost_black = is_black(next);
		parent = unlink_inner(tree, node, &child);
	} else {
		lost_black = is_black(node);
		child = node->left ? node->left : node->right;
		parent = rb_parent(node);
		if (child)
			set_parent(child, parent);
		change_child(tree, parent, node, child);
	}
	if (update) {
		for (struct rb_node *up = parent; up; up = rb_parent(up))
			update(up);
	}
	if (lost_black)
		erase_fixup(tree, child, parent, update);
}

void rb_insert(struct rb_tree *tree, struct rb_node *node)
{
	insert_fixup(tree, node, NULL);
}

void rb_erase(struct rb_tree *tree, struct rb_node *node)
{
	erase(tree, node, NULL);
}

void rb_insert_augmented(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update)
{
	for (struct rb_node *up = node; up; up = rb_parent(up))
		update(up);
	insert_fixup(tree, node, update);
}

void rb_erase_augmented(struct rb_tree *tree, struct rb_node *node, rb_update_fn *update)
{
	erase(tree, node, update);
}

void rb_propagate(struct rb_node *node, rb_update_fn *update)
{
	while (node && update(node))
		node = rb_parent(node);
}

void rb_replace(struct rb_tree *tree, struct rb_node *old, struct rb_node *node)
{
	*node = *old;
	change_child(tree, rb_parent(old), old, node);
	if (node->left)
		set_parent(node->left, node);
	if (node->right)
		set_parent(node->right, node);
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;

	while (node && node->left)
		node = node->left;
	return node;
}

struct rb_node *rb_last(const struct rb_tree *tree)
{
	struct rb_node *node = tree->root;

	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *up;

	if (node->right) {
		for (up = node->right; up->left; )
			up = up->left;
		return up;
	}
	for (up = rb_parent(node); up && node == up->right; up = rb_parent(up))
		node = up;
	return up;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *up;

	if (node->left) {
		for (up = node->left; up->right; )
			up = up->right;
		return up;
	}
	for (up = rb_parent(node); up && node == up->left; up = rb_parent(up))
		node = up;
	return up;
}

static struct rb_node *deepest_left(struct rb_node *node)
{
	for (;;) {
		if (node->left)
			node = node->left;
		else if (node->right)
			node = node->right;
		else
			return node;
	}
}

struct rb_node *rb_first_postorder(const struct rb_tree *tree)
{
	return tree->root ? deepest_left(tree->root) : NULL;
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->left && parent->right)
		return deepest_left(parent->right);
	return parent;
}
