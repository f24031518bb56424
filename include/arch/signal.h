/* SPDX-License-Identifier: MIT */
/*
 * User signal frames: exact Linux layout for the architecture, FP/SIMD state included.
 */
#ifndef ARCH_SIGNAL_H
#define ARCH_SIGNAL_H

#include <lib/types.h>
#include <lib/compiler.h>
#include <uapi/signal.h>

struct regs;

struct signal_frame_args {
	int sig;
	const struct sigaction *action;	/* handler, flags, restorer */
	const struct siginfo *info;
	sigset_t mask;			/* to be restored by rt_sigreturn */
	const stack_t *altstack;	/* current settings, saved in the frame */
	uint64_t stack_top;		/* where to build: sp or the alternate stack's top */
	uint64_t fault_trapno, fault_error, fault_address;	/* last fault, for sigcontext */
};

/*
 * Build a signal frame on the user's stack and aim @regs at the handler.
 * Sleeps (user copies).  -EFAULT when the stack is not writable; then @regs is unchanged.
 */
__must_check int arch_signal_push(struct regs *regs, const struct signal_frame_args *args);

/*
 * rt_sigreturn: restore @regs and FP/SIMD state from the user's frame, and give
 * the mask and altstack saved there.  -EFAULT/-EINVAL: the frame is bad, the caller kills.
 */
__must_check int arch_signal_pop(struct regs *regs, sigset_t *mask, stack_t *altstack);

/* Largest frame arch_signal_push() can need on this CPU: AT_MINSIGSTKSZ. */
size_t arch_signal_frame_size(void);

#endif
