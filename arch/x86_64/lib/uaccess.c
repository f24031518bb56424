/* SPDX-License-Identifier: MIT */
/*
 * User strings and user atomics.
 */
#include <arch/uaccess.h>
#include <arch_impl/alternative.h>
#include <lib/err.h>
#include <lib/string.h>

#define ONES	0x0101010101010101UL
#define HIGHS	0x8080808080808080UL

/* Inside x86_user_begin()/x86_user_end().  False: the word is not all there. */
static __always_inline bool load_word(uint64_t *v, uint64_t p)
{
	uint64_t word;

	__asm__ volatile goto("1: movq (%1), %0\n" X86_EXTABLE("1b", "%l[fault]")
		     : "=r"(word) : "r"(p) : "memory" : fault);
	*v = word;
	return true;
fault:
	return false;
}

static __always_inline bool load_byte(char *v, uint64_t p)
{
	uint8_t byte;

	__asm__ volatile goto("1: movb (%1), %b0\n" X86_EXTABLE("1b", "%l[fault]")
		     : "=q"(byte) : "r"(p) : "memory" : fault);
	*v = (char)byte;
	return true;
fault:
	return false;
}

/* Bytes one at a time: the end of @max, and where a word would cross into nothing. */
static long copy_string_bytes(char *dst, uint64_t src, size_t n, size_t max)
{
	for (; n < max; n++) {
		if (!load_byte(&dst[n], src + n))
			return -EFAULT;
		if (!dst[n])
			return (long)n;
	}
	return (long)max;
}

long arch_copy_string_from_user(char *dst, uaddr_t src, size_t max)
{
	size_t n = 0;
	uint64_t w;
	long len;

	x86_user_begin();
	while (max - n >= 8 && load_word(&w, src.v + n)) {
		uint64_t zero = (w - ONES) & ~w & HIGHS;

		memcpy(dst + n, &w, 8);
		if (zero) {
			x86_user_end();
			return (long)(n + (unsigned int)__builtin_ctzl(zero) / 8);
		}
		n += 8;
	}
	len = copy_string_bytes(dst, src.v, n, max);
	x86_user_end();
	return len;
}

int arch_user_cmpxchg32(uaddr_t p, uint32_t expected, uint32_t desired, uint32_t *found)
{
	uint32_t old = expected;

	__asm__ volatile goto(X86_STAC "1: lock cmpxchgl %2, (%1)\n"
			      X86_CLAC X86_EXTABLE("1b", "%l[fault]")
		     : "+a"(old) : "r"(p.v), "r"(desired) : "memory", "cc" : fault);
	*found = old;
	return 0;
fault:
	x86_user_end();
	return -EFAULT;
}

static int user_exchange(uaddr_t p, uint32_t arg, uint32_t *old)
{
	__asm__ volatile goto(X86_STAC "1: xchgl %0, (%1)\n" X86_CLAC X86_EXTABLE("1b", "%l[fault]")
		     : "+r"(arg) : "r"(p.v) : "memory" : fault);
	*old = arg;
	return 0;
fault:
	x86_user_end();
	return -EFAULT;
}

static int user_add(uaddr_t p, uint32_t arg, uint32_t *old)
{
	__asm__ volatile goto(X86_STAC "1: lock xaddl %0, (%1)\n"
			      X86_CLAC X86_EXTABLE("1b", "%l[fault]")
		     : "+r"(arg) : "r"(p.v) : "memory", "cc" : fault);
	*old = arg;
	return 0;
fault:
	x86_user_end();
	return -EFAULT;
}

static uint32_t combine(enum user_atomic op, uint32_t a, uint32_t b)
{
	switch (op) {
	case USER_XCHG:	return b;
	case USER_ADD:	return a + b;
	case USER_OR:	return a | b;
	case USER_AND:	return a & b;
	case USER_XOR:	return a ^ b;
	}
	return a;
}

int arch_user_atomic32(enum user_atomic op, uaddr_t p, uint32_t arg, uint32_t *old)
{
	uint32_t seen, found;

	if (op == USER_XCHG)
		return user_exchange(p, arg, old);
	if (op == USER_ADD)
		return user_add(p, arg, old);
	if (arch_get_user32(&seen, p))
		return -EFAULT;
	/* Ends: each failure means that another CPU's operation succeeded. */
	for (;;) {
		if (arch_user_cmpxchg32(p, seen, combine(op, seen, arg), &found))
			return -EFAULT;
		if (found == seen)
			break;
		seen = found;
	}
	*old = seen;
	return 0;
}
