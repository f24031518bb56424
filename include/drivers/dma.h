/* SPDX-License-Identifier: MIT */
/*
 * Memory that a device reads and writes by itself.
 *
 * Two kinds.  Coherent memory (dma_alloc) is for rings and descriptors: both sides see each other's
 * writes at once, in the order that barriers give.  Streaming mappings (dma_map) lend ordinary
 * memory for one transfer:
 *
 *	err = dma_map(dev, buf, len, DMA_FROM_DEVICE, &addr);
 *	... the device's until it says that it is done; the CPU does not touch it ...
 *	dma_unmap(dev, addr, len, DMA_FROM_DEVICE);
 *
 * D1 a device sees only dma_addr_t that came from here; they are no physical addresses.
 * D2 a mapping that the device's mask does not reach goes through a buffer that it does reach:
 *    copied by dma_map() and dma_unmap(), so who looks at the data before the unmap calls
 *    dma_sync_for_cpu() first.
 * D3 where caches are not coherent with the device, map and unmap clean and invalidate; such a
 *    buffer shares no cache line with other data (dma_alloc() and whole pages do not).
 * D4 an IOMMU hangs in at device.dma.ops; nothing above this header changes.
 *
 * Memory is of the direct map: kmalloc, slab, pages; not stacks, vmalloc or the image.
 * Any context but for dma_alloc(), dma_free() and dma_set_mask(), which may sleep.
 */
#ifndef DRIVERS_DMA_H
#define DRIVERS_DMA_H

#include <drivers/device.h>
#include <lib/compiler.h>
#include <lib/types.h>
#include <mm/page.h>

enum dma_dir { DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_BOTH_WAYS };

#define DMA_MASK(bits)	((bits) >= 64 ? ~0ULL : (1ULL << (bits)) - 1)

/* What an IOMMU does for the devices behind it. */
struct dma_ops {
	int (*map)(struct device *dev, paddr_t pa, size_t len, enum dma_dir dir, dma_addr_t *out);
	void (*unmap)(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir);
	/* Where a mapping leads, for synchronisation. */
	paddr_t (*resolve)(struct device *dev, dma_addr_t addr);
};

/* For probe: the device sends addresses within @mask.  -EIO: memory is not reachable with it. */
__must_check int dma_set_mask(struct device *dev, uint64_t mask);

/*
 * Coherent, zeroed, physically contiguous memory in whole pages, aligned to its size rounded up to
 * a power of two.  NULL: out of memory.
 */
void *dma_alloc(struct device *dev, size_t size, dma_addr_t *addr) __malloc_like;
/* With what dma_alloc() was given and gave; NULL does nothing. */
void dma_free(struct device *dev, size_t size, void *va, dma_addr_t addr);

/* Bus addresses are physical ones, all of memory is in reach, and caches are coherent. */
static inline bool dma_is_direct(const struct device *dev)
{
	return !dev->dma.ops && !dev->dma.is_noncoherent && dev->dma.mask == ~0ULL;
}

__must_check int dma_map_phys(struct device *dev, paddr_t pa, size_t len, enum dma_dir dir,
			      dma_addr_t *out);
void dma_unmap_phys(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir);

/* 0; -ENOMEM: no buffer to go through; -EIO: the IOMMU refuses. */
static inline int __must_check dma_map(struct device *dev, const void *va, size_t len,
				       enum dma_dir dir, dma_addr_t *out)
{
	paddr_t pa = virt_to_phys(va);

	if (!dma_is_direct(dev))
		return dma_map_phys(dev, pa, len, dir, out);
	*out = DMA_ADDR(pa.v);
	return 0;
}

/* @offset may reach beyond the first page of a contiguous run. */
static inline int __must_check dma_map_page(struct device *dev, const struct page *page,
					    size_t offset, size_t len, enum dma_dir dir,
					    dma_addr_t *out)
{
	paddr_t pa = paddr_add(page_to_phys(page), offset);

	if (!dma_is_direct(dev))
		return dma_map_phys(dev, pa, len, dir, out);
	*out = DMA_ADDR(pa.v);
	return 0;
}

static inline void dma_unmap(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir)
{
	if (!dma_is_direct(dev))
		dma_unmap_phys(dev, addr, len, dir);
}

/* The transfer so far is visible to the CPU; and the CPU's writes to the device again. */
void dma_sync_for_cpu(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir);
void dma_sync_for_device(struct device *dev, dma_addr_t addr, size_t len, enum dma_dir dir);

#endif
