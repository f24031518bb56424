/* SPDX-License-Identifier: MIT */
/*
 * Intrusive lists. struct list is circular and doubly linked, head and entries alike; struct hlist
 * has a one-pointer head for hash tables. The _rcu forms publish with a release store, so that
 * readers inside an epoch may walk while one writer (who holds the lock) changes the list.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <lib/types.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name)		{ .next = &(name), .prev = &(name) }
#define LIST_HEAD(name)		struct list name = LIST_INIT(name)

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return READ_ONCE(head->next) == head;
}

static inline bool list_is_singular(const struct list *head)
{
	return head->next != head && head->next == head->prev;
}

static inline bool list_is_last(const struct list *entry, const struct list *head)
{
	return entry->next == head;
}

static inline void list_insert_between(struct list *entry, struct list *prev, struct list *next)
{
	next->prev = entry;
	entry->next = next;
	entry->prev = prev;
	WRITE_ONCE(prev->next, entry);
}

/* Inserts @entry after @head: a stack. */
static inline void list_add(struct list *entry, struct list *head)
{
	list_insert_between(entry, head, head->next);
}

/* Inserts @entry before @head: a queue. */
static inline void list_add_tail(struct list *entry, struct list *head)
{
	list_insert_between(entry, head->prev, head);
}

/* Unlinks @entry and leaves its links pointing at nothing valid. */
static inline void list_del(struct list *entry)
{
	entry->next->prev = entry->prev;
	WRITE_ONCE(entry->prev->next, entry->next);
	entry->next = NULL;
	entry->prev = NULL;
}

/* Unlinks @entry, which is then an empty list; so a second call is harmless. */
static inline void list_del_init(struct list *entry)
{
	entry->next->prev = entry->prev;
	WRITE_ONCE(entry->prev->next, entry->next);
	list_init(entry);
}

static inline void list_move(struct list *entry, struct list *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list *entry, struct list *head)
{
	list_del(entry);
	list_add_tail(entry, head);
}

/* Puts @entry in the place of @old, whose links become stale. */
static inline void list_replace(struct list *old, struct list *entry)
{
	list_insert_between(entry, old->prev, old->next);
}

/* Moves all entries of @from behind @after and leaves @from empty. */
static inline void list_splice_init(struct list *from, struct list *after)
{
	if (from->next == from)
		return;
	from->prev->next = after->next;
	after->next->prev = from->prev;
	from->next->prev = after;
	WRITE_ONCE(after->next, from->next);
	list_init(from);
}

static inline void list_splice_tail_init(struct list *from, struct list *head)
{
	list_splice_init(from, head->prev);
}

/* Moves the entries from the first up to and including @last out of @from behind @after. */
static inline void list_cut_init(struct list *from, struct list *last, struct list *after)
{
	struct list *first = from->next;

	from->next = last->next;
	last->next->prev = from;
	last->next = after->next;
	after->next->prev = last;
	first->prev = after;
	WRITE_ONCE(after->next, first);
}

static inline void list_add_rcu(struct list *entry, struct list *head)
{
	entry->next = head->next;
	entry->prev = head;
	__atomic_store_n(&head->next, entry, __ATOMIC_RELEASE);	/* pairs with readers' load */
	entry->next->prev = entry;
}

static inline void list_add_tail_rcu(struct list *entry, struct list *head)
{
	entry->next = head;
	entry->prev = head->prev;
	/* pairs with readers' load */
	__atomic_store_n(&head->prev->next, entry, __ATOMIC_RELEASE);
	head->prev = entry;
}

/* Unlinks @entry; its next pointer stays, for readers that stand on it. */
static inline void list_del_rcu(struct list *entry)
{
	entry->next->prev = entry->prev;
	WRITE_ONCE(entry->prev->next, entry->next);
	entry->prev = NULL;
}

#define list_entry(ptr, type, member)	container_of(ptr, type, member)

/* First and last entry; the list is not empty. */
#define list_first_entry(head, type, member)	list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)	list_entry((head)->prev, type, member)

#define list_first_entry_or_null(head, type, member)			\
({									\
	struct list *lf_head = (head);					\
	struct list *lf_first = READ_ONCE(lf_head->next);		\
	lf_first != lf_head ? list_entry(lf_first, type, member) : NULL;	\
})

#define list_next_entry(pos, member)	list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member)	list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_entry_is_head(pos, head, member)	(&(pos)->member == (head))

#define list_for_each(pos, head)					\
	for (pos = (head)->next; pos != (head); pos = pos->next)

#define list_for_each_safe(pos, n, head)				\
	for (pos = (head)->next, n = pos->next; pos != (head); pos = n, n = pos->next)

#define list_for_each_entry(pos, head, member)				\
	for (pos = list_first_entry(head, __typeof__(*pos), member);	\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member)			\
	for (pos = list_last_entry(head, __typeof__(*pos), member);	\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_prev_entry(pos, member))

/* The body may unlink and free @pos. */
#define list_for_each_entry_safe(pos, n, head, member)			\
	for (pos = list_first_entry(head, __typeof__(*pos), member),	\
	     n = list_next_entry(pos, member);				\
	     !list_entry_is_head(pos, head, member);			\
	     pos = n, n = list_next_entry(n, member))

/* Goes on behind @pos. */
#define list_for_each_entry_continue(pos, head, member)			\
	for (pos = list_next_entry(pos, member);			\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_next_entry(pos, member))

#define list_for_each_entry_rcu(pos, head, member)			\
	for (pos = list_entry(__atomic_load_n(&(head)->next, __ATOMIC_ACQUIRE),	\
			      __typeof__(*pos), member);		\
	     !list_entry_is_head(pos, head, member);			\
	     pos = list_entry(__atomic_load_n(&pos->member.next, __ATOMIC_ACQUIRE),	\
			      __typeof__(*pos), member))

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev;	/* the pointer that points at us; NULL: not in a list */
};

struct hlist_head {
	struct hlist_node *first;
};

static inline void hlist_head_init(struct hlist_head *head)
{
	head->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !node->pprev;
}

/* Publishes with a release store, so it serves lockless readers too. */
static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	node->pprev = &head->first;
	if (first)
		first->pprev = &node->next;
	__atomic_store_n(&head->first, node, __ATOMIC_RELEASE);	/* pairs with readers' load */
}

static inline void hlist_add_behind(struct hlist_node *node, struct hlist_node *prev)
{
	node->next = prev->next;
	node->pprev = &prev->next;
	if (node->next)
		node->next->pprev = &node->next;
	__atomic_store_n(&prev->next, node, __ATOMIC_RELEASE);	/* pairs with readers' load */
}

/* Unlinks @node and keeps its next pointer for readers that stand on it; unhashed afterwards. */
static inline void hlist_del(struct hlist_node *node)
{
	struct hlist_node *next = node->next;

	WRITE_ONCE(*node->pprev, next);
	if (next)
		next->pprev = node->pprev;
	node->pprev = NULL;
}

#define hlist_add_head_rcu(node, head)	hlist_add_head(node, head)
#define hlist_del_rcu(node)		hlist_del(node)

/* As hlist_del, but a node in no list is left alone. */
static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	hlist_del(node);
	node->next = NULL;
}

#define hlist_entry(ptr, type, member)	container_of(ptr, type, member)

#define hlist_entry_or_null(ptr, type, member)				\
({									\
	struct hlist_node *hl_node = (ptr);				\
	hl_node ? hlist_entry(hl_node, type, member) : NULL;	\
})

#define hlist_for_each_entry(pos, head, member)				\
	for (pos = hlist_entry_or_null((head)->first, __typeof__(*pos), member);	\
	     pos;							\
	     pos = hlist_entry_or_null(pos->member.next, __typeof__(*pos), member))

/* @n is a struct hlist_node pointer. The body may unlink and free @pos. */
#define hlist_for_each_entry_safe(pos, n, head, member)			\
	for (pos = hlist_entry_or_null((head)->first, __typeof__(*pos), member);	\
	     pos && ({ n = pos->member.next; true; });			\
	     pos = hlist_entry_or_null(n, __typeof__(*pos), member))

#define hlist_for_each_entry_rcu(pos, head, member)			\
	for (pos = hlist_entry_or_null(__atomic_load_n(&(head)->first, __ATOMIC_ACQUIRE),	\
				       __typeof__(*pos), member);	\
	     pos;							\
	     pos = hlist_entry_or_null(__atomic_load_n(&pos->member.next, __ATOMIC_ACQUIRE),	\
				       __typeof__(*pos), member))

#endif
