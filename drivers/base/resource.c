/* SPDX-License-Identifier: MIT */
/*
 * What a driver asks of its device's bus (register windows, interrupts, properties), and what
 * programs and people are told about a device.
 */
#include <drivers/device.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>

int device_mmio(struct device *dev, unsigned int index, uint64_t min_size, struct mmio *out)
{
	struct mmio m;
	int err = dev->bus->mmio ? dev->bus->mmio(dev, index, &m) : -ENOENT;

	if (err)
		return err;
	if (m.size < min_size)
		return -EINVAL;
	*out = m;
	return 0;
}

int device_irq(struct device *dev, unsigned int index)
{
	return dev->bus->irq ? dev->bus->irq(dev, index) : -ENOENT;
}

int device_irq_vectors(struct device *dev, unsigned int max)
{
	int irq;

	if (!max)
		return -EINVAL;
	if (dev->bus->irq_vectors)
		return dev->bus->irq_vectors(dev, max);
	irq = device_irq(dev, 0);
	return irq < 0 ? irq : 1;
}

bool device_property_u32(const struct device *dev, const char *name, uint32_t *value)
{
	return dev->bus->property_u32 && dev->bus->property_u32(dev, name, value);
}

const char *device_property_string(const struct device *dev, const char *name)
{
	return dev->bus->property_string ? dev->bus->property_string(dev, name) : NULL;
}

const char *device_kind(const struct device *dev)
{
	const struct driver *drv = dev->driver;

	return drv ? drv->name : dev->bus ? dev->bus->name : dev->class ? dev->class->name : "root";
}

void device_text_add(struct device_text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->buf + t->len, t->size - t->len, fmt, args);
	va_end(args);
	if (n > 0 && t->len < t->size)
		t->len = min(t->len + (size_t)n, t->size - 1);
}

void device_uevent(struct device *dev, struct device_text *t)
{
	if (dev->devnum)
		device_text_add(t, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", DEV_MAJOR(dev->devnum),
				DEV_MINOR(dev->devnum), dev->name);
	if (dev->driver)
		device_text_add(t, "DRIVER=%s\n", dev->driver->name);
	if (dev->bus && dev->bus->uevent)
		dev->bus->uevent(dev, t);
	if (dev->class && dev->class->uevent)
		dev->class->uevent(dev, t);
}
