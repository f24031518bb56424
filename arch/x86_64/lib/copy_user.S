/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from user memory, and clearing it.
 *
 * REP MOVSQ everywhere: the microcode of every CPU with fast strings moves whole lines with it, and
 * an emulator or an old CPU at least moves words; REP MOVSB is fast on some CPUs only.  The last
 * bytes go as one unaligned word that overlaps what was moved.
 *
 * All return the number of bytes not done.  After a fault in a word the rest is done by bytes, so
 * that the count is exact to the byte at which memory ends.
 */
.macro STAC
661:	.byte	0x0f, 0x1f, 0x00
	.pushsection .alt_stac, "a"
	.long	661b - .
	.popsection
.endm
.macro CLAC
661:	.byte	0x0f, 0x1f, 0x00
	.pushsection .alt_clac, "a"
	.long	661b - .
	.popsection
.endm
.macro EXTABLE insn, fixup
	.pushsection .ex_table, "a"
	.balign	4
	.long	\insn - ., \fixup - .
	.popsection
.endm

	.text
	.balign	32
	.globl	arch_copy_from_user, arch_copy_to_user
	.type	arch_copy_from_user, @function
	.type	arch_copy_to_user, @function
/* size_t (void *dst: rdi, const void *src: rsi, size_t len: rdx) */
arch_copy_from_user:
arch_copy_to_user:
	STAC
	movq	%rdx, %rcx
	shrq	$3, %rcx
	jz	.Lcopy_bytes
	andl	$7, %edx
1:	rep movsq
	jz	.Lcopy_done			/* flags are still those of ANDL */
2:	movq	-8(%rsi,%rdx), %rax
3:	movq	%rax, -8(%rdi,%rdx)
.Lcopy_done:
	CLAC
	xorl	%eax, %eax
	ret
.Lcopy_bytes:
	movl	%edx, %ecx
4:	rep movsb
	CLAC
	movq	%rcx, %rax
	ret
.Lcopy_word_fault:
	leaq	(%rdx,%rcx,8), %rcx
	jmp	4b
.Lcopy_tail_fault:
	movl	%edx, %ecx
	jmp	4b
.Lcopy_byte_fault:
	CLAC
	movq	%rcx, %rax
	ret
	EXTABLE	1b, .Lcopy_word_fault
	EXTABLE	2b, .Lcopy_tail_fault
	EXTABLE	3b, .Lcopy_tail_fault
	EXTABLE	4b, .Lcopy_byte_fault
	.size	arch_copy_from_user, . - arch_copy_from_user
	.size	arch_copy_to_user, . - arch_copy_to_user

	.balign	32
	.globl	arch_clear_user
	.type	arch_clear_user, @function
/* size_t (void *dst: rdi, size_t len: rsi) */
arch_clear_user:
	STAC
	xorl	%eax, %eax
	movq	%rsi, %rcx
	shrq	$3, %rcx
	andl	$7, %esi
5:	rep stosq
	movl	%esi, %ecx
6:	rep stosb
	CLAC
	movq	%rcx, %rax
	ret
.Lclear_word_fault:
	leaq	(%rsi,%rcx,8), %rcx
	jmp	6b
.Lclear_byte_fault:
	CLAC
	movq	%rcx, %rax
	ret
	EXTABLE	5b, .Lclear_word_fault
	EXTABLE	6b, .Lclear_byte_fault
	.size	arch_clear_user, . - arch_clear_user
	.section .note.GNU-stack, "", @progbits
