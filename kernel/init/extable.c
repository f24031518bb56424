/* SPDX-License-Identifier: MIT */
/*
 * The exception table: kernel instructions that may fault on user memory, and where to go on.
 * Each entry is two 32-bit offsets relative to their own addresses.
 */
#include <arch/upcalls.h>
#include <lib/types.h>

struct extable_entry {
	int32_t insn, fixup;
};

extern const struct extable_entry __ex_table_start[], __ex_table_end[];

static uint64_t target(const int32_t *field)
{
	return (uint64_t)((intptr_t)field + *field);
}

/*
 * Entries of one object file are in order, those of different files are not: so a linear search, on
 * a path that is rare.
 */
uint64_t extable_find(uint64_t pc)
{
	for (const struct extable_entry *e = __ex_table_start; e < __ex_table_end; e++)
		if (target(&e->insn) == pc)
			return target(&e->fixup);
	return 0;
}
