/* SPDX-License-Identifier: MIT */
/*
 * Platform devices of a PC: what sits at its customary ports since 1984 and cannot be enumerated
 * without an AML interpreter.  Drivers find out in probe whether anything answers.
 */
#include <drivers/ioapic.h>
#include <drivers/of.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/string.h>
#include "platform.h"

static const struct platform_device *pc_device(const struct device *dev)
{
	return container_of(dev, struct platform_device, dev);
}

static bool pc_is_compatible(const struct device *dev, const char *compatible)
{
	return str_eq(pc_device(dev)->desc.compatible, compatible);
}

static int pc_window(const struct device *dev, unsigned int index, struct platform_window *w)
{
	const struct platform_desc *d = &pc_device(dev)->desc;

	if (index >= d->nr_windows)
		return -ENOENT;
	*w = d->windows[index];
	return 0;
}

static int pc_irq(const struct device *dev, unsigned int index)
{
	const struct platform_desc *d = &pc_device(dev)->desc;

	if (d->has_gsi)
		return index ? -ENOENT : ioapic_map_gsi(d->gsi, d->gsi_trigger);
	return index < d->nr_isa_irqs ? ioapic_map_isa(d->isa_irqs[index]) : -ENOENT;
}

static bool pc_property_u32(const struct device *dev, const char *name, uint32_t *value)
{
	uint32_t clock_hz = pc_device(dev)->desc.clock_hz;

	if (!clock_hz || !str_eq(name, "clock-frequency"))
		return false;
	*value = clock_hz;
	return true;
}

static const char *pc_property_string(const struct device *dev, const char *name)
{
	return NULL;
}

static const struct platform_ops pc_platform_ops = {
	.is_compatible = pc_is_compatible,
	.window = pc_window,
	.irq = pc_irq,
	.property_u32 = pc_property_u32,
	.property_string = pc_property_string,
};

int platform_device_add(const struct platform_desc *desc)
{
	return platform_device_create(&(struct platform_device){
		.ops = &pc_platform_ops, .dev.node = OF_NONE, .desc = *desc,
	});
}

#define COM_PORTS(at)	{ { .is_port = true, .base = (at), .size = 8 } }
static const struct platform_window com_windows[4][1] = {
	COM_PORTS(0x3f8), COM_PORTS(0x2f8), COM_PORTS(0x3e8), COM_PORTS(0x2e8),
};
static const uint8_t com_irqs[4] = { 4, 3, 4, 3 };
static const char *const com_names[4] = { "com1", "com2", "com3", "com4" };

static const struct platform_window rtc_windows[1] =
	{ { .is_port = true, .base = 0x70, .size = 2 } };

static int __init platform_pc_init(void)
{
	int err = platform_device_add(&(struct platform_desc){
		.name = "rtc", .compatible = "motorola,mc146818",
		.windows = rtc_windows, .nr_windows = 1 });

	for (unsigned int i = 0; i < 4 && !err; i++)
		err = platform_device_add(&(struct platform_desc){
			.name = com_names[i], .compatible = "ns16550a",
			.windows = com_windows[i], .nr_windows = 1,
			.isa_irqs = &com_irqs[i], .nr_isa_irqs = 1,
			.clock_hz = 1843200,
		});
	return err;
}
INITCALL(INIT_DRIVER, platform_pc_init);
