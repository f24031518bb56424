/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine: only for a broken kernel invariant.
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <lib/compiler.h>
#include <lib/types.h>

struct regs;

/*
 * Print, with a symbolised backtrace and the running thread; halt the others; exit, reboot or stop.
 */
__noreturn __cold __printf(1, 2) void panic(const char *fmt, ...);
/* The same for a fault in the kernel, with its registers. */
__noreturn __cold void panic_fault(struct regs *regs, const char *what, uint64_t address);

/* Give the library its hooks: names for %pS, reports of misused reference counts. */
void panic_init(void);

/*
 * Who tells the outside of a panic, after all was printed: called with interrupts masked, alone,
 * in no order.  In memory that stays.
 */
struct panic_hook {
	void (*fn)(struct panic_hook *h);	/* [I] must not wait */
	struct panic_hook *next;		/* [A] */
};
void panic_hook_add(struct panic_hook *h);

/* Print the caller's call chain to the log. */
void backtrace_print(uint64_t fp);

/* "name+0x12/0x80" for a kernel text address; the bare number when the table has no name. */
size_t symbol_format(uint64_t pc, char *buf, size_t size);
/* May @pc be the address of kernel code? */
bool symbol_is_text(uint64_t pc);

extern bool panic_in_progress;

#endif
