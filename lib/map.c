/* SPDX-License-Identifier: MIT */
/*
 * The radix map.
 *
 * I1 the top node covers every index that has an entry: index >> (shift + 6) is 0; a node's shift
 *    is its child's plus 6, and a node with shift 0 holds entries.
 * I2 no node is empty; the top node has more than slot 0 (else it is replaced by what is there).
 * I3 bit i of `present` says slot i is not NULL; of `full`, that each index below it has an entry;
 *    of marks[m], that an entry below it has mark m. root_marks repeats that for the whole map.
 * I4 a reader without the lock reaches only nodes that were complete when published, sees a slot's
 *    old or new value, and after it read `present` may still find NULL: that counts as absent.
 */
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/map.h>

#define TAG_NODE	((uintptr_t)1)
#define TOP_SHIFT	60	/* 64 bits are ten digits of 6 and one of 4 */

static inline bool is_node(const void *p)
{
	return (uintptr_t)p & TAG_NODE;
}

static inline struct map_node *to_node(const void *p)
{
	return (struct map_node *)((uintptr_t)p - TAG_NODE);
}

static inline void *tag_node(const struct map_node *node)
{
	return (void *)((uintptr_t)node | TAG_NODE);
}

static inline unsigned int digit(const struct map_node *node, uint64_t index)
{
	return (index >> node->shift) & (MAP_SLOTS - 1);
}

static inline bool covers(unsigned int shift, uint64_t index)
{
	return shift >= TOP_SHIFT || !(index >> (shift + MAP_SHIFT));
}

/* Pairs with publish(): whoever sees the pointer sees what it points at. */
static inline void *load_slot(void *const *slot)
{
	return __atomic_load_n(slot, __ATOMIC_ACQUIRE);
}

static inline void publish(void **slot, void *value)
{
	__atomic_store_n(slot, value, __ATOMIC_RELEASE);
}

/* The leaf that has a slot for @index, or NULL. */
static struct map_node *find_leaf(const struct map *map, uint64_t index)
{
	void *p = load_slot(&map->root);

	if (!is_node(p) || !covers(to_node(p)->shift, index))
		return NULL;
	while (to_node(p)->shift) {
		p = load_slot(&to_node(p)->slots[digit(to_node(p), index)]);
		if (!p)
			return NULL;
	}
	return to_node(p);
}

void *map_load(const struct map *map, uint64_t index)
{
	void *p = load_slot(&map->root);

	if (!is_node(p))
		return index ? NULL : p;
	if (!covers(to_node(p)->shift, index))
		return NULL;
	while (is_node(p))
		p = load_slot(&to_node(p)->slots[digit(to_node(p), index)]);
	return p;
}

static void mark_up(struct map *map, struct map_node *node, unsigned int slot, unsigned int mark)
{
	for (; node; slot = node->place, node = node->parent) {
		if (node->marks[mark] & BIT(slot))
			return;
		WRITE_ONCE(node->marks[mark], node->marks[mark] | BIT(slot));
	}
	WRITE_ONCE(map->root_marks, map->root_marks | (1U << mark));
}

static void unmark_up(struct map *map, struct map_node *node, unsigned int slot, unsigned int mark)
{
	for (; node; slot = node->place, node = node->parent) {
		if (!(node->marks[mark] & BIT(slot)))
			return;
		WRITE_ONCE(node->marks[mark], node->marks[mark] & ~BIT(slot));
		if (node->marks[mark])
			return;
	}
	WRITE_ONCE(map->root_marks, map->root_marks & ~(1U << mark));
}

static void full_up(struct map_node *node, unsigned int slot)
{
	for (; node; slot = node->place, node = node->parent) {
		WRITE_ONCE(node->full, node->full | BIT(slot));
		/* The topmost digit has only 16 values, so that node is never full: harmless. */
		if (~node->full)
			return;
	}
}

static void not_full_up(struct map_node *node, unsigned int slot)
{
	for (; node && (node->full & BIT(slot)); slot = node->place, node = node->parent)
		WRITE_ONCE(node->full, node->full & ~BIT(slot));
}

static struct map_node *node_new(struct map *map, struct map_node *parent, unsigned int shift,
				 unsigned int place)
{
	struct map_node *node = map->ops->node_alloc(map);

	if (!node)
		return NULL;
	*node = (struct map_node){
		.parent = parent, .shift = (uint8_t)shift, .place = (uint8_t)place,
	};
	return node;
}

/* Hangs what the root now is (a direct entry, or the top node) into slot 0 of @top. */
static void adopt_root(struct map *map, struct map_node *top)
{
	void *old = map->root;

	top->slots[0] = old;
	top->present = 1;
	for (unsigned int mark = 0; mark < MAP_MARKS; mark++)
		top->marks[mark] = (map->root_marks >> mark) & 1;
	if (is_node(old)) {
		top->full = !~to_node(old)->full;
		to_node(old)->parent = top;
	} else {
		top->full = 1;
	}
}

/* Makes the root a node that covers @index. -ENOMEM leaves a valid map. */
static int grow(struct map *map, uint64_t index)
{
	unsigned int shift = 0;

	if (!map->root) {
		while (!covers(shift, index))
			shift += MAP_SHIFT;
	} else if (is_node(map->root)) {
		shift = to_node(map->root)->shift;
		if (covers(shift, index))
			return 0;
		shift += MAP_SHIFT;
	}
	for (;; shift += MAP_SHIFT) {
		struct map_node *top = node_new(map, NULL, shift, 0);

		if (!top)
			return -ENOMEM;
		if (map->root)
			adopt_root(map, top);
		publish(&map->root, tag_node(top));
		if (covers(shift, index))
			return 0;
	}
}

/* Restores I2 at the top. */
static void shrink(struct map *map)
{
	while (is_node(map->root)) {
		struct map_node *top = to_node(map->root);

		if (top->present != 1)
			return;
		if (is_node(top->slots[0]))
			to_node(top->slots[0])->parent = NULL;
		publish(&map->root, top->slots[0]);
		map->ops->node_free(map, top);
	}
}

/* Restores I2 from @node upwards. */
static void prune(struct map *map, struct map_node *node)
{
	while (node && !node->present) {
		struct map_node *parent = node->parent;

		if (parent) {
			publish(&parent->slots[node->place], NULL);
			WRITE_ONCE(parent->present, parent->present & ~BIT(node->place));
		} else {
			publish(&map->root, NULL);
		}
		map->ops->node_free(map, node);
		node = parent;
	}
	shrink(map);
}

/* The leaf for @index, with the nodes on the way created; NULL if one could not be. */
static struct map_node *make_leaf(struct map *map, uint64_t index)
{
	struct map_node *node, *child;

	if (grow(map, index)) {
		shrink(map);
		return NULL;
	}
	for (node = to_node(map->root); node->shift; node = child) {
		unsigned int slot = digit(node, index);

		if (node->slots[slot]) {
			child = to_node(node->slots[slot]);
			continue;
		}
		child = node_new(map, node, node->shift - MAP_SHIFT, slot);
		if (!child) {
			prune(map, node);
			return NULL;
		}
		publish(&node->slots[slot], tag_node(child));
		WRITE_ONCE(node->present, node->present | BIT(slot));
	}
	return node;
}

/* Sets the leaf's slot to @entry, which is not NULL, and clears the old entry's marks. */
static void *fill_slot(struct map *map, struct map_node *leaf, unsigned int slot, void *entry)
{
	void *old = leaf->slots[slot];

	publish(&leaf->slots[slot], entry);
	if (old) {
		for (unsigned int mark = 0; mark < MAP_MARKS; mark++)
			unmark_up(map, leaf, slot, mark);
		return old;
	}
	WRITE_ONCE(leaf->present, leaf->present | BIT(slot));
	full_up(leaf, slot);
	return NULL;
}

static void *empty_slot(struct map *map, struct map_node *leaf, unsigned int slot)
{
	void *old = leaf->slots[slot];

	if (!old)
		return NULL;
	for (unsigned int mark = 0; mark < MAP_MARKS; mark++)
		unmark_up(map, leaf, slot, mark);
	not_full_up(leaf, slot);
	publish(&leaf->slots[slot], NULL);
	WRITE_ONCE(leaf->present, leaf->present & ~BIT(slot));
	prune(map, leaf);
	return old;
}

void *map_erase(struct map *map, uint64_t index)
{
	struct map_node *leaf = find_leaf(map, index);
	void *old = map->root;

	if (leaf)
		return empty_slot(map, leaf, digit(leaf, index));
	if (index || is_node(old))
		return NULL;
	map->root_marks = 0;
	publish(&map->root, NULL);
	return old;
}

int map_store(struct map *map, uint64_t index, void *entry, void **old)
{
	struct map_node *leaf;
	void *found;

	ASSERT(!is_node(entry));
	if (!entry) {
		found = map_erase(map, index);
	} else if (!index && !is_node(map->root)) {
		found = map->root;
		map->root_marks = 0;
		publish(&map->root, entry);
	} else {
		leaf = make_leaf(map, index);
		if (!leaf)
			return -ENOMEM;
		found = fill_slot(map, leaf, digit(leaf, index), entry);
	}
	if (old)
		*old = found;
	return 0;
}

int map_insert(struct map *map, uint64_t index, void *entry)
{
	if (map_load(map, index))
		return -EEXIST;
	return map_store(map, index, entry, NULL);
}

void map_replace(struct map *map, uint64_t index, void *entry)
{
	struct map_node *leaf = find_leaf(map, index);
	void **slot = leaf ? &leaf->slots[digit(leaf, index)] : &map->root;

	ENSURE(entry && !is_node(entry) && *slot && !is_node(*slot) && (leaf || !index));
	publish(slot, entry);
}

/* Frees the nodes below the detached @top in postorder, walking by `present` and parent. */
static void free_tree(struct map *map, struct map_node *top,
		      void (*drop)(void *, uint64_t, void *), void *arg)
{
	struct map_node *node = top, *parent;
	uint64_t index = 0;

	while (node) {
		if (node->present) {
			unsigned int slot = ctz64(node->present);

			node->present &= node->present - 1;
			index &= ~((uint64_t)(MAP_SLOTS - 1) << node->shift);
			index |= (uint64_t)slot << node->shift;
			if (node->shift)
				node = to_node(node->slots[slot]);
			else if (drop)
				drop(arg, index, node->slots[slot]);
			continue;
		}
		parent = node->parent;
		map->ops->node_free(map, node);
		node = parent;
	}
}

void map_clear(struct map *map, void (*drop)(void *arg, uint64_t index, void *entry), void *arg)
{
	void *root = map->root;

	publish(&map->root, NULL);
	map->root_marks = 0;
	if (is_node(root))
		free_tree(map, to_node(root), drop, arg);
	else if (root && drop)
		drop(arg, 0, root);
}

/* Which bitmap of a node a search walks by. */
typedef uint64_t node_bits_fn(const struct map_node *node, unsigned int mark);

static inline uint64_t bits_present(const struct map_node *node, unsigned int mark)
{
	(void)mark;
	return __atomic_load_n(&node->present, __ATOMIC_ACQUIRE);
}

static inline uint64_t bits_marked(const struct map_node *node, unsigned int mark)
{
	return __atomic_load_n(&node->marks[mark], __ATOMIC_ACQUIRE);
}

/* Moves *@index to the next multiple of 1 << @shift; false when there is none. */
static inline bool next_slot(uint64_t *index, unsigned int shift)
{
	uint64_t step = (uint64_t)1 << shift;
	uint64_t start = *index & ~(step - 1);

	*index = start + step;
	return *index > start;
}

/*
 * One walk from the root towards @*index by the set bits. Returns the entry, or NULL with *@index
 * moved to where the next walk starts; *@more is false if there is nothing behind.
 */
static inline void *walk_up_from(const struct map *map, uint64_t *index, uint64_t last,
				 node_bits_fn *bits_of, unsigned int mark, bool *more)
{
	struct map_node *node;
	void *p = load_slot(&map->root);

	*more = false;
	if (!is_node(p) || !covers(to_node(p)->shift, *index))
		return NULL;
	for (;;) {
		unsigned int slot, from;
		uint64_t bits;

		node = to_node(p);
		from = digit(node, *index);
		bits = bits_of(node, mark) & (~UINT64_C(0) << from);
		if (!bits) {
			if (node->shift < TOP_SHIFT)
				*more = next_slot(index, node->shift + MAP_SHIFT);
			return NULL;
		}
		slot = ctz64(bits);
		if (slot != from) {
			*index &= ~(((uint64_t)MAP_SLOTS << node->shift) - 1);
			*index |= (uint64_t)slot << node->shift;
			if (*index > last)
				return NULL;
		}
		p = load_slot(&node->slots[slot]);
		if (!p) {
			*more = next_slot(index, node->shift);
			return NULL;
		}
		if (!node->shift)
			return p;
	}
}

static inline void *find_by(const struct map *map, uint64_t *index, uint64_t last,
			    node_bits_fn *bits_of, unsigned int mark)
{
	uint64_t at = *index;
	bool more = true;

	while (more && at <= last) {
		void *entry = walk_up_from(map, &at, last, bits_of, mark, &more);

		if (entry) {
			*index = at;
			return entry;
		}
	}
	return NULL;
}

void *map_find(const struct map *map, uint64_t *index, uint64_t last)
{
	void *root = load_slot(&map->root);

	if (!is_node(root))
		return *index == 0 ? root : NULL;
	return find_by(map, index, last, bits_present, 0);
}

void *map_find_marked(const struct map *map, uint64_t *index, uint64_t last, enum map_mark mark)
{
	void *root = load_slot(&map->root);

	if (!is_node(root))
		return *index == 0 && map_any_marked(map, mark) ? root : NULL;
	return find_by(map, index, last, bits_marked, mark);
}

/*
 * The greatest index with an entry at or below the whole subtree @p, whose lowest index is @base.
 */
static void *last_below(void *p, uint64_t base, uint64_t *index)
{
	while (is_node(p)) {
		struct map_node *node = to_node(p);
		uint64_t bits = bits_present(node, 0);

		if (!bits)
			return NULL;
		base |= (uint64_t)msb64(bits) << node->shift;
		p = load_slot(&node->slots[msb64(bits)]);
	}
	*index = base;
	return p;
}

void *map_find_prev(const struct map *map, uint64_t *index, uint64_t first)
{
	void *p = load_slot(&map->root), *aside = NULL;
	uint64_t at = *index, base = 0, aside_base = 0;

	if (is_node(p) && !covers(to_node(p)->shift, at))
		at = MAP_INDEX_MAX;	/* so that every digit below is the greatest */
	/* Down along @at, remembering the last smaller branch that was left aside. */
	while (is_node(p)) {
		struct map_node *node = to_node(p);
		unsigned int slot = digit(node, at);
		uint64_t below = bits_present(node, 0) & (((uint64_t)1 << slot) - 1);

		if (below) {
			aside = load_slot(&node->slots[msb64(below)]);
			aside_base = base | ((uint64_t)msb64(below) << node->shift);
		}
		base |= (uint64_t)slot << node->shift;
		p = load_slot(&node->slots[slot]);
	}
	if (!p) {
		base = aside_base;
		p = last_below(aside, aside_base, &base);
	}
	if (!p || base < first)
		return NULL;
	*index = base;
	return p;
}

/*
 * One walk from @top towards the lowest free index >= *@at, by the slots that are not full. Returns
 * NULL if *@at is free now; else a pointer that is not, with everything free lying behind the
 * subtree at *@at whose indices have *@shift bits.
 */
static void *walk_free(void *top, uint64_t *at, unsigned int *shift)
{
	void *p = top;

	while (is_node(p)) {
		struct map_node *node = to_node(p);
		unsigned int from = digit(node, *at), slot;
		uint64_t bits = ~READ_ONCE(node->full) & (~UINT64_C(0) << from);

		if (node->shift == TOP_SHIFT)
			bits &= GENMASK(15, 0);
		*shift = node->shift + MAP_SHIFT;
		if (!bits)
			return p;
		slot = ctz64(bits);
		if (slot != from)
			*at = (*at >> node->shift >> MAP_SHIFT << MAP_SHIFT | slot) << node->shift;
		p = load_slot(&node->slots[slot]);
	}
	*shift = 0;
	return p;
}

bool map_find_free(const struct map *map, uint64_t *index, uint64_t last)
{
	uint64_t at = *index;
	unsigned int shift;

	while (at <= last) {
		void *p = load_slot(&map->root);
		bool covered = is_node(p) ? covers(to_node(p)->shift, at) : !at;

		if (!covered || !walk_free(p, &at, &shift))
			break;
		if (shift > TOP_SHIFT || !next_slot(&at, shift))
			return false;
	}
	if (at > last)
		return false;
	*index = at;
	return true;
}

void map_set_mark(struct map *map, uint64_t index, enum map_mark mark)
{
	struct map_node *leaf = find_leaf(map, index);

	if (leaf && leaf->slots[digit(leaf, index)])
		mark_up(map, leaf, digit(leaf, index), mark);
	else if (!leaf && !index && map->root && !is_node(map->root))
		map->root_marks |= (uint8_t)(1U << mark);
}

void map_clear_mark(struct map *map, uint64_t index, enum map_mark mark)
{
	struct map_node *leaf = find_leaf(map, index);

	if (leaf)
		unmark_up(map, leaf, digit(leaf, index), mark);
	else if (!index && !is_node(map->root))
		map->root_marks &= (uint8_t)~(1U << mark);
}

bool map_has_mark(const struct map *map, uint64_t index, enum map_mark mark)
{
	const struct map_node *leaf = find_leaf(map, index);

	if (leaf)
		return bits_marked(leaf, mark) & BIT(digit(leaf, index));
	return !index && !is_node(map->root) && map->root && map_any_marked(map, mark);
}
