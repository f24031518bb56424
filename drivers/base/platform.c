/* SPDX-License-Identifier: MIT */
/*
 * The platform bus: matches by "compatible" strings, whoever described the device, and maps its
 * windows. The device tree's half is platform_of.c, the PC's platform_pc.c.
 */
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include "platform.h"

static const struct device_id *platform_match(const struct device *dev, const struct device_id *ids)
{
	for (; ids->compatible || ids->acpi; ids++)
		if (ids->compatible && platform_device_of(dev)->ops->is_compatible(dev,
										   ids->compatible))
			return ids;
	return NULL;
}

static int platform_mmio(struct device *dev, unsigned int index, struct mmio *out)
{
	struct platform_window w;
	int err = platform_device_of(dev)->ops->window(dev, index, &w);
	char *base;

	if (err)
		return err;
	if (w.is_port) {
		*out = (struct mmio){ .port = (uint16_t)w.base, .size = w.size };
		return w.base + w.size <= 0x10000 ? 0 : -EINVAL;
	}
	base = mmio_map(PADDR(w.base), w.size, MEM_DEVICE);
	if (!base)
		return -ENOMEM;
	*out = (struct mmio){ .base = base, .size = w.size };
	return 0;
}

static int platform_irq(struct device *dev, unsigned int index)
{
	return platform_device_of(dev)->ops->irq(dev, index);
}

static bool platform_property_u32(const struct device *dev, const char *name, uint32_t *value)
{
	return platform_device_of(dev)->ops->property_u32(dev, name, value);
}

static const char *platform_property_string(const struct device *dev, const char *name)
{
	return platform_device_of(dev)->ops->property_string(dev, name);
}

const struct bus platform_bus = {
	.name = "platform",
	.match = platform_match,
	.mmio = platform_mmio,
	.irq = platform_irq,
	.property_u32 = platform_property_u32,
	.property_string = platform_property_string,
};

int platform_device_create(const struct platform_device *like)
{
	struct platform_device *p = kmemdup(like, sizeof(*p), ALLOC_NORMAL);

	if (!p)
		return -ENOMEM;
	p->dev.name = p->desc.name;
	p->dev.bus = &platform_bus;
	device_add(&p->dev);
	return 0;
}
