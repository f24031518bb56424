/* SPDX-License-Identifier: MIT */
/*
 * For the drivers that the port itself stands on: the interrupt controllers.
 */
#ifndef ARCH_IMPL_DEVICE_H
#define ARCH_IMPL_DEVICE_H

#include <lib/types.h>

/* Map device registers for good; NULL: out of memory or window. Before other CPUs run. */
void *arm64_map_device(paddr_t pa, uint64_t size);

/* Affinity (MPIDR_EL1 without its flags) of @cpu. */
uint64_t arm64_cpu_affinity(unsigned int cpu);

/* The interrupt number of the timer, private to each CPU. */
uint32_t arm64_timer_irq(void);

/* A controller that the port looks for in the device tree at boot; init sets irq_root. */
struct arm64_irqchip {
	const char *const *compatible;	/* ends with NULL */
	int (*init)(int node);
};

#define ARM64_IRQCHIP(chip_name)						\
	static const struct arm64_irqchip chip_name				\
	__attribute__((__used__, __section__(".irqchips"), __aligned__(8)))

#endif
