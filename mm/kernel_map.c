/* SPDX-License-Identifier: MIT */
/*
 * Mappings of the kernel's half.  Tables come from early_alloc() until
 * page_init() has run, from the page allocator afterwards, and are never freed: the next user
 * of the address range finds them there, and all address spaces share them.
 */
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/early.h>
#include <mm/kernel_map.h>
#include <mm/page.h>

static inline unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + PT_INDEX_BITS * level;
}

static inline uint64_t level_size(unsigned int level)
{
	return 1ULL << level_shift(level);
}

static inline unsigned int table_index(uint64_t va, unsigned int level)
{
	return va >> level_shift(level) & (PT_ENTRIES - 1);
}

static inline pte_t *table_of(pte_t e)
{
	return phys_to_virt(pte_paddr(e));
}

/* A zeroed table; .v is 0 when there is no memory. */
static paddr_t table_alloc(void)
{
	struct page *p;

	if (!page_allocator_ready())
		return early_alloc(PAGE_SIZE, PAGE_SIZE);
	p = page_alloc(0, ALLOC_ATOMIC | ALLOC_ZERO);
	if (!p)
		return PADDR(0);
	p->kind = PAGE_TABLE;
	page_stat_add(PAGE_TABLE, 1);
	return page_to_phys(p);
}

static void table_free(paddr_t table)
{
	if (page_allocator_ready())
		page_free(phys_to_page(table), 0);
}

/*
 * The table that @slot points to, made if need be.  NULL: no memory, or a leaf is in the way (*err
 * says).
 */
static pte_t *table_descend(pte_t *slot, unsigned int level, int *err)
{
	pte_t old = pte_load(slot), entry;
	paddr_t table;

	if (!pte_is_none(old)) {
		*err = -EEXIST;
		return pte_is_leaf(old, level) ? NULL : table_of(old);
	}
	table = table_alloc();
	if (!table.v) {
		*err = -ENOMEM;
		return NULL;
	}
	/*
	 * Release: the table's zeros come before the entry, for other CPUs' walkers and
	 * kernel_map().
	 */
	entry = pte_table(table);
	if (!__atomic_compare_exchange_n(&slot->v, &old.v, entry.v, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE)) {
		table_free(table);
		return table_of(old);
	}
	return table_of(entry);
}

/* The largest leaf level that @va, @pa and @left allow. */
static unsigned int leaf_level(uint64_t va, uint64_t pa, uint64_t left, unsigned int max)
{
	unsigned int level = min(max, 2U);

	while (level && (((va | pa) & (level_size(level) - 1)) || left < level_size(level)))
		level--;
	return level;
}

/* The slot for @va at @level, with all tables above it. */
static pte_t *slot_get(pte_t *root, uint64_t va, unsigned int level, int *err)
{
	pte_t *table = root;

	for (unsigned int l = PT_LEVELS - 1; l > level; l--) {
		table = table_descend(&table[table_index(va, l)], l, err);
		if (!table)
			return NULL;
	}
	return &table[table_index(va, level)];
}

int kernel_map(pte_t *root, const struct kernel_mapping *m)
{
	uint64_t va = m->va, pa = m->pa.v, left = m->size;

	ENSURE(((va | pa | left) & ~PAGE_MASK) == 0 && !(m->prot & PTE_USER));
	while (left) {
		unsigned int level = leaf_level(va, pa, left, m->max_level);
		uint64_t step = level_size(level), run;
		int err = 0;
		pte_t *slot = slot_get(root, va, level, &err);

		if (!slot)
			return err;
		/* As many entries of this table as take leaves of the same level. */
		run = min((uint64_t)(PT_ENTRIES - table_index(va, level)), left / step);
		if (level < min(m->max_level, 2U))
			run = min(run, (align_up(va + 1, level_size(level + 1)) - va) / step);
		for (; run; run--, slot++, va += step, pa += step, left -= step) {
			if (!pte_is_none(pte_load(slot)))
				return -EEXIST;
			pte_store(slot, pte_leaf(PADDR(pa), m->prot, m->type, level));
		}
	}
	arch_pt_sync();
	return 0;
}

/* The existing 4 KiB slot of @va, or NULL. */
static pte_t *slot_find(pte_t *root, uint64_t va)
{
	pte_t *table = root;

	for (unsigned int l = PT_LEVELS - 1; l > 0; l--) {
		pte_t e = pte_load(&table[table_index(va, l)]);

		if (pte_is_none(e))
			return NULL;
		ENSURE_MSG(!pte_is_leaf(e, l), "large kernel leaf at %#lx", (unsigned long)va);
		table = table_of(e);
	}
	return &table[table_index(va, 0)];
}

void kernel_protect(pte_t *root, uint64_t va, uint64_t size, unsigned int prot)
{
	for (uint64_t end = va + size; va != end; va += PAGE_SIZE) {
		pte_t *slot = slot_find(root, va);

		if (slot && !pte_is_none(pte_load(slot)))
			pte_store(slot, pte_with_prot(pte_load(slot), prot));
	}
	arch_pt_sync();
}

void kernel_unmap(pte_t *root, uint64_t va, uint64_t size)
{
	for (uint64_t at = va; at != va + size; at += PAGE_SIZE) {
		pte_t *slot = slot_find(root, at);

		if (slot)
			pte_store(slot, (pte_t){ 0 });
	}
	arch_tlb_flush(NULL, va, va + size);
}

bool kernel_lookup(pte_t *root, uint64_t va, pte_t *entry, unsigned int *level)
{
	pte_t *table = root;

	for (unsigned int l = PT_LEVELS - 1; ; l--) {
		pte_t e = pte_load(&table[table_index(va, l)]);

		if (pte_is_none(e))
			return false;
		if (pte_is_leaf(e, l)) {
			*entry = e;
			*level = l;
			return true;
		}
		table = table_of(e);
	}
}
