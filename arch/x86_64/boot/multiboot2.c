/* SPDX-License-Identifier: MIT */
/*
 * The Multiboot2 information structure, as GRUB leaves it on BIOS and UEFI machines.
 */
#include <arch/mmu.h>
#include <arch_impl/boot.h>
#include <kernel/init.h>
#include <lib/string.h>

enum tag_type {				/* Multiboot2 1.6, 3.6 */
	TAG_END			= 0,
	TAG_COMMAND_LINE	= 1,
	TAG_MODULE		= 3,
	TAG_MEMORY_MAP		= 6,
	TAG_FRAMEBUFFER		= 8,
	TAG_RSDP_OLD		= 14,
	TAG_RSDP_NEW		= 15,
	TAG_EFI_MEMORY_MAP	= 17,
};

struct tag {
	uint32_t type, size;
};

struct tag_module {
	struct tag tag;
	uint32_t start, end;
};

struct tag_memory_map {
	struct tag tag;
	uint32_t entry_size, entry_version;
};

struct memory_entry {
	uint64_t base, size;
	uint32_t type, reserved;
};

struct tag_framebuffer {
	struct tag tag;
	uint64_t base;
	uint32_t pitch, width, height;
	uint8_t bits_per_pixel, type;
	uint16_t reserved;
};

struct tag_efi_map {
	struct tag tag;
	uint32_t entry_size, entry_version;
};

struct efi_entry {			/* UEFI 7.2.3 */
	uint32_t type, pad;
	uint64_t base, virtual_base, pages, attributes;
};

/* The loader's copy of the RSDP lies in memory that will be given away. */
static uint8_t rsdp_copy[36] __aligned(16);

/* The tag's size has been checked to lie within the information; here that it holds @need bytes. */
static void need_size(const struct tag *tag, size_t need)
{
	if (tag->size < need)
		boot_fail("multiboot2: tag %u has only %u bytes", tag->type, tag->size);
}

static __init void take_memory_map(const struct tag *tag)
{
	const struct tag_memory_map *map = (const void *)tag;
	uint32_t off = sizeof(*map);

	need_size(tag, sizeof(*map));
	if (map->entry_size < sizeof(struct memory_entry))
		boot_fail("multiboot2: memory map entries of %u bytes", map->entry_size);
	for (; off <= tag->size && tag->size - off >= map->entry_size; off += map->entry_size) {
		const struct memory_entry *e = (const void *)((const char *)tag + off);

		boot_add_memory(e->base, e->size, e->type);
	}
}

static uint32_t efi_to_e820(uint32_t type)
{
	switch (type) {
	case 1: case 2: case 3: case 4: case 7:	/* loader, boot services, conventional */
		return 1;
	case 9:					/* ACPI reclaim */
		return 3;
	}
	return 2;
}

/* Only used when there is no E820 map. */
static __init void take_efi_map(const struct tag *tag)
{
	const struct tag_efi_map *map = (const void *)tag;
	uint32_t off = sizeof(*map);

	need_size(tag, sizeof(*map));
	if (map->entry_size < sizeof(struct efi_entry))
		boot_fail("multiboot2: EFI map entries of %u bytes", map->entry_size);
	for (; off <= tag->size && tag->size - off >= map->entry_size; off += map->entry_size) {
		const struct efi_entry *e = (const void *)((const char *)tag + off);

		if (e->pages > UINT64_MAX >> 12)
			boot_fail("multiboot2: EFI map piece of %#lx pages", e->pages);
		boot_add_memory(e->base, e->pages << 12, efi_to_e820(e->type));
	}
}

static __init void take_framebuffer(const struct tag *tag)
{
	const struct tag_framebuffer *fb = (const void *)tag;

	need_size(tag, sizeof(*fb) - 2);
	if (fb->type != 1)			/* direct colour only */
		return;
	boot_info.framebuffer = (struct boot_framebuffer){
		.base = PADDR(fb->base), .pitch = fb->pitch, .width = fb->width,
		.height = fb->height, .bits_per_pixel = fb->bits_per_pixel,
	};
}

static __init void take_rsdp(const struct tag *tag)
{
	size_t len = tag->size - sizeof(*tag);

	/* The newer form replaces the older one; never the other way round. */
	if (tag->type == TAG_RSDP_OLD && boot_info.acpi_rsdp.v)
		return;
	memset(rsdp_copy, 0, sizeof(rsdp_copy));
	memcpy(rsdp_copy, tag + 1, len < sizeof(rsdp_copy) ? len : sizeof(rsdp_copy));
	boot_info.acpi_rsdp = image_to_phys(rsdp_copy);
}

static __init void take_tag(const struct tag *tag)
{
	const struct tag_module *module = (const void *)tag;

	switch (tag->type) {
	case TAG_COMMAND_LINE:
		boot_set_command_line((const char *)(tag + 1), tag->size - sizeof(*tag));
		break;
	case TAG_MODULE:
		need_size(tag, sizeof(*module));
		if (module->end < module->start)
			boot_fail("multiboot2: module ends before it starts");
		boot_set_initrd(module->start, module->end - module->start);
		break;
	case TAG_MEMORY_MAP:
		take_memory_map(tag);
		break;
	case TAG_FRAMEBUFFER:
		take_framebuffer(tag);
		break;
	case TAG_RSDP_OLD:
	case TAG_RSDP_NEW:
		take_rsdp(tag);
		break;
	}
}

__init void boot_from_multiboot2(uint64_t info)
{
	const uint32_t *head = boot_pointer(info, 8, "multiboot2: information");
	uint32_t total = head[0], off = 8;
	const struct tag *efi_map = NULL;

	if (total < 16)
		boot_fail("multiboot2: information of %u bytes", total);
	boot_pointer(info, total, "multiboot2: information");
	for (;;) {
		const struct tag *tag = (const void *)((const char *)head + off);

		if (off > total - sizeof(*tag))
			boot_fail("multiboot2: information has no end tag");
		if (tag->type == TAG_END)
			break;
		if (tag->size < sizeof(*tag) || tag->size > total - off)
			boot_fail("multiboot2: tag %u of %u bytes overruns the information",
				  tag->type, tag->size);
		if (tag->type == TAG_EFI_MEMORY_MAP)
			efi_map = tag;
		else
			take_tag(tag);
		if (tag->size > total - 8)
			boot_fail("multiboot2: tag %u overruns the information", tag->type);
		off += (tag->size + 7) & ~7u;
	}
	if (!boot_info.nr_memory && efi_map)
		take_efi_map(efi_map);
}
