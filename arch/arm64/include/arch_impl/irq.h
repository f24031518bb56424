/* SPDX-License-Identifier: MIT */
/* Interrupt masking: PSTATE.I. FIQ stays masked in the kernel; nothing is routed to it. */
#ifndef ARCH_IMPL_IRQ_H
#define ARCH_IMPL_IRQ_H

#include <arch_impl/sysreg.h>

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("mrs %0, daif; msr daifset, #2" : "=r"(flags) : : "memory");
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	__asm__ volatile("msr daif, %0" : : "r"(flags) : "memory");
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("msr daifclr, #2" ::: "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline bool arch_irq_is_enabled(void)
{
	return !(sysreg_read(daif) & PSTATE_I);
}

#endif
