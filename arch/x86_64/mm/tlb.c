/* SPDX-License-Identifier: MIT */
/*
 * Loading address spaces, and forgetting translations on every CPU that may have them.
 *
 * I1  A CPU's bit in as->cpus is set before it loads the root and cleared after it has loaded
 *     another one. So a flush interrupts every CPU that can hold entries, except what I2 covers.
 * I2  With PCID, entries survive under the slot's number after the bit is gone.  as->arch.flushes
 *     counts flush requests; it is raised before the mask is read, and read after the bit is set: a
 *     request either finds the bit or is seen by the count, and then the slot is flushed as it is
 *     loaded.
 * I3  A CPU running a kernel thread keeps the last user root (lazy); it stays in the mask and
 *     serves requests.
 *
 * A request lives in the sender's per-CPU area; targets find it through a set of senders.  Senders
 * wait with interrupts on, so two that wait for each other serve each other.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <arch_impl/vectors.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/thread.h>
#include <mm/aspace.h>
#include <mm/page.h>

#define FULL_FLUSH_PAGES	32	/* beyond: dropping everything is cheaper */
#define PCID_SLOTS		6
#define CR3_NO_FLUSH		(1UL << 63)

enum flush_kind { FLUSH_RANGE, FLUSH_ALL, FLUSH_LEAVE };

struct tlb_request {
	struct aspace *as;		/* NULL: kernel addresses */
	uint64_t start, end;
	uint64_t number;		/* as->arch.flushes of this request */
	enum flush_kind kind;
	uint32_t waiting;		/* [A] targets that have not answered */
};

struct pcid_slot {
	uint64_t id;			/* of the address space; 0: none */
	uint64_t flushes;		/* requests that this slot has seen */
};

/* All [P], written with interrupts masked or by this CPU's interrupts. */
struct tlb_state {
	struct aspace *loaded;		/* whose user half CR3 has; NULL: the kernel's empty one */
	unsigned int slot, next_slot;
	struct pcid_slot slots[PCID_SLOTS];
};

static DEFINE_PERCPU(struct tlb_state, tlb_state);
static DEFINE_PERCPU(struct tlb_request, tlb_request);
static DEFINE_PERCPU(struct cpumask, tlb_senders);	/* [A] whose requests wait for this CPU */

static void flush_everything(void)
{
	uint64_t cr4 = read_cr4();

	if (x86_features.pge) {	/* a change of PGE drops all, global ones and all PCIDs too */
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());
	}
}

static void flush_user(void)
{
	write_cr3(read_cr3());		/* bit 63 reads as 0: flushes the current PCID */
}

static void flush_range(uint64_t start, uint64_t end)
{
	for (uint64_t va = start; va < end; va += PAGE_SIZE)
		__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static bool is_large(uint64_t start, uint64_t end)
{
	return end - start > FULL_FLUSH_PAGES * PAGE_SIZE;
}

/* PCID 0 is the kernel's own root; slots use 1 and up. */
static uint64_t choose_slot(struct tlb_state *s, struct aspace *as)
{
	uint64_t flushes = __atomic_load_n(&as->arch.flushes, __ATOMIC_SEQ_CST);	/* I2 */

	for (unsigned int i = 0; i < PCID_SLOTS; i++) {
		struct pcid_slot *slot = &s->slots[i];

		if (slot->id != as->arch.id)
			continue;
		s->slot = i;
		if (slot->flushes == flushes)
			return (i + 1) | CR3_NO_FLUSH;
		slot->flushes = flushes;
		return i + 1;
	}
	s->slot = s->next_slot;
	s->next_slot = (s->next_slot + 1) % PCID_SLOTS;
	s->slots[s->slot] = (struct pcid_slot){ as->arch.id, flushes };
	return s->slot + 1;
}

static void load_root(struct tlb_state *s, struct aspace *as)
{
	struct aspace *old = s->loaded;
	uint64_t cr3 = virt_to_phys(as ? as->arch.root : arch_kernel_root()).v;

	if (as) {
		cpumask_set(&as->cpus, this_cpu_id());	/* I1 */
		if (x86_features.pcid)
			cr3 |= choose_slot(s, as);
	}
	write_cr3(cr3);
	s->loaded = as;
	if (old)
		cpumask_clear(&old->cpus, this_cpu_id());
}

void arch_aspace_switch(struct aspace *next)
{
	struct tlb_state *s = this_cpu_ptr(&tlb_state);

	if (next && next != s->loaded)
		load_root(s, next);
}

/* Do what @r asks for, on this CPU; interrupts masked. */
static void serve(const struct tlb_request *r)
{
	struct tlb_state *s = this_cpu_ptr(&tlb_state);
	struct pcid_slot *slot = &s->slots[s->slot];
	bool all = r->kind == FLUSH_ALL || is_large(r->start, r->end);

	if (!r->as) {
		if (all)
			flush_everything();
		else
			flush_range(r->start, r->end);
		return;
	}
	if (s->loaded != r->as)
		return;
	if (r->kind == FLUSH_LEAVE) {
		load_root(s, NULL);
		return;
	}
	if (!x86_features.pcid) {
		if (all)
			flush_user();
		else
			flush_range(r->start, r->end);
		return;
	}
	if (slot->flushes >= r->number)
		return;
	if (!all && slot->flushes + 1 == r->number) {
		flush_range(r->start, r->end);
		slot->flushes = r->number;
		return;
	}
	slot->flushes = __atomic_load_n(&r->as->arch.flushes, __ATOMIC_SEQ_CST);
	flush_user();
}

void x86_tlb_ipi(void)
{
	struct cpumask *senders = this_cpu_ptr(&tlb_senders);

	for (unsigned int w = 0; w < CPUMASK_WORDS; w++) {
		uint64_t set = __atomic_exchange_n(&senders->words[w], 0, __ATOMIC_SEQ_CST);

		for (; set; set &= set - 1) {
			unsigned int cpu = w * 64 + (unsigned int)__builtin_ctzll(set);
			struct tlb_request *r = per_cpu_ptr(&tlb_request, cpu);

			serve(r);
			/* Release: the sender reuses the request when it reads 0. */
			__atomic_fetch_sub(&r->waiting, 1, __ATOMIC_RELEASE);
		}
	}
}

static void wait_answered(struct tlb_request *r)
{
	while (__atomic_load_n(&r->waiting, __ATOMIC_ACQUIRE)) {
		if (panic_in_progress)
			return;		/* the others are halted and will not answer */
		arch_cpu_relax();
	}
}

static void send_requests(struct tlb_request *r, const struct cpumask *targets, unsigned int self)
{
	struct cpumask todo = *targets;
	unsigned int n = 0;

	todo.words[self / 64] &= ~(1ULL << self % 64);
	for_each_cpu_in(cpu, &todo)
		n++;
	if (!n)
		return;
	__atomic_store_n(&r->waiting, n, __ATOMIC_RELEASE);
	for_each_cpu_in(cpu, &todo) {
		cpumask_set(per_cpu_ptr(&tlb_senders, cpu), self);
		apic_send(x86_apic_id_of(cpu), VECTOR_TLB);
	}
	wait_answered(r);
}

static void flush(struct aspace *as, uint64_t start, uint64_t end, enum flush_kind kind)
{
	struct tlb_request *r;
	unsigned long flags;
	unsigned int self;

	preempt_disable();
	self = this_cpu_id();
	r = this_cpu_ptr(&tlb_request);
	*r = (struct tlb_request){ .as = as, .start = start, .end = end, .kind = kind };
	if (as)
		r->number = __atomic_add_fetch(&as->arch.flushes, 1, __ATOMIC_SEQ_CST);	/* I2 */
	flags = arch_irq_save();
	serve(r);
	arch_irq_restore(flags);
	if (nr_cpus > 1)
		send_requests(r, as ? &as->cpus : &cpus_online, self);
	preempt_enable();
}

void arch_tlb_flush(struct aspace *as, uint64_t start, uint64_t end)
{
	if (start < end)
		flush(as, start & PAGE_MASK, end, FLUSH_RANGE);
}

void arch_tlb_flush_all(struct aspace *as)
{
	flush(as, 0, 0, FLUSH_ALL);
}

void arch_aspace_destroy(struct aspace *as)
{
	flush(as, 0, 0, FLUSH_LEAVE);
	page_free_virt(as->arch.root, 0);
	as->arch.root = NULL;
}
