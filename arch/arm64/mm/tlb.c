/* SPDX-License-Identifier: MIT */
/*
 * Address-space numbers and the TLB.
 *
 * The hardware tags translations with an 8- or 16-bit ASID. Address spaces get numbers from a
 * bitmap; when it is used up, a new generation begins: all are invalid but those
 * running on some CPU (reserved), and each CPU flushes its TLB before it uses any of the
 * new ones.
 *
 * I1: two address spaces never run under one number without a full local flush between them.
 * I2: an address space that runs on one CPU keeps its number in the next generation.
 * aspace->asid = generation | number; active[cpu] is what CPU runs, 0 while a rollover took it.
 * Road not taken: freeing numbers as address spaces go needs a flush each; a rollover
 * needs one per 65536.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <kernel/cpumask.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/page.h>
#include <arch_impl/arm64.h>

#define ASID_MAX_BITS	16
#define FLUSH_PAGES_MAX	64		/* more pages: the whole address space at once */

_Static_assert(offset_of(struct aspace, arch) == 0, "arch_aspace_root() counts on it");

static unsigned int asid_bits;
static uint64_t generation;		/* [A] above the number's bits */
static uint32_t asid_lock;		/* [A] taken with interrupts masked, innermost of all */
static uint64_t asid_used[(1 << ASID_MAX_BITS) / 64];	/* [L] asid_lock */
static unsigned int asid_hint = 1;	/* [L] */
static struct cpumask flush_pending;	/* [L] */
static DEFINE_PERCPU(uint64_t, active_asid);	/* [A] */
static DEFINE_PERCPU(uint64_t, reserved_asid);	/* [L] */

/*
 * Below the scheduler's locks, on every switch path: not a struct spinlock, whose checks would come
 * too late.
 */
static void asid_lock_take(void)
{
	while (__atomic_exchange_n(&asid_lock, 1, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
}

static void asid_lock_give(void)
{
	__atomic_store_n(&asid_lock, 0, __ATOMIC_RELEASE);
}

void arm64_asid_init(void)
{
	asid_bits = id_field(sysreg_read(id_aa64mmfr0_el1), 4) == 2 ? 16 : 8;
	generation = 1UL << asid_bits;
	asid_used[0] = 1;			/* 0: the empty root of kernel threads */
}

static uint64_t asid_number(uint64_t asid)
{
	return asid & ((1UL << asid_bits) - 1);
}

static bool asid_is_current(uint64_t asid)
{
	return (asid ^ __atomic_load_n(&generation, __ATOMIC_RELAXED)) >> asid_bits == 0;
}

static bool asid_mark_used(uint64_t number)
{
	uint64_t *word = &asid_used[number / 64], bit = 1UL << number % 64;
	bool was = *word & bit;

	*word |= bit;
	return was;
}

/* Begin a generation: what runs now keeps its number (I2), all CPUs must flush (I1). */
static void asid_rollover(void)
{
	memset(asid_used, 0, (1UL << asid_bits) / 8);
	asid_used[0] = 1;
	__atomic_store_n(&generation, generation + (1UL << asid_bits), __ATOMIC_RELAXED);
	for_each_cpu(cpu) {
		uint64_t asid = __atomic_exchange_n(per_cpu_ptr(&active_asid, cpu), 0,
						    __ATOMIC_SEQ_CST);
		uint64_t *reserved = per_cpu_ptr(&reserved_asid, cpu);

		/* Not switched since the last rollover: its reservation stands. */
		if (asid)
			*reserved = asid;
		asid_mark_used(asid_number(*reserved));
		cpumask_set(&flush_pending, cpu);
	}
	asid_hint = 1;
}

/* If some CPU runs the space under @asid, renew that reservation to @renewed. */
static bool asid_is_reserved(uint64_t asid, uint64_t renewed)
{
	bool hit = false;

	for_each_cpu(cpu) {
		uint64_t *reserved = per_cpu_ptr(&reserved_asid, cpu);

		if (*reserved == asid) {
			*reserved = renewed;
			hit = true;
		}
	}
	return hit;
}

static unsigned int asid_find_free(void)
{
	unsigned int limit = 1U << asid_bits;

	for (unsigned int i = asid_hint; i < limit; i++) {
		if (asid_used[i / 64] == ~0UL)
			i |= 63;
		else if (!(asid_used[i / 64] >> i % 64 & 1))
			return i;
	}
	return 0;
}

static uint64_t asid_new(uint64_t old)
{
	unsigned int number;

	if (old) {
		uint64_t renewed = generation | asid_number(old);

		if (asid_is_reserved(old, renewed))
			return renewed;
		if (!asid_mark_used(asid_number(old)))
			return renewed;
	}
	number = asid_find_free();
	if (!number) {
		asid_rollover();
		number = asid_find_free();
		ENSURE(number);			/* fewer CPUs than numbers */
	}
	asid_mark_used(number);
	asid_hint = number + 1;
	return generation | number;
}

static void asid_renew(struct arch_aspace *as, unsigned int cpu)
{
	asid_lock_take();
	if (!asid_is_current(as->asid))
		__atomic_store_n(&as->asid, asid_new(as->asid), __ATOMIC_RELAXED);
	if (cpumask_has(&flush_pending, cpu)) {
		cpumask_clear(&flush_pending, cpu);
		__asm__ volatile("tlbi vmalle1; dsb nsh; isb" ::: "memory");
	}
	__atomic_store_n(this_cpu_ptr(&active_asid), as->asid, __ATOMIC_RELAXED);
	asid_lock_give();
}

/*
 * The fast way takes no lock: the exchange fails if a rollover took active_asid in between, which
 * is ordered by both being read-modify-writes of one word.
 */
void arch_aspace_switch(struct aspace *next)
{
	struct arch_aspace *as = (struct arch_aspace *)next;
	uint64_t asid, active, *slot;

	if (!next) {
		sysreg_write(ttbr0_el1, arm64_empty_root_pa);
		isb();
		return;
	}
	slot = this_cpu_ptr(&active_asid);
	asid = __atomic_load_n(&as->asid, __ATOMIC_RELAXED);
	active = __atomic_load_n(slot, __ATOMIC_RELAXED);
	if (!active || !asid_is_current(asid) ||
	    !__atomic_compare_exchange_n(slot, &active, asid, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		asid_renew(as, this_cpu_id());
	sysreg_write(ttbr0_el1, as->root_pa | asid_number(as->asid) << 48);
	isb();
}

int arch_aspace_init(struct aspace *as)
{
	struct page *p = page_alloc(0, ALLOC_ZERO);

	if (!p)
		return -ENOMEM;
	p->kind = PAGE_TABLE;
	as->arch = (struct arch_aspace){ .root = page_to_virt(p), .root_pa = page_to_phys(p).v };
	page_stat_add(PAGE_TABLE, 1);
	return 0;
}

/* Kernel threads run on the empty root, so no CPU holds this one lazily. */
void arch_aspace_destroy(struct aspace *as)
{
	page_free_virt(as->arch.root, 0);
	as->arch.root = NULL;
}

/*
 * The number is read after the barrier: a CPU that gives the space a new one later walks the tables
 * as they are now; one that did before is seen here.
 */
static uint64_t asid_to_flush(const struct aspace *as)
{
	dsb(ishst);
	return asid_number(__atomic_load_n(&as->arch.asid, __ATOMIC_RELAXED)) << 48;
}

static void flush_aspace(const struct aspace *as)
{
	__asm__ volatile("tlbi aside1is, %0; dsb ish" : : "r"(asid_to_flush(as)) : "memory");
}

static void flush_kernel(uint64_t start, uint64_t end)
{
	dsb(ishst);
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		__asm__ volatile("tlbi vmalle1is" ::: "memory");
	} else {
		for (uint64_t va = start; va < end; va += PAGE_SIZE)
			__asm__ volatile("tlbi vaae1is, %0" : : "r"(va >> 12 & ((1UL << 44) - 1))
					 : "memory");
	}
	dsb(ish);
	isb();
}

void arch_tlb_flush(struct aspace *as, uint64_t start, uint64_t end)
{
	uint64_t asid;

	if (!as) {
		flush_kernel(start, end);
		return;
	}
	if (end - start > FLUSH_PAGES_MAX * PAGE_SIZE) {
		flush_aspace(as);
		return;
	}
	asid = asid_to_flush(as);
	for (uint64_t va = start; va < end; va += PAGE_SIZE)
		__asm__ volatile("tlbi vae1is, %0" : : "r"(asid | va >> 12) : "memory");
	dsb(ish);
}

void arch_tlb_flush_all(struct aspace *as)
{
	if (as)
		flush_aspace(as);
	else
		flush_kernel(0, UINT64_MAX);
}
