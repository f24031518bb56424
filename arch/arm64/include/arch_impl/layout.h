/* SPDX-License-Identifier: MIT */
/*
 * The kernel half of the 48-bit address space:
 *
 *	ffff000000000000  direct map of physical memory, 128 TiB
 *	ffff800000000000  kernel mappings made page by page, 64 TiB
 *	ffffc00000000000  the struct page array
 *	ffffffff40000000  fixed windows: device tree during boot, early console
 *	ffffffff80000000  the image
 */
#ifndef ARCH_IMPL_LAYOUT_H
#define ARCH_IMPL_LAYOUT_H

#define PAGE_SHIFT		12
#define PT_LEVELS		4
#define PT_INDEX_BITS		9

#ifdef __ASSEMBLER__
#define LAYOUT_UL(x)		x
#else
#define LAYOUT_UL(x)		x##UL
#endif

#define USER_TOP		LAYOUT_UL(0x0001000000000000)
#define DIRECT_MAP_BASE		LAYOUT_UL(0xffff000000000000)
#define DIRECT_MAP_SIZE		LAYOUT_UL(0x0000800000000000)
#define VMALLOC_BASE		LAYOUT_UL(0xffff800000000000)
#define VMALLOC_END		LAYOUT_UL(0xffffc00000000000)
#define PAGE_ARRAY_BASE		LAYOUT_UL(0xffffc00000000000)
#define FIXMAP_BASE		LAYOUT_UL(0xffffffff40000000)
#define KERNEL_BASE		LAYOUT_UL(0xffffffff80000000)

/* Windows of the fixed area: the device tree (4 MiB), the early console (a page). */
#define FIXMAP_FDT		FIXMAP_BASE
#define FIXMAP_UART		(FIXMAP_BASE + 0x800000)

#endif
