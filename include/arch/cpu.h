/* SPDX-License-Identifier: MIT */
/*
 * CPUs: which one am I, start the others, sleep, poke, power off.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <lib/types.h>
#include <lib/compiler.h>

/* Why one CPU interrupts another.  One bit each; bits sent twice before they are taken merge. */
enum ipi {
	IPI_RESCHEDULE,			/* look at the run queue */
	IPI_CALL,			/* run the function calls queued for this CPU */
	IPI_HALT,			/* stop for good: panic or power-off */
	IPI_NR,
};

/* A hint that this is a spin loop. */
static inline void arch_cpu_relax(void);

/*
 * The byte offset from a per-CPU variable's link address to this CPU's copy.
 * Preemption must be off for the answer to stay true.  The boot CPU's offset
 * is 0: it uses the image's own copy.
 */
static inline unsigned long arch_percpu_offset(void);

/*
 * Number of CPUs that the firmware describes, the boot CPU counted, and at
 * most CONFIG_MAX_CPUS.  Called once, after the MMU is up and page allocation
 * works, before any other CPU starts.  CPU 0 is the boot CPU.
 */
unsigned int arch_cpu_discover(void);

/*
 * Start CPU @cpu; it arrives in secondary_main(@cpu) with interrupts masked, as
 * thread @idle on @idle's stack, with its per-CPU offset set to @percpu_offset.  Returns once
 * the request is made, not when the CPU runs.  -EIO when the firmware refuses.
 */
struct thread;
__must_check int arch_cpu_start(unsigned int cpu, struct thread *idle, unsigned long percpu_offset);

/*
 * Set up what is per CPU and the port's own (descriptor tables, control
 * registers, feature bits, local interrupt controller, local timer).  Called on
 * each CPU: on the boot CPU from kernel_main(), on others from secondary_main().
 */
void arch_cpu_init(unsigned int cpu);

/*
 * Sleep until an interrupt.  Called and returns with interrupts masked; an
 * interrupt that became pending after the mask ends the sleep, and is taken
 * when the caller unmasks: so no wake-up is lost.
 */
static inline void arch_idle(void);

/* Raise @kind on @cpu, which may be the caller's own.  Any context. */
void arch_ipi_send(unsigned int cpu, enum ipi kind);

/* One line for people and /proc/cpuinfo; the port prints its own fields. */
struct seq_file;
void arch_cpu_show(struct seq_file *m, unsigned int cpu);

/* "x86_64", "aarch64": uname -m and AT_PLATFORM. */
extern const char arch_name[];

/* AT_HWCAP, AT_HWCAP2 as Linux defines them for this architecture. */
uint64_t arch_hwcap(void);
uint64_t arch_hwcap2(void);

/*
 * Fill @buf from the CPU's entropy source; the number of bytes that were had, 0 when it has none.
 */
size_t arch_random_seed(void *buf, size_t len);

/* Leave.  All other CPUs are halted already; interrupts are masked. */
__noreturn void arch_power_off(void);
__noreturn void arch_reboot(void);
__noreturn void arch_halt(void);

/*
 * Tell an emulator the machine's verdict and end: the boot argument
 * aegis.exit= says how.  @status is 0 pass, 1 fail, 3 panic.  Returns when no such way
 * was given or it did not work.
 */
void arch_vm_exit(unsigned int status);

#include <arch_impl/cpu.h>

#endif
