/* SPDX-License-Identifier: MIT */
/*
 * What a thread is to the CPU: a kernel stack, callee-saved registers, FP/SIMD
 * state, a TLS pointer.  <arch_impl/thread.h> defines struct arch_thread, which
 * struct thread embeds as .arch.
 */
#ifndef ARCH_THREAD_H
#define ARCH_THREAD_H

#include <lib/types.h>
#include <lib/compiler.h>
#include <arch_impl/thread.h>

struct thread;
struct regs;
struct aspace;

/* The running thread.  One instruction; valid from the first C code on. */
static inline struct thread *arch_current(void);

/*
 * The frame of the last entry from user mode: at the top of the kernel stack.
 * Only for threads with an address space.
 */
static inline struct regs *arch_user_regs(const struct thread *t);

/*
 * Prepare @t, whose kernel stack is [t->stack, t->stack + THREAD_STACK_SIZE), to
 * run thread_start(@entry, @arg) in kernel mode when it is first switched to.
 * It arrives there with interrupts masked, as every switched-to thread does.
 */
void arch_thread_init(struct thread *t, void (*entry)(void *arg), void *arg);

struct arch_fork {
	uint64_t stack;			/* user stack pointer; 0: the parent's */
	uint64_t tls;
	bool set_tls;			/* else the parent's TLS */
};

/*
 * Prepare @child to return to user mode from the system call that @regs shows,
 * with result 0.  Copies FP/SIMD state of the calling thread.  When first
 * switched to, @child runs thread_start(NULL, NULL), which returns, and then
 * leaves through the port's user exit path.  -ENOMEM.
 */
__must_check int arch_thread_fork(struct thread *child, const struct regs *regs,
				  const struct arch_fork *args);

/* Give back what the port allocated for @t (FP/SIMD area).  @t never runs again. */
void arch_thread_free(struct thread *t);

/*
 * Forget all user state of the calling thread (registers, FP/SIMD, TLS, debug) and
 * make its frame start user code at @entry with stack @sp.  For execve.
 */
void arch_thread_exec(struct regs *regs, uint64_t entry, uint64_t sp);

/* A fresh FP/SIMD state for the first user thread; -ENOMEM.  Called before arch_thread_exec(). */
__must_check int arch_thread_init_user(struct thread *t);

/*
 * Switch from @prev to @next: stacks, callee-saved registers, FP/SIMD, TLS.
 * Interrupts masked, run queue lock held.  Address spaces are switched
 * before by arch_aspace_switch().  Returns on @next's stack, with the thread that
 * ran before @next resumed here.
 */
struct thread *arch_switch(struct thread *prev, struct thread *next);

/* The user's TLS pointer of @t; for clone, arch_prctl and ptrace.  @t is current or stopped. */
void arch_set_tls(struct thread *t, uint64_t tls);
uint64_t arch_tls(const struct thread *t);

/*
 * Have @t, current or stopped, with user frame @regs, stop after one user instruction
 * (SIGTRAP, TRAP_TRACE), again and again until _disable.  For ptrace.
 */
void arch_single_step_enable(struct thread *t, struct regs *regs);
void arch_single_step_disable(struct thread *t, struct regs *regs);
bool arch_single_step_is_on(const struct thread *t);

/*
 * A call chain for people.  Walks at most @max return addresses of the
 * frame at @fp (0: the caller's) into @pcs; never faults.  Returns the count.
 */
unsigned int arch_backtrace(uint64_t fp, uint64_t *pcs, unsigned int max);

#endif
