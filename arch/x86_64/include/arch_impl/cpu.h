/* SPDX-License-Identifier: MIT */
/*
 * CPU inlines of the contract, and what CPUID said at boot.
 */
#ifndef ARCH_IMPL_CPU_H
#define ARCH_IMPL_CPU_H

#include <arch_impl/percpu.h>

/* The boot CPU's features; the others must have at least these. */
struct x86_features {
	bool nx, pdpe1gb, pge, pcid, smep, smap, umip, fsgsbase, x2apic, tsc_deadline;
	bool invariant_tsc, xsave, xsaveopt, xsavec, rdrand, rdseed, rdtscp, rdpid, hypervisor;
	uint32_t family, model, stepping;
	uint32_t hwcap;			/* CPUID 1 EDX, as AT_HWCAP */
	char vendor[13], brand[49];
};

extern struct x86_features x86_features;

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

/* STI takes effect after HLT has begun: an interrupt that waits ends it. */
static inline void arch_idle(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

#endif
