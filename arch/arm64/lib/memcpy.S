/* SPDX-License-Identifier: MIT */
/*
 * memcpy and memmove. Up to 96 bytes: loads from both ends that overlap in the middle, all done
 * before the first store, so direction does not matter. More: 64 bytes a turn, upwards, or
 * downwards if the destination overlaps the source from above; what is left at the end is a small
 * copy.
 *
 * x0 stays the result; x3 destination, x1 source, x2 length.
 */
#include <arch_impl/asm.h>

FUNC(memmove)
	sub	x3, x0, x1
	cmp	x3, x2				/* unsigned: dst within (src, src + len) */
	b.hs	memcpy
	mov	x3, x0
	cmp	x2, #96
	b.ls	copy_small
	add	x4, x1, x2
	add	x5, x0, x2
1:	ldp	x6, x7, [x4, #-16]
	ldp	x8, x9, [x4, #-32]
	ldp	x10, x11, [x4, #-48]
	ldp	x12, x13, [x4, #-64]!
	stp	x6, x7, [x5, #-16]
	stp	x8, x9, [x5, #-32]
	stp	x10, x11, [x5, #-48]
	stp	x12, x13, [x5, #-64]!
	sub	x2, x2, #64
	cmp	x2, #96
	b.hi	1b
	b	copy_small
END(memmove)

FUNC(memcpy)
	mov	x3, x0
	cmp	x2, #96
	b.hi	copy_large
copy_small:
	add	x4, x1, x2
	add	x5, x3, x2
	cmp	x2, #16
	b.lo	3f
	ldp	x6, x7, [x1]
	ldp	x8, x9, [x4, #-16]
	cmp	x2, #32
	b.ls	2f
	ldp	x10, x11, [x1, #16]
	ldp	x12, x13, [x4, #-32]
	cmp	x2, #64
	b.ls	1f
	ldp	x14, x15, [x1, #32]
	ldp	x16, x17, [x4, #-48]
	stp	x14, x15, [x3, #32]
	stp	x16, x17, [x5, #-48]
1:	stp	x10, x11, [x3, #16]
	stp	x12, x13, [x5, #-32]
2:	stp	x6, x7, [x3]
	stp	x8, x9, [x5, #-16]
	ret
3:	tbz	x2, #3, 4f
	ldr	x6, [x1]
	ldr	x7, [x4, #-8]
	str	x6, [x3]
	str	x7, [x5, #-8]
	ret
4:	tbz	x2, #2, 5f
	ldr	w6, [x1]
	ldr	w7, [x4, #-4]
	str	w6, [x3]
	str	w7, [x5, #-4]
	ret
5:	cbz	x2, 6f
	lsr	x9, x2, #1			/* 1, 2 or 3 bytes: first, middle, last */
	ldrb	w6, [x1]
	ldrb	w7, [x1, x9]
	ldrb	w8, [x4, #-1]
	strb	w6, [x3]
	strb	w7, [x3, x9]
	strb	w8, [x5, #-1]
6:	ret

copy_large:
	ldp	x6, x7, [x1]
	ldp	x8, x9, [x1, #16]
	ldp	x10, x11, [x1, #32]
	ldp	x12, x13, [x1, #48]
	add	x1, x1, #64
	stp	x6, x7, [x3]
	stp	x8, x9, [x3, #16]
	stp	x10, x11, [x3, #32]
	stp	x12, x13, [x3, #48]
	add	x3, x3, #64
	sub	x2, x2, #64
	cmp	x2, #96
	b.hi	copy_large
	b	copy_small
END(memcpy)
