/* SPDX-License-Identifier: MIT */
/*
 * Single values to and from user memory.  A fault in the marked instruction goes on
 * at the label, with AC still set by STAC.
 */
#ifndef ARCH_IMPL_UACCESS_H
#define ARCH_IMPL_UACCESS_H

#include <arch_impl/alternative.h>
#include <uapi/errno.h>

static __always_inline void x86_user_begin(void)
{
	__asm__ volatile(X86_STAC ::: "memory");
}

static __always_inline void x86_user_end(void)
{
	__asm__ volatile(X86_CLAC ::: "memory");
}

/*
 * "volatile" is not implied for a goto with outputs before gcc 12.4: without it, two reads
 * of one word become one, and a loop that waits for the second to fault the page in never ends.
 */
#define X86_DEFINE_USER(bits, suffix, mod)					\
static inline int arch_get_user##bits(uint##bits##_t *v, uaddr_t p)		\
{										\
	uint##bits##_t value;							\
										\
	__asm__ volatile goto(X86_STAC "1: mov" suffix " (%1), %" mod "0\n" X86_CLAC	\
		     X86_EXTABLE("1b", "%l[fault]")					\
		     : "=&r"(value) : "r"(p.v) : "memory" : fault);		\
	__asm__ volatile("");	/* gcc 12 may else move uses before the jump */	\
	*v = value;								\
	return 0;								\
fault:										\
	x86_user_end();								\
	return -EFAULT;								\
}										\
										\
static inline int arch_put_user##bits(uint##bits##_t v, uaddr_t p)		\
{										\
	__asm__ volatile goto(X86_STAC "1: mov" suffix " %" mod "0, (%1)\n" X86_CLAC	\
		     X86_EXTABLE("1b", "%l[fault]")					\
		     : : "r"(v), "r"(p.v) : "memory" : fault);			\
	return 0;								\
fault:										\
	x86_user_end();								\
	return -EFAULT;								\
}

X86_DEFINE_USER(8, "b", "b")
X86_DEFINE_USER(32, "l", "k")
X86_DEFINE_USER(64, "q", "q")
#undef X86_DEFINE_USER

#endif
