/* SPDX-License-Identifier: MIT */
/*
 * The registers that entry.S saves. The first 34 words have the layout of NT_PRSTATUS.
 */
#ifndef ARCH_IMPL_REGS_H
#define ARCH_IMPL_REGS_H

#include <arch_impl/sysreg.h>

struct regs {
	uint64_t x[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t pstate;
	uint64_t orig_x0;		/* argument 0 of a system call; x[0] becomes the result */
	/* its number; negative: not a system call, or not to be restarted */
	int32_t syscall;
	uint32_t unused;
};

_Static_assert(sizeof(struct regs) % 16 == 0, "the stack stays aligned");

static inline bool regs_is_user(const struct regs *r)
{
	return !(r->pstate & PSTATE_MODE);
}

static inline uint64_t regs_pc(const struct regs *r)
{
	return r->pc;
}

static inline uint64_t regs_sp(const struct regs *r)
{
	return r->sp;
}

static inline uint64_t regs_fp(const struct regs *r)
{
	return r->x[29];
}

static inline void regs_set_pc(struct regs *r, uint64_t pc)
{
	r->pc = pc;
}

static inline void regs_set_sp(struct regs *r, uint64_t sp)
{
	r->sp = sp;
}

static inline bool regs_irqs_on(const struct regs *r)
{
	return !(r->pstate & PSTATE_I);
}

static inline uint64_t regs_syscall_nr(const struct regs *r)
{
	return (uint32_t)r->syscall;
}

static inline uint64_t regs_syscall_arg(const struct regs *r, unsigned int n)
{
	return n ? r->x[n] : r->orig_x0;
}

static inline void regs_set_return(struct regs *r, int64_t value)
{
	r->x[0] = (uint64_t)value;
}

static inline int64_t regs_return(const struct regs *r)
{
	return (int64_t)r->x[0];
}

static inline bool regs_is_syscall(const struct regs *r)
{
	return r->syscall >= 0;
}

static inline void regs_no_restart(struct regs *r)
{
	r->syscall = -1;
}

#define ARCH_RESULT_IS_ARGUMENT	1

static inline void regs_set_restarted_nr(struct regs *r, uint64_t nr)
{
	r->x[8] = nr;
}

static inline void regs_restart_syscall(struct regs *r, uint64_t nr)
{
	r->x[0] = r->orig_x0;
	r->x[8] = nr;
	r->pc -= 4;
	r->syscall = -1;
}

#endif
