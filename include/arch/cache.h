/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance that the architecture leaves to software.
 */
#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

#include <lib/types.h>

/* Make instructions written through the direct map at [p, p + len) visible to all CPUs' fetches. */
static inline void arch_icache_sync(const void *p, size_t len);

/*
 * Non-coherent DMA: write back, or drop, the lines of [p, p + len).  No-ops where DMA is coherent.
 */
static inline void arch_dcache_clean(const void *p, size_t len);
static inline void arch_dcache_invalidate(const void *p, size_t len);

#include <arch_impl/cache.h>

#endif
