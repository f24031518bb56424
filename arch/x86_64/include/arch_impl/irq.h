/* SPDX-License-Identifier: MIT */
/*
 * Interrupt masking by RFLAGS.IF.
 */
#ifndef ARCH_IMPL_IRQ_H
#define ARCH_IMPL_IRQ_H

#include <lib/compiler.h>

static inline unsigned long x86_flags(void)
{
	unsigned long flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void arch_irq_enable(void)
{
	__asm__ volatile("sti" ::: "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline unsigned long arch_irq_save(void)
{
	unsigned long flags = x86_flags();

	arch_irq_disable();
	return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
	if (flags & 0x200)
		arch_irq_enable();
	else
		arch_irq_disable();
}

static inline bool arch_irq_is_enabled(void)
{
	return x86_flags() & 0x200;
}

#endif
