/* SPDX-License-Identifier: MIT */
/*
 * ACPI's power-management timer: a counter of 24 or 32 bits at 3.579545 MHz.
 */
#ifndef DRIVERS_PMTIMER_H
#define DRIVERS_PMTIMER_H

#include <lib/compiler.h>
#include <lib/types.h>

#define PMTIMER_HZ	3579545

/* Find it by the FADT and offer it as a clock source; -ENOENT, -ENODEV.  Repeatable. */
__must_check int pmtimer_init(void);
uint64_t pmtimer_read(void);
uint64_t pmtimer_mask(void);

#endif
