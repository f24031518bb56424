/* SPDX-License-Identifier: MIT */
/*
 * The flattened device tree as the boot loader left it: nodes, properties, and
 * what addresses and interrupts in it mean.
 *
 * The blob is untrusted. of_init() checks all of it and accepts only a well-formed one, so
 * the others need not check its structure again; values are still anybody's. Read-only after
 * of_init(): any context. A node is an offset into the blob; negative: none.
 */
#ifndef DRIVERS_OF_H
#define DRIVERS_OF_H

#include <lib/types.h>

#define OF_NONE		(-1)

struct of_prop {
	const uint8_t *data;
	uint32_t len;
};

/*
 * Use the @size readable bytes at @blob. -EINVAL: no device tree, damaged or cut short; then there
 * are no nodes.
 */
__must_check int of_init(const void *blob, size_t size);

/* Bytes that the header claims, 0 if @blob does not start with a device tree. Reads 40 bytes. */
uint32_t of_blob_size(const void *blob);

/* Nodes: in order of the blob; OF_NONE at the end. of_next(OF_NONE) is the root. */
int of_next(int node);
int of_first_child(int node);
int of_next_sibling(int node);
int of_parent(int node);
/* By absolute path or alias; what follows a ':' is ignored. */
int of_find_path(const char *path);
int of_find_phandle(uint32_t phandle);
/* The first after @after (OF_NONE: from the start). */
int of_find_compatible(int after, const char *compatible);

const char *of_name(int node);			/* with the unit address */
bool of_is_compatible(int node, const char *compatible);
bool of_is_available(int node);			/* "status" absent, "ok" or "okay" */

bool of_get(int node, const char *name, struct of_prop *p);
/* A terminated string property, or NULL. */
const char *of_string(int node, const char *name);
bool of_u32(int node, const char *name, uint32_t *value);
/* A big-endian number of one or two cells, by the property's length. */
bool of_number(int node, const char *name, uint64_t *value);
uint64_t of_cells(const uint8_t *p, uint32_t cells);

/* Window @index of "reg" as the CPU sees it. -ENOENT: no such window; -EINVAL: not translatable. */
__must_check int of_reg(int node, unsigned int index, paddr_t *base, uint64_t *size);

/* The same where the parent is known, which is expensive to find. */
__must_check int of_reg_below(int parent, int node, unsigned int index, paddr_t *base,
			      uint64_t *size);

#define OF_IRQ_CELLS	8
struct of_irq {
	int controller;			/* node */
	uint32_t nr_cells;
	uint32_t cells[OF_IRQ_CELLS];
};
/* Interrupt @index of @node; "interrupts-extended" goes first. -ENOENT, -EINVAL. */
__must_check int of_interrupt(int node, unsigned int index, struct of_irq *irq);

/*
 * The kernel's number of an interrupt, for drivers of buses; -EPROBE_DEFER: its controller has no
 * driver yet.  From INIT_DRIVER on, thread context.
 */
__must_check int of_irq_number(const struct of_irq *irq);

/* Entry @index of the memory reservation block; false at its end. */
bool of_reservation(unsigned int index, uint64_t *base, uint64_t *size);

#endif
