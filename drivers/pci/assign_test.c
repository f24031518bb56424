/* SPDX-License-Identifier: MIT */
/* Assignment of PCI windows; runs in the kernel and on the host. */
#include <lib/ktest.h>
#include <lib/minmax.h>
#include "assign.h"

#define NR	64u

static const struct pci_room low = { PCI_KIND_MEM32, 0x10000000, 0x10000000 };
static const struct pci_room high = { PCI_KIND_MEM64, 0x8000000000, 0x1000000000 };

static void add(struct list *siblings, struct pci_need *n, enum pci_kind kind, uint64_t size)
{
	pci_need_init(n, kind);
	n->size = size;
	n->align = size;
	list_add_tail(&n->node, siblings);
}

static bool overlap(const struct pci_need *a, const struct pci_need *b)
{
	return a->base < b->base + b->size && b->base < a->base + a->size;
}

KTEST(pci, places_by_size)
{
	LIST_HEAD(siblings);
	struct pci_need n[3];

	add(&siblings, &n[0], PCI_KIND_MEM32, 0x1000);
	add(&siblings, &n[1], PCI_KIND_MEM32, 0x100000);
	add(&siblings, &n[2], PCI_KIND_MEM32, 0x4000);
	KEXPECT_EQ(pci_place_needs(&siblings, &low, 1), 0);
	KEXPECT_EQ(n[1].base, 0x10000000);
	KEXPECT_EQ(n[2].base, 0x10100000);
	KEXPECT_EQ(n[0].base, 0x10104000);
}

KTEST(pci, keeps_fixed_ones)
{
	LIST_HEAD(siblings);
	struct pci_need n[2];

	add(&siblings, &n[0], PCI_KIND_MEM32, 0x1000);
	n[0].base = 0x10000000;
	n[0].is_placed = true;
	add(&siblings, &n[1], PCI_KIND_MEM32, 0x2000);
	KEXPECT_EQ(pci_place_needs(&siblings, &low, 1), 0);
	KEXPECT_EQ(n[0].base, 0x10000000);
	KEXPECT_EQ(n[1].base, 0x10002000);
}

KTEST(pci, wide_ones_go_high)
{
	LIST_HEAD(siblings);
	struct pci_room rooms[2] = { low, high };
	struct pci_need n[2];

	add(&siblings, &n[0], PCI_KIND_MEM64, 0x40000000);
	add(&siblings, &n[1], PCI_KIND_MEM32, 0x1000);
	KEXPECT_EQ(pci_place_needs(&siblings, rooms, 2), 0);
	KEXPECT_EQ(n[0].base, high.base);
	KEXPECT_EQ(n[1].base, low.base);
	n[0].is_placed = false;
	n[0].size = n[0].align = 0x1000;
	KEXPECT_EQ(pci_place_needs(&siblings, &low, 1), 0);
	KEXPECT_EQ(n[0].base, low.base + 0x1000);
}

KTEST(pci, no_room_is_told)
{
	LIST_HEAD(siblings);
	struct pci_need n[3];

	add(&siblings, &n[0], PCI_KIND_MEM32, 0x20000000);	/* larger than all */
	add(&siblings, &n[1], PCI_KIND_IO, 0x100);		/* no such room */
	add(&siblings, &n[2], PCI_KIND_MEM32, 0x1000);
	KEXPECT_EQ(pci_place_needs(&siblings, &low, 1), 2);
	KEXPECT_FALSE(n[0].is_placed);
	KEXPECT_FALSE(n[1].is_placed);
	KEXPECT_EQ(n[2].base, low.base);
}

KTEST(pci, ends_of_the_address_space)
{
	LIST_HEAD(siblings);
	struct pci_room top = { PCI_KIND_MEM64, 0xfffffffffff00000, 0xfffff };
	struct pci_room bottom = { PCI_KIND_IO, 0, 0x1000 };
	struct pci_need n[3];

	add(&siblings, &n[0], PCI_KIND_MEM64, 0x80000);
	add(&siblings, &n[1], PCI_KIND_MEM64, 0x80000);
	KEXPECT_EQ(pci_place_needs(&siblings, &top, 1), 1);
	list_init(&siblings);
	add(&siblings, &n[2], PCI_KIND_IO, 0x100);
	KEXPECT_EQ(pci_place_needs(&siblings, &bottom, 1), 0);
	KEXPECT_EQ(n[2].base, 0x100);			/* 0 would mean "none" */
}

KTEST(pci, bridges_hold_their_children)
{
	LIST_HEAD(root);
	struct pci_need bridge[2], n[4];

	for (unsigned int i = 0; i < 2; i++) {
		pci_need_init(&bridge[i], PCI_KIND_MEM32);
		list_add_tail(&bridge[i].node, i ? &bridge[0].children : &root);
	}
	add(&bridge[0].children, &n[0], PCI_KIND_MEM32, 0x4000);
	add(&bridge[1].children, &n[1], PCI_KIND_MEM32, 0x200000);
	add(&bridge[1].children, &n[2], PCI_KIND_MEM32, 0x1000);
	add(&root, &n[3], PCI_KIND_MEM32, 0x1000);
	pci_sum_needs(&bridge[1], 0x100000, 0);
	KEXPECT_EQ(bridge[1].size, 0x300000);
	KEXPECT_EQ(bridge[1].align, 0x200000);
	pci_sum_needs(&bridge[0], 0x100000, 0);
	KEXPECT_EQ(bridge[0].size, 0x400000);
	KEXPECT_EQ(pci_place_needs(&root, &low, 1), 0);
	for (unsigned int i = 1; i <= 2; i++)
		KEXPECT_TRUE(n[i].base >= bridge[1].base &&
			     n[i].base + n[i].size <= bridge[1].base + bridge[1].size);
	KEXPECT_TRUE(bridge[1].base >= bridge[0].base &&
		     bridge[1].base + bridge[1].size <= bridge[0].base + bridge[0].size);
	KEXPECT_FALSE(overlap(&n[0], &bridge[1]));
	KEXPECT_FALSE(overlap(&n[3], &bridge[0]));
}

KTEST(pci, room_for_later)
{
	struct pci_need bridge;

	pci_need_init(&bridge, PCI_KIND_MEM32);
	pci_sum_needs(&bridge, 0x100000, 0);
	KEXPECT_EQ(bridge.size, 0);
	pci_sum_needs(&bridge, 0x100000, 0x200000);
	KEXPECT_EQ(bridge.size, 0x200000);
}

/* Random sets, some of them fixed: aligned, inside, never over each other. */
KTEST(pci, random_sets)
{
	static struct pci_need n[NR];
	uint64_t state = 42;

	for (unsigned int lap = 0; lap < 100; lap++) {
		LIST_HEAD(siblings);

		for (unsigned int i = 0; i < NR; i++) {
			add(&siblings, &n[i], PCI_KIND_MEM32,
			    0x1000ull << ktest_random(&state) % 10);
			if (i % 8)
				continue;
			n[i].is_placed = true;
			n[i].base = low.base + i * 0x400000ull;
		}
		KEXPECT_EQ(pci_place_needs(&siblings, &low, 1), 0);
		for (unsigned int i = 0; i < NR; i++) {
			KEXPECT_TRUE(n[i].is_placed && is_aligned(n[i].base, n[i].align));
			KEXPECT_TRUE(n[i].base >= low.base &&
				     n[i].base + n[i].size <= low.base + low.size);
			for (unsigned int j = 0; j < i; j++)
				KEXPECT_FALSE(overlap(&n[i], &n[j]));
		}
	}
}
