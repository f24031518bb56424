/* SPDX-License-Identifier: MIT */
/*
 * Kernel mappings made page by page, each with an unmapped guard page after it.
 */
#ifndef MM_VMALLOC_H
#define MM_VMALLOC_H

#include <arch/mmu.h>

void *vmalloc(size_t size, unsigned int alloc_flags);
void vfree(const void *p);

/*
 * A kernel stack of THREAD_STACK_SIZE with a guard page below.  Cached per CPU.  NULL: out of
 * memory.
 */
void *stack_alloc(void);
void stack_free(void *stack);
/* Is @addr in the guard page below some stack?  For the fault handler's message. */
bool stack_guard_hit(uint64_t addr);

/* Map device registers or firmware tables.  NULL: no space.  @pa need not be aligned. */
void *mmio_map(paddr_t pa, uint64_t size, enum mem_type type);
void mmio_unmap(void *va);

void vmalloc_init(void);

#endif
