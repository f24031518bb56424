/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader's jump to the first C function, for the first CPU and
 * the others.
 *
 * Entry (Linux arm64 boot protocol): MMU off, caches off or clean for the image, x0 = physical
 * address of the device tree, EL2 or EL1, loaded at any 2 MiB boundary. Until the MMU is on
 * everything is addressed relative to the PC, and every store goes to memory, so lines
 * that the cache may hold of what was stored are dropped before the MMU goes on.
 *
 * Boot tables: TTBR0 maps the 2 MiB around this code one to one; TTBR1 maps the image
 * at KERNEL_BASE, and has room for the fixed windows and the direct map.
 */
#include <arch_impl/asm.h>
#include <arch_impl/layout.h>
#include <arch_impl/sysreg.h>
#include <generated/asm-offsets.h>

	.section .head.text, "ax"
	.globl	_start
_start:
	b	primary_entry
	.long	0
	.quad	0				/* text_offset from a 2 MiB boundary */
	.quad	__image_size
	.quad	0xa				/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/* x21 device tree, x22 exception level of entry (1 or 2), x23 physical image start */
primary_entry:
	mov	x21, x0
	bl	enter_el1
	mov	x22, x0
	adrp	x23, _start
	bl	clear_boot_tables
	bl	fill_boot_tables
	adrp	x0, boot_l0
	ldr	x30, =primary_virtual
	b	mmu_on

/*
 * Drop to EL1 if at EL2. Returns the level of entry; EL1's system control is at
 * its MMU-off value on return. Clobbers x0-x3.
 */
enter_el1:
	mrs	x0, CurrentEL
	ldr	x1, =SCTLR_BASE
	cmp	x0, #2 << 2
	b.eq	1f
	msr	sctlr_el1, x1
	isb
	mov	x0, #1
	ret
1:	msr	sctlr_el1, x1
	/* AArch64 at EL1; no trap of pointer authentication (API, APK). */
	mov	x0, #1 << 31
	orr	x0, x0, #3 << 40
	msr	hcr_el2, x0
	isb
	ldr	x0, =0x30c50830			/* SCTLR_EL2: all off, RES1 set */
	msr	sctlr_el2, x0
	mov	x0, #3				/* EL1 may use the physical counter and timer */
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mov	x0, #0x33ff			/* no FP traps; SVE and SME stay trapped */
	msr	cptr_el2, x0
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	mrs	x0, id_aa64dfr0_el1		/* all event counters to EL1, if there are any */
	ubfx	x1, x0, #8, #4
	mov	x2, xzr
	cbz	x1, 2f
	cmp	x1, #15
	b.eq	2f
	mrs	x2, pmcr_el0
	ubfx	x2, x2, #11, #5
2:	msr	mdcr_el2, x2
	mrs	x0, id_aa64mmfr0_el1		/* fine-grained traps off */
	ubfx	x1, x0, #56, #4
	cbz	x1, 3f
	msr	SYS_HFGRTR_EL2, xzr
	msr	SYS_HFGWTR_EL2, xzr
	msr	SYS_HFGITR_EL2, xzr
	msr	SYS_HDFGRTR_EL2, xzr
	msr	SYS_HDFGWTR_EL2, xzr
3:	mrs	x0, id_aa64pfr0_el1		/* GICv3: system registers for EL1 */
	ubfx	x1, x0, #24, #4
	cbz	x1, 4f
	mrs	x0, SYS_ICC_SRE_EL2
	mov	x1, #9				/* SRE, and EL1 may use it */
	orr	x0, x0, x1
	msr	SYS_ICC_SRE_EL2, x0
	isb
	mrs	x0, SYS_ICC_SRE_EL2
	tbz	x0, #0, 4f			/* the platform wired it off */
	msr	SYS_ICH_HCR_EL2, xzr
4:	adr	x0, hyp_vectors
	msr	vbar_el2, x0
	mov	x0, #0x3c5			/* EL1h, all masked */
	msr	spsr_el2, x0
	msr	elr_el2, x30
	mov	x0, #2
	eret

clear_boot_tables:
	adrp	x0, __boot_tables_start
	adrp	x1, __boot_tables_end
1:	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ret

/* \table[\index] = address of \next | table */
	.macro	link_table table, index, next
	adrp	x0, \table
	adrp	x1, \next
	orr	x1, x1, #3
	mov	x2, \index
	str	x1, [x0, x2, lsl #3]
	.endm

#define BLOCK_FLAGS	0x701			/* valid, normal, inner shareable, accessed */

fill_boot_tables:
	link_table boot_l0, #511, boot_l1
	link_table boot_l1, #510, boot_l2_image
	link_table boot_l1, #509, boot_l2_fixed
	link_table boot_l2_fixed, #4, boot_l3_fixed
	adrp	x0, boot_l2_image
	adrp	x1, __image_end
	mov	x2, #BLOCK_FLAGS
	orr	x2, x2, x23
1:	str	x2, [x0], #8
	add	x2, x2, #0x200, lsl #12
	cmp	x2, x1				/* the flags are less than a page */
	b.lo	1b

	/* idmap_l0 -> idmap_l1 -> idmap_l2 -> the block of this code */
	adrp	x0, idmap_l0
	adrp	x1, idmap_l1
	adrp	x2, idmap_l2
	orr	x3, x1, #3
	ubfx	x4, x23, #39, #9
	str	x3, [x0, x4, lsl #3]
	orr	x3, x2, #3
	ubfx	x4, x23, #30, #9
	str	x3, [x1, x4, lsl #3]
	mov	x3, #BLOCK_FLAGS
	orr	x3, x3, x23
	ubfx	x4, x23, #21, #9
	str	x3, [x2, x4, lsl #3]

	/* Drop stale lines of the tables. */
	dmb	sy
	adrp	x0, __boot_tables_start
	adrp	x1, __boot_tables_end
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x3, x3, x2
2:	dc	ivac, x0
	add	x0, x0, x3
	cmp	x0, x1
	b.lo	2b
	dsb	sy
	ret

/*
 * Turn the MMU on with the kernel half at physical x0 and jump to x30, a
 * virtual address. For every CPU. Clobbers x1-x4.
 */
	.section .idmap.text, "ax"
mmu_on:
	tlbi	vmalle1
	dsb	nsh
	ldr	x1, =MAIR_VALUE
	msr	mair_el1, x1
	ldr	x1, =TCR_BASE
	mrs	x2, id_aa64mmfr0_el1
	and	x3, x2, #15			/* PARange, at most 48 bits without LPA */
	cmp	x3, #5
	mov	x4, #5
	csel	x3, x3, x4, lo
	orr	x1, x1, x3, lsl #TCR_IPS_SHIFT
	ubfx	x3, x2, #4, #4			/* 16-bit ASIDs */
	cmp	x3, #2
	cset	x3, eq
	orr	x1, x1, x3, lsl #TCR_AS_SHIFT
	mrs	x2, id_aa64mmfr1_el1
	tst	x2, #15				/* the hardware sets the accessed bit */
	cset	x3, ne
	orr	x1, x1, x3, lsl #TCR_HA_SHIFT
	msr	tcr_el1, x1
	adrp	x1, idmap_l0
	msr	ttbr0_el1, x1
	msr	ttbr1_el1, x0
	mov	x1, #CPACR_FPEN
	msr	cpacr_el1, x1
	msr	mdscr_el1, xzr
	msr	oslar_el1, xzr			/* the OS lock would hold debug exceptions back */
	isb
	ic	iallu
	dsb	nsh
	ldr	x1, =SCTLR_MMU_ON
	msr	sctlr_el1, x1
	isb
	br	x30

/* x0 = physical address of struct arm64_cpu_boot, from PSCI CPU_ON. */
	.globl	secondary_entry
secondary_entry:
	mov	x20, x0
	bl	enter_el1
	ldr	x0, [x20, #CPU_BOOT_TTBR1]
	ldr	x21, [x20, #CPU_BOOT_IDLE]
	ldr	x22, [x20, #CPU_BOOT_STACK]
	ldr	x23, [x20, #CPU_BOOT_PERCPU]
	ldr	x24, [x20, #CPU_BOOT_CPU]
	ldr	x30, =secondary_virtual
	b	mmu_on

	.p2align 11
hyp_vectors:					/* nothing may come here: we gave EL2 up */
	.rept	16
	.p2align 7
	wfe
	b	. - 4
	.endr
	.ltorg

/* All that each CPU sets before C; clobbers x0. */
	.macro	cpu_common_setup
	ldr	x0, =vectors
	msr	vbar_el1, x0
	msr	contextidr_el1, xzr
	msr	tpidrro_el0, xzr
	msr	tpidr_el0, xzr
	isb
	.endm

	.section .init.text, "ax"
primary_virtual:
	cpu_common_setup
	ldr	x0, =arm64_boot_stack + ASM_THREAD_STACK_SIZE
	mov	sp, x0
	ldr	x0, =boot_thread
	msr	tpidr_el1, x0
	ldr	x0, =__bss_start
	ldr	x1, =__bss_end
1:	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b
	ldr	x0, =boot_thread
	ldr	x1, =arm64_boot_stack
	str	x1, [x0, #THREAD_STACK]
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x21
	mov	x1, x22
	mov	x2, x23
	bl	arm64_start
	b	.
	.ltorg

	.text
secondary_virtual:
	cpu_common_setup
	mov	sp, x22
	msr	tpidr_el1, x21
	str	x23, [x21, #THREAD_PERCPU]
	adrp	x0, arm64_empty_root_pa
	ldr	x0, [x0, #:lo12:arm64_empty_root_pa]
	msr	ttbr0_el1, x0
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	mov	x29, xzr
	mov	x30, xzr
	mov	w0, w24
	bl	secondary_main
	b	.
	.ltorg

	.section .init.tables, "aw", %nobits
	.p2align 12
	.globl	boot_l0, boot_l1, boot_l2_fixed, boot_l3_fixed, arm64_boot_table_pool
boot_l0:	.skip	4096
boot_l1:	.skip	4096
boot_l2_image:	.skip	4096
boot_l2_fixed:	.skip	4096
boot_l3_fixed:	.skip	4096
arm64_boot_table_pool:	.skip	16 * 4096	/* for the direct map: ARM64_BOOT_TABLES */

	.section .idmap.tables, "aw", %nobits
	.p2align 12
idmap_l0:	.skip	4096
idmap_l1:	.skip	4096
idmap_l2:	.skip	4096

	.section .bss.page_aligned, "aw", %nobits
	.p2align 12
	.globl	arm64_boot_stack
arm64_boot_stack:	.skip	ASM_THREAD_STACK_SIZE
