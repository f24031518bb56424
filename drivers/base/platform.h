/* SPDX-License-Identifier: MIT */
/* What the platform bus asks of the two firmware descriptions; a machine has either or both. */
#ifndef DRIVERS_BASE_PLATFORM_H
#define DRIVERS_BASE_PLATFORM_H

#include <drivers/device.h>

struct platform_ops {
	bool (*is_compatible)(const struct device *dev, const char *compatible);
	/* Window @index: -ENOENT, -EINVAL. */
	int (*window)(const struct device *dev, unsigned int index, struct platform_window *w);
	int (*irq)(const struct device *dev, unsigned int index);
	bool (*property_u32)(const struct device *dev, const char *name, uint32_t *value);
	const char *(*property_string)(const struct device *dev, const char *name);
};

struct platform_device {
	struct device dev;
	const struct platform_ops *ops;		/* [I] */
	struct platform_desc desc;		/* [I] of a described device */
	int of_parent;				/* [I] node above dev.node */
	const char *compatible;			/* [I] the node's list of strings ... */
	uint32_t compatible_len;		/* [I] ... and its bytes */
};

static inline const struct platform_device *platform_device_of(const struct device *dev)
{
	return container_of(dev, struct platform_device, dev);
}

/* A copy of @like becomes a device; -ENOMEM. */
__must_check int platform_device_create(const struct platform_device *like);

#endif
