/* SPDX-License-Identifier: MIT */
/*
 * The ACPI PM timer: reference where there is no HPET, and clock of last resort.
 */
#include <arch_impl/msr.h>
#include <drivers/acpi.h>
#include <drivers/pmtimer.h>
#include <kernel/clock.h>
#include <lib/err.h>
#include <mm/vmalloc.h>

static uint16_t port;
static volatile uint32_t *mmio;
static struct clock_source pm_clock = {
	.name = "acpi-pm", .read = pmtimer_read, .frequency_hz = PMTIMER_HZ, .rating = 100,
};

/* The specification lets the upper 8 bits of a 24-bit timer be anything. */
uint64_t pmtimer_read(void)
{
	return (mmio ? *mmio : inl(port)) & pm_clock.mask;
}

uint64_t pmtimer_mask(void)
{
	return pm_clock.mask;
}

/* Does it count?  Some machines describe one that is not there. */
static bool is_counting(void)
{
	uint64_t first = pmtimer_read();

	for (int i = 0; i < 1000; i++)
		if (pmtimer_read() != first)
			return true;
	return false;
}

int pmtimer_init(void)
{
	struct acpi_register reg;
	bool is_32_bit;
	int err;

	if (pm_clock.mask)
		return 0;
	err = acpi_pm_timer(&reg, &is_32_bit);
	if (err)
		return err;
	if (reg.space == ACPI_SPACE_IO && reg.address < 0xfffc)
		port = (uint16_t)reg.address;
	else if (reg.space == ACPI_SPACE_MEMORY)
		mmio = mmio_map(PADDR(reg.address), 4, MEM_DEVICE);
	if (!port && !mmio)
		return -ENODEV;
	pm_clock.mask = is_32_bit ? 0xffffffff : 0xffffff;
	if (!is_counting()) {
		pm_clock.mask = 0;
		return -ENODEV;
	}
	clock_source_register(&pm_clock);
	return 0;
}
