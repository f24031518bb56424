/* SPDX-License-Identifier: MIT */
/* Host simulation: page table entries of a made-up machine that checks what it can. */
#pragma once



struct arch_aspace { pte_t *root; };
enum { SIM_USED = 1, SIM_PROT = 1, SIM_TABLE = 1 << 5, SIM_LEAF = 1 << 6, SIM_SOFT = 7,
       SIM_TYPE = 9 };
static inline pte_t pte_leaf(paddr_t pa, unsigned int prot, enum mem_type type, unsigned int level)
{
	return (pte_t){ pa.v | SIM_USED | prot << SIM_PROT | SIM_LEAF | 0UL << SIM_SOFT |
			(uint64_t)type << SIM_TYPE };
}
static inline pte_t pte_table(paddr_t t) { return (pte_t){ t.v | SIM_USED | SIM_TABLE }; }
static inline bool pte_is_none(pte_t e) { return !e.v; }
static inline bool pte_is_leaf(pte_t e, unsigned int level) { return e.v && !(e.v & SIM_TABLE); }
static inline paddr_t pte_paddr(pte_t e) { return PADDR(e.v & 0x0000fffffffff000UL); }
static inline unsigned int pte_prot(pte_t e)
{
	unsigned int p = e.v >> SIM_PROT & 15;
	return p & 7 ? p : 0;
}
static inline enum mem_type pte_type(pte_t e) { return (enum mem_type)(e.v >> SIM_TYPE & 3); }
static inline bool pte_is_young(pte_t e) { return true; }
static inline pte_t pte_make_old(pte_t e) { return e; }
static inline pte_t pte_with_prot(pte_t e, unsigned int prot)
{
	return (pte_t){ (e.v & ~(15UL << SIM_PROT)) | (uint64_t)prot << SIM_PROT };
}
static inline unsigned int pte_soft(pte_t e) { return e.v >> SIM_SOFT & 3; }
static inline pte_t pte_with_soft(pte_t e, unsigned int soft)
{
	return (pte_t){ (e.v & ~(3UL << SIM_SOFT)) | (uint64_t)soft << SIM_SOFT };
}
static inline void arch_pt_sync(void) { }
static inline void *phys_to_virt(paddr_t pa) { return (void *)(pa.v + sim_ram); }
static inline paddr_t virt_to_phys(const void *va) { return PADDR((uint64_t)va - sim_ram); }
static inline paddr_t image_to_phys(const void *va) { return PADDR(0); }
static inline pte_t *arch_aspace_root(struct aspace *as)
{
	return ((struct arch_aspace *)as)->root;
}
static inline void arch_clear_page(void *p) { __builtin_memset(p, 0, 4096); }
static inline void arch_copy_page(void *d, const void *s) { __builtin_memcpy(d, s, 4096); }
