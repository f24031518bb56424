/* SPDX-License-Identifier: MIT */
/*
 * The signal frame of arm64 Linux. From high to low addresses on the user's stack:
 *
 *	frame record {x29, x30} of the interrupted code, which x29 points to
 *	struct rt_sigframe: siginfo, ucontext with the records fpsimd, [esr], end
 *
 * The frame is written record by record: all of it would not fit a kernel stack frame.
 */
#include <arch/irq.h>
#include <arch/signal.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <uapi/sigframe.h>
#include <generated/vdso-offsets.h>
#include <arch_impl/arm64.h>

#define FRAME(member)	offset_of(struct rt_sigframe, member)
#define RECORDS		FRAME(uc.uc_mcontext.__reserved)

struct frame_record {
	uint64_t fp, lr;
};

size_t arch_signal_frame_size(void)
{
	return sizeof(struct rt_sigframe) + sizeof(struct frame_record) + 16;
}

/* Saves the live FP/SIMD registers and copies them out as a record. */
static int put_fpsimd(uaddr_t at)
{
	struct arm64_fpsimd *fp = &arch_current()->arch.fp;
	const struct _aarch64_ctx head = { FPSIMD_MAGIC, sizeof(struct fpsimd_context) };
	uint32_t status[2];
	unsigned long flags = arch_irq_save();

	arm64_fp_save(fp);
	arch_irq_restore(flags);
	status[0] = fp->fpsr;
	status[1] = fp->fpcr;
	/* A switch meanwhile saves the same values again: the thread is here, not in user mode. */
	if (copy_to_user(at, &head, sizeof(head)) ||
	    copy_to_user(uaddr_add(at, offset_of(struct fpsimd_context, fpsr)), status,
			 sizeof(status)) ||
	    copy_to_user(uaddr_add(at, offset_of(struct fpsimd_context, vregs)), fp->vregs,
			 sizeof(fp->vregs)))
		return -EFAULT;
	return 0;
}

/* fpsimd, esr if a fault address is known, and the end. */
static int put_records(uaddr_t at, const struct signal_frame_args *args)
{
	const struct _aarch64_ctx end = { 0, 0 };
	struct esr_context esr = {
		.head = { ESR_MAGIC, sizeof(esr) }, .esr = args->fault_error,
	};

	if (put_fpsimd(at))
		return -EFAULT;
	at = uaddr_add(at, sizeof(struct fpsimd_context));
	if (args->fault_error) {
		if (copy_to_user(at, &esr, sizeof(esr)))
			return -EFAULT;
		at = uaddr_add(at, sizeof(esr));
	}
	return copy_to_user(at, &end, sizeof(end));
}

static int put_context(uaddr_t frame, const struct regs *regs, const struct signal_frame_args *args)
{
	struct {
		uint64_t flags, link;
		stack_t stack;
		sigset_t mask;
	} uc = { .stack = *args->altstack, .mask = args->mask };
	uint64_t fault_address = args->fault_address;

	_Static_assert(sizeof(uc) == offset_of(struct ucontext, __unused),
		       "head of struct ucontext");
	/* regs, sp, pc, pstate of sigcontext are the head of struct regs. */
	if (copy_to_user(uaddr_add(frame, FRAME(uc)), &uc, sizeof(uc)) ||
	    clear_user(uaddr_add(frame, FRAME(uc.__unused)),
		       sizeof(((struct ucontext *)0)->__unused)) ||
	    copy_to_user(uaddr_add(frame, FRAME(uc.uc_mcontext.fault_address)), &fault_address,
			 8) ||
	    copy_to_user(uaddr_add(frame, FRAME(uc.uc_mcontext.regs)), regs,
			 offset_of(struct regs, orig_x0)))
		return -EFAULT;
	return put_records(uaddr_add(frame, RECORDS), args);
}

int arch_signal_push(struct regs *regs, const struct signal_frame_args *args)
{
	const struct sigaction *action = args->action;
	struct frame_record record = { regs->x[29], regs->x[30] };
	uint64_t record_at = ((args->stack_top & ~15UL) - sizeof(record)) & ~15UL;
	uint64_t frame = record_at - align_up(sizeof(struct rt_sigframe), 16);

	if (args->stack_top < arch_signal_frame_size())
		return -EFAULT;
	if (put_context(UADDR(frame), regs, args) ||
	    copy_to_user(UADDR(frame + FRAME(info)), args->info, sizeof(*args->info)) ||
	    copy_to_user(UADDR(record_at), &record, sizeof(record)))
		return -EFAULT;

	regs->x[0] = (uint64_t)args->sig;
	if (action->sa_flags & SA_SIGINFO) {
		regs->x[1] = frame + FRAME(info);
		regs->x[2] = frame + FRAME(uc);
	}
	regs->x[29] = record_at;
	regs->x[30] = action->sa_flags & SA_RESTORER ? action->sa_restorer :
		      current_thread()->aspace->vdso + VDSO_RT_SIGRETURN;
	regs->sp = frame;
	regs->pc = action->sa_handler;
	regs->pstate &= ~(PSTATE_SS | PSTATE_BTYPE | PSTATE_TCO);
	return 0;
}

/* Put a record's values into the thread and the CPU at once. */
static int get_fpsimd(uaddr_t at)
{
	struct arm64_fpsimd *own = &arch_current()->arch.fp;
	struct arm64_fpsimd fp;
	uint32_t status[2];
	unsigned long flags;

	if (copy_from_user(status, uaddr_add(at, offset_of(struct fpsimd_context, fpsr)),
			   sizeof(status)) ||
	    copy_from_user(fp.vregs, uaddr_add(at, offset_of(struct fpsimd_context, vregs)),
			   sizeof(fp.vregs)))
		return -EFAULT;
	flags = arch_irq_save();
	memcpy(own->vregs, fp.vregs, sizeof(fp.vregs));
	own->fpsr = status[0];
	own->fpcr = status[1];
	arm64_fp_load(own);
	arch_irq_restore(flags);
	return 0;
}

/* Walk the records: exactly one fpsimd, any that say nothing to us but are known, the end. */
static int get_records(uaddr_t frame)
{
	uint32_t off = 0, fpsimd = 0;
	const uint32_t size = size_of_member(struct sigcontext, __reserved);
	struct _aarch64_ctx head;

	for (;;) {
		if (size - off < sizeof(head) ||
		    copy_from_user(&head, uaddr_add(frame, RECORDS + off), sizeof(head)))
			return -EFAULT;
		if (!head.magic && !head.size)
			break;
		if (head.size % 16 || head.size < sizeof(head) || head.size > size - off)
			return -EINVAL;
		if (head.magic == FPSIMD_MAGIC) {
			if (fpsimd || head.size != sizeof(struct fpsimd_context))
				return -EINVAL;
			fpsimd = (uint32_t)RECORDS + off;
		} else if (head.magic != ESR_MAGIC) {
			return -EINVAL;
		}
		off += head.size;
	}
	return fpsimd ? get_fpsimd(uaddr_add(frame, fpsimd)) : -EINVAL;
}

/* What user mode may have in PSTATE; the rest is taken from now. */
static bool pstate_is_valid(uint64_t pstate)
{
	return !(pstate & (PSTATE_MODE | PSTATE_AARCH32 | PSTATE_DAIF | PSTATE_PAN));
}

int arch_signal_pop(struct regs *regs, sigset_t *mask, stack_t *altstack)
{
	const uint64_t keep = PSTATE_NZCV | PSTATE_DIT | PSTATE_SSBS | PSTATE_BTYPE | PSTATE_TCO;
	uaddr_t frame = UADDR(regs->sp);
	struct regs saved = *regs;
	sigset_t new_mask;
	stack_t new_stack;
	int err;

	if (regs->sp & 15)
		return -EFAULT;
	if (copy_from_user(&new_mask, uaddr_add(frame, FRAME(uc.uc_sigmask)), sizeof(new_mask)) ||
	    copy_from_user(&new_stack, uaddr_add(frame, FRAME(uc.uc_stack)), sizeof(new_stack)) ||
	    copy_from_user(&saved, uaddr_add(frame, FRAME(uc.uc_mcontext.regs)),
			   offset_of(struct regs, orig_x0)))
		return -EFAULT;
	if (!pstate_is_valid(saved.pstate))
		return -EINVAL;
	err = get_records(frame);
	if (err)
		return err;
	saved.pstate = (saved.pstate & keep) | (regs->pstate & PSTATE_SS);
	regs_no_restart(&saved);
	*regs = saved;
	*mask = new_mask;
	*altstack = new_stack;
	return 0;
}
