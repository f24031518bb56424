/* SPDX-License-Identifier: MIT */
/* Names for kernel addresses, from the table that the link adds (scripts/kallsyms). */
#include <kernel/panic.h>
#include <lib/printf.h>
#include <lib/types.h>

extern const char __image_start[], __text_start[], __text_end[], __init_text_start[],
	__init_text_end[];
extern const uint64_t kallsyms_count;
extern const uint32_t kallsyms_offsets[], kallsyms_name_positions[];
extern const char kallsyms_names[];

/* The last symbol at or below @offset; the table is sorted and not empty. */
static uint64_t find(uint32_t offset)
{
	uint64_t low = 0, high = kallsyms_count;

	while (high - low > 1) {
		uint64_t mid = (low + high) / 2;

		if (kallsyms_offsets[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

bool symbol_is_text(uint64_t pc)
{
	return (pc >= (uint64_t)__text_start && pc < (uint64_t)__text_end) ||
	       (pc >= (uint64_t)__init_text_start && pc < (uint64_t)__init_text_end);
}

size_t symbol_format(uint64_t pc, char *buf, size_t size)
{
	uint64_t i;
	uint32_t offset, end;

	if (!kallsyms_count || !symbol_is_text(pc))
		return (size_t)scnprintf(buf, size, "%#llx", (unsigned long long)pc);
	offset = (uint32_t)(pc - (uint64_t)__image_start);
	i = find(offset);
	end = i + 1 < kallsyms_count ? kallsyms_offsets[i + 1] : offset;
	return (size_t)scnprintf(buf, size, "%s+%#x/%#x",
				 kallsyms_names + kallsyms_name_positions[i],
				 offset - kallsyms_offsets[i], end - kallsyms_offsets[i]);
}
