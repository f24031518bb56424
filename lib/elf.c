/* SPDX-License-Identifier: MIT */
/*
 * ELF64 checks. Headers are copied out of the buffer, which may be unaligned.
 */
#include <lib/elf.h>
#include <lib/err.h>
#include <lib/bits.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <uapi/elf.h>

#define PHDR_BYTES_MAX	65536
#define INTERP_MAX	4096
#define PROPERTY_MAX	4096
#define ALIGN_MAX	(UINT64_C(1) << 32)

int elf_check_header(const void *buf, size_t len, uint64_t file_size, const struct elf_rules *rules,
		     struct elf_image *img)
{
	struct elf64_hdr h;

	if (len < sizeof(h) || file_size < sizeof(h))
		return -ENOEXEC;
	memcpy(&h, buf, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
	    h.e_ident[EI_DATA] != ELFDATA2LSB)
		return -ENOEXEC;
	if ((h.e_type != ET_EXEC && h.e_type != ET_DYN) || h.e_machine != rules->machine)
		return -ENOEXEC;
	if (h.e_phentsize != sizeof(struct elf64_phdr) || !h.e_phnum)
		return -ENOEXEC;
	*img = (struct elf_image){
		.file_size = file_size, .type = h.e_type, .entry = h.e_entry,
		.phdr_off = h.e_phoff, .phdr_count = h.e_phnum,
		.phdr_bytes = (uint32_t)(h.e_phnum * sizeof(struct elf64_phdr)),
	};
	if (img->phdr_bytes > PHDR_BYTES_MAX ||
	    !range_within(img->phdr_off, img->phdr_bytes, file_size))
		return -ENOEXEC;
	return 0;
}

static struct elf64_phdr phdr_at(const void *phdrs, unsigned int i)
{
	struct elf64_phdr p;

	memcpy(&p, (const char *)phdrs + i * sizeof(p), sizeof(p));
	return p;
}

static bool is_loadable(const struct elf64_phdr *p)
{
	return p->p_type == PT_LOAD && p->p_memsz;
}

/* One segment behind those that end at @last_end; extends the hull. */
static int check_load(const struct elf64_phdr *p, const struct elf_rules *rules,
		      struct elf_image *img, uint64_t last_end)
{
	uint64_t end;

	if (p->p_filesz > p->p_memsz || !range_within(p->p_offset, p->p_filesz, img->file_size))
		return -ENOEXEC;
	if (!range_within(p->p_vaddr, p->p_memsz, rules->user_end))
		return -ENOEXEC;
	if ((p->p_vaddr ^ p->p_offset) & (rules->page_size - 1))
		return -ENOEXEC;
	if (p->p_align > 1 && (!is_power_of_2(p->p_align) || p->p_align > ALIGN_MAX))
		return -ENOEXEC;
	if (img->loads && p->p_vaddr < last_end)
		return -ENOEXEC;
	end = p->p_vaddr + p->p_memsz;
	if (!img->loads)
		img->start = align_down(p->p_vaddr, rules->page_size);
	img->end = align_up(end, rules->page_size);
	img->align = max(img->align, p->p_align);
	/* The program headers are in memory where this segment maps their place in the file. */
	if (img->phdr_off >= p->p_offset &&
	    range_within(img->phdr_off - p->p_offset, img->phdr_bytes, p->p_filesz))
		img->phdr_addr = p->p_vaddr + (img->phdr_off - p->p_offset);
	img->loads++;
	return 0;
}

static int check_interp(const struct elf64_phdr *p, struct elf_image *img)
{
	if (img->interp_len)
		return 0;		/* the first one counts */
	if (p->p_filesz < 2 || p->p_filesz > INTERP_MAX ||
	    !range_within(p->p_offset, p->p_filesz, img->file_size))
		return -ENOEXEC;
	img->interp_off = p->p_offset;
	img->interp_len = (uint32_t)p->p_filesz;
	return 0;
}

/* Properties only enable features, so malformed ones are left out instead of refused. */
static void note_property(const struct elf64_phdr *p, struct elf_image *img)
{
	if (p->p_filesz > PROPERTY_MAX ||
	    !range_within(p->p_offset, p->p_filesz, img->file_size))
		return;
	img->property_off = p->p_offset;
	img->property_len = (uint32_t)p->p_filesz;
}

static int check_other(const struct elf64_phdr *p, struct elf_image *img)
{
	switch (p->p_type) {
	case PT_INTERP:
		return check_interp(p, img);
	case PT_GNU_PROPERTY:
		note_property(p, img);
		return 0;
	case PT_GNU_STACK:
		img->has_stack = true;
		img->stack_flags = p->p_flags & (PF_R | PF_W | PF_X);
		return 0;
	default:
		return 0;
	}
}

int elf_check_segments(const void *phdrs, const struct elf_rules *rules, struct elf_image *img)
{
	uint64_t last_end = 0;

	img->align = rules->page_size;
	for (unsigned int i = 0; i < img->phdr_count; i++) {
		struct elf64_phdr p = phdr_at(phdrs, i);
		int err;

		if (!is_loadable(&p)) {
			err = check_other(&p, img);
		} else {
			err = check_load(&p, rules, img, last_end);
			last_end = p.p_vaddr + p.p_memsz;
		}
		if (err)
			return err;
	}
	return img->loads ? 0 : -ENOEXEC;
}

bool elf_load_segment(const struct elf_image *img, const void *phdrs, unsigned int *i,
		      struct elf_segment *seg)
{
	while (*i < img->phdr_count) {
		struct elf64_phdr p = phdr_at(phdrs, (*i)++);

		if (!is_loadable(&p))
			continue;
		*seg = (struct elf_segment){
			.vaddr = p.p_vaddr, .mem_size = p.p_memsz, .file_off = p.p_offset,
			.file_size = p.p_filesz, .flags = p.p_flags & (PF_R | PF_W | PF_X),
		};
		return true;
	}
	return false;
}
