/* SPDX-License-Identifier: MIT */
/*
 * The image.  Linked in the higher half, loaded at KERNEL_LOAD_PA; each segment starts on a page
 * of its own, so that arch_mmu_init() can give it its own protection.  .bss is last:
 * it takes no room in the file.
 */
#include <arch_impl/layout.h>

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(multiboot2_entry)

PHDRS
{
	text	PT_LOAD FLAGS(5);
	rodata	PT_LOAD FLAGS(4);
	data	PT_LOAD FLAGS(6);
	itext	PT_LOAD FLAGS(5);
	idata	PT_LOAD FLAGS(6);
	bss	PT_LOAD FLAGS(6);
	note	PT_NOTE FLAGS(4);
}

#define TABLE(name, section)			\
	. = ALIGN(8);				\
	__##name##_start = .;			\
	KEEP(*(SORT_BY_NAME(section) SORT_BY_NAME(section.*)))	\
	__##name##_end = .;

SECTIONS
{
	. = KERNEL_BASE + KERNEL_LOAD_PA;
	__image_start = .;

	.text : AT(ADDR(.text) - KERNEL_BASE) {
		__text_start = .;
		KEEP(*(.head.text))
		*(.text.hot .text.hot.*)
		*(.text .text.*)
		__text_end = .;
	} :text = 0xcccccccc

	. = ALIGN(4096);
	.rodata : AT(ADDR(.rodata) - KERNEL_BASE) {
		__rodata_start = .;
		*(.rodata .rodata.*)
		TABLE(drivers, .drivers)
		TABLE(ktests, .ktests)
		TABLE(initcalls, .initcalls)
		TABLE(ex_table, .ex_table)
		TABLE(alt_stac, .alt_stac)
		TABLE(alt_clac, .alt_clac)
		. = ALIGN(4096);
		__vdso_start = .;
		KEEP(*(.vdso_image))
		. = ALIGN(4096);
		__vdso_end = .;
		. = ALIGN(8);
		__kallsyms_start = .;
		KEEP(*(.kallsyms))
		__kallsyms_end = .;
	} :rodata

	.note : AT(ADDR(.note) - KERNEL_BASE) {
		KEEP(*(.note.Xen))
	} :rodata :note

	. = ALIGN(4096);
	__rodata_end = .;
	.data : AT(ADDR(.data) - KERNEL_BASE) {
		__data_start = .;
		*(.data.page_aligned)
		*(.data .data.*)
	} :data

	.percpu : AT(ADDR(.percpu) - KERNEL_BASE) {
		. = ALIGN(64);
		__percpu_start = .;
		*(.percpu.first)
		*(.percpu .percpu.*)
		. = ALIGN(64);
		__percpu_end = .;
		. = ALIGN(4096);
		__data_end = .;
	} :data

	. = ALIGN(4096);
	__init_start = .;
	__init_begin = .;
	.init.text : AT(ADDR(.init.text) - KERNEL_BASE) {
		__init_text_start = .;
		*(.init.text .init.text.*)
		. = ALIGN(4096);
		__init_text_end = .;
	} :itext

	.init.data : AT(ADDR(.init.data) - KERNEL_BASE) {
		__init_data_start = .;
		*(.init.data .init.data.* .init.rodata)
		. = ALIGN(4096);
		__init_data_end = .;
	} :idata
	__init_end = .;

	.bss (NOLOAD) : AT(ADDR(.bss) - KERNEL_BASE) {
		__bss_start = .;
		*(.bss.page_aligned)
		*(.bss .bss.* COMMON)
		. = ALIGN(4096);
		__bss_end = .;
	} :bss
	__image_end = .;

	/* Nothing is position-independent or relocated at run time: these stay empty. */
	.got : { *(.got .got.plt .igot .igot.plt .plt .iplt) }
	.rela.dyn : { *(.rela.*) }
	ASSERT(SIZEOF(.got) == 0 && SIZEOF(.rela.dyn) == 0, "unexpected dynamic relocations")

	/DISCARD/ : {
		*(.note.GNU-stack .note.gnu.* .eh_frame .eh_frame_hdr)
	}
	.debug_info 0 : { *(.debug_info) } :NONE
	.debug_abbrev 0 : { *(.debug_abbrev) }
	.debug_aranges 0 : { *(.debug_aranges) }
	.debug_rnglists 0 : { *(.debug_rnglists) }
	.debug_loclists 0 : { *(.debug_loclists) }
	.debug_line 0 : { *(.debug_line) }
	.debug_line_str 0 : { *(.debug_line_str) }
	.debug_str_offsets 0 : { *(.debug_str_offsets) }
	.debug_addr 0 : { *(.debug_addr) }
	.debug_str 0 : { *(.debug_str) }
	.debug_loc 0 : { *(.debug_loc) }
	.debug_ranges 0 : { *(.debug_ranges) }
	.debug_frame 0 : { *(.debug_frame) }
	.comment 0 : { *(.comment) }
	.symtab 0 : { *(.symtab) }
	.strtab 0 : { *(.strtab) }
	.shstrtab 0 : { *(.shstrtab) }
}

ASSERT(__image_end - KERNEL_BASE < 0x8000000, "the image does not fit its window")
