/* SPDX-License-Identifier: MIT */
/*
 * Tests of lib/rbtree.c: random insertions and removals, with the invariants of a red-black tree
 * and the subtree summary (greatest key) checked node by node.
 */
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <lib/rbtree.h>

#define NODES	200

struct node {
	uint32_t key;
	uint32_t greatest;	/* in the subtree */
	bool present;
	struct rb_node rb;
};

static struct node nodes[NODES];

static bool node_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct node, rb)->key < rb_entry(b, struct node, rb)->key;
}

static uint32_t greatest_of(const struct node *node)
{
	uint32_t greatest = node->key;

	if (node->rb.left)
		greatest = max(greatest, rb_entry(node->rb.left, struct node, rb)->greatest);
	if (node->rb.right)
		greatest = max(greatest, rb_entry(node->rb.right, struct node, rb)->greatest);
	return greatest;
}

static bool node_update(struct rb_node *rb)
{
	struct node *node = rb_entry(rb, struct node, rb);
	uint32_t greatest = greatest_of(node);

	if (greatest == node->greatest)
		return false;
	node->greatest = greatest;
	return true;
}

static bool is_black_or_null(const struct rb_node *rb)
{
	return !rb || (rb->parent_color & 1);
}

/* Black height, checking I2 and I3. Recursion is bounded by the height, 2 log2(NODES). */
static int check_subtree(const struct rb_node *rb)
{
	int left, right;

	if (!rb)
		return 0;
	KEXPECT_TRUE(!rb->left || rb_parent(rb->left) == rb);
	KEXPECT_TRUE(!rb->right || rb_parent(rb->right) == rb);
	if (!is_black_or_null(rb))
		KEXPECT_TRUE(is_black_or_null(rb->left) && is_black_or_null(rb->right));
	left = check_subtree(rb->left);
	right = check_subtree(rb->right);
	KEXPECT_EQ(left, right);
	return left + is_black_or_null(rb);
}

static void check_tree(const struct rb_tree *tree, size_t count)
{
	struct node *pos;
	uint32_t last = 0;
	size_t seen = 0;

	KEXPECT_TRUE(is_black_or_null(tree->root));
	check_subtree(tree->root);
	rb_for_each_entry(pos, tree, rb) {
		KEXPECT_TRUE(pos->present);
		KEXPECT_LE(last, pos->key);
		KEXPECT_PTR_EQ(rb_next(&pos->rb) ? rb_prev(rb_next(&pos->rb)) : &pos->rb, &pos->rb);
		last = pos->key;
		seen++;
	}
	KEXPECT_EQ(seen, count);
}

static void link_node(struct rb_tree *tree, struct node *node)
{
	struct rb_node **link = &tree->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = node_less(&node->rb, parent) ? &parent->left : &parent->right;
	}
	rb_link(&node->rb, parent, link);
}

static void check_summaries(const struct rb_tree *tree)
{
	struct node *pos;

	rb_for_each_entry(pos, tree, rb)
		KEXPECT_EQ(pos->greatest, greatest_of(pos));
}

KTEST(rbtree, random_cached)
{
	struct rb_tree_cached tree = RB_TREE_CACHED_INIT;
	uint64_t seed = 1;
	size_t count = 0;

	memset(nodes, 0, sizeof(nodes));
	for (int step = 0; step < 4000; step++) {
		struct node *node = &nodes[ktest_random(&seed) % NODES];

		if (node->present) {
			rb_erase_cached(&tree, &node->rb);
			count--;
		} else {
			node->key = (uint32_t)(ktest_random(&seed) % 100);
			rb_add_cached(&tree, &node->rb, node_less);
			count++;
		}
		node->present = !node->present;
		KEXPECT_PTR_EQ(rb_first_cached(&tree), rb_first(&tree.tree));
		if (step % 16 == 0)
			check_tree(&tree.tree, count);
	}
}

KTEST(rbtree, random_augmented)
{
	struct rb_tree tree = RB_TREE_INIT;
	uint64_t seed = 2;
	size_t count = 0;

	memset(nodes, 0, sizeof(nodes));
	for (int step = 0; step < 4000; step++) {
		struct node *node = &nodes[ktest_random(&seed) % NODES];

		if (node->present) {
			rb_erase_augmented(&tree, &node->rb, node_update);
			count--;
		} else {
			node->key = (uint32_t)ktest_random(&seed);
			node->greatest = 0;
			link_node(&tree, node);
			rb_insert_augmented(&tree, &node->rb, node_update);
			count++;
		}
		node->present = !node->present;
		check_summaries(&tree);
		if (step % 16 == 0)
			check_tree(&tree, count);
	}
}

KTEST(rbtree, replace_and_postorder)
{
	struct rb_tree tree = RB_TREE_INIT;
	struct node other, *pos, *next;
	size_t seen = 0;

	memset(nodes, 0, sizeof(nodes));
	for (uint32_t i = 0; i < NODES; i++) {
		nodes[i].key = i;
		nodes[i].present = true;
		rb_add(&tree, &nodes[i].rb, node_less);
	}
	other = nodes[77];
	rb_replace(&tree, &nodes[77].rb, &other.rb);
	check_tree(&tree, NODES);
	KEXPECT_PTR_EQ(rb_next(&nodes[76].rb), &other.rb);
	rb_for_each_entry_postorder_safe(pos, next, &tree, rb) {
		memset(pos, 0xa5, sizeof(*pos));
		seen++;
	}
	KEXPECT_EQ(seen, NODES);
	KEXPECT_PTR_EQ(rb_last(&(struct rb_tree)RB_TREE_INIT), NULL);
}

KTEST(rbtree, clear_nodes)
{
	struct node node = { .key = 1 };

	rb_node_clear(&node.rb);
	KEXPECT_TRUE(rb_node_is_clear(&node.rb));
	node.rb.parent_color = 0;
	KEXPECT_FALSE(rb_node_is_clear(&node.rb));
}
