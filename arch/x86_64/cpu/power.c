/* SPDX-License-Identifier: MIT */
/*
 * Power off, reset, and the way to tell an emulator how it went.
 *
 * ACPI's registers come from the FADT; the sleep type for S5 stands in the DSDT as a constant
 * package, which is found by its name without an interpreter.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch_impl/boot.h>
#include <arch_impl/descriptors.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <arch_impl/power.h>
#include <drivers/acpi.h>
#include <lib/string.h>

#define SLEEP_ENABLE		(1u << 13)	/* PM1 control */
#define SLEEP_TYPE_SHIFT	10
#define SLEEP_ENABLE_REDUCED	(1u << 5)	/* sleep control register */
#define DEBUG_EXIT_PORT		0xf4

static struct acpi_power power;
static bool have_power;
static void *reset_mmio, *sleep_mmio;

static void *map_register(const struct acpi_register *r)
{
	return r->space == ACPI_SPACE_MEMORY ? x86_map_device(PADDR(r->address), 1) : NULL;
}

/* While mapping is possible: the registers are used from a dying machine. */
void x86_power_init(void)
{
	have_power = acpi_power_info(&power) == 0;
	if (!have_power)
		return;
	reset_mmio = map_register(&power.reset);
	sleep_mmio = map_register(&power.sleep_control);
}

static void write_register(const struct acpi_register *r, void *mmio, uint8_t v)
{
	if (mmio)
		*(volatile uint8_t *)mmio = v;
	else if (r->space == ACPI_SPACE_IO && r->address && r->address < 0x10000)
		outb((uint16_t)r->address, v);
}

static void delay_loop(void)
{
	for (int i = 0; i < 100000; i++)
		arch_cpu_relax();
}

__noreturn void arch_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" ::: "memory");
}

__noreturn void arch_power_off(void)
{
	if (have_power) {
		write_register(&power.sleep_control, sleep_mmio,
			       (uint8_t)(power.s5_type_a << 2 | SLEEP_ENABLE_REDUCED));
		if (power.pm1a_control)
			outw(power.pm1a_control,
			     (uint16_t)(power.s5_type_a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE));
		if (power.pm1b_control)
			outw(power.pm1b_control,
			     (uint16_t)(power.s5_type_b << SLEEP_TYPE_SHIFT | SLEEP_ENABLE));
		delay_loop();
	}
	arch_halt();
}

/* From the politest way to the surest. */
__noreturn void arch_reboot(void)
{
	static const struct { uint16_t limit; uint64_t base; } __packed empty_idt;

	if (have_power && power.has_reset) {
		write_register(&power.reset, reset_mmio, power.reset_value);
		delay_loop();
	}
	outb(0xcf9, 0x02);			/* PCI reset control: hard reset ... */
	outb(0xcf9, 0x06);			/* ... now */
	delay_loop();
	outb(0x64, 0xfe);			/* keyboard controller: pulse the reset line */
	delay_loop();
	__asm__ volatile("lidt %0; int3" : : "m"(empty_idt));	/* triple fault */
	arch_halt();
}

void arch_vm_exit(unsigned int status)
{
	if (!strstr(boot_info.command_line, "aegis.exit=debug-exit"))
		return;
	outb(DEBUG_EXIT_PORT, status == 0 ? 0x10 : status == 1 ? 0x11 : 0x12);
}

__noreturn __cold void x86_exit_from_boot_failure(void)
{
	/* Too early for the command line perhaps; no real machine says that it is an emulator. */
	arch_vm_exit(3);
	if (x86_features.hypervisor)
		outb(DEBUG_EXIT_PORT, 0x12);
	arch_halt();
}
