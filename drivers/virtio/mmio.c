/* SPDX-License-Identifier: MIT */
/*
 * The virtio-mmio transport, version 2 (virtio 1.2, 4.2): a window of registers and one interrupt.
 * The device tree, a boot argument or ACPI says where; many of the places are empty.
 */
#include <lib/err.h>
#include <mm/slab.h>
#include "internal.h"

enum vm_reg {
	VM_MAGIC		= 0x000,
	VM_VERSION		= 0x004,
	VM_DEVICE_ID		= 0x008,
	VM_VENDOR_ID		= 0x00c,
	VM_DEVICE_FEATURES	= 0x010,
	VM_DEVICE_FEATURES_SEL	= 0x014,
	VM_DRIVER_FEATURES	= 0x020,
	VM_DRIVER_FEATURES_SEL	= 0x024,
	VM_QUEUE_SEL		= 0x030,
	VM_QUEUE_NUM_MAX	= 0x034,
	VM_QUEUE_NUM		= 0x038,
	VM_QUEUE_READY		= 0x044,
	VM_QUEUE_NOTIFY		= 0x050,
	VM_INTERRUPT_STATUS	= 0x060,
	VM_INTERRUPT_ACK	= 0x064,
	VM_STATUS		= 0x070,
	VM_QUEUE_DESC		= 0x080,
	VM_QUEUE_DRIVER		= 0x090,
	VM_QUEUE_DEVICE		= 0x0a0,
	VM_GENERATION		= 0x0fc,
	VM_CONFIG		= 0x100,
};

#define VM_MAGIC_VALUE		0x74726976u	/* "virt" */
#define VM_IRQ_QUEUE		1u
#define VM_IRQ_CONFIG		2u

struct vm_device {
	struct virtio_device vd;
	struct mmio regs;		/* [I] */
	unsigned int irq;		/* [I] */
	bool has_irq;			/* [R] the virtio device's lock: requested */
};

static struct vm_device *vm_of(struct virtio_device *vd)
{
	return container_of(vd, struct vm_device, vd);
}

static uint8_t vm_status(struct virtio_device *vd)
{
	return (uint8_t)mmio_read32(&vm_of(vd)->regs, VM_STATUS);
}

static void vm_set_status(struct virtio_device *vd, uint8_t status)
{
	mmio_write32(&vm_of(vd)->regs, VM_STATUS, status);
}

static uint64_t vm_offered(struct virtio_device *vd)
{
	const struct mmio *m = &vm_of(vd)->regs;
	uint64_t low;

	mmio_write32(m, VM_DEVICE_FEATURES_SEL, 0);
	low = mmio_read32(m, VM_DEVICE_FEATURES);
	mmio_write32(m, VM_DEVICE_FEATURES_SEL, 1);
	return low | (uint64_t)mmio_read32(m, VM_DEVICE_FEATURES) << 32;
}

static void vm_accept(struct virtio_device *vd, uint64_t features)
{
	const struct mmio *m = &vm_of(vd)->regs;

	mmio_write32(m, VM_DRIVER_FEATURES_SEL, 0);
	mmio_write32(m, VM_DRIVER_FEATURES, (uint32_t)features);
	mmio_write32(m, VM_DRIVER_FEATURES_SEL, 1);
	mmio_write32(m, VM_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static struct mmio vm_config(struct virtio_device *vd)
{
	struct mmio m = vm_of(vd)->regs;

	m.base += VM_CONFIG;
	m.size -= VM_CONFIG;
	return m;
}

static uint32_t vm_generation(struct virtio_device *vd)
{
	return mmio_read32(&vm_of(vd)->regs, VM_GENERATION);
}

static uint32_t vm_queue_max(struct virtio_device *vd, unsigned int index)
{
	mmio_write32(&vm_of(vd)->regs, VM_QUEUE_SEL, index);
	return mmio_read32(&vm_of(vd)->regs, VM_QUEUE_NUM_MAX);
}

static void write_addr(const struct mmio *m, uint32_t reg, dma_addr_t addr)
{
	mmio_write32(m, reg, (uint32_t)addr.v);
	mmio_write32(m, reg + 4, (uint32_t)(addr.v >> 32));
}

static int vm_queue_open(struct virtio_device *vd, struct virtq *q)
{
	const struct mmio *m = &vm_of(vd)->regs;

	mmio_write32(m, VM_QUEUE_SEL, q->index);
	if (mmio_read32(m, VM_QUEUE_READY))
		return -EIO;
	mmio_write32(m, VM_QUEUE_NUM, q->size);
	write_addr(m, VM_QUEUE_DESC, q->desc);
	write_addr(m, VM_QUEUE_DRIVER, q->driver);
	write_addr(m, VM_QUEUE_DEVICE, q->device);
	mmio_write32(m, VM_QUEUE_READY, 1);
	q->notify = *m;
	q->notify_offset = VM_QUEUE_NOTIFY;
	q->notify_value = q->index;
	return 0;
}

static void vm_notify(struct virtq *q)
{
	mmio_write32(&q->notify, q->notify_offset, q->notify_value);
}

static enum irq_result vm_interrupt(unsigned int irq, void *ctx)
{
	struct vm_device *vm = ctx;
	uint32_t status = mmio_read32(&vm->regs, VM_INTERRUPT_STATUS);

	if (!status)
		return IRQ_NONE;
	/* Acknowledged first: what the device completes from now on interrupts again. */
	mmio_write32(&vm->regs, VM_INTERRUPT_ACK, status);
	if (status & VM_IRQ_CONFIG)
		virtio_config_interrupt(&vm->vd);
	if (status & VM_IRQ_QUEUE)
		virtq_interrupt_all(&vm->vd);
	return IRQ_HANDLED;
}

static int vm_irqs_open(struct virtio_device *vd)
{
	struct vm_device *vm = vm_of(vd);
	int err = irq_request(vm->irq, vm_interrupt, vm, vd->name_buf);

	vm->has_irq = !err;
	return err;
}

static void vm_irqs_close(struct virtio_device *vd)
{
	struct vm_device *vm = vm_of(vd);

	if (vm->has_irq)
		irq_release(vm->irq, vm);
	vm->has_irq = false;
}

static const struct virtio_transport vm_transport = {
	.name = "mmio", .status = vm_status, .set_status = vm_set_status, .offered = vm_offered,
	.accept = vm_accept, .config = vm_config, .generation = vm_generation,
	.queue_max = vm_queue_max, .irqs_open = vm_irqs_open, .irqs_close = vm_irqs_close,
	.queue_open = vm_queue_open, .notify = vm_notify,
};

static void vm_free(struct device *dev)
{
	kfree(vm_of(virtio_device_of(dev)));
}

/* Is there a device that we can speak to? */
static int check(struct device *dev, const struct mmio *m)
{
	uint32_t version;

	if (mmio_read32(m, VM_MAGIC) != VM_MAGIC_VALUE || !mmio_read32(m, VM_DEVICE_ID))
		return -ENODEV;
	version = mmio_read32(m, VM_VERSION);
	if (version == 2)
		return 0;
	dev_warn(dev, "version %u of the transport is not supported%s", version,
		 version == 1 ? " (QEMU: -global virtio-mmio.force-legacy=false)" : "");
	return -ENODEV;
}

static int vm_probe(struct device *dev)
{
	struct vm_device *vm;
	struct mmio regs;
	int err = device_mmio(dev, 0, VM_CONFIG, &regs), irq;

	if (err)
		return err;
	err = check(dev, &regs);
	if (err)
		return err;
	irq = device_irq(dev, 0);
	if (irq < 0)
		return irq;
	vm = kzalloc(sizeof(*vm), ALLOC_NORMAL);
	if (!vm)
		return -ENOMEM;
	vm->regs = regs;
	vm->irq = (unsigned int)irq;
	vm->vd.transport = &vm_transport;
	vm->vd.id = mmio_read32(&regs, VM_DEVICE_ID);
	vm->vd.vendor = mmio_read32(&regs, VM_VENDOR_ID);
	vm->vd.dev.release = vm_free;
	dev->priv = vm;
	return virtio_device_add(&vm->vd, dev);
}

static void vm_remove(struct device *dev)
{
	struct vm_device *vm = dev->priv;

	device_remove(&vm->vd.dev);
}

static const struct device_id vm_ids[] = {
	{ .compatible = "virtio,mmio" },
	{ 0 },
};

DRIVER(virtio_mmio) = {
	.name	= "virtio-mmio",
	.ids	= vm_ids,
	.probe	= vm_probe,
	.remove	= vm_remove,
};
