/* SPDX-License-Identifier: MIT */
/*
 * Boot-time helpers shared by the two protocols.
 */
#ifndef ARCH_IMPL_BOOT_H
#define ARCH_IMPL_BOOT_H

#include <arch/boot.h>
#include <lib/compiler.h>

#define BOOT_DIRECT_LIMIT	0x100000000UL	/* what the boot tables map */

/* Print one line on the early console and stop, telling an emulator that boot failed. */
__noreturn __cold __printf(1, 2) void boot_fail(const char *fmt, ...);
__cold __printf(1, 2) void boot_warn(const char *fmt, ...);

/*
 * A pointer to [pa, pa + size), which must lie within what the boot tables map; fails naming @what.
 */
const void *boot_pointer(uint64_t pa, uint64_t size, const char *what);

/* Add a piece of an E820-style map: types 1 RAM, 3 ACPI, others reserved. */
void boot_add_memory(uint64_t base, uint64_t size, uint32_t type);
void boot_set_initrd(uint64_t base, uint64_t size);
/* Copy at most @limit bytes up to the NUL. */
void boot_set_command_line(const char *text, uint64_t limit);

void boot_from_pvh(uint64_t info);
void boot_from_multiboot2(uint64_t info);

/* Replace the NOPs of X86_STAC/X86_CLAC when the CPU has SMAP.  Text must be writable. */
void x86_patch_smap(void);
/* Read CPUID into x86_features. */
void x86_features_init(void);

#endif
