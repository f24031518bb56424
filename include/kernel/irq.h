/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts: kernel numbers, controllers, handlers.
 *
 * A controller driver owns a domain of hardware numbers.  irq_map() gives a hardware number
 * its kernel number once; drivers see only those.  Numbers and descriptors are
 * allocated as they are mapped.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <kernel/cpumask.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/types.h>

enum irq_trigger {
	IRQ_LEVEL_HIGH, IRQ_LEVEL_LOW, IRQ_EDGE_RISING, IRQ_EDGE_FALLING,
};

enum irq_result { IRQ_NONE, IRQ_HANDLED };

typedef enum irq_result (*irq_handler_t)(unsigned int irq, void *ctx);

struct irq_domain;

/*
 * What a controller can do with one of its hardware numbers.  Called with the descriptor's lock
 * held.
 */
struct irq_chip_ops {
	int (*set_trigger)(struct irq_domain *d, uint32_t hwirq, enum irq_trigger trigger);
	void (*mask)(struct irq_domain *d, uint32_t hwirq);
	void (*unmask)(struct irq_domain *d, uint32_t hwirq);
	/* -ENOSYS where the hardware decides. */
	int (*set_affinity)(struct irq_domain *d, uint32_t hwirq, unsigned int cpu);
};

struct irq_domain {
	const char *name;
	const struct irq_chip_ops *ops;
	void *priv;
	struct list node;		/* [R] registry of domains */
	struct list irqs;		/* [R] descriptors of this domain */
	uint64_t fwnode;	/* what firmware calls it: device-tree phandle, ACPI GSI base */
};

void irq_domain_register(struct irq_domain *d);
struct irq_domain *irq_domain_find(uint64_t fwnode);

/* The kernel number of @hwirq, made at the first call; -errno. */
__must_check int irq_map(struct irq_domain *d, uint32_t hwirq, enum irq_trigger trigger);

/*
 * The kernel number that irq_map() gave @hwirq, -ENOENT if none.  Any context: for controllers'
 * dispatch.
 */
__must_check int irq_find(struct irq_domain *d, uint32_t hwirq);

/*
 * Have @handler called in interrupt context when @irq comes; several handlers
 * may share a level-triggered line.  Unmasks at the first.  -errno.
 */
__must_check int irq_request(unsigned int irq, irq_handler_t handler, void *ctx, const char *name);
/* The handler is not running and will not run again on return.  Sleeps. */
void irq_release(unsigned int irq, void *ctx);

/* Have @irq come to @cpu.  -ENXIO: no such interrupt; -ENOSYS: it cannot be aimed. */
__must_check int irq_set_affinity(unsigned int irq, unsigned int cpu);

/*
 * The controller that the CPU's interrupt pin leads to, for ports without vectors: its dispatch()
 * acknowledges and calls irq_upcall(), timer_upcall() or ipi_upcall() until nothing is pending.
 */
struct irq_root {
	void (*dispatch)(void);
	void (*cpu_init)(void);		/* this CPU's part of the controller */
	void (*send_ipi)(unsigned int cpu, unsigned int kind);
};
extern const struct irq_root *irq_root;

/* For /proc/interrupts. */
struct irq_info {
	unsigned int irq;
	uint32_t hwirq;
	uint64_t count;
	const char *domain, *name;
};
void irq_for_each(void (*fn)(const struct irq_info *info, void *ctx), void *ctx);
uint64_t irq_count_total(void);

/* What this CPU's present interrupt interrupted; NULL outside of interrupts. */
struct regs *irq_regs(void);

#endif
