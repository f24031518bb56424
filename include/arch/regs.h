/* SPDX-License-Identifier: MIT */
/*
 * struct regs: the registers saved at an entry to the kernel, and what they mean.
 * <arch_impl/regs.h> defines the structure and these inlines.
 */
#ifndef ARCH_REGS_H
#define ARCH_REGS_H

#include <lib/types.h>
#include <lib/compiler.h>

struct regs;
struct thread;

static inline bool regs_is_user(const struct regs *r);
static inline uint64_t regs_pc(const struct regs *r);
static inline uint64_t regs_sp(const struct regs *r);
static inline uint64_t regs_fp(const struct regs *r);
static inline void regs_set_pc(struct regs *r, uint64_t pc);
static inline void regs_set_sp(struct regs *r, uint64_t sp);
static inline bool regs_irqs_on(const struct regs *r);

/*
 * System calls.  The number, argument n (0..5) as the user passed it (kept
 * apart from the result, so that a restart can see it), and the result.
 * regs_is_syscall() is true while the frame belongs to a system call that may
 * still be restarted; regs_no_restart() ends that.
 */
static inline uint64_t regs_syscall_nr(const struct regs *r);
static inline uint64_t regs_syscall_arg(const struct regs *r, unsigned int n);
static inline void regs_set_return(struct regs *r, int64_t value);
static inline int64_t regs_return(const struct regs *r);
static inline bool regs_is_syscall(const struct regs *r);
static inline void regs_no_restart(struct regs *r);

/* Make the frame issue its system call once more; with another number when @nr is not its own. */
static inline void regs_restart_syscall(struct regs *r, uint64_t nr);
/* After regs_restart_syscall(): another number. */
static inline void regs_set_restarted_nr(struct regs *r, uint64_t nr);
/* ARCH_RESULT_IS_ARGUMENT: 1 where a call's result overwrites its first argument. */

/* Print all registers at level KERN for a panic or a fatal user fault. */
void regs_print(const struct regs *r);

/* Copy to and from the layout of PTRACE_GETREGSET NT_PRSTATUS (uapi user_regs). */
struct user_regs_struct;
void regs_to_user_regs(const struct thread *t, const struct regs *r, struct user_regs_struct *out);
/* -EINVAL for values user mode may not have (segment selectors, privileged flags). */
__must_check int regs_from_user_regs(struct thread *t, struct regs *r,
				     const struct user_regs_struct *in);

#include <arch_impl/regs.h>

#endif
