/* SPDX-License-Identifier: MIT */
/*
 * Message-signalled interrupts: a device writes a word to an address.  Between the buses, whose
 * devices have the registers for it, and the interrupt controllers, which say what to write where.
 * Drivers do not see this: device_irq_vectors() and device_irq() are theirs.
 */
#ifndef DRIVERS_MSI_H
#define DRIVERS_MSI_H

#include <kernel/irq.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/types.h>

struct msi_message {
	uint64_t address;
	uint32_t data;
};

/* One message of a device; in the bus's memory, alive until msi_vector_free(). */
struct msi_vector {
	/* Fields of the bus. */
	struct msi_parent *parent;	/* [I] */
	uint32_t device_id;		/* [I] the sender as @parent knows it */
	uint32_t index;			/* [I] of the device's messages */
	/* Program it.  With interrupts masked, under the descriptor's lock. */
	void (*write)(struct msi_vector *v, const struct msi_message *m);
	void (*mask)(struct msi_vector *v);	/* at the device; optional */
	void (*unmask)(struct msi_vector *v);
	/* Fields of the controller. */
	unsigned int irq;		/* [I] kernel number, for irq_request() */
	uint32_t hwirq;			/* [I] */
	uint32_t cpu, vector;		/* [R] the controller's lock */
	uint32_t old_cpu, old_vector;	/* [R] the same */
};

/* A controller that takes messages. */
struct msi_parent {
	const char *name;
	uint64_t fwnode;		/* [I] its phandle; 0: the machine's only one */
	/* A device will have up to @nr messages; -ENOMEM, -ENOSPC.  Optional, and its opposite. */
	int (*device_open)(struct msi_parent *p, uint32_t device_id, unsigned int nr);
	void (*device_close)(struct msi_parent *p, uint32_t device_id);
	/* Give @v its number, aim it, and write the message.  -ENOSPC, -ENOMEM. */
	int (*alloc)(struct msi_parent *p, struct msi_vector *v);
	void (*free)(struct msi_parent *p, struct msi_vector *v);
	struct msi_parent *next;	/* [R] the registry */
};

/* At boot, before devices are probed. */
void msi_parent_register(struct msi_parent *p);
/* NULL: none that is called so. */
struct msi_parent *msi_parent_find(uint64_t fwnode);

#endif
