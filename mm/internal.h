/* SPDX-License-Identifier: MIT */
/*
 * What the files of mm/ that build address spaces share with each other and with nobody else.
 */
#ifndef MM_INTERNAL_H
#define MM_INTERNAL_H

#include <arch/cache.h>
#include <lib/assert.h>
#include <lib/minmax.h>
#include <mm/aspace.h>
#include <uapi/mman.h>

#define STACK_GUARD		(256 * PAGE_SIZE)	/* below a stack that grows */
#define FAULT_AROUND		16U
#define MMAP_MIN_ADDR		0x10000UL

static inline struct region *region_of(struct span *s)
{
	return s ? container_of(s, struct region, span) : NULL;
}

static inline struct region *region_next(struct region *r)
{
	return region_of(span_next(&r->span));
}
static inline struct region *region_prev(struct region *r)
{
	return region_of(span_prev(&r->span));
}
static inline uint64_t region_pages(const struct region *r)
{
	return (r->end - r->start) >> PAGE_SHIFT;
}

static inline bool region_is_private(const struct region *r)
{
	return !(r->flags & REGION_SHARED);
}

/* The object's page index that @addr of @r shows. */
static inline uint64_t region_index(const struct region *r, uint64_t addr)
{
	return (r->object_offset + (addr - r->start)) >> PAGE_SHIFT;
}

/* region.c.  as->lock held for writing. */
struct region *region_alloc(struct aspace *as, uint64_t start, uint64_t end);
void region_free(struct region *r);		/* drops object and file */
void region_insert(struct aspace *as, struct region *r);
/* off the tree and the object's list */
void region_remove(struct aspace *as, struct region *r);
/* Cut @r at @at; @r keeps the lower part.  The upper one, or an error pointer. */
struct region *region_split(struct region *r, uint64_t at);
/* Join @r with equal neighbours; the region that then holds its start. */
struct region *region_merge(struct region *r);
void region_resize(struct region *r, uint64_t start, uint64_t end);
/* Change prot or flags, with the counters that follow from them. */
void region_change(struct region *r, uint32_t prot, uint32_t flags);
/* Make region bounds at @start and @end: 0 or -ENOMEM. */
__must_check int regions_cut(struct aspace *as, uint64_t start, uint64_t end);
struct region *region_copy(struct aspace *to, const struct region *from);
void region_caches_init(void);

/* table.c: user page tables. */

/* pte_prot bits for entries of @r. */
static inline unsigned int region_pte_prot(const struct region *r)
{
	_Static_assert(PROT_READ == PTE_READ && PROT_WRITE == PTE_WRITE,
		       "protection bits are the same two");
	unsigned int p = r->prot & (PROT_READ | PROT_WRITE);

	if (!r->prot)
		return PTE_USER;
	if (r->prot & PROT_EXEC)
		p |= PTE_EXEC;
	return p | PTE_READ | PTE_USER;
}

/* PTE_USER alone (PROT_NONE) makes an entry that is held but admits nothing. */
static inline pte_t user_leaf(paddr_t pa, unsigned int prot, enum mem_type type)
{
	return pte_leaf(pa, prot, type, 0);
}

static inline unsigned int pt_index(uint64_t addr, unsigned int level)
{
	return addr >> (PAGE_SHIFT + PT_INDEX_BITS * level) & (PT_ENTRIES - 1);
}

/* Bytes that a table's entry at @level covers. */
static inline uint64_t pt_span(unsigned int level)
{
	return 1ULL << (PAGE_SHIFT + PT_INDEX_BITS * level);
}

static inline struct page *pt_page(const pte_t *slot)
{
	return virt_to_page(slot);
}

static inline struct page *pte_page(pte_t e)
{
	return phys_to_page(pte_paddr(e));
}

/* @delta entries of the leaf table that holds @slot came or went.  pt_lock held. */
static inline void pt_live_add_locked(struct aspace *as, const pte_t *slot, int64_t delta)
{
	struct page *t = pt_page(slot);

	if (!t->table.live)
		as->empty_tables--;
	t->table.live += (uint64_t)delta;
	if (!t->table.live)
		as->empty_tables++;
}

/* The slot of @addr, with all tables; NULL without memory.  as->lock held for reading at least. */
pte_t *pt_slot_get(struct aspace *as, uint64_t addr);
/* The slot, or NULL where there is no table; *skip is then the end of the hole. */
pte_t *pt_slot_find(struct aspace *as, uint64_t addr, uint64_t *skip);
void pt_free_all(struct aspace *as);		/* after arch_aspace_destroy() */

/*
 * Before @p is mapped executable: instruction caches may lack what the kernel wrote to it through
 * the direct map.  Once a page, until page_mark_dirty() says that it was written again.
 */
static inline void page_make_fetchable(struct page *p)
{
	if (__atomic_load_n(&p->flags, __ATOMIC_RELAXED) & PAGE_FETCHABLE)
		return;
	arch_icache_sync(page_to_virt(p), PAGE_SIZE);
	__atomic_fetch_or(&p->flags, PAGE_FETCHABLE, __ATOMIC_RELAXED);
}

enum zap_mode {
	/* others may hold slots: as->lock is held for reading or not at all */
	ZAP_KEEP_TABLES,
	ZAP_KEEP_COPIES,		/* the same, and private copies stay: hole punching */
	ZAP_FREE_TABLES,		/* as->lock is held for writing */
	ZAP_DEAD,			/* nobody runs in it any more: no flush, tables go later */
};
/* Remove the entries of [start, end), which lies within @r. */
void region_zap(struct region *r, uint64_t start, uint64_t end, enum zap_mode mode);
/* Set the entries of [start, end) to @r's protection after it changed, and flush. */
void region_protect(struct region *r, uint64_t start, uint64_t end);
/*
 * Move entries of @len bytes; tables for the target are made.  -ENOMEM moves nothing back: the
 * caller undoes.
 */
__must_check int region_move_entries(struct region *from, uint64_t old, struct region *to,
				     uint64_t new_addr, uint64_t len);
__must_check int region_fork_entries(struct region *from, struct region *to, bool *changed);

/* fault.c.  as->lock held for reading; @flags as below. */
enum { FAULT_FORCE = 1 };	/* write to a private page without PROT_WRITE, for ptrace */
int region_fault(struct region *r, uint64_t addr, enum fault_access access, unsigned int flags);
/* The page that the entry of @addr shows, a reference; NULL.  as->lock held for reading. */
struct page *region_page_get(struct region *r, uint64_t addr);
/* Fault in [start, end).  as->lock not held.  0, -EFAULT, -ENOMEM, -EIO, -EINTR. */
__must_check int aspace_populate(struct aspace *as, uint64_t start, uint64_t end, bool for_write);

/* memobj.c: where threads wait for PAGE_LOCKED and PAGE_WRITEBACK of @p to go. */
struct waitq *page_waitq(const struct page *p);

/* mmap.c.  as->lock held for writing. */
__must_check int munmap_locked(struct aspace *as, uint64_t start, uint64_t end);
/* A free place of @len bytes; 0: none. */
uint64_t place_find(struct aspace *as, uint64_t hint, uint64_t len, uint32_t map_flags);
/* May @as have @pages more?  RLIMIT_AS, RLIMIT_DATA and overcommit: 0 or -ENOMEM. */
__must_check int may_map(struct aspace *as, uint64_t pages, uint32_t prot, uint32_t region_flags);

#endif
