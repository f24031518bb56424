/* SPDX-License-Identifier: MIT */
/*
 * What programs say and ask about their memory: madvise, msync, mincore, mlock and their like.
 */
#include <kernel/file.h>
#include <kernel/process.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <uapi/resource.h>
#include <generated/syscall_protos.h>
#include "internal.h"

/* madvise. */

enum advice_kind { ADVICE_BAD, ADVICE_NOTHING, ADVICE_FLAGS, ADVICE_DROP, ADVICE_REMOVE,
		   ADVICE_WILLNEED, ADVICE_POPULATE };

static enum advice_kind advice_kind(int advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL:
	case MADV_DONTFORK: case MADV_DOFORK:
	case MADV_DONTDUMP: case MADV_DODUMP: case MADV_WIPEONFORK: case MADV_KEEPONFORK:
	case MADV_HUGEPAGE: case MADV_NOHUGEPAGE:
		return ADVICE_FLAGS;
	case MADV_DONTNEED: case MADV_DONTNEED_LOCKED: case MADV_FREE:
		return ADVICE_DROP;
	case MADV_REMOVE:
		return ADVICE_REMOVE;
	case MADV_WILLNEED:
		return ADVICE_WILLNEED;
	case MADV_POPULATE_READ: case MADV_POPULATE_WRITE:
		return ADVICE_POPULATE;
	case MADV_COLD: case MADV_PAGEOUT: case MADV_MERGEABLE: case MADV_UNMERGEABLE:
		return ADVICE_NOTHING;
	default:
		return ADVICE_BAD;
	}
}

static uint32_t advised_flags(uint32_t flags, int advice)
{
	switch (advice) {
	case MADV_NORMAL:	return flags & ~(uint32_t)(REGION_RANDOM | REGION_SEQUENTIAL);
	case MADV_RANDOM:	return (flags & ~(uint32_t)REGION_SEQUENTIAL) | REGION_RANDOM;
	case MADV_SEQUENTIAL:	return (flags & ~(uint32_t)REGION_RANDOM) | REGION_SEQUENTIAL;
	case MADV_DONTFORK:	return flags | REGION_DONT_FORK;
	case MADV_DOFORK:	return flags & ~(uint32_t)REGION_DONT_FORK;
	case MADV_DONTDUMP:	return flags | REGION_DONT_DUMP;
	case MADV_DODUMP:	return flags & ~(uint32_t)REGION_DONT_DUMP;
	case MADV_WIPEONFORK:	return flags | REGION_WIPE_ON_FORK;
	case MADV_KEEPONFORK:	return flags & ~(uint32_t)REGION_WIPE_ON_FORK;
	case MADV_HUGEPAGE:	return (flags & ~(uint32_t)REGION_NO_HUGE_PAGES) |
		REGION_HUGE_PAGES;
	case MADV_NOHUGEPAGE:	return (flags & ~(uint32_t)REGION_HUGE_PAGES) |
		REGION_NO_HUGE_PAGES;
	default:		return flags;
	}
}

/* Give [start, end) of @r other flags.  as->lock held for writing. */
static int change_flags(struct region *r, uint64_t start, uint64_t end, uint32_t flags)
{
	if (r->flags == flags)
		return 0;
	if (r->start < start) {
		r = region_split(r, start);
		if (IS_ERR(r))
			return -ENOMEM;
	}
	if (r->end > end && IS_ERR(region_split(r, end)))
		return -ENOMEM;
	region_change(r, r->prot, flags);
	region_merge(r);
	return 0;
}

static int advise_flags(struct region *r, uint64_t start, uint64_t end, int advice)
{
	if (advice == MADV_WIPEONFORK && (r->object || r->file))
		return -EINVAL;
	if (advice == MADV_DOFORK && r->flags & REGION_DEVICE)
		return -EINVAL;
	return change_flags(r, start, end, advised_flags(r->flags, advice));
}

static int advise_drop(struct region *r, uint64_t start, uint64_t end, int advice)
{
	if (r->flags & REGION_DEVICE ||
	    (r->flags & REGION_LOCKED && advice != MADV_DONTNEED_LOCKED))
		return -EINVAL;
	if (advice == MADV_FREE && (r->object || r->flags & REGION_SHARED))
		return -EINVAL;
	region_zap(r, start, end, ZAP_KEEP_TABLES);
	return 0;
}

/*
 * Punch a hole into the object.  as->lock is not held: memobj locks come before page tables only.
 */
static int advise_remove(struct region *r, uint64_t start, uint64_t end)
{
	uint64_t from = r->object_offset + (start - r->start);

	if (!r->object || !(r->flags & REGION_SHARED) || r->flags & (REGION_LOCKED | REGION_DEVICE))
		return -EINVAL;
	if (!(r->max_prot & PROT_WRITE))
		return -EACCES;
	if (!(r->object->flags & MEMOBJ_SHMEM))
		return -EOPNOTSUPP;
	memobj_punch(r->object, from, from + (end - start));
	return 0;
}

static int advise_region(struct region *r, uint64_t start, uint64_t end, int advice)
{
	switch (advice_kind(advice)) {
	case ADVICE_FLAGS:
		return advise_flags(r, start, end, advice);
	case ADVICE_DROP:
		return advise_drop(r, start, end, advice);
	case ADVICE_REMOVE:
		return advise_remove(r, start, end);
	case ADVICE_WILLNEED:
		if (r->object && r->object->ops->readahead)
			r->object->ops->readahead(r->object, region_index(r, start),
						  (unsigned int)min((end - start) >> PAGE_SHIFT,
								    512UL));
		return 0;
	case ADVICE_NOTHING:
	case ADVICE_POPULATE:
	case ADVICE_BAD:
		return 0;
	}
	return 0;
}

/* Each region of the range; holes are passed over and reported at the end, as Linux does. */
static int advise_range(struct aspace *as, uint64_t start, uint64_t end, int advice)
{
	int hole = 0;

	while (start < end) {
		struct region *r = aspace_find_next(as, start);
		uint64_t next;
		int err;

		if (!r || r->start >= end)
			return -ENOMEM;
		if (r->start > start) {
			hole = -ENOMEM;
			start = r->start;
		}
		next = min(r->end, end);
		err = advise_region(r, start, next, advice);
		if (err)
			return err;
		start = next;
	}
	return hole;
}

static long advise(struct aspace *as, uint64_t start, uint64_t len, int advice)
{
	enum advice_kind kind = advice_kind(advice);
	uint64_t end;
	int err;

	if (kind == ADVICE_BAD || start & ~PAGE_MASK)
		return -EINVAL;
	if (check_align_up(&len, PAGE_SIZE) || check_add_overflow(start, len, &end))
		return -EINVAL;
	if (!len)
		return 0;
	if (kind == ADVICE_POPULATE) {
		err = aspace_populate(as, start, end, advice == MADV_POPULATE_WRITE);
		return err == -EIO ? -EFAULT : err;
	}
	if (kind == ADVICE_FLAGS) {
		rwsem_lock_write(&as->lock);
		err = advise_range(as, start, end, advice);
		rwsem_unlock_write(&as->lock);
	} else {
		rwsem_lock_read(&as->lock);
		err = advise_range(as, start, end, advice);
		rwsem_unlock_read(&as->lock);
	}
	return err;
}

long sys_madvise(uaddr_t addr, size_t len, int advice)
{
	return advise(current_thread()->aspace, addr.v, len, advice);
}

/* msync. */

/* Write back what [start, end) of @r shows; called without as->lock, holding the object. */
static int sync_object(struct memobj *o, struct file *f, uint64_t from, uint64_t len)
{
	if (f && f->ops->fsync)
		return f->ops->fsync(f, (int64_t)from, (int64_t)(from + len - 1), true);
	return o && o->ops->write_pages ? memobj_writeback(o, from, from + len) : 0;
}

static int sync_next(struct aspace *as, uint64_t *start, uint64_t end, unsigned int flags,
		     bool *hole)
{
	struct memobj *o = NULL;
	struct file *f = NULL;
	struct region *r;
	uint64_t from = 0, len = 0;
	int err = 0;

	rwsem_lock_read(&as->lock);
	r = aspace_find_next(as, *start);
	if (!r || r->start >= end) {
		*hole = true;
		*start = end;
		goto out;
	}
	if (r->start > *start) {
		*hole = true;
		*start = r->start;
	}
	len = min(r->end, end) - *start;
	if (flags & MS_INVALIDATE && r->flags & REGION_LOCKED)
		err = -EBUSY;
	else if (flags & MS_SYNC && r->flags & REGION_SHARED && r->object) {
		from = r->object_offset + (*start - r->start);
		o = r->object;
		memobj_ref(o);
		f = r->file;
		if (f)
			file_ref(f);
	}
	*start += len;
out:
	rwsem_unlock_read(&as->lock);
	if (!o)
		return err;
	err = sync_object(o, f, from, len);
	if (f)
		file_put(f);
	memobj_put(o);
	return err;
}

long sys_msync(uaddr_t addr, size_t len, unsigned int flags)
{
	struct aspace *as = current_thread()->aspace;
	uint64_t start = addr.v, size = len, end;
	bool hole = false;
	int err = 0;

	if (flags & ~(unsigned int)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start & ~PAGE_MASK ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (check_align_up(&size, PAGE_SIZE) || check_add_overflow(start, size, &end))
		return -ENOMEM;
	while (start < end && !err)
		err = sync_next(as, &start, end, flags, &hole);
	return err ? err : hole ? -ENOMEM : 0;
}

/* mincore. */

static uint8_t is_resident(struct region *r, uint64_t addr)
{
	uint64_t skip;
	pte_t *slot;
	bool in_table;

	spin_lock(&r->aspace->pt_lock);
	slot = pt_slot_find(r->aspace, addr, &skip);
	in_table = slot && !pte_is_none(pte_load(slot));
	spin_unlock(&r->aspace->pt_lock);
	if (!in_table && r->object) {
		struct page *p = memobj_find_page(r->object, region_index(r, addr));

		in_table = p && p->flags & PAGE_UPTODATE;
		if (p)
			page_put(p);
	}
	return in_table;
}

/* Fill @vec for pages from @addr on; -ENOMEM at a hole. */
static int mincore_some(struct aspace *as, uint64_t addr, uint8_t *vec, unsigned int nr)
{
	int err = 0;

	rwsem_lock_read(&as->lock);
	for (unsigned int i = 0; i < nr && !err; i++, addr += PAGE_SIZE) {
		struct region *r = aspace_find(as, addr);

		if (r)
			vec[i] = is_resident(r, addr);
		else
			err = -ENOMEM;
	}
	rwsem_unlock_read(&as->lock);
	return err;
}

long sys_mincore(uaddr_t addr, size_t len, uaddr_t vec)
{
	struct aspace *as = current_thread()->aspace;
	uint64_t start = addr.v, pages = (len >> PAGE_SHIFT) + ((len & ~PAGE_MASK) != 0);
	uint8_t buf[256];

	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (!range_within(start, len, USER_TOP))
		return -ENOMEM;
	if (!user_range_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		unsigned int n = (unsigned int)min(pages, (uint64_t)sizeof(buf));

		if (mincore_some(as, start, buf, n))
			return -ENOMEM;
		if (copy_to_user(vec, buf, n))
			return -EFAULT;
		vec = uaddr_add(vec, n);
		start += (uint64_t)n << PAGE_SHIFT;
		pages -= n;
	}
	return 0;
}

/* mlock. */

static int lock_range(struct aspace *as, uint64_t start, uint64_t end, bool lock)
{
	while (start < end) {
		struct region *r = aspace_find(as, start);
		uint64_t next;
		uint32_t flags;
		int err;

		if (!r)
			return -ENOMEM;
		next = min(r->end, end);
		flags = lock ? r->flags | REGION_LOCKED : r->flags & ~(uint32_t)REGION_LOCKED;
		err = change_flags(r, start, next, flags);
		if (err)
			return err;
		start = next;
	}
	return 0;
}

static int may_lock_more(struct aspace *as, uint64_t pages)
{
	uint64_t limit = process_rlimit(current_process(), RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (!limit)
		return -EPERM;
	return as->locked_pages + pages > limit ? -ENOMEM : 0;
}

static long lock_pages(uaddr_t addr, size_t len, bool lock, bool populate)
{
	struct aspace *as = current_thread()->aspace;
	uint64_t start = align_down(addr.v, PAGE_SIZE), end;
	int err = 0;

	if (check_add_overflow(addr.v, (uint64_t)len, &end) || check_align_up(&end, PAGE_SIZE))
		return -EINVAL;
	if (start == end || !len)
		return 0;
	rwsem_lock_write(&as->lock);
	if (lock)
		err = may_lock_more(as, (end - start) >> PAGE_SHIFT);
	if (!err)
		err = lock_range(as, start, end, lock);
	rwsem_unlock_write(&as->lock);
	if (!err && populate) {
		err = aspace_populate(as, start, end, true);
		if (err == -EFAULT || err == -EIO)
			err = -ENOMEM;
	}
	return err;
}

long sys_mlock(uaddr_t addr, size_t len)
{
	return lock_pages(addr, len, true, true);
}

long sys_mlock2(uaddr_t addr, size_t len, unsigned int flags)
{
	if (flags & ~(unsigned int)MLOCK_ONFAULT)
		return -EINVAL;
	return lock_pages(addr, len, true, !(flags & MLOCK_ONFAULT));
}

long sys_munlock(uaddr_t addr, size_t len)
{
	return lock_pages(addr, len, false, false);
}

static int lock_all(struct aspace *as, bool lock)
{
	struct region *r;
	int err;

	for (uint64_t at = 0; (r = aspace_find_next(as, at)); ) {
		at = r->end;
		if (r->flags & (REGION_DEVICE | REGION_VDSO))
			continue;
		err = change_flags(r, r->start, r->end, lock ? r->flags | REGION_LOCKED :
				   r->flags & ~(uint32_t)REGION_LOCKED);
		if (err)
			return err;
	}
	return 0;
}

static void populate_all(struct aspace *as)
{
	struct region *r;

	for (uint64_t at = 0; ; ) {
		uint64_t start = 0, end = 0;

		rwsem_lock_read(&as->lock);
		r = aspace_find_next(as, at);
		if (r && r->prot && !(r->flags & (REGION_DEVICE | REGION_VDSO)))
			start = r->start;
		if (r)
			end = r->end;
		rwsem_unlock_read(&as->lock);
		if (!r)
			return;
		if (start && aspace_populate(as, start, end, true) == -EINTR)
			return;
		at = end;
	}
}

long sys_mlockall(unsigned int flags)
{
	struct aspace *as = current_thread()->aspace;
	int err = 0;

	if (!flags || flags & ~(unsigned int)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	rwsem_lock_write(&as->lock);
	if (flags & MCL_CURRENT)
		err = may_lock_more(as, as->total_pages - as->locked_pages);
	if (!err)
		as->def_flags = flags & MCL_FUTURE ? REGION_LOCKED : 0;
	if (!err && flags & MCL_CURRENT)
		err = lock_all(as, true);
	rwsem_unlock_write(&as->lock);
	if (!err && flags & MCL_CURRENT && !(flags & MCL_ONFAULT))
		populate_all(as);
	return err;
}

long sys_munlockall(void)
{
	struct aspace *as = current_thread()->aspace;
	int err;

	rwsem_lock_write(&as->lock);
	as->def_flags = 0;
	err = lock_all(as, false);
	rwsem_unlock_write(&as->lock);
	return err;
}
