/* SPDX-License-Identifier: MIT */
/*
 * Physical memory before the page allocator: a list of free ranges made from
 * boot_info, less what is reserved.
 */
#ifndef MM_EARLY_H
#define MM_EARLY_H

#include <arch/boot.h>
#include <lib/compiler.h>

/*
 * Take boot_info's RAM; then reserve the image, initrd and device tree.  Panics with a message if
 * no RAM is left.
 */
void early_init(void);

/* Never hand out [base, base + size).  Before or between allocations. */
void early_reserve(paddr_t base, uint64_t size, const char *what);

/*
 * Zeroed memory, @align a power of two of at least PAGE_SIZE, reachable by the current
 * direct map (so below arch_early_limit()).  Never fails: panics, since
 * nothing can run without it.
 */
paddr_t early_alloc(uint64_t size, uint64_t align);

/* First physical address that the boot tables do not reach; all of memory after arch_mmu_init(). */
uint64_t arch_early_limit(void);

/* Walk what is free and what is RAM; for page_array setup.  False at the end. */
bool early_next_free(unsigned int *cursor, paddr_t *base, uint64_t *size);
bool early_next_ram(unsigned int *cursor, paddr_t *base, uint64_t *size);

#endif
