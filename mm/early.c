/* SPDX-License-Identifier: MIT */
/*
 * Physical memory before the page allocator.  Two sorted lists of ranges: what is
 * RAM, and what of it is still free.  The lists are bounded because boot_info's map is; a
 * reservation that would split one range too many gives up the smaller half.
 */
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/assert.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/early.h>
#include <mm/page.h>

#define RANGES_MAX (2 * BOOT_MEMORY_MAX)

struct range {
	uint64_t base, end;
};

struct range_list {
	unsigned int nr;
	struct range r[RANGES_MAX];
};

static struct range_list ram, free_ranges;

static void range_delete(struct range_list *l, unsigned int i)
{
	memmove(&l->r[i], &l->r[i + 1], (l->nr - i - 1) * sizeof(l->r[0]));
	l->nr--;
}

static void range_insert(struct range_list *l, unsigned int i, uint64_t base, uint64_t end)
{
	memmove(&l->r[i + 1], &l->r[i], (l->nr - i) * sizeof(l->r[0]));
	l->r[i] = (struct range){ base, end };
	l->nr++;
}

/* Add [base, end), merging with what it touches. */
static void range_add(struct range_list *l, uint64_t base, uint64_t end)
{
	unsigned int i = 0;

	while (i < l->nr && l->r[i].end < base)
		i++;
	while (i < l->nr && l->r[i].base <= end) {
		base = min(base, l->r[i].base);
		end = max(end, l->r[i].end);
		range_delete(l, i);
	}
	if (l->nr == RANGES_MAX) {
		log_warn("mm: too many pieces of memory, %lu KiB at %#lx are lost",
			 (unsigned long)(end - base) >> 10, (unsigned long)base);
		return;
	}
	range_insert(l, i, base, end);
}

/* Cut [base, end) out. */
static void range_remove(struct range_list *l, uint64_t base, uint64_t end)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		struct range *r = &l->r[i], old = *r;

		if (old.end <= base || old.base >= end)
			continue;
		if (old.base < base && old.end > end) {
			r->end = base;
			if (l->nr < RANGES_MAX)
				range_insert(l, i + 1, end, old.end);
			else if (base - old.base < old.end - end)
				*r = (struct range){ end, old.end };
			return;
		}
		if (old.base < base) {
			r->end = base;
		} else if (old.end > end) {
			r->base = end;
		} else {
			range_delete(l, i);
			i--;
		}
	}
}

/* Whole pages of @m: RAM shrinks to them, anything else grows. */
static struct range memory_pages(const struct boot_memory *m)
{
	uint64_t base = m->base.v, end = add_saturate(base, m->size);

	if (m->kind == BOOT_MEMORY_RAM)
		return (struct range){ align_up(base, PAGE_SIZE), align_down(end, PAGE_SIZE) };
	if (check_align_up(&end, PAGE_SIZE))
		end = align_down(UINT64_MAX, PAGE_SIZE);
	return (struct range){ align_down(base, PAGE_SIZE), end };
}

static void take_memory(enum boot_memory_kind first_kind, bool is_ram)
{
	for (unsigned int i = 0; i < boot_info.nr_memory; i++) {
		const struct boot_memory *m = &boot_info.memory[i];
		struct range r = memory_pages(m);

		if ((m->kind == first_kind) != is_ram || r.base >= r.end)
			continue;
		if (is_ram)
			range_add(&ram, r.base, r.end);
		else
			range_remove(&ram, r.base, r.end);
	}
}

void early_init(void)
{
	extern char __image_start[], __image_end[];
	uint64_t total = 0;

	take_memory(BOOT_MEMORY_RAM, true);
	take_memory(BOOT_MEMORY_RAM, false);
	/* Address 0 means "none" in more than one place, and firmware keeps tables there. */
	range_remove(&ram, 0, PAGE_SIZE);
	range_remove(&ram, DIRECT_MAP_SIZE, UINT64_MAX);
	free_ranges = ram;
	early_reserve(image_to_phys(__image_start), (uint64_t)(__image_end - __image_start),
		      "image");
	if (boot_info.initrd_size)
		early_reserve(boot_info.initrd, boot_info.initrd_size, "initrd");
	if (boot_info.fdt_size)
		early_reserve(boot_info.fdt, boot_info.fdt_size, "device tree");
	for (unsigned int i = 0; i < free_ranges.nr; i++)
		total += free_ranges.r[i].end - free_ranges.r[i].base;
	if (!total)
		panic("mm: boot data (%s) names no usable memory", boot_info.protocol);
}

void early_reserve(paddr_t base, uint64_t size, const char *what)
{
	uint64_t end = add_saturate(base.v, size);

	if (!size)
		return;
	if (check_align_up(&end, PAGE_SIZE))
		end = align_down(UINT64_MAX, PAGE_SIZE);
	log_debug("mm: %s at %#lx, %lu KiB", what, (unsigned long)base.v,
		  (unsigned long)size >> 10);
	range_remove(&free_ranges, align_down(base.v, PAGE_SIZE), end);
}

/* From the top of what the boot tables reach: low memory stays for devices that need it. */
paddr_t early_alloc(uint64_t size, uint64_t align)
{
	uint64_t limit = arch_early_limit();

	size = align_up(size, PAGE_SIZE);
	for (unsigned int i = free_ranges.nr; i--; ) {
		struct range r = free_ranges.r[i];
		uint64_t end = min(r.end, limit), base;

		if (end <= r.base || end - r.base < size)
			continue;
		base = align_down(end - size, align);
		if (base < r.base)
			continue;
		range_remove(&free_ranges, base, base + size);
		memset(phys_to_virt(PADDR(base)), 0, size);
		return PADDR(base);
	}
	panic("mm: no %lu KiB of memory for boot", (unsigned long)size >> 10);
}

static bool next(const struct range_list *l, unsigned int *cursor, paddr_t *base, uint64_t *size)
{
	if (*cursor >= l->nr)
		return false;
	*base = PADDR(l->r[*cursor].base);
	*size = l->r[*cursor].end - l->r[*cursor].base;
	++*cursor;
	return true;
}

bool early_next_free(unsigned int *cursor, paddr_t *base, uint64_t *size)
{
	return next(&free_ranges, cursor, base, size);
}

bool early_next_ram(unsigned int *cursor, paddr_t *base, uint64_t *size)
{
	return next(&ram, cursor, base, size);
}
