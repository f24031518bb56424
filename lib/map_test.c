/* SPDX-License-Identifier: MIT */
/*
 * Tests of lib/map.c and lib/idmap.c: a random model of 512 indices spread over all 64 bits, with
 * allocation failures, and leak counting.
 */
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/idmap.h>
#include <lib/ktest.h>

#define POOL	700
#define MODEL	512

static struct map_node pool[POOL];
static struct map_node *pool_free[POOL];
static unsigned int pool_count;
static bool pool_fails;

static struct map_node *pool_alloc(struct map *map)
{
	(void)map;
	return pool_fails || !pool_count ? NULL : pool_free[--pool_count];
}

static void pool_release(struct map *map, struct map_node *node)
{
	(void)map;
	memset(node, 0xa5, sizeof(*node));
	pool_free[pool_count++] = node;
}

static const struct map_ops pool_ops = { .node_alloc = pool_alloc, .node_free = pool_release };

static void pool_init(void)
{
	for (pool_count = 0; pool_count < POOL; pool_count++)
		pool_free[pool_count] = &pool[pool_count];
	pool_fails = false;
}

/* Model indices ascend: clusters of 128 around 0, 2^12 - 64, 2^40 and the greatest index. */
static uint64_t model_index(unsigned int i)
{
	static const uint64_t base[] = { 0, 4032, UINT64_C(1) << 40, UINT64_MAX - 127 };

	return base[i / 128] + i % 128;
}

static struct {
	void *entry;
	bool marks[MAP_MARKS];
} model[MODEL];

static uint8_t objects[2 * MODEL] __aligned(2);

static void check_iteration(const struct map *map)
{
	uint64_t index;
	void *entry;
	unsigned int i = 0;

	map_for_each(map, index, entry) {
		while (i < MODEL && !model[i].entry)
			i++;
		KASSERT_TRUE(i < MODEL);
		KEXPECT_EQ(index, model_index(i));
		KEXPECT_PTR_EQ(entry, model[i].entry);
		i++;
	}
	while (i < MODEL && !model[i].entry)
		i++;
	KEXPECT_EQ(i, MODEL);
}

static void check_marks(const struct map *map, enum map_mark mark)
{
	uint64_t index;
	void *entry;
	unsigned int i = 0;
	bool any = false;

	map_for_each_marked(map, index, entry, mark) {
		while (i < MODEL && !model[i].marks[mark])
			i++;
		KASSERT_TRUE(i < MODEL);
		KEXPECT_EQ(index, model_index(i));
		any = true;
		i++;
	}
	while (i < MODEL && !model[i].marks[mark])
		i++;
	KEXPECT_EQ(i, MODEL);
	KEXPECT_EQ(map_any_marked(map, mark), any);
}

static void check_prev_and_free(const struct map *map, unsigned int from)
{
	uint64_t index = model_index(from);
	unsigned int i = from;
	void *entry = map_find_prev(map, &index, 0);

	while (i > 0 && !model[i].entry)
		i--;
	KEXPECT_PTR_EQ(entry, model[i].entry);
	if (entry)
		KEXPECT_EQ(index, model_index(i));
	index = model_index(from);
	i = from;
	while (i % 128 != 127 && model[i].entry)
		i++;
	if (!model[i].entry) {
		KEXPECT_TRUE(map_find_free(map, &index, MAP_INDEX_MAX));
		KEXPECT_EQ(index, model_index(i));
	} else if (i == MODEL - 1) {
		KEXPECT_FALSE(map_find_free(map, &index, MAP_INDEX_MAX));
	} else {
		KEXPECT_TRUE(map_find_free(map, &index, MAP_INDEX_MAX));
		KEXPECT_EQ(index, model_index(i) + 1);
	}
}

static void random_step(struct map *map, uint64_t *seed, unsigned int bias)
{
	unsigned int i = ktest_random(seed) % MODEL;
	enum map_mark mark = (enum map_mark)(ktest_random(seed) % MAP_MARKS);
	unsigned int what = ktest_random(seed) % 8;
	void *entry = &objects[2 * (ktest_random(seed) % MODEL)], *old = NULL;

	if (what < bias) {
		pool_fails = ktest_random(seed) % 8 == 0;
		if (!map_store(map, model_index(i), entry, &old)) {
			KEXPECT_PTR_EQ(old, model[i].entry);
			memset(&model[i], 0, sizeof(model[i]));
			model[i].entry = entry;
		}
		pool_fails = false;
	} else if (what < 6) {
		KEXPECT_PTR_EQ(map_erase(map, model_index(i)), model[i].entry);
		memset(&model[i], 0, sizeof(model[i]));
	} else if (what == 6) {
		map_set_mark(map, model_index(i), mark);
		model[i].marks[mark] = model[i].entry != NULL;
	} else {
		map_clear_mark(map, model_index(i), mark);
		model[i].marks[mark] = false;
	}
	KEXPECT_PTR_EQ(map_load(map, model_index(i)), model[i].entry);
	KEXPECT_EQ(map_has_mark(map, model_index(i), mark), model[i].marks[mark]);
}

KTEST(map, random_model)
{
	struct map map = MAP_INIT(&pool_ops);
	uint64_t seed = 4;

	pool_init();
	memset(model, 0, sizeof(model));
	for (int step = 0; step < 40000; step++) {
		random_step(&map, &seed, step / 5000 % 2 ? 1 : 5);
		if (step % 64 == 0) {
			check_iteration(&map);
			for (unsigned int m = 0; m < MAP_MARKS; m++)
				check_marks(&map, (enum map_mark)m);
			check_prev_and_free(&map, ktest_random(&seed) % MODEL);
		}
	}
	for (unsigned int i = 0; i < MODEL; i++)
		KEXPECT_PTR_EQ(map_erase(&map, model_index(i)), model[i].entry);
	KEXPECT_TRUE(map_is_empty(&map));
	KEXPECT_EQ(pool_count, POOL);
	for (unsigned int m = 0; m < MAP_MARKS; m++)
		KEXPECT_FALSE(map_any_marked(&map, (enum map_mark)m));
}

KTEST(map, direct_entry_needs_no_node)
{
	struct map map = MAP_INIT(&pool_ops);
	void *old;

	pool_init();
	pool_fails = true;
	KEXPECT_EQ(map_store(&map, 0, &objects[0], NULL), 0);
	map_set_mark(&map, 0, MAP_MARK_1);
	KEXPECT_EQ(map_insert(&map, 0, &objects[2]), -EEXIST);
	KEXPECT_EQ(map_store(&map, 1, &objects[2], NULL), -ENOMEM);
	KEXPECT_PTR_EQ(map_load(&map, 0), &objects[0]);
	pool_fails = false;
	KEXPECT_EQ(map_store(&map, MAP_INDEX_MAX, &objects[2], NULL), 0);
	KEXPECT_TRUE(map_has_mark(&map, 0, MAP_MARK_1));
	map_replace(&map, 0, &objects[4]);
	KEXPECT_TRUE(map_has_mark(&map, 0, MAP_MARK_1));
	KEXPECT_EQ(map_store(&map, MAP_INDEX_MAX, NULL, &old), 0);
	KEXPECT_PTR_EQ(old, &objects[2]);
	KEXPECT_EQ(pool_count, POOL);
	KEXPECT_TRUE(map_has_mark(&map, 0, MAP_MARK_1));
	KEXPECT_PTR_EQ(map_erase(&map, 0), &objects[4]);
	KEXPECT_FALSE(map_any_marked(&map, MAP_MARK_1));
}

static void count_drop(void *arg, uint64_t index, void *entry)
{
	uint64_t *sum = arg;

	KEXPECT_PTR_EQ(entry, &objects[2 * (index % 100)]);
	*sum += index;
}

KTEST(map, clear_drops_everything)
{
	struct map map = MAP_INIT(&pool_ops);
	uint64_t sum = 0, expect = 0;

	pool_init();
	for (uint64_t i = 0; i < 100; i++) {
		uint64_t index = i * 1000003 * 100 + i;

		KASSERT_EQ(map_store(&map, index, &objects[2 * i], NULL), 0);
		expect += index;
	}
	map_clear(&map, count_drop, &sum);
	KEXPECT_EQ(sum, expect);
	KEXPECT_EQ(pool_count, POOL);
	KEXPECT_TRUE(map_is_empty(&map));
}

KTEST(idmap, cyclic_and_lowest)
{
	struct idmap ids;
	uint64_t id = 0;

	pool_init();
	idmap_init(&ids, &pool_ops);
	for (uint64_t want = 2; want <= 5; want++) {
		KEXPECT_EQ(idmap_alloc_cyclic(&ids, 2, 5, &objects[0], &id), 0);
		KEXPECT_EQ(id, want);
	}
	KEXPECT_EQ(idmap_alloc_cyclic(&ids, 2, 5, &objects[0], &id), -EAGAIN);
	KEXPECT_PTR_EQ(idmap_remove(&ids, 3), &objects[0]);
	KEXPECT_PTR_EQ(idmap_remove(&ids, 4), &objects[0]);
	KEXPECT_EQ(idmap_alloc_cyclic(&ids, 2, 5, &objects[0], &id), 0);
	KEXPECT_EQ(id, 3);
	KEXPECT_PTR_EQ(idmap_remove(&ids, 3), &objects[0]);
	KEXPECT_EQ(idmap_alloc_cyclic(&ids, 2, 5, &objects[0], &id), 0);
	KEXPECT_EQ(id, 4);
	KEXPECT_EQ(idmap_alloc_lowest(&ids, 0, 5, &objects[0], &id), 0);
	KEXPECT_EQ(id, 0);
	KEXPECT_NULL(idmap_find(&ids, 3));
	map_clear(&ids.map, NULL, NULL);
	KEXPECT_EQ(pool_count, POOL);
}

KTEST(idmap, fills_thousands)
{
	struct idmap ids;
	uint64_t id = 0;

	pool_init();
	idmap_init(&ids, &pool_ops);
	for (uint64_t want = 0; want < 10000; want++) {
		KASSERT_EQ(idmap_alloc_lowest(&ids, 0, 9999, &objects[0], &id), 0);
		KASSERT_EQ(id, want);
	}
	KEXPECT_EQ(idmap_alloc_lowest(&ids, 0, 9999, &objects[0], &id), -EAGAIN);
	map_erase(&ids.map, 4095);
	KEXPECT_EQ(idmap_alloc_lowest(&ids, 0, 9999, &objects[0], &id), 0);
	KEXPECT_EQ(id, 4095);
	map_clear(&ids.map, NULL, NULL);
	KEXPECT_EQ(pool_count, POOL);
}
