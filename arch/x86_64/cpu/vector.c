/* SPDX-License-Identifier: MIT */
/*
 * Interrupt vectors: who sits on which, and what happens when one comes.
 *
 * Each CPU has its own table, so a line or message takes one vector of the CPU it is aimed at only,
 * and many devices on many CPUs do not run out of the 192 that one CPU has.  A slot is written
 * under vector_lock and read by its own CPU's interrupts without it.
 */
#include <arch/regs.h>
#include <arch/upcalls.h>
#include <arch_impl/platform.h>
#include <arch_impl/vectors.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <lib/err.h>

#define NR_DEVICE_VECTORS (VECTOR_DEVICE_END - VECTOR_DEVICE_FIRST)

struct vector_slot {
	struct irq_domain *domain;	/* [R] vector_lock, own CPU reads; NULL: free */
	uint32_t hwirq;			/* [R] the same */
	uint32_t irq_plus_1;		/* [P] found at the first interrupt; 0: not yet */
};

static struct spinlock vector_lock = SPINLOCK_INIT(IRQ_CHIP);
static DEFINE_PERCPU(struct vector_slot[NR_DEVICE_VECTORS], vector_slots);

void x86_interrupt(struct regs *regs);

int vector_alloc(unsigned int cpu, struct irq_domain *domain, uint32_t hwirq)
{
	struct vector_slot *slots = per_cpu_ptr(&vector_slots[0], cpu);
	unsigned long flags = spin_lock_irqsave(&vector_lock);
	int result = -ENOSPC;

	for (unsigned int i = 0; i < NR_DEVICE_VECTORS; i++) {
		if (slots[i].domain)
			continue;
		slots[i].hwirq = hwirq;
		slots[i].irq_plus_1 = 0;
		/* Release: pairs with the acquire in device_interrupt(). */
		__atomic_store_n(&slots[i].domain, domain, __ATOMIC_RELEASE);
		result = (int)(VECTOR_DEVICE_FIRST + i);
		break;
	}
	spin_unlock_irqrestore(&vector_lock, flags);
	return result;
}

void vector_free(unsigned int cpu, unsigned int vector)
{
	struct vector_slot *slots = per_cpu_ptr(&vector_slots[0], cpu);
	unsigned long flags = spin_lock_irqsave(&vector_lock);

	slots[vector - VECTOR_DEVICE_FIRST].domain = NULL;
	spin_unlock_irqrestore(&vector_lock, flags);
}

/* Without interrupt remapping the message has eight bits for the destination. */
int msi_compose(unsigned int cpu, unsigned int vector, uint64_t *address, uint32_t *data)
{
	uint32_t target = x86_apic_id_of(cpu);

	if (target > 0xfe)
		return -EINVAL;
	*address = 0xfee00000 | target << 12;
	*data = vector;
	return 0;
}

static void device_interrupt(unsigned int vector)
{
	struct vector_slot *slot = this_cpu_ptr(&vector_slots[vector - VECTOR_DEVICE_FIRST]);
	struct irq_domain *domain = __atomic_load_n(&slot->domain, __ATOMIC_ACQUIRE);

	if (domain && !slot->irq_plus_1)
		slot->irq_plus_1 = (uint32_t)(irq_find(domain, slot->hwirq) + 1);
	if (domain && slot->irq_plus_1)
		irq_upcall(slot->irq_plus_1 - 1);
	/* One that was on its way while its vector was freed is dropped here. */
	apic_eoi();
}

/* All vectors but exceptions, from entry.S. */
void x86_interrupt(struct regs *regs)
{
	unsigned int vector = (unsigned int)(regs->orig_ax + 128);

	regs->orig_ax = (uint64_t)-1;
	irq_enter(regs);
	if (vector >= VECTOR_DEVICE_FIRST && vector < VECTOR_DEVICE_END) {
		device_interrupt(vector);
	} else if (vector == VECTOR_TIMER) {
		apic_eoi();
		x86_timer_upcall();
	} else if (vector >= VECTOR_IPI_FIRST && vector < VECTOR_IPI_FIRST + IPI_NR) {
		apic_eoi();
		ipi_upcall((enum ipi)(vector - VECTOR_IPI_FIRST));
	} else if (vector == VECTOR_TLB) {
		apic_eoi();
		x86_tlb_ipi();
	} else if (vector != VECTOR_SPURIOUS) {	/* a spurious one has no end */
		apic_eoi();
		log_warn("x86: unexpected interrupt vector %u", vector);
	}
	irq_exit(regs);
}
