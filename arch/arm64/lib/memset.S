/* SPDX-License-Identifier: MIT */
/*
 * memset, memcmp and whole pages. DC ZVA clears a block of DCZID_EL0's size; the block size is
 * 64 bytes on every core worth the branch, others take the store loop.
 */
#include <arch_impl/asm.h>

FUNC(memset)
	and	w1, w1, #0xff
	orr	w1, w1, w1, lsl #8
	orr	w1, w1, w1, lsl #16
	orr	x1, x1, x1, lsl #32
	add	x4, x0, x2
	cmp	x2, #16
	b.lo	4f
	cmp	x2, #64
	b.hi	2f
	stp	x1, x1, [x0]			/* 16..64: from both ends */
	stp	x1, x1, [x4, #-16]
	cmp	x2, #32
	b.ls	1f
	stp	x1, x1, [x0, #16]
	stp	x1, x1, [x4, #-32]
1:	ret

2:	stp	x1, x1, [x0]
	and	x3, x0, #~15
	add	x3, x3, #16			/* aligned, at most 16 stored */
	cmp	x2, #256
	ccmp	x1, #0, #0, hs
	b.eq	6f
	sub	x2, x4, x3
3:	subs	x2, x2, #64
	b.ls	5f
	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x3, #32]
	stp	x1, x1, [x3, #48]
	add	x3, x3, #64
	b	3b
5:	stp	x1, x1, [x4, #-64]
	stp	x1, x1, [x4, #-48]
	stp	x1, x1, [x4, #-32]
	stp	x1, x1, [x4, #-16]
	ret

4:	tbz	x2, #3, 7f
	str	x1, [x0]
	str	x1, [x4, #-8]
	ret
7:	tbz	x2, #2, 8f
	str	w1, [x0]
	str	w1, [x4, #-4]
	ret
8:	cbz	x2, 9f
	strb	w1, [x0]
	tbz	x2, #1, 9f
	strh	w1, [x4, #-2]
9:	ret

	/* Zero, 256 bytes or more. */
6:	mrs	x5, dczid_el0
	and	x5, x5, #31
	sub	x2, x4, x3
	cmp	x5, #4				/* 64-byte blocks, allowed */
	b.ne	3b
	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x3, #32]
	add	x3, x3, #63
	and	x3, x3, #~63
	sub	x2, x4, x3
10:	subs	x2, x2, #64
	b.ls	5b
	dc	zva, x3
	add	x3, x3, #64
	b	10b
END(memset)

FUNC(memcmp)
	subs	x2, x2, #8
	b.lo	2f
1:	ldr	x3, [x0], #8
	ldr	x4, [x1], #8
	cmp	x3, x4
	b.ne	4f
	subs	x2, x2, #8
	b.hs	1b
2:	adds	x2, x2, #8
	b.eq	5f
3:	ldrb	w3, [x0], #1
	ldrb	w4, [x1], #1
	subs	w3, w3, w4
	b.ne	6f
	subs	x2, x2, #1
	b.ne	3b
5:	mov	w0, wzr
	ret
6:	mov	w0, w3
	ret
4:	rev	x3, x3
	rev	x4, x4
	cmp	x3, x4
	mov	w0, #1
	cneg	w0, w0, lo
	ret
END(memcmp)

FUNC(arm64_clear_page)
	mrs	x1, dczid_el0
	tbnz	x1, #4, 2f			/* DZP: not allowed */
	and	x1, x1, #15
	mov	x2, #4
	lsl	x1, x2, x1
	add	x3, x0, #4096
	cmp	x1, #64
	b.ne	3f
1:	dc	zva, x0
	add	x2, x0, #64
	dc	zva, x2
	add	x2, x0, #128
	dc	zva, x2
	add	x2, x0, #192
	dc	zva, x2
	add	x0, x0, #256
	cmp	x0, x3
	b.ne	1b
	ret
3:	dc	zva, x0
	add	x0, x0, x1
	cmp	x0, x3
	b.lo	3b
	ret
2:	add	x3, x0, #4096
4:	stp	xzr, xzr, [x0]
	stp	xzr, xzr, [x0, #16]
	stp	xzr, xzr, [x0, #32]
	stp	xzr, xzr, [x0, #48]
	add	x0, x0, #64
	cmp	x0, x3
	b.ne	4b
	ret
END(arm64_clear_page)

FUNC(arm64_copy_page)
	add	x2, x0, #4096
1:	ldp	x3, x4, [x1]
	ldp	x5, x6, [x1, #16]
	ldp	x7, x8, [x1, #32]
	ldp	x9, x10, [x1, #48]
	ldp	x11, x12, [x1, #64]
	ldp	x13, x14, [x1, #80]
	ldp	x15, x16, [x1, #96]
	stp	x3, x4, [x0]
	ldp	x3, x4, [x1, #112]
	add	x1, x1, #128
	stp	x5, x6, [x0, #16]
	stp	x7, x8, [x0, #32]
	stp	x9, x10, [x0, #48]
	stp	x11, x12, [x0, #64]
	stp	x13, x14, [x0, #80]
	stp	x15, x16, [x0, #96]
	stp	x3, x4, [x0, #112]
	add	x0, x0, #128
	cmp	x0, x2
	b.ne	1b
	ret
END(arm64_copy_page)
