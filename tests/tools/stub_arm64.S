/* SPDX-License-Identifier: MIT */
/*
 * The arm64 twin of stub_x86_64.S: an Image that prints a text on the PL011 of QEMU's
 * virt machine and ends through semihosting's SYS_EXIT_EXTENDED with status VERDICT.
 */
	.text
	.globl start
	b start
	.long 0
	.quad 0, 0x10000, 0xa, 0, 0, 0		/* text offset, image size, flags */
	.ascii "ARM\x64"
	.long 0
start:	adr x1, text
	mov x2, #0x09000000
1:	ldrb w3, [x1], #1
	cbz w3, 2f
	str w3, [x2]
	b 1b
2:	mov w0, #0x20
	adr x1, status
	hlt #0xf000
3:	wfi
	b 3b
	.balign 8
status:	.quad 0x20026, VERDICT			/* ADP_Stopped_ApplicationExit */
text:	.incbin "text.bin"
