/* SPDX-License-Identifier: MIT */
/* Hardware breakpoints and watchpoints of a debugger: debug.c. */
#ifndef ARCH_IMPL_DEBUG_H
#define ARCH_IMPL_DEBUG_H

#include <lib/compiler.h>
#include <lib/types.h>

struct regs;
struct thread;

#define DR6_RESERVED	0xffff0ff0UL	/* reads as ones; a bit that reports is 1 */
#define DR6_TRAPS	0xfUL
#define DR6_STEP	(1UL << 14)

/* What a debugger set, for as long as the thread lives once it did. */
struct x86_debug {
	uint64_t address[4];
	uint64_t control;		/* DR7, as given */
};

/* The thread is stopped.  Numbers 0..7; 4 and 5 do not exist: 0, and -EIO. */
uint64_t x86_debug_get(struct thread *t, unsigned int n);
__must_check long x86_debug_set(struct thread *t, unsigned int n, uint64_t value);

/* Interrupts masked: exchange the registers when either thread uses them. */
void x86_debug_switch(const struct thread *prev, const struct thread *next);

/* Read and clear DR6; noted for the calling thread.  From user mode or in the kernel. */
uint64_t x86_debug_status(struct regs *regs);

#endif
