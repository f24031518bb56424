/* SPDX-License-Identifier: MIT */
/*
 * Platform devices of the device tree: every available node with "compatible" and "reg" below the
 * root and below simple buses.  Nodes without a driver cost one small allocation.
 */
#include <drivers/of.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include "platform.h"

/* Asked for each driver's ids: so the property was found once for all.  It may lack a NUL. */
static bool of_device_is_compatible(const struct device *dev, const char *compatible)
{
	const struct platform_device *p = platform_device_of(dev);
	const char *s = p->compatible, *end = s + p->compatible_len;
	size_t len = strlen(compatible);

	while (s < end) {
		size_t n = strnlen(s, (size_t)(end - s));

		if (n == len && s + n < end && !memcmp(s, compatible, n))
			return true;
		s += n + 1;
	}
	return false;
}

static int of_device_window(const struct device *dev, unsigned int index, struct platform_window *w)
{
	paddr_t base;
	uint64_t size;
	int err = of_reg_below(platform_device_of(dev)->of_parent, dev->node, index, &base, &size);

	if (err)
		return err;
	*w = (struct platform_window){ .base = base.v, .size = size };
	return size ? 0 : -EINVAL;
}

/* Type bits of the last cell, in the GIC's and most other controllers' bindings. */
static enum irq_trigger trigger_of(uint32_t flags)
{
	switch (flags & 0xf) {
	case 1:
		return IRQ_EDGE_RISING;
	case 2:
		return IRQ_EDGE_FALLING;
	case 8:
		return IRQ_LEVEL_LOW;
	default:
		return IRQ_LEVEL_HIGH;
	}
}

/*
 * One cell: the number.  Two: number and flags.  Three: the GIC's, with shared interrupts (0)
 * numbered from 32 and private ones (1) from 16.
 */
static int map_specifier(struct irq_domain *d, const struct of_irq *irq)
{
	switch (irq->nr_cells) {
	case 1:
		return irq_map(d, irq->cells[0], IRQ_LEVEL_HIGH);
	case 2:
		return irq_map(d, irq->cells[0], trigger_of(irq->cells[1]));
	case 3:
		return irq_map(d, irq->cells[1] + (irq->cells[0] ? 16 : 32),
			       trigger_of(irq->cells[2]));
	default:
		return -EINVAL;
	}
}

int of_irq_number(const struct of_irq *irq)
{
	struct irq_domain *d;
	uint32_t phandle;

	if (!of_u32(irq->controller, "phandle", &phandle))
		return -EINVAL;
	d = irq_domain_find(phandle);
	return d ? map_specifier(d, irq) : -EPROBE_DEFER;
}

static int of_device_irq(const struct device *dev, unsigned int index)
{
	struct of_irq irq;
	int err = of_interrupt(dev->node, index, &irq);

	return err ? err : of_irq_number(&irq);
}

/* A device's clock: its own number, or that of the fixed clock it names first. */
static bool clock_frequency(int node, uint32_t *hz)
{
	struct of_prop p;

	if (of_u32(node, "clock-frequency", hz))
		return true;
	return of_get(node, "clocks", &p) && p.len >= 4 &&
	       of_u32(of_find_phandle((uint32_t)of_cells(p.data, 1)), "clock-frequency", hz);
}

static bool of_device_u32(const struct device *dev, const char *name, uint32_t *value)
{
	if (str_eq(name, "clock-frequency"))
		return clock_frequency(dev->node, value);
	return of_u32(dev->node, name, value);
}

static const char *of_device_string(const struct device *dev, const char *name)
{
	return of_string(dev->node, name);
}

static const struct platform_ops of_platform_ops = {
	.is_compatible = of_device_is_compatible,
	.window = of_device_window,
	.irq = of_device_irq,
	.property_u32 = of_device_u32,
	.property_string = of_device_string,
};

static bool is_bus(int node)
{
	return of_is_compatible(node, "simple-bus") || of_is_compatible(node, "simple-mfd");
}

/* As programs know them from Linux: "9000000.pl011" for pl011@9000000.  NULL: out of memory. */
static const char *__init name_of(int parent, int node)
{
	const char *name = of_name(node);
	size_t len = strcspn(name, "@"), room = len + 20;
	paddr_t base;
	uint64_t size;
	char *text;

	if (of_reg_below(parent, node, 0, &base, &size))
		return name;
	text = kmalloc(room, ALLOC_NORMAL);
	if (text)
		snprintf(text, room, "%lx.%.*s", base.v, (int)len, name);
	return text;
}

static void __init add_node(int parent, int node, const struct of_prop *compatible)
{
	const char *name = name_of(parent, node);
	int err = !name ? -ENOMEM : platform_device_create(&(struct platform_device){
		.ops = &of_platform_ops, .dev.node = node, .desc.name = name,
		.of_parent = parent, .compatible = (const char *)compatible->data,
		.compatible_len = compatible->len,
	});

	if (err)
		log_err("%s: no memory", of_name(node));
}

/* Depth is bounded by the tree's, which of_init() bounds. */
static void __init add_children(int node)
{
	struct of_prop compatible, reg;

	for (int n = of_first_child(node); n >= 0; n = of_next_sibling(n)) {
		if (!of_is_available(n) || !of_get(n, "compatible", &compatible))
			continue;
		if (of_get(n, "reg", &reg))
			add_node(node, n, &compatible);
		if (is_bus(n))
			add_children(n);
	}
}

static int __init platform_of_init(void)
{
	int root = of_next(OF_NONE);

	if (root >= 0)
		add_children(root);
	return 0;
}
INITCALL(INIT_DRIVER, platform_of_init);
