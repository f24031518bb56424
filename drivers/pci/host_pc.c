/* SPDX-License-Identifier: MIT */
/*
 * The host of a PC: ECAM where ACPI's MCFG has it and it answers, else the two ports of 1992.
 *
 * There is no AML interpreter, so two things are known by other means:
 *
 * Windows.  The hole between the top of low RAM and the I/O APIC, and everything above high RAM;
 * without the fixed devices there, of which ECAM is the only large one.
 *
 * Pins.  A chipset routes INTA..D of bus 0 by its own registers: ICH9 (Q35) to GSI 16-23 by slot
 * and, from slot 25 on, by DxxIR in its root complex registers; PIIX3 (440FX) to ISA lines by
 * PIRQRC[A:D], which we fill in if firmware did not.  Elsewhere the line that firmware noted in the
 * device is used.  All of this matters only for devices without MSI.
 */
#include <arch/boot.h>
#include <arch/io.h>
#include <drivers/acpi.h>
#include <drivers/ioapic.h>
#include <kernel/init.h>
#include <kernel/spinlock.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include "internal.h"

#define PORT_ADDRESS		0xcf8
#define PORT_DATA		0xcfc
#define ADDRESS_ENABLE		0x80000000u
#define IOAPIC_BASE		0xfec00000u
#define LOWEST_WINDOW		0x80000000u

#define ID_440FX		0x12378086u
#define ID_PIIX3		0x70008086u
#define ID_Q35			0x29c08086u
#define ICH9_RCBA		0xf0
#define PIIX3_PIRQ		0x60
#define PIRQ_DISABLED		0x80u
#define ELCR			0x4d0

struct pc_host {
	struct pci_host host;
	struct pci_ecam ecam;
	struct pci_window windows[3];
	char *rcba;			/* [R] host lock: ICH9's registers, mapped on demand */
};

static struct spinlock port_lock = SPINLOCK_INIT(IRQ_CHIP);

static void select_register(uint8_t bus, uint8_t devfn, uint32_t offset)
{
	arch_port_write32(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)bus << 16 |
			  (uint32_t)devfn << 8 | (offset & 0xfc));
}

static uint32_t port_read(struct pci_host *h, uint8_t bus, uint8_t devfn, uint32_t offset,
			  unsigned int size)
{
	unsigned long flags = spin_lock_irqsave(&port_lock);
	uint32_t v;

	select_register(bus, devfn, offset);
	v = arch_port_read32(PORT_DATA) >> 8 * (offset & 3);
	spin_unlock_irqrestore(&port_lock, flags);
	return size == 4 ? v : v & ((1u << 8 * size) - 1);
}

static void port_write(struct pci_host *h, uint8_t bus, uint8_t devfn, uint32_t offset,
		       unsigned int size, uint32_t v)
{
	uint16_t port = (uint16_t)(PORT_DATA + (offset & 3));
	unsigned long flags = spin_lock_irqsave(&port_lock);

	select_register(bus, devfn, offset);
	if (size == 1)
		arch_port_write8(port, (uint8_t)v);
	else if (size == 2)
		arch_port_write16(port, (uint16_t)v);
	else
		arch_port_write32(port, v);
	spin_unlock_irqrestore(&port_lock, flags);
}

static const struct pci_config_ops port_ops = {
	.read = port_read, .write = port_write, .size = 256,
};

/* Registers of bus 0, also before there are devices. */
static uint32_t root_read(struct pci_host *h, uint8_t slot, uint32_t offset)
{
	return h->ops->read(h, 0, PCI_DEVFN(slot, 0), offset, 4);
}

/* PIRQ A..H of ICH9 for @pin (from 0) of @slot: 3.1.1's default in slots that have no register. */
static unsigned int ich9_pirq(struct pc_host *pc, unsigned int slot, unsigned int pin)
{
	static const uint16_t registers[7] = {	/* D25IR to D31IR; D30 has none */
		0x3150, 0x314c, 0x3148, 0x3146, 0x3144, 0, 0x3140,
	};
	uint32_t rcba = root_read(&pc->host, 31, ICH9_RCBA);
	struct mmio m;

	if (slot < 25 || !registers[slot - 25])
		return (slot < 25 ? slot + pin : pin) % 4 + 4;
	if (!(rcba & 1))
		return pin;
	if (!pc->rcba)
		pc->rcba = mmio_map(PADDR(rcba & ~0x3fffu), 0x4000, MEM_DEVICE);
	if (!pc->rcba)
		return pin;
	m = (struct mmio){ .base = pc->rcba, .size = 0x4000 };
	return mmio_read16(&m, registers[slot - 25]) >> 4 * pin & 7;
}

static int piix3_line(struct pci_host *h, unsigned int slot, unsigned int pin)
{
	uint32_t pirq = (slot - 1 + pin) & 3;
	uint8_t line = (uint8_t)h->ops->read(h, 0, PCI_DEVFN(1, 0), PIIX3_PIRQ + pirq, 1);

	if (line & PIRQ_DISABLED) {
		line = pirq & 1 ? 11 : 10;
		h->ops->write(h, 0, PCI_DEVFN(1, 0), PIIX3_PIRQ + pirq, 1, line);
		arch_port_write8(ELCR + 1, arch_port_read8(ELCR + 1) | (uint8_t)(1u << (line - 8)));
	}
	return line < 16 ? line : -ENOENT;
}

static int pc_map_intx(struct pci_host *h, struct pci_device *p, uint8_t devfn, uint8_t pin)
{
	struct pc_host *pc = container_of(h, struct pc_host, host);
	int line;

	if (root_read(h, 0, PCI_VENDOR) == ID_Q35)
		return ioapic_map_gsi(16 + ich9_pirq(pc, PCI_SLOT(devfn), pin - 1u),
				      IRQ_LEVEL_LOW);
	if (root_read(h, 0, PCI_VENDOR) == ID_440FX && root_read(h, 1, PCI_VENDOR) == ID_PIIX3)
		line = piix3_line(h, PCI_SLOT(devfn), pin - 1u);
	else
		line = pci_read8(p, PCI_INTERRUPT_LINE);
	return line >= 0 && line < 16 ? ioapic_map_isa((unsigned int)line) : -ENOENT;
}

static struct msi_parent *pc_find_msi(struct pci_host *h, uint16_t requester, uint32_t *device_id)
{
	*device_id = requester;
	return msi_parent_find(0);
}

/* The ends of RAM below and above 4 GiB. */
static void find_ram_ends(uint64_t *low, uint64_t *high)
{
	*low = LOWEST_WINDOW;
	*high = 4 * GIB;
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *m = &boot_info.memory[i];
		uint64_t end = m->base.v + m->size;

		if (m->kind == BOOT_MEMORY_RESERVED)
			continue;
		if (end <= IOAPIC_BASE)
			*low = max(*low, end);
		else if (m->base.v >= 4 * GIB)
			*high = max(*high, end);
	}
}

/* What ECAM takes of the low hole comes off its lower or its upper end. */
static void set_windows(struct pc_host *pc)
{
	uint64_t low, high, top = IOAPIC_BASE;

	find_ram_ends(&low, &high);
	low = align_up(low, 0x100000);
	if (pc->ecam.size && pc->ecam.base.v < top && pc->ecam.base.v + pc->ecam.size > low) {
		if (pc->ecam.base.v - low > top - (pc->ecam.base.v + pc->ecam.size))
			top = pc->ecam.base.v;
		else
			low = pc->ecam.base.v + pc->ecam.size;
	}
	high = align_up(high, GIB);
	pc->windows[0] = (struct pci_window){
		.flags = PCI_RES_IO, .is_port = true, .size = 0x10000,
	};
	pc->windows[1] = (struct pci_window){
		.flags = PCI_RES_MEM, .bus_base = low, .cpu_base = low, .size = top - low,
	};
	pc->windows[2] = (struct pci_window){
		.flags = PCI_RES_MEM | PCI_RES_64, .bus_base = high, .cpu_base = high,
		.size = (1ull << 40) - high,
	};
	pc->host.windows = pc->windows;
	pc->host.nr_windows = 3;
}

static bool has_ports(void)
{
	arch_port_write32(PORT_ADDRESS, ADDRESS_ENABLE);
	return arch_port_read32(PORT_ADDRESS) == ADDRESS_ENABLE &&
	       port_read(NULL, 0, 0, PCI_VENDOR, 4) != ~0u;
}

/* Nobody may have switched on what the table promises: then bus 0 looks empty there. */
static bool try_ecam(struct pc_host *pc, unsigned int nth)
{
	struct acpi_ecam a;

	if (acpi_mcfg(nth, &a))
		return false;
	pc->ecam.base = a.base;
	pc->ecam.size = ((uint64_t)a.last_bus + 1) * MIB;
	pc->host.segment = a.segment;
	pc->host.first_bus = a.first_bus;
	pc->host.last_bus = a.last_bus;
	pc->host.ops = &pci_ecam_ops;
	pc->host.priv = &pc->ecam;
	if (pci_ecam_ops.open_bus(&pc->host, a.first_bus))
		return false;
	return nth || pci_ecam_ops.read(&pc->host, a.first_bus, 0, PCI_VENDOR, 4) != ~0u;
}

static int add_host(struct pc_host *pc)
{
	int err;

	pc->host.map_intx = pc_map_intx;
	pc->host.find_msi = pc_find_msi;
	set_windows(pc);
	err = pci_host_add(&pc->host);
	if (err)
		log_err("pci: host %04x: error %d", pc->host.segment, err);
	return err;
}

/* One host for each segment of the MCFG, or one behind the ports. */
static int __init pci_pc_init(void)
{
	struct pc_host *pc;
	int err = 0;

	for (unsigned int nth = 0; !err; nth++) {
		pc = kzalloc(sizeof(*pc), ALLOC_NORMAL);
		if (!pc)
			return -ENOMEM;
		if (!try_ecam(pc, nth)) {
			if (!nth && has_ports())
				break;
			kfree(pc);
			return 0;
		}
		err = add_host(pc);
	}
	if (err)
		return err;
	*pc = (struct pc_host){ .host = { .ops = &port_ops, .last_bus = 255 } };
	return add_host(pc);
}
INITCALL(INIT_DRIVER, pci_pc_init);
