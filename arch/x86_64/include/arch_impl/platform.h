/* SPDX-License-Identifier: MIT */
/*
 * What the port's files and the x86 drivers (I/O APIC, HPET, PM timer) share.
 */
#ifndef ARCH_IMPL_PLATFORM_H
#define ARCH_IMPL_PLATFORM_H

#include <lib/compiler.h>
#include <lib/types.h>

/*
 * Map device registers for good, before vmalloc works.  Never fails: panics when its window is
 * full.
 */
void *x86_map_device(paddr_t pa, uint64_t size);

void x86_power_init(void);

/* Local APIC. */
void apic_boot_init(void);		/* find it; after the MMU is up */
void apic_cpu_init(void);
void apic_eoi(void);
uint32_t apic_id(void);
void apic_send(uint32_t apic_id, uint8_t vector);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);
void apic_timer_start(uint32_t ticks);
void apic_timer_setup(void);		/* this CPU's LVT entry, as x86_timer_is_deadline says */
uint32_t apic_timer_count(void);
uint32_t x86_apic_id_of(unsigned int cpu);

/*
 * Device vectors.  An interrupt line or message of @domain/@hwirq is aimed at one vector
 * of one CPU; -ENOSPC when that CPU has none left.
 */
struct irq_domain;
__must_check int vector_alloc(unsigned int cpu, struct irq_domain *domain, uint32_t hwirq);
void vector_free(unsigned int cpu, unsigned int vector);

/* The message that a device writes to raise @vector on @cpu (Intel SDM vol. 3, 11.11). */
__must_check int msi_compose(unsigned int cpu, unsigned int vector, uint64_t *address,
			     uint32_t *data);

/* Time. */
void x86_timer_upcall(void);
void x86_tlb_ipi(void);
extern uint64_t x86_apic_timer_hz;
uint64_t x86_tsc_hz(void);
/*
 * Timers are set as values of the TSC.  False until its frequency is known: measuring takes the
 * countdown.
 */
extern bool x86_timer_is_deadline;

/* Below 1 MiB, for the start of other CPUs; 0: no room was found. */
#define TRAMPOLINE_PAGES	4
extern paddr_t x86_trampoline;

#endif
