/* SPDX-License-Identifier: MIT */
/*
 * Single user values: LDTR and STTR check the page as user mode would, whatever
 * PSTATE.PAN says, and so need no window on CPUs without PAN either.
 */
#ifndef ARCH_IMPL_UACCESS_H
#define ARCH_IMPL_UACCESS_H

#include <lib/err.h>

#define ARM64_EX_ENTRY(insn, fixup)			\
	".pushsection .ex_table, \"a\"\n"		\
	".p2align 2\n"					\
	".long " #insn " - ., " #fixup " - .\n"		\
	".popsection\n"

/*
 * Clang 14 and gcc 12 agree on asm goto without outputs only, so the error is a register, set out
 * of line.
 */
#define ARM64_GET_USER(name, type, insn, reg)				\
static inline int arch_get_user##name(type *v, uaddr_t p)		\
{									\
	uint64_t x;							\
	int err = 0;							\
									\
	__asm__ volatile("1: " insn " %" reg "1, [%2]\n"		\
			 "2:\n"						\
			 ".pushsection .text.fixup, \"ax\"\n"		\
			 "3: mov %w0, %w3\n"				\
			 "mov %1, xzr\n"				\
			 "b 2b\n"					\
			 ".popsection\n"				\
			 ARM64_EX_ENTRY(1b, 3b)				\
			 : "+r"(err), "=&r"(x)				\
			 : "r"(p.v), "i"(-EFAULT) : "memory");		\
	if (!err)							\
		*v = (type)x;						\
	return err;							\
}

#define ARM64_PUT_USER(name, type, insn, reg)				\
static inline int arch_put_user##name(type v, uaddr_t p)		\
{									\
	int err = 0;							\
									\
	__asm__ volatile("1: " insn " %" reg "1, [%2]\n"		\
			 "2:\n"						\
			 ".pushsection .text.fixup, \"ax\"\n"		\
			 "3: mov %w0, %w3\n"				\
			 "b 2b\n"					\
			 ".popsection\n"				\
			 ARM64_EX_ENTRY(1b, 3b)				\
			 : "+r"(err)					\
			 : "rZ"((uint64_t)v), "r"(p.v), "i"(-EFAULT) : "memory");	\
	return err;							\
}

ARM64_GET_USER(8, uint8_t, "ldtrb", "w")
ARM64_GET_USER(32, uint32_t, "ldtr", "w")
ARM64_GET_USER(64, uint64_t, "ldtr", "x")
ARM64_PUT_USER(8, uint8_t, "sttrb", "w")
ARM64_PUT_USER(32, uint32_t, "sttr", "w")
ARM64_PUT_USER(64, uint64_t, "sttr", "x")

#endif
