/* SPDX-License-Identifier: MIT */
/* What the files of the PCI core share; <drivers/pci.h> is for everybody else. */
#ifndef DRIVERS_PCI_INTERNAL_H
#define DRIVERS_PCI_INTERNAL_H

#include <drivers/pci.h>
#include "assign.h"

struct pci_bus {
	struct pci_host *host;		/* [I] */
	struct pci_device *bridge;	/* [I] that leads here; NULL: the root bus */
	uint8_t number, last;		/* [I] its own, and the last one below */
	bool is_express_link;		/* [I] below a PCIe port: one device only */
	struct list devices;		/* [R] the host's device lock; enumeration and rescan */
	struct pci_need windows[PCI_KINDS];	/* what the bridge passes on */
};

/* A device under enumeration: its needs, which nobody wants later. */
struct pci_scan {
	struct pci_device *p;
	struct pci_need needs[PCI_BARS];
	struct list node;
};

/* Register access by place, for what has no struct pci_device yet. */
uint32_t pci_bus_read(struct pci_bus *b, uint8_t devfn, uint32_t offset, unsigned int size);

/* bars.c: read, size and write a device's windows. */
void pci_bars_read(struct pci_device *p);
void pci_bar_write(struct pci_device *p, unsigned int bar);
void pci_bridge_write(struct pci_bus *below);

/* assign_bus.c: P1 for everything below @h that is new. */
int pci_assign(struct pci_host *h);

/* irq.c: all of a device's interrupts go. */
int pci_irq_vectors(struct device *dev, unsigned int max);
int pci_irq(struct device *dev, unsigned int index);

/* bus.c: map @len bytes of a BAR, once for all. */
char *pci_bar_map(struct pci_device *p, unsigned int bar);

/* attrs.c */
extern const struct device_attr pci_attrs[];
extern const struct device_attr pci_host_attrs[];
void pci_uevent(const struct device *dev, struct device_text *t);

/* host_ecam.c: configuration space in memory, buses mapped as they are found. */
struct pci_ecam {
	paddr_t base;			/* [I] of bus 0 */
	uint64_t size;			/* [I] from base */
	char *buses[256];		/* [I] once found */
};
extern const struct pci_config_ops pci_ecam_ops;

#endif
