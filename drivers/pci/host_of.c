/* SPDX-License-Identifier: MIT */
/*
 * A host bridge that the device tree describes: "pci-host-ecam-generic" with ranges, interrupt-map,
 * msi-map or msi-parent (IEEE 1275 PCI binding; Linux's pci-msi.txt).  All of it is untrusted.
 */
#include <drivers/of.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "internal.h"

#define SPACE_IO	1u
#define SPACE_MEM32	2u
#define SPACE_MEM64	3u
#define RANGE_CELLS	7u		/* 3 child, 2 parent, 2 size */

struct of_host {
	struct pci_host host;
	struct pci_ecam ecam;
	int node;
};

static uint32_t cell(const struct of_prop *p, uint32_t index)
{
	return (uint32_t)of_cells(p->data + 4 * (size_t)index, 1);
}

/* True if the property has @nr cells from @index on. */
static bool has_cells(const struct of_prop *p, uint32_t index, uint32_t nr)
{
	return range_within(4ull * index, 4ull * nr, p->len);
}

static struct pci_window window_at(const struct of_prop *p, uint32_t at)
{
	uint32_t high = cell(p, at), space = high >> 24 & 3;

	return (struct pci_window){
		.flags = space == SPACE_IO ? PCI_RES_IO : PCI_RES_MEM |
			 (space == SPACE_MEM64 ? PCI_RES_64 : 0) |
			 (high & 0x40000000 ? PCI_RES_PREFETCH : 0),
		.bus_base = of_cells(p->data + 4 * (at + 1), 2),
		.cpu_base = of_cells(p->data + 4 * (at + 3), 2),
		.size = of_cells(p->data + 4 * (at + 5), 2),
	};
}

static int read_windows(struct of_host *o)
{
	struct pci_host *h = &o->host;
	struct of_prop p;
	uint32_t nr;

	if (!of_get(o->node, "ranges", &p))
		return -EINVAL;
	nr = p.len / (RANGE_CELLS * 4);
	h->windows = kzalloc(max(nr, 1u) * sizeof(*h->windows), ALLOC_NORMAL);
	if (!h->windows)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++) {
		struct pci_window w = window_at(&p, i * RANGE_CELLS);

		/* The configuration space itself may stand there, with space code 0. */
		if ((cell(&p, i * RANGE_CELLS) >> 24 & 3) && w.size &&
		    w.bus_base + w.size > w.bus_base && w.cpu_base + w.size > w.cpu_base)
			h->windows[h->nr_windows++] = w;
	}
	return 0;
}

static uint32_t number_or(int node, const char *name, uint32_t otherwise)
{
	uint32_t v;

	return of_u32(node, name, &v) ? v : otherwise;
}

/*
 * An entry of interrupt-map: address (3 cells), pin, controller, and then as many cells as the
 * controller's own properties say.  Its length is in *@len; 0: the map is damaged.
 */
static int entry_read(const struct of_prop *map, uint32_t at, struct of_irq *irq, uint32_t *len)
{
	uint32_t address_cells;

	*len = 0;
	if (!has_cells(map, at, 5))
		return -ENOENT;
	irq->controller = of_find_phandle(cell(map, at + 4));
	if (irq->controller < 0)
		return -EINVAL;
	address_cells = number_or(irq->controller, "#address-cells", 0);
	irq->nr_cells = number_or(irq->controller, "#interrupt-cells", 1);
	if (address_cells > 4 || !irq->nr_cells || irq->nr_cells > OF_IRQ_CELLS ||
	    !has_cells(map, at, 5 + address_cells + irq->nr_cells))
		return -EINVAL;
	for (uint32_t i = 0; i < irq->nr_cells; i++)
		irq->cells[i] = cell(map, at + 5 + address_cells + i);
	*len = 5 + address_cells + irq->nr_cells;
	return 0;
}

static int of_map_intx(struct pci_host *h, struct pci_device *p, uint8_t devfn, uint8_t pin)
{
	struct of_host *o = container_of(h, struct of_host, host);
	uint32_t address = (uint32_t)devfn << 8 | (uint32_t)p->bus->number << 16, at = 0, len;
	struct of_prop map, mask;
	struct of_irq irq;
	int err;

	if (!of_get(o->node, "interrupt-map", &map) ||
	    !of_get(o->node, "interrupt-map-mask", &mask) || mask.len < 16)
		return -ENOENT;
	while (!(err = entry_read(&map, at, &irq, &len))) {
		if (!((cell(&map, at) ^ address) & cell(&mask, 0)) &&
		    !((cell(&map, at + 3) ^ pin) & cell(&mask, 3)))
			return of_irq_number(&irq);
		at += len;
	}
	return err;
}

/* msi-map: (first requester, controller, its first number, count); else msi-parent, one to one. */
static struct msi_parent *of_find_msi(struct pci_host *h, uint16_t requester, uint32_t *device_id)
{
	struct of_host *o = container_of(h, struct of_host, host);
	struct of_prop map;
	uint32_t phandle, masked = requester & number_or(o->node, "msi-map-mask", 0xffff);

	*device_id = requester;
	if (of_get(o->node, "msi-map", &map)) {
		for (uint32_t at = 0; has_cells(&map, at, 4); at += 4) {
			uint32_t first = cell(&map, at);

			if (masked < first || masked - first >= cell(&map, at + 3))
				continue;
			*device_id = masked - first + cell(&map, at + 2);
			return msi_parent_find(cell(&map, at + 1));
		}
		return NULL;
	}
	return of_u32(o->node, "msi-parent", &phandle) ? msi_parent_find(phandle) : NULL;
}

static int of_host_setup(struct of_host *o, struct device *dev)
{
	struct pci_host *h = &o->host;
	struct of_prop range, unused;
	uint32_t last = 255;
	int err;

	o->node = dev->node;
	err = of_reg(o->node, 0, &o->ecam.base, &o->ecam.size);
	if (err)
		return err;
	if (of_get(o->node, "bus-range", &range) && range.len >= 8) {
		h->first_bus = (uint8_t)cell(&range, 0);
		last = min(cell(&range, 1), 255u);
	}
	/* The window starts with the first bus; ours with bus 0. */
	last = min(last, (uint32_t)min(o->ecam.size >> 20, (uint64_t)256) + h->first_bus - 1);
	if (o->ecam.size < MIB || last < h->first_bus)
		return -EINVAL;
	o->ecam.base.v -= (uint64_t)h->first_bus << 20;
	o->ecam.size += (uint64_t)h->first_bus << 20;
	h->last_bus = (uint8_t)last;
	h->segment = (uint16_t)number_or(o->node, "linux,pci-domain", 0);
	h->ops = &pci_ecam_ops;
	h->priv = &o->ecam;
	h->map_intx = of_map_intx;
	h->find_msi = of_find_msi;
	h->dev.parent = dev;
	h->dev.dma.is_noncoherent = !of_get(o->node, "dma-coherent", &unused);
	return read_windows(o);
}

static int of_host_probe(struct device *dev)
{
	struct of_host *o = kzalloc(sizeof(*o), ALLOC_NORMAL);
	int err;

	if (!o)
		return -ENOMEM;
	err = of_host_setup(o, dev);
	if (!err)
		err = pci_host_add(&o->host);
	if (!err)
		return 0;
	kfree(o->host.windows);
	kfree(o);
	return err;
}

static const struct device_id of_host_ids[] = {
	{ .compatible = "pci-host-ecam-generic" },
	{ 0 },
};

/* A host stays: what removed it would have removed the machine. */
DRIVER(pci_host_ecam) = {
	.name	= "pci-host-ecam",
	.ids	= of_host_ids,
	.probe	= of_host_probe,
};
