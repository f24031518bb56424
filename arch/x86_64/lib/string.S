/* SPDX-License-Identifier: MIT */
/*
 * memcpy, memmove and memset by words, replacing the generic ones of lib/string.c.
 */
	.text
	.balign	32
	.globl	memmove
	.type	memmove, @function
memmove:
	movq	%rdi, %rax
	subq	%rsi, %rax
	cmpq	%rdx, %rax		/* dst - src < len (unsigned): overlaps from above */
	jae	memcpy
	movq	%rdi, %rax
	movq	%rdx, %rcx
	leaq	-1(%rsi,%rdx), %rsi
	leaq	-1(%rdi,%rdx), %rdi
	andl	$7, %ecx
	std
	rep movsb				/* the odd bytes at the end first */
	movq	%rdx, %rcx
	shrq	$3, %rcx
	subq	$7, %rsi
	subq	$7, %rdi
	rep movsq
	cld
	ret
	.size	memmove, . - memmove

	.balign	32
	.globl	memcpy
	.type	memcpy, @function
memcpy:
	movq	%rdi, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	jz	1f
	andl	$7, %edx
	jnz	2f
	rep movsq
	ret
	/*
	 * A forward copy may overlap (memmove): the last word must be read after the words before
	 * it were written only if they do not reach it; so odd bytes go one by one.
	 */
2:	rep movsq
1:	movl	%edx, %ecx
	rep movsb
	ret
	.size	memcpy, . - memcpy

	.balign	32
	.globl	memset
	.type	memset, @function
memset:
	movq	%rdi, %r8
	movzbl	%sil, %eax
	movabsq	$0x0101010101010101, %rcx
	imulq	%rcx, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	jz	3f
	andl	$7, %edx
	rep stosq
	jz	4f				/* flags are still those of ANDL */
	movq	%rax, -8(%rdi,%rdx)
4:	movq	%r8, %rax
	ret
3:	movl	%edx, %ecx
	rep stosb
	movq	%r8, %rax
	ret
	.size	memset, . - memset
	.section .note.GNU-stack, "", @progbits
