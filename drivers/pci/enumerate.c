/* SPDX-License-Identifier: MIT */
/*
 * Finding what sits on a host: functions, bridges, buses behind them; hosts' roots; rescans.
 *
 * Bus numbers are firmware's where every bridge of the root bus has sane ones, otherwise they are
 * given depth first.  The tree changes under the host device's lock only.
 */
#include <lib/err.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include "internal.h"

static void scan_bus(struct pci_bus *b);

static void device_release(struct device *dev)
{
	struct pci_device *p = pci_device_of(dev);

	kfree(p->below);
	kfree(p);
}

static struct pci_bus *bus_create(struct pci_host *h, struct pci_device *bridge, uint8_t number)
{
	struct pci_bus *b = kzalloc(sizeof(*b), ALLOC_NORMAL);
	uint32_t cap, type;

	if (!b)
		return NULL;
	b->host = h;
	b->bridge = bridge;
	b->number = b->last = number;
	list_init(&b->devices);
	for (unsigned int k = 0; k < PCI_KINDS; k++)
		pci_need_init(&b->windows[k], (enum pci_kind)k);
	cap = bridge ? pci_find_cap(bridge, PCI_CAP_EXPRESS, 0) : 0;
	type = cap ? pci_read16(bridge, cap + 2) >> 4 & 15 : 0;
	b->is_express_link = type == 4 || type == 6;	/* root or downstream port */
	if (!h->ops->open_bus || !h->ops->open_bus(h, number))
		return b;
	kfree(b);
	return NULL;
}

/* Registers of @bridge: parent, own, last. */
static void write_numbers(struct pci_device *bridge, uint8_t own, uint8_t last)
{
	pci_write8(bridge, PCI_PRIMARY_BUS, bridge->bus->number);
	pci_write8(bridge, PCI_SECONDARY_BUS, own);
	pci_write8(bridge, PCI_SUBORDINATE_BUS, last);
}

static bool has_sane_numbers(struct pci_device *bridge)
{
	uint8_t own = pci_read8(bridge, PCI_SECONDARY_BUS);
	uint8_t last = pci_read8(bridge, PCI_SUBORDINATE_BUS);

	return own > bridge->bus->number && last >= own && last <= bridge->bus->last &&
	       pci_read8(bridge, PCI_PRIMARY_BUS) == bridge->bus->number;
}

static void scan_kept(struct pci_device *bridge)
{
	struct pci_bus *b;

	if (!has_sane_numbers(bridge)) {
		dev_warn(&bridge->dev, "bridge without bus numbers: not searched");
		return;
	}
	b = bus_create(bridge->bus->host, bridge, pci_read8(bridge, PCI_SECONDARY_BUS));
	if (!b)
		return;
	b->last = pci_read8(bridge, PCI_SUBORDINATE_BUS);
	bridge->below = b;
	scan_bus(b);
}

static void scan_numbered(struct pci_device *bridge)
{
	struct pci_host *h = bridge->bus->host;
	struct pci_bus *b;

	if (h->top_bus >= h->last_bus) {
		dev_warn(&bridge->dev, "no bus number left");
		return;
	}
	h->top_bus++;
	write_numbers(bridge, h->top_bus, h->last_bus);
	b = bus_create(h, bridge, h->top_bus);
	if (!b)
		return;
	b->last = h->last_bus;
	bridge->below = b;
	scan_bus(b);
	b->last = h->top_bus;
	write_numbers(bridge, b->number, b->last);
}

/* Bridges have a capability for what others have in their header. */
static void read_subsystem(struct pci_device *p)
{
	uint32_t at = p->header == PCI_HEADER_BRIDGE ? pci_find_cap(p, PCI_CAP_SUBSYSTEM, 0) : 0;

	if (p->header == PCI_HEADER_NORMAL)
		at = PCI_SUBVENDOR - 4;
	if (!at)
		return;
	p->subvendor = pci_read16(p, at + 4);
	p->subdevice = pci_read16(p, at + 6);
}

static struct pci_device *device_create(struct pci_bus *b, uint8_t devfn, uint32_t ids)
{
	struct pci_device *p = kzalloc(sizeof(*p), ALLOC_NORMAL);

	if (!p)
		return NULL;
	p->bus = b;
	p->devfn = devfn;
	p->vendor = (uint16_t)ids;
	p->device = (uint16_t)(ids >> 16);
	p->header = pci_read8(p, PCI_HEADER_TYPE) & 0x7f;
	p->class = pci_read32(p, PCI_REVISION) >> 8;
	p->revision = pci_read8(p, PCI_REVISION);
	p->irq_pin = pci_read8(p, PCI_INTERRUPT_PIN);
	p->intx_irq = -ENOENT;
	if (p->irq_pin > 4)
		p->irq_pin = 0;
	read_subsystem(p);
	snprintf(p->name_buf, sizeof(p->name_buf), "%04x:%02x:%02x.%x", b->host->segment,
		 b->number, PCI_SLOT(devfn), PCI_FUNCTION(devfn));
	p->dev.name = p->name_buf;
	p->dev.bus = &pci_bus_type;
	p->dev.node = -1;
	p->dev.release = device_release;
	p->dev.dma.mask = 0xffffffff;
	p->dev.dma.ops = b->host->dev.dma.ops;
	p->dev.dma.is_noncoherent = b->host->dev.dma.is_noncoherent;
	pci_bars_read(p);
	list_add_tail(&p->node, &b->devices);
	return p;
}

static struct pci_device *find_device(struct pci_bus *b, uint8_t devfn)
{
	struct pci_device *p;

	list_for_each_entry(p, &b->devices, node)
		if (p->devfn == devfn)
			return p;
	return NULL;
}

/* 0: nobody answers; all ones is an empty slot, and a zero vendor is none either. */
static uint32_t read_ids(struct pci_bus *b, uint8_t devfn)
{
	uint32_t ids = pci_bus_read(b, devfn, PCI_VENDOR, 4);

	return (uint16_t)ids == 0xffff || !(uint16_t)ids ? 0 : ids;
}

static void scan_function(struct pci_bus *b, uint8_t devfn)
{
	uint32_t ids = find_device(b, devfn) ? 0 : read_ids(b, devfn);

	if (ids)
		(void)device_create(b, devfn, ids);
}

static void scan_slot(struct pci_bus *b, unsigned int slot)
{
	uint8_t first = PCI_DEVFN(slot, 0);

	if (!read_ids(b, first))
		return;
	scan_function(b, first);
	if (!(pci_bus_read(b, first, PCI_HEADER_TYPE, 1) & PCI_HEADER_MULTI))
		return;
	for (uint8_t function = 1; function < 8; function++)
		scan_function(b, PCI_DEVFN(slot, function));
}

/* Recursion: a child's number is larger than its parent's, so 255 at most. */
static void scan_bus(struct pci_bus *b)
{
	struct pci_host *h = b->host;
	struct pci_device *p;

	for (unsigned int slot = 0; slot < (b->is_express_link ? 1 : 32); slot++)
		scan_slot(b, slot);
	if (!b->bridge && !h->is_scanned)
		list_for_each_entry(p, &b->devices, node)
			if (p->header == PCI_HEADER_BRIDGE && !has_sane_numbers(p))
				h->gives_numbers = true;
	list_for_each_entry(p, &b->devices, node) {
		if (p->header != PCI_HEADER_BRIDGE)
			continue;
		if (p->below)
			scan_bus(p->below);
		else if (h->gives_numbers && !h->is_scanned)
			scan_numbered(p);
		else
			scan_kept(p);
	}
}

/* Parents before children; how many are new. */
static unsigned int add_devices(struct pci_bus *b)
{
	struct device *parent = b->bridge ? &b->bridge->dev : &b->host->dev;
	struct pci_device *p;
	unsigned int nr = 0;

	list_for_each_entry(p, &b->devices, node) {
		if (!p->is_added) {
			p->is_added = true;
			p->dev.parent = parent;
			device_add(&p->dev);
			nr++;
		}
		if (p->below)
			nr += add_devices(p->below);
	}
	return nr;
}

int pci_host_add(struct pci_host *h)
{
	int err;

	snprintf(h->name_buf, sizeof(h->name_buf), "pci%04x:%02x", h->segment, h->first_bus);
	h->dev.name = h->name_buf;
	h->dev.node = -1;
	h->dev.attrs = pci_host_attrs;
	h->root = bus_create(h, NULL, h->first_bus);
	if (!h->root)
		return -ENOMEM;
	h->root->last = h->last_bus;
	h->top_bus = h->first_bus;
	scan_bus(h->root);
	h->is_scanned = true;
	err = pci_assign(h);
	if (err)
		return err;
	device_add(&h->dev);
	mutex_lock(&h->dev.lock);
	(void)add_devices(h->root);
	mutex_unlock(&h->dev.lock);
	return 0;
}

unsigned int pci_host_rescan(struct pci_host *h)
{
	unsigned int nr = 0;

	mutex_lock(&h->dev.lock);
	scan_bus(h->root);
	if (!pci_assign(h))
		nr = add_devices(h->root);
	mutex_unlock(&h->dev.lock);
	return nr;
}

/* Behind a bridge first; the list is the bus's, the device the model's. */
static void remove_tree(struct pci_device *p)
{
	while (p->below && !list_empty(&p->below->devices))
		remove_tree(list_entry(p->below->devices.next, struct pci_device, node));
	list_del(&p->node);
	device_remove(&p->dev);
}

void pci_remove(struct pci_device *p)
{
	struct pci_host *h = p->bus->host;

	mutex_lock(&h->dev.lock);
	if (find_device(p->bus, p->devfn) == p)
		remove_tree(p);
	mutex_unlock(&h->dev.lock);
}
