/* SPDX-License-Identifier: MIT */
/*
 * Physical pages: the struct page array, the buddy allocator and its per-CPU lists.
 */
#ifndef MM_PAGE_H
#define MM_PAGE_H

#include <arch/mmu.h>
#include <lib/atomic.h>
#include <lib/list.h>

struct memobj;
struct slab_cache;

enum page_kind {
	PAGE_FREE, PAGE_KERNEL, PAGE_SLAB, PAGE_TABLE, PAGE_ANON, PAGE_CACHE, PAGE_RESERVED,
};

enum page_flags {			/* [A] */
	PAGE_DIRTY	= 1 << 0,
	PAGE_UPTODATE	= 1 << 1,
	PAGE_WRITEBACK	= 1 << 2,
	PAGE_REFERENCED	= 1 << 3,
	PAGE_LOCKED	= 1 << 4,
	PAGE_ERROR	= 1 << 5,
	PAGE_PERCPU	= 1 << 6,	/* free, on a per-CPU list */
	PAGE_BUDDY	= 1 << 7,	/* free, head of a block on a buddy list */
	PAGE_FETCHABLE	= 1 << 8,	/* instruction caches have what the kernel wrote */
	PAGE_POISONED	= 1 << 9,	/* free since it was filled with poison: debug */
};

/*
 * One for each page frame: 32 bytes, so that they cost 0.8 % of memory.  What the union holds
 * follows from kind.
 */
struct page {
	refcount_t refs;		/* holders: page table entries count one each */
	uint8_t kind;			/* enum page_kind; owner's */
	uint8_t order;			/* of a free or allocated block's first page */
	uint16_t flags;			/* [A] enum page_flags */
	union {
		struct list free_node;			/* PAGE_FREE [R] BUDDY */
		struct {			/* PAGE_SLAB [R] SLAB; the first page of a slab */
			struct slab_cache *cache;	/* [I] in every page of the slab */
			uint32_t next, prev;	/* frame numbers: list of slabs with free objects */
			uint32_t free_offset;		/* first free object; SLAB_NONE */
			uint16_t in_use;
			uint16_t tail;			/* [I] pages back to the first page */
		} slab;
		struct {			/* PAGE_TABLE of user space [R] PAGE_TABLE */
			struct list node;		/* all tables of the address space */
			uint64_t live;			/* entries that are not none */
		} table;
		struct {				/* PAGE_CACHE [R] PAGE_TREE */
			struct memobj *object;		/* NULL once removed */
			uint64_t index;			/* in pages */
			void *priv;
		} cache;
		uint64_t words[3];
	};
};
_Static_assert(sizeof(struct page) == 32, "struct page is 32 bytes");

static inline uint16_t page_set_flags(struct page *p, uint16_t bits)
{
	return __atomic_fetch_or(&p->flags, bits, __ATOMIC_ACQ_REL);
}

static inline uint16_t page_clear_flags(struct page *p, uint16_t bits)
{
	return __atomic_fetch_and(&p->flags, (uint16_t)~bits, __ATOMIC_ACQ_REL);
}

static inline bool page_has(const struct page *p, uint16_t bits)
{
	return __atomic_load_n(&p->flags, __ATOMIC_ACQUIRE) & bits;
}

#define page_array ((struct page *)PAGE_ARRAY_BASE)

static inline uint64_t page_to_pfn(const struct page *p) { return (uint64_t)(p - page_array); }
static inline struct page *pfn_to_page(uint64_t pfn) { return page_array + pfn; }
static inline paddr_t page_to_phys(const struct page *p)
{
	return PADDR(page_to_pfn(p) << PAGE_SHIFT);
}
static inline struct page *phys_to_page(paddr_t pa) { return pfn_to_page(pa.v >> PAGE_SHIFT); }
static inline void *page_to_virt(const struct page *p) { return phys_to_virt(page_to_phys(p)); }
static inline struct page *virt_to_page(const void *va) { return phys_to_page(virt_to_phys(va)); }

/* Is @pa RAM with a struct page?  For addresses from outside (devices, page tables of MMIO). */
bool phys_has_page(paddr_t pa);

enum alloc_flags {
	ALLOC_NORMAL	= 0,		/* may sleep and reclaim */
	ALLOC_ATOMIC	= 1 << 0,	/* may not sleep; may use the emergency reserve */
	ALLOC_ZERO	= 1 << 1,
	/* for a process: on exhaustion the OOM path may pick a victim */
	ALLOC_USER	= 1 << 2,
	/* fail instead of reclaiming hard; the caller has another way */
	ALLOC_NO_RETRY	= 1 << 3,
	ALLOC_DMA32	= 1 << 4,	/* below 4 GiB */
};

#define PAGE_ORDER_MAX 10		/* 4 MiB */

/* 2^order contiguous pages with one reference; NULL when there are none. */
struct page *page_alloc(unsigned int order, unsigned int flags);
/* Drop a reference; the last frees the block. */
void page_put(struct page *p);
static inline void page_ref(struct page *p) { refcount_inc(&p->refs); }
/* Free a block whose only reference is the caller's; skips the count. */
void page_free(struct page *p, unsigned int order);
/* Many order-0 pages at once (address-space teardown). */
void page_put_batch(struct page **pages, unsigned int nr);
/*
 * Up to @nr single pages, not cleared; how many there were.  Takes what is at hand: does not
 * reclaim for more than one.
 */
unsigned int page_alloc_batch(struct page **pages, unsigned int nr, unsigned int flags);

static inline void *page_alloc_virt(unsigned int order, unsigned int flags)
{
	struct page *p = page_alloc(order, flags);

	return p ? page_to_virt(p) : NULL;
}
static inline void page_free_virt(void *va, unsigned int order)
{
	page_free(virt_to_page(va), order);
}

/* The page of zeros that read faults map; never freed. */
extern struct page *zero_page;

/*
 * A page counts as PAGE_KERNEL until its owner sets .kind and says so with page_stat_add(); the
 * free path takes a block off the counter of the kind that it then has.
 */
enum page_counter {
	PAGES_STACK, PAGES_SHMEM, PAGES_DIRTY, PAGES_WRITEBACK,
	PAGES_EVER_DIRTIED, PAGES_EVER_WRITTEN,	/* only grow */
	PAGE_COUNTERS,
};
struct page_stats {			/* in pages; exact sums over CPUs at the time of reading */
	uint64_t total, free, anon, cache, slab, table, kernel_stack, shmem, dirty, writeback,
		ever_dirtied, ever_written;
	uint64_t available;		/* free and easily reclaimed */
	uint64_t allocs, frees;		/* single-page list traffic with the buddy allocator */
};
void page_stats(struct page_stats *s);
void page_stat_add(enum page_kind kind, int64_t n);	/* any context */
void page_counter_add(enum page_counter counter, int64_t n);

void page_init(void);		/* after arch_mmu_init(): array, buddy; early_alloc() ends */
bool page_allocator_ready(void);	/* has page_init() run? */
/* give back .init sections and the unpacked initrd's range */
void page_free_init_memory(void);
void page_free_range(paddr_t base, uint64_t size);	/* once-reserved memory becomes free */

/*
 * Reclaim hooks: caches that can give pages back.  Called from the reclaim thread or an allocating
 * thread; returns pages freed; may sleep only if @may_sleep.
 */
struct reclaimer {
	const char *name;
	uint64_t (*shrink)(struct reclaimer *r, uint64_t want_pages, bool may_sleep);
	struct list node;
};
void reclaim_register(struct reclaimer *r);
/* Ask all reclaimers, directly; pages freed.  Thread context, no locks held. */
uint64_t reclaim_pages(uint64_t want);
/* Let the reclaim thread run soon.  Any context. */
void reclaim_wake(void);
void reclaim_init(void);		/* starts the thread: INIT_CORE */

/* mm/oom.c: choose and kill a process for memory; true when something was killed or is dying. */
bool oom_kill(void);

#endif
