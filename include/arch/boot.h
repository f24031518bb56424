/* SPDX-License-Identifier: MIT */
/*
 * What a port learned from its boot protocol, in one form for all of them.
 *
 * The port fills the structure before it calls kernel_main().  Everything in it
 * is untrusted: the port has checked that tables lie within memory, and the
 * generic kernel checks the meaning.
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <lib/types.h>

enum boot_memory_kind {
	BOOT_MEMORY_RAM,		/* free for the kernel */
	BOOT_MEMORY_RESERVED,		/* firmware's; never touched */
	BOOT_MEMORY_ACPI,		/* readable tables, kept */
};

struct boot_memory {
	paddr_t base;
	uint64_t size;
	enum boot_memory_kind kind;
};

struct boot_framebuffer {
	paddr_t base;			/* 0: there is none */
	uint32_t pitch, width, height, bits_per_pixel;
};

/* A map with more pieces loses the smallest ones, with a message. */
#define BOOT_MEMORY_MAX		256
#define BOOT_COMMAND_LINE_MAX	2048

struct boot_info {
	const char *protocol;		/* "pvh", "multiboot2", "arm64-image" */
	char command_line[BOOT_COMMAND_LINE_MAX];
	struct boot_memory memory[BOOT_MEMORY_MAX];
	unsigned int nr_memory;
	paddr_t initrd;
	uint64_t initrd_size;		/* 0: none was given */
	struct boot_framebuffer framebuffer;
	paddr_t acpi_rsdp;		/* 0: none */
	paddr_t fdt;			/* 0: none */
	uint64_t fdt_size;		/* what the header says, checked against memory */
};

extern struct boot_info boot_info;

/*
 * Write one character for a human before any driver runs and after a panic.
 * Any context, any lock state; never sleeps; drops the character after a
 * bounded wait.  Works from the first C instruction on.
 */
void arch_early_putc(char c);

/*
 * Read one character the same way; -1 when none waits.  For the panic prompt
 * of a debug build only.
 */
int arch_early_getc(void);

#endif
