/* SPDX-License-Identifier: MIT */
/*
 * Object caches (after Bonwick): a magazine of free objects on each CPU over slabs of pages.
 *
 * S1 a magazine is touched only by its CPU, with preemption off and never from an interrupt;
 *    interrupts use the slabs directly, under the cache's lock, which masks them;
 * S2 every page of a slab names the cache, so that kfree() need not find the first one;
 * S3 a slab with a free object is on its cache's list of partial slabs, no other is;
 * S4 one wholly free slab may stay per cache, further ones go back to the page allocator;
 * S5 an object of a cache with a constructor keeps its content while free: the link to the
 *    next free object stands behind it.
 *
 * Caches begin with an empty magazine of no capacity, shared and never written, so the
 * fast paths test one number; the real one is made at the first miss on each CPU.
 */
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <lib/assert.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define SLAB_NONE	UINT32_MAX
#define MAGAZINE_MAX	64
#define SLAB_ORDER_MAX	3

#define POISON_FREE	0x6b
#define POISON_NEW	0x5a
#define RED_LIVE	0x1157a11e0b1ec7e5ULL
#define RED_FREE	0x0ddf00d5f7ee0b1eULL

struct magazine {
	uint32_t nr;			/* [P] objects in it */
	uint32_t capacity;		/* [I] 0: the shared empty one */
	void *objects[];		/* [P] */
};

struct slab_cache {
	struct magazine *cpu[CONFIG_MAX_CPUS];	/* [P] */
	uint32_t size;			/* [I] what the user sees */
	uint32_t stride;		/* [I] from object to object */
	uint32_t link_offset;		/* [I] of the free link, or of the red zone in debug */
	uint16_t per_slab;		/* [I] */
	uint16_t capacity;		/* [I] of its magazines */
	uint8_t order;			/* [I] pages of a slab */
	struct spinlock lock;		/* class SLAB; interrupts masked */
	uint32_t partial;		/* [L] frame number of the first slab with a free object */
	uint32_t nr_empty;		/* [L] wholly free slabs */
	uint64_t nr_slabs;		/* [L] */
	uint64_t nr_out;		/* [L] objects in use or in magazines */
	void (*construct)(void *object);	/* [I] */
	const char *name;		/* [I] */
	struct list node;		/* [R] cache_lock */
};

static struct magazine no_magazine;
static struct slab_cache cache_of_caches, cache_of_magazines;
static LIST_HEAD(caches);
static struct spinlock cache_lock = SPINLOCK_INIT(HASH);

static const uint16_t kmalloc_sizes[] = {
	8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192,
};
#define KMALLOC_MAX	8192
static struct slab_cache kmalloc_caches[ARRAY_SIZE(kmalloc_sizes)];
static const char *const kmalloc_names[ARRAY_SIZE(kmalloc_sizes)] = {
	"kmalloc-8", "kmalloc-16", "kmalloc-32", "kmalloc-48", "kmalloc-64", "kmalloc-96",
	"kmalloc-128", "kmalloc-192", "kmalloc-256", "kmalloc-384", "kmalloc-512", "kmalloc-768",
	"kmalloc-1k", "kmalloc-1536", "kmalloc-2k", "kmalloc-3k", "kmalloc-4k", "kmalloc-8k",
};
static uint8_t kmalloc_index[KMALLOC_MAX / 8 + 1];	/* by (size + 7) / 8; 1 KiB */

/* Free links. */

static inline uint32_t *link_of(const struct slab_cache *c, void *object)
{
	return (uint32_t *)((char *)object + c->link_offset);
}

static inline uint64_t *red_zone_of(const struct slab_cache *c, void *object)
{
	return (uint64_t *)((char *)object + align_up(c->size, 8));
}

/* Debug checks. */

static void debug_mark_free(struct slab_cache *c, void *object)
{
	*red_zone_of(c, object) = RED_FREE;
	if (!c->construct)
		memset(object, POISON_FREE, c->size);
}

static void debug_on_free(struct slab_cache *c, void *object)
{
	uint64_t red = *red_zone_of(c, object);

	ENSURE_MSG(red != RED_FREE, "%s: %p is freed twice", c->name, object);
	ENSURE_MSG(red == RED_LIVE, "%s: %p was written beyond its end (%#lx)", c->name, object,
		   (unsigned long)red);
	debug_mark_free(c, object);
}

static void debug_on_alloc(struct slab_cache *c, void *object)
{
	ENSURE_MSG(*red_zone_of(c, object) == RED_FREE, "%s: %p: red zone of a free object is %#lx",
		   c->name, object, (unsigned long)*red_zone_of(c, object));
	*red_zone_of(c, object) = RED_LIVE;
	if (c->construct)
		return;
	ENSURE_MSG(!mem_find_other(object, POISON_FREE, c->size),
		   "%s: %p was written while free", c->name, object);
	memset(object, POISON_NEW, c->size);
}

/* Slabs.  Cache lock held for the _locked ones. */

static inline struct page *slab_head(struct page *p)
{
	return p - p->slab.tail;
}

static void partial_add_locked(struct slab_cache *c, struct page *s)
{
	s->slab.prev = SLAB_NONE;
	s->slab.next = c->partial;
	if (c->partial != SLAB_NONE)
		pfn_to_page(c->partial)->slab.prev = (uint32_t)page_to_pfn(s);
	c->partial = (uint32_t)page_to_pfn(s);
}

static void partial_remove_locked(struct slab_cache *c, struct page *s)
{
	if (s->slab.prev == SLAB_NONE)
		c->partial = s->slab.next;
	else
		pfn_to_page(s->slab.prev)->slab.next = s->slab.next;
	if (s->slab.next != SLAB_NONE)
		pfn_to_page(s->slab.next)->slab.prev = s->slab.prev;
}

/* New pages as a slab of free objects, on no list. */
static struct page *slab_make(struct slab_cache *c, unsigned int flags)
{
	struct page *s = page_alloc(c->order, flags & ~(unsigned int)ALLOC_ZERO);
	uint32_t offset = 0;
	char *base;

	if (!s)
		return NULL;
	page_stat_add(PAGE_SLAB, 1L << c->order);
	for (unsigned int i = 0; i < 1U << c->order; i++) {
		s[i].kind = PAGE_SLAB;
		s[i].slab.cache = c;
		s[i].slab.tail = (uint16_t)i;
	}
	s->slab.in_use = 0;
	s->slab.free_offset = 0;
	base = page_to_virt(s);
	for (unsigned int i = 0; i < c->per_slab; i++, offset += c->stride) {
		if (c->construct)
			c->construct(base + offset);
		if (IS_ENABLED(CONFIG_SLAB_DEBUG))
			debug_mark_free(c, base + offset);
		*link_of(c, base + offset) = i + 1U < c->per_slab ? offset + c->stride : SLAB_NONE;
	}
	return s;
}

/* Take up to @nr objects from partial slabs. */
static unsigned int slabs_take_locked(struct slab_cache *c, void **objects, unsigned int nr)
{
	unsigned int got = 0;

	while (got < nr && c->partial != SLAB_NONE) {
		struct page *s = pfn_to_page(c->partial);
		char *base = page_to_virt(s);

		if (!s->slab.in_use)
			c->nr_empty--;
		while (got < nr && s->slab.free_offset != SLAB_NONE) {
			void *object = base + s->slab.free_offset;

			s->slab.free_offset = *link_of(c, object);
			s->slab.in_use++;
			objects[got++] = object;
		}
		if (s->slab.free_offset == SLAB_NONE)
			partial_remove_locked(c, s);
	}
	c->nr_out += got;
	return got;
}

/* Put one object back; the slab when it is empty and not wanted (S4). */
static struct page *slab_put_locked(struct slab_cache *c, void *object)
{
	struct page *s = slab_head(virt_to_page(object));

	ENSURE(s->kind == PAGE_SLAB && s->slab.cache == c && s->slab.in_use);
	if (s->slab.free_offset == SLAB_NONE)
		partial_add_locked(c, s);
	*link_of(c, object) = s->slab.free_offset;
	s->slab.free_offset = (uint32_t)((char *)object - (char *)page_to_virt(s));
	c->nr_out--;
	if (--s->slab.in_use)
		return NULL;
	if (!c->nr_empty) {
		c->nr_empty++;
		return NULL;
	}
	partial_remove_locked(c, s);
	c->nr_slabs--;
	return s;
}

/* Straight from and to the slabs. */
static unsigned int slabs_alloc(struct slab_cache *c, void **objects, unsigned int nr,
				unsigned int flags)
{
	unsigned long irq = spin_lock_irqsave(&c->lock);
	unsigned int got = slabs_take_locked(c, objects, nr);
	struct page *s;

	spin_unlock_irqrestore(&c->lock, irq);
	if (got)
		return got;
	s = slab_make(c, flags);
	if (!s)
		return 0;
	irq = spin_lock_irqsave(&c->lock);
	c->nr_slabs++;
	c->nr_empty++;
	partial_add_locked(c, s);
	got = slabs_take_locked(c, objects, nr);
	spin_unlock_irqrestore(&c->lock, irq);
	return got;
}

static void slabs_free(struct slab_cache *c, void **objects, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; ) {
		unsigned long irq = spin_lock_irqsave(&c->lock);
		struct page *empty = NULL;

		while (i < nr && !empty)
			empty = slab_put_locked(c, objects[i++]);
		spin_unlock_irqrestore(&c->lock, irq);
		if (empty)
			page_free(empty, c->order);
	}
}

/* Magazines. */

/* This CPU's magazine of @c, made now if it has none; NULL without memory.  Preemption is on. */
static bool magazine_make(struct slab_cache *c)
{
	struct magazine *m, *mine = NULL;
	void *object;

	if (!slabs_alloc(&cache_of_magazines, &object, 1, ALLOC_ATOMIC))
		return false;
	if (IS_ENABLED(CONFIG_SLAB_DEBUG))
		debug_on_alloc(&cache_of_magazines, object);
	m = object;
	m->nr = 0;
	m->capacity = c->capacity;
	preempt_disable();
	if (!c->cpu[this_cpu_id()]->capacity)
		c->cpu[this_cpu_id()] = m;
	else
		mine = m;
	preempt_enable();
	if (mine) {
		object = mine;
		if (IS_ENABLED(CONFIG_SLAB_DEBUG))
			debug_on_free(&cache_of_magazines, object);
		slabs_free(&cache_of_magazines, &object, 1);
	}
	return true;
}

static __noinline void *slab_alloc_slow(struct slab_cache *c, unsigned int flags)
{
	void *batch[MAGAZINE_MAX / 2];
	unsigned int nr, kept = 0;
	struct magazine *m;

	nr = in_interrupt() ? 1 : c->capacity / 2U;
	nr = slabs_alloc(c, batch, max(nr, 1U), flags);
	if (!nr)
		return NULL;
	if (nr == 1)
		return batch[0];
	preempt_disable();
	m = c->cpu[this_cpu_id()];
	/* Lowest on top, so that neighbours are handed out in order. */
	while (kept < nr - 1 && m->nr < m->capacity)
		m->objects[m->nr++] = batch[nr - 1 - kept++];
	preempt_enable();
	if (kept < nr - 1)
		slabs_free(c, &batch[1], nr - 1 - kept);
	if (!m->capacity)
		(void)magazine_make(c);
	return batch[0];
}

void *slab_alloc(struct slab_cache *c, unsigned int flags)
{
	struct magazine *m;
	void *object;

	preempt_disable();
	m = c->cpu[this_cpu_id()];
	if (likely(m->nr && !in_interrupt())) {
		object = m->objects[--m->nr];
		preempt_enable();
	} else {
		preempt_enable();
		object = slab_alloc_slow(c, flags);
		if (unlikely(!object))
			return NULL;
	}
	if (IS_ENABLED(CONFIG_SLAB_DEBUG))
		debug_on_alloc(c, object);
	if (flags & ALLOC_ZERO)
		memset(object, 0, c->size);
	return object;
}

static __noinline void slab_free_slow(struct slab_cache *c, void *object)
{
	void *batch[MAGAZINE_MAX / 2];
	unsigned int nr = 0;
	struct magazine *m;

	if (!in_interrupt()) {
		preempt_disable();
		m = c->cpu[this_cpu_id()];
		if (m->nr == m->capacity && m->capacity) {
			/* The half that was freed longest ago goes. */
			nr = m->capacity / 2;
			memcpy(batch, m->objects, nr * sizeof(void *));
			m->nr -= nr;
			memmove(m->objects, m->objects + nr, m->nr * sizeof(void *));
		}
		if (m->nr < m->capacity) {
			m->objects[m->nr++] = object;
			object = NULL;
		}
		preempt_enable();
	}
	slabs_free(c, batch, nr);
	if (object)
		slabs_free(c, &object, 1);
}

void slab_free(struct slab_cache *c, void *object)
{
	struct magazine *m;

	if (IS_ENABLED(CONFIG_SLAB_DEBUG))
		debug_on_free(c, object);
	preempt_disable();
	m = c->cpu[this_cpu_id()];
	if (likely(m->nr < m->capacity && !in_interrupt())) {
		m->objects[m->nr++] = object;
		preempt_enable();
		return;
	}
	preempt_enable();
	slab_free_slow(c, object);
}

/* Caches. */

/*
 * The smallest slab that wastes at most an eighth, and holds 8 objects if that takes no more than 8
 * pages.
 */
static unsigned int slab_order(uint32_t stride)
{
	for (unsigned int order = 0; order < SLAB_ORDER_MAX; order++) {
		size_t bytes = PAGE_SIZE << order;

		if (bytes / stride >= (stride > 512 ? 4 : 8) && bytes % stride <= bytes / 8)
			return order;
	}
	return SLAB_ORDER_MAX;
}

static void cache_init(struct slab_cache *c, const struct slab_cache_args *args)
{
	size_t align = args->align ? args->align : (args->size >= 8 ? 8 : 4), end;

	*c = (struct slab_cache){ .name = args->name, .size = (uint32_t)args->size,
				  .construct = args->construct, .partial = SLAB_NONE };
	end = args->size;
	if (IS_ENABLED(CONFIG_SLAB_DEBUG))
		end = align_up(end, 8) + 8;
	if (IS_ENABLED(CONFIG_SLAB_DEBUG) || args->construct) {
		c->link_offset = (uint32_t)align_up(end, 4);
		end = c->link_offset + 4;
	}
	c->stride = (uint32_t)align_up(max(end, 8UL), align);
	c->order = (uint8_t)slab_order(c->stride);
	c->per_slab = (uint16_t)min((PAGE_SIZE << c->order) / c->stride, 65535UL);
	c->capacity = c->size <= 256 ? MAGAZINE_MAX : c->size <= 1024 ? 32 :
		      c->size <= 4096 ? 16 : 8;
	ENSURE(c->per_slab && is_power_of_2(align) && align <= PAGE_SIZE);
	spinlock_init(&c->lock, SLAB);
	for (unsigned int i = 0; i < CONFIG_MAX_CPUS; i++)
		c->cpu[i] = &no_magazine;
	unsigned long irq = spin_lock_irqsave(&cache_lock);
	list_add_tail(&c->node, &caches);
	spin_unlock_irqrestore(&cache_lock, irq);
}

struct slab_cache *slab_cache_create(const struct slab_cache_args *args)
{
	struct slab_cache *c;

	if (!args->size || args->size > PAGE_SIZE << (SLAB_ORDER_MAX - 1))
		return ERR_PTR(-EINVAL);
	c = slab_alloc(&cache_of_caches, ALLOC_NORMAL);
	if (!c)
		return ERR_PTR(-ENOMEM);
	cache_init(c, args);
	return c;
}

void slab_cache_destroy(struct slab_cache *c)
{
	unsigned long irq = spin_lock_irqsave(&cache_lock);

	list_del(&c->node);
	spin_unlock_irqrestore(&cache_lock, irq);
	for (unsigned int i = 0; i < CONFIG_MAX_CPUS; i++) {
		struct magazine *m = c->cpu[i];

		if (!m->capacity)
			continue;
		slabs_free(c, m->objects, m->nr);
		if (IS_ENABLED(CONFIG_SLAB_DEBUG))
			debug_on_free(&cache_of_magazines, m);
		slabs_free(&cache_of_magazines, (void **)&m, 1);
	}
	ENSURE_MSG(!c->nr_out, "%s: %lu objects are still in use", c->name,
		   (unsigned long)c->nr_out);
	while (c->partial != SLAB_NONE) {
		struct page *s = pfn_to_page(c->partial);

		partial_remove_locked(c, s);
		page_free(s, c->order);
	}
	slab_free(&cache_of_caches, c);
}

uint64_t slab_cache_in_use(struct slab_cache *c)
{
	uint64_t in_magazines = 0, out = READ_ONCE(c->nr_out);

	for (unsigned int i = 0; i < CONFIG_MAX_CPUS; i++)
		in_magazines += READ_ONCE(c->cpu[i]->nr);
	return out > in_magazines ? out - in_magazines : 0;
}

uint64_t slab_total_in_use(void)
{
	struct slab_cache *c;
	uint64_t sum = 0;
	unsigned long irq = spin_lock_irqsave(&cache_lock);

	list_for_each_entry(c, &caches, node)
		sum += slab_cache_in_use(c);
	spin_unlock_irqrestore(&cache_lock, irq);
	return sum;
}

bool slab_stats_at(unsigned int index, struct slab_stats *s)
{
	unsigned long irq = spin_lock_irqsave(&cache_lock);
	struct slab_cache *c;
	bool found = false;

	list_for_each_entry(c, &caches, node) {
		if (index--)
			continue;
		*s = (struct slab_stats){
			.name = c->name, .in_use = slab_cache_in_use(c), .slabs = c->nr_slabs,
			.total = c->nr_slabs * c->per_slab, .object_size = c->size,
			.per_slab = c->per_slab, .pages_per_slab = 1U << c->order,
		};
		found = true;
		break;
	}
	spin_unlock_irqrestore(&cache_lock, irq);
	return found;
}

/* Free memory for reclaim: the empty slab of each cache. */
static uint64_t slab_shrink(struct reclaimer *r, uint64_t want, bool may_sleep)
{
	struct slab_cache *c;
	uint64_t freed = 0;
	unsigned long irq = spin_lock_irqsave(&cache_lock);

	list_for_each_entry(c, &caches, node) {
		struct page *s;
		uint32_t pfn;

		if (c == &cache_of_caches || !READ_ONCE(c->nr_empty))
			continue;
		spin_lock(&c->lock);
		for (pfn = c->partial; pfn != SLAB_NONE; pfn = s->slab.next) {
			s = pfn_to_page(pfn);
			if (s->slab.in_use)
				continue;
			partial_remove_locked(c, s);
			c->nr_slabs--;
			c->nr_empty--;
			page_free(s, c->order);
			freed += 1UL << c->order;
			break;
		}
		spin_unlock(&c->lock);
	}
	spin_unlock_irqrestore(&cache_lock, irq);
	return freed;
}

static struct reclaimer slab_reclaimer = { .name = "slab", .shrink = slab_shrink };

void slab_init(void)
{
	unsigned int k = 0;

	cache_init(&cache_of_caches, &(struct slab_cache_args){
		.name = "slab_cache", .size = sizeof(struct slab_cache), .align = 64 });
	cache_init(&cache_of_magazines, &(struct slab_cache_args){
		.name = "slab_magazine",
		.size = sizeof(struct magazine) + MAGAZINE_MAX * sizeof(void *) });
	for (unsigned int i = 0; i < ARRAY_SIZE(kmalloc_sizes); i++) {
		size_t size = kmalloc_sizes[i];

		cache_init(&kmalloc_caches[i], &(struct slab_cache_args){
			.name = kmalloc_names[i], .size = size,
			.align = is_power_of_2(size) && !IS_ENABLED(CONFIG_SLAB_DEBUG) ?
				 min(size, 64UL) : size >= 16 ? 16 : 8 });
	}
	for (unsigned int i = 0; i <= KMALLOC_MAX / 8; i++) {
		while (kmalloc_sizes[k] < i * 8)
			k++;
		kmalloc_index[i] = (uint8_t)k;
	}
	reclaim_register(&slab_reclaimer);
}

/* kmalloc. */

static __noinline void *kmalloc_large(size_t size, unsigned int flags)
{
	unsigned int order = size > PAGE_SIZE ?
			     fls64((size - 1) >> PAGE_SHIFT) : 0;

	return order <= PAGE_ORDER_MAX ? page_alloc_virt(order, flags) : NULL;
}

void *kmalloc(size_t size, unsigned int flags)
{
	if (unlikely(size > KMALLOC_MAX))
		return kmalloc_large(size, flags);
	return slab_alloc(&kmalloc_caches[kmalloc_index[(size + 7) / 8]], flags);
}

void *kmalloc_array(size_t n, size_t size, unsigned int flags)
{
	size_t bytes;

	return check_mul_overflow(n, size, &bytes) ? NULL : kmalloc(bytes, flags);
}

void kfree(const void *p)
{
	struct page *page;

	if (!p)
		return;
	page = virt_to_page(p);
	if (likely(page->kind == PAGE_SLAB)) {
		slab_free(page->slab.cache, (void *)p);
		return;
	}
	ENSURE_MSG(page->kind == PAGE_KERNEL && ptr_is_aligned(p, PAGE_SIZE),
		   "kfree of %p, which is no such object", p);
	page_free(page, page->order);
}

static size_t kmalloc_usable(const void *p)
{
	const struct page *page = virt_to_page(p);

	return page->kind == PAGE_SLAB ? page->slab.cache->size : PAGE_SIZE << page->order;
}

void *krealloc(void *p, size_t size, unsigned int flags)
{
	size_t old = p ? kmalloc_usable(p) : 0;
	void *q;

	if (p && size <= old && (size > old / 4 || old <= 64))
		return p;
	q = kmalloc(size, flags & ~(unsigned int)ALLOC_ZERO);
	if (!q)
		return NULL;
	if (p)
		memcpy(q, p, min(old, size));
	if (flags & ALLOC_ZERO && size > old)
		memset((char *)q + old, 0, size - old);
	kfree(p);
	return q;
}

char *kstrdup(const char *s, unsigned int flags)
{
	return kmemdup(s, strlen(s) + 1, flags);
}

void *kmemdup(const void *p, size_t len, unsigned int flags)
{
	void *q = kmalloc(len, flags);

	if (q)
		memcpy(q, p, len);
	return q;
}

void *kvmalloc(size_t size, unsigned int flags)
{
	void *p = NULL;

	if (size <= 4 * PAGE_SIZE)
		p = kmalloc(size, flags | (size > PAGE_SIZE ? (unsigned int)ALLOC_NO_RETRY : 0));
	return p || size <= PAGE_SIZE ? p : vmalloc(size, flags);
}

void kvfree(const void *p)
{
	if ((uint64_t)p >= VMALLOC_BASE && (uint64_t)p < VMALLOC_END)
		vfree(p);
	else
		kfree(p);
}
