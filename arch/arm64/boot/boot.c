/* SPDX-License-Identifier: MIT */
/*
 * The first C code: from the device tree to struct boot_info, and the boot direct map.
 *
 * Runs on the boot tables of head.S: the image at KERNEL_BASE, two fixed windows.
 * The tree is untrusted, and may be missing: then the machine stops with a message on the
 * compiled-in console.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch/upcalls.h>
#include <drivers/of.h>
#include <drivers/psci.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/early.h>
#include <arch_impl/arm64.h>

#define BLOCK_SIZE	(1UL << 21)
#define FDT_MAX		BLOCK_SIZE	/* boot protocol */

struct boot_info boot_info;
uint64_t arm64_image_offset;
unsigned int arm64_entry_level;

extern char __image_start[], __image_end[];
extern pte_t boot_l0[], boot_l2_fixed[], boot_l3_fixed[];
extern pte_t arm64_boot_table_pool[ARM64_BOOT_TABLES][PT_ENTRIES];

static __initdata unsigned int boot_tables_used;
static __initdata uint64_t early_limit = DIRECT_MAP_SIZE;

static struct {
	uint8_t bytes[64];
	size_t len;
} boot_seed;

/* The boot loader's random bytes; handed out once. */
size_t arm64_boot_seed(void *buf, size_t len)
{
	len = min(len, boot_seed.len);
	boot_seed.len -= len;
	memcpy(buf, boot_seed.bytes + boot_seed.len, len);
	memzero_explicit(boot_seed.bytes + boot_seed.len, len);
	return len;
}

void __init arm64_boot_map_device(uint64_t va, paddr_t pa)
{
	pte_store(&boot_l3_fixed[va >> PAGE_SHIFT & (PT_ENTRIES - 1)],
		  pte_leaf(pa, PTE_READ | PTE_WRITE, MEM_DEVICE, 0));
	arch_pt_sync();
}

static __init pte_t *pool_table(paddr_t pa)
{
	paddr_t pool = image_to_phys(arm64_boot_table_pool);

	return arm64_boot_table_pool[(pa.v - pool.v) >> PAGE_SHIFT];
}

/* The table below @slot, made if need be; NULL when the pool is empty. */
static __init pte_t *boot_table(pte_t *slot)
{
	pte_t *table;

	if (!pte_is_none(*slot))
		return pool_table(pte_paddr(*slot));
	if (boot_tables_used == ARM64_BOOT_TABLES)
		return NULL;
	table = arm64_boot_table_pool[boot_tables_used++];
	pte_store(slot, pte_table(image_to_phys(table)));
	return table;
}

/* Map one leaf of the largest size that fits at @pa; its size, or 0 when the pool is empty. */
static __init uint64_t boot_map_one(uint64_t pa, uint64_t left)
{
	uint64_t va = pa + DIRECT_MAP_BASE;
	pte_t *table = boot_l0;

	for (unsigned int level = PT_LEVELS - 1; ; level--) {
		unsigned int shift = PAGE_SHIFT + PT_INDEX_BITS * level;
		pte_t *slot = &table[va >> shift & (PT_ENTRIES - 1)];

		if (level <= 2 && !(pa & ((1UL << shift) - 1)) && left >= 1UL << shift) {
			pte_store(slot, pte_leaf(PADDR(pa), PTE_READ | PTE_WRITE, MEM_NORMAL,
						 level));
			return 1UL << shift;
		}
		table = boot_table(slot);
		if (!table)
			return 0;
	}
}

/*
 * Map all RAM, lowest first, as far as the pool goes; the rest is out of reach until
 * arch_mmu_init().
 */
static __init void boot_direct_map(void)
{
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *m = &boot_info.memory[i];
		uint64_t pa = m->base.v, end = pa + m->size;

		if (m->kind != BOOT_MEMORY_RAM)
			continue;
		while (pa < end) {
			uint64_t done = boot_map_one(pa, end - pa);

			if (!done) {
				early_limit = pa;
				goto out;
			}
			pa += done;
		}
	}
out:
	arch_pt_sync();
}

uint64_t arch_early_limit(void)
{
	return early_limit;
}

static __init void memory_insert(unsigned int at, uint64_t base, uint64_t end,
				 enum boot_memory_kind kind)
{
	if (base >= end)
		return;
	if (boot_info.nr_memory == BOOT_MEMORY_MAX) {
		log_warn("boot: too many pieces of memory, lost %#llx", (unsigned long long)base);
		return;
	}
	memmove(&boot_info.memory[at + 1], &boot_info.memory[at],
		(boot_info.nr_memory - at) * sizeof(boot_info.memory[0]));
	boot_info.memory[at] = (struct boot_memory){ PADDR(base), end - base, kind };
	boot_info.nr_memory++;
}

/* Add RAM in order of address, whole pages only. */
static __init void memory_add(uint64_t base, uint64_t size)
{
	uint64_t end = min(add_saturate(base, size), DIRECT_MAP_SIZE) & PAGE_MASK;
	unsigned int at = 0;

	base = (add_saturate(base, PAGE_SIZE - 1)) & PAGE_MASK;
	while (at < boot_info.nr_memory && boot_info.memory[at].base.v < base)
		at++;
	memory_insert(at, base, end, BOOT_MEMORY_RAM);
}

/* Take [base, base + size) out of the RAM entries. */
static __init void memory_reserve(uint64_t base, uint64_t size)
{
	uint64_t end = add_saturate(add_saturate(base, size), PAGE_SIZE - 1) & PAGE_MASK;

	base &= PAGE_MASK;
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		struct boot_memory *m = &boot_info.memory[i];
		uint64_t m_base = m->base.v, m_end = m_base + m->size;

		if (m->kind != BOOT_MEMORY_RAM || m_end <= base || m_base >= end)
			continue;
		*m = (struct boot_memory){ PADDR(max(m_base, base)),
					   min(m_end, end) - max(m_base, base),
					   BOOT_MEMORY_RESERVED };
		memory_insert(i + 1, end, m_end, BOOT_MEMORY_RAM);
		memory_insert(i, m_base, base, BOOT_MEMORY_RAM);
		i += m_base < base;
	}
}

static __init void read_memory(void)
{
	uint64_t base, size;
	paddr_t pa;

	for (int n = of_first_child(of_next(OF_NONE)); n >= 0; n = of_next_sibling(n)) {
		const char *type = of_string(n, "device_type");

		if (!type || !str_eq(type, "memory") || !of_is_available(n))
			continue;
		for (unsigned int i = 0; of_reg(n, i, &pa, &size) == 0; i++)
			memory_add(pa.v, size);
	}
	for (unsigned int i = 0; of_reservation(i, &base, &size); i++) {
		/* U-Boot lists the initrd, which is kept anyway and must stay mapped. */
		if (!range_overlaps(base, size, boot_info.initrd.v, boot_info.initrd_size))
			memory_reserve(base, size);
	}
	for (int n = of_first_child(of_find_path("/reserved-memory")); n >= 0;
	     n = of_next_sibling(n))
		for (unsigned int i = 0; of_is_available(n) && of_reg(n, i, &pa, &size) == 0; i++)
			memory_reserve(pa.v, size);
}

static __init void seed_add(const struct of_prop *p)
{
	size_t len = min(sizeof(boot_seed.bytes) - boot_seed.len, (size_t)p->len);

	memcpy(boot_seed.bytes + boot_seed.len, p->data, len);
	boot_seed.len += len;
}

static __init void read_chosen(void)
{
	int chosen = of_find_path("/chosen");
	const char *args = of_string(chosen, "bootargs");
	uint64_t start, end;
	struct of_prop p;

	if (args)
		str_copy_cut(boot_info.command_line, args, sizeof(boot_info.command_line));
	if (of_number(chosen, "linux,initrd-start", &start) &&
	    of_number(chosen, "linux,initrd-end", &end) && start < end) {
		boot_info.initrd = PADDR(start);
		boot_info.initrd_size = end - start;
	}
	if (of_get(chosen, "rng-seed", &p))
		seed_add(&p);
	if (of_get(chosen, "kaslr-seed", &p))
		seed_add(&p);
}

/* Is [base, base + size) in one piece of RAM? */
static __init bool is_ram(paddr_t base, uint64_t size)
{
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *m = &boot_info.memory[i];

		if (m->kind == BOOT_MEMORY_RAM && base.v >= m->base.v &&
		    range_within(base.v - m->base.v, size, m->size))
			return true;
	}
	return false;
}

/* Map the tree through its window: first what holds the header, then all of it. */
static __init const void *map_fdt(paddr_t pa)
{
	uint64_t block = pa.v & ~(BLOCK_SIZE - 1);
	const char *va = (const char *)FIXMAP_FDT + (pa.v - block);
	uint32_t size;

	if (!pa.v || pa.v % 8 || pa.v >= DIRECT_MAP_SIZE)
		panic("boot: no device tree (x0 = %#llx)", (unsigned long long)pa.v);
	pte_store(&boot_l2_fixed[0], pte_leaf(PADDR(block), PTE_READ, MEM_NORMAL, 1));
	arch_pt_sync();
	size = of_blob_size(va);
	if (!size || size > FDT_MAX)
		panic("boot: no device tree at %#llx: bad magic or size", (unsigned long long)pa.v);
	pte_store(&boot_l2_fixed[1], pte_leaf(PADDR(block + BLOCK_SIZE), PTE_READ, MEM_NORMAL, 1));
	arch_pt_sync();
	if (of_init(va, size))
		panic("boot: the device tree at %#llx is damaged or cut short",
		      (unsigned long long)pa.v);
	boot_info.fdt = pa;
	boot_info.fdt_size = size;
	return va;
}

__noreturn void __init arm64_start(paddr_t fdt, uint64_t entry_level, uint64_t image_pa)
{
	arm64_image_offset = image_pa - (uint64_t)__image_start;
	arm64_entry_level = (unsigned int)entry_level;
	boot_info.protocol = "arm64-image";
	arm64_console_init();
	map_fdt(fdt);
	arm64_console_find();
	read_chosen();
	read_memory();
	if (!is_ram(PADDR(image_pa), (uint64_t)(__image_end - __image_start)))
		panic("boot: the device tree names no memory where the kernel runs (%#llx)",
		      (unsigned long long)image_pa);
	if (boot_info.initrd_size && !is_ram(boot_info.initrd, boot_info.initrd_size)) {
		log_err("boot: initrd at %#llx is not in memory, ignored",
			(unsigned long long)boot_info.initrd.v);
		boot_info.initrd = PADDR(0);
		boot_info.initrd_size = 0;
	}
	boot_direct_map();
	psci_init();
	arm64_cpu_features_init();
	arm64_patch_features();
	kernel_main();
}
