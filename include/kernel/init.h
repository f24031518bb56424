/* SPDX-License-Identifier: MIT */
/*
 * Boot order: named levels with a promise each.  A function registered for a level may
 * use everything that the levels before it promise.
 */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <lib/compiler.h>
#include <lib/types.h>

enum init_level {
	INIT_CORE,		/* memory, threads, clocks, interrupts work; one CPU */
	/* thread context from here on: character devices and file systems can be registered */
	INIT_REGISTRY,
	INIT_SUBSYSTEM,		/* the subsystems that drivers and file systems plug into */
	INIT_DRIVER,		/* all CPUs run; drivers probe */
	INIT_FS,		/* file systems register and mount */
	INIT_LATE,		/* everything is there but PID 1 */
};

struct initcall {
	int (*fn)(void);		/* 0 or -errno, which is logged; boot goes on */
	const char *name;
	enum init_level level;
};

#define INITCALL(lvl, function)							\
	static const struct initcall __initcall_##function			\
	__used __section(".initcalls") __aligned(8) =				\
		{ .fn = function, .name = #function, .level = lvl }

/* Code and data that are given back after boot. */
#define __init		__section(".init.text") __cold
#define __initdata	__section(".init.data")

/* The value of boot argument @name ("name=value"), "" for a bare "name", NULL when absent. */
const char *boot_arg(const char *name);

const char *boot_command_line(void);	/* all of it: /proc/cmdline */
/* Word after word, for what PID 1 gets; NULL at the end. */
const char *boot_word(size_t *cursor);
void boot_args_init(void);

#ifdef CONFIG_KTEST
void ktest_run_if_asked(void);		/* does not return when it ran any */
#else
static inline void ktest_run_if_asked(void) { }
#endif

#endif
