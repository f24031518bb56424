/* SPDX-License-Identifier: MIT */
/*
 * The HPET's main counter (IA-PC HPET specification 1.0a): reference for the TSC, and fallback
 * clock.
 */
#include <arch/mmu.h>
#include <drivers/acpi.h>
#include <drivers/hpet.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <lib/err.h>
#include <mm/vmalloc.h>

enum hpet_reg { HPET_CAPABILITIES = 0x00, HPET_CONFIG = 0x10, HPET_COUNTER = 0xf0 };

#define CAP_64BIT		(1UL << 13)
#define CONFIG_ENABLE		1UL
#define FEMTOSECONDS		1000000000000000ULL
#define PERIOD_MAX_FS		100000000	/* the specification's limit */
#define PERIOD_MIN_FS		100000		/* 10 GHz: no such part */
#define HPET_WINDOW		1024

static volatile char *regs;
static struct clock_source hpet_clock = { .name = "hpet", .read = hpet_read, .rating = 200 };

static uint64_t reg_read64(enum hpet_reg reg)
{
	return *(volatile uint64_t *)(regs + reg);
}

/* 32-bit parts have only the low word; a 64-bit read of others is one access. */
uint64_t hpet_read(void)
{
	if (hpet_clock.mask == 0xffffffff)
		return *(volatile uint32_t *)(regs + HPET_COUNTER);
	return reg_read64(HPET_COUNTER);
}

uint64_t hpet_frequency(void)
{
	return hpet_clock.frequency_hz;
}

uint64_t hpet_mask(void)
{
	return hpet_clock.mask;
}

int hpet_init(void)
{
	uint64_t caps, period;
	paddr_t base;
	int err;

	if (regs)
		return hpet_clock.frequency_hz ? 0 : -ENODEV;
	err = acpi_hpet(&base);
	if (err)
		return err;
	regs = mmio_map(base, HPET_WINDOW, MEM_DEVICE);
	if (!regs)
		return -ENOMEM;
	caps = reg_read64(HPET_CAPABILITIES);
	period = caps >> 32;
	if (period < PERIOD_MIN_FS || period > PERIOD_MAX_FS) {
		log_warn("hpet: a period of %lu fs is not possible", period);
		return -ENODEV;
	}
	hpet_clock.mask = caps & CAP_64BIT ? ~0ULL : 0xffffffff;
	*(volatile uint64_t *)(regs + HPET_CONFIG) = reg_read64(HPET_CONFIG) | CONFIG_ENABLE;
	hpet_clock.frequency_hz = FEMTOSECONDS / period;
	clock_source_register(&hpet_clock);
	return 0;
}
