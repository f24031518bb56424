/* SPDX-License-Identifier: MIT */
/* What a process's capability table is today. */
#ifndef SECURITY_CAP_TABLE_H
#define SECURITY_CAP_TABLE_H

#include <lib/types.h>

/*
 * One for each process, shared by its threads.  Every word only ever loses bits, so no lock is
 * needed: a reader sees a state that was true at some moment of its read.
 */
struct cap_table {
	uint64_t classes;		/* [A] CAP_CLASS_* bits that are held */
	uint64_t linux_permitted;	/* [A] numbers that capset has not given up */
	/* [A] within linux_permitted; may come back: it grants nothing */
	uint64_t linux_effective;
	uint64_t linux_inheritable;	/* [A] the same */
};

#endif
