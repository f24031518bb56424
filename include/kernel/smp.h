/* SPDX-License-Identifier: MIT */
/*
 * Starting the other CPUs, and having them run functions.
 */
#ifndef KERNEL_SMP_H
#define KERNEL_SMP_H

#include <kernel/cpumask.h>
#include <lib/compiler.h>

/* Start all CPUs that the firmware described; INIT_CORE is done. */
void smp_start_all(void);

/*
 * Run @fn(@arg) on every CPU of @mask, the caller's own too if it is a member, in interrupt
 * context; done on all of them on return.  Interrupts unmasked, no spinlock held that a target may
 * spin on masked.
 */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg);

/* Stop all other CPUs for good.  Any context. */
void smp_halt_others(void);

/* The receiving ends; from ipi_upcall(). */
void smp_call_take(void);
__noreturn void smp_halt_self(void);

#endif
