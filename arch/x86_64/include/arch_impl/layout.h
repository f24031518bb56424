/* SPDX-License-Identifier: MIT */
/*
 * The virtual address map.  Also read by assembly and by the linker script, so plain numbers only.
 *
 *	0000000000000000 - 00007fffffffefff	user; the last page below the hole stays empty,
 *						so that no SYSCALL can leave a non-canonical RIP
 *	ffff888000000000 - ffffc87fffffffff	direct map of RAM
 *	ffffc90000000000 - ffffc9ffffffffff	vmalloc
 *	ffffea0000000000 - ffffea7fffffffff	struct page array
 *	ffffffff80000000 - ffffffffbfffffff	kernel image (1 GiB window)
 *	ffffffffc0000000 - ffffffffffdfffff	devices mapped by the port itself
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

#define USER_TOP		LAYOUT_UL(0x00007ffffffff000)
#define DIRECT_MAP_BASE		LAYOUT_UL(0xffff888000000000)
#define DIRECT_MAP_SIZE		LAYOUT_UL(0x0000400000000000)
#define VMALLOC_BASE		LAYOUT_UL(0xffffc90000000000)
#define VMALLOC_END		LAYOUT_UL(0xffffca0000000000)
#define PAGE_ARRAY_BASE		LAYOUT_UL(0xffffea0000000000)
#define PAGE_ARRAY_END		LAYOUT_UL(0xffffea8000000000)
#define KERNEL_BASE		LAYOUT_UL(0xffffffff80000000)
#define DEVICE_MAP_BASE		LAYOUT_UL(0xffffffffc0000000)
#define DEVICE_MAP_END		LAYOUT_UL(0xffffffffffe00000)

#define KERNEL_LOAD_PA		0x100000

#endif
