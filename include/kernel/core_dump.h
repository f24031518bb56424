/* SPDX-License-Identifier: MIT */
/* Core files: what /proc shows and sets.  The theory is in kernel/proc/core_dump.c. */
#ifndef KERNEL_CORE_DUMP_H
#define KERNEL_CORE_DUMP_H

#include <lib/compiler.h>
#include <lib/types.h>

/* The pattern that names core files; at most CORE_PATTERN_MAX bytes with the NUL. */
#define CORE_PATTERN_MAX 128
void core_pattern_get(char *buf);
/* -EINVAL: too long, or a pipe to a program, which is not supported. */
__must_check int core_pattern_set(const char *pattern);
extern int core_uses_pid;			/* [A] append .PID where the pattern has no %p */

/* process.coredump_filter: which mappings are written. */
enum core_filter {
	CORE_ANON_PRIVATE	= 1 << 0,
	CORE_ANON_SHARED	= 1 << 1,
	CORE_FILE_PRIVATE	= 1 << 2,
	CORE_FILE_SHARED	= 1 << 3,
	CORE_ELF_HEADERS	= 1 << 4,	/* the first page of programs and libraries */
	CORE_FILTER_DEFAULT	= 0x33,
	CORE_FILTER_ALL		= 0x1ff,
};

#endif
