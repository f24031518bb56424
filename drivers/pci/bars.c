/* SPDX-License-Identifier: MIT */
/*
 * A device's base address registers, and a bridge's windows (PCI 3.0, 6.2.5; PCI-PCI bridge 3.2.5).
 */
#include <lib/bits.h>
#include "internal.h"

#define BAR_IO		1u
#define BAR_TYPE	6u
#define BAR_64		4u
#define BAR_PREFETCH	8u

static unsigned int nr_bars(const struct pci_device *p)
{
	return p->header == PCI_HEADER_NORMAL ? PCI_BARS : p->header == PCI_HEADER_BRIDGE ? 2 : 0;
}

/* What stays 0 after ones were written is the size.  The register is left as it was. */
static uint32_t size_mask(struct pci_device *p, uint32_t reg, uint32_t old)
{
	uint32_t mask;

	pci_write32(p, reg, ~0u);
	mask = pci_read32(p, reg);
	pci_write32(p, reg, old);
	return mask;
}

static struct pci_resource read_io(uint32_t low, uint32_t low_mask)
{
	uint32_t mask = low_mask & ~3u;

	if (!mask)
		return (struct pci_resource){ 0 };
	mask |= 0xffff0000;			/* devices may decode 16 bits only */
	return (struct pci_resource){
		.base = low & ~3u, .size = (uint64_t)~mask + 1, .flags = PCI_RES_IO,
	};
}

/* Returns how many registers it takes: a 64-bit one is two. */
static unsigned int bar_read(struct pci_device *p, unsigned int bar)
{
	uint32_t reg = PCI_BAR0 + 4 * bar, low = pci_read32(p, reg), high;
	uint64_t mask = size_mask(p, reg, low), base = low & ~15u;
	struct pci_resource *r = &p->res[bar];

	if (low & BAR_IO) {
		*r = read_io(low, (uint32_t)mask);
		return 1;
	}
	r->flags = PCI_RES_MEM | (low & BAR_PREFETCH ? PCI_RES_PREFETCH : 0);
	mask = (mask & ~15ull) | 0xffffffff00000000;
	if ((low & BAR_TYPE) == BAR_64 && bar + 1 < nr_bars(p)) {
		high = pci_read32(p, reg + 4);
		base |= (uint64_t)high << 32;
		mask = (mask & 0xffffffff) | (uint64_t)size_mask(p, reg + 4, high) << 32;
		r->flags |= PCI_RES_64;
	}
	if (!(uint32_t)mask && mask >> 32 == 0xffffffff && !(r->flags & PCI_RES_64))
		mask = 0;			/* not there at all */
	r->size = mask ? ~mask + 1 : 0;
	/* Anything but a power of two is no BAR but a device that makes things up. */
	if (!is_power_of_2(r->size))
		r->size = 0;
	r->base = r->size ? base & ~(r->size - 1) : 0;
	return r->flags & PCI_RES_64 ? 2 : 1;
}

/* Decoding is off meanwhile: a BAR full of ones would lie over something. */
void pci_bars_read(struct pci_device *p)
{
	uint16_t command = pci_read16(p, PCI_COMMAND);

	pci_write16(p, PCI_COMMAND,
		    command & (uint16_t)~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (unsigned int bar = 0; bar < nr_bars(p);)
		bar += bar_read(p, bar);
	pci_write16(p, PCI_COMMAND, command);
}

void pci_bar_write(struct pci_device *p, unsigned int bar)
{
	const struct pci_resource *r = &p->res[bar];

	pci_write32(p, PCI_BAR0 + 4 * bar, (uint32_t)r->base);
	if (r->flags & PCI_RES_64)
		pci_write32(p, PCI_BAR0 + 4 * bar + 4, (uint32_t)(r->base >> 32));
}

/* An empty window has its base above its limit. */
void pci_bridge_write(struct pci_bus *b)
{
	struct pci_device *p = b->bridge;
	const struct pci_need *io = &b->windows[PCI_KIND_IO], *mem = &b->windows[PCI_KIND_MEM32];
	const struct pci_need *pref = &b->windows[PCI_KIND_MEM64];
	uint64_t base, end;

	base = io->size ? io->base : 0xf000;
	end = io->size ? io->base + io->size - 1 : 0xfff;
	pci_write8(p, PCI_IO_BASE, (uint8_t)(base >> 8 & 0xf0));
	pci_write8(p, PCI_IO_LIMIT, (uint8_t)(end >> 8 & 0xf0));
	pci_write16(p, PCI_IO_BASE_HIGH, (uint16_t)(base >> 16));
	pci_write16(p, PCI_IO_LIMIT_HIGH, (uint16_t)(end >> 16));

	base = mem->size ? mem->base : 0xfff00000;
	end = mem->size ? mem->base + mem->size - 1 : 0xfffff;
	pci_write16(p, PCI_MEMORY_BASE, (uint16_t)(base >> 16 & 0xfff0));
	pci_write16(p, PCI_MEMORY_LIMIT, (uint16_t)(end >> 16 & 0xfff0));

	base = pref->size ? pref->base : 0xfff00000;
	end = pref->size ? pref->base + pref->size - 1 : 0xfffff;
	pci_write16(p, PCI_PREFETCH_BASE, (uint16_t)(base >> 16 & 0xfff0));
	pci_write16(p, PCI_PREFETCH_LIMIT, (uint16_t)(end >> 16 & 0xfff0));
	pci_write32(p, PCI_PREFETCH_BASE_HIGH, (uint32_t)(base >> 32));
	pci_write32(p, PCI_PREFETCH_LIMIT_HIGH, (uint32_t)(end >> 32));
	pci_write16(p, PCI_COMMAND, pci_read16(p, PCI_COMMAND) | PCI_COMMAND_IO |
		    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}
