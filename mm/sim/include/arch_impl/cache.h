/* SPDX-License-Identifier: MIT */
/* Host simulation: coherent. */
#pragma once

static inline void arch_icache_sync(const void *p, size_t len) { }
static inline void arch_dcache_clean(const void *p, size_t len) { }
static inline void arch_dcache_invalidate(const void *p, size_t len) { }
