/* SPDX-License-Identifier: MIT */
/* Host simulation: the address-space layout, RAM being an array of the host. */
#pragma once

#include <stdint.h>
#define PAGE_SHIFT	12
#define PT_LEVELS	4
#define PT_INDEX_BITS	9
extern uint64_t sim_ram, sim_page_array;
#define USER_TOP	0x00007ffffffff000UL
#define DIRECT_MAP_BASE	sim_ram
#define DIRECT_MAP_SIZE	(1UL << 46)
#define VMALLOC_BASE	0xffffc90000000000UL
#define VMALLOC_END	0xffffca0000000000UL
#define PAGE_ARRAY_BASE	sim_page_array
#define KERNEL_BASE	0xffffffff80000000UL
