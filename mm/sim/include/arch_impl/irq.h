/* SPDX-License-Identifier: MIT */
/* Host simulation: no interrupts. */
#pragma once

static inline unsigned long arch_irq_save(void) { return 0; }
static inline void arch_irq_restore(unsigned long f) { }
static inline void arch_irq_enable(void) { }
static inline void arch_irq_disable(void) { }
static inline bool arch_irq_is_enabled(void) { return true; }
