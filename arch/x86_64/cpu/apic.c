/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: by its registers in memory, or by MSRs where the CPU has x2APIC.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <arch_impl/vectors.h>
#include <drivers/acpi.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>

enum apic_reg {				/* Intel SDM vol. 3, 11.4 */
	APIC_ID			= 0x020,
	APIC_TASK_PRIORITY	= 0x080,
	APIC_EOI		= 0x0b0,
	APIC_LOGICAL_DEST	= 0x0d0,
	APIC_DEST_FORMAT	= 0x0e0,
	APIC_SPURIOUS		= 0x0f0,
	APIC_ERROR_STATUS	= 0x280,
	APIC_COMMAND		= 0x300,
	APIC_COMMAND_HIGH	= 0x310,
	APIC_LVT_TIMER		= 0x320,
	APIC_LVT_LINT0		= 0x350,
	APIC_LVT_LINT1		= 0x360,
	APIC_LVT_ERROR		= 0x370,
	APIC_TIMER_INITIAL	= 0x380,
	APIC_TIMER_CURRENT	= 0x390,
	APIC_TIMER_DIVIDE	= 0x3e0,
};

#define APIC_BASE_ENABLE	(1UL << 11)
#define APIC_BASE_X2APIC	(1UL << 10)
#define APIC_SOFTWARE_ENABLE	0x100u
#define LVT_MASKED		(1u << 16)
#define LVT_NMI			(4u << 8)
#define LVT_DEADLINE		(2u << 17)
#define TIMER_DIVIDE_BY_1	0xbu
#define COMMAND_PENDING		(1u << 12)
#define COMMAND_ASSERT		(1u << 14)
#define COMMAND_LEVEL		(1u << 15)
#define COMMAND_INIT		(5u << 8)
#define COMMAND_STARTUP		(6u << 8)

static volatile uint32_t *apic_mmio;	/* NULL: x2APIC */
static bool use_x2apic;

static uint32_t apic_read(enum apic_reg reg)
{
	if (use_x2apic)
		return (uint32_t)rdmsr(MSR_X2APIC + reg / 16);
	return apic_mmio[reg / 4];
}

static void apic_write(enum apic_reg reg, uint32_t v)
{
	if (use_x2apic)
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		apic_mmio[reg / 4] = v;
}

void apic_boot_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	use_x2apic = x86_features.x2apic;
	if (!use_x2apic)
		apic_mmio = x86_map_device(PADDR(base & 0x000ffffffffff000UL), 4096);
}

void apic_cpu_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);
	if (use_x2apic)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
	apic_write(APIC_TASK_PRIORITY, 0);
	if (!use_x2apic) {
		apic_write(APIC_DEST_FORMAT, 0xffffffff);
		apic_write(APIC_LOGICAL_DEST, 0);
	}
	/* The 8259s are masked and no one listens to them: LINT0 stays shut. */
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_NMI);
	apic_write(APIC_LVT_ERROR, VECTOR_ERROR);
	apic_write(APIC_SPURIOUS, APIC_SOFTWARE_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_ERROR_STATUS, 0);
	apic_timer_setup();
}

uint32_t apic_id(void)
{
	uint32_t id = apic_read(APIC_ID);

	return use_x2apic ? id : id >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

/* Two registers make one command: no interrupt in between. */
static void apic_command(uint32_t target, uint32_t command)
{
	unsigned long flags;

	if (use_x2apic) {
		/* An MSR write does not order earlier stores: the receiver must see them. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC + APIC_COMMAND / 16, (uint64_t)target << 32 | command);
		return;
	}
	flags = arch_irq_save();
	for (int i = 0; i < 100000 && apic_read(APIC_COMMAND) & COMMAND_PENDING; i++)
		arch_cpu_relax();
	apic_write(APIC_COMMAND_HIGH, target << 24);
	apic_write(APIC_COMMAND, command);
	arch_irq_restore(flags);
}

void apic_send(uint32_t target, uint8_t vector)
{
	apic_command(target, COMMAND_ASSERT | vector);
}

void apic_send_init(uint32_t target)
{
	apic_command(target, COMMAND_INIT | COMMAND_ASSERT | COMMAND_LEVEL);
	apic_command(target, COMMAND_INIT | COMMAND_LEVEL);
}

void apic_send_startup(uint32_t target, uint8_t page)
{
	apic_command(target, COMMAND_STARTUP | COMMAND_ASSERT | page);
}

void apic_timer_setup(void)
{
	apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VECTOR_TIMER | (x86_timer_is_deadline ? LVT_DEADLINE : 0));
	/* SDM 11.5.4.1: the deadline MSR may be written only after the LVT took effect. */
	__asm__ volatile("mfence" ::: "memory");
}

void apic_timer_start(uint32_t ticks)
{
	apic_write(APIC_TIMER_INITIAL, ticks);
}

uint32_t apic_timer_count(void)
{
	return apic_read(APIC_TIMER_CURRENT);
}
