/* SPDX-License-Identifier: MIT */
/*
 * How a page table entry is spelled (Intel SDM vol. 3, 4.5), and the direct map.
 *
 * A held entry (PROT_NONE) has P clear and bit 8 set; bit 8 of a present one is Global.
 * The PAT is programmed so that PWT alone means write-combining and PCD|PWT uncached.
 */
#ifndef ARCH_IMPL_MMU_H
#define ARCH_IMPL_MMU_H

#include <lib/types.h>

#define X86_PTE_P	(1UL << 0)
#define X86_PTE_W	(1UL << 1)
#define X86_PTE_U	(1UL << 2)
#define X86_PTE_PWT	(1UL << 3)
#define X86_PTE_PCD	(1UL << 4)
#define X86_PTE_A	(1UL << 5)
#define X86_PTE_D	(1UL << 6)
#define X86_PTE_PS	(1UL << 7)
#define X86_PTE_G	(1UL << 8)
#define X86_PTE_HELD	(1UL << 8)
#define X86_PTE_SOFT	9
#define X86_PTE_NX	(1UL << 63)
#define X86_PTE_ADDRESS	0x000ffffffffff000UL

extern uint64_t x86_pte_nx;		/* X86_PTE_NX, or 0 on a CPU without it */

/* What a user address space is to the port. */
struct arch_aspace {
	pte_t *root;			/* [I] direct-map address of the top table */
	uint64_t id;			/* [I] never reused: tells PCID slots apart */
	/* [A] requests so far; a CPU that missed some flushes when it returns */
	uint64_t flushes;
};

static inline uint64_t x86_pte_bits(unsigned int prot)
{
	uint64_t v;

	if (!(prot & (PTE_READ | PTE_WRITE | PTE_EXEC)))
		return X86_PTE_HELD | X86_PTE_A | X86_PTE_D;
	v = X86_PTE_P | X86_PTE_A | X86_PTE_D;
	if (prot & PTE_WRITE)
		v |= X86_PTE_W;
	if (!(prot & PTE_EXEC))
		v |= x86_pte_nx;
	return v | (prot & PTE_USER ? X86_PTE_U : X86_PTE_G);
}

static inline pte_t pte_leaf(paddr_t pa, unsigned int prot, enum mem_type type, unsigned int level)
{
	uint64_t v = pa.v | x86_pte_bits(prot);

	if (type == MEM_DEVICE)
		v |= X86_PTE_PCD | X86_PTE_PWT;
	else if (type == MEM_WRITE_COMBINE)
		v |= X86_PTE_PWT;
	if (level)
		v |= X86_PTE_PS;
	return (pte_t){ v };
}

static inline pte_t pte_table(paddr_t table)
{
	return (pte_t){ table.v | X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A };
}

static inline bool pte_is_none(pte_t e)
{
	return !e.v;
}

static inline bool pte_is_leaf(pte_t e, unsigned int level)
{
	return level ? (e.v & X86_PTE_PS) != 0 : e.v != 0;
}

static inline paddr_t pte_paddr(pte_t e)
{
	return PADDR(e.v & X86_PTE_ADDRESS);
}

static inline unsigned int pte_prot(pte_t e)
{
	if (!(e.v & X86_PTE_P))
		return 0;
	return PTE_READ | (e.v & X86_PTE_W ? PTE_WRITE : 0) | (e.v & X86_PTE_NX ? 0 : PTE_EXEC) |
	       (e.v & X86_PTE_U ? PTE_USER : 0);
}

static inline enum mem_type pte_type(pte_t e)
{
	if (e.v & X86_PTE_PCD)
		return MEM_DEVICE;
	return e.v & X86_PTE_PWT ? MEM_WRITE_COMBINE : MEM_NORMAL;
}

static inline bool pte_is_young(pte_t e)
{
	return e.v & X86_PTE_A;
}

static inline pte_t pte_make_old(pte_t e)
{
	return (pte_t){ e.v & ~X86_PTE_A };
}

static inline pte_t pte_with_prot(pte_t e, unsigned int prot)
{
	const uint64_t keep = X86_PTE_ADDRESS | X86_PTE_PWT | X86_PTE_PCD | X86_PTE_PS |
			      3UL << X86_PTE_SOFT;

	return (pte_t){ (e.v & keep) | x86_pte_bits(prot) };
}

static inline unsigned int pte_soft(pte_t e)
{
	return e.v >> X86_PTE_SOFT & 3;
}

static inline pte_t pte_with_soft(pte_t e, unsigned int soft)
{
	return (pte_t){ (e.v & ~(3UL << X86_PTE_SOFT)) | (uint64_t)(soft & 3) << X86_PTE_SOFT };
}

static inline void arch_pt_sync(void)
{
	barrier();
}

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa.v + DIRECT_MAP_BASE);
}

static inline paddr_t virt_to_phys(const void *va)
{
	return PADDR((uint64_t)va - DIRECT_MAP_BASE);
}

static inline paddr_t image_to_phys(const void *va)
{
	return PADDR((uint64_t)va - KERNEL_BASE);
}

/* struct aspace begins with its struct arch_aspace (mm/aspace.h asserts it). */
static inline pte_t *arch_aspace_root(struct aspace *as)
{
	return ((struct arch_aspace *)as)->root;
}

static inline void arch_clear_page(void *page)
{
	unsigned long count = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(0UL) : "memory");
}

static inline void arch_copy_page(void *dst, const void *src)
{
	unsigned long count = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(count) : : "memory");
}

#endif
