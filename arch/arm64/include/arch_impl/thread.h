/* SPDX-License-Identifier: MIT */
/*
 * What a thread keeps for the CPU while it does not run.
 */
#ifndef ARCH_IMPL_THREAD_H
#define ARCH_IMPL_THREAD_H

#include <lib/types.h>

struct thread;
struct regs;

/*
 * Where struct thread has its .arch: right behind the 16-byte struct thread_core; asserted in
 * thread.c.
 */
#define THREAD_ARCH_OFFSET	16

struct arm64_fpsimd {			/* the layout of NT_PRFPREG */
	unsigned __int128 vregs[32];
	uint32_t fpsr, fpcr;
	uint32_t reserved[2];
};

enum arm64_thread_flags {
	ARM64_USER	= 1 << 0,	/* has user FP/SIMD and TLS state */
	ARM64_STEP	= 1 << 1,	/* single-steps in user mode */
	ARM64_DEBUG	= 1 << 2,	/* has breakpoints or watchpoints */
};

/* All fields: own thread, or switched out. */
struct arch_thread {
	uint64_t x19_x30[12];		/* x19-x28, fp, lr */
	uint64_t sp;
	uint64_t percpu_offset;		/* of the CPU it runs on */
	uint64_t tls;			/* TPIDR_EL0 */
	uint64_t flags;			/* enum arm64_thread_flags */
	struct arm64_debug *debug;	/* NULL: never had any */
	struct arm64_fpsimd fp;
};

static inline struct thread *arch_current(void)
{
	struct thread *t;

	/* Not volatile: the register holds the same value whenever this thread runs. */
	__asm__("mrs %0, tpidr_el1" : "=r"(t));
	return t;
}

/*
 * struct thread goes on with the stack behind .arch, and the frame is on top of it; asserted in
 * thread.c.
 */
#define ARM64_STACK_SIZE	16384
#define ARM64_REGS_SIZE		288

static inline struct regs *arch_user_regs(const struct thread *t)
{
	char *stack = *(char *const *)((const char *)t + THREAD_ARCH_OFFSET +
				       sizeof(struct arch_thread));

	return (struct regs *)(stack + ARM64_STACK_SIZE - ARM64_REGS_SIZE);
}

#endif
