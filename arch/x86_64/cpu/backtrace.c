/* SPDX-License-Identifier: MIT */
/*
 * Call chains by frame pointers.  Frames are read only where the kernel's own tables map them.
 */
#include <arch/mmu.h>
#include <arch/thread.h>
#include <mm/kernel_map.h>

struct frame {
	uint64_t next, ret;
};

extern char __text_start[], __text_end[], __init_text_start[], __init_text_end[];

static bool is_text(uint64_t pc)
{
	return (pc >= (uint64_t)__text_start && pc < (uint64_t)__text_end) ||
	       (pc >= (uint64_t)__init_text_start && pc < (uint64_t)__init_text_end);
}

static bool is_readable(uint64_t va)
{
	unsigned int level;
	pte_t e;

	return va >= DIRECT_MAP_BASE && !(va & 7) &&
	       kernel_lookup(arch_kernel_root(), va, &e, &level) &&
	       kernel_lookup(arch_kernel_root(), va + 8, &e, &level);
}

unsigned int arch_backtrace(uint64_t fp, uint64_t *pcs, unsigned int max)
{
	unsigned int n = 0;

	if (!IS_ENABLED(CONFIG_FRAME_POINTER))
		return 0;
	if (!fp)
		fp = (uint64_t)__builtin_frame_address(0);
	while (n < max && is_readable(fp)) {
		const struct frame *f = (const void *)fp;

		if (!is_text(f->ret))
			break;
		pcs[n++] = f->ret;
		if (f->next <= fp)
			break;
		fp = f->next;
	}
	return n;
}
