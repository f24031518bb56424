/* SPDX-License-Identifier: MIT */
/*
 * GICv2 (IHI 0048): a distributor and a memory-mapped CPU interface; at most 8 CPUs.
 */
#include "gic.h"
#include <arch_impl/device.h>
#include <drivers/of.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <lib/err.h>

enum gicv2_cpu_reg { GICC_CTLR = 0x00, GICC_PMR = 0x04, GICC_IAR = 0x0c, GICC_EOIR = 0x10 };

#define GICV2_CPUS	8

static struct gic gic = { .lock = SPINLOCK_INIT(IRQ_CHIP), .domain.name = "gicv2" };
static char *cpu_base;
static int gic_node = OF_NONE;
static uint8_t cpu_mask[GICV2_CPUS];	/* [I] by CPU: its bit as a target */

static void gicv2_dispatch(void)
{
	for (;;) {
		uint32_t iar = gic_read(cpu_base, GICC_IAR), hwirq = iar & 0x3ff;

		if (hwirq >= GIC_SPECIAL)
			return;
		if (!gic_private_upcall(hwirq))
			gic_device_upcall(&gic, hwirq);
		gic_write(cpu_base, GICC_EOIR, iar);
	}
}

static void gicv2_cpu_init(void)
{
	unsigned int cpu = this_cpu_id();
	uint32_t mask = 0;

	/*
	 * Registers of private lines are banked: each CPU sees its own; reading a target gives the
	 * CPU's bit.
	 */
	for (uint32_t i = 0; i < GIC_FIRST_SPI && !mask; i += 4)
		mask = gic_read(gic.dist, GICD_ITARGETSR + i);
	mask |= mask >> 16;
	mask |= mask >> 8;
	if (cpu < GICV2_CPUS)
		cpu_mask[cpu] = mask & 0xff ? (uint8_t)mask : (uint8_t)(1U << cpu);
	gic_lines_reset(gic.dist, 0, GIC_FIRST_SPI);
	gic_write(gic.dist, GICD_ISENABLER, 0xffff | 1U << arm64_timer_irq());
	gic_write(cpu_base, GICC_PMR, 0xff);
	gic_write(cpu_base, GICC_CTLR, 1);
}

static void gicv2_send_ipi(unsigned int cpu, unsigned int kind)
{
	/* What the IPI tells of is visible before it arrives. */
	__asm__ volatile("dsb ishst" ::: "memory");
	if (cpu < GICV2_CPUS)
		gic_write(gic.dist, GICD_SGIR, (uint32_t)cpu_mask[cpu] << 16 | kind);
}

static int gicv2_set_affinity(struct irq_domain *d, uint32_t hwirq, unsigned int cpu)
{
	if (cpu >= GICV2_CPUS || !cpu_mask[cpu])
		return -EINVAL;
	*(volatile uint8_t *)(gic.dist + GICD_ITARGETSR + hwirq) = cpu_mask[cpu];
	return 0;
}

static const struct irq_chip_ops gicv2_ops = {
	.set_trigger = gic_set_trigger, .mask = gic_mask, .unmask = gic_unmask,
	.set_affinity = gicv2_set_affinity,
};

static const struct irq_root gicv2_root = {
	.dispatch = gicv2_dispatch, .cpu_init = gicv2_cpu_init, .send_ipi = gicv2_send_ipi,
};

static int gicv2_register(void)
{
	int err = gic_node < 0 ? 0 : gic_domain_register(&gic, gic_node, &gicv2_ops);

	if (gic_node >= 0 && !err)
		gicv2m_init(&gic, gic_node);
	return err;
}
INITCALL(INIT_SUBSYSTEM, gicv2_register);

static int gicv2_init(int node)
{
	paddr_t dist, cpu;
	uint64_t dist_size, cpu_size;

	if (of_reg(node, 0, &dist, &dist_size) || of_reg(node, 1, &cpu, &cpu_size) ||
	    dist_size < 0x1000 || cpu_size < 0x1000)
		return -EINVAL;
	gic.dist = arm64_map_device(dist, dist_size);
	cpu_base = arm64_map_device(cpu, cpu_size);
	if (!gic.dist || !cpu_base)
		return -ENOMEM;
	gic_write(gic.dist, GICD_CTLR, 0);
	gic_dist_find_size(&gic);
	gic_lines_reset(gic.dist, GIC_FIRST_SPI, gic.nr);
	irq_root = &gicv2_root;
	/* All shared lines to this CPU. */
	gicv2_cpu_init();
	for (uint32_t i = GIC_FIRST_SPI; i < gic.nr; i += 4)
		gic_write(gic.dist, GICD_ITARGETSR + i, cpu_mask[0] * 0x01010101U);
	gic_write(gic.dist, GICD_CTLR, 1);
	gic_node = node;
	return 0;
}

static const char *const gicv2_ids[] = {
	"arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a9-gic", "arm,cortex-a7-gic", NULL
};

ARM64_IRQCHIP(gicv2) = { .compatible = gicv2_ids, .init = gicv2_init };
