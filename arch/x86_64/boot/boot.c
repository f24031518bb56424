/* SPDX-License-Identifier: MIT */
/*
 * First C code: take over what the boot loader left, check all of it, fill boot_info.
 * Comes after boot/head.S and ends in kernel_main().  A mistake of the loader ends here with one
 * line.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/upcalls.h>
#include <arch_impl/boot.h>
#include <arch_impl/descriptors.h>
#include <arch_impl/power.h>
#include <kernel/init.h>
#include <kernel/thread.h>
#include <lib/printf.h>
#include <lib/string.h>

enum boot_protocol { PROTOCOL_PVH, PROTOCOL_MULTIBOOT2, PROTOCOL_NONE };

struct boot_info boot_info;

__noreturn void x86_boot(enum boot_protocol protocol, uint64_t info);

static void early_write(void *arg, const char *text, size_t len)
{
	(void)arg;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			arch_early_putc('\r');
		arch_early_putc(text[i]);
	}
}

__noreturn __cold void boot_fail(const char *fmt, ...)
{
	va_list ap;

	early_write(NULL, "aegis: boot: ", 13);
	va_start(ap, fmt);
	vformat(early_write, NULL, fmt, ap);
	va_end(ap);
	early_write(NULL, "\n", 1);
	x86_exit_from_boot_failure();
}

__cold void boot_warn(const char *fmt, ...)
{
	va_list ap;

	early_write(NULL, "aegis: boot: ", 13);
	va_start(ap, fmt);
	vformat(early_write, NULL, fmt, ap);
	va_end(ap);
	early_write(NULL, "\n", 1);
}

const void *boot_pointer(uint64_t pa, uint64_t size, const char *what)
{
	if (!pa || size > BOOT_DIRECT_LIMIT || pa > BOOT_DIRECT_LIMIT - size)
		boot_fail("%s at %#lx (%lu bytes) is out of reach", what, pa, size);
	return phys_to_virt(PADDR(pa));
}

/* The map is full: keep the larger pieces. */
static struct boot_memory *smallest_memory(void)
{
	struct boot_memory *least = &boot_info.memory[0];

	for (unsigned int i = 1; i < boot_info.nr_memory; i++)
		if (boot_info.memory[i].size < least->size)
			least = &boot_info.memory[i];
	return least;
}

void boot_add_memory(uint64_t base, uint64_t size, uint32_t type)
{
	struct boot_memory *m, piece = {
		.base = PADDR(base), .size = size,
		.kind = type == 1 ? BOOT_MEMORY_RAM :
			type == 3 ? BOOT_MEMORY_ACPI : BOOT_MEMORY_RESERVED,
	};

	if (!size)
		return;
	if (base + size - 1 < base || base + size > 1UL << 52)
		boot_fail("memory map: piece %#lx + %#lx is no physical range", base, size);
	if (boot_info.nr_memory < BOOT_MEMORY_MAX) {
		boot_info.memory[boot_info.nr_memory++] = piece;
		return;
	}
	m = smallest_memory();
	boot_warn("memory map has too many pieces; %lu bytes are lost",
		  m->size < size ? m->size : size);
	if (m->size < size)
		*m = piece;
}

void boot_set_initrd(uint64_t base, uint64_t size)
{
	if (boot_info.initrd_size) {
		boot_warn("only the first module is used as initrd");
		return;
	}
	if (!size)
		return;
	if (base + size < base)
		boot_fail("initrd at %#lx with %#lx bytes is no physical range", base, size);
	boot_info.initrd = PADDR(base);
	boot_info.initrd_size = size;
}

void boot_set_command_line(const char *text, uint64_t limit)
{
	size_t n = 0;

	while (n < limit && text[n] && n < BOOT_COMMAND_LINE_MAX - 1) {
		boot_info.command_line[n] = text[n];
		n++;
	}
	boot_info.command_line[n] = '\0';
	if (n < limit && text[n])
		boot_warn("command line cut at %u bytes", BOOT_COMMAND_LINE_MAX - 1);
}

/* Does one RAM piece hold all of [base, base + size)? */
static bool ram_contains(uint64_t base, uint64_t size)
{
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *m = &boot_info.memory[i];

		if (m->kind == BOOT_MEMORY_RAM && base >= m->base.v && size <= m->size &&
		    base - m->base.v <= m->size - size)
			return true;
	}
	return false;
}

/*
 * QEMU places the initrd before the firmware runs, and SeaBIOS with an NVMe disk reserves memory
 * that reaches into it.  The initrd was written last: what the firmware had there is dead.
 */
static void take_from_firmware(uint64_t base, uint64_t size)
{
	uint64_t end = (base + size + PAGE_SIZE - 1) & PAGE_MASK;

	for (unsigned int i = 0; i + 1 < boot_info.nr_memory; i++) {
		struct boot_memory *ram = &boot_info.memory[i], *next = ram + 1;
		uint64_t border = ram->base.v + ram->size;

		if (ram->kind != BOOT_MEMORY_RAM || next->kind != BOOT_MEMORY_RESERVED ||
		    next->base.v != border || base < ram->base.v || base >= border ||
		    end <= border || end - border > next->size)
			continue;
		ram->size += end - border;
		next->base.v += end - border;
		next->size -= end - border;
	}
}

static void check_boot_info(void)
{
	extern char __image_start[], __image_end[];
	uint64_t image = image_to_phys(__image_start).v;
	uint64_t image_size = (uint64_t)(__image_end - __image_start);

	if (!boot_info.nr_memory)
		boot_fail("%s: the loader gave no memory map", boot_info.protocol);
	if (!ram_contains(image, image_size))
		boot_fail("memory map: the kernel at %#lx-%#lx does not lie in RAM", image,
			  image + image_size);
	if (boot_info.initrd_size)
		take_from_firmware(boot_info.initrd.v, boot_info.initrd_size);
	if (boot_info.initrd_size &&
	    !ram_contains(boot_info.initrd.v, boot_info.initrd_size))
		boot_fail("initrd at %#lx with %#lx bytes does not lie in RAM",
			  boot_info.initrd.v, boot_info.initrd_size);
}

__noreturn void x86_boot(enum boot_protocol protocol, uint64_t info)
{
	extern char boot_stack[];

	boot_thread.stack = boot_stack;
	x86_features_init();
	x86_idt_init();
	x86_patch_smap();
	switch (protocol) {
	case PROTOCOL_PVH:
		boot_info.protocol = "pvh";
		boot_from_pvh(info);
		break;
	case PROTOCOL_MULTIBOOT2:
		boot_info.protocol = "multiboot2";
		boot_from_multiboot2(info);
		break;
	case PROTOCOL_NONE:
		boot_fail("started by neither PVH nor Multiboot2");
	}
	check_boot_info();
	kernel_main();
}
