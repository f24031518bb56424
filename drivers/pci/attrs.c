/* SPDX-License-Identifier: MIT */
/* What lspci, udev and people read about a PCI device in /sys. */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/bits.h>
#include <lib/printf.h>
#include <lib/string.h>
#include "internal.h"

#define SHOW(attr, format, ...)								\
static ssize_type attr##_show(struct device *dev, char *buf, size_t size)		\
{											\
	struct pci_device *p = pci_device_of(dev);					\
											\
	return snprintf(buf, size, format "\n", __VA_ARGS__);				\
}

SHOW(vendor, "0x%04x", p->vendor)
SHOW(device, "0x%04x", p->device)
SHOW(subsystem_vendor, "0x%04x", p->subvendor)
SHOW(subsystem_device, "0x%04x", p->subdevice)
SHOW(class, "0x%06x", p->class)
SHOW(revision, "0x%02x", p->revision)
SHOW(enable, "%u", p->dev.state == DEVICE_BOUND)
SHOW(dma_mask_bits, "%u", (unsigned int)fls64(p->dev.dma.mask))

static ssize_type numa_node_show(struct device *dev, char *buf, size_t size)
{
	return snprintf(buf, size, "-1\n");
}

/* The pin's number while there is one, else what firmware noted. */
static ssize_type irq_show(struct device *dev, char *buf, size_t size)
{
	struct pci_device *p = pci_device_of(dev);
	int irq = p->irq_mode == PCI_IRQ_INTX ? p->intx_irq :
		  p->irq_mode != PCI_IRQ_NONE && p->vectors ? pci_irq(dev, 0) : 0;

	return snprintf(buf, size, "%d\n", max(irq, 0));
}

/* Linux's flag words: type in the second byte, prefetch 0x2000, 64 bits 0x100000. */
static uint32_t flag_word(const struct pci_resource *r)
{
	if (!r->size)
		return 0;
	if (r->flags & PCI_RES_IO)
		return 0x40101;
	return 0x40200 | (r->flags & PCI_RES_PREFETCH ? 0x2008 : 0) |
	       (r->flags & PCI_RES_64 ? 0x100004 : 0);
}

/* Six BARs, the ROM, and for bridges room for windows: start, end, flags. */
static ssize_type resource_show(struct device *dev, char *buf, size_t size)
{
	struct pci_device *p = pci_device_of(dev);
	struct device_text t = { buf, size, 0 };

	for (unsigned int i = 0; i < 13; i++) {
		const struct pci_resource *r = i < PCI_RESOURCES ? &p->res[i] : NULL;
		bool is_there = r && r->size;

		device_text_add(&t, "0x%016lx 0x%016lx 0x%016lx\n", is_there ? r->base : 0,
				is_there ? r->base + r->size - 1 : 0,
				is_there ? (unsigned long)flag_word(r) : 0);
	}
	return (ssize_type)t.len;
}

static ssize_type modalias_show(struct device *dev, char *buf, size_t size)
{
	struct pci_device *p = pci_device_of(dev);

	return snprintf(buf, size, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", p->vendor,
			p->device, p->subvendor, p->subdevice, p->class >> 16,
			p->class >> 8 & 0xff, p->class & 0xff);
}

static uint64_t config_size(const struct device *dev)
{
	return container_of(dev, struct pci_device, dev)->bus->host->ops->size;
}

static ssize_type config_read(struct device *dev, void *buf, size_t len, uint64_t offset)
{
	struct pci_device *p = pci_device_of(dev);
	uint8_t *out = buf;

	if (offset >= config_size(dev))
		return 0;
	len = min(len, config_size(dev) - offset);
	for (size_t i = 0; i < len; i++)
		out[i] = pci_read8(p, (uint32_t)(offset + i));
	return (ssize_type)len;
}

/* "1": it is forgotten, as if it had been pulled out; a rescan finds it again. */
static int remove_store(struct device *dev, const char *text, size_t len)
{
	if (text[0] != '1')
		return -EINVAL;
	pci_remove(pci_device_of(dev));
	return 0;
}

const struct device_attr pci_attrs[] = {
	{ .name = "vendor", .show = vendor_show },
	{ .name = "device", .show = device_show },
	{ .name = "subsystem_vendor", .show = subsystem_vendor_show },
	{ .name = "subsystem_device", .show = subsystem_device_show },
	{ .name = "class", .show = class_show },
	{ .name = "revision", .show = revision_show },
	{ .name = "irq", .show = irq_show },
	{ .name = "resource", .show = resource_show },
	{ .name = "modalias", .show = modalias_show },
	{ .name = "enable", .show = enable_show },
	{ .name = "numa_node", .show = numa_node_show },
	{ .name = "dma_mask_bits", .show = dma_mask_bits_show },
	{ .name = "config", .read = config_read, .size = config_size },
	{ .name = "remove", .mode = 0200, .store = remove_store },
	{ 0 },
};

static int rescan_store(struct device *dev, const char *text, size_t len)
{
	if (text[0] != '1')
		return -EINVAL;
	(void)pci_host_rescan(container_of(dev, struct pci_host, dev));
	return 0;
}

const struct device_attr pci_host_attrs[] = {
	{ .name = "rescan", .mode = 0200, .store = rescan_store },
	{ 0 },
};

void pci_uevent(const struct device *dev, struct device_text *t)
{
	const struct pci_device *p = container_of(dev, struct pci_device, dev);

	device_text_add(t, "PCI_CLASS=%X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\n", p->class,
			p->vendor, p->device, p->subvendor, p->subdevice);
	device_text_add(t, "PCI_SLOT_NAME=%s\n", dev->name);
	device_text_add(t, "MODALIAS=pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", p->vendor,
			p->device, p->subvendor, p->subdevice, p->class >> 16,
			p->class >> 8 & 0xff, p->class & 0xff);
}
