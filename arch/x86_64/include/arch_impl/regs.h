/* SPDX-License-Identifier: MIT */
/*
 * The frame at every kernel entry: Linux's pt_regs, which is also user_regs_struct's beginning.
 *
 * orig_ax is the system call number while the frame belongs to a call, and -1 otherwise.
 * The system call's fast exit restores only what user mode may not lose and leaves the callee-saved
 * registers as C preserved them; it is taken only while orig_ax >= 0.  So whoever
 * writes another register than the result into a frame sets orig_ax to -1 (all inlines here do).
 */
#ifndef ARCH_IMPL_REGS_H
#define ARCH_IMPL_REGS_H

#include <lib/types.h>

struct regs {
	uint64_t r15, r14, r13, r12, bp, bx;
	uint64_t r11, r10, r9, r8, ax, cx, dx, si, di;
	uint64_t orig_ax;
	uint64_t ip, cs, flags, sp, ss;
};

static inline bool regs_is_user(const struct regs *r)
{
	return r->cs & 3;
}

static inline uint64_t regs_pc(const struct regs *r)
{
	return r->ip;
}

static inline uint64_t regs_sp(const struct regs *r)
{
	return r->sp;
}

static inline uint64_t regs_fp(const struct regs *r)
{
	return r->bp;
}

static inline void regs_no_restart(struct regs *r)
{
	r->orig_ax = (uint64_t)-1;
}

static inline void regs_set_pc(struct regs *r, uint64_t pc)
{
	r->ip = pc;
	regs_no_restart(r);
}

static inline void regs_set_sp(struct regs *r, uint64_t sp)
{
	r->sp = sp;
	regs_no_restart(r);
}

static inline bool regs_irqs_on(const struct regs *r)
{
	return r->flags & 0x200;
}

static inline uint64_t regs_syscall_nr(const struct regs *r)
{
	return r->orig_ax;
}

static inline uint64_t regs_syscall_arg(const struct regs *r, unsigned int n)
{
	switch (n) {
	case 0: return r->di;
	case 1: return r->si;
	case 2: return r->dx;
	case 3: return r->r10;
	case 4: return r->r8;
	case 5: return r->r9;
	}
	return 0;
}

static inline void regs_set_return(struct regs *r, int64_t value)
{
	r->ax = (uint64_t)value;
}

static inline int64_t regs_return(const struct regs *r)
{
	return (int64_t)r->ax;
}

static inline bool regs_is_syscall(const struct regs *r)
{
	return (int64_t)r->orig_ax >= 0;
}

#define ARCH_RESULT_IS_ARGUMENT	0

static inline void regs_set_restarted_nr(struct regs *r, uint64_t nr)
{
	r->ax = nr;
}

/* SYSCALL is two bytes long. */
static inline void regs_restart_syscall(struct regs *r, uint64_t nr)
{
	r->ax = nr;
	r->ip -= 2;
	regs_no_restart(r);
}

#endif
