/* SPDX-License-Identifier: MIT */
/*
 * Bulk user copies: PAN is lifted for the loop, the direction's user side has
 * exception entries, and a fault redoes the rest byte by byte up to the first byte that
 * cannot be reached, so the count of what was not copied is exact. The kernel side has no
 * entries: a fault there is a kernel bug.
 */
#include <arch_impl/asm.h>
#include <uapi/errno.h>

	.macro	user label, insn:vararg
7770:	\insn
	EX_ENTRY(7770b, \label)
	.endm

/*
 * size_t copy(dst, src, len) -> bytes not copied; x0, x1, x2 move along. x3 = end of the
 * destination as of entry. \uload and \ustore say which side is the user's.
 */
	.macro	copy_body load, store, fault
	UACCESS_ON
	subs	x2, x2, #64
	b.lo	2f
1:	\load	\fault, ldp x4, x5, [x1]
	\load	\fault, ldp x6, x7, [x1, #16]
	\load	\fault, ldp x8, x9, [x1, #32]
	\load	\fault, ldp x10, x11, [x1, #48]
	\store	\fault, stp x4, x5, [x0]
	\store	\fault, stp x6, x7, [x0, #16]
	\store	\fault, stp x8, x9, [x0, #32]
	\store	\fault, stp x10, x11, [x0, #48]
	add	x1, x1, #64
	add	x0, x0, #64
	subs	x2, x2, #64
	b.hs	1b
2:	tbz	x2, #5, 3f			/* the low six bits are what is left */
	\load	\fault, ldp x4, x5, [x1]
	\load	\fault, ldp x6, x7, [x1, #16]
	\store	\fault, stp x4, x5, [x0]
	\store	\fault, stp x6, x7, [x0, #16]
	add	x1, x1, #32
	add	x0, x0, #32
3:	tbz	x2, #4, 4f
	\load	\fault, ldp x4, x5, [x1]
	\store	\fault, stp x4, x5, [x0]
	add	x1, x1, #16
	add	x0, x0, #16
4:	tbz	x2, #3, 5f
	\load	\fault, ldr x4, [x1]
	\store	\fault, str x4, [x0]
	add	x1, x1, #8
	add	x0, x0, #8
5:	tbz	x2, #2, 6f
	\load	\fault, ldr w4, [x1]
	\store	\fault, str w4, [x0]
	add	x1, x1, #4
	add	x0, x0, #4
6:	tbz	x2, #1, 7f
	\load	\fault, ldrh w4, [x1]
	\store	\fault, strh w4, [x0]
	add	x1, x1, #2
	add	x0, x0, #2
7:	tbz	x2, #0, 8f
	\load	\fault, ldrb w4, [x1]
	\store	\fault, strb w4, [x0]
8:	UACCESS_OFF
	mov	x0, xzr
	ret
	.endm

/* Byte by byte from where the pointers stand to the end in x3. */
	.macro	copy_slow load, store, fault, done
\fault:
1:	\load	\done, ldrb w4, [x1]
	\store	\done, strb w4, [x0]
	add	x1, x1, #1
	add	x0, x0, #1
	cmp	x0, x3
	b.ne	1b
\done:	UACCESS_OFF
	sub	x0, x3, x0
	ret
	.endm

	.macro	kernel label, insn:vararg
	\insn
	.endm

FUNC(arch_copy_from_user)
	add	x3, x0, x2
	copy_body user, kernel, from_fault
	copy_slow user, kernel, from_fault, from_done
END(arch_copy_from_user)

FUNC(arch_copy_to_user)
	add	x3, x0, x2
	copy_body kernel, user, to_fault
	copy_slow kernel, user, to_fault, to_done
END(arch_copy_to_user)

/* size_t arch_clear_user(dst, len) */
FUNC(arch_clear_user)
	add	x3, x0, x1
	UACCESS_ON
	cmp	x1, #256
	b.hs	5f
1:	subs	x1, x1, #16
	b.lo	2f
	user	clear_fault, stp xzr, xzr, [x0]
	add	x0, x0, #16
	b	1b
2:	tbz	x1, #3, 3f
	user	clear_fault, str xzr, [x0]
	add	x0, x0, #8
3:	tbz	x1, #2, 4f
	user	clear_fault, str wzr, [x0]
	add	x0, x0, #4
4:	cmp	x0, x3
	b.eq	6f
	user	clear_fault, strb wzr, [x0]
	add	x0, x0, #1
	b	4b
6:	UACCESS_OFF
	mov	x0, xzr
	ret

	/* Large: up to a cache block, then blocks, then the rest as above. */
5:	mrs	x4, dczid_el0
	and	x4, x4, #31
	cmp	x4, #4
	b.ne	1b
7:	tst	x0, #15
	b.eq	8f
	user	clear_fault, strb wzr, [x0]
	add	x0, x0, #1
	b	7b
8:	tst	x0, #63
	b.eq	9f
	user	clear_fault, stp xzr, xzr, [x0]
	add	x0, x0, #16
	b	8b
9:	sub	x1, x3, x0
	subs	x1, x1, #256
	b.lo	11f
10:	user	clear_fault, dc zva, x0
	add	x4, x0, #64
	user	clear_fault, dc zva, x4
	add	x4, x0, #128
	user	clear_fault, dc zva, x4
	add	x4, x0, #192
	user	clear_fault, dc zva, x4
	add	x0, x0, #256
	subs	x1, x1, #256
	b.hs	10b
11:	add	x1, x1, #256
	b	1b
clear_fault:
	user	clear_done, strb wzr, [x0]
	add	x0, x0, #1
	cmp	x0, x3
	b.ne	clear_fault
clear_done:
	UACCESS_OFF
	sub	x0, x3, x0
	ret
END(arch_clear_user)

/*
 * long arch_copy_string_from_user(dst, src, max). Eight bytes at a time while the source is
 * aligned (so a word never reaches into a page that the string does not touch) and room is
 * left; a word with a zero byte: (w - 0x01..) & ~w & 0x80.. is not zero.
 */
FUNC(arch_copy_string_from_user)
	mov	x3, x0
	add	x4, x0, x2			/* end of room */
	mov	x9, #0x0101010101010101
	UACCESS_ON
	cbz	x2, 4f
1:	tst	x1, #7
	b.eq	3f
2:	user	string_fault, ldrb w5, [x1]
	add	x1, x1, #1
	strb	w5, [x0], #1
	cbz	w5, 5f
	cmp	x0, x4
	b.ne	1b
4:	UACCESS_OFF				/* no terminator */
	mov	x0, x2
	ret
3:	sub	x6, x4, x0
	cmp	x6, #8
	b.lo	2b
	user	string_fault, ldr x5, [x1]
	sub	x6, x5, x9
	bic	x6, x6, x5
	ands	x6, x6, #0x8080808080808080
	b.ne	6f
	add	x1, x1, #8
	str	x5, [x0], #8
	cmp	x0, x4
	b.ne	3b
	b	4b
6:	rev	x6, x6			/* lowest zero byte: leading zeros of the swapped mask */
	clz	x6, x6
	str	x5, [x0]			/* within room: checked above */
	add	x0, x0, x6, lsr #3
	add	x0, x0, #1
5:	UACCESS_OFF
	sub	x0, x0, x3
	sub	x0, x0, #1
	ret
string_fault:
	UACCESS_OFF
	mov	x0, #-EFAULT
	ret
END(arch_copy_string_from_user)

/* int arch_user_cmpxchg32(p, expected, desired, *found) */
FUNC(arch_user_cmpxchg32)
	UACCESS_ON
	prfm	pstl1strm, [x0]
1:	user	atomic_fault, ldxr w4, [x0]
	cmp	w4, w1
	b.ne	2f
	user	atomic_fault, stlxr w5, w2, [x0]
	cbnz	w5, 1b
2:	dmb	ish
	UACCESS_OFF
	str	w4, [x3]
	mov	w0, wzr
	ret
END(arch_user_cmpxchg32)

	.macro	user_atomic name, op:vararg
	.p2align 3
\name:
1:	user	atomic_fault, ldxr w4, [x1]
	\op
	user	atomic_fault, stlxr w6, w5, [x1]
	cbnz	w6, 1b
	b	atomic_done
	.endm

/* int arch_user_atomic32(op, p, arg, *old); the operations are in the order of enum user_atomic. */
FUNC(arch_user_atomic32)
	UACCESS_ON
	cbz	w0, atomic_xchg
	cmp	w0, #2
	b.lo	atomic_add
	b.eq	atomic_or
	cmp	w0, #4
	b.lo	atomic_and
	b	atomic_xor
	user_atomic atomic_xchg, mov w5, w2
	user_atomic atomic_add, add w5, w4, w2
	user_atomic atomic_or, orr w5, w4, w2
	user_atomic atomic_and, and w5, w4, w2
	user_atomic atomic_xor, eor w5, w4, w2
atomic_done:
	dmb	ish
	UACCESS_OFF
	str	w4, [x3]
	mov	w0, wzr
	ret
atomic_fault:
	UACCESS_OFF
	mov	w0, #-EFAULT
	ret
END(arch_user_atomic32)
