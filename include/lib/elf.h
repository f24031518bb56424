/* SPDX-License-Identifier: MIT */
/*
 * Checks of ELF64 program files. Pure functions over bytes that somebody else read: the loader maps
 * only what these have checked, and they can be fuzzed on the host.
 *
 * Use: elf_check_header() on the first bytes; read img.phdr_bytes at img.phdr_off; then
 * elf_check_segments() on those; then elf_load_segment() until it says no.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include <lib/types.h>

/* What this machine and kernel accept. */
struct elf_rules {
	uint16_t machine;	/* EM_... */
	uint64_t page_size;	/* a power of two */
	uint64_t user_end;	/* the first address above user space, page-aligned */
};

/* A checked description. Every field is within the rules. */
struct elf_image {
	uint64_t file_size;
	uint16_t type;		/* ET_EXEC or ET_DYN */
	uint64_t entry;		/* unchecked: a wrong one faults in user mode */
	uint64_t phdr_off;
	uint32_t phdr_bytes;
	uint16_t phdr_count;
	/* from elf_check_segments(): */
	uint16_t loads;		/* PT_LOAD segments with memory, at least one */
	uint64_t start, end;	/* page-aligned hull of the segments; end <= user_end */
	uint64_t align;		/* greatest p_align, at least page_size */
	uint64_t interp_off;	/* PT_INTERP; interp_len is 0 if there is none, */
	uint32_t interp_len;	/* else 2 to 4096, with the terminator (to be checked) */
	uint64_t phdr_addr;	/* where the program headers are in memory, 0 if not loaded */
	uint64_t property_off;	/* PT_GNU_PROPERTY; property_len 0 if none */
	uint32_t property_len;
	bool has_stack;		/* a PT_GNU_STACK segment says stack_flags */
	uint32_t stack_flags;	/* PF_... */
};

/* One PT_LOAD segment. vaddr and file_off are equal modulo the page size. */
struct elf_segment {
	uint64_t vaddr, mem_size;	/* mem_size > 0; within [start, end) */
	uint64_t file_off, file_size;	/* file_size <= mem_size; within the file */
	uint32_t flags;			/* PF_... */
};

/* @buf holds the first @len bytes of a file of @file_size. -ENOEXEC, and *@img is undefined. */
int elf_check_header(const void *buf, size_t len, uint64_t file_size, const struct elf_rules *rules,
		     struct elf_image *img) __must_check;

/*
 * @phdrs holds img->phdr_bytes bytes. -ENOEXEC unless the loadable segments ascend, share no byte,
 * lie within file and user space, and are congruent with their file offsets.
 */
int elf_check_segments(const void *phdrs, const struct elf_rules *rules, struct elf_image *img)
	__must_check;

/*
 * The next PT_LOAD segment with memory at or behind index *@i, which moves behind it; false at the
 * end.
 */
bool elf_load_segment(const struct elf_image *img, const void *phdrs, unsigned int *i,
		      struct elf_segment *seg) __must_check;

#endif
