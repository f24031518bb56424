/* SPDX-License-Identifier: MIT */
/*
 * The pages behind user memory, held for a device: direct I/O.
 *
 * They are faulted in for the wanted access first.  A private page that a fork shares gets its copy
 * by that; a fork while the device still writes may leave the data with the child alone, as it may
 * with Linux: who forks during direct reads uses memory that the child does not want.
 */
#include <mm/uaccess.h>
#include "internal.h"

static struct page *pin_one(struct aspace *as, uint64_t addr, bool for_write)
{
	struct region *r = aspace_find(as, addr);
	struct page *p;

	if (!r || r->flags & REGION_DEVICE || (for_write && !(r->prot & PROT_WRITE)))
		return NULL;
	for (unsigned int tries = 0; tries < 4; tries++) {
		if (region_fault(r, addr, for_write ? FAULT_WRITE : FAULT_READ, 0))
			return NULL;
		p = region_page_get(r, addr);
		if (!p)
			continue;
		/* Lost a race: a page that others see must not be written. */
		if (!for_write || (p != zero_page &&
				   (!region_is_private(r) || p->kind == PAGE_ANON)))
			return p;
		page_put(p);
	}
	return NULL;
}

int user_pages_pin(uaddr_t start, unsigned int nr, bool for_write, struct page **pages)
{
	struct aspace *as = current_thread()->aspace;
	unsigned int got = 0;

	if (!as || !user_range_ok(start, (size_t)nr << PAGE_SHIFT))
		return -EFAULT;
	rwsem_lock_read(&as->lock);
	while (got < nr) {
		pages[got] = pin_one(as, start.v + ((uint64_t)got << PAGE_SHIFT), for_write);
		if (!pages[got])
			break;
		got++;
	}
	rwsem_unlock_read(&as->lock);
	return got ? (int)got : -EFAULT;
}
