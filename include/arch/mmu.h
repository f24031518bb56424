/* SPDX-License-Identifier: MIT */
/*
 * Address-space layout, page table entries and the TLB.
 *
 * Both ports use trees of 4 KiB tables with 512 eight-byte entries, so one
 * walker in mm/ serves both; the port says how an entry is spelled.  Levels count from
 * the leaves: level 0 maps 4 KiB, level 1 2 MiB, level 2 1 GiB.
 *
 * <arch_impl/mmu.h> gives, besides the inlines below:
 *   PAGE_SHIFT (12), PT_LEVELS, PT_INDEX_BITS (9)
 *   USER_TOP		first address user mode cannot have
 *   DIRECT_MAP_BASE	all RAM, linearly
 *   VMALLOC_BASE/END	kernel mappings made page by page (stacks, big tables, devices)
 *   PAGE_ARRAY_BASE	the struct page array
 *   KERNEL_BASE	link address of the image; virt_to_phys for it is image_to_phys()
 *   struct arch_aspace	what a user address space is to the port; struct aspace begins with it
 *
 * Dirty state is software's: a clean page of a shared file mapping is mapped
 * read-only, and the write fault marks it.  So entries need no hardware dirty bit and
 * none is asked for.  Ports set the accessed bit themselves where hardware does not.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <lib/types.h>
#include <lib/compiler.h>

struct aspace;

enum pte_prot {			/* what an entry allows; 0 = held but not accessible (PROT_NONE) */
	PTE_READ	= 1 << 0,
	PTE_WRITE	= 1 << 1,
	PTE_EXEC	= 1 << 2,
	PTE_USER	= 1 << 3,
};

enum mem_type {
	MEM_NORMAL,			/* cacheable RAM */
	MEM_DEVICE,			/* registers: no caching, merging or speculation */
	MEM_WRITE_COMBINE,		/* framebuffers */
};

#include <arch_impl/layout.h>

typedef struct { uint64_t v; } pte_t;

#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PT_ENTRIES	(1U << PT_INDEX_BITS)

/* An entry that maps @pa at @level with @prot (enum pte_prot bits). */
static inline pte_t pte_leaf(paddr_t pa, unsigned int prot, enum mem_type type, unsigned int level);
/* An entry that points to the next lower table. */
static inline pte_t pte_table(paddr_t table);
static inline bool pte_is_none(pte_t e);	/* all zero: never mapped */
/* maps memory (also when held); not none */
static inline bool pte_is_leaf(pte_t e, unsigned int level);
static inline paddr_t pte_paddr(pte_t e);
static inline unsigned int pte_prot(pte_t e);
static inline enum mem_type pte_type(pte_t e);
static inline bool pte_is_young(pte_t e);
static inline pte_t pte_make_old(pte_t e);
/* The same page with another protection. */
static inline pte_t pte_with_prot(pte_t e, unsigned int prot);

/*
 * Two software bits, free for mm/.  PTE_SOFT_PAGE: a struct page reference is
 * held by this entry.  PTE_SOFT_COW: write means copy, not denial.
 */
enum pte_soft { PTE_SOFT_PAGE = 1, PTE_SOFT_COW = 2 };
static inline unsigned int pte_soft(pte_t e);
static inline pte_t pte_with_soft(pte_t e, unsigned int soft);

static inline pte_t pte_load(const pte_t *p)
{
	return (pte_t){ __atomic_load_n(&p->v, __ATOMIC_RELAXED) };
}

/* Publish an entry; what it points to was written before (release).  See arch_pt_sync(). */
static inline void pte_store(pte_t *p, pte_t e)
{
	__atomic_store_n(&p->v, e.v, __ATOMIC_RELEASE);
}

static inline pte_t pte_exchange(pte_t *p, pte_t e)
{
	return (pte_t){ __atomic_exchange_n(&p->v, e.v, __ATOMIC_ACQ_REL) };
}

/*
 * After entries went from none to valid, before the mapping is relied on by
 * this CPU: orders the stores with the table walker.  Nothing on x86_64.
 */
static inline void arch_pt_sync(void);

/* Direct map.  @pa must be RAM. */
static inline void *phys_to_virt(paddr_t pa);
static inline paddr_t virt_to_phys(const void *va);	/* of a direct-map address only */
static inline paddr_t image_to_phys(const void *va);	/* of an address within the kernel image */

/*
 * Build the final kernel page tables with kernel_map() (mm/kernel_map.h): the
 * direct map of all RAM of boot_info, the image with W^X, and the empty
 * top-level entries that all address spaces will share.  Memory comes from
 * early_alloc().  On return they are in use, on this CPU, and boot mappings are gone.
 */
void arch_mmu_init(void);

/* The root of the kernel's own tables: what kernel_map() works on. */
pte_t *arch_kernel_root(void);

/*
 * User address spaces.  _init: allocate the root with the kernel half in
 * place; -ENOMEM.  _destroy: the user half is empty; no CPU uses it on return (this
 * may interrupt those that still hold it lazily); root freed.
 */
__must_check int arch_aspace_init(struct aspace *as);
void arch_aspace_destroy(struct aspace *as);
static inline pte_t *arch_aspace_root(struct aspace *as);

/*
 * Use @next's user half on this CPU; NULL: a kernel thread, any or no user half
 * will do.  Interrupts masked.
 */
void arch_aspace_switch(struct aspace *next);

/*
 * Forget translations of [start, end) of @as on all CPUs that may have them; done
 * on return.  @as NULL: kernel addresses.  _all: the whole user half.  Interrupts
 * unmasked (it may wait for other CPUs), page table locks may be held.
 */
void arch_tlb_flush(struct aspace *as, uint64_t start, uint64_t end);
void arch_tlb_flush_all(struct aspace *as);

/* Clear or copy one page by its direct-map address, the fastest way the CPU has. */
static inline void arch_clear_page(void *page);
static inline void arch_copy_page(void *dst, const void *src);

#include <arch_impl/mmu.h>

#endif
