/* SPDX-License-Identifier: MIT */
/*
 * PCI and PCI Express: hosts, buses, devices.
 *
 *	host (ECAM, or the two ports of a PC) -> buses behind bridges -> devices on pci_bus
 *
 * A driver lists ids or a class and uses what every device has: device_mmio(dev, bar, ...) is the
 * register window of a BAR, device_irq_vectors() and device_irq() are MSI-X, MSI or INTx, whichever
 * there is, dma_map() is its way to memory.  Before probe the device was enabled: it decodes its
 * windows and may master the bus; after remove neither.  What follows is for drivers that need more
 * (capabilities, single configuration registers), and for hosts.
 *
 * P1 Windows and bus numbers that firmware assigned are kept if they are consistent; the rest is
 *    assigned at enumeration.  A BAR without room has size 0 in res[]: device_mmio() says -ENOENT.
 * P2 Configuration space is the device's: lists of capabilities are walked with a bound, offsets
 *    are checked before use.  All ones from everywhere is a device that was pulled out.
 */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <drivers/device.h>
#include <drivers/msi.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/types.h>

struct pci_bus;
struct pci_host;
struct pci_vector;

enum pci_reg {				/* PCI Local Bus 3.0, 6.1; PCI Express Base, 7.5.1 */
	PCI_VENDOR		= 0x00,
	PCI_DEVICE		= 0x02,
	PCI_COMMAND		= 0x04,
	PCI_STATUS		= 0x06,
	PCI_REVISION		= 0x08,
	PCI_CLASS		= 0x09,		/* interface, sub, base */
	PCI_HEADER_TYPE		= 0x0e,
	PCI_BAR0		= 0x10,
	PCI_SUBVENDOR		= 0x2c,
	PCI_SUBDEVICE		= 0x2e,
	PCI_ROM			= 0x30,
	PCI_CAPABILITIES	= 0x34,
	PCI_INTERRUPT_LINE	= 0x3c,
	PCI_INTERRUPT_PIN	= 0x3d,
	/* Bridges. */
	PCI_PRIMARY_BUS		= 0x18,
	PCI_SECONDARY_BUS	= 0x19,
	PCI_SUBORDINATE_BUS	= 0x1a,
	PCI_IO_BASE		= 0x1c,
	PCI_IO_LIMIT		= 0x1d,
	PCI_MEMORY_BASE		= 0x20,
	PCI_MEMORY_LIMIT	= 0x22,
	PCI_PREFETCH_BASE	= 0x24,
	PCI_PREFETCH_LIMIT	= 0x26,
	PCI_PREFETCH_BASE_HIGH	= 0x28,
	PCI_PREFETCH_LIMIT_HIGH	= 0x2c,
	PCI_IO_BASE_HIGH	= 0x30,
	PCI_IO_LIMIT_HIGH	= 0x32,
	PCI_BRIDGE_ROM		= 0x38,
	PCI_BRIDGE_CONTROL	= 0x3e,
};

#define PCI_COMMAND_IO		(1u << 0)
#define PCI_COMMAND_MEMORY	(1u << 1)
#define PCI_COMMAND_MASTER	(1u << 2)
#define PCI_COMMAND_NO_INTX	(1u << 10)
#define PCI_STATUS_CAPABILITIES	(1u << 4)
#define PCI_HEADER_MULTI	0x80u
#define PCI_HEADER_NORMAL	0
#define PCI_HEADER_BRIDGE	1

enum pci_cap {
	PCI_CAP_POWER		= 0x01,
	PCI_CAP_MSI		= 0x05,
	PCI_CAP_VENDOR		= 0x09,
	PCI_CAP_SUBSYSTEM	= 0x0d,
	PCI_CAP_EXPRESS		= 0x10,
	PCI_CAP_MSIX		= 0x11,
};

enum pci_res_flags {
	PCI_RES_IO		= 1 << 0,
	PCI_RES_MEM		= 1 << 1,
	PCI_RES_PREFETCH	= 1 << 2,
	PCI_RES_64		= 1 << 3,
};

#define PCI_BARS	6
#define PCI_RES_ROM	6
#define PCI_RESOURCES	7

/* A window; on the bus side, which hosts translate to the CPU's. */
struct pci_resource {
	uint64_t base, size;		/* size 0: there is none, or it has no place */
	uint32_t flags;			/* enum pci_res_flags */
};

enum pci_irq_mode { PCI_IRQ_NONE, PCI_IRQ_INTX, PCI_IRQ_MSI, PCI_IRQ_MSIX };

struct pci_device {
	struct device dev;
	struct pci_bus *bus;			/* [I] */
	struct pci_bus *below;			/* [I] of a bridge, or NULL */
	uint8_t devfn;				/* [I] slot << 3 | function */
	uint8_t header, revision, irq_pin;	/* [I] pin 1 to 4, 0: none */
	uint16_t vendor, device, subvendor, subdevice;	/* [I] */
	uint32_t class;				/* [I] base << 16 | sub << 8 | interface */
	struct pci_resource res[PCI_RESOURCES];	/* [I] after enumeration */
	char *bar_map[PCI_RESOURCES];		/* [R] dev.lock: mapped registers */
	enum pci_irq_mode irq_mode;		/* [R] dev.lock */
	uint16_t msi_cap;			/* [I] offset of the capability in use */
	char *msix_table;			/* [R] dev.lock */
	unsigned int nr_vectors;		/* [R] dev.lock */
	struct pci_vector *vectors;		/* [R] dev.lock; irq.c has its type */
	int intx_irq;				/* [R] dev.lock: kernel number, or negative */
	bool is_added;				/* [R] the host's lock */
	struct list node;			/* [R] the host's lock: the bus's list */
	char name_buf[16];			/* 0000:00:01.0 */
};

extern const struct bus pci_bus_type;

static inline struct pci_device *pci_device_of(struct device *dev)
{
	return container_of(dev, struct pci_device, dev);
}

#define PCI_DEVFN(slot, function)	((uint8_t)((slot) << 3 | (function)))
#define PCI_SLOT(devfn)			((devfn) >> 3)
#define PCI_FUNCTION(devfn)		((devfn) & 7u)

/* Configuration registers; any context.  Out of reach: all ones. */
uint8_t pci_read8(struct pci_device *p, uint32_t offset);
uint16_t pci_read16(struct pci_device *p, uint32_t offset);
uint32_t pci_read32(struct pci_device *p, uint32_t offset);
void pci_write8(struct pci_device *p, uint32_t offset, uint8_t v);
void pci_write16(struct pci_device *p, uint32_t offset, uint16_t v);
void pci_write32(struct pci_device *p, uint32_t offset, uint32_t v);

/* Offset of the first capability @id behind @after (0: from the start); 0: none. */
uint32_t pci_find_cap(struct pci_device *p, uint8_t id, uint32_t after);
/* The same for extended ones, from 0x100 on. */
uint32_t pci_find_ext_cap(struct pci_device *p, uint16_t id, uint32_t after);
/*
 * For a driver that starts anew: the interrupts of device_irq_vectors() are given back before
 * remove, all of them released by irq_release(); ask again afterwards.  Device lock held.
 */
void pci_irqs_drop(struct pci_device *p);
/* The device answers configuration reads. */
bool pci_is_present(struct pci_device *p);

/* Who reads and writes configuration space: @size 1, 2 or 4, @offset aligned.  Any context. */
struct pci_config_ops {
	uint32_t (*read)(struct pci_host *h, uint8_t bus, uint8_t devfn, uint32_t offset,
			 unsigned int size);
	void (*write)(struct pci_host *h, uint8_t bus, uint8_t devfn, uint32_t offset,
		      unsigned int size, uint32_t v);
	/* Make bus @bus reachable, before anything else is done there; optional. */
	int (*open_bus)(struct pci_host *h, uint8_t bus);
	uint32_t size;			/* 256 or 4096 */
};

/* A range that the host passes on to its buses. */
struct pci_window {
	uint32_t flags;		/* PCI_RES_IO or PCI_RES_MEM, PCI_RES_PREFETCH, PCI_RES_64 */
	uint64_t bus_base, size;
	uint64_t cpu_base;		/* where the CPU sees bus_base; ports for I/O of a PC */
	bool is_port;			/* I/O by port instructions */
};

struct pci_host {
	struct device dev;			/* the root, pci0000:00 */
	const struct pci_config_ops *ops;	/* [I] */
	void *priv;				/* [I] the host driver's */
	uint16_t segment;			/* [I] */
	uint8_t first_bus, last_bus;		/* [I] */
	struct pci_window *windows;		/* [I] */
	unsigned int nr_windows;
	/* The kernel's number of pin @pin (1 to 4) of a device on the root bus; -errno. */
	int (*map_intx)(struct pci_host *h, struct pci_device *p, uint8_t devfn, uint8_t pin);
	/* Who takes messages of @requester (bus << 8 | devfn), and what it calls it; NULL: none. */
	struct msi_parent *(*find_msi)(struct pci_host *h, uint16_t requester, uint32_t *device_id);
	struct pci_bus *root;			/* [I] after pci_host_add() */
	uint8_t top_bus;			/* [R] dev.lock: the last number given */
	bool gives_numbers, is_scanned;		/* [R] dev.lock */
	char name_buf[16];
};

/* Enumerate, assign, add all devices.  @h lives on.  -ENOMEM. */
__must_check int pci_host_add(struct pci_host *h);
/* Look for devices that came since; how many were added. */
unsigned int pci_host_rescan(struct pci_host *h);
/* It was pulled out, or is to be forgotten: it and all behind it.  Thread context, no locks. */
void pci_remove(struct pci_device *p);

#endif
