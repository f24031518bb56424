/* SPDX-License-Identifier: MIT */
/*
 * A device's interrupts: MSI-X where there is a controller for messages, one MSI, or its pin.
 *
 * Q1 All of a device's interrupts are of one kind, chosen at the first request and kept until the
 *    driver lets go.
 * Q2 Messages of plain MSI must have consecutive vectors, which per-CPU vectors cannot promise: one
 *    is all that we ask for.
 * Q3 A pin is shared and level-triggered; it is swizzled through the bridges above, and the host
 *    knows where it leads on the root bus.
 */
#include <drivers/mmio.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "internal.h"

enum msix_offset { MSIX_CONTROL = 2, MSIX_TABLE = 4 };
#define MSIX_ENABLE		0x8000u
#define MSIX_MASK_ALL		0x4000u
#define MSIX_SIZE		0x07ffu
#define MSIX_ENTRY		16
#define MSIX_ENTRY_MASKED	1u

enum msi_offset { MSI_CONTROL = 2, MSI_ADDRESS = 4 };
#define MSI_ENABLE		0x0001u
#define MSI_MULTIPLE		0x0070u
#define MSI_64			0x0080u

/* The vectors' owner: they stand in an array behind it. */
struct pci_vector {
	struct msi_vector msi;
	struct pci_device *p;
};

static struct pci_vector *vector_of(struct msi_vector *v)
{
	return container_of(v, struct pci_vector, msi);
}

static struct mmio entry_of(struct msi_vector *v)
{
	char *table = vector_of(v)->p->msix_table;

	return (struct mmio){ .base = table + v->index * MSIX_ENTRY, .size = MSIX_ENTRY };
}

static void msix_mask(struct msi_vector *v)
{
	struct mmio e = entry_of(v);

	mmio_write32(&e, 12, mmio_read32(&e, 12) | MSIX_ENTRY_MASKED);
	(void)mmio_read32(&e, 12);		/* none is on its way after this */
}

static void msix_unmask(struct msi_vector *v)
{
	struct mmio e = entry_of(v);

	mmio_write32(&e, 12, mmio_read32(&e, 12) & ~MSIX_ENTRY_MASKED);
}

/* An entry changes while it is masked (PCI 3.0, 6.8.3.4). */
static void msix_write(struct msi_vector *v, const struct msi_message *m)
{
	struct mmio e = entry_of(v);
	uint32_t control = mmio_read32(&e, 12);

	mmio_write32(&e, 12, control | MSIX_ENTRY_MASKED);
	mmio_write32(&e, 0, (uint32_t)m->address);
	mmio_write32(&e, 4, (uint32_t)(m->address >> 32));
	mmio_write32(&e, 8, m->data);
	mmio_write32(&e, 12, control);
}

static void msi_write(struct msi_vector *v, const struct msi_message *m)
{
	struct pci_device *p = vector_of(v)->p;
	uint32_t at = p->msi_cap;
	bool is_64 = pci_read16(p, at + MSI_CONTROL) & MSI_64;

	pci_write32(p, at + MSI_ADDRESS, (uint32_t)m->address);
	if (is_64)
		pci_write32(p, at + MSI_ADDRESS + 4, (uint32_t)(m->address >> 32));
	pci_write16(p, at + MSI_ADDRESS + (is_64 ? 8 : 4), (uint16_t)m->data);
}

static void set_intx(struct pci_device *p, uint16_t bits)
{
	pci_write16(p, PCI_COMMAND,
		    (uint16_t)((pci_read16(p, PCI_COMMAND) & ~PCI_COMMAND_NO_INTX) | bits));
}

static struct msi_vector *vector_at(struct pci_device *p, unsigned int i)
{
	return &p->vectors[i].msi;
}

static void vectors_free(struct pci_device *p)
{
	struct msi_parent *parent;
	uint32_t device_id;

	if (!p->vectors)
		return;
	parent = vector_at(p, 0)->parent;
	device_id = vector_at(p, 0)->device_id;
	for (unsigned int i = 0; i < p->nr_vectors; i++)
		parent->free(parent, vector_at(p, i));
	if (parent->device_close)
		parent->device_close(parent, device_id);
	kfree(p->vectors);
	p->vectors = NULL;
	p->nr_vectors = 0;
}

/* As many as there are, up to @nr; p->nr_vectors says how many.  -errno: not even one. */
static int vectors_alloc(struct pci_device *p, unsigned int nr, const struct msi_vector *like)
{
	struct msi_parent *parent = like->parent;
	struct pci_vector *vectors;
	int err;

	err = parent->device_open ? parent->device_open(parent, like->device_id, nr) : 0;
	if (err)
		return err;
	vectors = kzalloc(nr * sizeof(*vectors), ALLOC_NORMAL);
	if (!vectors) {
		if (parent->device_close)
			parent->device_close(parent, like->device_id);
		return -ENOMEM;
	}
	p->vectors = vectors;
	for (p->nr_vectors = 0; p->nr_vectors < nr; p->nr_vectors++) {
		struct pci_vector *v = &vectors[p->nr_vectors];

		*v = (struct pci_vector){ .msi = *like, .p = p };
		v->msi.index = p->nr_vectors;
		err = parent->alloc(parent, &v->msi);
		if (err)
			break;
	}
	if (p->nr_vectors)
		return 0;
	vectors_free(p);
	return err;
}

static int msix_open(struct pci_device *p, unsigned int max, struct msi_vector *like)
{
	uint32_t at = pci_find_cap(p, PCI_CAP_MSIX, 0), table, nr, bar;
	uint16_t control;
	int err;

	if (!at)
		return -ENOENT;
	control = pci_read16(p, at + MSIX_CONTROL);
	table = pci_read32(p, at + MSIX_TABLE);
	nr = (control & MSIX_SIZE) + 1u;
	bar = table & 7;
	if (bar >= PCI_BARS || !range_within(table & ~7u, nr * MSIX_ENTRY, p->res[bar].size) ||
	    !pci_bar_map(p, bar))
		return -EINVAL;
	p->msix_table = pci_bar_map(p, bar) + (table & ~7u);
	p->msi_cap = (uint16_t)at;
	control = (uint16_t)((control & ~MSIX_MASK_ALL) | MSIX_ENABLE);
	pci_write16(p, at + MSIX_CONTROL, (uint16_t)(control | MSIX_MASK_ALL));
	for (uint32_t i = 0; i < nr; i++) {
		struct mmio e = { .base = p->msix_table + i * MSIX_ENTRY, .size = MSIX_ENTRY };

		mmio_write32(&e, 12, MSIX_ENTRY_MASKED);
	}
	like->write = msix_write;
	like->mask = msix_mask;
	like->unmask = msix_unmask;
	err = vectors_alloc(p, min(nr, max), like);
	pci_write16(p, at + MSIX_CONTROL,
		    err ? (uint16_t)(control & ~MSIX_ENABLE) : control);
	return err;
}

static int msi_open(struct pci_device *p, struct msi_vector *like)
{
	uint32_t at = pci_find_cap(p, PCI_CAP_MSI, 0);
	uint16_t control;
	int err;

	if (!at)
		return -ENOENT;
	p->msi_cap = (uint16_t)at;
	like->write = msi_write;
	like->mask = NULL;
	like->unmask = NULL;
	err = vectors_alloc(p, 1, like);
	if (err)
		return err;
	control = pci_read16(p, at + MSI_CONTROL);
	pci_write16(p, at + MSI_CONTROL, (uint16_t)((control & ~MSI_MULTIPLE) | MSI_ENABLE));
	return 0;
}

static int messages_open(struct pci_device *p, unsigned int max)
{
	struct pci_host *h = p->bus->host;
	struct msi_vector like = { 0 };
	int err;

	if (h->find_msi)
		like.parent = h->find_msi(h, (uint16_t)(p->bus->number << 8 | p->devfn),
					  &like.device_id);
	if (!like.parent)
		return -ENOENT;
	err = msix_open(p, max, &like);
	if (!err) {
		p->irq_mode = PCI_IRQ_MSIX;
	} else {
		err = msi_open(p, &like);
		if (err)
			return err;
		p->irq_mode = PCI_IRQ_MSI;
	}
	set_intx(p, PCI_COMMAND_NO_INTX);
	return 0;
}

static int intx_open(struct pci_device *p)
{
	struct pci_device *at = p;
	uint8_t pin = p->irq_pin;
	int irq;

	if (!pin || !p->bus->host->map_intx)
		return -ENOENT;
	for (; at->bus->bridge; at = at->bus->bridge)
		pin = (uint8_t)((pin - 1 + PCI_SLOT(at->devfn)) % 4 + 1);
	irq = p->bus->host->map_intx(p->bus->host, at, at->devfn, pin);
	if (irq < 0)
		return irq;
	p->intx_irq = irq;
	p->irq_mode = PCI_IRQ_INTX;
	set_intx(p, 0);
	return 0;
}

int pci_irq_vectors(struct device *dev, unsigned int max)
{
	struct pci_device *p = pci_device_of(dev);

	if (p->irq_mode == PCI_IRQ_NONE && messages_open(p, max)) {
		int err = intx_open(p);

		if (err)
			return err;
	}
	return p->irq_mode == PCI_IRQ_INTX ? 1 : (int)p->nr_vectors;
}

int pci_irq(struct device *dev, unsigned int index)
{
	struct pci_device *p = pci_device_of(dev);
	int nr = pci_irq_vectors(dev, 1);

	if (nr < 0)
		return nr;
	if (index >= (unsigned int)nr)
		return -ENOENT;
	return p->irq_mode == PCI_IRQ_INTX ? p->intx_irq : (int)vector_at(p, index)->irq;
}

/* A device that was pulled out loses the register writes; the vectors go all the same. */
void pci_irqs_drop(struct pci_device *p)
{
	if (p->irq_mode == PCI_IRQ_MSIX)
		pci_write16(p, p->msi_cap + MSIX_CONTROL, 0);
	else if (p->irq_mode == PCI_IRQ_MSI)
		pci_write16(p, p->msi_cap + MSI_CONTROL, 0);
	vectors_free(p);
	p->irq_mode = PCI_IRQ_NONE;
	p->intx_irq = -ENOENT;
	p->msix_table = NULL;
}
