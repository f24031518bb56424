/* SPDX-License-Identifier: MIT */
/*
 * Tests of <lib/list.h>.
 */
#include <lib/ktest.h>
#include <lib/list.h>

struct item {
	int n;
	struct list link;
	struct hlist_node hash;
};

static void expect_items(struct list *head, const int *numbers, size_t count)
{
	struct item *item;
	size_t i = 0;

	list_for_each_entry(item, head, link) {
		KASSERT_TRUE(i < count);
		KEXPECT_EQ(item->n, numbers[i++]);
	}
	KEXPECT_EQ(i, count);
	list_for_each_entry_reverse(item, head, link)
		KEXPECT_EQ(item->n, numbers[--i]);
	KEXPECT_EQ(i, 0);
}

#define EXPECT_ITEMS(head, ...) \
	expect_items(head, (const int[]){ __VA_ARGS__ }, \
		     sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))

KTEST(list, order_and_removal)
{
	struct item a = { .n = 1 }, b = { .n = 2 }, c = { .n = 3 };
	struct item *pos, *next;
	LIST_HEAD(head);

	KEXPECT_TRUE(list_empty(&head));
	KEXPECT_NULL(list_first_entry_or_null(&head, struct item, link));
	list_add_tail(&b.link, &head);
	KEXPECT_TRUE(list_is_singular(&head));
	list_add(&a.link, &head);
	list_add_tail(&c.link, &head);
	EXPECT_ITEMS(&head, 1, 2, 3);
	list_move_tail(&a.link, &head);
	EXPECT_ITEMS(&head, 2, 3, 1);
	list_move(&a.link, &head);
	EXPECT_ITEMS(&head, 1, 2, 3);
	list_for_each_entry_safe(pos, next, &head, link) {
		if (pos->n == 2)
			list_del(&pos->link);
	}
	EXPECT_ITEMS(&head, 1, 3);
	list_replace(&c.link, &b.link);
	EXPECT_ITEMS(&head, 1, 2);
	list_del_init(&a.link);
	list_del_init(&a.link);
	list_del_init(&b.link);
	KEXPECT_TRUE(list_empty(&head));
}

KTEST(list, splice_and_cut)
{
	struct item items[6];
	LIST_HEAD(x);
	LIST_HEAD(y);

	for (int i = 0; i < 6; i++) {
		items[i].n = i;
		list_add_tail(&items[i].link, i < 3 ? &x : &y);
	}
	list_splice_tail_init(&y, &x);
	EXPECT_ITEMS(&x, 0, 1, 2, 3, 4, 5);
	KEXPECT_TRUE(list_empty(&y));
	list_splice_init(&y, &x);
	list_cut_init(&x, &items[1].link, &y);
	EXPECT_ITEMS(&x, 2, 3, 4, 5);
	EXPECT_ITEMS(&y, 0, 1);
	list_splice_init(&y, &x);
	EXPECT_ITEMS(&x, 0, 1, 2, 3, 4, 5);
}

KTEST(list, hash_chains)
{
	struct item a = { .n = 1 }, b = { .n = 2 }, c = { .n = 3 };
	struct hlist_head head = { 0 };
	struct hlist_node *next;
	struct item *pos;
	int sum = 0;

	hlist_node_init(&a.hash);
	KEXPECT_TRUE(hlist_unhashed(&a.hash));
	hlist_del_init(&a.hash);
	hlist_add_head(&a.hash, &head);
	hlist_add_head(&b.hash, &head);
	hlist_add_behind(&c.hash, &a.hash);
	hlist_for_each_entry_rcu(pos, &head, hash)
		sum = sum * 10 + pos->n;
	KEXPECT_EQ(sum, 213);
	hlist_for_each_entry_safe(pos, next, &head, hash)
		hlist_del(&pos->hash);
	KEXPECT_TRUE(hlist_empty(&head));
	KEXPECT_TRUE(hlist_unhashed(&c.hash));
}
