/* SPDX-License-Identifier: MIT */
/* Fuzzes the ELF checks: what they accept keeps every promise of <lib/elf.h>. */
#include <lib/assert.h>
#include <lib/elf.h>
#include <lib/minmax.h>
#include <uapi/elf.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct elf_rules rules = {
		.machine = EM_X86_64, .page_size = 4096, .user_end = 0x7ffffffff000,
	};
	struct elf_segment seg;
	struct elf_image img;
	uint64_t last_end = 0;
	unsigned int i = 0;

	if (elf_check_header(data, len, len, &rules, &img))
		return 0;
	if (elf_check_segments(data + img.phdr_off, &rules, &img))
		return 0;
	ENSURE(img.loads && img.start < img.end && img.end <= rules.user_end);
	ENSURE(!img.interp_len || range_within(img.interp_off, img.interp_len, len));
	ENSURE(range_within(img.property_off, img.property_len, len) || !img.property_len);
	while (elf_load_segment(&img, data + img.phdr_off, &i, &seg)) {
		ENSURE(seg.vaddr >= last_end && seg.vaddr >= img.start);
		last_end = seg.vaddr + seg.mem_size;
		ENSURE(last_end <= img.end && last_end > seg.vaddr);
		ENSURE(seg.file_size <= seg.mem_size);
		ENSURE(range_within(seg.file_off, seg.file_size, len));
	}
	return 0;
}
