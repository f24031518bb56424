/* SPDX-License-Identifier: MIT */
/*
 * mremap: shrink, grow in place, or move entries to another place.
 */
#include <kernel/process.h>
#include <lib/err.h>
#include <mm/uaccess.h>
#include <uapi/resource.h>
#include <generated/syscall_protos.h>
#include "internal.h"

struct remap {
	struct aspace *as;
	struct region *r;		/* holds [old, old + old_len) */
	uint64_t old, old_len, new_len, new_addr;
	uint32_t flags;
};

/* The region of the old range, checked as Linux does. */
static int find_source(struct remap *m)
{
	struct region *r = aspace_find(m->as, m->old);

	if (!r)
		return -EFAULT;
	m->r = r;
	if (!m->old_len && region_is_private(r))
		return -EINVAL;
	if (m->flags & MREMAP_DONTUNMAP && r->flags & REGION_DEVICE)
		return -EINVAL;
	if (m->old_len > r->end - m->old)
		return -EFAULT;
	if (r->flags & (REGION_DEVICE | REGION_VDSO) && m->new_len > m->old_len)
		return -EFAULT;
	if (m->new_len <= m->old_len)
		return 0;
	if (r->object && r->object_offset + (m->old - r->start) + m->new_len < m->new_len)
		return -EINVAL;
	if (r->flags & REGION_LOCKED &&
	    m->as->locked_pages + ((m->new_len - m->old_len) >> PAGE_SHIFT) >
	    process_rlimit(current_process(), RLIMIT_MEMLOCK) >> PAGE_SHIFT)
		return -EAGAIN;
	return may_map(m->as, (m->new_len - m->old_len) >> PAGE_SHIFT, r->prot, r->flags);
}

/* A region like the source's part for the new place, without entries. */
static struct region *make_target(struct remap *m)
{
	struct region *to = region_copy(m->as, m->r);

	if (!to)
		return NULL;
	to->object_offset += m->old - m->r->start;
	to->start = m->new_addr;
	to->end = m->new_addr + m->new_len;
	region_insert(m->as, to);
	return to;
}

static int64_t move(struct remap *m)
{
	uint64_t len = min(m->old_len, m->new_len);
	struct region *to = make_target(m);

	if (!to)
		return -ENOMEM;
	/* A duplicate (old_len 0) shows the object anew and moves nothing. */
	if (len && region_move_entries(m->r, m->old, to, m->new_addr, len)) {
		/* Back again: the tables of the old place still exist. */
		ENSURE(!region_move_entries(to, m->new_addr, m->r, m->old, len));
		region_remove(m->as, to);
		region_zap(to, to->start, to->end, ZAP_FREE_TABLES);
		region_free(to);
		return -ENOMEM;
	}
	if (m->old_len && !(m->flags & MREMAP_DONTUNMAP) &&
	    munmap_locked(m->as, m->old, m->old + m->old_len))
		return -ENOMEM;
	region_merge(to);
	return (int64_t)m->new_addr;
}

/* Room for the growth right behind the region? */
static bool can_grow_here(const struct remap *m)
{
	uint64_t end = m->old + m->old_len, more = m->new_len - m->old_len;
	struct region *next = region_next(m->r);

	if (m->r->end != end || !m->old_len || !range_within(end, more, USER_TOP))
		return false;
	return !next || next->start - min(next->span.guard, next->start) >= end + more;
}

static int64_t remap_fixed(struct remap *m)
{
	int err;

	if (m->new_addr & ~PAGE_MASK || !range_within(m->new_addr, m->new_len, USER_TOP) ||
	    range_overlaps(m->old, max(m->old_len, PAGE_SIZE), m->new_addr, m->new_len))
		return -EINVAL;
	if (m->new_addr < MMAP_MIN_ADDR)
		return -EPERM;
	err = find_source(m);
	if (err)
		return err;
	err = munmap_locked(m->as, m->new_addr, m->new_addr + m->new_len);
	if (err)
		return err;
	/* The tree changed: neighbours of the source may have been cut, the source was not. */
	if (m->new_len < m->old_len) {
		err = munmap_locked(m->as, m->old + m->new_len, m->old + m->old_len);
		if (err)
			return err;
		m->old_len = m->new_len;
	}
	m->r = aspace_find(m->as, m->old);
	return m->r ? move(m) : -EFAULT;
}

static int64_t remap_locked(struct remap *m)
{
	int err;

	if (m->flags & MREMAP_FIXED)
		return remap_fixed(m);
	err = find_source(m);
	if (err)
		return err;
	if (m->flags & MREMAP_DONTUNMAP)
		goto elsewhere;
	if (m->new_len <= m->old_len && m->old_len) {
		err = m->new_len < m->old_len ?
		      munmap_locked(m->as, m->old + m->new_len, m->old + m->old_len) : 0;
		return err ? err : (int64_t)m->old;
	}
	if (can_grow_here(m)) {
		region_resize(m->r, m->r->start, m->old + m->new_len);
		region_merge(m->r);
		return (int64_t)m->old;
	}
	if (!(m->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
elsewhere:
	m->new_addr = place_find(m->as, m->new_addr, m->new_len, 0);
	return m->new_addr ? move(m) : -ENOMEM;
}

long sys_mremap(uaddr_t addr, size_t old_len, size_t new_len, unsigned int flags, uaddr_t new_addr)
{
	struct remap m = { .as = current_thread()->aspace, .old = addr.v, .flags = flags,
			   .old_len = align_up((uint64_t)old_len, PAGE_SIZE),
			   .new_len = align_up((uint64_t)new_len, PAGE_SIZE) };
	struct region *r;
	int64_t ret;
	bool populate;

	if (flags & ~(unsigned int)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
	    m.old & ~PAGE_MASK || !m.new_len)
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (flags & MREMAP_DONTUNMAP && m.old_len != m.new_len)
		return -EINVAL;
	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		m.new_addr = new_addr.v;
	rwsem_lock_write(&m.as->lock);
	ret = remap_locked(&m);
	r = ret >= 0 ? aspace_find(m.as, (uint64_t)ret) : NULL;
	populate = r && r->flags & REGION_LOCKED && m.new_len > m.old_len;
	rwsem_unlock_write(&m.as->lock);
	if (populate)
		(void)!aspace_populate(m.as, (uint64_t)ret + m.old_len, (uint64_t)ret + m.new_len,
				       true);
	return ret;
}
