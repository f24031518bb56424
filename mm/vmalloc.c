/* SPDX-License-Identifier: MIT */
/*
 * Kernel mappings made page by page, kernel stacks, and device windows.
 *
 * Each area is followed by an unmapped page; a stack, which grows down, has the one after
 * the area below it as its guard.  Stacks are kept when threads end: a few on each CPU, then
 * in a pool that the reclaim thread trims, so that fork neither maps nor flushes.
 */
#include <kernel/mutex.h>
#include <kernel/percpu.h>
#include <kernel/thread.h>
#include <lib/assert.h>
#include <lib/list.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/kernel_map.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/span.h>
#include <mm/vmalloc.h>

#define STACKS_PER_CPU	8
#define STACKS_POOLED	32

enum area_kind { AREA_PAGES, AREA_DEVICE };

struct area {
	struct span span;		/* [R] vm_lock; the guard page included */
	enum area_kind kind;		/* [I] */
};

/* A free stack; lies in its own lowest bytes. */
struct free_stack {
	struct free_stack *next;
};

struct stack_cpu {
	uint32_t nr;			/* [P] preemption off, not from interrupts */
	void *stacks[STACKS_PER_CPU];
};

static struct mutex vm_lock = MUTEX_INIT(vm_lock, VMALLOC);
static struct rb_tree areas;		/* [L] vm_lock */
static DEFINE_PERCPU(struct stack_cpu, stack_cpu);
static struct spinlock pool_lock = SPINLOCK_INIT(HASH);
static struct free_stack *pool;		/* [L] pool_lock */
static unsigned int pool_nr;		/* [L] pool_lock */

/* Address space for @size bytes and a guard page. */
static struct slab_cache *area_cache;

static struct area *area_create(uint64_t size, enum area_kind kind)
{
	struct area *a = slab_alloc(area_cache, ALLOC_ZERO);

	if (!a)
		return NULL;
	a->kind = kind;
	mutex_lock(&vm_lock);
	/* Below the first area nothing may be a stack's neighbour: begin a page later. */
	a->span.start = span_place_low(&areas, size + PAGE_SIZE, VMALLOC_BASE + PAGE_SIZE,
				       VMALLOC_END);
	if (a->span.start) {
		a->span.end = a->span.start + size + PAGE_SIZE;
		span_insert(&areas, &a->span);
	}
	mutex_unlock(&vm_lock);
	if (a->span.start)
		return a;
	slab_free(area_cache, a);
	return NULL;
}

static void area_destroy(struct area *a)
{
	mutex_lock(&vm_lock);
	span_erase(&areas, &a->span);
	mutex_unlock(&vm_lock);
	slab_free(area_cache, a);
}

static struct area *area_find(uint64_t addr)
{
	struct span *s;

	mutex_lock(&vm_lock);
	s = span_find_next(&areas, addr);
	mutex_unlock(&vm_lock);
	return s && s->start <= addr ? container_of(s, struct area, span) : NULL;
}

static void area_free_pages(struct area *a, uint64_t size)
{
	struct page *batch[16];
	unsigned int nr = 0;
	pte_t *root = arch_kernel_root();
	uint64_t start = a->span.start;

	while (size) {
		uint64_t step = min(size, (uint64_t)ARRAY_SIZE(batch) * PAGE_SIZE);

		for (nr = 0; nr < step / PAGE_SIZE; nr++) {
			pte_t e;
			unsigned int level;

			ENSURE(kernel_lookup(root, start + nr * PAGE_SIZE, &e, &level));
			batch[nr] = phys_to_page(pte_paddr(e));
		}
		kernel_unmap(root, start, step);
		page_put_batch(batch, nr);
		start += step;
		size -= step;
	}
}

void *vmalloc(size_t size, unsigned int flags)
{
	uint64_t bytes = align_up((uint64_t)size, PAGE_SIZE), done = 0;
	struct area *a;

	if (!size || bytes < size || bytes > VMALLOC_END - VMALLOC_BASE - 2 * PAGE_SIZE)
		return NULL;
	a = area_create(bytes, AREA_PAGES);
	if (!a)
		return NULL;
	for (; done < bytes; done += PAGE_SIZE) {
		struct page *p = page_alloc(0, flags);
		struct kernel_mapping m = {
			.va = a->span.start + done, .size = PAGE_SIZE,
			.prot = PTE_READ | PTE_WRITE, .type = MEM_NORMAL,
		};

		if (!p)
			break;
		m.pa = page_to_phys(p);
		if (kernel_map(arch_kernel_root(), &m)) {
			page_free(p, 0);
			break;
		}
	}
	if (done == bytes)
		return (void *)a->span.start;
	area_free_pages(a, done);
	area_destroy(a);
	return NULL;
}

void vfree(const void *p)
{
	struct area *a;

	if (!p)
		return;
	a = area_find((uint64_t)p);
	ENSURE_MSG(a && a->kind == AREA_PAGES && a->span.start == (uint64_t)p,
		   "vfree of %p, which is no such area", p);
	area_free_pages(a, a->span.end - a->span.start - PAGE_SIZE);
	area_destroy(a);
}

/* Stacks. */

static void *pool_take(void)
{
	unsigned long irq = spin_lock_irqsave(&pool_lock);
	struct free_stack *s = pool;

	if (s) {
		pool = s->next;
		pool_nr--;
	}
	spin_unlock_irqrestore(&pool_lock, irq);
	return s;
}

void *stack_alloc(void)
{
	struct stack_cpu *c;
	void *stack = NULL;

	preempt_disable();
	c = this_cpu_ptr(&stack_cpu);
	if (c->nr)
		stack = c->stacks[--c->nr];
	preempt_enable();
	if (!stack)
		stack = pool_take();
	if (stack)
		return stack;
	stack = vmalloc(THREAD_STACK_SIZE, ALLOC_NORMAL);
	if (stack)
		page_counter_add(PAGES_STACK, THREAD_STACK_SIZE / PAGE_SIZE);
	return stack;
}

void stack_free(void *stack)
{
	struct free_stack *s = stack;
	struct stack_cpu *c;
	unsigned long irq;
	bool is_full;

	preempt_disable();
	c = this_cpu_ptr(&stack_cpu);
	if (c->nr < STACKS_PER_CPU && !in_interrupt()) {
		c->stacks[c->nr++] = stack;
		preempt_enable();
		return;
	}
	preempt_enable();
	irq = spin_lock_irqsave(&pool_lock);
	s->next = pool;
	pool = s;
	is_full = ++pool_nr > STACKS_POOLED;
	spin_unlock_irqrestore(&pool_lock, irq);
	if (is_full)
		reclaim_wake();
}

/* Unmap pooled stacks: those beyond the usual number, or under pressure all. */
static uint64_t stacks_shrink(struct reclaimer *r, uint64_t want, bool may_sleep)
{
	unsigned int keep = want ? 0 : STACKS_POOLED;
	uint64_t freed = 0;
	void *stack;

	while (may_sleep && READ_ONCE(pool_nr) > keep && (stack = pool_take())) {
		page_counter_add(PAGES_STACK, -(int64_t)(THREAD_STACK_SIZE / PAGE_SIZE));
		vfree(stack);
		freed += THREAD_STACK_SIZE / PAGE_SIZE;
	}
	return freed;
}

static struct reclaimer stack_reclaimer = { .name = "stacks", .shrink = stacks_shrink };

bool stack_guard_hit(uint64_t addr)
{
	pte_t e;
	unsigned int level;

	return addr >= VMALLOC_BASE && addr < VMALLOC_END &&
	       !kernel_lookup(arch_kernel_root(), addr, &e, &level) &&
	       kernel_lookup(arch_kernel_root(), align_down(addr, PAGE_SIZE) + PAGE_SIZE, &e,
			     &level);
}

/* Devices. */

void *mmio_map(paddr_t pa, uint64_t size, enum mem_type type)
{
	uint64_t offset = pa.v & ~PAGE_MASK, bytes = align_up(size + offset, PAGE_SIZE);
	struct kernel_mapping m = {
		.pa = PADDR(pa.v - offset), .size = bytes, .prot = PTE_READ | PTE_WRITE,
		.type = type,
	};
	struct area *a;

	if (!size || bytes < size)
		return NULL;
	a = area_create(bytes, AREA_DEVICE);
	if (!a)
		return NULL;
	m.va = a->span.start;
	if (kernel_map(arch_kernel_root(), &m)) {
		kernel_unmap(arch_kernel_root(), m.va, bytes);
		area_destroy(a);
		return NULL;
	}
	return (char *)m.va + offset;
}

void mmio_unmap(void *va)
{
	struct area *a;

	if (!va)
		return;
	a = area_find((uint64_t)va);
	ENSURE(a && a->kind == AREA_DEVICE);
	kernel_unmap(arch_kernel_root(), a->span.start, a->span.end - a->span.start - PAGE_SIZE);
	area_destroy(a);
}

void vmalloc_init(void)
{
	/* Not kmalloc: the stacks that are kept for reuse would blur the counts of leak tests. */
	area_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "vmalloc_area", .size = sizeof(struct area) });
	ENSURE(!IS_ERR(area_cache));
	reclaim_register(&stack_reclaimer);
}
