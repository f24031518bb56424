/* SPDX-License-Identifier: MIT */
/*
 * The High Precision Event Timer, as a counter only.
 */
#ifndef DRIVERS_HPET_H
#define DRIVERS_HPET_H

#include <lib/compiler.h>
#include <lib/types.h>

/*
 * Find it by ACPI's table, check it, start it and offer it as a clock source; -ENOENT, -ENODEV.
 * Repeatable.
 */
__must_check int hpet_init(void);
uint64_t hpet_read(void);
uint64_t hpet_frequency(void);
uint64_t hpet_mask(void);

#endif
