/* SPDX-License-Identifier: MIT */
/*
 * Mappings of the kernel's own half: used by a port while it builds the final
 * tables, and by vmalloc afterwards.
 */
#ifndef MM_KERNEL_MAP_H
#define MM_KERNEL_MAP_H

#include <arch/mmu.h>

struct kernel_mapping {
	uint64_t va;
	paddr_t pa;
	uint64_t size;			/* all three page-aligned */
	unsigned int prot;		/* enum pte_prot, without PTE_USER */
	enum mem_type type;
	unsigned int max_level;		/* largest leaf allowed: 0 = 4 KiB, 1 = 2 MiB, 2 = 1 GiB */
};

/*
 * Map @m under @root with the largest leaves that fit, replacing nothing:
 * -EEXIST where something is mapped.  Tables come from early_alloc() until the
 * page allocator runs, then from it.  -ENOMEM leaves what was mapped so far.
 * Caller serialises per range; concurrent calls for other ranges are fine.
 */
__must_check int kernel_map(pte_t *root, const struct kernel_mapping *m);

/* Change the protection of 4 KiB mappings in [va, va + size); the caller flushes. */
void kernel_protect(pte_t *root, uint64_t va, uint64_t size, unsigned int prot);

/* Remove 4 KiB mappings of [va, va + size) and flush.  Tables stay for the next user. */
void kernel_unmap(pte_t *root, uint64_t va, uint64_t size);

/* Where @va is mapped; false when it is not. */
bool kernel_lookup(pte_t *root, uint64_t va, pte_t *entry, unsigned int *level);

#endif
