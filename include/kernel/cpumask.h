/* SPDX-License-Identifier: MIT */
/*
 * Sets of CPUs.
 */
#ifndef KERNEL_CPUMASK_H
#define KERNEL_CPUMASK_H

#include <lib/atomic.h>
#include <lib/bits.h>
#include <lib/types.h>

#define CPUMASK_WORDS ((CONFIG_MAX_CPUS + 63) / 64)

struct cpumask {
	uint64_t words[CPUMASK_WORDS];
};

static inline bool cpumask_has(const struct cpumask *m, unsigned int cpu)
{
	return __atomic_load_n(&m->words[cpu / 64], __ATOMIC_RELAXED) >> (cpu % 64) & 1;
}

static inline void cpumask_set(struct cpumask *m, unsigned int cpu)
{
	__atomic_fetch_or(&m->words[cpu / 64], 1ULL << (cpu % 64), __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear(struct cpumask *m, unsigned int cpu)
{
	__atomic_fetch_and(&m->words[cpu / 64], ~(1ULL << (cpu % 64)), __ATOMIC_SEQ_CST);
}

static inline bool cpumask_is_empty(const struct cpumask *m)
{
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++)
		if (__atomic_load_n(&m->words[i], __ATOMIC_RELAXED))
			return false;
	return true;
}

/* The first member at or after @cpu, CONFIG_MAX_CPUS or more when there is none. */
static inline unsigned int cpumask_next(const struct cpumask *m, unsigned int cpu)
{
	while (cpu < CONFIG_MAX_CPUS) {
		uint64_t w = __atomic_load_n(&m->words[cpu / 64], __ATOMIC_RELAXED) >> (cpu % 64);

		if (w)
			return cpu + (unsigned int)__builtin_ctzll(w);
		cpu = (cpu / 64 + 1) * 64;
	}
	return cpu;
}

#define for_each_cpu_in(cpu, mask) \
	for (unsigned int cpu = cpumask_next(mask, 0); cpu < CONFIG_MAX_CPUS; \
	     cpu = cpumask_next(mask, cpu + 1))

extern struct cpumask cpus_online, cpus_possible;

#endif
