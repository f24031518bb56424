/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines of a PC: global system interrupts of the I/O APICs, and the sixteen ISA lines
 * among them.
 */
#ifndef DRIVERS_IOAPIC_H
#define DRIVERS_IOAPIC_H

#include <kernel/irq.h>
#include <lib/compiler.h>
#include <lib/types.h>

/* The kernel number of global system interrupt @gsi; -ENXIO when no I/O APIC has it. */
__must_check int ioapic_map_gsi(uint32_t gsi, enum irq_trigger trigger);

/* The same for an ISA line, where the firmware says that it leads. */
__must_check int ioapic_map_isa(unsigned int line);

#endif
