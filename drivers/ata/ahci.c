/* SPDX-License-Identifier: MIT */
/*
 * AHCI host adapters: ports found, started and given to the block layer.  Disks only; a disk that
 * is plugged in later is not looked for.
 */
#include <drivers/pci.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <uapi/major.h>

#include "ahci.h"

#define CLASS_AHCI	0x010601
#define ABAR		5
#define RESET_NS	NSEC_PER_SEC
#define LINK_NS		(15 * NSEC_PER_MSEC)

static enum irq_result ahci_interrupt(unsigned int irq, void *ctx)
{
	struct ahci *h = ctx;
	uint32_t cause = mmio_read32(&h->regs, HBA_IS);

	(void)irq;
	if (!cause || cause == REG_NOBODY)
		return IRQ_NONE;
	for (unsigned int i = 0; i < h->nr_ports; i++)
		if (cause & 1u << i && h->ports[i])
			ahci_port_interrupt(h->ports[i]);
	mmio_write32(&h->regs, HBA_IS, cause);
	return IRQ_HANDLED;
}

/* -EIO: it does not come out of its reset. */
static int reset(struct ahci *h)
{
	mmio_write32(&h->regs, HBA_GHC, GHC_AHCI);
	mmio_write32(&h->regs, HBA_GHC, GHC_AHCI | GHC_RESET);
	for (int64_t ns = 0; mmio_read32(&h->regs, HBA_GHC) & GHC_RESET; ns += NSEC_PER_MSEC) {
		if (ns > RESET_NS)
			return -EIO;
		sleep_ns(NSEC_PER_MSEC);
	}
	mmio_write32(&h->regs, HBA_GHC, GHC_AHCI);
	return 0;
}

static void port_free(struct ahci_port *p)
{
	dma_free(p->hba->dev, sizeof(*p->mem), p->mem, p->mem_dma);
	kfree(p);
}

static struct ahci_port *port_create(struct ahci *h, unsigned int number)
{
	struct ahci_port *p = kzalloc(sizeof(*p), 0);

	if (!p)
		return NULL;
	p->hba = h;
	p->number = number;
	p->regs = h->regs;
	p->regs.base += PORT_BASE(number);
	p->regs.size = 0x80;
	spinlock_init(&p->lock, DEVICE);
	p->mem = dma_alloc(h->dev, sizeof(*p->mem), &p->mem_dma);
	if (p->mem)
		return p;
	kfree(p);
	return NULL;
}

static int make_disk(struct ahci_port *p)
{
	char name[16];
	unsigned int index = disk_free_index("sd", name, sizeof(name));
	struct disk_args args = {
		.name = name, .ops = &ahci_disk_ops, .priv = p, .dma_dev = p->hba->dev,
		.nr_sectors = p->nr_blocks * (p->logical_size / SECTOR_SIZE),
		.nr_queues = 1, .queue_depth = p->depth,
		/* Sixteen disks have numbers of their own; 256 MiB at a time is TRIM's. */
		.major = index < 16 ? SCSI_DISK0_MAJOR : 0, .first_minor = index < 16 ? 16 * index :
			0,
		.minors = index < 16 ? 16 : 1, .serial = p->serial,
		.limits = {
			.logical_size = p->logical_size, .physical_size = p->physical_size,
			.max_sectors = 1024, .max_segments = AHCI_SEGS,
			.max_segment_size = 1u << 22,
			.dma_mask = p->hba->cap & CAP_64BIT ? ~0ULL : 0xffffffffu,
			.max_discard_sectors = p->has_trim ? 1u << 21 : 0,
			.has_cache = p->has_cache, .is_rotational = p->is_rotational,
		},
	};

	p->disk = disk_create(&args);
	if (IS_ERR(p->disk)) {
		int err = (int)PTR_ERR(p->disk);

		p->disk = NULL;
		return err;
	}
	p->disk->queues[0].priv = p;
	return 0;
}

/* The disk on a port that has a link.  -ENODEV: it is none of ours. */
static int port_attach(struct ahci_port *p)
{
	int err = ahci_port_start(p);

	err = err ? err : ahci_port_identify(p);
	err = err ? err : make_disk(p);
	if (err)
		return err;
	dev_info(p->hba->dev, "port %u: %s%s", p->number, p->model, p->has_ncq ? ", NCQ" : "");
	mmio_write32(&p->regs, PORT_IS, ~0u);
	mmio_write32(&p->regs, PORT_IE, PORT_INT_DONE | PORT_INT_ERROR | PORT_INT_LINK);
	return disk_register(p->disk);
}

static void port_detach(struct ahci_port *p)
{
	if (p->disk)
		disk_stop(p->disk);
	else
		ahci_port_stop(p);
}

static void ports_remove(struct ahci *h)
{
	__atomic_store_n(&h->is_removed, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < h->nr_ports; i++)
		if (h->ports[i])
			port_detach(h->ports[i]);
	if (h->irq >= 0)
		irq_release((unsigned int)h->irq, h);
	for (unsigned int i = 0; i < h->nr_ports; i++) {
		struct ahci_port *p = h->ports[i];

		if (p && p->disk)
			disk_remove(p->disk);
		if (p)
			port_free(p);
		h->ports[i] = NULL;
	}
}

/* All ports look for a device at once. */
static int ports_find(struct ahci *h)
{
	uint32_t present = mmio_read32(&h->regs, HBA_PI);
	bool waited = false;

	h->nr_ports = (unsigned int)min((h->regs.size - PORT_BASE(0)) / 0x80, 32ull);
	for (unsigned int i = 0; i < h->nr_ports; i++) {
		if (!(present & 1u << i))
			continue;
		h->ports[i] = port_create(h, i);
		if (!h->ports[i])
			return -ENOMEM;
		ahci_port_power(h->ports[i]);
	}
	for (unsigned int i = 0; i < h->nr_ports; i++) {
		struct ahci_port *p = h->ports[i];

		if (!p || ahci_port_has_link(p))
			continue;
		if (!waited)
			sleep_ns(LINK_NS);
		waited = true;
		if (ahci_port_has_link(p))
			continue;
		ahci_port_stop(p);
		port_free(p);
		h->ports[i] = NULL;
	}
	return 0;
}

static int start(struct ahci *h)
{
	int err = device_mmio(h->dev, ABAR, HBA_WINDOW + 0x80, &h->regs);

	if (err)
		return err;
	err = reset(h);
	if (err)
		return err;
	h->cap = mmio_read32(&h->regs, HBA_CAP);
	err = dma_set_mask(h->dev, h->cap & CAP_64BIT ? DMA_MASK(64) : DMA_MASK(32));
	err = err ? err : ports_find(h);
	if (err)
		return err;
	err = device_irq_vectors(h->dev, 1);
	if (err > 0)
		err = device_irq(h->dev, 0);
	if (err < 0)
		return err;
	h->irq = err;
	err = irq_request((unsigned int)h->irq, ahci_interrupt, h, "ahci");
	if (err) {
		h->irq = -1;
		return err;
	}
	mmio_write32(&h->regs, HBA_GHC, GHC_AHCI | GHC_INTERRUPTS);
	return 0;
}

static void ahci_remove(struct device *dev)
{
	struct ahci *h = dev->priv;

	ports_remove(h);
	dev->priv = NULL;
	kfree(h);
}

static int ahci_probe(struct device *dev)
{
	struct ahci *h = kzalloc(sizeof(*h), 0);
	int err;

	if (!h)
		return -ENOMEM;
	h->dev = dev;
	h->irq = -1;
	dev->priv = h;
	err = start(h);
	if (err) {
		ahci_remove(dev);
		return err;
	}
	for (unsigned int i = 0; i < h->nr_ports; i++) {
		struct ahci_port *p = h->ports[i];

		err = p ? port_attach(p) : 0;
		if (err && err != -ENODEV)
			dev_warn(dev, "port %u: error %d", i, err);
	}
	return 0;
}

static const struct device_id ahci_ids[] = {
	{ .vendor = DEVICE_ID_ANY, .device = DEVICE_ID_ANY, .class = CLASS_AHCI,
	  .class_mask = 0xffffff },
	{ 0 },
};

DRIVER(ahci) = {
	.name	= "ahci",
	.bus	= &pci_bus_type,
	.ids	= ahci_ids,
	.probe	= ahci_probe,
	.remove	= ahci_remove,
};
