/* SPDX-License-Identifier: MIT */
/* Each CPU's copy of the per-CPU section. */
#include <kernel/cpumask.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <lib/string.h>
#include <mm/slab.h>

extern char __percpu_start[], __percpu_end[];

unsigned long percpu_offsets[CONFIG_MAX_CPUS];
unsigned int nr_cpus = 1;
DEFINE_PERCPU(unsigned int, cpu_number);

/*
 * The first CPU runs on the image's own copy, so the others' start from what that
 * holds now must not be inherited: they get zeros and the init functions of each owner.
 */
void percpu_init(void)
{
	size_t size = (size_t)(__percpu_end - __percpu_start);

	nr_cpus = arch_cpu_discover();
	cpumask_set(&cpus_possible, 0);
	for (unsigned int cpu = 1; cpu < nr_cpus; cpu++) {
		char *area = kzalloc(size, ALLOC_NORMAL);

		if (!area)
			panic("percpu: no memory for CPU %u", cpu);
		percpu_offsets[cpu] = (unsigned long)(area - __percpu_start);
		*per_cpu_ptr(&cpu_number, cpu) = cpu;
		cpumask_set(&cpus_possible, cpu);
	}
}
