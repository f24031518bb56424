/* SPDX-License-Identifier: MIT */
/*
 * The final kernel page tables: direct map, image with W^X, shared top-level entries, and a window
 * for the port's own devices.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <arch_impl/boot.h>
#include <arch_impl/cpu.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <drivers/acpi.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/early.h>
#include <mm/kernel_map.h>
#include <mm/page.h>

#define LEVEL_SIZE(level)	(1UL << (PAGE_SHIFT + PT_INDEX_BITS * (level)))
#define ROOT_INDEX(va)		((va) >> 39 & 511)
#define KERNEL_HALF		256

static pte_t *kernel_root;
static uint64_t early_limit = BOOT_DIRECT_LIMIT;
static uint64_t device_next = DEVICE_MAP_BASE;
paddr_t x86_trampoline;

extern char __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[],
	__data_end[], __init_text_start[], __init_text_end[], __init_data_start[],
	__init_data_end[], __bss_start[], __bss_end[];

uint64_t arch_early_limit(void)
{
	return early_limit;
}

pte_t *arch_kernel_root(void)
{
	return kernel_root;
}

static void must_map(const struct kernel_mapping *m, const char *what)
{
	int err = kernel_map(kernel_root, m);

	if (err)
		panic("x86: cannot map %s at %#lx: error %d", what, m->va, err);
}

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) & ~(to - 1);
}

/* RAM pieces may touch within one page; the page then belongs to neither. */
static void map_direct(void)
{
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *b = &boot_info.memory[i];
		uint64_t start = round_up(b->base.v, PAGE_SIZE);
		uint64_t end = (b->base.v + b->size) & PAGE_MASK;
		struct kernel_mapping m = {
			.prot = PTE_READ | PTE_WRITE, .max_level = x86_features.pdpe1gb ? 2 : 1,
		};

		if (b->kind != BOOT_MEMORY_RAM || start >= end)
			continue;
		if (end > DIRECT_MAP_SIZE)
			end = DIRECT_MAP_SIZE;
		m.va = start + DIRECT_MAP_BASE;
		m.pa = PADDR(start);
		m.size = end - start;
		must_map(&m, "the direct map");
	}
}

/* Firmware tables outside RAM: their pages only, and not for writing. */
static void map_table_pages(uint64_t pa, uint64_t size)
{
	uint64_t end = round_up(pa + size, PAGE_SIZE);

	for (pa &= PAGE_MASK; pa < end; pa += PAGE_SIZE) {
		const struct kernel_mapping m = {
			.va = pa + DIRECT_MAP_BASE, .pa = PADDR(pa), .size = PAGE_SIZE,
			.prot = PTE_READ,
		};
		unsigned int level;
		pte_t e;

		if (!kernel_lookup(kernel_root, m.va, &e, &level))
			must_map(&m, "an ACPI table");
	}
}

static void map_image_part(const char *start, const char *end, unsigned int prot)
{
	const struct kernel_mapping m = {
		.va = (uint64_t)start, .pa = image_to_phys(start),
		.size = round_up((uint64_t)(end - start), PAGE_SIZE), .prot = prot,
	};

	if (m.size)
		must_map(&m, "the image");
}

static void map_image(void)
{
	map_image_part(__text_start, __text_end, PTE_READ | PTE_EXEC);
	map_image_part(__rodata_start, __rodata_end, PTE_READ);
	map_image_part(__data_start, __data_end, PTE_READ | PTE_WRITE);
	map_image_part(__init_text_start, __init_text_end, PTE_READ | PTE_EXEC);
	map_image_part(__init_data_start, __init_data_end, PTE_READ | PTE_WRITE);
	map_image_part(__bss_start, __bss_end, PTE_READ | PTE_WRITE);
}

/* Every root shares these: they must exist before the first copy is made. */
static void fill_shared_entries(void)
{
	static const struct { uint64_t start, end; } areas[] = {
		{ VMALLOC_BASE, VMALLOC_END }, { PAGE_ARRAY_BASE, PAGE_ARRAY_END },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(areas); i++)
		for (uint64_t va = areas[i].start; va < areas[i].end; va += LEVEL_SIZE(3))
			if (pte_is_none(kernel_root[ROOT_INDEX(va)]))
				pte_store(&kernel_root[ROOT_INDEX(va)],
					  pte_table(early_alloc(PAGE_SIZE, PAGE_SIZE)));
}

/*
 * Other CPUs start in real mode: some pages below 1 MiB, as high as they go but clear of the EBDA.
 */
static void reserve_trampoline(void)
{
	const uint64_t size = TRAMPOLINE_PAGES * PAGE_SIZE;

	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *b = &boot_info.memory[i];
		uint64_t start = round_up(b->base.v, PAGE_SIZE) ? : PAGE_SIZE;
		uint64_t end = (b->base.v + b->size) & PAGE_MASK;

		if (b->kind != BOOT_MEMORY_RAM || start >= 0x90000)
			continue;
		if (end > 0x90000)
			end = 0x90000;
		if (end < start + size)
			continue;
		x86_trampoline = PADDR(end - size);
		early_reserve(x86_trampoline, size, "CPU start");
		return;
	}
}

void arch_mmu_init(void)
{
	early_reserve(PADDR(0), PAGE_SIZE, "real-mode vectors");
	reserve_trampoline();
	/* Needs the boot tables: firmware's tables may lie anywhere in them. */
	acpi_init(boot_info.acpi_rsdp);
	kernel_root = phys_to_virt(early_alloc(PAGE_SIZE, PAGE_SIZE));
	map_direct();
	map_image();
	acpi_for_each_table(map_table_pages);
	fill_shared_entries();
	/*
	 * Global pages are used from arch_cpu_init() on; this load drops the boot tables' entries.
	 */
	write_cr3(virt_to_phys(kernel_root).v);
	early_limit = UINT64_MAX;
	x86_power_init();
}

void *x86_map_device(paddr_t pa, uint64_t size)
{
	uint64_t offset = pa.v & ~PAGE_MASK;
	const struct kernel_mapping m = {
		.va = device_next, .pa = PADDR(pa.v & PAGE_MASK),
		.size = round_up(offset + size, PAGE_SIZE),
		.prot = PTE_READ | PTE_WRITE, .type = MEM_DEVICE,
	};

	if (m.size > DEVICE_MAP_END - device_next)
		panic("x86: no room to map the device at %#lx", pa.v);
	must_map(&m, "a device");
	device_next += m.size;
	return (void *)(m.va + offset);
}

int arch_aspace_init(struct aspace *as)
{
	static uint64_t next_id;
	pte_t *root = page_alloc_virt(0, ALLOC_USER);

	if (!root)
		return -ENOMEM;
	memset(root, 0, KERNEL_HALF * sizeof(pte_t));
	memcpy(root + KERNEL_HALF, kernel_root + KERNEL_HALF, KERNEL_HALF * sizeof(pte_t));
	as->arch.root = root;
	as->arch.flushes = 1;
	as->arch.id = __atomic_add_fetch(&next_id, 1, __ATOMIC_RELAXED);
	return 0;
}
