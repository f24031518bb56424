/* SPDX-License-Identifier: MIT */
/*
 * User page tables: making them, taking entries away, changing protection, moving and copying.
 *
 * T1 entries change under the address space's pt_lock only;
 * T2 table pages are unlinked with as->lock held for writing and under pt_lock, or when nobody runs
 *    in the address space; so a slot stays valid while as->lock is held for reading, or within
 *    pt_lock;
 * T3 a table's page counts its entries that are not none (table.live), and all tables but the
 *    root are on as->tables, so that teardown need not search;
 * T4 pages and tables that were taken out are given back after the flush that makes them
 *    unreachable.
 */
#include <kernel/thread.h>
#include <lib/err.h>
#include <mm/page.h>
#include "internal.h"

#define ZAP_BATCH	64
#define SPARE_TABLES	8	/* empty leaf tables kept for the next mapping */

struct zap {
	struct aspace *as;
	enum zap_mode mode;
	unsigned int nr;
	uint64_t flush_start, flush_end;
	int64_t anon, file, shmem;
	struct list tables;
	struct page *pages[ZAP_BATCH];
};

static inline pte_t *table_of(pte_t e)
{
	return phys_to_virt(pte_paddr(e));
}

/* Put a new table into the empty @slot of level @level, unless another thread was first. */
static pte_t *table_add(struct aspace *as, pte_t *slot, unsigned int level)
{
	struct page *p = page_alloc(0, ALLOC_USER | ALLOC_ZERO);

	if (!p)
		return NULL;
	spin_lock(&as->pt_lock);
	if (!pte_is_none(pte_load(slot))) {
		spin_unlock(&as->pt_lock);
		page_free(p, 0);
		return table_of(pte_load(slot));
	}
	p->kind = PAGE_TABLE;
	p->table.live = 0;
	list_add(&p->table.node, &as->tables);
	as->table_pages++;
	if (level == 1)
		as->empty_tables++;
	if (level != PT_LEVELS - 1)
		pt_page(slot)->table.live++;
	pte_store(slot, pte_table(page_to_phys(p)));
	spin_unlock(&as->pt_lock);
	page_stat_add(PAGE_TABLE, 1);
	arch_pt_sync();
	return page_to_virt(p);
}

pte_t *pt_slot_get(struct aspace *as, uint64_t addr)
{
	pte_t *table = arch_aspace_root(as);

	for (unsigned int level = PT_LEVELS - 1; level; level--) {
		pte_t *slot = &table[pt_index(addr, level)], e = pte_load(slot);

		table = likely(!pte_is_none(e)) ? table_of(e) : table_add(as, slot, level);
		if (unlikely(!table))
			return NULL;
	}
	return &table[pt_index(addr, 0)];
}

pte_t *pt_slot_find(struct aspace *as, uint64_t addr, uint64_t *skip)
{
	pte_t *table = arch_aspace_root(as);

	for (unsigned int level = PT_LEVELS - 1; level; level--) {
		pte_t e = pte_load(&table[pt_index(addr, level)]);

		if (pte_is_none(e)) {
			*skip = align_down(addr, pt_span(level)) + pt_span(level);
			return NULL;
		}
		table = table_of(e);
	}
	return &table[pt_index(addr, 0)];
}

/* How many entries from @addr on lie in the same leaf table and below @end. */
static inline unsigned int run_in_table(uint64_t addr, uint64_t end)
{
	return (unsigned int)min((end - addr) >> PAGE_SHIFT,
				 (uint64_t)(PT_ENTRIES - pt_index(addr, 0)));
}

/* Taking away. */

static void zap_finish(struct zap *z)
{
	struct page *t, *n;

	if (z->flush_start < z->flush_end && z->mode != ZAP_DEAD)
		arch_tlb_flush(z->as, z->flush_start, z->flush_end);
	z->flush_start = UINT64_MAX;
	z->flush_end = 0;
	if (z->nr)
		page_put_batch(z->pages, z->nr);
	z->nr = 0;
	list_for_each_entry_safe(t, n, &z->tables, table.node)
		page_free(t, 0);
	list_init(&z->tables);
}

static inline void zap_count(struct zap *z, const struct region *r, const struct page *p)
{
	if (p->kind == PAGE_ANON)
		z->anon++;
	else if (r->object && r->object->flags & MEMOBJ_SHMEM)
		z->shmem++;
	else
		z->file++;
}

/*
 * Clear up to @nr entries from @slot on; stops when the batch is full.  How many were looked at.
 * pt_lock held.
 */
static unsigned int zap_run_locked(struct zap *z, struct region *r, pte_t *slot, unsigned int nr)
{
	unsigned int i, cleared = 0;

	for (i = 0; i < nr && z->nr < ZAP_BATCH; i++) {
		pte_t e = pte_load(&slot[i]);

		if (pte_is_none(e))
			continue;
		if (z->mode == ZAP_KEEP_COPIES && pte_soft(e) & PTE_SOFT_PAGE &&
		    pte_page(e)->kind == PAGE_ANON)
			continue;
		pte_store(&slot[i], (pte_t){ 0 });
		cleared++;
		if (!(pte_soft(e) & PTE_SOFT_PAGE))
			continue;
		z->pages[z->nr] = pte_page(e);
		zap_count(z, r, z->pages[z->nr++]);
	}
	if (cleared && z->mode != ZAP_DEAD)
		pt_live_add_locked(z->as, slot, -(int64_t)cleared);
	return i;
}

static void zap_rss_locked(struct zap *z)
{
	struct aspace *as = z->as;

	if (aspace_rss(as) > as->rss_max)
		as->rss_max = aspace_rss(as);
	as->rss_anon -= z->anon;
	as->rss_file -= z->file;
	as->rss_shmem -= z->shmem;
	z->anon = z->file = z->shmem = 0;
}

/*
 * Unlink the empty leaf table of @addr, and tables above it that become empty.  pt_lock and
 * as->lock held.
 */
static void table_unlink_locked(struct zap *z, uint64_t addr)
{
	pte_t *slots[PT_LEVELS], *table = arch_aspace_root(z->as);
	unsigned int level;

	for (level = PT_LEVELS - 1; level; level--) {
		slots[level] = &table[pt_index(addr, level)];
		if (pte_is_none(pte_load(slots[level])))
			return;
		table = table_of(pte_load(slots[level]));
	}
	for (level = 1; level < PT_LEVELS; level++) {
		struct page *t = pte_page(pte_load(slots[level]));

		if (t->table.live)
			return;
		pte_store(slots[level], (pte_t){ 0 });
		list_move(&t->table.node, &z->tables);
		z->as->table_pages--;
		if (level == 1)
			z->as->empty_tables--;
		if (level != PT_LEVELS - 1)
			pt_page(slots[level])->table.live--;
	}
}

static void zap_init(struct zap *z, struct aspace *as, enum zap_mode mode)
{
	z->as = as;
	z->mode = mode;
	z->nr = 0;
	z->flush_start = UINT64_MAX;
	z->flush_end = 0;
	z->anon = z->file = z->shmem = 0;
	list_init(&z->tables);
}

void region_zap(struct region *r, uint64_t start, uint64_t end, enum zap_mode mode)
{
	struct aspace *as = r->aspace;
	struct zap z;
	uint64_t addr = start;

	zap_init(&z, as, mode);
	while (addr < end) {
		uint64_t skip;
		unsigned int done, nr = run_in_table(addr, end);
		pte_t *slot;

		spin_lock(&as->pt_lock);
		slot = pt_slot_find(as, addr, &skip);
		if (!slot) {
			spin_unlock(&as->pt_lock);
			if (skip <= addr)
				break;
			addr = skip;
			continue;
		}
		done = zap_run_locked(&z, r, slot, nr);
		if (z.anon + z.file + z.shmem)
			zap_rss_locked(&z);
		z.flush_start = min(z.flush_start, addr);
		addr += (uint64_t)done << PAGE_SHIFT;
		z.flush_end = addr;
		if (mode == ZAP_FREE_TABLES && !pt_page(slot)->table.live &&
		    as->empty_tables > SPARE_TABLES)
			table_unlink_locked(&z, addr - PAGE_SIZE);
		spin_unlock(&as->pt_lock);
		if (z.nr == ZAP_BATCH || !list_empty(&z.tables))
			zap_finish(&z);
	}
	zap_finish(&z);
}

void pt_free_all(struct aspace *as)
{
	struct page *t, *n;

	list_for_each_entry_safe(t, n, &as->tables, table.node)
		page_free(t, 0);
	list_init(&as->tables);
	as->table_pages = 0;
}

/* Changing. */

/*
 * What an entry of @r may allow now: a private page that others hold, and a clean page of a shared
 * file, must not be written without a fault.
 */
static unsigned int entry_prot(const struct region *r, pte_t e, unsigned int prot)
{
	const struct page *p;

	if (!(prot & PTE_WRITE))
		return prot;
	if (!(pte_soft(e) & PTE_SOFT_PAGE))
		return pte_soft(e) & PTE_SOFT_COW ? prot & ~(unsigned int)PTE_WRITE : prot;
	p = pte_page(e);
	if (region_is_private(r) ? p->kind != PAGE_ANON || refcount_read(&p->refs) != 1
				 : !(r->object->flags & MEMOBJ_SHMEM) && !(p->flags & PAGE_DIRTY))
		return prot & ~(unsigned int)PTE_WRITE;
	return prot;
}

void region_protect(struct region *r, uint64_t start, uint64_t end)
{
	struct aspace *as = r->aspace;
	unsigned int prot = region_pte_prot(r);
	uint64_t first = UINT64_MAX, last = 0, skip;

	for (uint64_t addr = start; addr < end; ) {
		unsigned int nr = run_in_table(addr, end);
		pte_t *slot;

		spin_lock(&as->pt_lock);
		slot = pt_slot_find(as, addr, &skip);
		for (unsigned int i = 0; slot && i < nr; i++) {
			pte_t e = pte_load(&slot[i]), new;

			if (pte_is_none(e))
				continue;
			new = pte_with_prot(e, entry_prot(r, e, prot));
			if (new.v == e.v)
				continue;
			if (prot & PTE_EXEC && !(pte_prot(e) & PTE_EXEC) &&
			    pte_soft(e) & PTE_SOFT_PAGE)
				page_make_fetchable(pte_page(e));
			pte_store(&slot[i], new);
			first = min(first, addr + ((uint64_t)i << PAGE_SHIFT));
			last = addr + ((uint64_t)(i + 1) << PAGE_SHIFT);
		}
		spin_unlock(&as->pt_lock);
		if (!slot && skip <= addr)
			break;
		addr = slot ? addr + ((uint64_t)nr << PAGE_SHIFT) : skip;
	}
	if (first < last)
		arch_tlb_flush(as, first, last);
}

static void unmap_mappings(struct memobj *o, uint64_t start, uint64_t end, enum zap_mode mode)
{
	struct region *r;

	rwsem_lock_read(&o->lock);
	list_for_each_entry(r, &o->mappings, object_node) {
		uint64_t size = r->end - r->start, from, to;

		if (end <= r->object_offset || start >= r->object_offset + size)
			continue;
		from = start > r->object_offset ? start - r->object_offset : 0;
		to = min(size, end - r->object_offset);
		region_zap(r, r->start + from, r->start + to, mode);
	}
	rwsem_unlock_read(&o->lock);
}

void memobj_unmap_range(struct memobj *o, uint64_t start, uint64_t end)
{
	unmap_mappings(o, start, end, ZAP_KEEP_TABLES);
}

void memobj_unmap_cached(struct memobj *o, uint64_t start, uint64_t end)
{
	unmap_mappings(o, start, end, ZAP_KEEP_COPIES);
}

void memobj_clean_mappings(struct memobj *o, uint64_t index)
{
	uint64_t at = index << PAGE_SHIFT, skip;
	struct region *r;

	rwsem_lock_read(&o->lock);
	list_for_each_entry(r, &o->mappings, object_node) {
		struct aspace *as = r->aspace;
		uint64_t addr = r->start + (at - r->object_offset);
		pte_t *slot, e;
		bool changed = false;

		if (region_is_private(r) || at < r->object_offset ||
		    at - r->object_offset >= r->end - r->start)
			continue;
		spin_lock(&as->pt_lock);
		slot = pt_slot_find(as, addr, &skip);
		e = slot ? pte_load(slot) : (pte_t){ 0 };
		if (!pte_is_none(e) && pte_prot(e) & PTE_WRITE) {
			pte_store(slot, pte_with_prot(e, pte_prot(e) & ~(unsigned int)PTE_WRITE));
			changed = true;
		}
		spin_unlock(&as->pt_lock);
		if (changed)
			arch_tlb_flush(as, addr, addr + PAGE_SIZE);
	}
	rwsem_unlock_read(&o->lock);
}

/*
 * Moving (mremap).  as->lock held for writing, so nobody else looks for slots.  Truncation does not
 * take it: it may take an entry away as soon as it is at its new place, and flushes only there; so
 * what may be truncated is flushed at the old place first.
 */
int region_move_entries(struct region *from, uint64_t old, struct region *to, uint64_t new_addr,
			uint64_t len)
{
	struct aspace *as = from->aspace;
	uint64_t skip, done = 0;

	while (done < len) {
		pte_t *src, *dst, e;
		uint64_t at = old + done;

		src = pt_slot_find(as, at, &skip);
		if (!src) {
			if (skip - old >= len)
				break;
			done = skip - old;
			continue;
		}
		if (!pte_is_none(pte_load(src))) {
			dst = pt_slot_get(as, new_addr + done);
			if (!dst)
				return -ENOMEM;
			spin_lock(&as->pt_lock);
			e = pte_load(src);
			if (!pte_is_none(e)) {
				pte_store(src, (pte_t){ 0 });
				pt_live_add_locked(as, src, -1);
				if (from->object)
					arch_tlb_flush(as, at, at + PAGE_SIZE);
				pte_store(dst, e);
				pt_live_add_locked(as, dst, 1);
			}
			spin_unlock(&as->pt_lock);
		}
		done += PAGE_SIZE;
	}
	to->has_copies |= from->has_copies;
	arch_pt_sync();
	arch_tlb_flush(as, old, old + len);
	return 0;
}

/* Fork. */

/*
 * Copy the entries of one leaf table's run.  Both pt_locks held.  True when the parent's entries
 * changed.
 */
static bool fork_run_locked(struct region *from, struct region *to, pte_t *src, pte_t *dst,
			    unsigned int nr)
{
	struct aspace *as = to->aspace;
	bool is_private = region_is_private(from), changed = false;
	int64_t live = 0, resident = 0, anon = 0;

	for (unsigned int i = 0; i < nr; i++) {
		pte_t e = pte_load(&src[i]);

		if (pte_is_none(e))
			continue;
		if (is_private && pte_prot(e) & PTE_WRITE) {
			e = pte_with_prot(e, pte_prot(e) & ~(unsigned int)PTE_WRITE);
			pte_store(&src[i], e);
			changed = true;
		}
		if (pte_soft(e) & PTE_SOFT_PAGE) {
			struct page *p = pte_page(e);

			page_ref(p);
			anon += p->kind == PAGE_ANON;
			resident++;
		}
		pte_store(&dst[i], e);
		live++;
	}
	if (!live)
		return false;
	pt_live_add_locked(as, dst, live);
	as->rss_anon += anon;
	if (from->object && from->object->flags & MEMOBJ_SHMEM)
		as->rss_shmem += resident - anon;
	else
		as->rss_file += resident - anon;
	return changed;
}

int region_fork_entries(struct region *from, struct region *to, bool *changed)
{
	struct aspace *as = from->aspace;
	uint64_t skip;

	for (uint64_t addr = from->start; addr < from->end; ) {
		unsigned int nr = run_in_table(addr, from->end);
		pte_t *src = pt_slot_find(as, addr, &skip), *dst;

		if (!src) {
			if (skip <= addr)
				break;
			addr = skip;
			continue;
		}
		if (!pt_page(src)->table.live) {
			addr += (uint64_t)nr << PAGE_SHIFT;
			continue;
		}
		dst = pt_slot_get(to->aspace, addr);
		if (!dst)
			return -ENOMEM;
		spin_lock(&as->pt_lock);
		spin_lock(&to->aspace->pt_lock);
		*changed |= fork_run_locked(from, to, src, dst, nr);
		spin_unlock(&to->aspace->pt_lock);
		spin_unlock(&as->pt_lock);
		addr += (uint64_t)nr << PAGE_SHIFT;
	}
	return 0;
}

/* smaps. */
static void count_share(struct region_usage *u, const struct region *r, const struct page *p,
			bool is_dirty)
{
	bool is_anon = p->kind == PAGE_ANON;
	uint64_t share = PAGE_SIZE / (uint64_t)max(refcount_read(&p->refs) - !is_anon, 1);

	u->pss_bytes += share;
	if (is_dirty)
		u->pss_dirty += share;
	if (is_anon)
		u->pss_anon += share;
	else if (r->object && (r->object->flags & MEMOBJ_SHMEM))
		u->pss_shmem += share;
	if (r->flags & REGION_LOCKED)
		u->pss_locked += share;
}

void region_usage(struct region *r, struct region_usage *u)
{
	struct aspace *as = r->aspace;
	uint64_t skip;

	*u = (struct region_usage){ 0 };
	for (uint64_t addr = r->start; addr < r->end; ) {
		unsigned int nr = run_in_table(addr, r->end);
		pte_t *slot;

		spin_lock(&as->pt_lock);
		slot = pt_slot_find(as, addr, &skip);
		for (unsigned int i = 0; slot && i < nr; i++) {
			pte_t e = pte_load(&slot[i]);
			const struct page *p;
			bool is_dirty, is_shared;

			if (pte_is_none(e) || !(pte_soft(e) & PTE_SOFT_PAGE))
				continue;
			p = pte_page(e);
			is_dirty = p->kind == PAGE_ANON || p->flags & PAGE_DIRTY;
			/* The cache's own reference is no sharer. */
			is_shared = refcount_read(&p->refs) > (p->kind == PAGE_ANON ? 1 : 2);
			u->rss++;
			u->anon += p->kind == PAGE_ANON;
			u->referenced += pte_is_young(e);
			count_share(u, r, p, is_dirty);
			*(is_shared ? is_dirty ? &u->shared_dirty : &u->shared_clean
				    : is_dirty ? &u->private_dirty : &u->private_clean) += 1;
		}
		spin_unlock(&as->pt_lock);
		if (!slot && skip <= addr)
			break;
		addr = slot ? addr + ((uint64_t)nr << PAGE_SHIFT) : skip;
	}
}
