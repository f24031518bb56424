/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: to a signal when user mode made them, to the exception table or the end of the
 * machine otherwise. Signal numbers, codes, addresses and trapno are Linux's.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/regs.h>
#include <arch/upcalls.h>
#include <arch_impl/debug.h>
#include <arch_impl/fpu.h>
#include <arch_impl/msr.h>
#include <kernel/panic.h>
#include <kernel/thread.h>
#include <uapi/signal.h>

enum trap {
	TRAP_DE = 0, TRAP_DB = 1, TRAP_NMI = 2, TRAP_BP = 3, TRAP_OF = 4, TRAP_BR = 5, TRAP_UD = 6,
	TRAP_NM = 7, TRAP_DF = 8, TRAP_TS = 10, TRAP_NP = 11, TRAP_SS = 12, TRAP_GP = 13,
	TRAP_PF = 14, TRAP_MF = 16, TRAP_AC = 17, TRAP_MC = 18, TRAP_XF = 19, TRAP_CP = 21,
};

enum pf_error { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_RESERVED = 8, PF_FETCH = 16 };

void x86_exception(struct regs *regs, uint64_t vector, uint64_t error);
void x86_page_fault(struct regs *regs, uint64_t vector, uint64_t error);
void x86_paranoid_exception(struct regs *regs, uint64_t vector, uint64_t error);
void x86_bad_user_frame(struct regs *regs);

static const char *const trap_names[32] = {
	[TRAP_DE] = "divide error", [TRAP_DB] = "debug", [TRAP_NMI] = "NMI",
	[TRAP_BP] = "breakpoint", [TRAP_OF] = "overflow", [TRAP_BR] = "bound range",
	[TRAP_UD] = "invalid opcode", [TRAP_NM] = "device not available",
	[TRAP_DF] = "double fault", [TRAP_TS] = "invalid TSS", [TRAP_NP] = "segment not present",
	[TRAP_SS] = "stack segment", [TRAP_GP] = "general protection", [TRAP_PF] = "page fault",
	[TRAP_MF] = "x87 error", [TRAP_AC] = "alignment check", [TRAP_MC] = "machine check",
	[TRAP_XF] = "SIMD error", [TRAP_CP] = "control protection",
};

static const char *trap_name(uint64_t vector)
{
	return vector < 32 && trap_names[vector] ? trap_names[vector] : "unknown exception";
}

/* A fault in kernel mode: go on at the fix-up, or end. */
static void kernel_exception(struct regs *regs, const char *name, uint64_t address)
{
	uint64_t fixup = extable_find(regs->ip);

	if (!fixup)
		panic_fault(regs, name, address);
	regs->ip = fixup;
}

static bool debug_exception(struct regs *regs, struct user_exception *e)
{
	uint64_t dr6 = x86_debug_status(regs);

	e->sig = SIGTRAP;
	e->code = dr6 & DR6_STEP ? TRAP_TRACE : dr6 & DR6_TRAPS ? TRAP_HWBKPT : TRAP_BRKPT;
	e->address = regs->ip;
	return true;
}

/* What Linux reports for each; false: @vector never comes from user mode. */
static bool classify(struct regs *regs, uint64_t vector, struct user_exception *e)
{
	switch (vector) {
	case TRAP_DE:
		*e = (struct user_exception){ SIGFPE, FPE_INTDIV, regs->ip, 0, 0 };
		return true;
	case TRAP_DB:
		return debug_exception(regs, e);
	case TRAP_BP:
		*e = (struct user_exception){ SIGTRAP, SI_KERNEL, 0, 0, 0 };
		return true;
	case TRAP_UD:
		*e = (struct user_exception){ SIGILL, ILL_ILLOPN, regs->ip, 0, 0 };
		return true;
	case TRAP_SS:
	case TRAP_NP:
		*e = (struct user_exception){ SIGBUS, SI_KERNEL, 0, 0, 0 };
		return true;
	case TRAP_AC:
		*e = (struct user_exception){ SIGBUS, BUS_ADRALN, 0, 0, 0 };
		return true;
	case TRAP_MF:
		*e = (struct user_exception){ SIGFPE, fpu_x87_code(), regs->ip, 0, 0 };
		return true;
	case TRAP_XF:
		*e = (struct user_exception){ SIGFPE, fpu_simd_code(), regs->ip, 0, 0 };
		return true;
	case TRAP_OF:
	case TRAP_BR:
	case TRAP_TS:
	case TRAP_GP:
	case TRAP_CP:
		*e = (struct user_exception){ SIGSEGV, SI_KERNEL, 0, 0, 0 };
		return true;
	}
	return false;
}

void x86_exception(struct regs *regs, uint64_t vector, uint64_t error)
{
	struct user_exception e = { 0 };

	if (!regs_is_user(regs)) {
		kernel_exception(regs, trap_name(vector), 0);
		return;
	}
	/* Status registers are read before anything can switch threads. */
	if (!classify(regs, vector, &e))
		panic_fault(regs, trap_name(vector), 0);
	e.trapno = (uint32_t)vector;
	e.error = (uint32_t)error;
	arch_irq_enable();
	user_exception_upcall(regs, &e);
}

/*
 * Kernel mode may touch user addresses only in the user-access routines: anything else is a wild
 * pointer, even where a region would serve it.  With SMAP the AC flag says so; without, the
 * exception table.
 */
static bool is_user_access(const struct regs *regs)
{
	return x86_features.smap ? (regs->flags & RFLAGS_AC) != 0 : extable_find(regs->ip) != 0;
}

void x86_page_fault(struct regs *regs, uint64_t vector, uint64_t error)
{
	struct fault f = {
		.address = read_cr2(),
		.access = error & PF_FETCH ? FAULT_EXEC : error & PF_WRITE ? FAULT_WRITE :
			FAULT_READ,
		.user = error & PF_USER, .present = error & PF_PRESENT,
		.trapno = (uint32_t)vector, .error = (uint32_t)error,
	};

	if (unlikely(error & PF_RESERVED))
		panic_fault(regs, "page table entry with reserved bits", f.address);
	if (regs_irqs_on(regs))
		arch_irq_enable();
	if (f.user) {
		page_fault_upcall(regs, &f);
		return;
	}
	if (f.address >= USER_TOP || f.access == FAULT_EXEC || !is_user_access(regs)) {
		kernel_exception(regs, trap_name(vector), f.address);
		return;
	}
	if (!page_fault_upcall(regs, &f))
		kernel_exception(regs, trap_name(vector), f.address);
}

/* On their own stacks: nothing here may sleep or take a lock. */
void x86_paranoid_exception(struct regs *regs, uint64_t vector, uint64_t error)
{
	/* A watched address in a user copy, or a trap that MOV SS put off until behind SYSCALL. */
	if (vector == TRAP_DB) {
		(void)x86_debug_status(regs);
		return;
	}
	/* No source is enabled.  A stray one is ignored; in a panic it is the call to stop. */
	if (vector == TRAP_NMI && !panic_in_progress)
		return;
	if (vector == TRAP_NMI)
		arch_halt();
	panic_fault(regs, trap_name(vector), vector == TRAP_DF ? read_cr2() : error);
}

/* IRET refused to go to user mode with this frame. */
void x86_bad_user_frame(struct regs *regs)
{
	const struct user_exception e = { SIGSEGV, SI_KERNEL, 0, TRAP_GP, 0 };

	user_exception_upcall(regs, &e);
}
