/* SPDX-License-Identifier: MIT */
/*
 * Assignment on a real host: firmware's windows are kept where they make sense, the rest is given
 * by assign.c and written to the devices.
 *
 * On the root bus memory of both kinds shares one list, since 64-bit windows may lie low; behind a
 * bridge each of its three windows has a list of its own, and only what is prefetchable and 64 bits
 * wide may go into the third.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "internal.h"

#define IO_GRANULE	0x1000u
#define MEM_GRANULE	0x100000u
#define HOTPLUG_ROOM	(2 * MIB)

static bool is_root(const struct pci_bus *b)
{
	return !b->bridge;
}

/* The list that a need of @kind on @b stands in. */
static struct list *siblings_of(struct pci_bus *b, enum pci_kind kind)
{
	if (is_root(b) && kind == PCI_KIND_MEM64)
		kind = PCI_KIND_MEM32;
	return &b->windows[kind].children;
}

static bool bridge_has_64(const struct pci_bus *b)
{
	return (pci_read16(b->bridge, PCI_PREFETCH_BASE) & 15) == 1;
}

static enum pci_kind kind_of(struct pci_bus *b, const struct pci_resource *r)
{
	if (r->flags & PCI_RES_IO)
		return PCI_KIND_IO;
	if (!(r->flags & PCI_RES_64))
		return PCI_KIND_MEM32;
	if (is_root(b) || (r->flags & PCI_RES_PREFETCH && bridge_has_64(b)))
		return PCI_KIND_MEM64;
	return PCI_KIND_MEM32;
}

static bool host_has(const struct pci_host *h, const struct pci_resource *r)
{
	for (unsigned int i = 0; i < h->nr_windows; i++) {
		const struct pci_window *w = &h->windows[i];

		if ((w->flags ^ r->flags) & PCI_RES_IO || r->base < w->bus_base)
			continue;
		if (range_within(r->base - w->bus_base, r->size, w->size))
			return true;
	}
	return false;
}

/* Did firmware give @r a place that we can leave it in? */
static bool is_kept(struct pci_bus *b, const struct pci_resource *r, enum pci_kind kind)
{
	const struct pci_need *w = &b->windows[kind];

	if (!r->base)
		return false;
	if (is_root(b))
		return host_has(b->host, r);
	return w->is_placed && r->base >= w->base &&
	       range_within(r->base - w->base, r->size, w->size);
}

static void list_bars(struct pci_bus *b, struct pci_scan *s)
{
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		const struct pci_resource *r = &s->p->res[i];
		enum pci_kind kind = kind_of(b, r);
		struct pci_need *n = &s->needs[i];

		pci_need_init(n, kind);
		if (!r->size)
			continue;
		n->size = r->size;
		n->align = max(r->size, (uint64_t)(kind == PCI_KIND_IO ? 4 : 4096));
		n->base = r->base;
		n->is_placed = is_kept(b, r, kind);
		list_add_tail(&n->node, siblings_of(b, kind));
	}
}

/* What firmware programmed into the bridge, if it is a window within its parent's. */
static void read_window(struct pci_bus *b, enum pci_kind kind, uint64_t base, uint64_t limit)
{
	struct pci_need *w = &b->windows[kind];
	struct pci_resource r = { .base = base, .size = limit - base + 1,
				  .flags = kind == PCI_KIND_IO ? PCI_RES_IO : PCI_RES_MEM };

	pci_need_init(w, kind);
	if (!base || base >= limit || !is_kept(b->bridge->bus, &r, kind))
		return;
	w->base = base;
	w->size = r.size;
	w->is_placed = true;
}

static void read_windows(struct pci_bus *b)
{
	struct pci_device *p = b->bridge;
	uint64_t base, limit;

	base = (uint64_t)(pci_read8(p, PCI_IO_BASE) & 0xf0) << 8;
	limit = (uint64_t)(pci_read8(p, PCI_IO_LIMIT) & 0xf0) << 8 | 0xfff;
	base |= (uint64_t)pci_read16(p, PCI_IO_BASE_HIGH) << 16;
	limit |= (uint64_t)pci_read16(p, PCI_IO_LIMIT_HIGH) << 16;
	read_window(b, PCI_KIND_IO, base, limit);
	base = (uint64_t)(pci_read16(p, PCI_MEMORY_BASE) & 0xfff0) << 16;
	limit = (uint64_t)(pci_read16(p, PCI_MEMORY_LIMIT) & 0xfff0) << 16 | 0xfffff;
	read_window(b, PCI_KIND_MEM32, base, limit);
	base = (uint64_t)(pci_read16(p, PCI_PREFETCH_BASE) & 0xfff0) << 16;
	limit = (uint64_t)(pci_read16(p, PCI_PREFETCH_LIMIT) & 0xfff0) << 16 | 0xfffff;
	base |= (uint64_t)pci_read32(p, PCI_PREFETCH_BASE_HIGH) << 32;
	limit |= (uint64_t)pci_read32(p, PCI_PREFETCH_LIMIT_HIGH) << 32;
	read_window(b, PCI_KIND_MEM64, base, limit);
}

/* A port with a slot for later devices keeps some room for them. */
static uint64_t hotplug_room(const struct pci_bus *b)
{
	uint32_t cap = pci_find_cap(b->bridge, PCI_CAP_EXPRESS, 0);

	if (!cap || !(pci_read16(b->bridge, cap + 2) & 0x100))	/* slot implemented */
		return 0;
	return pci_read32(b->bridge, cap + 0x14) & 0x40 ? HOTPLUG_ROOM : 0;
}

/* Everything below @b, bottom up; recursion is bounded by bus numbers. */
static int list_needs(struct pci_bus *b, struct list *scans)
{
	struct pci_device *p;
	int err = 0;

	for (unsigned int k = 0; is_root(b) && k < PCI_KINDS; k++)
		pci_need_init(&b->windows[k], (enum pci_kind)k);
	list_for_each_entry(p, &b->devices, node) {
		struct pci_scan *s = kzalloc(sizeof(*s), ALLOC_NORMAL);

		if (!s)
			return -ENOMEM;
		s->p = p;
		list_add_tail(&s->node, scans);
		list_bars(b, s);
		if (!p->below)
			continue;
		read_windows(p->below);
		err = list_needs(p->below, scans);
		if (err)
			return err;
		for (unsigned int k = 0; k < PCI_KINDS; k++) {
			struct pci_need *w = &p->below->windows[k];

			if (!w->is_placed)
				pci_sum_needs(w, k == PCI_KIND_IO ? IO_GRANULE : MEM_GRANULE,
					      k == PCI_KIND_IO ? 0 : hotplug_room(p->below));
			list_add_tail(&w->node, siblings_of(b, (enum pci_kind)k));
		}
	}
	return 0;
}

static unsigned int place_on_host(struct pci_host *h)
{
	struct pci_room *rooms = kmalloc_array(h->nr_windows + 1, sizeof(*rooms), ALLOC_NORMAL);
	unsigned int failed;

	if (!rooms)
		return 1;
	for (unsigned int i = 0; i < h->nr_windows; i++) {
		const struct pci_window *w = &h->windows[i];

		rooms[i] = (struct pci_room){
			.kind = w->flags & PCI_RES_IO ? PCI_KIND_IO :
				w->bus_base >> 32 ? PCI_KIND_MEM64 : PCI_KIND_MEM32,
			.base = w->bus_base, .size = w->size,
		};
		/* Below 4 KiB live the fixed devices of a PC. */
		if (rooms[i].kind == PCI_KIND_IO && !rooms[i].base && rooms[i].size > 0x1000) {
			rooms[i].base += 0x1000;
			rooms[i].size -= 0x1000;
		}
	}
	failed = pci_place_needs(&h->root->windows[PCI_KIND_IO].children, rooms, h->nr_windows);
	failed += pci_place_needs(&h->root->windows[PCI_KIND_MEM32].children, rooms,
				  h->nr_windows);
	kfree(rooms);
	return failed;
}

static void write_back(struct pci_scan *s)
{
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		struct pci_resource *r = &s->p->res[i];

		if (!r->size)
			continue;
		if (!s->needs[i].is_placed) {
			dev_warn(&s->p->dev, "no room for %#lx bytes of BAR %u", r->size, i);
			*r = (struct pci_resource){ 0 };
		} else if (r->base != s->needs[i].base) {
			r->base = s->needs[i].base;
			pci_bar_write(s->p, i);
		}
	}
	if (s->p->below)
		pci_bridge_write(s->p->below);
}

/* Firmware keeps a device's decoding on where it assigned; nothing is moved under a live one. */
int pci_assign(struct pci_host *h)
{
	LIST_HEAD(scans);
	struct pci_scan *s, *next;
	int err = list_needs(h->root, &scans);

	if (!err)
		(void)place_on_host(h);
	list_for_each_entry_safe(s, next, &scans, node) {
		if (!err)
			write_back(s);
		kfree(s);
	}
	return err;
}
