/* SPDX-License-Identifier: MIT */
/* Pages and objects: what is taken comes back, is distinct, and is what was asked for. */
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

KTEST(page, blocks_are_aligned_and_return)
{
	struct page_stats before, after;
	struct page *p[PAGE_ORDER_MAX];

	page_stats(&before);
	for (unsigned int o = 0; o < ARRAY_SIZE(p); o++) {
		p[o] = page_alloc(o, ALLOC_NORMAL);
		KASSERT_NOT_NULL(p[o]);
		KEXPECT_EQ(page_to_pfn(p[o]) & ((1UL << o) - 1), 0UL);
	}
	for (unsigned int o = 0; o < ARRAY_SIZE(p); o++)
		page_put(p[o]);
	page_stats(&after);
	KEXPECT_LE(before.free, after.free + 64);
}

KTEST(page, zeroed_when_asked)
{
	for (unsigned int i = 0; i < 8; i++) {
		struct page *p = page_alloc(0, ALLOC_ZERO);

		KASSERT_NOT_NULL(p);
		KEXPECT_NULL(mem_find_other(page_to_virt(p), 0, PAGE_SIZE));
		memset(page_to_virt(p), 0xff, PAGE_SIZE);
		page_put(p);
	}
}

static void construct(void *object)
{
	*(uint64_t *)object = 0x600d;
}

KTEST(slab, constructed_objects_stay_constructed)
{
	struct slab_cache *c = slab_cache_create(&(struct slab_cache_args){
		.name = "test", .size = 40, .construct = construct });
	void *objects[100];

	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 100; i++) {
			objects[i] = slab_alloc(c, ALLOC_NORMAL);
			KASSERT_NOT_NULL(objects[i]);
			KEXPECT_EQ(*(uint64_t *)objects[i], 0x600dUL);
		}
		KEXPECT_EQ(slab_cache_in_use(c), 100UL);
		for (unsigned int i = 0; i < 100; i++)
			slab_free(c, objects[i]);
		KEXPECT_EQ(slab_cache_in_use(c), 0UL);
	}
	slab_cache_destroy(c);
}

KTEST(slab, kmalloc_sizes_and_realloc)
{
	for (size_t size = 1; size <= 70000; size = size * 3 / 2 + 1) {
		char *p = kmalloc(size, ALLOC_ZERO);

		KASSERT_NOT_NULL(p);
		KEXPECT_NULL(mem_find_other(p, 0, size));
		memset(p, 1, size);
		p = krealloc(p, size * 2, ALLOC_ZERO);
		KASSERT_NOT_NULL(p);
		KEXPECT_NULL(mem_find_other(p, 1, size));
		kfree(p);
	}
}

KTEST(vmalloc, pages_are_mapped_and_given_back)
{
	struct page_stats before, after;
	char *p;

	vfree(vmalloc(64 * PAGE_SIZE, ALLOC_NORMAL));	/* makes the tables, which stay */
	page_stats(&before);
	p = vmalloc(64 * PAGE_SIZE, ALLOC_NORMAL);
	KASSERT_NOT_NULL(p);
	memset(p, 0x5a, 64 * PAGE_SIZE);
	KEXPECT_NULL(mem_find_other(p, 0x5a, 64 * PAGE_SIZE));
	KEXPECT_FALSE(stack_guard_hit((uint64_t)p));
	vfree(p);
	page_stats(&after);
	KEXPECT_LE(before.free, after.free + 64);
}
