/* SPDX-License-Identifier: MIT */
/*
 * Where windows go: the arithmetic of assigning PCI addresses, without devices, locks or memory.
 *
 * A need is a window that a device wants, or one of a bridge, which holds its children's.  Some are
 * fixed already (firmware's).  pci_sum_needs() computes what bridges want, bottom up;
 * pci_place_needs() gives each need its base, top down.
 */
#ifndef DRIVERS_PCI_ASSIGN_H
#define DRIVERS_PCI_ASSIGN_H

#include <lib/list.h>
#include <lib/types.h>

enum pci_kind {
	PCI_KIND_IO,
	PCI_KIND_MEM32,			/* below 4 GiB */
	PCI_KIND_MEM64,			/* anywhere */
	PCI_KINDS,
};

struct pci_need {
	enum pci_kind kind;
	uint64_t size, align;		/* align: a power of two; size 0 needs nothing */
	uint64_t base;			/* set when is_placed */
	bool is_placed;			/* fixed by firmware, or found a place */
	struct list node;		/* among its siblings */
	struct list children;		/* of a bridge's window; empty otherwise */
};

/* Room that siblings share. */
struct pci_room {
	enum pci_kind kind;		/* IO, MEM32 or MEM64 by where it lies */
	uint64_t base, size;
};

void pci_need_init(struct pci_need *n, enum pci_kind kind);

/*
 * Size and alignment of the window @bridge that is not placed yet, from its children's; @granule is
 * a bridge's own (1 MiB for memory, 4 KiB for I/O), @reserve the least size.  Depth is that of
 * buses, at most 255.
 */
void pci_sum_needs(struct pci_need *bridge, uint64_t granule, uint64_t reserve);

/*
 * Give all needs of @siblings that are not placed a base in one of @rooms, clear of those that are,
 * the largest first; then their children within theirs.  How many found no room.
 */
unsigned int pci_place_needs(struct list *siblings, const struct pci_room *rooms,
			     unsigned int nr_rooms);

#endif
