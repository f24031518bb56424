/* SPDX-License-Identifier: MIT */
/*
 * What all versions of the Arm GIC share: the distributor's register file, interrupt numbers,
 * and the way from a hardware number to the kernel's.
 */
#ifndef GIC_H
#define GIC_H

#include <kernel/irq.h>
#include <kernel/spinlock.h>
#include <lib/types.h>

enum gic_distributor_reg {		/* IHI 0048, 4.1; IHI 0069, 12.8 */
	GICD_CTLR	= 0x000,
	GICD_TYPER	= 0x004,
	GICD_IGROUPR	= 0x080,
	GICD_ISENABLER	= 0x100,
	GICD_ICENABLER	= 0x180,
	GICD_IPRIORITYR	= 0x400,
	GICD_ITARGETSR	= 0x800,
	GICD_ICFGR	= 0xc00,
	GICD_SGIR	= 0xf00,
	GICD_IROUTER	= 0x6000,
};

#define GIC_SGIS		16	/* 0-15 software, 16-31 private, from 32 shared */
#define GIC_FIRST_SPI		32
#define GIC_FIRST_LPI		8192
#define GIC_SPECIAL		1020	/* from here: nothing pending */
#define GIC_PRIORITY		0xa0	/* one for all: no interrupt preempts another */

struct gic {
	char *dist;			/* [I] distributor */
	uint32_t nr;			/* [I] interrupts, private ones counted */
	struct spinlock lock;		/* class IRQ_CHIP: registers that hold several lines */
	uint32_t *numbers;	/* [A] kernel number of each line + 1, as found; 0: not yet */
	struct irq_domain domain;
};

static inline uint32_t gic_read(const char *base, uint32_t reg)
{
	return *(const volatile uint32_t *)(base + reg);
}

static inline void gic_write(char *base, uint32_t reg, uint32_t v)
{
	*(volatile uint32_t *)(base + reg) = v;
}

/* Lines [first, nr): group, priority, off. */
void gic_lines_reset(char *base, uint32_t first, uint32_t nr);
void gic_dist_find_size(struct gic *g);
/* Give @g its domain; INIT_SUBSYSTEM. */
int gic_domain_register(struct gic *g, int node, const struct irq_chip_ops *ops);
/* A device's line was acknowledged. */
void gic_device_upcall(struct gic *g, uint32_t hwirq);
/* SGI or timer: true if it was one. */
bool gic_private_upcall(uint32_t hwirq);

/* Message frames below the node of a GICv2. */
void gicv2m_init(struct gic *g, int gic_node);
/* The translation service below the node of a GICv3, the LPIs it makes, and what it needs. */
void gicv3_its_init(int gic_node);
void its_upcall(uint32_t hwirq);
char *gicv3_redistributor(unsigned int cpu, paddr_t *pa);	/* NULL: none */

int gic_set_trigger(struct irq_domain *d, uint32_t hwirq, enum irq_trigger trigger);
void gic_mask(struct irq_domain *d, uint32_t hwirq);
void gic_unmask(struct irq_domain *d, uint32_t hwirq);

#endif
