/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU access through GS: its base is the offset of this CPU's area from the link
 * addresses (0 on the boot CPU), so %gs:symbol is this CPU's copy in one instruction.
 */
#ifndef ARCH_IMPL_PERCPU_H
#define ARCH_IMPL_PERCPU_H

#include <lib/types.h>

extern unsigned long x86_percpu_offset;	/* per CPU: GS base as data */

#define this_cpu_read(var)							\
({										\
	__typeof__(var) pc_value;						\
	_Static_assert(sizeof(var) == 4 || sizeof(var) == 8, "this_cpu_read: size");	\
	if (sizeof(var) == 8)							\
		__asm__ volatile("movq %%gs:%1, %q0" : "=r"(pc_value) : "m"(var));	\
	else									\
		__asm__ volatile("movl %%gs:%1, %k0" : "=r"(pc_value) : "m"(var));	\
	pc_value;								\
})

#define this_cpu_write(var, value)						\
do {										\
	__typeof__(var) pc_value = (value);					\
	_Static_assert(sizeof(var) == 4 || sizeof(var) == 8, "this_cpu_write: size");	\
	if (sizeof(var) == 8)							\
		__asm__ volatile("movq %q1, %%gs:%0" : "=m"(var) : "re"(pc_value));	\
	else									\
		__asm__ volatile("movl %k1, %%gs:%0" : "=m"(var) : "ri"(pc_value));	\
} while (0)

#define this_cpu_add(var, value)						\
do {										\
	__typeof__(var) pc_value = (__typeof__(var))(value);			\
	_Static_assert(sizeof(var) == 4 || sizeof(var) == 8, "this_cpu_add: size");	\
	if (sizeof(var) == 8)							\
		__asm__ volatile("addq %q1, %%gs:%0" : "+m"(var) : "re"(pc_value));	\
	else									\
		__asm__ volatile("addl %k1, %%gs:%0" : "+m"(var) : "ri"(pc_value));	\
} while (0)

static inline unsigned long arch_percpu_offset(void)
{
	unsigned long offset;

	__asm__ volatile("movq %%gs:%1, %0" : "=r"(offset) : "m"(x86_percpu_offset));
	return offset;
}

#endif
