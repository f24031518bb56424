/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance by virtual address. The line sizes are the smallest of all CPUs: CTR_EL0 of the
 * boot CPU, which the architecture asks firmware to keep equal.
 */
#ifndef ARCH_IMPL_CACHE_H
#define ARCH_IMPL_CACHE_H

#include <arch_impl/sysreg.h>

#define arm64_cache_lines(op, p, len, line)				\
do {									\
	uint64_t line_ = (line);					\
	uint64_t end_ = (uint64_t)(p) + (len);				\
									\
	for (uint64_t a_ = (uint64_t)(p) & ~(line_ - 1); a_ < end_; a_ += line_)	\
		__asm__ volatile(op ", %0" : : "r"(a_) : "memory");	\
} while (0)

static inline uint64_t arm64_dcache_line(void)
{
	return 4UL << (sysreg_read(ctr_el0) >> 16 & 15);
}

/* CTR_EL0.IDC and .DIC: which half of the maintenance the CPU does without being asked. */
static inline void arch_icache_sync(const void *p, size_t len)
{
	uint64_t ctr = sysreg_read(ctr_el0);

	if (!(ctr & 1UL << 28))
		arm64_cache_lines("dc cvau", p, len, arm64_dcache_line());
	dsb(ish);
	if (!(ctr & 1UL << 29)) {
		/* By address would miss other aliases of a virtually indexed cache. */
		if (ctr >> 14 & 1 && (ctr >> 14 & 3) == 3)
			arm64_cache_lines("ic ivau", p, len, 4UL << (ctr & 15));
		else
			__asm__ volatile("ic ialluis" ::: "memory");
		dsb(ish);
	}
	isb();
}

static inline void arch_dcache_clean(const void *p, size_t len)
{
	arm64_cache_lines("dc cvac", p, len, arm64_dcache_line());
	dsb(sy);
}

static inline void arch_dcache_invalidate(const void *p, size_t len)
{
	arm64_cache_lines("dc civac", p, len, arm64_dcache_line());
	dsb(sy);
}

#endif
