/* SPDX-License-Identifier: MIT */
/*
 * From a boot protocol's 32-bit entry to C in the higher half.
 *
 * Both protocols arrive in 32-bit protected mode, paging off, at physical addresses.  The boot
 * tables map the first 4 GiB three times with one set of 2 MiB directories: at 0 for the moment of
 * the switch, at DIRECT_MAP_BASE, and (its first GiB) at KERNEL_BASE.  x86_boot() continues
 * (boot/boot.c).
 */
#include <arch_impl/layout.h>
#include <arch_impl/segment.h>

#define PHYS(x)		((x) - KERNEL_BASE)
#define PDE_BOOT	0x83			/* present, writable, 2 MiB */
#define TABLE_BOOT	0x03

	.section .note.Xen, "a", @note
	.align	4
	.long	4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	PHYS(pvh_entry)

	.section .head.text, "ax"
	.code32
	.align	8
multiboot2_header:
	.long	0xe85250d6, 0, multiboot2_header_end - multiboot2_header
	.long	-(0xe85250d6 + 0 + (multiboot2_header_end - multiboot2_header))
	/*
	 * Information request: command line, modules, memory map; the rest comes if there is any.
	 */
	.align	8
	.short	1, 0
	.long	20, 1, 3, 6
	.align	8
	/* Framebuffer, optional: any mode of 32 bits. */
	.short	5, 1
	.long	20, 0, 0, 32
	.align	8
	/* Modules on page boundaries. */
	.short	6, 0
	.long	8
	.align	8
	.short	0, 0
	.long	8
multiboot2_header_end:

	.globl	pvh_entry
pvh_entry:
	xorl	%ebp, %ebp			/* protocol 0: PVH */
	jmp	boot_common

	.globl	multiboot2_entry
multiboot2_entry:
	movl	$1, %ebp			/* protocol 1 */
	cmpl	$0x36d76289, %eax
	je	boot_common
	movl	$2, %ebp			/* nothing known: C says so */

boot_common:
	cli
	cld
	movl	%ebx, %esi			/* information structure, physical */
	movl	$PHYS(boot_stack_top), %esp

	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	no_long_mode
	movl	%edx, %ebx			/* bit 20: NX */

	/* Four directories of 512 two-megabyte pages. */
	movl	$PHYS(boot_directories), %edi
	movl	$PDE_BOOT, %eax
	movl	$2048, %ecx
1:	movl	%eax, (%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	loop	1b

	movl	$PHYS(boot_directories) + TABLE_BOOT, %eax
	movl	%eax, PHYS(boot_pdpt_image) + 510 * 8
	movl	$PHYS(boot_pdpt), %edi
	movl	$4, %ecx
2:	movl	%eax, (%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	loop	2b
	movl	$PHYS(boot_pdpt) + TABLE_BOOT, %eax
	movl	%eax, PHYS(boot_root)
	movl	%eax, PHYS(boot_root) + ((DIRECT_MAP_BASE >> 39) & 511) * 8
	movl	$PHYS(boot_pdpt_image) + TABLE_BOOT, %eax
	movl	%eax, PHYS(boot_root) + 511 * 8

	movl	$0x20, %eax			/* CR4.PAE */
	movl	%eax, %cr4
	movl	$PHYS(boot_root), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx		/* EFER: LME, NXE if there */
	rdmsr
	orl	$0x100, %eax
	btl	$20, %ebx
	jnc	3f
	orl	$0x800, %eax
3:	wrmsr
	movl	$0x80010033, %eax		/* PG WP NE ET MP PE */
	movl	%eax, %cr0
	lgdt	PHYS(boot_gdt_pointer)
	ljmp	$KERNEL_CS, $PHYS(boot_64)

no_long_mode:
	movl	$PHYS(no_long_mode_text), %esi
	movw	$0x3f8, %dx
4:	lodsb
	testb	%al, %al
	jz	5f
	outb	%al, %dx
	jmp	4b
5:	cli
	hlt
	jmp	5b

	.code64
boot_64:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack_top, %rsp
	movl	%ebp, %edi			/* protocol */
	movl	%esi, %esi			/* information */
	xorl	%ebp, %ebp			/* end of the frame chain */
	/* GS base may be anything: 0 is the boot CPU's per-CPU offset. */
	movl	$0xc0000101, %ecx
	xorl	%edx, %edx
	wrmsr
	movq	$x86_boot, %rax
	call	*%rax
	ud2

	.section .rodata
no_long_mode_text:
	.asciz	"aegis: this CPU has no 64-bit mode\r\n"
	.align	8
boot_gdt:
	.quad	0
	.quad	0x00cf9b000000ffff		/* KERNEL_CS32 */
	.quad	0x00af9b000000ffff		/* KERNEL_CS */
	.quad	0x00cf93000000ffff		/* KERNEL_DS */
boot_gdt_pointer:
	.short	. - boot_gdt - 1
	.long	PHYS(boot_gdt), 0

	.section .bss.page_aligned, "aw", @nobits
	.align	4096
	.globl	boot_stack, boot_stack_top
boot_stack:
	.skip	16384
boot_stack_top:

	/* Given back with the rest of the init memory once the final tables are in use. */
	.section .init.data.tables, "aw", @progbits
	.align	4096
boot_root:
	.skip	4096
boot_pdpt:
	.skip	4096
boot_pdpt_image:
	.skip	4096
boot_directories:
	.skip	4 * 4096
	.section .note.GNU-stack, "", @progbits
