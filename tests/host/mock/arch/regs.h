/* SPDX-License-Identifier: MIT */
/* Host tests: the part of the register frame that system calls use. */
#pragma once

#include <lib/types.h>

struct regs {
	uint64_t nr, args[6];
	int64_t result;
};

static inline uint64_t regs_syscall_nr(const struct regs *r)
{
	return r->nr;
}

static inline uint64_t regs_syscall_arg(const struct regs *r, unsigned int n)
{
	return r->args[n];
}

static inline void regs_set_return(struct regs *r, int64_t value)
{
	r->result = value;
}

static inline int64_t regs_return(const struct regs *r)
{
	return r->result;
}
