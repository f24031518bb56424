/* SPDX-License-Identifier: MIT */
/*
 * The final kernel tables, instruction patching, and the accessed bit for CPUs that leave it to
 * software.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/uaccess.h>
#include <drivers/of.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/assert.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/early.h>
#include <mm/kernel_map.h>
#include <arch_impl/asm.h>
#include <arch_impl/device.h>
#include <arch_impl/arm64.h>

static pte_t *kernel_root;
uint64_t arm64_empty_root_pa;
static pte_t empty_root[PT_ENTRIES] __aligned(4096);

extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[];
extern char __init_text_start[], __init_text_end[], __image_end[], __image_start[];

struct patched_insn {
	uint64_t address;
	uint32_t insn, feature;
};
extern const struct patched_insn __altinsn_start[], __altinsn_end[];

/* Put in the instructions that this machine has. The image is still writable, one CPU runs. */
void __init arm64_patch_features(void)
{
	for (const struct patched_insn *p = __altinsn_start; p < __altinsn_end; p++) {
		if (!(arm64_features & 1U << p->feature))
			continue;
		*(uint32_t *)p->address = p->insn;
		arch_icache_sync((void *)p->address, 4);
	}
}

pte_t *arch_kernel_root(void)
{
	return kernel_root;
}

static __init void map(uint64_t va, paddr_t pa, uint64_t size, unsigned int prot)
{
	const struct kernel_mapping m = {
		.va = va, .pa = pa, .size = size, .prot = prot, .type = MEM_NORMAL, .max_level = 2,
	};

	if (size && kernel_map(kernel_root, &m))
		panic("mmu: cannot map %#llx", (unsigned long long)va);
}

static __init void map_image(const char *start, const char *end, unsigned int prot)
{
	map((uint64_t)start, image_to_phys(start), (uint64_t)(end - start), prot);
}

/*
 * RAM as boot_info has it; the image is also here, but never writable where it is code or constant.
 */
static __init void map_ram(void)
{
	uint64_t text = image_to_phys(__text_start).v, data = image_to_phys(__data_start).v;

	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *m = &boot_info.memory[i];
		uint64_t base = m->base.v, end = base + m->size;

		if (m->kind != BOOT_MEMORY_RAM)
			continue;
		if (text >= base && data <= end) {
			map(base + DIRECT_MAP_BASE, PADDR(base), text - base, PTE_READ | PTE_WRITE);
			map(text + DIRECT_MAP_BASE, PADDR(text), data - text, PTE_READ);
			base = data;
		}
		map(base + DIRECT_MAP_BASE, PADDR(base), end - base, PTE_READ | PTE_WRITE);
	}
}

static __init void map_windows(void)
{
	uint64_t fdt = boot_info.fdt.v & PAGE_MASK;
	uint64_t end = (boot_info.fdt.v + boot_info.fdt_size + PAGE_SIZE - 1) & PAGE_MASK;
	struct kernel_mapping uart = {
		.va = FIXMAP_UART, .pa = PADDR(arm64_console_pa.v & PAGE_MASK), .size = PAGE_SIZE,
		.prot = PTE_READ | PTE_WRITE, .type = MEM_DEVICE,
	};

	map(FIXMAP_FDT + (fdt & 0x1fffff), PADDR(fdt), end - fdt, PTE_READ);
	if (arm64_console_pa.v && kernel_map(kernel_root, &uart))
		panic("mmu: cannot map the early console");
}

void __init arch_mmu_init(void)
{
	paddr_t root = early_alloc(PAGE_SIZE, PAGE_SIZE);

	kernel_root = phys_to_virt(root);
	map_image(__text_start, __text_end, PTE_READ | PTE_EXEC);
	map_image(__rodata_start, __rodata_end, PTE_READ);
	map_image(__data_start, __init_text_start, PTE_READ | PTE_WRITE);
	map_image(__init_text_start, __init_text_end, PTE_READ | PTE_EXEC);
	map_image(__init_text_end, __image_end, PTE_READ | PTE_WRITE);
	map_ram();
	map_windows();
	arm64_empty_root_pa = image_to_phys(empty_root).v;
	arch_pt_sync();
	/*
	 * Both roots are consistent for all that is used now, so the order of the writes does not
	 * matter.
	 */
	sysreg_write(ttbr1_el1, root.v);
	sysreg_write(ttbr0_el1, arm64_empty_root_pa);
	isb();
	__asm__ volatile("tlbi vmalle1is; dsb ish; isb" ::: "memory");
	arm64_asid_init();
}

/*
 * Registers of a device that must work before drivers probe: the interrupt
 * controller. Taken from the fixed area behind the early windows; never unmapped.
 */
void *arm64_map_device(paddr_t pa, uint64_t size)
{
	static uint64_t next = FIXMAP_BASE + 0x1000000;
	const uint64_t block = 1UL << (PAGE_SHIFT + PT_INDEX_BITS);
	uint64_t offset = pa.v & ~PAGE_MASK;
	struct kernel_mapping m = {
		/* The same place within a block as the registers, so that blocks can map them. */
		.va = next + ((pa.v - next) & (block - 1) & PAGE_MASK), .pa = PADDR(pa.v - offset),
		.size = (size + offset + PAGE_SIZE - 1) & PAGE_MASK,
		.prot = PTE_READ | PTE_WRITE, .type = MEM_DEVICE, .max_level = 1,
	};

	if (!size || size > KERNEL_BASE - next - 2 * block || kernel_map(kernel_root, &m))
		return NULL;
	next = m.va + m.size + PAGE_SIZE;
	arch_pt_sync();
	return (void *)(m.va + offset);
}

/*
 * Tables are freed only after their entries are gone and flushed, which an interrupts-off walk
 * holds up.
 */
bool arm64_set_accessed(uint64_t va)
{
	uint64_t root = (va >> 48 ? sysreg_read(ttbr1_el1) : sysreg_read(ttbr0_el1)) &
		PTE_ADDR_MASK;
	unsigned long flags = arch_irq_save();
	pte_t *table = phys_to_virt(PADDR(root));
	bool done = false;

	for (unsigned int level = PT_LEVELS - 1; ; level--) {
		pte_t *slot = &table[va >> (PAGE_SHIFT + PT_INDEX_BITS * level) & (PT_ENTRIES - 1)];
		pte_t e = pte_load(slot);

		if (!(e.v & PTE_VALID))
			break;
		if (pte_is_leaf(e, level)) {
			/* Lost to a concurrent change: the access is tried again and sees that. */
			__atomic_compare_exchange_n(&slot->v, &e.v, e.v | PTE_AF, false,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
			done = true;
			break;
		}
		table = phys_to_virt(pte_paddr(e));
	}
	arch_irq_restore(flags);
	return done;
}
