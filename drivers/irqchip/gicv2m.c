/* SPDX-License-Identifier: MIT */
/*
 * GICv2m: a frame with one register; the number written there becomes pending as a shared
 * interrupt of the GIC (Arm SBSA, appendix E).  So a message is a line of the GIC's own domain.
 */
#include "gic.h"
#include <drivers/mmio.h>
#include <drivers/msi.h>
#include <drivers/of.h>
#include <kernel/log.h>
#include <kernel/mutex.h>
#include <lib/bitmap.h>
#include <lib/err.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

enum v2m_reg { V2M_TYPER = 0x008, V2M_SETSPI = 0x040 };
#define FRAME_SIZE	0x1000u

struct v2m {
	struct msi_parent parent;
	struct gic *gic;		/* [I] */
	paddr_t base;			/* [I] */
	uint32_t first, nr;		/* [I] interrupts */
	struct mutex lock;		/* class REGISTRY: used */
	unsigned long *used;		/* [L] */
};

static struct v2m *v2m_of(struct msi_parent *p)
{
	return container_of(p, struct v2m, parent);
}

static int v2m_alloc(struct msi_parent *p, struct msi_vector *v)
{
	struct v2m *m = v2m_of(p);
	struct msi_message message;
	size_t i;
	int irq;

	mutex_lock(&m->lock);
	i = bitmap_find_first_zero(m->used, m->nr);
	if (i < m->nr)
		bitmap_set_bit(m->used, i);
	mutex_unlock(&m->lock);
	if (i >= m->nr)
		return -ENOSPC;
	v->hwirq = m->first + (uint32_t)i;
	irq = irq_map(&m->gic->domain, v->hwirq, IRQ_EDGE_RISING);
	if (irq < 0) {
		p->free(p, v);
		return irq;
	}
	v->irq = (unsigned int)irq;
	message = (struct msi_message){ m->base.v + V2M_SETSPI, v->hwirq };
	v->write(v, &message);
	if (v->unmask)
		v->unmask(v);		/* from here on the GIC does it */
	return 0;
}

static void v2m_free(struct msi_parent *p, struct msi_vector *v)
{
	struct v2m *m = v2m_of(p);

	mutex_lock(&m->lock);
	bitmap_clear_bit(m->used, v->hwirq - m->first);
	mutex_unlock(&m->lock);
}

/* Which interrupts the frame raises; the device tree may know better than the register. */
static bool read_range(struct v2m *m, int node, const struct mmio *regs)
{
	uint32_t type = mmio_read32(regs, V2M_TYPER);

	m->first = type >> 16 & 0x3ff;
	m->nr = type & 0x3ff;
	(void)of_u32(node, "arm,msi-base-spi", &m->first);
	(void)of_u32(node, "arm,msi-num-spis", &m->nr);
	return m->first >= GIC_FIRST_SPI && m->nr && m->first < m->gic->nr &&
	       m->nr <= m->gic->nr - m->first;
}

static int frame_add(struct gic *g, int node)
{
	struct v2m *m = kzalloc(sizeof(*m), ALLOC_NORMAL);
	struct mmio regs = { .size = FRAME_SIZE };
	uint32_t phandle;
	uint64_t size;
	bool good;

	if (!m)
		return -ENOMEM;
	m->gic = g;
	mutex_init(&m->lock, REGISTRY);
	if (of_reg(node, 0, &m->base, &size) || size < FRAME_SIZE ||
	    !of_u32(node, "phandle", &phandle))
		goto bad;
	regs.base = mmio_map(m->base, FRAME_SIZE, MEM_DEVICE);
	if (!regs.base)
		goto bad;
	good = read_range(m, node, &regs);
	mmio_unmap(regs.base);
	m->used = good ? kzalloc(BITMAP_BYTES(m->nr), ALLOC_NORMAL) : NULL;
	if (!m->used)
		goto bad;
	m->parent = (struct msi_parent){
		.name = "gicv2m", .fwnode = phandle, .alloc = v2m_alloc, .free = v2m_free,
	};
	msi_parent_register(&m->parent);
	return 0;

bad:
	kfree(m);
	return -EINVAL;
}

void gicv2m_init(struct gic *g, int gic_node)
{
	for (int n = of_first_child(gic_node); n >= 0; n = of_next_sibling(n))
		if (of_is_compatible(n, "arm,gic-v2m-frame") && of_is_available(n) &&
		    frame_add(g, n))
			log_err("gicv2m: %s is not usable", of_name(n));
}
