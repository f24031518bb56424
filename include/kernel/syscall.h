/* SPDX-License-Identifier: MIT */
/*
 * The system-call table and what stands around a call. Handlers are declared in
 * <generated/syscall_protos.h>; the rows are in kernel/syscall/syscalls.tbl.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <lib/compiler.h>
#include <lib/types.h>
#include <uapi/errno.h>

#include <generated/syscall_nr.h>

struct regs;

struct syscall_entry {
	long (*call)(struct regs *regs);	/* loads the arguments and calls the handler */
	uint64_t caps;			/* capability classes that it needs: CAP_CLASS_* bits */
};

/* Dense: numbers without a handler answer -ENOSYS and need no capability. */
extern const struct syscall_entry syscall_table[SYSCALL_TABLE_SIZE];

/*
 * ptrace's stops around a call of a thread with WORK_PTRACE. enter() may change number and
 * arguments in the frame; false: do not run the call, the result stands in the frame already.
 */
struct syscall_stops {
	bool (*enter)(struct regs *regs);
	void (*exit)(struct regs *regs);
};

/* Once, at boot. */
void syscall_stops_register(const struct syscall_stops *stops);

/* Run call @nr with the arguments in @regs, capability test included; its result or -errno. */
long syscall_dispatch(struct regs *regs, uint64_t nr);

#endif
