/* SPDX-License-Identifier: MIT */
/*
 * The PVH boot protocol (Xen's hvm_start_info), as "qemu -kernel" speaks it.
 */
#include <arch_impl/boot.h>
#include <kernel/init.h>

#define START_MAGIC	0x336ec578u

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, command_line, rsdp;
	uint64_t memory_map;		/* version 1 and later */
	uint32_t nr_memory, reserved;
};

struct start_module {
	uint64_t base, size, command_line, reserved;
};

struct start_memory {
	uint64_t base, size;
	uint32_t type, reserved;
};

__init void boot_from_pvh(uint64_t info)
{
	const struct start_info *si = boot_pointer(info, sizeof(*si), "pvh: start info");
	const struct start_memory *memory;

	if (si->magic != START_MAGIC)
		boot_fail("pvh: start info at %#lx has magic %#x", info, si->magic);
	if (si->version < 1)
		boot_fail("pvh: start info version %u has no memory map", si->version);
	if (!si->nr_memory)
		boot_fail("pvh: the memory map is empty");
	memory = boot_pointer(si->memory_map, si->nr_memory * sizeof(*memory), "pvh: memory map");
	for (uint32_t i = 0; i < si->nr_memory; i++)
		boot_add_memory(memory[i].base, memory[i].size, memory[i].type);
	if (si->command_line) {
		const char *text = boot_pointer(si->command_line, 1, "pvh: command line");

		boot_set_command_line(text, BOOT_DIRECT_LIMIT - si->command_line);
	}
	if (si->nr_modules) {
		const struct start_module *modules = boot_pointer(si->modules,
			si->nr_modules * sizeof(*modules), "pvh: module list");

		boot_set_initrd(modules[0].base, modules[0].size);
		if (si->nr_modules > 1)
			boot_warn("only the first module is used as initrd");
	}
	boot_info.acpi_rsdp = PADDR(si->rsdp);
}
