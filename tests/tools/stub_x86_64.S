/* SPDX-License-Identifier: MIT */
/*
 * A kernel that prints a text on the UART and ends through isa-debug-exit: it shows
 * what scripts/vm makes of a result without needing a kernel. Needs -DVERDICT=N and
 * a file text.bin, which ends with a NUL, on the include path.
 */
	.section .note.pvh, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long start
	.code32
	.text
	.globl start
start:	mov $text, %esi
	mov $0x3f8, %dx
1:	lodsb
	test %al, %al
	jz 2f
	out %al, %dx
	jmp 1b
2:	mov $VERDICT, %eax
	mov $0xf4, %dx
	out %eax, %dx
3:	hlt
	jmp 3b
	.data
text:	.incbin "text.bin"
