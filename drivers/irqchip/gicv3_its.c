/* SPDX-License-Identifier: MIT */
/*
 * GICv3's interrupt translation service (IHI 0069, 5): a device writes an event number, the ITS
 * finds the device's table and in it the event's LPI and collection, and the collection's CPU gets
 * the LPI.
 *
 * T1 Nothing is set up before the first device asks for messages: tables for LPIs cost 64 KiB for
 *    each CPU.
 * T2 Tables that are given to the ITS or a redistributor are its own from then on; only the bytes
 *    of LPI configuration change, each followed by INV.
 * T3 Commands are written under its_lock and waited for with a bound; an ITS that does not keep up
 *    is given up, and devices fall back to their pins.
 * T4 A collection is a CPU: its number is the collection's.
 */
#include "gic.h"
#include <arch/cache.h>
#include <arch/upcalls.h>
#include <arch_impl/sysreg.h>
#include <drivers/mmio.h>
#include <drivers/msi.h>
#include <drivers/of.h>
#include <kernel/log.h>
#include <kernel/mutex.h>
#include <kernel/percpu.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

enum its_reg {
	GITS_CTLR = 0x00, GITS_TYPER = 0x08, GITS_CBASER = 0x80, GITS_CWRITER = 0x88,
	GITS_CREADR = 0x90, GITS_BASER = 0x100, GITS_TRANSLATER = 0x10040,
};
enum redist_lpi_reg { GICR_CTLR = 0x00, GICR_TYPER = 0x08, GICR_PROPBASER = 0x70,
		      GICR_PENDBASER = 0x78 };
enum its_command {
	ITS_MOVI = 0x01, ITS_SYNC = 0x05, ITS_MAPD = 0x08, ITS_MAPC = 0x09, ITS_MAPTI = 0x0a,
	ITS_INV = 0x0c, ITS_DISCARD = 0x0f,
};
enum its_table { TABLE_DEVICES = 1, TABLE_COLLECTIONS = 4 };

#define WINDOW			0x20000u
#define BASERS			8
#define VALID			(1UL << 63)
#define INDIRECT		(1UL << 62)
#define INNER_CACHED		(7UL << 59 | 1UL << 10)		/* BASER, CBASER */
#define RD_INNER_CACHED		(7UL << 7 | 1UL << 10)		/* PROPBASER, PENDBASER */
#define PTA			(1UL << 19)
#define PHYSICAL_LPIS		1u
#define ENABLE_LPIS		1u

#define LPI_FIRST		8192u
#define LPI_ID_BITS		14u	/* the least there is: 8192 of them */
#define LPI_MAX			1024u	/* what we hand out */
#define LPI_ON			(GIC_PRIORITY | 2 | 1)
#define LPI_OFF			(GIC_PRIORITY | 2)
#define ORDER_64K		4
#define QUEUE_BYTES		0x10000u
#define COMMAND_BYTES		32u
#define TRIES			1000000

struct its_device {
	struct list node;		/* [R] its.devices */
	uint32_t id;			/* [I] */
	unsigned int order;		/* [I] pages of itt */
	void *itt;			/* [I] T2 */
};

static struct its {
	struct msi_parent parent;
	struct irq_domain domain;
	char *regs;			/* [I] */
	paddr_t base;			/* [I] */
	uint64_t typer;			/* [I] */
	struct mutex lock;		/* class REGISTRY: setup, devices, which LPIs are taken */
	bool is_ready, is_dead;		/* [L] */
	struct list devices;		/* [L] */
	struct spinlock command_lock;	/* class IRQ_CHIP: the queue, vectors[] */
	char *queue;			/* [I] T2 */
	uint32_t write_offset;		/* [R] command_lock */
	uint64_t *device_table;		/* [I] first level, or the whole of it */
	uint64_t device_table_bytes;
	uint32_t device_entry;		/* [I] bytes of an entry */
	bool is_indirect;		/* [I] */
	uint8_t *config;		/* [A] T2: a byte for each LPI */
	struct msi_vector **vectors;	/* [R] command_lock: LPI_MAX, by number from LPI_FIRST */
	uint32_t *numbers;		/* [A] LPI_MAX: kernel number + 1 */
	uint64_t *targets;		/* [I] by CPU: how commands call its redistributor */
} its = {
	.domain.name = "its", .command_lock = SPINLOCK_INIT(IRQ_CHIP),
	.devices = LIST_INIT(its.devices),
};

static uint64_t read64(const char *base, uint32_t reg)
{
	return *(const volatile uint64_t *)(base + reg);
}

static void write64(char *base, uint32_t reg, uint64_t v)
{
	*(volatile uint64_t *)(base + reg) = v;
}

/* Append a command and SYNC of @cpu, and wait until the ITS has done both.  Lock held. */
static void put_command(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t *at = (uint64_t *)(its.queue + its.write_offset);

	at[0] = a;
	at[1] = b;
	at[2] = c;
	at[3] = 0;
	arch_dcache_clean(at, COMMAND_BYTES);
	its.write_offset = (its.write_offset + COMMAND_BYTES) % QUEUE_BYTES;
}

static void run_commands(void)
{
	dsb(sy);
	write64(its.regs, GITS_CWRITER, its.write_offset);
	for (unsigned int i = 0; i < TRIES; i++)
		if ((read64(its.regs, GITS_CREADR) & 0xfffe0) == its.write_offset)
			return;
	if (!its.is_dead)
		log_err("its: does not take commands");
	its.is_dead = true;		/* T3 */
}

static void command(uint64_t a, uint64_t b, uint64_t c, unsigned int cpu)
{
	unsigned long flags = spin_lock_irqsave(&its.command_lock);

	put_command(a, b, c);
	put_command(ITS_SYNC, 0, its.targets[cpu] & ~VALID);
	run_commands();
	spin_unlock_irqrestore(&its.command_lock, flags);
}

/* LPIs as a domain. */

static struct msi_vector *vector_find(uint32_t lpi)
{
	unsigned long flags = spin_lock_irqsave(&its.command_lock);
	struct msi_vector *v = its.vectors[lpi];

	spin_unlock_irqrestore(&its.command_lock, flags);
	return v;
}

static void configure(uint32_t lpi, uint8_t value)
{
	struct msi_vector *v = vector_find(lpi);

	__atomic_store_n(&its.config[lpi], value, __ATOMIC_RELAXED);
	arch_dcache_clean(&its.config[lpi], 1);
	if (v)
		command(ITS_INV | (uint64_t)v->device_id << 32, v->index, 0, v->cpu);
}

static void its_mask(struct irq_domain *d, uint32_t lpi)
{
	configure(lpi, LPI_OFF);
}

static void its_unmask(struct irq_domain *d, uint32_t lpi)
{
	configure(lpi, LPI_ON);
}

static int its_set_affinity(struct irq_domain *d, uint32_t lpi, unsigned int cpu)
{
	struct msi_vector *v = vector_find(lpi);
	uint32_t old = v ? v->cpu : 0;

	if (!v || !its.targets[cpu])
		return -EINVAL;
	if (old == cpu)
		return 0;
	v->cpu = cpu;
	command(ITS_MOVI | (uint64_t)v->device_id << 32, v->index, cpu, old);
	return 0;
}

static const struct irq_chip_ops its_chip_ops = {
	.mask = its_mask, .unmask = its_unmask, .set_affinity = its_set_affinity,
};

void its_upcall(uint32_t hwirq)
{
	uint32_t lpi = hwirq - LPI_FIRST;
	uint32_t number = its.is_ready && lpi < LPI_MAX ?
			  __atomic_load_n(&its.numbers[lpi], __ATOMIC_ACQUIRE) : 0;

	if (number)
		irq_upcall(number - 1);
}

/* Setting up: T1. */

/* Zeroed pages that are the hardware's from now on. */
static void *table_alloc(unsigned int order)
{
	void *p = page_alloc_virt(order, ALLOC_ZERO);

	if (p)
		arch_dcache_clean(p, PAGE_SIZE << order);
	return p;
}

static unsigned int order_for(uint64_t bytes)
{
	return ilog2(roundup_pow2((bytes + PAGE_SIZE - 1) / PAGE_SIZE));
}

/*
 * One of the ITS's own tables, with 4 KiB pages: flat, or for devices in two levels where the ITS
 * can, so that a sparse space of 2^16 numbers costs two pages.
 */
static int table_setup(uint32_t reg, uint64_t entries, bool may_be_indirect)
{
	uint64_t v = read64(its.regs, reg), entry = (v >> 48 & 31) + 1, bytes, pages;
	bool indirect = false;
	void *table;

	if (may_be_indirect) {
		write64(its.regs, reg, INDIRECT);
		indirect = read64(its.regs, reg) & INDIRECT;
	}
	bytes = indirect ? DIV_ROUND_UP(entries * entry, PAGE_SIZE) * 8 :
			   min(entries * entry, (uint64_t)(256 * KIB));
	pages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	table = table_alloc(order_for(pages * PAGE_SIZE));
	if (!table)
		return -ENOMEM;
	write64(its.regs, reg, VALID | (indirect ? INDIRECT : 0) | INNER_CACHED |
		virt_to_phys(table).v | (pages - 1));
	v = read64(its.regs, reg);
	if (!(v & VALID) || (v & 0x300))	/* it insists on larger pages */
		return -ENODEV;
	if (may_be_indirect) {
		its.device_table = table;
		its.device_table_bytes = pages * PAGE_SIZE;
		its.device_entry = (uint32_t)entry;
		its.is_indirect = indirect;
	}
	return 0;
}

static int tables_setup(void)
{
	for (uint32_t i = 0; i < BASERS; i++) {
		uint32_t reg = GITS_BASER + 8 * i;
		int err = 0;

		switch (read64(its.regs, reg) >> 56 & 7) {
		case TABLE_DEVICES:
			err = table_setup(reg, 1UL << ((its.typer >> 13 & 31) + 1), true);
			break;
		case TABLE_COLLECTIONS:
			err = table_setup(reg, nr_cpus, false);
			break;
		}
		if (err)
			return err;
	}
	return its.device_table ? 0 : -ENODEV;
}

/* LPIs on: configuration for all CPUs, pending bits for each. */
static int redistributor_setup(unsigned int cpu)
{
	paddr_t pa;
	char *r = gicv3_redistributor(cpu, &pa);
	void *pending;

	if (!r || !(gic_read(r, GICR_TYPER) & PHYSICAL_LPIS))
		return 0;			/* no target then */
	if (gic_read(r, GICR_CTLR) & ENABLE_LPIS)
		return -EBUSY;			/* firmware's tables: they cannot be changed */
	pending = table_alloc(ORDER_64K);
	if (!pending)
		return -ENOMEM;
	write64(r, GICR_PROPBASER, virt_to_phys(its.config).v | RD_INNER_CACHED |
		(LPI_ID_BITS - 1));
	write64(r, GICR_PENDBASER, virt_to_phys(pending).v | RD_INNER_CACHED | 1UL << 62);
	gic_write(r, GICR_CTLR, gic_read(r, GICR_CTLR) | ENABLE_LPIS);
	dsb(sy);
	/* Never 0 in what follows: bit 63 is the command's VALID. */
	its.targets[cpu] = VALID | (its.typer & PTA ? pa.v :
				    (uint64_t)(gic_read(r, GICR_TYPER) >> 8 & 0xffff) << 16);
	return 0;
}

static int allocate(void)
{
	unsigned int config_order = order_for((1u << LPI_ID_BITS) - LPI_FIRST);

	its.queue = table_alloc(ORDER_64K);
	its.config = page_alloc_virt(config_order, 0);
	its.vectors = kzalloc(LPI_MAX * sizeof(its.vectors[0]), ALLOC_NORMAL);
	its.numbers = kzalloc(LPI_MAX * sizeof(its.numbers[0]), ALLOC_NORMAL);
	its.targets = kzalloc(nr_cpus * sizeof(its.targets[0]), ALLOC_NORMAL);
	if (!its.queue || !its.config || !its.vectors || !its.numbers || !its.targets)
		return -ENOMEM;
	memset(its.config, LPI_OFF, PAGE_SIZE << config_order);
	arch_dcache_clean(its.config, PAGE_SIZE << config_order);
	return 0;
}

/* Once; what a failure leaves behind stays with the hardware that may know it already. */
static int its_setup(void)
{
	int err;

	its.regs = mmio_map(its.base, WINDOW, MEM_DEVICE);
	if (!its.regs)
		return -ENOMEM;
	its.typer = read64(its.regs, GITS_TYPER);
	if (!(its.typer & PHYSICAL_LPIS))
		return -ENODEV;
	write64(its.regs, GITS_CTLR, 0);
	err = allocate();
	err = err ? err : tables_setup();
	for (unsigned int cpu = 0; cpu < nr_cpus && !err; cpu++)
		err = redistributor_setup(cpu);
	if (err)
		return err;
	write64(its.regs, GITS_CBASER, VALID | INNER_CACHED | virt_to_phys(its.queue).v |
		(QUEUE_BYTES / 4096 - 1));
	write64(its.regs, GITS_CWRITER, 0);
	gic_write(its.regs, GITS_CTLR, 1);
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		if (its.targets[cpu])
			command(ITS_MAPC, 0, its.targets[cpu] | cpu, cpu);
	return its.is_dead || !its.targets[0] ? -ENODEV : 0;
}

static int setup_once(void)
{
	int err;

	if (its.is_dead)
		return -ENODEV;
	if (its.is_ready)
		return 0;
	err = its_setup();
	if (err)
		log_err("its: not usable, error %d; devices use their pins", err);
	its.is_dead = err;
	its.is_ready = !err;
	return err;
}

/* Devices. */

/* The second level's page for @id, or a place in the flat table. */
static int device_entry_ensure(uint32_t id)
{
	uint32_t per_page = (uint32_t)PAGE_SIZE / its.device_entry;
	uint64_t *first;
	void *page;

	if (id >> ((its.typer >> 13 & 31) + 1))
		return -ENOSPC;
	if (!its.is_indirect)
		return (id + 1ul) * its.device_entry <= its.device_table_bytes ? 0 : -ENOSPC;
	first = &its.device_table[id / per_page];
	if (*first & VALID)
		return 0;
	page = table_alloc(0);
	if (!page)
		return -ENOMEM;
	*first = VALID | virt_to_phys(page).v;
	arch_dcache_clean(first, sizeof(*first));
	dsb(sy);
	return 0;
}

static struct its_device *device_create(uint32_t id, unsigned int nr)
{
	uint64_t entry = (its.typer >> 4 & 15) + 1, events = max(roundup_pow2(nr), 2ul);
	struct its_device *d = kzalloc(sizeof(*d), ALLOC_NORMAL);

	if (!d)
		return NULL;
	d->id = id;
	d->order = order_for(events * entry);
	d->itt = table_alloc(d->order);
	if (!d->itt) {
		kfree(d);
		return NULL;
	}
	command(ITS_MAPD | (uint64_t)id << 32, ilog2(events) - 1,
		VALID | virt_to_phys(d->itt).v, 0);
	return d;
}

static int its_device_open(struct msi_parent *p, uint32_t id, unsigned int nr)
{
	struct its_device *d;
	int err;

	mutex_lock(&its.lock);
	err = setup_once();
	err = err ? err : device_entry_ensure(id);
	d = err ? NULL : device_create(id, nr);
	if (d)
		list_add(&d->node, &its.devices);
	else if (!err)
		err = -ENOMEM;
	mutex_unlock(&its.lock);
	return err;
}

static void its_device_close(struct msi_parent *p, uint32_t id)
{
	struct its_device *d, *found = NULL;

	mutex_lock(&its.lock);
	list_for_each_entry(d, &its.devices, node)
		if (d->id == id)
			found = d;
	if (found) {
		list_del(&found->node);
		command(ITS_MAPD | (uint64_t)id << 32, 0, 0, 0);
	}
	mutex_unlock(&its.lock);
	/* An ITS that does not answer may still read the table: it keeps it. */
	if (found && !its.is_dead)
		page_free_virt(found->itt, found->order);
	kfree(found);
}

/* A free LPI, now @v's; -ENOSPC. */
static int lpi_take(struct msi_vector *v)
{
	unsigned long flags = spin_lock_irqsave(&its.command_lock);
	uint32_t lpi = 0;

	while (lpi < LPI_MAX && its.vectors[lpi])
		lpi++;
	if (lpi < LPI_MAX)
		its.vectors[lpi] = v;
	spin_unlock_irqrestore(&its.command_lock, flags);
	v->hwirq = lpi;
	return lpi < LPI_MAX ? 0 : -ENOSPC;
}

static void its_free(struct msi_parent *p, struct msi_vector *v)
{
	unsigned long flags;

	command(ITS_DISCARD | (uint64_t)v->device_id << 32, v->index, 0, v->cpu);
	__atomic_store_n(&its.numbers[v->hwirq], 0, __ATOMIC_RELAXED);
	flags = spin_lock_irqsave(&its.command_lock);
	its.vectors[v->hwirq] = NULL;
	spin_unlock_irqrestore(&its.command_lock, flags);
}

static int its_alloc(struct msi_parent *p, struct msi_vector *v)
{
	struct msi_message m = { its.base.v + GITS_TRANSLATER, v->index };
	int err = lpi_take(v), irq;

	if (err)
		return err;
	v->cpu = 0;
	irq = irq_map(&its.domain, v->hwirq, IRQ_EDGE_RISING);
	if (irq < 0) {
		its.vectors[v->hwirq] = NULL;
		return irq;
	}
	v->irq = (unsigned int)irq;
	__atomic_store_n(&its.numbers[v->hwirq], v->irq + 1, __ATOMIC_RELEASE);
	command(ITS_MAPTI | (uint64_t)v->device_id << 32,
		v->index | (uint64_t)(v->hwirq + LPI_FIRST) << 32, v->cpu, v->cpu);
	v->write(v, &m);
	if (v->unmask)
		v->unmask(v);		/* from here on the LPI's configuration does it */
	return its.is_dead ? -ENODEV : 0;
}

/* Only the first ITS is used: machines with several have one for each chip of many. */
void gicv3_its_init(int gic_node)
{
	uint32_t phandle;
	uint64_t size;
	int n = of_first_child(gic_node);

	while (n >= 0 && !(of_is_compatible(n, "arm,gic-v3-its") && of_is_available(n)))
		n = of_next_sibling(n);
	if (n < 0 || of_reg(n, 0, &its.base, &size) || size < WINDOW ||
	    !of_u32(n, "phandle", &phandle))
		return;
	mutex_init(&its.lock, REGISTRY);
	its.domain.ops = &its_chip_ops;
	its.domain.fwnode = ~0ULL;
	irq_domain_register(&its.domain);
	its.parent = (struct msi_parent){
		.name = "its", .fwnode = phandle, .device_open = its_device_open,
		.device_close = its_device_close, .alloc = its_alloc, .free = its_free,
	};
	msi_parent_register(&its.parent);
}
