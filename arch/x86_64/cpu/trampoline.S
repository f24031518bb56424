/* SPDX-License-Identifier: MIT */
/*
 * Where another CPU starts: real mode, CS:IP = page:0, on a copy of this code below 1 MiB.  To long
 * mode in one step, then by smp.c's data at the end of the page to x86_secondary_entry().
 */
#include <arch_impl/layout.h>
#include <arch_impl/segment.h>

/* struct trampoline_data, from the end of the page. */
#define DATA		(4096 - 72)
#define DATA_ROOT	(DATA + 0)
#define DATA_KERNEL	(DATA + 8)
#define DATA_ENTRY	(DATA + 16)
#define DATA_STACK	(DATA + 24)
#define DATA_PERCPU	(DATA + 32)
#define DATA_CPU	(DATA + 40)
#define DATA_IDLE	(DATA + 48)
#define DATA_EFER	(DATA + 56)
#define DATA_PENDING	(DATA + 64)

	.section .rodata
	.balign	16
	.globl	x86_trampoline_start, x86_trampoline_end
	.code16
x86_trampoline_start:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	xorl	%ebx, %ebx
	movw	%ax, %bx
	shll	$4, %ebx			/* our physical address */

	/* The GDT pointer and the far pointer need absolute addresses. */
	leal	(gdt - x86_trampoline_start)(%ebx), %eax
	movl	%eax, gdt_pointer - x86_trampoline_start + 2
	leal	(start_64 - x86_trampoline_start)(%ebx), %eax
	movl	%eax, far_pointer - x86_trampoline_start
	lgdtl	gdt_pointer - x86_trampoline_start

	movl	$0x20, %eax			/* CR4.PAE */
	movl	%eax, %cr4
	movl	DATA_ROOT, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	movl	DATA_EFER, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$0x80010033, %eax		/* PG WP NE ET MP PE: straight to long mode */
	movl	%eax, %cr0
	ljmpl	*(far_pointer - x86_trampoline_start)

	.code64
start_64:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs

	/* Are we the one that is asked?  Our APIC id; with x2APIC all 32 bits of it. */
	movl	%ebx, %r9d			/* CPUID takes EBX */
	movl	$1, %eax
	cpuid
	shrl	$24, %ebx
	movl	%ebx, %r10d
	btl	$21, %ecx			/* x2APIC */
	jnc	id_known
	movl	$0xb, %eax
	xorl	%ecx, %ecx
	cpuid
	movl	%edx, %r10d
id_known:
	movl	%r9d, %ebx
	leaq	1(%r10), %rax
	movq	$-1, %rcx			/* PENDING_TAKEN */
	lock cmpxchgq %rcx, DATA_PENDING(%rbx)
	jne	too_late

	movq	DATA_STACK(%rbx), %rsp
	movl	DATA_PERCPU(%rbx), %eax
	movl	DATA_PERCPU + 4(%rbx), %edx
	movl	$0xc0000101, %ecx		/* GS base */
	wrmsr
	movl	DATA_CPU(%rbx), %edi
	movq	DATA_IDLE(%rbx), %rsi
	movq	DATA_PERCPU(%rbx), %rdx
	movq	DATA_ENTRY(%rbx), %rax
	movq	DATA_KERNEL(%rbx), %rcx
	movq	$x86_trampoline_high, %r8
	jmp	*%r8
too_late:
	hlt
	jmp	too_late
	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
gdt_pointer:
	.short	. - gdt - 1
	.long	0
far_pointer:
	.long	0
	.short	KERNEL_CS
x86_trampoline_end:

	/* In the image's own text, which both sets of tables map. */
	.text
x86_trampoline_high:
	/*
	 * The page is reached through the direct map from here on.  Its data is ours no more once
	 * the word says so.
	 */
	movabsq	$DIRECT_MAP_BASE, %r8
	addq	%r8, %rbx
	movq	%rcx, %cr3
	movq	$0, DATA_PENDING(%rbx)
	xorl	%ebp, %ebp
	call	*%rax
	ud2
	.section .note.GNU-stack, "", @progbits
