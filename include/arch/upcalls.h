/* SPDX-License-Identifier: MIT */
/*
 * What a port calls in the generic kernel.  All other calls go the other way.
 */
#ifndef ARCH_UPCALLS_H
#define ARCH_UPCALLS_H

#include <lib/types.h>
#include <lib/compiler.h>
#include <arch/cpu.h>

struct regs;

/*
 * Thread 0, the generic kernel's, statically allocated: arch_current() is this from the first C
 * code on.  The port sets its stack to the boot stack, of THREAD_STACK_SIZE bytes.
 */
struct thread;
extern struct thread boot_thread;

/* The boot CPU: MMU on with the boot tables, boot_info filled, interrupts masked, boot stack. */
__noreturn void kernel_main(void);

/* Another CPU: final kernel page tables, interrupts masked, on the stack it was given. */
__noreturn void secondary_main(unsigned int cpu);

/*
 * A device interrupt.  @irq is a kernel interrupt number (kernel/irq.h); the
 * controller's end-of-interrupt is the caller's.  Interrupts masked.  Between
 * irq_enter() and irq_exit(), which the entry path calls around all of
 * irq/timer/ipi upcalls; irq_exit() may preempt (with interrupts masked).
 */
void irq_upcall(unsigned int irq);
void timer_upcall(void);
void ipi_upcall(enum ipi kind);
void irq_enter(struct regs *regs);
void irq_exit(struct regs *regs);

enum fault_access {
	FAULT_READ	= 0,
	FAULT_WRITE	= 1,
	FAULT_EXEC	= 2,
};

struct fault {
	uint64_t address;
	enum fault_access access;
	bool user;			/* taken in user mode */
	bool present;			/* a protection fault, not a missing translation */
	uint32_t trapno, error;		/* as the hardware says: for sigcontext */
};

/*
 * A page fault, from user mode or on a kernel access to user memory.  Interrupts as
 * in the interrupted context (unmasked for user mode).  True: retry the
 * instruction.  False: a kernel-mode access that cannot be served; the port
 * applies its exception table or panics.  Faults from user mode always return
 * true: a signal is then pending where it could not be served.
 */
bool page_fault_upcall(struct regs *regs, const struct fault *fault);

struct user_exception {
	int sig, code;			/* SIGFPE and FPE_INTDIV, ... */
	uint64_t address;		/* si_addr */
	uint32_t trapno, error;		/* for sigcontext */
};

/* Any other fault of user mode: becomes a signal.  Interrupts unmasked. */
void user_exception_upcall(struct regs *regs, const struct user_exception *e);

/*
 * A system call.  Interrupts unmasked.  The port stores the answer in the frame, as
 * regs_set_return() does.
 */
long syscall_upcall(struct regs *regs);

/*
 * Before every return to user mode with any bit of the thread's work word set
 * (the port tests current->work, with interrupts masked).  Called with interrupts
 * masked, returns with interrupts masked and nothing left to do.
 */
void exit_to_user_upcall(struct regs *regs);

/*
 * First C code of a new thread on its own stack: finishes the switch, unmasks, calls @entry if
 * given.
 */
void thread_start(void (*entry)(void *arg), void *arg);

/* The fix-up address for a faulting kernel instruction, 0 when there is none. */
uint64_t extable_find(uint64_t pc);

#endif
