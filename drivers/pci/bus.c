/* SPDX-License-Identifier: MIT */
/* PCI as a bus of the device model: matching, register windows, switching on and off. */
#include <lib/err.h>
#include <mm/vmalloc.h>
#include "internal.h"

static bool id_fits(const struct pci_device *p, const struct device_id *id)
{
	if (id->vendor && id->vendor != DEVICE_ID_ANY && id->vendor != p->vendor)
		return false;
	if (id->vendor && id->device != DEVICE_ID_ANY && id->device != p->device)
		return false;
	return !((p->class ^ id->class) & id->class_mask);
}

static const struct device_id *pci_match(const struct device *dev, const struct device_id *ids)
{
	const struct pci_device *p = container_of(dev, struct pci_device, dev);

	for (; ids->vendor || ids->class_mask; ids++)
		if (id_fits(p, ids))
			return ids;
	return NULL;
}

/* Where the CPU sees @r, or false when the host passes it on nowhere. */
static bool translate(const struct pci_host *h, const struct pci_resource *r,
		      struct pci_window *at)
{
	for (unsigned int i = 0; i < h->nr_windows; i++) {
		const struct pci_window *w = &h->windows[i];

		if ((w->flags ^ r->flags) & PCI_RES_IO || r->base < w->bus_base ||
		    r->base - w->bus_base >= w->size)
			continue;
		*at = *w;
		at->cpu_base += r->base - w->bus_base;
		return true;
	}
	return false;
}

char *pci_bar_map(struct pci_device *p, unsigned int bar)
{
	struct pci_window at;

	if (p->bar_map[bar])
		return p->bar_map[bar];
	if (!translate(p->bus->host, &p->res[bar], &at) || at.is_port)
		return NULL;
	p->bar_map[bar] = mmio_map(PADDR(at.cpu_base), p->res[bar].size, MEM_DEVICE);
	return p->bar_map[bar];
}

static int pci_mmio(struct device *dev, unsigned int index, struct mmio *out)
{
	struct pci_device *p = pci_device_of(dev);
	struct pci_window at;
	char *base;

	if (index >= PCI_BARS || !p->res[index].size)
		return -ENOENT;
	if (!translate(p->bus->host, &p->res[index], &at))
		return -EINVAL;
	if (at.is_port) {
		*out = (struct mmio){ .port = (uint16_t)at.cpu_base, .size = p->res[index].size };
		return 0;
	}
	base = pci_bar_map(p, index);
	if (!base)
		return -ENOMEM;
	*out = (struct mmio){ .base = base, .size = p->res[index].size };
	return 0;
}

/* Decoding only for the kinds of windows that it has, so that an unplaced one stays silent. */
static int pci_enable(struct device *dev)
{
	struct pci_device *p = pci_device_of(dev);
	uint16_t command = pci_read16(p, PCI_COMMAND) | PCI_COMMAND_MASTER;

	if (!pci_is_present(p))
		return -ENODEV;
	for (unsigned int i = 0; i < PCI_BARS; i++)
		if (p->res[i].size)
			command |= p->res[i].flags & PCI_RES_IO ? PCI_COMMAND_IO :
								  PCI_COMMAND_MEMORY;
	pci_write16(p, PCI_COMMAND, command);
	return 0;
}

static void pci_disable(struct device *dev)
{
	struct pci_device *p = pci_device_of(dev);

	pci_irqs_drop(p);
	if (pci_is_present(p))
		pci_write16(p, PCI_COMMAND,
			    pci_read16(p, PCI_COMMAND) & (uint16_t)~(PCI_COMMAND_IO |
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
	for (unsigned int i = 0; i < PCI_RESOURCES; i++) {
		if (p->bar_map[i])
			mmio_unmap(p->bar_map[i]);
		p->bar_map[i] = NULL;
	}
}

const struct bus pci_bus_type = {
	.name = "pci",
	.match = pci_match,
	.mmio = pci_mmio,
	.irq = pci_irq,
	.irq_vectors = pci_irq_vectors,
	.enable = pci_enable,
	.disable = pci_disable,
	.attrs = pci_attrs,
	.uevent = pci_uevent,
};
