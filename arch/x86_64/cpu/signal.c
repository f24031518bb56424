/* SPDX-License-Identifier: MIT */
/*
 * Signal frames: struct rt_sigframe below the red zone, and above it the FP/SIMD image, both
 * exactly where Linux puts them.  See <uapi/sigframe.h>.
 *
 * What sigreturn reads back is the user's: flags are masked, segments must be user mode's, the FP
 * image is checked in a kernel copy before it is loaded.
 */
#include <arch/irq.h>
#include <arch/regs.h>
#include <arch/signal.h>
#include <arch/thread.h>
#include <arch_impl/fpu.h>
#include <arch_impl/msr.h>
#include <arch_impl/segment.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <uapi/sigframe.h>

#define RED_ZONE	128
#define FP_ALIGN	64

static size_t fp_image_size(void)
{
	return fpu_area_size + (fpu_features ? FP_XSTATE_MAGIC2_SIZE : 0);
}

size_t arch_signal_frame_size(void)
{
	return RED_ZONE + sizeof(struct rt_sigframe) + fp_image_size() + FP_ALIGN + 16;
}

/* Save the live state and write it out at @dst. */
static int push_fp_state(uint64_t dst)
{
	struct fpstate *fx = arch_current()->arch.fpu;
	const uint32_t magic2 = FP_XSTATE_MAGIC2;

	/* A switch in between saves the same registers to the same place. */
	fpu_save_full(fx);
	memset(&fx->sw_reserved, 0, sizeof(fx->sw_reserved));
	if (fpu_features)
		fx->sw_reserved = (struct fpx_sw_bytes){
			.magic1 = FP_XSTATE_MAGIC1, .extended_size = (uint32_t)fp_image_size(),
			.xfeatures = fpu_features, .xstate_size = fpu_area_size,
		};
	if (copy_to_user(UADDR(dst), fx, fpu_area_size))
		return -EFAULT;
	if (fpu_features && put_user(magic2, UADDR(dst + fpu_area_size)))
		return -EFAULT;
	return 0;
}

static void fill_context(struct sigcontext *sc, const struct regs *r,
			 const struct signal_frame_args *args)
{
	/* A debugger's single step must not come back from the frame as the program's own. */
	uint64_t flags = arch_current()->arch.single_step ? r->flags & ~RFLAGS_TF : r->flags;

	*sc = (struct sigcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12,
		.r13 = r->r13, .r14 = r->r14, .r15 = r->r15, .rdi = r->di, .rsi = r->si,
		.rbp = r->bp, .rbx = r->bx, .rdx = r->dx, .rax = r->ax, .rcx = r->cx,
		.rsp = r->sp, .rip = r->ip, .eflags = flags & ~RFLAGS_RF,
		.cs = (uint16_t)r->cs, .ss = (uint16_t)r->ss,
		.err = args->fault_error, .trapno = args->fault_trapno,
		.oldmask = args->mask.v, .cr2 = args->fault_address,
	};
}

int arch_signal_push(struct regs *regs, const struct signal_frame_args *args)
{
	struct ucontext uc;		/* each field is set below: it has no padding of its own */
	uint64_t sp = args->stack_top, fp, frame;

	/*
	 * The interrupted function's red zone is below its stack pointer; a fresh alternate stack
	 * has none.
	 */
	if (sp == regs->sp)
		sp -= RED_ZONE;
	fp = (sp - fp_image_size()) & ~(uint64_t)(FP_ALIGN - 1);
	frame = ((fp - sizeof(struct rt_sigframe)) & ~15UL) - 8;
	if (frame >= USER_TOP || sp > USER_TOP || !(args->action->sa_flags & SA_RESTORER))
		return -EFAULT;
	if (push_fp_state(fp))
		return -EFAULT;
	uc.uc_flags = (fpu_features ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	uc.uc_link = 0;
	uc.uc_stack = *args->altstack;
	fill_context(&uc.uc_mcontext, regs, args);
	uc.uc_mcontext.fpstate = fp;
	uc.uc_sigmask = args->mask;
	if (put_user(args->action->sa_restorer, UADDR(frame)) ||
	    copy_to_user(UADDR(frame + offset_of(struct rt_sigframe, uc)), &uc, sizeof(uc)))
		return -EFAULT;
	if ((args->action->sa_flags & SA_SIGINFO) &&
	    copy_to_user(UADDR(frame + offset_of(struct rt_sigframe, info)), args->info,
			 sizeof(*args->info)))
		return -EFAULT;

	regs->di = (uint64_t)args->sig;
	regs->si = frame + offset_of(struct rt_sigframe, info);
	regs->dx = frame + offset_of(struct rt_sigframe, uc);
	regs->ax = 0;
	regs->ip = args->action->sa_handler;
	regs->sp = frame;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
	regs_no_restart(regs);
	return 0;
}

/* How much of the image at @src is extended state; 0: the legacy part alone. */
static size_t extended_size(const struct fpx_sw_bytes *sw, uint64_t src)
{
	uint32_t magic2;

	if (!fpu_features || sw->magic1 != FP_XSTATE_MAGIC1)
		return 0;
	if (sw->xstate_size < sizeof(struct fpstate) + sizeof(struct xstate_header) ||
	    sw->xstate_size > fpu_area_size ||
	    sw->extended_size < sw->xstate_size + FP_XSTATE_MAGIC2_SIZE)
		return 0;
	if (get_user(&magic2, UADDR(src + sw->xstate_size)) || magic2 != FP_XSTATE_MAGIC2)
		return 0;
	return sw->xstate_size;
}

/* Read the image into @area, whose content does not matter; each byte is set once. */
static int read_fp_state(void *area, uint64_t src)
{
	struct fpstate *fx = area;
	struct xstate_header *header = (void *)(fx + 1);
	uint64_t wanted;
	size_t size;

	if (copy_from_user(area, UADDR(src), sizeof(*fx)))
		return -EFAULT;
	wanted = fx->sw_reserved.xfeatures;
	size = extended_size(&fx->sw_reserved, src);
	if (size) {
		if (copy_from_user(fx + 1, UADDR(src + sizeof(*fx)), size - sizeof(*fx)))
			return -EFAULT;
		header->xfeatures &= wanted & fpu_features;
	} else {
		size = sizeof(*fx);
	}
	memset((char *)area + size, 0, fpu_area_size - size);
	if (fpu_features && size == sizeof(*fx))
		header->xfeatures = 3;		/* x87 and SSE; the rest is initial */
	return fpu_area_is_valid(area) ? 0 : -EINVAL;
}

/* Load the user's image at @src (0: the initial state) by replacing the thread's area. */
static int pop_fp_state(uint64_t src)
{
	struct thread *t = arch_current();
	void *area = fpu_area_alloc(), *old;
	unsigned long flags;
	int err = 0;

	if (!area)
		return -ENOMEM;
	if (src)
		err = read_fp_state(area, src);
	else
		fpu_area_reset(area);
	if (err) {
		fpu_area_free(area);
		return err;
	}
	flags = arch_irq_save();
	old = t->arch.fpu;
	t->arch.fpu = area;
	fpu_restore(area);
	arch_irq_restore(flags);
	fpu_area_free(old);
	return 0;
}

static bool is_canonical(uint64_t va)
{
	return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

static int restore_context(struct regs *r, const struct ucontext *uc)
{
	const struct sigcontext *sc = &uc->uc_mcontext;

	if (!is_canonical(sc->rip) || sc->cs != USER_CS)
		return -EINVAL;
	if (sc->ss != USER_DS && uc->uc_flags & UC_STRICT_RESTORE_SS)
		return -EINVAL;
	*r = (struct regs){
		.r8 = sc->r8, .r9 = sc->r9, .r10 = sc->r10, .r11 = sc->r11, .r12 = sc->r12,
		.r13 = sc->r13, .r14 = sc->r14, .r15 = sc->r15, .di = sc->rdi, .si = sc->rsi,
		.bp = sc->rbp, .bx = sc->rbx, .dx = sc->rdx, .ax = sc->rax, .cx = sc->rcx,
		.sp = sc->rsp, .ip = sc->rip, .cs = USER_CS, .ss = USER_DS,
		.flags = (r->flags & ~RFLAGS_USER) | (sc->eflags & RFLAGS_USER),
	};
	regs_no_restart(r);
	return 0;
}

int arch_signal_pop(struct regs *regs, sigset_t *mask, stack_t *altstack)
{
	struct ucontext uc;
	int err;

	/* The handler's RET popped the restorer's address. */
	if (copy_from_user(&uc, UADDR(regs->sp - 8 + offset_of(struct rt_sigframe, uc)),
			   sizeof(uc)))
		return -EFAULT;
	err = pop_fp_state(uc.uc_mcontext.fpstate);
	if (err)
		return err;
	err = restore_context(regs, &uc);
	if (err)
		return err;
	*mask = uc.uc_sigmask;
	*altstack = uc.uc_stack;
	return 0;
}
