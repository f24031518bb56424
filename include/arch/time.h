/* SPDX-License-Identifier: MIT */
/*
 * The port's own counter and one-shot timer, for the whole machine and for each CPU.
 */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <lib/types.h>

/*
 * Find the counter's frequency, calibrating where the machine does not say.
 * Called once on the boot CPU with interrupts masked, after firmware tables are
 * readable.  From its return on clock_source_register() (kernel/clock.h) was
 * called with the port's best counter.
 */
void arch_time_init(void);

/*
 * Arrange for timer_upcall() on this CPU at clock_ns() >= @deadline_ns, or
 * at once when that is past.  A later call replaces an earlier one.  Interrupts masked.
 */
void arch_timer_set(int64_t deadline_ns);

/* No timer interrupt until the next arch_timer_set().  Interrupts masked. */
void arch_timer_stop(void);

#endif
