/* SPDX-License-Identifier: MIT */
/*
 * Other CPUs: found in the MADT, started with INIT and STARTUP, interrupted by IPIs.
 *
 * One CPU starts at a time: the trampoline page holds what it needs (stack, per-CPU offset, number)
 * and the word .pending, which says whom that is for. INIT does not stop a CPU at once, and one
 * whose host lets it wait may come when the next has been asked: so a CPU takes the data only by
 * changing .pending from its own number, and halts for good if it is not the one.  Giving up on a
 * CPU is changing the word in the same way.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/thread.h>
#include <arch/time.h>
#include <arch/upcalls.h>
#include <arch_impl/descriptors.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <arch_impl/vectors.h>
#include <drivers/acpi.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/string.h>

/* At the end of the trampoline's first page; trampoline.S knows the layout. */
struct trampoline_data {
	uint64_t root;		/* page tables with the page itself at its physical address */
	uint64_t kernel_root;
	uint64_t entry;
	uint64_t stack;
	uint64_t percpu_offset;
	uint64_t cpu;
	uint64_t idle;
	uint64_t efer;
	/* [A] APIC id + 1: asked; PENDING_TAKEN: that CPU reads the rest; 0: done, or given up */
	uint64_t pending;
};

#define PENDING_TAKEN		UINT64_MAX
/* A virtual CPU is not run before its host finds time; a real one needs microseconds. */
#define START_TIMEOUT_NS	(5 * NSEC_PER_SEC)
#define SECOND_STARTUP_NS	(200 * NSEC_PER_USEC)

extern char x86_trampoline_start[], x86_trampoline_end[];
static uint32_t apic_ids[CONFIG_MAX_CPUS];	/* [I] once discovered */
static unsigned int nr_found;

__noreturn void x86_secondary_entry(unsigned int cpu, struct thread *idle, uint64_t percpu_offset);

uint32_t x86_apic_id_of(unsigned int cpu)
{
	return apic_ids[cpu];
}

static void found_cpu(uint32_t id, uint32_t boot_id)
{
	static bool told;

	if (id == boot_id)
		return;
	if (nr_found == CONFIG_MAX_CPUS) {
		if (!told)
			log_warn("smp: more than %u CPUs; the rest stays off", CONFIG_MAX_CPUS);
		told = true;
		return;
	}
	apic_ids[nr_found++] = id;
}

unsigned int arch_cpu_discover(void)
{
	uint32_t boot_id = apic_id();
	struct acpi_madt_entry e;
	uint32_t cursor = 0;

	apic_ids[0] = boot_id;
	nr_found = 1;
	while (acpi_madt_next(&cursor, &e)) {
		/*
		 * Bit 0 of the flags: enabled.  CPUs that could be plugged in later are not
		 * counted.
		 */
		if (e.type == ACPI_MADT_LOCAL_APIC && e.local_apic.flags & 1 &&
		    e.local_apic.id != 0xff)
			found_cpu(e.local_apic.id, boot_id);
		else if (e.type == ACPI_MADT_LOCAL_X2APIC && e.local_x2apic.flags & 1 &&
			 x86_features.x2apic && e.local_x2apic.id >= 0xff)
			found_cpu(e.local_x2apic.id, boot_id);
	}
	if (!x86_trampoline.v && nr_found > 1) {
		log_warn("smp: no memory below 1 MiB to start other CPUs from");
		nr_found = 1;
	}
	return nr_found;
}

/*
 * The code, and tables for the moment between paging on and the jump high: the kernel's half, and
 * the first 2 MiB as they are.  Once: a CPU that comes late may be running on them.
 */
static void build_trampoline(char *page, struct trampoline_data *data)
{
	uint64_t pa = x86_trampoline.v;
	pte_t *root = phys_to_virt(PADDR(pa + 4096));
	pte_t *pdpt = phys_to_virt(PADDR(pa + 8192)), *pd = phys_to_virt(PADDR(pa + 12288));

	memcpy(page, x86_trampoline_start, (size_t)(x86_trampoline_end - x86_trampoline_start));
	memcpy(root, arch_kernel_root(), 4096);
	memset(pdpt, 0, 4096);
	memset(pd, 0, 4096);
	root[0] = pte_table(PADDR(pa + 8192));
	pdpt[0] = pte_table(PADDR(pa + 12288));
	pd[0] = pte_leaf(PADDR(0), PTE_READ | PTE_WRITE | PTE_EXEC, MEM_NORMAL, 1);
	data->root = pa + 4096;
	data->kernel_root = virt_to_phys(arch_kernel_root()).v;
	data->entry = (uint64_t)x86_secondary_entry;
	data->efer = EFER_LME | EFER_SCE | (x86_features.nx ? EFER_NXE : 0);
}

static bool wait_taken(const struct trampoline_data *data, int64_t timeout_ns)
{
	int64_t end = clock_ns() + timeout_ns;

	while (__atomic_load_n(&data->pending, __ATOMIC_ACQUIRE)) {
		if (clock_ns() > end)
			return false;
		arch_cpu_relax();
	}
	return true;
}

/* True if the CPU will not come any more.  False: it has just come, and has taken its data. */
static bool give_up(struct trampoline_data *data, uint64_t asked)
{
	if (__atomic_compare_exchange_n(&data->pending, &asked, 0, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST))
		return true;
	/* It is some twenty instructions with no wait among them away from saying so. */
	while (__atomic_load_n(&data->pending, __ATOMIC_ACQUIRE))
		arch_cpu_relax();
	return false;
}

int arch_cpu_start(unsigned int cpu, struct thread *idle, unsigned long percpu_offset)
{
	char *page = phys_to_virt(x86_trampoline);
	struct trampoline_data *data = (void *)(page + 4096 - sizeof(*data));
	uint8_t vector = (uint8_t)(x86_trampoline.v >> 12);
	uint64_t asked = apic_ids[cpu] + 1UL;
	static bool is_built;

	if (!is_built)
		build_trampoline(page, data);
	is_built = true;
	data->stack = (uint64_t)idle->stack + THREAD_STACK_SIZE - 16;
	data->percpu_offset = percpu_offset;
	data->cpu = cpu;
	data->idle = (uint64_t)idle;
	__atomic_store_n(&data->pending, asked, __ATOMIC_SEQ_CST);

	apic_send_init(apic_ids[cpu]);
	apic_send_startup(apic_ids[cpu], vector);
	if (wait_taken(data, SECOND_STARTUP_NS))
		return 0;
	apic_send_startup(apic_ids[cpu], vector);
	if (wait_taken(data, START_TIMEOUT_NS) || !give_up(data, asked))
		return 0;
	apic_send_init(apic_ids[cpu]);
	return -EIO;
}

/* From trampoline.S: final tables, own stack, GS base set. */
__noreturn void x86_secondary_entry(unsigned int cpu, struct thread *idle, uint64_t percpu_offset)
{
	this_cpu_write(x86_percpu_offset, percpu_offset);
	arch_set_current(idle);
	x86_idt_load();
	secondary_main(cpu);
}

void arch_ipi_send(unsigned int cpu, enum ipi kind)
{
	apic_send(apic_ids[cpu], (uint8_t)(VECTOR_IPI_FIRST + kind));
}
