/* SPDX-License-Identifier: MIT */
/*
 * DMA: coherent memory, streaming mappings, and buffers for devices that do not reach all memory.
 *
 * A bounced mapping is remembered in one list, found again by device and bus address.  Devices that
 * need it are rare and slow; those that do not never come here (dma_is_direct()).
 *
 * B1 a bounce buffer lies below 4 GiB, from ALLOC_DMA32; a device that reaches even less gets -EIO
 *    where memory happens to lie too high for it.
 * B2 nr_bounces of a device says whether an unmap has to look.
 */
#include <arch/cache.h>
#include <drivers/dma.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

struct dma_bounce {
	struct list node;		/* [R] bounces_lock */
	struct device *dev;		/* [I] */
	paddr_t original;		/* [I] */
	void *buffer;			/* [I] */
	size_t len;			/* [I] */
};

static struct list bounces = LIST_INIT(bounces);
static struct spinlock bounces_lock = SPINLOCK_INIT(DEVICE);

static unsigned int order_of(size_t size)
{
	return ilog2(roundup_pow2((size + PAGE_SIZE - 1) >> PAGE_SHIFT));
}

static bool is_in_reach(const struct device *dev, paddr_t pa, size_t len)
{
	return len && pa.v + len - 1 >= pa.v && pa.v + len - 1 <= dev->dma.mask;
}

int dma_set_mask(struct device *dev, uint64_t mask)
{
	/* Below 16 MiB nothing is kept free for anybody. */
	if (mask < DMA_MASK(24))
		return -EIO;
	dev->dma.mask = mask;
	return 0;
}

/* With caches that do not snoop, the CPU uses a second, uncached view of the pages. */
static void *uncached_view(void *va, size_t size)
{
	arch_dcache_clean(va, size);
	arch_dcache_invalidate(va, size);
	return mmio_map(virt_to_phys(va), size, MEM_WRITE_COMBINE);
}

void *dma_alloc(struct device *dev, size_t size, dma_addr_t *addr)
{
	unsigned int flags = ALLOC_ZERO | (dev->dma.mask < ~0ULL && !dev->dma.ops ? ALLOC_DMA32 :
					   0);
	unsigned int order = order_of(size);
	void *va = page_alloc_virt(order, flags), *view;
	paddr_t pa;

	if (!va)
		return NULL;
	pa = virt_to_phys(va);
	*addr = DMA_ADDR(pa.v);
	if (dev->dma.ops ? dev->dma.ops->map(dev, pa, size, DMA_BOTH_WAYS, addr) != 0 :
	    !is_in_reach(dev, pa, size))
		goto free_pages;
	if (!dev->dma.is_noncoherent)
		return va;
	view = uncached_view(va, PAGE_SIZE << order);
	if (view)
		return view;
	if (dev->dma.ops)
		dev->dma.ops->unmap(dev, *addr, size, DMA_BOTH_WAYS);
free_pages:
	page_free_virt(va, order);
	return NULL;
}

static paddr_t resolve(struct device *dev, dma_addr_t addr)
{
	return dev->dma.ops ? dev->dma.ops->resolve(dev, addr) : PADDR(addr.v);
}

void dma_free(struct device *dev, size_t size, void *va, dma_addr_t addr)
{
	paddr_t pa;

	if (!va)
		return;
	pa = resolve(dev, addr);
	if (dev->dma.is_noncoherent)
		mmio_unmap(va);
	if (dev->dma.ops)
		dev->dma.ops->unmap(dev, addr, size, DMA_BOTH_WAYS);
	page_free_virt(phys_to_virt(pa), order_of(size));
}

/* Caches: before the device's turn, and before the CPU's. */
static void clean_for_device(const struct device *dev, paddr_t pa, size_t len, enum dma_dir dir)
{
	if (!dev->dma.is_noncoherent)
		return;
	if (dir == DMA_TO_DEVICE)
		arch_dcache_clean(phys_to_virt(pa), len);
	else
		arch_dcache_invalidate(phys_to_virt(pa), len);	/* cleans dirty neighbours too */
}

static void clean_for_cpu(const struct device *dev, paddr_t pa, size_t len, enum dma_dir dir)
{
	if (dev->dma.is_noncoherent && dir != DMA_TO_DEVICE)
		arch_dcache_invalidate(phys_to_virt(pa), len);
}

static int bounce_map(struct device *dev, paddr_t pa, size_t len, enum dma_dir dir,
		      dma_addr_t *out)
{
	struct dma_bounce *b = kmalloc(sizeof(*b), ALLOC_ATOMIC);
	unsigned long flags;
	int err = -ENOMEM;

	if (!b)
		return -ENOMEM;
	*b = (struct dma_bounce){ .dev = dev, .original = pa, .len = len };
	b->buffer = page_alloc_virt(order_of(len), ALLOC_ATOMIC | ALLOC_DMA32);
	if (!b->buffer)
		goto free_record;
	err = -EIO;
	if (!is_in_reach(dev, virt_to_phys(b->buffer), len))
		goto free_buffer;
	if (dir != DMA_FROM_DEVICE)
		memcpy(b->buffer, phys_to_virt(pa), len);
	else
		memset(b->buffer, 0, len);	/* not what its last owner left */
	clean_for_device(dev, virt_to_phys(b->buffer), len, dir);
	flags = spin_lock_irqsave(&bounces_lock);
	list_add(&b->node, &bounces);
	dev->dma.nr_bounces++;
	spin_unlock_irqrestore(&bounces_lock, flags);
	*out = DMA_ADDR(virt_to_phys(b->buffer).v);
	return 0;

free_buffer:
	page_free_virt(b->buffer, order_of(len));
free_record:
	kfree(b);
	return err;
}

static struct dma_bounce *bounce_find_locked(const struct device *dev, dma_addr_t addr)
{
	struct dma_bounce *b;

	list_for_each_entry(b, &bounces, node) {
		uint64_t start = virt_to_phys(b->buffer).v;

		if (b->dev == dev && addr.v >= start && addr.v < start + b->len)
			return b;
	}
	return NULL;
}

/* The bounced mapping that holds @addr, or NULL. */
static struct dma_bounce *bounce_find(const struct device *dev, dma_addr_t addr)
{
	struct dma_bounce *b;
	unsigned long flags;

	if (!__atomic_load_n(&dev->dma.nr_bounces, __ATOMIC_RELAXED))
		return NULL;
	flags = spin_lock_irqsave(&bounces_lock);
	b = bounce_find_locked(dev, addr);
	spin_unlock_irqrestore(&bounces_lock, flags);
	return b;
}

static void bounce_unmap(struct device *dev, struct dma_bounce *b)
{
	unsigned long flags = spin_lock_irqsave(&bounces_lock);

	list_del(&b->node);
	dev->dma.nr_bounces--;
	spin_unlock_irqrestore(&bounces_lock, flags);
	page_free_virt(b->buffer, order_of(b->len));
	kfree(b);
}

int dma_map_phys(struct device *dev, paddr_t pa, size_t len, enum dma_dir dir, dma_addr_t *out)
{
	if (dev->dma.ops) {
		clean_for_device(dev, pa, len, dir);
		return dev->dma.ops->map(dev, pa, len, dir, out);
	}
	if (!is_in_reach(dev, pa, len))
		return bounce_map(dev, pa, len, dir, out);
	clean_for_device(dev, pa, len, dir);
	*out = DMA_ADDR(pa.v);
	return 0;
}

void dma_unmap_phys(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir)
{
	struct dma_bounce *b = bounce_find(dev, addr);

	dma_sync_for_cpu(dev, addr, len, dir);
	if (b)
		bounce_unmap(dev, b);
	else if (dev->dma.ops)
		dev->dma.ops->unmap(dev, addr, len, dir);
}

void dma_sync_for_cpu(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir)
{
	struct dma_bounce *b;
	size_t offset;

	if (dma_is_direct(dev))
		return;
	clean_for_cpu(dev, resolve(dev, addr), len, dir);
	b = bounce_find(dev, addr);
	if (!b || dir == DMA_TO_DEVICE)
		return;
	offset = addr.v - virt_to_phys(b->buffer).v;
	memcpy((char *)phys_to_virt(b->original) + offset, (char *)b->buffer + offset, len);
}

void dma_sync_for_device(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir)
{
	struct dma_bounce *b;
	size_t offset;

	if (dma_is_direct(dev))
		return;
	b = bounce_find(dev, addr);
	if (b && dir != DMA_FROM_DEVICE) {
		offset = addr.v - virt_to_phys(b->buffer).v;
		memcpy((char *)b->buffer + offset, (char *)phys_to_virt(b->original) + offset, len);
	}
	clean_for_device(dev, resolve(dev, addr), len, dir);
}
