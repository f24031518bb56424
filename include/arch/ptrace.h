/* SPDX-License-Identifier: MIT */
/*
 * What a debugger and a core file see of a thread's CPU state: register sets in Linux's layout, and
 * the requests that only one architecture has.
 */
#ifndef ARCH_PTRACE_H
#define ARCH_PTRACE_H

#include <lib/compiler.h>
#include <lib/types.h>

struct regs;
struct thread;

/*
 * A register set by its note type.  The thread is stopped and off its CPU, or (get only) the
 * caller itself.
 */
struct regset {
	uint32_t note;			/* NT_* of <uapi/elf.h> */
	uint32_t unit;			/* lengths are multiples of this */
	bool in_core;			/* core files have it */
	size_t (*size)(const struct thread *t);		/* bytes; 0: this CPU has no such set */
	/* All of it into @buf, of size() bytes, which is cleared before.  -ENOMEM */
	int (*get)(struct thread *t, void *buf);
	/*
	 * @buf as get() filled it, with what the debugger changed.  NULL: cannot be set.  -EINVAL
	 */
	int (*set)(struct thread *t, const void *buf);
};
extern const struct regset arch_regsets[];	/* ends with note 0; NT_PRSTATUS is the first */

/* Requests of this architecture only; -EIO for all others. */
long arch_ptrace(struct thread *t, long request, uint64_t addr, uint64_t data);

/* AUDIT_ARCH_* of the calls that user mode makes. */
extern const uint32_t arch_audit;

/*
 * A debugger was at the frame between a system call's entry and its start: what it changed becomes
 * the call's number and arguments.  False: the number is -1 now, and the call is not made.
 */
bool arch_syscall_changed(struct regs *regs);

/* siginfo.si_code of the trap reported when a stepped thread has made a system call. */
extern const int arch_step_code;

/* All breakpoints and watchpoints of the calling thread go: exec, and detaching a stopped @t. */
void arch_debug_clear(struct thread *t);

#endif
