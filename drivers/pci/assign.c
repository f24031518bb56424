/* SPDX-License-Identifier: MIT */
/*
 * Assignment of PCI windows; see assign.h.
 *
 * The largest alignment goes first, each to the lowest place that is free: with sizes that are
 * powers of two that leaves no holes but in front of the first.  Sets are small (six windows for a
 * device), so lists are scanned and nothing is sorted for good.
 */
#include <lib/minmax.h>
#include "assign.h"

void pci_need_init(struct pci_need *n, enum pci_kind kind)
{
	*n = (struct pci_need){ .kind = kind, .align = 1 };
	list_init(&n->node);
	list_init(&n->children);
}

/* The unplaced need with the largest alignment, then size; NULL when all are placed. */
static struct pci_need *largest_unplaced(struct list *siblings)
{
	struct pci_need *n, *best = NULL;

	list_for_each_entry(n, siblings, node) {
		if (n->is_placed || !n->size)
			continue;
		if (!best || n->align > best->align ||
		    (n->align == best->align && n->size > best->size))
			best = n;
	}
	return best;
}

/* Packs what is unplaced in the order of pci_place_needs(), from an address that fits the first. */
void pci_sum_needs(struct pci_need *bridge, uint64_t granule, uint64_t reserve)
{
	uint64_t end = 0, align = granule;
	struct pci_need *n;

	while ((n = largest_unplaced(&bridge->children))) {
		end = align_up(end, n->align) + n->size;
		align = max(align, n->align);
		n->is_placed = true;		/* only for this sum */
	}
	list_for_each_entry(n, &bridge->children, node)
		n->is_placed = false;
	bridge->size = align_up(max(end, reserve), granule);
	bridge->align = align;
}

/* A placed sibling that overlaps [base, base + size), or NULL. */
static const struct pci_need *obstacle(const struct list *siblings, const struct pci_need *self,
				       uint64_t base)
{
	const struct pci_need *n;

	list_for_each_entry(n, siblings, node)
		if (n != self && n->is_placed && n->size &&
		    (n->kind == PCI_KIND_IO) == (self->kind == PCI_KIND_IO) &&
		    base < n->base + n->size && n->base < base + self->size)
			return n;
	return NULL;
}

/* The lowest free base of @n within @room; false when there is none. */
static bool fit(struct list *siblings, struct pci_need *n, const struct pci_room *room)
{
	uint64_t base = max(room->base, (uint64_t)1);	/* 0 means "none" to a BAR */
	const struct pci_need *in_way;

	for (;;) {
		uint64_t aligned = align_up(base, n->align);

		if (aligned < base || n->size > room->size ||
		    aligned - room->base > room->size - n->size)
			return false;
		in_way = obstacle(siblings, n, aligned);
		if (!in_way) {
			n->base = aligned;
			n->is_placed = true;
			return true;
		}
		base = in_way->base + in_way->size;
		if (base < aligned)
			return false;		/* a fixed one reaches the end of all addresses */
	}
}

/* MEM64 prefers high rooms, which nothing else can use. */
static bool find_place(struct list *siblings, struct pci_need *n, const struct pci_room *rooms,
		       unsigned int nr_rooms)
{
	for (unsigned int i = 0; i < nr_rooms; i++)
		if (rooms[i].kind == n->kind && fit(siblings, n, &rooms[i]))
			return true;
	if (n->kind != PCI_KIND_MEM64)
		return false;
	for (unsigned int i = 0; i < nr_rooms; i++)
		if (rooms[i].kind == PCI_KIND_MEM32 && fit(siblings, n, &rooms[i]))
			return true;
	return false;
}

/* Children of a bridge's window have no other room; where it got none, neither do they. */
static unsigned int place_children(struct pci_need *n)
{
	struct pci_room room = { .kind = n->kind, .base = n->base, .size = n->size };

	if (list_empty(&n->children))
		return 0;
	if (!n->is_placed)
		room.size = 0;
	return pci_place_needs(&n->children, &room, 1);
}

unsigned int pci_place_needs(struct list *siblings, const struct pci_room *rooms,
			     unsigned int nr_rooms)
{
	unsigned int failed = 0;
	struct pci_need *n;

	while ((n = largest_unplaced(siblings))) {
		if (find_place(siblings, n, rooms, nr_rooms))
			continue;
		n->size = 0;			/* P1: it stays without a place */
		failed++;
	}
	list_for_each_entry(n, siblings, node)
		failed += place_children(n);
	return failed;
}
