/* SPDX-License-Identifier: MIT */
/*
 * GICv3 and v4 (IHI 0069): distributor with affinity routing, a redistributor for each CPU, CPU
 * interface in system registers. Messages (LPIs, from 8192) are gicv3_its.c's.
 */
#include "gic.h"
#include <arch_impl/device.h>
#include <arch_impl/sysreg.h>
#include <drivers/of.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <lib/assert.h>
#include <lib/err.h>

enum gicv3_redist_reg { GICR_CTLR = 0x00, GICR_TYPER = 0x08, GICR_WAKER = 0x14,
			GICR_SGI = 0x10000 };

#define GICD_CTLR_GRP1		(1U << 1)
#define GICD_CTLR_ARE		(1U << 4)
#define GICD_CTLR_RWP		(1U << 31)
#define GICR_CTLR_RWP		(1U << 3)
#define GICR_TYPER_VLPIS	(1U << 1)
#define GICR_TYPER_LAST		(1U << 4)
#define GICR_WAKER_SLEEP	(1U << 1)
#define GICR_WAKER_ASLEEP	(1U << 2)
#define FRAME			0x10000
#define TRIES			1000000

static struct gic gic = { .lock = SPINLOCK_INIT(IRQ_CHIP), .domain.name = "gicv3" };
static int gic_node = OF_NONE;

/* The windows that hold redistributors, back to back. */
struct region {
	char *base;
	paddr_t pa;
	uint64_t size;
};
#define REGIONS_MAX 16			/* one for each chip of the largest machines */
static struct region regions[REGIONS_MAX];
static uint32_t nr_regions;
static uint64_t stride;			/* 0: as the redistributor says */

static void wait_clear(const char *base, uint32_t reg, uint32_t bit)
{
	for (unsigned int i = 0; gic_read(base, reg) & bit; i++)
		if (i == TRIES) {
			log_err("gicv3: register %#x stays busy", reg);
			return;
		}
}

static void gicv3_dispatch(void)
{
	for (;;) {
		uint32_t hwirq = (uint32_t)sysreg_read(SYS_ICC_IAR1_EL1);

		/* The acknowledge takes effect before the handler runs. */
		dsb(sy);
		if (hwirq >= GIC_SPECIAL && hwirq < 1024)
			return;
		if (hwirq >= GIC_FIRST_LPI)
			its_upcall(hwirq);
		else if (!gic_private_upcall(hwirq))
			gic_device_upcall(&gic, hwirq);
		sysreg_write(SYS_ICC_EOIR1_EL1, hwirq);
		isb();
	}
}

/* Affinity as GICR_TYPER has it: four bytes together. */
static uint32_t packed_affinity(uint64_t mpidr)
{
	return (uint32_t)((mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff));
}

static char *redistributor_find(uint32_t affinity)
{
	for (uint32_t i = 0; i < nr_regions; i++) {
		uint64_t step;

		for (uint64_t off = 0; off + 2 * FRAME <= regions[i].size; off += step) {
			char *r = regions[i].base + off;
			uint32_t low = gic_read(r, GICR_TYPER);

			if (gic_read(r, GICR_TYPER + 4) == affinity)
				return r;
			if (low & GICR_TYPER_LAST)
				break;
			step = stride ? stride : low & GICR_TYPER_VLPIS ? 4 * FRAME : 2 * FRAME;
		}
	}
	return NULL;
}

char *gicv3_redistributor(unsigned int cpu, paddr_t *pa)
{
	char *r = redistributor_find(packed_affinity(arm64_cpu_affinity(cpu)));

	for (uint32_t i = 0; r && i < nr_regions; i++)
		if (r >= regions[i].base && r < regions[i].base + regions[i].size)
			*pa = paddr_add(regions[i].pa, (uint64_t)(r - regions[i].base));
	return r;
}

static void gicv3_cpu_init(void)
{
	uint64_t mpidr = sysreg_read(mpidr_el1);
	char *r = redistributor_find(packed_affinity(mpidr));

	if (!r)
		panic("gicv3: no redistributor for the CPU with MPIDR %#llx",
		      (unsigned long long)mpidr);
	gic_write(r, GICR_WAKER, gic_read(r, GICR_WAKER) & ~GICR_WAKER_SLEEP);
	wait_clear(r, GICR_WAKER, GICR_WAKER_ASLEEP);
	gic_write(r + GICR_SGI, GICD_IGROUPR, 0xffffffff);
	gic_lines_reset(r + GICR_SGI, 0, GIC_FIRST_SPI);
	gic_write(r + GICR_SGI, GICD_ISENABLER, 0xffff | 1U << arm64_timer_irq());
	wait_clear(r, GICR_CTLR, GICR_CTLR_RWP);

	sysreg_write(SYS_ICC_SRE_EL1, sysreg_read(SYS_ICC_SRE_EL1) | 1);
	isb();
	if (!(sysreg_read(SYS_ICC_SRE_EL1) & 1))
		panic("gicv3: firmware keeps the system registers from us");
	sysreg_write(SYS_ICC_PMR_EL1, 0xff);
	sysreg_write(SYS_ICC_BPR1_EL1, 0);
	sysreg_write(SYS_ICC_CTLR_EL1, 0);
	sysreg_write(SYS_ICC_IGRPEN1_EL1, 1);
	isb();
}

/* ICC_SGI1R: affinity 3, 2, 1 and a bit for affinity 0 within its group of sixteen (RS). */
static void gicv3_send_ipi(unsigned int cpu, unsigned int kind)
{
	uint64_t m = arm64_cpu_affinity(cpu), aff0 = m & 0xff;

	/* What the IPI tells of is visible before it arrives. */
	dsb(ishst);
	sysreg_write(SYS_ICC_SGI1R_EL1,
		     (m >> 32 & 0xff) << 48 | (m >> 16 & 0xff) << 32 | (m >> 8 & 0xff) << 16 |
		     (aff0 >> 4) << 44 | 1UL << (aff0 & 15) | (uint64_t)kind << 24);
	isb();
}

static void route(uint32_t hwirq, uint64_t mpidr)
{
	*(volatile uint64_t *)(gic.dist + GICD_IROUTER + 8 * hwirq) = mpidr & 0xff00ffffffUL;
}

static int gicv3_set_affinity(struct irq_domain *d, uint32_t hwirq, unsigned int cpu)
{
	route(hwirq, arm64_cpu_affinity(cpu));
	return 0;
}

static const struct irq_chip_ops gicv3_ops = {
	.set_trigger = gic_set_trigger, .mask = gic_mask, .unmask = gic_unmask,
	.set_affinity = gicv3_set_affinity,
};

static const struct irq_root gicv3_root = {
	.dispatch = gicv3_dispatch, .cpu_init = gicv3_cpu_init, .send_ipi = gicv3_send_ipi,
};

static int gicv3_register(void)
{
	int err = gic_node < 0 ? 0 : gic_domain_register(&gic, gic_node, &gicv3_ops);

	if (gic_node >= 0 && !err)
		gicv3_its_init(gic_node);
	return err;
}
INITCALL(INIT_SUBSYSTEM, gicv3_register);

static int map_redistributors(int node)
{
	uint32_t count = 1;
	paddr_t pa;
	uint64_t size;

	(void)of_u32(node, "#redistributor-regions", &count);
	(void)of_number(node, "redistributor-stride", &stride);
	if (!count || count > REGIONS_MAX || stride % FRAME || (stride && stride < 2 * FRAME))
		return -EINVAL;
	for (nr_regions = 0; nr_regions < count; nr_regions++) {
		if (of_reg(node, 1 + nr_regions, &pa, &size) || size < 2 * FRAME)
			return -EINVAL;
		regions[nr_regions] = (struct region){ arm64_map_device(pa, size), pa, size };
		if (!regions[nr_regions].base)
			return -ENOMEM;
	}
	return 0;
}

static int gicv3_init(int node)
{
	uint64_t self = sysreg_read(mpidr_el1), size;
	paddr_t dist;
	int err;

	if (of_reg(node, 0, &dist, &size) || size < FRAME)
		return -EINVAL;
	gic.dist = arm64_map_device(dist, size);
	if (!gic.dist)
		return -ENOMEM;
	err = map_redistributors(node);
	if (err)
		return err;
	gic_write(gic.dist, GICD_CTLR, 0);
	wait_clear(gic.dist, GICD_CTLR, GICD_CTLR_RWP);
	gic_dist_find_size(&gic);
	gic_lines_reset(gic.dist, GIC_FIRST_SPI, gic.nr);
	for (uint32_t i = GIC_FIRST_SPI; i < gic.nr; i += 32)
		gic_write(gic.dist, GICD_IGROUPR + i / 8, 0xffffffff);
	wait_clear(gic.dist, GICD_CTLR, GICD_CTLR_RWP);
	gic_write(gic.dist, GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GRP1);
	wait_clear(gic.dist, GICD_CTLR, GICD_CTLR_RWP);
	for (uint32_t i = GIC_FIRST_SPI; i < gic.nr; i++)
		route(i, self);
	irq_root = &gicv3_root;
	gic_node = node;
	return 0;
}

static const char *const gicv3_ids[] = { "arm,gic-v3", NULL };

ARM64_IRQCHIP(gicv3) = { .compatible = gicv3_ids, .init = gicv3_init };
