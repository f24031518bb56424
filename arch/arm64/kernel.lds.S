/* SPDX-License-Identifier: MIT */
/*
 * The image: text | rodata | data | per-CPU | init | zeroed. What is loaded comes first, so the
 * flat file ends where the zeroed part begins. Every part starts on a page, so each gets its own
 * protection.
 */
#include <arch_impl/layout.h>

OUTPUT_ARCH(aarch64)
ENTRY(_start)

#define PAGE . = ALIGN(0x1000);
#define TABLE(name, symbol)				\
	. = ALIGN(8);					\
	__##symbol##_start = .;				\
	KEEP(*(SORT(name)))				\
	__##symbol##_end = .;

PHDRS
{
	text	PT_LOAD FLAGS(5);
	rodata	PT_LOAD FLAGS(4);
	data	PT_LOAD FLAGS(6);
	init	PT_LOAD FLAGS(5);
	rest	PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = KERNEL_BASE;
	__image_start = .;
	__text_start = .;
	.text : {
		KEEP(*(.head.text))
		*(.idmap.text)
		*(.text.hot .text.hot.*)
		*(.text .text.*)
		*(.text.fixup)
		PAGE
	} :text
	__text_end = .;

	__rodata_start = .;
	.rodata : {
		*(.rodata .rodata.*)
		*(.srodata .srodata.*)
		TABLE(.drivers, drivers)
		TABLE(.ktests, ktests)
		TABLE(.irqchips, irqchips)
		TABLE(.ex_table, ex_table)
		PAGE
		KEEP(*(.vdso_image))
		. = ALIGN(8);
		__kallsyms_start = .;
		KEEP(*(.kallsyms .kallsyms.*))
		__kallsyms_end = .;
		PAGE
	} :rodata
	__rodata_end = .;

	__data_start = .;
	.data : {
		*(.data.page_aligned)
		*(.data .data.*)
		*(.got .got.plt .igot.plt)
		. = ALIGN(64);
	} :data
	__data_end = .;

	PAGE
	__percpu_start = .;
	.percpu : {
		KEEP(*(.percpu .percpu.*))
		. = ALIGN(64);
	}
	__percpu_end = .;

	PAGE
	__init_start = .;
	__init_text_start = .;
	.init.text : {
		*(.init.text .init.text.*)
		PAGE
	} :init
	__init_text_end = .;
	.init.data : {
		*(.init.data .init.data.* .init.rodata .init.rodata.*)
		TABLE(.initcalls, initcalls)
		TABLE(.init.altinsn, altinsn)
		PAGE
	} :rest
	/* Empty: everything is resolved at link time. */
	.iplt : { *(.iplt) }
	.rela.dyn : { *(.rela.*) }
	__image_file_end = .;
	.init.bss (NOLOAD) : {
		__boot_tables_start = .;
		*(.init.tables)
		__init_end = .;
		*(.idmap.tables)
		__boot_tables_end = .;
	}

	.bss (NOLOAD) : {
		__bss_start = .;
		*(.bss.page_aligned)
		*(.bss .bss.* COMMON)
		PAGE
		__bss_end = .;
	}
	__image_end = .;
	__image_size = ABSOLUTE(__image_end - __image_start);

	/DISCARD/ : {
		*(.comment .note .note.* .eh_frame .eh_frame_hdr)
		*(.interp .dynsym .dynstr .hash .gnu.hash)
		*(.discard .discard.*)
	}
	.symtab 0 : { *(.symtab) }
	.strtab 0 : { *(.strtab) }
	.shstrtab 0 : { *(.shstrtab) }
	.debug_aranges 0 : { *(.debug_aranges) }
	.debug_info 0 : { *(.debug_info) }
	.debug_abbrev 0 : { *(.debug_abbrev) }
	.debug_line 0 : { *(.debug_line) }
	.debug_frame 0 : { *(.debug_frame) }
	.debug_str 0 : { *(.debug_str) }
	.debug_line_str 0 : { *(.debug_line_str) }
	.debug_loclists 0 : { *(.debug_loclists) }
	.debug_rnglists 0 : { *(.debug_rnglists) }
	.debug_ranges 0 : { *(.debug_ranges) }
	.debug_loc 0 : { *(.debug_loc) }
	.debug_addr 0 : { *(.debug_addr) }
	.debug_str_offsets 0 : { *(.debug_str_offsets) }
}

ASSERT((__image_start & 0x1fffff) == 0, "the image must be linked at a 2 MiB boundary")
ASSERT(__image_end - __image_start < 0x2000000, "the boot tables map 32 MiB of image at most")
