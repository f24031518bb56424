/* SPDX-License-Identifier: MIT */
/*
 * Configuration space in memory (PCI Express Base, 7.2.2): 4 KiB for each function, 1 MiB for each
 * bus, which is mapped when the bus is found.
 */
#include <drivers/mmio.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/vmalloc.h>
#include "internal.h"

#define BUS_SIZE	0x100000u

static int ecam_open_bus(struct pci_host *h, uint8_t bus)
{
	struct pci_ecam *e = h->priv;
	uint64_t offset = (uint64_t)bus * BUS_SIZE;

	if (e->buses[bus])
		return 0;
	if (!range_within(offset, BUS_SIZE, e->size))
		return -EINVAL;
	e->buses[bus] = mmio_map(paddr_add(e->base, offset), BUS_SIZE, MEM_DEVICE);
	return e->buses[bus] ? 0 : -ENOMEM;
}

static struct mmio window_of(struct pci_host *h, uint8_t bus, uint8_t devfn)
{
	struct pci_ecam *e = h->priv;
	char *base = e->buses[bus];

	return (struct mmio){ .base = base ? base + devfn * 4096u : NULL, .size = 4096 };
}

static uint32_t ecam_read(struct pci_host *h, uint8_t bus, uint8_t devfn, uint32_t offset,
			  unsigned int size)
{
	struct mmio m = window_of(h, bus, devfn);

	if (!m.base)
		return ~0u;
	switch (size) {
	case 1:
		return mmio_read8(&m, offset);
	case 2:
		return mmio_read16(&m, offset);
	default:
		return mmio_read32(&m, offset);
	}
}

static void ecam_write(struct pci_host *h, uint8_t bus, uint8_t devfn, uint32_t offset,
		       unsigned int size, uint32_t v)
{
	struct mmio m = window_of(h, bus, devfn);

	if (!m.base)
		return;
	if (size == 1)
		mmio_write8(&m, offset, (uint8_t)v);
	else if (size == 2)
		mmio_write16(&m, offset, (uint16_t)v);
	else
		mmio_write32(&m, offset, v);
}

const struct pci_config_ops pci_ecam_ops = {
	.read = ecam_read, .write = ecam_write, .open_bus = ecam_open_bus, .size = 4096,
};
