/* SPDX-License-Identifier: MIT */
/*
 * The virtio-pci transport, modern (virtio 1.2, 4.1): register blocks somewhere in the BARs, found
 * by vendor capabilities; MSI-X with one vector for configuration and one for each queue where
 * there are enough.
 */
#include <drivers/pci.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "internal.h"

enum vp_cap_type { VP_COMMON = 1, VP_NOTIFY = 2, VP_ISR = 3, VP_DEVICE = 4, VP_BLOCKS };

/* 4.1.4: offsets in the capability. */
enum vp_cap { CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_LENGTH = 12, CAP_MULTIPLIER = 16 };

enum vp_common_reg {			/* 4.1.4.3 */
	VP_DEVICE_FEATURE_SELECT	= 0x00,
	VP_DEVICE_FEATURE		= 0x04,
	VP_DRIVER_FEATURE_SELECT	= 0x08,
	VP_DRIVER_FEATURE		= 0x0c,
	VP_CONFIG_VECTOR		= 0x10,
	VP_STATUS			= 0x14,
	VP_GENERATION			= 0x15,
	VP_QUEUE_SELECT			= 0x16,
	VP_QUEUE_SIZE			= 0x18,
	VP_QUEUE_VECTOR			= 0x1a,
	VP_QUEUE_ENABLE			= 0x1c,
	VP_QUEUE_NOTIFY_OFFSET		= 0x1e,
	VP_QUEUE_DESC			= 0x20,
	VP_QUEUE_DRIVER			= 0x28,
	VP_QUEUE_DEVICE			= 0x30,
	VP_COMMON_SIZE			= 0x38,
};

#define VP_VENDOR		0x1af4u
#define VP_MODERN_FIRST		0x1040u
#define VP_NO_VECTOR		0xffffu
#define VP_ISR_QUEUE		1u
#define VP_ISR_CONFIG		2u

struct vp_device {
	struct virtio_device vd;
	struct pci_device *pci;		/* [I] */
	struct mmio blocks[VP_BLOCKS];	/* [I] by enum vp_cap_type; size 0: none */
	uint32_t notify_multiplier;	/* [I] */
	int irqs;			/* [R] the virtio device's lock: vectors in use, 0: none */
	bool is_shared;			/* [R] one line for everything, with an ISR register */
	uint16_t config_vector;		/* [R] */
};

static struct vp_device *vp_of(struct virtio_device *vd)
{
	return container_of(vd, struct vp_device, vd);
}

static const struct mmio *common(struct virtio_device *vd)
{
	return &vp_of(vd)->blocks[VP_COMMON];
}

static uint8_t vp_status(struct virtio_device *vd)
{
	return mmio_read8(common(vd), VP_STATUS);
}

static void vp_set_status(struct virtio_device *vd, uint8_t status)
{
	mmio_write8(common(vd), VP_STATUS, status);
}

static uint64_t vp_offered(struct virtio_device *vd)
{
	uint64_t low;

	mmio_write32(common(vd), VP_DEVICE_FEATURE_SELECT, 0);
	low = mmio_read32(common(vd), VP_DEVICE_FEATURE);
	mmio_write32(common(vd), VP_DEVICE_FEATURE_SELECT, 1);
	return low | (uint64_t)mmio_read32(common(vd), VP_DEVICE_FEATURE) << 32;
}

static void vp_accept(struct virtio_device *vd, uint64_t features)
{
	mmio_write32(common(vd), VP_DRIVER_FEATURE_SELECT, 0);
	mmio_write32(common(vd), VP_DRIVER_FEATURE, (uint32_t)features);
	mmio_write32(common(vd), VP_DRIVER_FEATURE_SELECT, 1);
	mmio_write32(common(vd), VP_DRIVER_FEATURE, (uint32_t)(features >> 32));
}

static struct mmio vp_config(struct virtio_device *vd)
{
	return vp_of(vd)->blocks[VP_DEVICE];
}

static uint32_t vp_generation(struct virtio_device *vd)
{
	return mmio_read8(common(vd), VP_GENERATION);
}

static uint32_t vp_queue_max(struct virtio_device *vd, unsigned int index)
{
	if (index > 0xfffe)
		return 0;
	mmio_write16(common(vd), VP_QUEUE_SELECT, (uint16_t)index);
	return mmio_read16(common(vd), VP_QUEUE_SIZE);
}

static void write_addr(const struct mmio *m, uint32_t reg, dma_addr_t addr)
{
	mmio_write32(m, reg, (uint32_t)addr.v);
	mmio_write32(m, reg + 4, (uint32_t)(addr.v >> 32));
}

/* A vector that the device has no room for reads back as none. */
static int set_vector(struct virtio_device *vd, enum vp_common_reg reg, uint16_t vector)
{
	mmio_write16(common(vd), reg, vector);
	return mmio_read16(common(vd), reg) == vector ? 0 : -EIO;
}

/* Vectors: 0 is for configuration; queue q->irq was found by irqs_open(). */
static uint16_t vector_of(struct virtq *q)
{
	struct vp_device *vp = vp_of(q->vd);
	unsigned int at = 0;

	if (vp->is_shared || !q->done)
		return VP_NO_VECTOR;
	if (q->irq < 0)
		return 1;			/* all queues on the second */
	for (unsigned int i = 0; i <= q->index; i++)
		at += q->vd->queues[i] && q->vd->queues[i]->done;
	return (uint16_t)at;
}

static int vp_queue_open(struct virtio_device *vd, struct virtq *q)
{
	struct vp_device *vp = vp_of(vd);
	uint64_t doorbell;
	int err;

	mmio_write16(common(vd), VP_QUEUE_SELECT, (uint16_t)q->index);
	mmio_write16(common(vd), VP_QUEUE_SIZE, (uint16_t)q->size);
	err = set_vector(vd, VP_QUEUE_VECTOR, vector_of(q));
	if (err)
		return err;
	doorbell = (uint64_t)mmio_read16(common(vd), VP_QUEUE_NOTIFY_OFFSET) *
		   vp->notify_multiplier;
	if (!range_within(doorbell, 2, vp->blocks[VP_NOTIFY].size))
		return -EINVAL;
	write_addr(common(vd), VP_QUEUE_DESC, q->desc);
	write_addr(common(vd), VP_QUEUE_DRIVER, q->driver);
	write_addr(common(vd), VP_QUEUE_DEVICE, q->device);
	q->notify = vp->blocks[VP_NOTIFY];
	q->notify_offset = (uint32_t)doorbell;
	q->notify_value = q->index;
	mmio_write16(common(vd), VP_QUEUE_ENABLE, 1);
	return 0;
}

static void vp_notify(struct virtq *q)
{
	mmio_write16(&q->notify, q->notify_offset, (uint16_t)q->notify_value);
}

/* The pin: reading the register that says why also lowers it. */
static enum irq_result line_interrupt(unsigned int irq, void *ctx)
{
	struct vp_device *vp = ctx;
	uint8_t why = mmio_read8(&vp->blocks[VP_ISR], 0);

	if (!why)
		return IRQ_NONE;
	if (why & VP_ISR_CONFIG)
		virtio_config_interrupt(&vp->vd);
	if (why & VP_ISR_QUEUE)
		virtq_interrupt_all(&vp->vd);
	return IRQ_HANDLED;
}

static enum irq_result config_interrupt(unsigned int irq, void *ctx)
{
	struct vp_device *vp = ctx;

	virtio_config_interrupt(&vp->vd);
	return IRQ_HANDLED;
}

static enum irq_result queue_interrupt(unsigned int irq, void *ctx)
{
	virtq_interrupt(ctx);
	return IRQ_HANDLED;
}

static enum irq_result queues_interrupt(unsigned int irq, void *ctx)
{
	struct virtio_device *vd = ctx;

	virtq_interrupt_all(vd);
	return IRQ_HANDLED;
}

static unsigned int nr_interrupting(struct virtio_device *vd)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < vd->nr_queues; i++)
		nr += vd->queues[i] && vd->queues[i]->done;
	return nr;
}

/* A vector for each queue that wants one; from 1 on. */
static int queue_irqs_open(struct virtio_device *vd)
{
	struct device *parent = &vp_of(vd)->pci->dev;
	unsigned int vector = 1;

	for (unsigned int i = 0; i < vd->nr_queues; i++) {
		struct virtq *q = vd->queues[i];
		int irq, err;

		if (!q || !q->done)
			continue;
		irq = device_irq(parent, vector++);
		if (irq < 0)
			return irq;
		/* Aimed before it can come; where it cannot be aimed it comes anyway. */
		if (q->cpu != VIRTQ_CPU_ANY)
			(void)!irq_set_affinity((unsigned int)irq, q->cpu);
		err = irq_request((unsigned int)irq, queue_interrupt, q, q->name);
		if (err)
			return err;
		q->irq = irq;
	}
	return 0;
}

static int shared_irqs_open(struct virtio_device *vd)
{
	int irq = device_irq(&vp_of(vd)->pci->dev, 1);

	return irq < 0 ? irq : irq_request((unsigned int)irq, queues_interrupt, vd, vd->name_buf);
}

/* What was requested before a failure is released by irqs_close(). */
static int vp_irqs_open(struct virtio_device *vd)
{
	struct vp_device *vp = vp_of(vd);
	unsigned int want = nr_interrupting(vd) + 1;
	int nr = device_irq_vectors(&vp->pci->dev, want), irq, err;

	if (nr < 0)
		return nr;
	irq = device_irq(&vp->pci->dev, 0);
	if (irq < 0)
		return irq;
	vp->is_shared = vp->pci->irq_mode != PCI_IRQ_MSIX || nr < 2;
	if (vp->pci->irq_mode == PCI_IRQ_MSIX && nr < 2)
		return -ENOSPC;
	err = irq_request((unsigned int)irq, vp->is_shared ? line_interrupt : config_interrupt, vp,
			  vd->name_buf);
	if (err)
		return err;
	vp->irqs = nr;
	if (vp->is_shared)
		return 0;
	err = (unsigned int)nr >= want ? queue_irqs_open(vd) : shared_irqs_open(vd);
	return err ? err : set_vector(vd, VP_CONFIG_VECTOR, 0);
}

/* irq_release() does nothing for what was never requested. */
static void vp_irqs_close(struct virtio_device *vd)
{
	struct vp_device *vp = vp_of(vd);
	struct device *parent = &vp->pci->dev;

	if (!vp->irqs)
		return;
	irq_release((unsigned int)device_irq(parent, 0), vp);
	if (!vp->is_shared && device_irq(parent, 1) >= 0)
		irq_release((unsigned int)device_irq(parent, 1), vd);
	for (unsigned int i = 0; i < vd->nr_queues; i++) {
		struct virtq *q = vd->queues[i];

		if (q && q->irq >= 0)
			irq_release((unsigned int)q->irq, q);
		if (q)
			q->irq = -1;
	}
	vp->irqs = 0;
	pci_irqs_drop(vp->pci);
}

static const struct virtio_transport vp_transport = {
	.name = "pci", .status = vp_status, .set_status = vp_set_status, .offered = vp_offered,
	.accept = vp_accept, .config = vp_config, .generation = vp_generation,
	.queue_max = vp_queue_max, .irqs_open = vp_irqs_open, .irqs_close = vp_irqs_close,
	.queue_open = vp_queue_open, .notify = vp_notify,
};

/* The first usable capability of each type counts (4.1.4); others, and odd ones, are skipped. */
static void find_block(struct vp_device *vp, uint32_t at)
{
	struct pci_device *p = vp->pci;
	uint8_t type = pci_read8(p, at + CAP_TYPE), bar = pci_read8(p, at + CAP_BAR);
	uint32_t offset = pci_read32(p, at + CAP_OFFSET), len = pci_read32(p, at + CAP_LENGTH);
	struct mmio m;

	if (!type || type >= VP_BLOCKS || vp->blocks[type].size || bar >= PCI_BARS || !len)
		return;
	if (device_mmio(&p->dev, bar, (uint64_t)offset + len, &m) || !m.base)
		return;
	vp->blocks[type] = (struct mmio){ .base = m.base + offset, .size = len };
	if (type == VP_NOTIFY)
		vp->notify_multiplier = pci_read32(p, at + CAP_MULTIPLIER);
}

static int find_blocks(struct vp_device *vp)
{
	for (uint32_t at = 0; (at = pci_find_cap(vp->pci, PCI_CAP_VENDOR, at));)
		find_block(vp, at);
	if (vp->blocks[VP_COMMON].size < VP_COMMON_SIZE || !vp->blocks[VP_NOTIFY].size ||
	    !vp->blocks[VP_ISR].size)
		return -ENODEV;
	return 0;
}

/* 4.1.2.1: modern ids say what it is; transitional ones by their subsystem. */
static uint32_t virtio_id_of(const struct pci_device *p)
{
	return p->device >= VP_MODERN_FIRST ? p->device - VP_MODERN_FIRST : p->subdevice;
}

static void vp_free(struct device *dev)
{
	kfree(vp_of(virtio_device_of(dev)));
}

static int vp_probe(struct device *dev)
{
	struct pci_device *p = pci_device_of(dev);
	struct vp_device *vp;
	int err;

	if (p->device < 0x1000 || p->device > 0x107f)
		return -ENODEV;
	vp = kzalloc(sizeof(*vp), ALLOC_NORMAL);
	if (!vp)
		return -ENOMEM;
	vp->pci = p;
	err = find_blocks(vp);
	if (!err)
		err = dma_set_mask(dev, ~0ULL);
	if (err) {
		dev_warn(dev, "no modern virtio interface");
		kfree(vp);
		return err;
	}
	vp->vd.transport = &vp_transport;
	vp->vd.id = virtio_id_of(p);
	vp->vd.vendor = p->subvendor;
	vp->vd.dev.release = vp_free;
	dev->priv = vp;
	err = virtio_device_add(&vp->vd, dev);
	if (err)
		kfree(vp);
	return err;
}

static void vp_remove(struct device *dev)
{
	struct vp_device *vp = dev->priv;

	device_remove(&vp->vd.dev);
}

static const struct device_id vp_ids[] = {
	{ .vendor = VP_VENDOR, .device = DEVICE_ID_ANY },
	{ 0 },
};

DRIVER(virtio_pci) = {
	.name	= "virtio-pci",
	.bus	= &pci_bus_type,
	.ids	= vp_ids,
	.probe	= vp_probe,
	.remove	= vp_remove,
};
