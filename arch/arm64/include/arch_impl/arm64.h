/* SPDX-License-Identifier: MIT */
/*
 * What the files of the arm64 port tell each other.
 */
#ifndef ARCH_IMPL_ARM64_H
#define ARCH_IMPL_ARM64_H

#include <arch/mmu.h>
#include <arch/regs.h>
#include <arch/thread.h>

/* boot/ */
#define ARM64_BOOT_TABLES	16	/* pages of arm64_boot_table_pool (head.S) */
__noreturn void arm64_start(paddr_t fdt, uint64_t entry_level, uint64_t image_pa);
void arm64_console_init(void);		/* at the compiled-in UART */
void arm64_console_find(void);		/* at the device tree's stdout */
extern paddr_t arm64_console_pa;	/* .v 0: no console */
void arm64_boot_map_device(uint64_t va, paddr_t pa);
extern unsigned int arm64_entry_level;	/* 1 or 2 */
size_t arm64_boot_seed(void *buf, size_t len);

/* mm/ */
void arm64_patch_features(void);
extern uint64_t arm64_empty_root_pa;	/* TTBR0 of kernel threads: maps nothing */
void arm64_asid_init(void);
/*
 * Set the accessed bit for @va in the tables of the running address space; false if nothing is
 * mapped there.
 */
bool arm64_set_accessed(uint64_t va);

/* kernel/ */
struct arm64_cpu_boot {
	uint64_t idle, stack_top, percpu_offset, cpu, ttbr1;
};
extern uint64_t arm64_mpidr[CONFIG_MAX_CPUS];

enum arm64_feature {
	ARM64_HAS_PAN	= 1 << 0,
	ARM64_HAS_RNG	= 1 << 1,
};
extern uint32_t arm64_features;
void arm64_cpu_features_init(void);
/*
 * What user mode may read of ID register @encoding (op0..op2 as in ISS); false: no such register.
 */
bool arm64_id_register(uint32_t encoding, uint64_t *value);

void arm64_timer_init_cpu(void);
void arm64_irqchip_init(void);

void arm64_thread_trampoline(void);
void arm64_fp_save(struct arm64_fpsimd *fp);
void arm64_fp_load(const struct arm64_fpsimd *fp);

/* Breakpoints and watchpoints: ptrace.c. */
void arm64_debug_switch(const struct thread *prev, const struct thread *next);
void arm64_debug_load(const struct thread *t);	/* the running one, interrupts masked */

/* From entry.S. */
void arm64_user_fault(struct regs *regs, uint64_t esr, uint64_t far);
void arm64_user_aarch32(struct regs *regs);
void arm64_kernel_fault(struct regs *regs, uint64_t esr, uint64_t far);
void arm64_interrupt(struct regs *regs);
void arm64_serror(struct regs *regs, uint64_t esr);
__noreturn void arm64_invalid(struct regs *regs, uint64_t esr);
__noreturn void arm64_bad_stack(struct regs *regs, uint64_t esr, uint64_t far);
/* An instruction that traps to be emulated: true, and the PC has moved on. */
bool arm64_emulate_mrs(struct regs *regs, uint32_t instruction);
bool arm64_emulate_sys64(struct regs *regs, uint64_t esr);

#endif
