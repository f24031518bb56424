/* SPDX-License-Identifier: MIT */
/*
 * Caches are coherent with fetches and with DMA.
 */
#ifndef ARCH_IMPL_CACHE_H
#define ARCH_IMPL_CACHE_H

#include <lib/compiler.h>

static inline void arch_icache_sync(const void *p, size_t len)
{
	(void)p;
	(void)len;
	barrier();
}

static inline void arch_dcache_clean(const void *p, size_t len)
{
	(void)p;
	(void)len;
}

static inline void arch_dcache_invalidate(const void *p, size_t len)
{
	(void)p;
	(void)len;
}

#endif
