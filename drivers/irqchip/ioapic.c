/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: interrupt lines to vectors (Intel 82093AA).
 *
 * The MADT says where they are, which global system interrupts (GSI) they start with, and where ISA
 * lines lead that are not wired one to one.  Each line gets a vector on one CPU when it is mapped;
 * moving it takes a new vector there, rewrites the entry, and frees the old one.
 */
#include <arch_impl/platform.h>
#include <arch_impl/msr.h>
#include <arch_impl/vectors.h>
#include <drivers/acpi.h>
#include <drivers/ioapic.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/spinlock.h>
#include <lib/err.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

enum ioapic_reg { IOAPIC_VERSION = 0x01, IOAPIC_TABLE = 0x10 };

#define ENTRY_MASKED	(1u << 16)
#define ENTRY_LEVEL	(1u << 15)
#define ENTRY_REMOTE_IRR (1u << 14)	/* delivered, and no EOI seen yet */
#define ENTRY_LOW	(1u << 13)
#define ISA_LINES	16

struct line {
	uint32_t low;			/* [L] entry's lower half as it should be */
	uint32_t cpu;			/* [L] */
	uint32_t vector;		/* [L] 0: not mapped yet */
};

struct ioapic {
	struct irq_domain domain;
	struct spinlock lock;		/* class IRQ_CHIP: the index register, lines */
	volatile uint32_t *regs;	/* [I] */
	uint32_t gsi_base, nr_lines;	/* [I] */
	struct ioapic *next;		/* [I] once booted */
	struct line lines[];
};

static struct ioapic *ioapics;

/* Where an ISA line leads: identity, edge and high unless the MADT says otherwise. */
static struct isa_route {
	uint32_t gsi;
	enum irq_trigger trigger;
} isa_routes[ISA_LINES];

static void ioapic_write(struct ioapic *io, uint32_t reg, uint32_t v)
{
	io->regs[0] = reg;
	io->regs[4] = v;
}

static uint32_t ioapic_read(struct ioapic *io, uint32_t reg)
{
	io->regs[0] = reg;
	return io->regs[4];
}

/*
 * The half with the mask bit goes last when opening, and is closed first by the caller.
 *
 * A level line that was delivered waits for an EOI with the vector that it had (Remote IRR); with
 * another one in the entry that EOI would find nobody, and the line would be dead.  Edge mode
 * clears the bit; a line that is still raised is then delivered anew, to the new place, and its
 * handler there finds at worst that the first one has done the work.
 */
static void write_entry(struct ioapic *io, uint32_t n)
{
	uint32_t apic = x86_apic_id_of(io->lines[n].cpu), closed = io->lines[n].low | ENTRY_MASKED;

	ioapic_write(io, IOAPIC_TABLE + 2 * n, closed);
	if (ioapic_read(io, IOAPIC_TABLE + 2 * n) & ENTRY_REMOTE_IRR)
		ioapic_write(io, IOAPIC_TABLE + 2 * n, closed & ~ENTRY_LEVEL);
	ioapic_write(io, IOAPIC_TABLE + 2 * n + 1, apic << 24);
	ioapic_write(io, IOAPIC_TABLE + 2 * n, io->lines[n].low);
}

static int ioapic_set_trigger(struct irq_domain *d, uint32_t n, enum irq_trigger trigger)
{
	struct ioapic *io = d->priv;
	unsigned long flags;
	int vector;

	if (n >= io->nr_lines)
		return -ENXIO;
	vector = vector_alloc(0, d, n);
	if (vector < 0)
		return vector;
	flags = spin_lock_irqsave(&io->lock);
	io->lines[n] = (struct line){ .vector = (uint32_t)vector, .low = (uint32_t)vector |
				      ENTRY_MASKED };
	if (trigger == IRQ_LEVEL_HIGH || trigger == IRQ_LEVEL_LOW)
		io->lines[n].low |= ENTRY_LEVEL;
	if (trigger == IRQ_LEVEL_LOW || trigger == IRQ_EDGE_FALLING)
		io->lines[n].low |= ENTRY_LOW;
	write_entry(io, n);
	spin_unlock_irqrestore(&io->lock, flags);
	return 0;
}

static void ioapic_mask(struct irq_domain *d, uint32_t n)
{
	struct ioapic *io = d->priv;
	unsigned long flags = spin_lock_irqsave(&io->lock);

	io->lines[n].low |= ENTRY_MASKED;
	ioapic_write(io, IOAPIC_TABLE + 2 * n, io->lines[n].low);
	spin_unlock_irqrestore(&io->lock, flags);
}

static void ioapic_unmask(struct irq_domain *d, uint32_t n)
{
	struct ioapic *io = d->priv;
	unsigned long flags = spin_lock_irqsave(&io->lock);

	io->lines[n].low &= ~ENTRY_MASKED;
	ioapic_write(io, IOAPIC_TABLE + 2 * n, io->lines[n].low);
	spin_unlock_irqrestore(&io->lock, flags);
}

/*
 * An interrupt already sent to the old vector finds its slot empty and is dropped; a level line
 * raises it again.
 */
static int ioapic_set_affinity(struct irq_domain *d, uint32_t n, unsigned int cpu)
{
	struct ioapic *io = d->priv;
	uint32_t old_cpu, old_vector;
	unsigned long flags;
	int vector;

	/* Without interrupt remapping a destination has eight bits. */
	if (x86_apic_id_of(cpu) > 0xfe)
		return -EINVAL;
	vector = vector_alloc(cpu, d, n);
	if (vector < 0)
		return vector;
	flags = spin_lock_irqsave(&io->lock);
	old_cpu = io->lines[n].cpu;
	old_vector = io->lines[n].vector;
	io->lines[n].cpu = cpu;
	io->lines[n].vector = (uint32_t)vector;
	io->lines[n].low = (io->lines[n].low & ~0xffu) | (uint32_t)vector;
	write_entry(io, n);
	spin_unlock_irqrestore(&io->lock, flags);
	vector_free(old_cpu, old_vector);
	return 0;
}

static const struct irq_chip_ops ioapic_ops = {
	.set_trigger	= ioapic_set_trigger,
	.mask		= ioapic_mask,
	.unmask		= ioapic_unmask,
	.set_affinity	= ioapic_set_affinity,
};

int ioapic_map_gsi(uint32_t gsi, enum irq_trigger trigger)
{
	for (struct ioapic *io = ioapics; io; io = io->next)
		if (gsi >= io->gsi_base && gsi - io->gsi_base < io->nr_lines)
			return irq_map(&io->domain, gsi - io->gsi_base, trigger);
	return -ENXIO;
}

int ioapic_map_isa(unsigned int line)
{
	if (line >= ISA_LINES)
		return -ENXIO;
	return ioapic_map_gsi(isa_routes[line].gsi, isa_routes[line].trigger);
}

static int ioapic_add(uint64_t address, uint32_t gsi_base)
{
	volatile uint32_t *regs = mmio_map(PADDR(address), 0x20, MEM_DEVICE);
	struct ioapic *io;
	uint32_t nr;

	if (!regs)
		return -ENOMEM;
	regs[0] = IOAPIC_VERSION;
	nr = (regs[4] >> 16 & 0xff) + 1;
	io = kzalloc(sizeof(*io) + nr * sizeof(io->lines[0]), ALLOC_NORMAL);
	if (!io) {
		mmio_unmap((void *)regs);
		return -ENOMEM;
	}
	io->domain = (struct irq_domain){
		.name = "ioapic", .ops = &ioapic_ops, .priv = io, .fwnode = gsi_base,
	};
	spinlock_init(&io->lock, IRQ_CHIP);
	io->regs = regs;
	io->gsi_base = gsi_base;
	io->nr_lines = nr;
	for (uint32_t n = 0; n < nr; n++)
		ioapic_write(io, IOAPIC_TABLE + 2 * n, ENTRY_MASKED);
	io->next = ioapics;
	ioapics = io;
	irq_domain_register(&io->domain);
	return 0;
}

/*
 * Polarity and trigger bits of an override (ACPI 6.4, 5.2.12.5); "as the bus says" means ISA's
 * edge, high.
 */
static enum irq_trigger override_trigger(uint16_t flags)
{
	bool low = (flags & 3) == 3, level = (flags >> 2 & 3) == 3;

	if (level)
		return low ? IRQ_LEVEL_LOW : IRQ_LEVEL_HIGH;
	return low ? IRQ_EDGE_FALLING : IRQ_EDGE_RISING;
}

/* The 8259s would answer on vectors of their own: all lines off. */
static void silence_legacy_pic(void)
{
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

static int ioapic_init(void)
{
	struct acpi_madt_entry e;
	uint32_t cursor = 0;
	int err = 0;

	silence_legacy_pic();
	for (unsigned int i = 0; i < ISA_LINES; i++)
		isa_routes[i] = (struct isa_route){ i, IRQ_EDGE_RISING };
	while (!err && acpi_madt_next(&cursor, &e)) {
		if (e.type == ACPI_MADT_IO_APIC)
			err = ioapic_add(e.io_apic.address, e.io_apic.gsi_base);
		else if (e.type == ACPI_MADT_OVERRIDE && e.override.source < ISA_LINES)
			isa_routes[e.override.source] = (struct isa_route){
				e.override.gsi, override_trigger(e.override.flags),
			};
	}
	if (!ioapics)
		log_err("ioapic: the firmware describes none; devices have no interrupts");
	return err;
}
INITCALL(INIT_CORE, ioapic_init);
