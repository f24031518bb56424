/* SPDX-License-Identifier: MIT */
/*
 * A map from uint64_t to pointers: a radix tree of 64-way nodes with marks, ordered iteration and a
 * search for free indices. One entry at index 0 needs no node at all.
 *
 * Entries are pointers with bit 0 clear. Changes need the owner's lock. map_load() and the map_find
 * family may run without it inside an epoch: nodes are published with release stores and given back
 * through ops->node_free, which then must defer the real free until the epoch is over.
 */
#ifndef LIB_MAP_H
#define LIB_MAP_H

#include <lib/types.h>

#define MAP_SHIFT	6
#define MAP_SLOTS	(1U << MAP_SHIFT)
#define MAP_INDEX_MAX	UINT64_MAX

enum map_mark { MAP_MARK_0, MAP_MARK_1, MAP_MARK_2, MAP_MARKS };

struct map_node {
	void *slots[MAP_SLOTS];		/* entries if shift is 0, else tagged nodes */
	uint64_t present;		/* slots that are not NULL */
	uint64_t full;			/* slots below which no index is free */
	uint64_t marks[MAP_MARKS];	/* slots at or below which an entry has the mark */
	struct map_node *parent;	/* NULL at the top */
	uint8_t shift;			/* index bits below this node's digit */
	uint8_t place;			/* slot in the parent */
};

struct map;

struct map_ops {
	/* NULL: out of memory. The content does not matter. */
	struct map_node *(*node_alloc)(struct map *map);
	void (*node_free)(struct map *map, struct map_node *node);
};

struct map {
	void *root;			/* NULL, the entry of index 0, or a tagged node */
	const struct map_ops *ops;
	uint8_t root_marks;		/* of a direct entry, or of anything in the tree */
};

#define MAP_INIT(node_ops)	{ .root = NULL, .ops = (node_ops) }

static inline void map_init(struct map *map, const struct map_ops *ops)
{
	*map = (struct map)MAP_INIT(ops);
}

static inline bool map_is_empty(const struct map *map)
{
	return !READ_ONCE(map->root);
}

/* The entry at @index, or NULL. Lock or epoch. */
void *map_load(const struct map *map, uint64_t index) __pure;

/*
 * Puts @entry at @index; the former entry goes to *@old (if wanted) and loses its marks.
 * -ENOMEM: no node, nothing changed. NULL as @entry erases, which cannot fail.
 */
int map_store(struct map *map, uint64_t index, void *entry, void **old) __must_check;

/* As map_store, but -EEXIST if there is an entry already. */
int map_insert(struct map *map, uint64_t index, void *entry) __must_check;

/* Removes and returns the entry at @index, or NULL. */
void *map_erase(struct map *map, uint64_t index);

/* Swaps one entry for another in place: marks stay, no node is needed. The index is occupied. */
void map_replace(struct map *map, uint64_t index, void *entry);

/* Calls @drop (if any) for each entry, then gives all nodes back. */
void map_clear(struct map *map, void (*drop)(void *arg, uint64_t index, void *entry), void *arg);

/* The first entry in [*@index, @last], whose index goes to *@index; or NULL. Lock or epoch. */
void *map_find(const struct map *map, uint64_t *index, uint64_t last);
void *map_find_marked(const struct map *map, uint64_t *index, uint64_t last, enum map_mark mark);
/* The last entry in [@first, *@index]; or NULL. */
void *map_find_prev(const struct map *map, uint64_t *index, uint64_t first);
/* The lowest index in [*@index, @last] without an entry goes to *@index; false if there is none. */
bool map_find_free(const struct map *map, uint64_t *index, uint64_t last);

/* Marks live on entries; setting one at an empty index does nothing. */
void map_set_mark(struct map *map, uint64_t index, enum map_mark mark);
void map_clear_mark(struct map *map, uint64_t index, enum map_mark mark);
bool map_has_mark(const struct map *map, uint64_t index, enum map_mark mark);

static inline bool map_any_marked(const struct map *map, enum map_mark mark)
{
	return READ_ONCE(map->root_marks) & (1U << mark);
}

/* The body may erase @entry. */
#define map_for_each(map, index, entry)					\
	for ((index) = 0, (entry) = map_find(map, &(index), MAP_INDEX_MAX);	\
	     (entry);							\
	     (entry) = (index)++ != MAP_INDEX_MAX ?			\
			map_find(map, &(index), MAP_INDEX_MAX) : NULL)

#define map_for_each_marked(map, index, entry, mark)			\
	for ((index) = 0, (entry) = map_find_marked(map, &(index), MAP_INDEX_MAX, mark);	\
	     (entry);							\
	     (entry) = (index)++ != MAP_INDEX_MAX ?			\
			map_find_marked(map, &(index), MAP_INDEX_MAX, mark) : NULL)

#endif
