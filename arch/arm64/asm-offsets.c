/* SPDX-License-Identifier: MIT */
/*
 * Structure offsets for assembly files: compiled to text, from which the build makes
 * <generated/asm-offsets.h>.
 */
#include <arch/regs.h>
#include <arch/thread.h>
#include <kernel/thread.h>
#include <arch_impl/arm64.h>

#define DEFINE(sym, val) \
	__asm__ volatile("\n.ascii \"->" #sym " %0 " #val "\"" : : "i"((unsigned long)(val)))

void asm_offsets(void);

void asm_offsets(void)
{
	DEFINE(REGS_SIZE, sizeof(struct regs));
	DEFINE(REGS_X18, offset_of(struct regs, x[18]));
	DEFINE(REGS_X28, offset_of(struct regs, x[28]));
	DEFINE(REGS_LR, offset_of(struct regs, x[30]));
	DEFINE(REGS_SP, offset_of(struct regs, sp));
	DEFINE(REGS_PC, offset_of(struct regs, pc));
	DEFINE(REGS_PSTATE, offset_of(struct regs, pstate));
	DEFINE(REGS_ORIG_X0, offset_of(struct regs, orig_x0));
	DEFINE(REGS_SYSCALL, offset_of(struct regs, syscall));
	DEFINE(THREAD_WORK, offset_of(struct thread, core.work));
	DEFINE(THREAD_FP, offset_of(struct thread, arch.fp));
	DEFINE(THREAD_FPSR, offset_of(struct thread, arch.fp.fpsr));
	DEFINE(THREAD_CONTEXT, offset_of(struct thread, arch.x19_x30));
	DEFINE(THREAD_SP, offset_of(struct thread, arch.sp));
	DEFINE(THREAD_PERCPU, offset_of(struct thread, arch.percpu_offset));
	DEFINE(THREAD_TLS, offset_of(struct thread, arch.tls));
	DEFINE(THREAD_FLAGS, offset_of(struct thread, arch.flags));
	DEFINE(THREAD_STACK, offset_of(struct thread, stack));
	DEFINE(ASM_THREAD_STACK_SIZE, THREAD_STACK_SIZE);
	DEFINE(ASM_THREAD_STACK_SHIFT, __builtin_ctz(THREAD_STACK_SIZE));
	DEFINE(ASM_WORK_EXIT_BITS, WORK_EXIT_BITS);
	DEFINE(FPSIMD_FPSR, offset_of(struct arm64_fpsimd, fpsr));
	DEFINE(CPU_BOOT_IDLE, offset_of(struct arm64_cpu_boot, idle));
	DEFINE(CPU_BOOT_PERCPU, offset_of(struct arm64_cpu_boot, percpu_offset));
	DEFINE(CPU_BOOT_CPU, offset_of(struct arm64_cpu_boot, cpu));
	DEFINE(CPU_BOOT_STACK, offset_of(struct arm64_cpu_boot, stack_top));
	DEFINE(CPU_BOOT_TTBR1, offset_of(struct arm64_cpu_boot, ttbr1));
}
