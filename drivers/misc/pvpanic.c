/* SPDX-License-Identifier: MIT */
/*
 * QEMU's pvpanic as a PCI device: one byte that tells the host that the guest panicked
 * (docs/specs/pvpanic.txt of QEMU).  What happens then is the host's choice (-action panic=).
 */
#include <drivers/pci.h>
#include <kernel/panic.h>
#include <lib/err.h>
#include <mm/slab.h>

#define EVENT_PANICKED	1u

struct pvpanic {
	struct mmio regs;		/* [I] mapped until remove */
	struct panic_hook hook;
	bool is_armed;			/* [A] the device is there */
};

static void tell(struct panic_hook *hook)
{
	struct pvpanic *p = container_of(hook, struct pvpanic, hook);

	if (__atomic_load_n(&p->is_armed, __ATOMIC_RELAXED))
		mmio_write8(&p->regs, 0, EVENT_PANICKED);
}

static int pvpanic_probe(struct device *dev)
{
	struct pvpanic *p = kzalloc(sizeof(*p), ALLOC_NORMAL);
	int err;

	if (!p)
		return -ENOMEM;
	err = device_mmio(dev, 0, 1, &p->regs);
	/* Reading says which events the device knows. */
	if (!err && !(mmio_read8(&p->regs, 0) & EVENT_PANICKED))
		err = -ENODEV;
	if (err) {
		kfree(p);
		return err;
	}
	dev->priv = p;
	p->is_armed = true;
	p->hook.fn = tell;
	panic_hook_add(&p->hook);
	return 0;
}

/* A panic may stand on the hook at this very moment: it stays, disarmed. */
static void pvpanic_remove(struct device *dev)
{
	struct pvpanic *p = dev->priv;

	__atomic_store_n(&p->is_armed, false, __ATOMIC_RELAXED);
}

static const struct device_id pvpanic_ids[] = {
	{ .vendor = 0x1b36, .device = 0x0011 },
	{ 0 },
};

DRIVER(pvpanic) = {
	.name	= "pvpanic-pci",
	.bus	= &pci_bus_type,
	.ids	= pvpanic_ids,
	.probe	= pvpanic_probe,
	.remove	= pvpanic_remove,
};
