/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables: one copy for each CPU, reached through an offset register.
 *
 * A pointer or value is this CPU's only while the thread cannot move: with
 * preemption or interrupts off.  A port may make this_cpu_read/write/add one
 * instruction each; generic code must not count on it.
 */
#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

#include <arch/cpu.h>
#include <lib/compiler.h>

#define DEFINE_PERCPU(type, name)	__section(".percpu") __typeof__(type) name
#define DECLARE_PERCPU(type, name)	extern __typeof__(type) name

#define this_cpu_ptr(p) ((__typeof__(p))((uintptr_t)(p) + arch_percpu_offset()))
#define per_cpu_ptr(p, cpu) ((__typeof__(p))((uintptr_t)(p) + percpu_offsets[cpu]))

#ifndef this_cpu_read
#define this_cpu_read(var)		(*(volatile __typeof__(var) *)this_cpu_ptr(&(var)))
#define this_cpu_write(var, v)		(*(volatile __typeof__(var) *)this_cpu_ptr(&(var)) = (v))
#define this_cpu_add(var, v)		(*this_cpu_ptr(&(var)) += (v))
#endif

/* Offsets of all CPUs' areas; 0 for the boot CPU. */
extern unsigned long percpu_offsets[CONFIG_MAX_CPUS];
extern unsigned int nr_cpus;		/* present; fixed once percpu_init() has run */

DECLARE_PERCPU(unsigned int, cpu_number);

/* This CPU.  Only a hint unless the thread cannot move. */
static inline unsigned int this_cpu_id(void)
{
	return this_cpu_read(cpu_number);
}

#define for_each_cpu(cpu) for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)

/* Give every CPU after the first its area.  After arch_cpu_discover(). */
void percpu_init(void);

#endif
