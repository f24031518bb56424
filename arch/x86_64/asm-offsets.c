/* SPDX-License-Identifier: MIT */
/*
 * Numbers that assembly needs from C structures; becomes generated/asm-offsets.h.
 */
#include <arch/regs.h>
#include <arch_impl/descriptors.h>
#include <kernel/thread.h>

#define DEFINE(name, value) \
	__asm__ volatile("\n.ascii \"->" #name " %0 " #value "\"" : : "i"((long)(value)))

void asm_offsets(void);
void asm_offsets(void)
{
	DEFINE(REGS_SIZE, sizeof(struct regs));
	DEFINE(REGS_BX, __builtin_offsetof(struct regs, bx));
	DEFINE(REGS_R11, __builtin_offsetof(struct regs, r11));
	DEFINE(REGS_R10, __builtin_offsetof(struct regs, r10));
	DEFINE(REGS_R9, __builtin_offsetof(struct regs, r9));
	DEFINE(REGS_R8, __builtin_offsetof(struct regs, r8));
	DEFINE(REGS_AX, __builtin_offsetof(struct regs, ax));
	DEFINE(REGS_CX, __builtin_offsetof(struct regs, cx));
	DEFINE(REGS_DX, __builtin_offsetof(struct regs, dx));
	DEFINE(REGS_SI, __builtin_offsetof(struct regs, si));
	DEFINE(REGS_DI, __builtin_offsetof(struct regs, di));
	DEFINE(REGS_ORIG_AX, __builtin_offsetof(struct regs, orig_ax));
	DEFINE(REGS_IP, __builtin_offsetof(struct regs, ip));
	DEFINE(REGS_CS, __builtin_offsetof(struct regs, cs));
	DEFINE(REGS_FLAGS, __builtin_offsetof(struct regs, flags));
	DEFINE(REGS_SP, __builtin_offsetof(struct regs, sp));
	DEFINE(THREAD_WORK, __builtin_offsetof(struct thread, core.work));
	DEFINE(THREAD_ARCH_SP, __builtin_offsetof(struct thread, arch.sp));
	DEFINE(TSS_SP0, __builtin_offsetof(struct tss, sp[0]));
	DEFINE(TSS_SP2, __builtin_offsetof(struct tss, sp[2]));
}
