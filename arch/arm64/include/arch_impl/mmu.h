/* SPDX-License-Identifier: MIT */
/*
 * Translation table entries (Arm ARM D8.3, VMSAv8-64, 4 KiB granule).
 *
 * A leaf that is held but not accessible (prot 0) has bit 0 clear and bit 1 clear,
 * so the walker ignores all the rest. Bit 57 remembers that a leaf is a block, so that its
 * protection can be changed without knowing the level.
 */
#ifndef ARCH_IMPL_MMU_H
#define ARCH_IMPL_MMU_H

#include <arch_impl/layout.h>
#include <arch_impl/sysreg.h>
#include <arch_impl/cache.h>

struct arch_aspace {
	pte_t *root;		/* [I] the user half; the kernel half has its own register */
	uint64_t root_pa;		/* [I] */
	uint64_t asid;			/* [A] generation and number; 0: none yet */
};

#define PTE_VALID	(1UL << 0)
#define PTE_PAGE	(1UL << 1)	/* a table above level 0, a page at level 0 */
#define PTE_ATTR(n)	((uint64_t)(n) << 2)
#define PTE_ATTR_MASK	PTE_ATTR(7)
#define PTE_EL0		(1UL << 6)
#define PTE_RDONLY	(1UL << 7)
#define PTE_INNER	(3UL << 8)
#define PTE_AF		(1UL << 10)
#define PTE_NG		(1UL << 11)
#define PTE_PXN		(1UL << 53)
#define PTE_UXN		(1UL << 54)
#define PTE_SOFT_SHIFT	55
#define PTE_SOFT_MASK	(3UL << PTE_SOFT_SHIFT)
#define PTE_BLOCK	(1UL << 57)
#define PTE_HELD_USER	(1UL << 58)	/* of a held entry: it was made with PTE_USER alone */
#define PTE_ADDR_MASK	0x0000fffffffff000UL
#define PTE_PROT_MASK	(PTE_VALID | PTE_PAGE | PTE_EL0 | PTE_RDONLY | PTE_NG | PTE_PXN | \
			 PTE_UXN | \
			 PTE_HELD_USER)

/* Protection bits as the hardware wants them; @block is PTE_BLOCK or 0. */
static inline uint64_t pte_prot_bits(unsigned int prot, uint64_t block)
{
	uint64_t v = PTE_PXN | PTE_UXN | PTE_RDONLY;

	if (!(prot & (PTE_READ | PTE_WRITE | PTE_EXEC)))
		return v | (prot & PTE_USER ? PTE_HELD_USER : 0);
	v |= block ? PTE_VALID : PTE_VALID | PTE_PAGE;
	if (prot & PTE_WRITE)
		v &= ~PTE_RDONLY;
	if (prot & PTE_USER) {
		v |= PTE_EL0 | PTE_NG;
		if (prot & PTE_EXEC)
			v &= ~PTE_UXN;
	} else if (prot & PTE_EXEC) {
		v &= ~PTE_PXN;
	}
	return v;
}

static inline pte_t pte_leaf(paddr_t pa, unsigned int prot, enum mem_type type, unsigned int level)
{
	uint64_t block = level ? PTE_BLOCK : 0;

	_Static_assert(MEM_NORMAL == MAIR_INDEX_NORMAL && MEM_DEVICE == MAIR_INDEX_DEVICE &&
		       MEM_WRITE_COMBINE == MAIR_INDEX_NC, "memory types index MAIR");
	return (pte_t){ (pa.v & PTE_ADDR_MASK) | pte_prot_bits(prot, block) | block |
			PTE_ATTR(type) | PTE_INNER | PTE_AF };
}

static inline pte_t pte_table(paddr_t table)
{
	return (pte_t){ table.v | PTE_VALID | PTE_PAGE };
}

static inline bool pte_is_none(pte_t e)
{
	return e.v == 0;
}

static inline bool pte_is_leaf(pte_t e, unsigned int level)
{
	return e.v && (level == 0 || (e.v & (PTE_VALID | PTE_PAGE)) != (PTE_VALID | PTE_PAGE));
}

static inline paddr_t pte_paddr(pte_t e)
{
	return (paddr_t){ e.v & PTE_ADDR_MASK };
}

static inline unsigned int pte_prot(pte_t e)
{
	unsigned int prot = PTE_READ;

	if (!(e.v & PTE_VALID))
		return e.v & PTE_HELD_USER ? PTE_USER : 0;
	if (!(e.v & PTE_RDONLY))
		prot |= PTE_WRITE;
	if (e.v & PTE_EL0)
		return prot | PTE_USER | (e.v & PTE_UXN ? 0 : PTE_EXEC);
	return prot | (e.v & PTE_PXN ? 0 : PTE_EXEC);
}

static inline enum mem_type pte_type(pte_t e)
{
	return (enum mem_type)((e.v & PTE_ATTR_MASK) >> 2);
}

static inline bool pte_is_young(pte_t e)
{
	return e.v & PTE_AF;
}

static inline pte_t pte_make_old(pte_t e)
{
	return (pte_t){ e.v & ~PTE_AF };
}

static inline pte_t pte_with_prot(pte_t e, unsigned int prot)
{
	return (pte_t){ (e.v & ~PTE_PROT_MASK) | pte_prot_bits(prot, e.v & PTE_BLOCK) };
}

static inline unsigned int pte_soft(pte_t e)
{
	return e.v >> PTE_SOFT_SHIFT & 3;
}

static inline pte_t pte_with_soft(pte_t e, unsigned int soft)
{
	return (pte_t){ (e.v & ~PTE_SOFT_MASK) | (uint64_t)soft << PTE_SOFT_SHIFT };
}

/* The table walker sees the stores; the ISB keeps later accesses from being tried before (D8.2). */
static inline void arch_pt_sync(void)
{
	dsb(ishst);
	isb();
}

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa.v + DIRECT_MAP_BASE);
}

static inline paddr_t virt_to_phys(const void *va)
{
	return (paddr_t){ (uint64_t)va - DIRECT_MAP_BASE };
}

/* Where the image was loaded, less where it is linked. */
extern uint64_t arm64_image_offset;

static inline paddr_t image_to_phys(const void *va)
{
	return (paddr_t){ (uint64_t)va + arm64_image_offset };
}

void arm64_clear_page(void *page);
void arm64_copy_page(void *dst, const void *src);

static inline void arch_clear_page(void *page)
{
	arm64_clear_page(page);
}

static inline void arch_copy_page(void *dst, const void *src)
{
	arm64_copy_page(dst, src);
}

static inline pte_t *arch_aspace_root(struct aspace *as)
{
	return ((struct arch_aspace *)as)->root;
}

#endif
