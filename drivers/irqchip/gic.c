/* SPDX-License-Identifier: MIT */
/*
 * The common half of the GIC drivers: lines of the distributor and the domain.
 */
#include "gic.h"
#include <arch/upcalls.h>
#include <arch_impl/device.h>
#include <drivers/of.h>
#include <lib/err.h>
#include <mm/slab.h>

#define BIT_REG(reg, hwirq)	((reg) + (hwirq) / 32 * 4)

void gic_lines_reset(char *base, uint32_t first, uint32_t nr)
{
	for (uint32_t i = first; i < nr; i += 32)
		gic_write(base, BIT_REG(GICD_ICENABLER, i), 0xffffffff);
	for (uint32_t i = first; i < nr; i += 4)
		gic_write(base, GICD_IPRIORITYR + i, GIC_PRIORITY * 0x01010101U);
}

void gic_dist_find_size(struct gic *g)
{
	uint32_t nr = ((gic_read(g->dist, GICD_TYPER) & 31) + 1) * 32;

	g->nr = nr < GIC_SPECIAL ? nr : GIC_SPECIAL;
}

static struct gic *gic_of(struct irq_domain *d)
{
	return container_of(d, struct gic, domain);
}

/* Shared lines are active high or rising only: the other two need an inverter on the board. */
int gic_set_trigger(struct irq_domain *d, uint32_t hwirq, enum irq_trigger trigger)
{
	struct gic *g = gic_of(d);
	uint32_t reg = GICD_ICFGR + hwirq / 16 * 4, edge = 2U << hwirq % 16 * 2, v;
	unsigned long flags;

	if (hwirq < GIC_FIRST_SPI || hwirq >= g->nr)
		return -EINVAL;
	if (trigger != IRQ_LEVEL_HIGH && trigger != IRQ_EDGE_RISING)
		return -EINVAL;
	flags = spin_lock_irqsave(&g->lock);
	v = gic_read(g->dist, reg) & ~edge;
	gic_write(g->dist, reg, trigger == IRQ_EDGE_RISING ? v | edge : v);
	spin_unlock_irqrestore(&g->lock, flags);
	return 0;
}

void gic_mask(struct irq_domain *d, uint32_t hwirq)
{
	gic_write(gic_of(d)->dist, BIT_REG(GICD_ICENABLER, hwirq), 1U << hwirq % 32);
}

void gic_unmask(struct irq_domain *d, uint32_t hwirq)
{
	gic_write(gic_of(d)->dist, BIT_REG(GICD_ISENABLER, hwirq), 1U << hwirq % 32);
}

int gic_domain_register(struct gic *g, int node, const struct irq_chip_ops *ops)
{
	uint32_t phandle = 0;

	(void)of_u32(node, "phandle", &phandle);
	g->numbers = kzalloc(g->nr * sizeof(g->numbers[0]), ALLOC_NORMAL);
	if (!g->numbers)
		return -ENOMEM;
	g->domain.ops = ops;
	g->domain.fwnode = phandle;
	irq_domain_register(&g->domain);
	return 0;
}

void gic_device_upcall(struct gic *g, uint32_t hwirq)
{
	uint32_t number;

	if (hwirq >= g->nr || !g->numbers)
		return;
	number = __atomic_load_n(&g->numbers[hwirq], __ATOMIC_RELAXED);
	if (!number) {
		int irq = irq_find(&g->domain, hwirq);

		if (irq < 0)
			return;
		/* The answer never changes, so it does not matter who stores it. */
		number = (uint32_t)irq + 1;
		__atomic_store_n(&g->numbers[hwirq], number, __ATOMIC_RELAXED);
	}
	irq_upcall(number - 1);
}

bool gic_private_upcall(uint32_t hwirq)
{
	if (hwirq < GIC_SGIS) {
		if (hwirq < IPI_NR)
			ipi_upcall((enum ipi)hwirq);
		return true;
	}
	if (hwirq != arm64_timer_irq())
		return false;
	timer_upcall();
	return true;
}
