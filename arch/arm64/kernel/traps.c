/* SPDX-License-Identifier: MIT */
/*
 * Exceptions in C: which one it is by ESR_EL1 (Arm ARM D17.2.37), and the Linux signal that a
 * user gets for it.
 */
#include <arch/uaccess.h>
#include <arch/upcalls.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/log.h>
#include <kernel/thread.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <uapi/signal.h>
#include <arch_impl/arm64.h>

static const char *const class_names[64] = {
	[EC_UNKNOWN] = "undefined instruction", [EC_WFX] = "WFI or WFE", [EC_FP_TRAP] = "FP access",
	[EC_BTI] = "branch target", [EC_ILLEGAL_STATE] = "illegal state", [EC_SVC64] = "SVC",
	[EC_SYS64] = "system register", [EC_SVE] = "SVE", [EC_IABT_LOW] = "instruction abort",
	[EC_IABT_CUR] = "instruction abort", [EC_PC_ALIGN] = "PC alignment",
	[EC_DABT_LOW] = "data abort", [EC_DABT_CUR] = "data abort", [EC_SP_ALIGN] = "SP alignment",
	[EC_FP64] = "FP exception", [EC_SERROR] = "SError", [EC_BREAKPT_CUR] = "breakpoint",
	[EC_STEP_CUR] = "single step", [EC_WATCHPT_CUR] = "watchpoint", [EC_BRK64] = "BRK",
};

static const char *class_name(uint64_t esr)
{
	return class_names[ESR_EC(esr)] ? class_names[ESR_EC(esr)] : "unknown exception";
}

void arm64_interrupt(struct regs *regs)
{
	irq_enter(regs);
	irq_root->dispatch();
	irq_exit(regs);
}

/* What kind of fault status code it is (D17.2.37, ISS of an abort, xFSC). */
enum fault_class { FSC_ADDRESS_SIZE, FSC_TRANSLATION, FSC_ACCESS_FLAG, FSC_PERMISSION, FSC_OTHER };

static enum fault_class fault_class(uint64_t esr)
{
	switch (ESR_FSC(esr) >> 2) {
	case 0:	return FSC_ADDRESS_SIZE;
	case 1:	return FSC_TRANSLATION;
	case 2:	return FSC_ACCESS_FLAG;
	case 3:	return FSC_PERMISSION;
	default: return FSC_OTHER;
	}
}

#define FSC_ALIGNMENT	0x21
#define TAG_MASK	0x00ffffffffffffffUL

static void user_signal(struct regs *regs, int sig, int code, uint64_t address, uint64_t esr)
{
	const struct user_exception e = {
		.sig = sig, .code = code, .address = address, .error = (uint32_t)esr,
	};

	user_exception_upcall(regs, &e);
}

/* Hand a translation or permission fault on; false if the kernel must deal with it. */
static bool fault_upcall(struct regs *regs, uint64_t esr, uint64_t far, bool user)
{
	unsigned int ec = ESR_EC(esr);
	struct fault f = {
		.address = far, .user = user, .error = (uint32_t)esr,
		.present = fault_class(esr) == FSC_PERMISSION,
	};

	if (fault_class(esr) == FSC_ACCESS_FLAG && arm64_set_accessed(far))
		return true;
	if (ec == EC_IABT_LOW || ec == EC_IABT_CUR)
		f.access = FAULT_EXEC;
	else if (esr & ESR_WNR && !(esr & ESR_CM))
		f.access = FAULT_WRITE;
	return page_fault_upcall(regs, &f);
}

static void user_abort(struct regs *regs, uint64_t esr, uint64_t far)
{
	/* Bit 55 chooses the half; in the user's, the top byte is the program's. */
	if (!(far >> 55 & 1))
		far &= TAG_MASK;
	switch (fault_class(esr)) {
	case FSC_TRANSLATION:
	case FSC_ACCESS_FLAG:
	case FSC_PERMISSION:
	case FSC_ADDRESS_SIZE:
		fault_upcall(regs, esr, far, true);
		return;
	case FSC_OTHER:
		break;
	}
	if (ESR_FSC(esr) == FSC_ALIGNMENT)
		user_signal(regs, SIGBUS, BUS_ADRALN, far, esr);
	else
		user_signal(regs, SIGBUS, BUS_OBJERR, esr & ESR_FNV ? 0 : far, esr);
}

/* FP exception: the most severe of the flags in the syndrome, if it holds them (TFV). */
static void user_fp_exception(struct regs *regs, uint64_t esr)
{
	int code = FPE_FLTUNK;

	if (esr & 1 << 23) {
		if (esr & 1)
			code = FPE_FLTINV;
		else if (esr & 2)
			code = FPE_FLTDIV;
		else if (esr & 4)
			code = FPE_FLTOVF;
		else if (esr & 8)
			code = FPE_FLTUND;
		else if (esr & 16)
			code = FPE_FLTRES;
	}
	user_signal(regs, SIGFPE, code, regs->pc, esr);
}

static void user_undefined(struct regs *regs, uint64_t esr)
{
	uint32_t insn;

	if (arch_get_user32(&insn, UADDR(regs->pc)) == 0 && arm64_emulate_mrs(regs, insn))
		return;
	user_signal(regs, SIGILL, ILL_ILLOPC, regs->pc, esr);
}

void arm64_user_fault(struct regs *regs, uint64_t esr, uint64_t far)
{
	switch (ESR_EC(esr)) {
	case EC_DABT_LOW:
	case EC_IABT_LOW:
		user_abort(regs, esr, far);
		break;
	case EC_UNKNOWN:
		user_undefined(regs, esr);
		break;
	case EC_SYS64:
		if (!arm64_emulate_sys64(regs, esr))
			user_signal(regs, SIGILL, ILL_ILLOPC, regs->pc, esr);
		break;
	case EC_WFX:
		regs->pc += 4;			/* a hint, and it may do nothing */
		break;
	case EC_PC_ALIGN:
		user_signal(regs, SIGBUS, BUS_ADRALN, far, esr);
		break;
	case EC_SP_ALIGN:
		user_signal(regs, SIGBUS, BUS_ADRALN, regs->sp, esr);
		break;
	case EC_FP64:
	case EC_FP32:
		user_fp_exception(regs, esr);
		break;
	case EC_BRK64:
		user_signal(regs, SIGTRAP, TRAP_BRKPT, regs->pc, esr);
		break;
	case EC_STEP_LOW:
		user_signal(regs, SIGTRAP, TRAP_TRACE, regs->pc, esr);
		break;
	case EC_BREAKPT_LOW:
		user_signal(regs, SIGTRAP, TRAP_HWBKPT, regs->pc, esr);
		break;
	case EC_WATCHPT_LOW:
		user_signal(regs, SIGTRAP, TRAP_HWBKPT, far, esr);
		break;
	default:				/* SVE, SME, PAC, BTI, illegal state, ... */
		user_signal(regs, SIGILL, ILL_ILLOPC, regs->pc, esr);
		break;
	}
}

/* Nothing here makes AArch32 state, so this is a guard; the frame cannot go back as it is. */
void arm64_user_aarch32(struct regs *regs)
{
	regs->pstate &= PSTATE_NZCV;
	user_signal(regs, SIGILL, ILL_ILLOPC, regs->pc, 0);
}

static __noreturn void kernel_die(struct regs *regs, uint64_t esr, uint64_t far)
{
	log_emerg("%s, ESR %#llx, address %#llx", class_name(esr), (unsigned long long)esr,
		  (unsigned long long)far);
	panic_fault(regs, class_name(esr), far);
}

static bool fixup_exception(struct regs *regs)
{
	uint64_t fixup = extable_find(regs->pc);

	if (!fixup)
		return false;
	regs->pc = fixup;
	return true;
}

/*
 * A permission fault while PAN is on may be PAN's: an access outside the uaccess routines, which
 * would be "served" and tried again for ever. LDTR and STTR, to which PAN means nothing, have an
 * exception entry.
 */
static void kernel_abort(struct regs *regs, uint64_t esr, uint64_t far)
{
	enum fault_class class = fault_class(esr);

	if (class != FSC_OTHER && far < USER_TOP) {
		bool may_serve = class != FSC_PERMISSION || !(regs->pstate & PSTATE_PAN) ||
				 extable_find(regs->pc);

		if (may_serve && fault_upcall(regs, esr, far, false))
			return;
	} else if (class == FSC_ACCESS_FLAG && arm64_set_accessed(far)) {
		return;
	}
	if (!fixup_exception(regs))
		kernel_die(regs, esr, far);
}

void arm64_kernel_fault(struct regs *regs, uint64_t esr, uint64_t far)
{
	if (ESR_EC(esr) == EC_DABT_CUR)
		kernel_abort(regs, esr, far);
	else if (ESR_EC(esr) != EC_UNKNOWN || !fixup_exception(regs))
		kernel_die(regs, esr, far);
}

/*
 * An asynchronous external abort. With RAS (DFSC 0x11) a corrected or restartable one
 * goes on (AET); any other has lost something.
 */
void arm64_serror(struct regs *regs, uint64_t esr)
{
	if (!(esr & 1 << 24) && ESR_FSC(esr) == 0x11) {
		uint64_t aet = esr >> 10 & 7;

		if (aet == 2 || aet == 6) {
			log_warn("SError, recovered: ESR %#llx", (unsigned long long)esr);
			return;
		}
	}
	kernel_die(regs, esr, 0);
}

__noreturn void arm64_invalid(struct regs *regs, uint64_t esr)
{
	log_emerg("an exception vector that is never used was taken");
	kernel_die(regs, esr, 0);
}

__noreturn void arm64_bad_stack(struct regs *regs, uint64_t esr, uint64_t far)
{
	static uint32_t entered;
	const struct thread *t = arch_current();

	/* A second one, while the first prints or on another CPU: the stack below us is in use. */
	if (__atomic_exchange_n(&entered, 1, __ATOMIC_RELAXED))
		arch_halt();
	log_emerg("kernel stack overflow: sp %#llx, stack %p-%p", (unsigned long long)regs->sp,
		  t->stack, (char *)t->stack + THREAD_STACK_SIZE);
	log_emerg("%s, ESR %#llx, address %#llx", class_name(esr), (unsigned long long)esr,
		  (unsigned long long)far);
	panic_fault(regs, "kernel stack overflow", regs->sp);
}
