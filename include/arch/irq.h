/* SPDX-License-Identifier: MIT */
/*
 * Interrupt masking on this CPU.  Generic code uses <kernel/irq.h> and the
 * spin_lock_irqsave() family, which stand on these.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <lib/types.h>

/* Mask, and return what irq_restore needs to put the earlier state back. */
static inline unsigned long arch_irq_save(void);
static inline void arch_irq_restore(unsigned long flags);
static inline void arch_irq_enable(void);
static inline void arch_irq_disable(void);
static inline bool arch_irq_is_enabled(void);

#include <arch_impl/irq.h>

#endif
