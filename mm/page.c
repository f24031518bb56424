/* SPDX-License-Identifier: MIT */
/*
 * The page allocator: buddy lists per zone, with a list of single pages on each CPU.
 *
 * I1 a free block has PAGE_BUDDY and its order in its first page only, and is aligned to its size;
 * I2 the page array is mapped for whole blocks of the largest order around RAM, so a buddy's struct
 *    page can always be read; frames that are no RAM never have PAGE_BUDDY;
 * I3 a CPU's list is touched only by that CPU, with preemption off and never from an
 *    interrupt: interrupts go to the buddy lists, whose lock masks them;
 * I4 the last zone.min pages of a zone are for callers that cannot wait and for dying
 *    processes, so that freeing memory never fails for want of memory.
 */
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <lib/assert.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/early.h>
#include <mm/kernel_map.h>
#include <mm/page.h>

#define CPU_LIST_MAX	96
#define CPU_LIST_BATCH	32
#define BATCH_ORDER	5		/* 1 << BATCH_ORDER == CPU_LIST_BATCH */
#define BLOCK_PAGES	(1UL << PAGE_ORDER_MAX)
#define POISON		0xaaaaaaaaaaaaaaaaULL

enum zone_index { ZONE_DMA32, ZONE_HIGH, ZONES };
#define DMA32_PFN_END	(1UL << (32 - PAGE_SHIFT))

struct zone {
	struct spinlock lock;		/* class BUDDY; interrupts masked */
	struct list free[PAGE_ORDER_MAX + 1];	/* [L] blocks by order */
	uint32_t orders;		/* [L] bit n: free[n] is not empty */
	uint64_t nr_free;		/* [L] pages */
	uint64_t nr_total;		/* [I] after boot */
	uint64_t min, low, high;	/* [I] watermarks */
};

/* What one CPU keeps for itself. */
struct page_cpu {
	uint32_t nr;			/* [P] */
	struct page *pages[CPU_LIST_MAX];	/* [P] */
	int64_t kinds[PAGE_RESERVED + 1];	/* [P] sums over CPUs count */
	int64_t counters[PAGE_COUNTERS];	/* [P] */
	uint64_t refills, flushes;	/* [P] pages */
};

static struct zone zones[ZONES];
static DEFINE_PERCPU(struct page_cpu, page_cpu);
static bool ready;
struct page *zero_page;

bool page_allocator_ready(void)
{
	return ready;
}

static inline struct zone *zone_of(const struct page *p)
{
	return &zones[page_to_pfn(p) < DMA32_PFN_END ? ZONE_DMA32 : ZONE_HIGH];
}

/* Sets refs, kind, order and flags in one store. */
static inline void page_header(struct page *p, uint32_t refs, enum page_kind kind,
			       unsigned int order, unsigned int flags)
{
	_Static_assert(offsetof(struct page, flags) == 6, "page_header() writes the first word");
	*(uint64_t *)p = refs | (uint64_t)kind << 32 | (uint64_t)order << 40 |
		(uint64_t)flags << 48;
}

/*
 * Poison.  A page is filled when it is freed and checked when it is handed out; PAGE_POISONED,
 * which a free page keeps through all lists, says that it was.  Memory that has never been freed is
 * filled when it is handed out: not at boot, which would take a second for each gigabyte.
 */

static void poison_fill(struct page *p, unsigned int order)
{
	memset(page_to_virt(p), (uint8_t)POISON, PAGE_SIZE << order);
	for (unsigned long i = 0; i < 1UL << order; i++)
		p[i].flags |= PAGE_POISONED;
}

static inline unsigned int poison_flag(const struct page *p)
{
	return IS_ENABLED(CONFIG_PAGE_POISON) ? p->flags & (unsigned int)PAGE_POISONED : 0;
}

static void poison_check(struct page *p)
{
	const uint64_t *w = page_to_virt(p);

	for (size_t i = 0; i < PAGE_SIZE / 8; i++)
		ENSURE_MSG(w[i] == POISON, "page %#lx was written while free: word %zu is %#lx",
			   (unsigned long)page_to_pfn(p), i, (unsigned long)w[i]);
}

static void poison_end(struct page *p, unsigned int order)
{
	for (unsigned long i = 0; i < 1UL << order; i++) {
		if (poison_flag(&p[i]))
			poison_check(&p[i]);
		else
			poison_fill(&p[i], 0);
		p[i].flags &= (uint16_t)~PAGE_POISONED;
	}
}

/* Buddy lists.  Zone lock held. */

static void block_add_locked(struct zone *z, struct page *p, unsigned int order)
{
	page_header(p, 0, PAGE_FREE, order, PAGE_BUDDY | poison_flag(p));
	list_add(&p->free_node, &z->free[order]);
	z->orders |= 1U << order;
}

static void block_remove_locked(struct zone *z, struct page *p, unsigned int order)
{
	list_del(&p->free_node);
	p->flags = (uint16_t)poison_flag(p);
	if (list_empty(&z->free[order]))
		z->orders &= ~(1U << order);
}

static void block_free_locked(struct zone *z, struct page *p, unsigned int order)
{
	uint64_t pfn = page_to_pfn(p);

	z->nr_free += 1UL << order;
	for (; order < PAGE_ORDER_MAX; order++) {
		struct page *buddy = pfn_to_page(pfn ^ 1UL << order);

		if (!(buddy->flags & PAGE_BUDDY) || buddy->order != order)
			break;
		block_remove_locked(z, buddy, order);
		pfn &= ~(1UL << order);
	}
	block_add_locked(z, pfn_to_page(pfn), order);
}

/* A block of exactly @order, splitting a larger one; NULL.  @keep pages stay in the zone. */
static struct page *block_alloc_locked(struct zone *z, unsigned int order, uint64_t keep)
{
	uint32_t fits = z->orders >> order << order;
	struct page *p;
	unsigned int o;

	if (!fits || z->nr_free < keep + (1UL << order))
		return NULL;
	o = (unsigned int)__builtin_ctz(fits);
	p = container_of(z->free[o].next, struct page, free_node);
	block_remove_locked(z, p, o);
	while (o > order) {
		o--;
		block_add_locked(z, p + (1UL << o), o);
	}
	z->nr_free -= 1UL << order;
	return p;
}

/* How many pages must stay in @z for this caller (I4). */
static uint64_t reserve_for(const struct zone *z, unsigned int flags)
{
	/* Who cleans pages gives more back than it takes. */
	if (flags & ALLOC_ATOMIC || current_thread()->is_cleaner ||
	    (signal_is_pending() && signal_is_fatal_pending()))
		return 0;
	return z->min;
}

static struct page *zone_alloc(struct zone *z, unsigned int order, unsigned int flags)
{
	uint64_t keep = reserve_for(z, flags);
	unsigned long irq = spin_lock_irqsave(&z->lock);
	struct page *p = block_alloc_locked(z, order, keep);
	bool is_low = z->nr_free < z->low;

	spin_unlock_irqrestore(&z->lock, irq);
	if (unlikely(is_low))
		reclaim_wake();
	return p;
}

static struct page *zones_alloc(unsigned int order, unsigned int flags)
{
	struct page *p = NULL;

	if (zones[ZONE_HIGH].nr_total && !(flags & ALLOC_DMA32))
		p = zone_alloc(&zones[ZONE_HIGH], order, flags);
	return p ? p : zone_alloc(&zones[ZONE_DMA32], order, flags);
}

static void block_free(struct page *p, unsigned int order)
{
	struct zone *z = zone_of(p);
	unsigned long irq = spin_lock_irqsave(&z->lock);

	ENSURE(!(p->flags & PAGE_BUDDY));
	block_free_locked(z, p, order);
	spin_unlock_irqrestore(&z->lock, irq);
}

/* This CPU's list.  Preemption off, no interrupt (I3). */

/*
 * Fill the list: a whole block when there is one, so that pages come in order; else what there is.
 */
static bool cpu_list_refill(struct page_cpu *c, unsigned int flags)
{
	struct page *block = zones_alloc(BATCH_ORDER, flags);

	if (block) {
		for (unsigned int i = CPU_LIST_BATCH; i--; ) {
			page_header(&block[i], 0, PAGE_FREE, 0,
				    PAGE_PERCPU | poison_flag(&block[i]));
			c->pages[c->nr++] = &block[i];
		}
		c->refills += CPU_LIST_BATCH;
		return true;
	}
	for (unsigned int i = 0; i < CPU_LIST_BATCH / 4; i++) {
		struct page *p = zones_alloc(0, flags);

		if (!p)
			break;
		p->flags = (uint16_t)(PAGE_PERCPU | poison_flag(p));
		c->pages[c->nr++] = p;
		c->refills++;
	}
	return c->nr != 0;
}

/* Give the @nr pages that were freed longest ago back to their zones. */
static void cpu_list_flush(struct page_cpu *c, unsigned int nr)
{
	struct zone *z = NULL;
	unsigned long irq = 0;

	for (unsigned int i = 0; i < nr; i++) {
		struct page *p = c->pages[i];

		if (zone_of(p) != z) {
			if (z)
				spin_unlock_irqrestore(&z->lock, irq);
			z = zone_of(p);
			irq = spin_lock_irqsave(&z->lock);
		}
		block_free_locked(z, p, 0);
	}
	if (z)
		spin_unlock_irqrestore(&z->lock, irq);
	c->nr -= nr;
	memmove(c->pages, c->pages + nr, c->nr * sizeof(c->pages[0]));
	c->flushes += nr;
}

static void cpu_list_drain(void)
{
	struct page_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(&page_cpu);
	if (!in_interrupt())
		cpu_list_flush(c, c->nr);
	preempt_enable();
}

static inline void cpu_list_push(struct page_cpu *c, struct page *p)
{
	c->kinds[p->kind]--;
	if (IS_ENABLED(CONFIG_PAGE_POISON))
		poison_fill(p, 0);
	ENSURE(!(p->flags & (PAGE_PERCPU | PAGE_BUDDY)));
	page_header(p, 0, PAGE_FREE, 0, PAGE_PERCPU | poison_flag(p));
	if (unlikely(c->nr == CPU_LIST_MAX))
		cpu_list_flush(c, CPU_LIST_BATCH);
	c->pages[c->nr++] = p;
}

static inline void page_hand_out(struct page *p, unsigned int order, unsigned int flags)
{
	if (IS_ENABLED(CONFIG_PAGE_POISON))
		poison_end(p, order);
	page_header(p, 1, PAGE_KERNEL, order, 0);
	if (!(flags & ALLOC_ZERO))
		return;
	for (unsigned long i = 0; i < 1UL << order; i++)
		arch_clear_page((char *)page_to_virt(p) + i * PAGE_SIZE);
}

/* The general path. */

/*
 * Nothing was free.  Reclaim, and for a process's pages kill.  Bounded: each round waits for what
 * a victim gives back, and after some rounds the caller gets its failure.
 */
static struct page *page_alloc_hard(unsigned int order, unsigned int flags)
{
	struct page *p = NULL;

	/* A round that gave something back counts less: others may have been faster to take it. */
	for (unsigned int round = 0; round < 64 * 16 && !p; round++) {
		uint64_t freed = reclaim_pages(max(CPU_LIST_BATCH, 1 << order));

		cpu_list_drain();
		p = zones_alloc(order, flags);
		if (p || freed)
			continue;
		round += 15;
		if (!(flags & ALLOC_USER) || order || signal_is_fatal_pending() || !oom_kill())
			break;
		sleep_ns(5 * NSEC_PER_MSEC);
		p = zones_alloc(order, flags);
	}
	return p;
}

static struct page *page_alloc_slow(unsigned int order, unsigned int flags)
{
	struct page *p = zones_alloc(order, flags);
	bool can_sleep = !(flags & (ALLOC_ATOMIC | ALLOC_NO_RETRY)) && !in_atomic() &&
			 arch_irq_is_enabled();

	if (!p && !(flags & ALLOC_DMA32) && !in_interrupt()) {
		cpu_list_drain();
		p = zones_alloc(order, flags);
	}
	if (!p && can_sleep)
		p = page_alloc_hard(order, flags);
	if (p)
		page_hand_out(p, order, flags);
	return p;
}

/* This CPU's list is empty, or this is an interrupt. */
static __noinline struct page *page_alloc_refill(unsigned int flags)
{
	struct page *p = NULL;
	struct page_cpu *c;

	if (in_interrupt())
		return page_alloc_slow(0, flags);
	preempt_disable();
	c = this_cpu_ptr(&page_cpu);
	if (c->nr || cpu_list_refill(c, flags))
		p = c->pages[--c->nr];
	preempt_enable();
	if (!p)
		return page_alloc_slow(0, flags);
	page_hand_out(p, 0, flags);
	return p;
}

struct page *page_alloc(unsigned int order, unsigned int flags)
{
	struct page *p;
	struct page_cpu *c;

	if (unlikely(order || flags & ALLOC_DMA32))
		return order <= PAGE_ORDER_MAX ? page_alloc_slow(order, flags) : NULL;
	preempt_disable();
	c = this_cpu_ptr(&page_cpu);
	if (unlikely(in_interrupt() || !c->nr)) {
		preempt_enable();
		return page_alloc_refill(flags);
	}
	p = c->pages[--c->nr];
	preempt_enable();
	page_hand_out(p, 0, flags);
	return p;
}

unsigned int page_alloc_batch(struct page **pages, unsigned int nr, unsigned int flags)
{
	struct page_cpu *c;
	unsigned int got = 0;

	preempt_disable();
	c = this_cpu_ptr(&page_cpu);
	while (got < nr && (c->nr || cpu_list_refill(c, flags)))
		pages[got++] = c->pages[--c->nr];
	preempt_enable();
	for (unsigned int i = 0; i < got; i++)
		page_hand_out(pages[i], 0, flags);
	if (got || !nr)
		return got;
	pages[0] = page_alloc_slow(0, flags);
	return pages[0] != NULL;
}

void page_free(struct page *p, unsigned int order)
{
	struct page_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(&page_cpu);
	if (likely(!order && !in_interrupt())) {
		cpu_list_push(c, p);
	} else {
		page_stat_add(p->kind, -(int64_t)(1UL << order));
		if (IS_ENABLED(CONFIG_PAGE_POISON))
			poison_fill(p, order);
		block_free(p, order);
	}
	preempt_enable();
}

void page_put(struct page *p)
{
	if (refcount_dec_and_test(&p->refs))
		page_free(p, p->order);
}

void page_put_batch(struct page **pages, unsigned int nr)
{
	struct page_cpu *c;

	preempt_disable();
	c = this_cpu_ptr(&page_cpu);
	for (unsigned int i = 0; i < nr; i++) {
		struct page *p = pages[i];

		/* One reference left and it is ours: nobody else can make it two. */
		if (refcount_read(&p->refs) != 1 && !refcount_dec_and_test(&p->refs))
			continue;
		if (likely(!p->order))
			cpu_list_push(c, p);
		else
			page_free(p, p->order);
	}
	preempt_enable();
}

/* Statistics. */

void page_stat_add(enum page_kind kind, int64_t n)
{
	unsigned long irq = arch_irq_save();

	this_cpu_ptr(&page_cpu)->kinds[kind] += n;
	arch_irq_restore(irq);
}

void page_counter_add(enum page_counter counter, int64_t n)
{
	unsigned long irq = arch_irq_save();

	this_cpu_ptr(&page_cpu)->counters[counter] += n;
	arch_irq_restore(irq);
}

/* Sums may be a moment old on each CPU, so a momentary minus is nothing to show. */
static uint64_t not_negative(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

void page_stats(struct page_stats *s)
{
	int64_t kinds[PAGE_RESERVED + 1] = { 0 }, counters[PAGE_COUNTERS] = { 0 };

	*s = (struct page_stats){ 0 };
	for (unsigned int i = 0; i < ZONES; i++) {
		s->total += zones[i].nr_total;
		s->free += READ_ONCE(zones[i].nr_free);
	}
	for (unsigned int cpu = 0; cpu < max(nr_cpus, 1U); cpu++) {
		const struct page_cpu *c = nr_cpus ? per_cpu_ptr(&page_cpu, cpu) : &page_cpu;

		s->free += READ_ONCE(c->nr);
		s->allocs += c->refills;
		s->frees += c->flushes;
		for (unsigned int k = 0; k <= PAGE_RESERVED; k++)
			kinds[k] += c->kinds[k];
		for (unsigned int k = 0; k < PAGE_COUNTERS; k++)
			counters[k] += c->counters[k];
	}
	s->anon = not_negative(kinds[PAGE_ANON]);
	s->cache = not_negative(kinds[PAGE_CACHE]);
	s->slab = not_negative(kinds[PAGE_SLAB]);
	s->table = not_negative(kinds[PAGE_TABLE]);
	s->kernel_stack = not_negative(counters[PAGES_STACK]);
	s->shmem = not_negative(counters[PAGES_SHMEM]);
	s->dirty = not_negative(counters[PAGES_DIRTY]);
	s->writeback = not_negative(counters[PAGES_WRITEBACK]);
	s->ever_dirtied = not_negative(counters[PAGES_EVER_DIRTIED]);
	s->ever_written = not_negative(counters[PAGES_EVER_WRITTEN]);
	s->available = s->free + (s->cache > s->shmem ? s->cache - s->shmem : 0);
}

/* Boot. */

bool phys_has_page(paddr_t pa)
{
	unsigned int cursor = 0;
	paddr_t base;
	uint64_t size;

	while (early_next_ram(&cursor, &base, &size))
		if (pa.v - base.v < size)
			return true;
	return false;
}

/* Map the struct pages of whole largest blocks around each piece of RAM (I2). */
static void page_array_map(void)
{
	const uint64_t block = BLOCK_PAGES << PAGE_SHIFT;
	uint64_t done = 0, size;
	unsigned int cursor = 0;
	paddr_t base;

	while (early_next_ram(&cursor, &base, &size)) {
		uint64_t start = max(align_down(base.v, block), done);
		uint64_t end = align_up(base.v + size, block), bytes;
		struct kernel_mapping m = {
			.va = (uint64_t)pfn_to_page(start >> PAGE_SHIFT),
			.prot = PTE_READ | PTE_WRITE, .type = MEM_NORMAL, .max_level = 1,
		};

		if (start >= end)
			continue;
		bytes = (end - start) >> PAGE_SHIFT << 5;
		m.size = bytes;
		m.pa = early_alloc(bytes, bytes >= 2 * MIB ? 2 * MIB : PAGE_SIZE);
		if (kernel_map(arch_kernel_root(), &m))
			panic("mm: cannot map the page array");
		done = end;
	}
}

/* Free [pfn, end) as the largest aligned blocks. */
static void free_frames(uint64_t pfn, uint64_t end)
{
	while (pfn < end) {
		unsigned int order = min((unsigned int)PAGE_ORDER_MAX,
					 pfn ? (unsigned int)__builtin_ctzl(pfn) : PAGE_ORDER_MAX);

		while (pfn + (1UL << order) > end)
			order--;
		block_free(pfn_to_page(pfn), order);
		pfn += 1UL << order;
	}
}

static void watermarks_set(struct zone *z)
{
	z->min = clamp(z->nr_total / 256, 32UL, 1024UL);
	if (!z->nr_total)
		z->min = 0;
	z->low = z->min * 2;
	z->high = z->min * 3;
}

static void zones_count(paddr_t base, uint64_t size)
{
	uint64_t pfn = base.v >> PAGE_SHIFT, end = pfn + (size >> PAGE_SHIFT);

	zones[ZONE_DMA32].nr_total += min(end, DMA32_PFN_END) - min(pfn, DMA32_PFN_END);
	zones[ZONE_HIGH].nr_total += max(end, DMA32_PFN_END) - max(pfn, DMA32_PFN_END);
}

void page_init(void)
{
	unsigned int cursor = 0;
	paddr_t base;
	uint64_t size;

	for (unsigned int i = 0; i < ZONES; i++) {
		spinlock_init(&zones[i].lock, BUDDY);
		for (unsigned int o = 0; o <= PAGE_ORDER_MAX; o++)
			list_init(&zones[i].free[o]);
	}
	page_array_map();
	ready = true;
	/*
	 * Zero is PAGE_FREE without PAGE_BUDDY: what is not freed here is simply never handed out.
	 */
	while (early_next_free(&cursor, &base, &size)) {
		zones_count(base, size);
		free_frames(base.v >> PAGE_SHIFT, (base.v + size) >> PAGE_SHIFT);
	}
	watermarks_set(&zones[ZONE_DMA32]);
	watermarks_set(&zones[ZONE_HIGH]);
	zero_page = page_alloc(0, ALLOC_ZERO | ALLOC_ATOMIC);
	ENSURE(zero_page);
	zero_page->kind = PAGE_RESERVED;
}

void page_free_range(paddr_t base, uint64_t size)
{
	uint64_t start = align_up(base.v, PAGE_SIZE), end = align_down(base.v + size, PAGE_SIZE);

	if (start >= end)
		return;
	zones_count(PADDR(start), end - start);
	free_frames(start >> PAGE_SHIFT, end >> PAGE_SHIFT);
}

void page_free_init_memory(void)
{
	extern char __init_start[], __init_end[];
	paddr_t init = image_to_phys(__init_start);
	uint64_t size = (uint64_t)(__init_end - __init_start);

	page_free_range(init, size);
	if (boot_info.initrd_size)
		page_free_range(boot_info.initrd, boot_info.initrd_size);
	log_info("mm: freed %lu KiB of boot memory",
		 (unsigned long)(size + boot_info.initrd_size) >> 10);
}
