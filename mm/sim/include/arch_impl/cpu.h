/* SPDX-License-Identifier: MIT */
/* Host simulation: one CPU. */
#pragma once

static inline void arch_cpu_relax(void) { }
static inline unsigned long arch_percpu_offset(void) { return 0; }
static inline void arch_idle(void) { }
