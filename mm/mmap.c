/* SPDX-License-Identifier: MIT */
/*
 * Changing what is mapped where: mmap, munmap, mprotect, brk.  Arguments are checked first, then
 * the tree changes; what can fail in between (a split) leaves the address space valid.
 */
#include <kernel/file.h>
#include <kernel/process.h>
#include <lib/err.h>
#include <mm/uaccess.h>
#include <uapi/personality.h>
#include <uapi/resource.h>
#include <generated/syscall_protos.h>
#include "internal.h"

#ifdef PROT_BTI
#define PROT_OF_PORT	(PROT_BTI)
#else
#define PROT_OF_PORT	0
#endif
#ifdef MAP_32BIT
#define MAP_LOW		MAP_32BIT
#else
#define MAP_LOW		0
#endif
#define PROT_MASK	(PROT_READ | PROT_WRITE | PROT_EXEC)
#define PROT_KNOWN	(PROT_MASK | PROT_SEM | PROT_GROWSDOWN | PROT_GROWSUP | PROT_OF_PORT)

/* What MAP_SHARED_VALIDATE accepts. */
#define MAP_KNOWN	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_DENYWRITE |	\
			 MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | \
			 MAP_NONBLOCK | \
			 MAP_STACK | MAP_HUGETLB | MAP_FIXED_NOREPLACE | MAP_UNINITIALIZED | \
			 MAP_LOW)

/* Limits. */

int may_map(struct aspace *as, uint64_t pages, uint32_t prot, uint32_t region_flags)
{
	struct process *p = current_process();
	bool is_data = prot & PROT_WRITE && !(region_flags & (REGION_SHARED | REGION_GROWS_DOWN));
	struct page_stats s;

	if (as->total_pages + pages > process_rlimit(p, RLIMIT_AS) >> PAGE_SHIFT)
		return -ENOMEM;
	if (!is_data)
		return 0;
	if (as->data_pages + pages > process_rlimit(p, RLIMIT_DATA) >> PAGE_SHIFT)
		return -ENOMEM;
	/* Overcommit by heuristics: only what could never be had is refused. */
	if (pages < 1024 || region_flags & REGION_NO_RESERVE)
		return 0;
	page_stats(&s);
	return pages > s.total ? -ENOMEM : 0;
}

static int may_lock(struct aspace *as, uint64_t pages)
{
	uint64_t limit = process_rlimit(current_process(), RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (!limit)
		return -EPERM;
	return as->locked_pages + pages > limit ? -EAGAIN : 0;
}

/* Places. */

static bool range_is_free(struct aspace *as, uint64_t start, uint64_t len)
{
	struct region *r = aspace_find_next(as, start);

	return !r || r->start - min(r->span.guard, r->start) >= start + len;
}

uint64_t place_find(struct aspace *as, uint64_t hint, uint64_t len, uint32_t map_flags)
{
	uint64_t at;

	hint = align_down(hint, PAGE_SIZE);
	if (hint >= MMAP_MIN_ADDR && range_within(hint, len, USER_TOP) &&
	    range_is_free(as, hint, len))
		return hint;
	if (map_flags & MAP_LOW)
		return span_place_low(&as->regions, len, 1UL << 30, 1UL << 31);
	at = span_place_high(&as->regions, len, MMAP_MIN_ADDR, as->mmap_base);
	return at ? at : span_place_low(&as->regions, len, as->mmap_base, USER_TOP);
}

/* Unmapping. */

/* Take [start, end) off @r, which overlaps it.  What is left of @r stays. */
static int unmap_part(struct aspace *as, struct region *r, uint64_t start, uint64_t end)
{
	if (r->start < start && r->end > end && IS_ERR(region_split(r, end)))
		return -ENOMEM;
	if (r->start >= start && r->end <= end) {
		/*
		 * Entries first: as long as there are some, writeback must find them through the
		 * object.
		 */
		region_zap(r, r->start, r->end, ZAP_FREE_TABLES);
		region_remove(as, r);
		region_free(r);
	} else if (r->start < start) {
		region_zap(r, start, r->end, ZAP_FREE_TABLES);
		region_resize(r, r->start, start);
	} else {
		region_zap(r, r->start, end, ZAP_FREE_TABLES);
		region_resize(r, end, r->end);
	}
	return 0;
}

int munmap_locked(struct aspace *as, uint64_t start, uint64_t end)
{
	struct region *r = aspace_find_next(as, start), *next;

	for (; r && r->start < end; r = next) {
		bool is_last = r->end >= end;
		int err;

		next = is_last ? NULL : region_next(r);
		err = unmap_part(as, r, start, end);
		if (err)
			return err;
	}
	return 0;
}

int aspace_munmap(struct aspace *as, uint64_t addr, uint64_t len)
{
	int err;

	if (addr & ~PAGE_MASK || !len || len > USER_TOP || addr > USER_TOP - len)
		return -EINVAL;
	len = align_up(len, PAGE_SIZE);
	rwsem_lock_write(&as->lock);
	err = munmap_locked(as, addr, addr + len);
	rwsem_unlock_write(&as->lock);
	return err;
}

/* Mapping. */

/* Checks of the file behind a mapping, and what mprotect may give later. */
static int check_file(const struct mmap_args *a, uint32_t *max_prot)
{
	bool is_shared = a->flags & MAP_SHARED;
	const struct file *f = a->file;

	if (f->mode & FMODE_PATH)
		return -EBADF;
	if (!(f->mode & FMODE_READ) ||
	    (is_shared && a->prot & PROT_WRITE && !(f->mode & FMODE_WRITE)))
		return -EACCES;
	if (!f->ops->mmap)
		return -ENODEV;
	if (!file_may_map_exec(f)) {
		if (a->prot & PROT_EXEC)
			return -EPERM;
		*max_prot &= ~(uint32_t)PROT_EXEC;
	}
	if (is_shared && !(f->mode & FMODE_WRITE))
		*max_prot &= ~(uint32_t)PROT_WRITE;
	return 0;
}

static int check_args(const struct mmap_args *a, uint64_t *len, uint32_t *max_prot)
{
	uint32_t type = a->flags & MAP_TYPE;

	if (!a->len || a->offset & ~PAGE_MASK)
		return -EINVAL;
	*len = align_up(a->len, PAGE_SIZE);
	if (!*len || *len > USER_TOP)
		return -ENOMEM;
	if (a->offset + *len < a->offset)
		return -EOVERFLOW;
	if (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && a->flags & ~(uint32_t)MAP_KNOWN)
		return -EOPNOTSUPP;
	if (a->flags & MAP_HUGETLB)
		return a->file ? -EINVAL : -ENOMEM;
	if (a->flags & MAP_GROWSDOWN && (a->file || type != MAP_PRIVATE))
		return -EINVAL;
	*max_prot = PROT_MASK;
	return a->file ? check_file(a, max_prot) : 0;
}

/* Where the mapping goes: an address or -errno.  as->lock held for writing. */
static int64_t choose_address(struct aspace *as, const struct mmap_args *a, uint64_t len)
{
	uint64_t at = a->addr;

	if (a->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (at & ~PAGE_MASK)
			return -EINVAL;
		if (!range_within(at, len, USER_TOP))
			return -ENOMEM;
		if (at < MMAP_MIN_ADDR)
			return -EPERM;
		if (a->flags & MAP_FIXED_NOREPLACE) {
			struct region *r = aspace_find_next(as, at);

			if (r && r->start < at + len)
				return -EEXIST;
		}
		return (int64_t)at;
	}
	at = place_find(as, at, len, a->flags);
	return at ? (int64_t)at : -ENOMEM;
}

static uint32_t region_flags_of(const struct aspace *as, const struct mmap_args *a)
{
	uint32_t flags = a->region_flags | as->def_flags;

	if (a->flags & MAP_SHARED)
		flags |= REGION_SHARED;
	if (a->flags & MAP_GROWSDOWN)
		flags |= REGION_GROWS_DOWN;
	if (a->flags & MAP_LOCKED)
		flags |= REGION_LOCKED;
	if (a->flags & MAP_NORESERVE)
		flags |= REGION_NO_RESERVE;
	return flags;
}

static bool is_plain(const struct region *r, uint32_t prot, uint32_t flags)
{
	return !r->object && !r->file && !r->name && r->prot == prot && r->flags == flags &&
	       r->max_prot == PROT_MASK;
}

/* Private anonymous memory beside its like only moves a bound: no region is made. */
static bool extend_neighbour(struct aspace *as, uint64_t at, uint64_t len, uint32_t prot,
			     uint32_t flags)
{
	struct region *next, *prev;

	if (flags & REGION_GROWS_DOWN)
		return false;
	next = aspace_find_next(as, at);
	prev = next ? region_prev(next) : region_of(span_of(rb_last(&as->regions)));
	if (prev && prev->end == at && is_plain(prev, prot, flags)) {
		region_resize(prev, prev->start, at + len);
		region_merge(prev);
		return true;
	}
	if (next && next->start == at + len && is_plain(next, prot, flags)) {
		region_resize(next, at, next->end);
		return true;
	}
	return false;
}

/* Give the new @r what it shows. */
static int attach_object(struct region *r, const struct mmap_args *a)
{
	r->object_offset = a->offset;
	r->name = a->name;
	if (a->file) {
		r->file = a->file;
		file_ref(a->file);
		return a->file->ops->mmap(a->file, r);
	}
	if (a->object) {
		memobj_ref(a->object);
		r->object = a->object;
	} else if (a->flags & MAP_SHARED) {
		struct memobj *o = memobj_create_anonymous(r->end - r->start);

		if (IS_ERR(o))
			return (int)PTR_ERR(o);
		r->object = o;
		r->object_offset = 0;
	}
	return 0;
}

static int map_new(struct aspace *as, const struct mmap_args *a, uint64_t at, uint64_t len,
		   uint32_t max_prot)
{
	struct region *r = region_alloc(as, at, at + len);
	int err;

	if (!r)
		return -ENOMEM;
	r->prot = a->prot & PROT_MASK;
	r->max_prot = max_prot;
	r->flags = region_flags_of(as, a);
	err = attach_object(r, a);
	if (err) {
		region_free(r);
		return err;
	}
	region_insert(as, r);
	/* Sealed after the file looked and before the object knew of the mapping? */
	if (r->object && r->object->flags & MEMOBJ_NO_WRITE && r->flags & REGION_SHARED) {
		if (r->prot & PROT_WRITE) {
			region_remove(as, r);
			region_free(r);
			return -EPERM;
		}
		r->max_prot &= ~(uint32_t)PROT_WRITE;
	}
	if (r->object && !r->name)
		region_merge(r);
	return 0;
}

static int64_t mmap_locked(struct aspace *as, const struct mmap_args *a, uint64_t len,
			   uint32_t max_prot)
{
	uint32_t flags = region_flags_of(as, a), prot = a->prot & PROT_MASK;
	int64_t at = choose_address(as, a, len);
	bool is_plain_anon = !a->file && !a->object && !a->name && !(a->flags & MAP_SHARED);
	int err = 0;

	if (at < 0)
		return at;
	err = may_map(as, len >> PAGE_SHIFT, prot, flags);
	if (!err && flags & REGION_LOCKED)
		err = may_lock(as, len >> PAGE_SHIFT);
	if (!err && a->flags & MAP_FIXED)
		err = munmap_locked(as, (uint64_t)at, (uint64_t)at + len);
	if (err)
		return err;
	if (is_plain_anon && extend_neighbour(as, (uint64_t)at, len, prot, flags))
		return at;
	err = map_new(as, a, (uint64_t)at, len, max_prot);
	return err ? err : at;
}

int64_t aspace_mmap(struct aspace *as, const struct mmap_args *a)
{
	uint32_t max_prot;
	uint64_t len;
	int64_t at;
	bool populate;
	int err = check_args(a, &len, &max_prot);

	if (err)
		return err;
	rwsem_lock_write(&as->lock);
	at = mmap_locked(as, a, len, max_prot);
	populate = a->flags & MAP_LOCKED || as->def_flags & REGION_LOCKED ||
		   (a->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	rwsem_unlock_write(&as->lock);
	/* As on Linux, not being able to populate does not undo the mapping. */
	if (at >= 0 && populate && a->prot & PROT_MASK)
		(void)!aspace_populate(as, (uint64_t)at, (uint64_t)at + len, a->prot & PROT_WRITE);
	return at;
}

long sys_mmap(uaddr_t addr, size_t len, unsigned int prot, unsigned int flags, int fd, int64_t off)
{
	struct mmap_args a = { .addr = addr.v, .len = len, .prot = prot, .flags = flags,
			       .offset = (uint64_t)off };
	struct fd_ref f = { 0 };
	int64_t ret;

	if (flags & MAP_ANONYMOUS) {
		a.offset = 0;
		if (off & (int64_t)~PAGE_MASK)
			return -EINVAL;
	} else {
		f = fd_get(fd);
		if (!f.file)
			return -EBADF;
		a.file = f.file;
	}
	if (current_process()->personality & READ_IMPLIES_EXEC && prot & PROT_READ &&
	    (!a.file || file_may_map_exec(a.file)))
		a.prot |= PROT_EXEC;
	ret = aspace_mmap(current_thread()->aspace, &a);
	if (f.file)
		fd_put(f);
	return ret;
}

long sys_munmap(uaddr_t addr, size_t len)
{
	return aspace_munmap(current_thread()->aspace, addr.v, len);
}

/* Protection. */

static int protect_region(struct region *r, uint64_t start, uint64_t end, uint32_t prot)
{
	struct aspace *as = r->aspace;
	uint32_t old = r->prot;
	int err;

	if (prot & ~r->max_prot)
		return -EACCES;
	if (prot == old)
		return 0;
	if (prot & PROT_WRITE && !(old & PROT_WRITE)) {
		err = may_map(as, 0, prot, r->flags);
		if (err)
			return err;
	}
	if (r->start < start) {
		r = region_split(r, start);
		if (IS_ERR(r))
			return -ENOMEM;
	}
	if (r->end > end && IS_ERR(region_split(r, end)))
		return -ENOMEM;
	region_change(r, prot, r->flags);
	region_protect(r, r->start, r->end);
	region_merge(r);
	return 0;
}

static int mprotect_locked(struct aspace *as, uint64_t start, uint64_t end, uint32_t prot)
{
	struct region *r = aspace_find(as, start);

	if (!r)
		return -ENOMEM;
	if (prot & PROT_GROWSDOWN) {
		if (!(r->flags & REGION_GROWS_DOWN))
			return -EINVAL;
		start = r->start;
	} else if (prot & PROT_GROWSUP) {
		return -EINVAL;
	}
	while (start < end) {
		uint64_t next;
		int err;

		r = aspace_find(as, start);
		if (!r)
			return -ENOMEM;
		next = min(r->end, end);
		err = protect_region(r, start, end, prot & PROT_MASK);
		if (err)
			return err;
		start = next;
	}
	return 0;
}

long sys_mprotect(uaddr_t addr, size_t len, unsigned int prot)
{
	struct aspace *as = current_thread()->aspace;
	uint64_t start = addr.v, end;
	int err;

	if (start & ~PAGE_MASK || prot & ~(unsigned int)PROT_KNOWN ||
	    (prot & PROT_GROWSDOWN && prot & PROT_GROWSUP))
		return -EINVAL;
	if (!len)
		return 0;
	if (check_add_overflow(start, align_up((uint64_t)len, PAGE_SIZE), &end) || end <= start)
		return -ENOMEM;
	if (current_process()->personality & READ_IMPLIES_EXEC && prot & PROT_READ)
		prot |= PROT_EXEC;
	rwsem_lock_write(&as->lock);
	err = mprotect_locked(as, start, end, prot);
	rwsem_unlock_write(&as->lock);
	return err;
}

long sys_pkey_mprotect(uaddr_t addr, size_t len, unsigned int prot, int pkey)
{
	return pkey == -1 ? sys_mprotect(addr, len, prot) : -EINVAL;
}

/* The heap. */

static int brk_grow(struct aspace *as, uint64_t from, uint64_t to)
{
	const uint32_t prot = PROT_READ | PROT_WRITE, flags = REGION_HEAP | as->def_flags;
	struct region *r = aspace_find(as, from - 1);
	int err;

	if (!range_within(from, to - from, USER_TOP) || !range_is_free(as, from, to - from))
		return -ENOMEM;
	err = may_map(as, (to - from) >> PAGE_SHIFT, prot, flags);
	if (!err && flags & REGION_LOCKED)
		err = may_lock(as, (to - from) >> PAGE_SHIFT);
	if (err)
		return err;
	if (r && r->flags == flags && r->prot == prot && r->end == from && from > as->brk_start) {
		region_resize(r, r->start, to);
		return 0;
	}
	r = region_alloc(as, from, to);
	if (!r)
		return -ENOMEM;
	r->prot = prot;
	r->max_prot = PROT_MASK;
	r->flags = flags;
	region_insert(as, r);
	return 0;
}

long sys_brk(uaddr_t addr)
{
	struct aspace *as = current_thread()->aspace;
	uint64_t old_end, new_end, ret, limit = process_rlimit(current_process(), RLIMIT_DATA);
	bool populate = false;

	rwsem_lock_write(&as->lock);
	ret = as->brk;
	if (addr.v < as->brk_start || addr.v >= USER_TOP || addr.v - as->brk_start > limit)
		goto out;
	old_end = align_up(as->brk, PAGE_SIZE);
	new_end = align_up(addr.v, PAGE_SIZE);
	if (new_end < old_end ? munmap_locked(as, new_end, old_end) :
	    new_end > old_end ? brk_grow(as, old_end, new_end) : 0)
		goto out;
	populate = new_end > old_end && as->def_flags & REGION_LOCKED;
	ret = as->brk = addr.v;
out:
	rwsem_unlock_write(&as->lock);
	if (populate)
		(void)!aspace_populate(as, old_end, new_end, true);
	return (long)ret;
}
