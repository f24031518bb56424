/* SPDX-License-Identifier: MIT */
/*
 * Page faults.
 *
 * The problem: an access that has no entry, or one that forbids it, is either served (and the
 * instruction is run again) or answered with a signal or EFAULT.  It must be cheap, run on many
 * CPUs at once, and never install what truncation, munmap or fork has just taken away.
 *
 * F1 as->lock is held for reading: regions stand still; the walk to the slot needs no other lock
 *    (table.c T2);
 * F2 every entry is decided and stored under pt_lock, after looking at the slot again; whoever
 *    loses the race gives back what it prepared and lets the instruction run again;
 * F3 an entry with PTE_SOFT_PAGE holds one reference to its page; an anonymous page lives in such
 *    entries alone, so a count of one under pt_lock means that this entry is the only owner
 *    and may be made writable;
 * F4 the page of zeros is mapped read-only with PTE_SOFT_COW and without PTE_SOFT_PAGE: it is not
 *    counted;
 * F5 a clean page of a shared file is mapped read-only; the write fault reserves space, marks it
 *    dirty, then opens it (writeback closes it again);
 * F6 a page-cache page is installed only while page->cache.object is the region's object and the
 *    object still reaches so far (memobj.c);
 * F7 an entry never changes from one valid page to another directly: it is cleared and flushed
 *    between (arm64 requires it; costs one store elsewhere).
 *
 * Fast paths: anonymous writes fill a run that doubles while the touches are sequential, up to 16
 * pages, so that no more than half of what is resident is unasked for; reads of files map up to 16
 * pages that the cache has, with one lookup.
 *
 * Not taken: huge pages (the buddy allocator could, but the accounting of memory per process gets
 * coarse); per-table locks (address spaces are many, their threads few).
 */
#include <arch/cache.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <uapi/resource.h>
#include "internal.h"

static inline uint64_t page_of(uint64_t addr)
{
	return align_down(addr, PAGE_SIZE);
}

/* How many pages from @addr on are in @r and in one leaf table, at most @max. */
static inline unsigned int room(const struct region *r, uint64_t addr, unsigned int max)
{
	uint64_t n = min((r->end - addr) >> PAGE_SHIFT, (uint64_t)(PT_ENTRIES - pt_index(addr, 0)));

	return (unsigned int)min(n, (uint64_t)max);
}

/*
 * Entries in a row right below @slot that are there already: how sequential the touches are.  Looks
 * without pt_lock; it is only a guess.
 */
static inline unsigned int run_below(const struct region *r, const pte_t *slot, uint64_t addr)
{
	unsigned int max = min(pt_index(addr, 0), FAULT_AROUND - 1), n = 0;

	max = (unsigned int)min((uint64_t)max, (addr - r->start) >> PAGE_SHIFT);
	while (n < max && !pte_is_none(pte_load(slot - n - 1)))
		n++;
	return n;
}

static int anon_write(struct region *r, pte_t *slot, uint64_t addr)
{
	struct aspace *as = r->aspace;
	struct page *pages[FAULT_AROUND];
	unsigned int want = room(r, addr, run_below(r, slot, addr) + 1), got, used = 0;
	unsigned int prot = region_pte_prot(r);

	got = page_alloc_batch(pages, want, ALLOC_USER);
	if (!got)
		return -ENOMEM;
	for (unsigned int i = 0; i < got; i++) {
		arch_clear_page(page_to_virt(pages[i]));
		if (prot & PTE_EXEC)
			page_make_fetchable(pages[i]);
		pages[i]->kind = PAGE_ANON;
	}
	page_stat_add(PAGE_ANON, got);
	spin_lock(&as->pt_lock);
	while (used < got && pte_is_none(pte_load(&slot[used]))) {
		pte_t e = user_leaf(page_to_phys(pages[used]), prot, MEM_NORMAL);

		pte_store(&slot[used++], pte_with_soft(e, PTE_SOFT_PAGE));
	}
	if (used)
		pt_live_add_locked(as, slot, used);
	as->rss_anon += used;
	spin_unlock(&as->pt_lock);
	arch_pt_sync();
	if (unlikely(used < got))
		page_put_batch(pages + used, got - used);
	return 0;
}

static int anon_read(struct region *r, pte_t *slot)
{
	struct aspace *as = r->aspace;
	pte_t e = user_leaf(page_to_phys(zero_page), region_pte_prot(r) & ~(unsigned int)PTE_WRITE,
			    MEM_NORMAL);

	spin_lock(&as->pt_lock);
	if (pte_is_none(pte_load(slot))) {
		pte_store(slot, pte_with_soft(e, PTE_SOFT_COW));
		pt_live_add_locked(as, slot, 1);
	}
	spin_unlock(&as->pt_lock);
	arch_pt_sync();
	return 0;
}

/* Entries for pages that have none: the region's object is a device's memory. */
static int device_map(struct region *r, pte_t *slot, uint64_t addr)
{
	struct aspace *as = r->aspace;
	enum mem_type type = MEM_NORMAL;
	paddr_t pa = r->object->ops->device_page(r->object, region_index(r, addr), &type);

	if (!pa.v)
		return -EIO;
	spin_lock(&as->pt_lock);
	if (pte_is_none(pte_load(slot))) {
		pte_store(slot, user_leaf(pa, region_pte_prot(r), type));
		pt_live_add_locked(as, slot, 1);
	}
	spin_unlock(&as->pt_lock);
	arch_pt_sync();
	return 0;
}

/* The entry of a page-cache page of @r. */
static inline pte_t cache_entry(const struct region *r, const struct page *p, unsigned int prot)
{
	bool can_write = !region_is_private(r) &&
			 (r->object->flags & MEMOBJ_SHMEM ||
			  (p->flags & PAGE_DIRTY && !(r->object->flags & MEMOBJ_PART_DIRTY)));

	if (!can_write)
		prot &= ~(unsigned int)PTE_WRITE;
	return pte_with_soft(user_leaf(page_to_phys(p), prot, MEM_NORMAL), PTE_SOFT_PAGE);
}

/* Is @addr of @r beyond the object's last page? */
static inline bool beyond_end(const struct region *r, uint64_t index)
{
	return index >= (READ_ONCE(r->object->size) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Up to @nr pages of the object for @addr on, references taken; their number or -errno. */
static int cache_pages(struct region *r, uint64_t index, unsigned int nr, struct page **pages)
{
	struct memobj *o = r->object;
	unsigned int got;

	if (beyond_end(r, index))
		return -EIO;
	got = memobj_find_pages(o, index, nr, pages);
	if (got)
		return (int)got;
	if (o->ops->readahead && !(r->flags & REGION_RANDOM))
		o->ops->readahead(o, index, FAULT_AROUND);
	pages[0] = memobj_get_page(o, index);
	return IS_ERR(pages[0]) ? (int)PTR_ERR(pages[0]) : 1;
}

/* Map what the cache has around a read, or any access to shared memory. */
static int cache_map(struct region *r, pte_t *slot, uint64_t addr)
{
	struct aspace *as = r->aspace;
	struct page *pages[FAULT_AROUND];
	unsigned int prot = region_pte_prot(r), nr, kept = 0;
	uint64_t index = region_index(r, addr);
	int got = cache_pages(r, index, room(r, addr, FAULT_AROUND), pages);

	if (got < 0)
		return got;
	nr = (unsigned int)got;
	for (unsigned int i = 0; prot & PTE_EXEC && i < nr; i++)
		page_make_fetchable(pages[i]);
	spin_lock(&as->pt_lock);
	for (unsigned int i = 0; i < nr; i++) {
		struct page *p = pages[i];

		/* F6; beyond the first, pages whose slot is taken are simply not needed. */
		if (!pte_is_none(pte_load(&slot[i])) || READ_ONCE(p->cache.object) != r->object ||
		    beyond_end(r, index + i)) {
			pages[kept++] = p;
			continue;
		}
		pte_store(&slot[i], cache_entry(r, p, prot));
	}
	if (kept < nr)
		pt_live_add_locked(as, slot, nr - kept);
	*(r->object->flags & MEMOBJ_SHMEM ? &as->rss_shmem : &as->rss_file) += nr - kept;
	spin_unlock(&as->pt_lock);
	arch_pt_sync();
	page_put_batch(pages, kept);
	return 0;
}

/* First write to a private file page: a copy goes in at once. */
static int cache_copy(struct region *r, pte_t *slot, uint64_t addr)
{
	struct aspace *as = r->aspace;
	struct page *from, *copy;
	int got = cache_pages(r, region_index(r, addr), 1, &from);
	bool done = false;

	if (got < 0)
		return got;
	copy = page_alloc(0, ALLOC_USER);
	if (!copy) {
		page_put(from);
		return -ENOMEM;
	}
	arch_copy_page(page_to_virt(copy), page_to_virt(from));
	if (region_pte_prot(r) & PTE_EXEC)
		page_make_fetchable(copy);
	copy->kind = PAGE_ANON;
	page_stat_add(PAGE_ANON, 1);
	spin_lock(&as->pt_lock);
	if (pte_is_none(pte_load(slot)) && READ_ONCE(from->cache.object) == r->object &&
	    !beyond_end(r, region_index(r, addr))) {
		pte_t e = user_leaf(page_to_phys(copy), region_pte_prot(r), MEM_NORMAL);

		r->has_copies = true;
		pte_store(slot, pte_with_soft(e, PTE_SOFT_PAGE));
		pt_live_add_locked(as, slot, 1);
		as->rss_anon++;
		done = true;
	}
	spin_unlock(&as->pt_lock);
	arch_pt_sync();
	page_put(from);
	if (!done)
		page_put(copy);
	return 0;
}

static int fault_missing(struct region *r, pte_t *slot, uint64_t addr, bool is_write)
{
	if (!r->object)
		return is_write ? anon_write(r, slot, addr) : anon_read(r, slot);
	if (r->object->ops->device_page)
		return device_map(r, slot, addr);
	if (is_write && region_is_private(r))
		return cache_copy(r, slot, addr);
	return cache_map(r, slot, addr);
}

/* Put @e in the place of another page's entry (F7).  pt_lock held. */
static void entry_replace_locked(struct aspace *as, pte_t *slot, uint64_t addr, pte_t e)
{
	pte_store(slot, (pte_t){ 0 });
	arch_tlb_flush(as, addr, addr + PAGE_SIZE);
	pte_store(slot, e);
}

/* Write to a private page that is not ours alone, or may not be. */
static int fault_copy(struct region *r, pte_t *slot, uint64_t addr, pte_t old)
{
	struct aspace *as = r->aspace;
	struct page *shared = pte_soft(old) & PTE_SOFT_PAGE ? pte_page(old) : NULL, *copy;
	unsigned int prot = region_pte_prot(r);
	bool was_anon = shared && shared->kind == PAGE_ANON;
	pte_t e;

	/*
	 * F3: the only owner keeps the page.  A count of more may be falling: then a copy is made
	 * for nothing.
	 */
	if (was_anon && refcount_read(&shared->refs) == 1) {
		spin_lock(&as->pt_lock);
		if (pte_load(slot).v == old.v && refcount_read(&shared->refs) == 1)
			pte_store(slot, pte_with_prot(old, prot));
		spin_unlock(&as->pt_lock);
		arch_tlb_flush(as, addr, addr + PAGE_SIZE);
		return 0;
	}
	copy = page_alloc(0, ALLOC_USER);
	if (!copy)
		return -ENOMEM;
	if (!shared)
		arch_clear_page(page_to_virt(copy));
	copy->kind = PAGE_ANON;
	page_stat_add(PAGE_ANON, 1);
	e = pte_with_soft(user_leaf(page_to_phys(copy), prot, MEM_NORMAL), PTE_SOFT_PAGE);
	spin_lock(&as->pt_lock);
	if (pte_load(slot).v != old.v) {
		spin_unlock(&as->pt_lock);
		page_put(copy);
		return 0;
	}
	/* The entry's reference keeps the page while the lock is held. */
	if (shared)
		arch_copy_page(page_to_virt(copy), page_to_virt(shared));
	if (prot & PTE_EXEC)
		page_make_fetchable(copy);
	r->has_copies = true;
	entry_replace_locked(as, slot, addr, e);
	if (!was_anon) {
		as->rss_anon++;
		if (shared)
			*(r->object && r->object->flags & MEMOBJ_SHMEM ? &as->rss_shmem :
			  &as->rss_file) -= 1;
	}
	spin_unlock(&as->pt_lock);
	arch_pt_sync();
	if (shared)
		page_put(shared);
	return 0;
}

/* Write to a clean page of a shared file (F5). */
static int fault_make_dirty(struct region *r, pte_t *slot, uint64_t addr, pte_t old)
{
	struct aspace *as = r->aspace;
	struct memobj *o = r->object;
	struct page *p;
	int err = 0;

	if (!(pte_soft(old) & PTE_SOFT_PAGE))
		return -EFAULT;
	spin_lock(&as->pt_lock);
	if (pte_load(slot).v != old.v) {
		spin_unlock(&as->pt_lock);
		return 0;
	}
	p = pte_page(old);
	page_ref(p);
	spin_unlock(&as->pt_lock);
	if (o->ops->make_writable &&
	    (!(p->flags & PAGE_DIRTY) || o->flags & MEMOBJ_PART_DIRTY))
		err = o->ops->make_writable(o, p);
	if (!err) {
		page_mark_dirty(p);
		spin_lock(&as->pt_lock);
		/* Writeback may have been faster: then the next store comes here again. */
		if (pte_load(slot).v == old.v &&
		    (page_has(p, PAGE_DIRTY) || o->flags & MEMOBJ_SHMEM))
			pte_store(slot, pte_with_prot(old, region_pte_prot(r)));
		spin_unlock(&as->pt_lock);
		arch_tlb_flush(as, addr, addr + PAGE_SIZE);
	}
	page_put(p);
	return err ? -EIO : 0;
}

/* The entry is there but did not admit the access, or another thread has just made it. */
static int fault_present(struct region *r, pte_t *slot, uint64_t addr, bool is_write,
			 unsigned int flags)
{
	pte_t e = pte_load(slot);

	if (pte_is_none(e))
		return 0;
	if (is_write && !(pte_prot(e) & PTE_WRITE)) {
		if (region_is_private(r)) {
			/* For ptrace the copy is made once; its entry stays read-only. */
			if (flags & FAULT_FORCE && pte_soft(e) & PTE_SOFT_PAGE &&
			    pte_page(e)->kind == PAGE_ANON &&
			    refcount_read(&pte_page(e)->refs) == 1)
				return 0;
			return fault_copy(r, slot, addr, e);
		}
		return fault_make_dirty(r, slot, addr, e);
	}
	/* Nothing is wrong with the entry: an old translation was still cached. */
	arch_tlb_flush(r->aspace, addr, addr + PAGE_SIZE);
	return 0;
}

int region_fault(struct region *r, uint64_t addr, enum fault_access access, unsigned int flags)
{
	bool is_write = access == FAULT_WRITE;
	pte_t *slot;

	if (access == FAULT_EXEC ? !(r->prot & PROT_EXEC)
				 : is_write ? !(r->prot & PROT_WRITE) && !(flags & FAULT_FORCE)
					    : !r->prot && !(flags & FAULT_FORCE))
		return -EFAULT;
	addr = page_of(addr);
	slot = pt_slot_get(r->aspace, addr);
	if (unlikely(!slot))
		return -ENOMEM;
	if (pte_is_none(pte_load(slot)))
		return fault_missing(r, slot, addr, is_write);
	return fault_present(r, slot, addr, is_write, flags);
}

/* Stacks. */

/* The stack that would have to grow to hold @addr; as->lock held. */
static struct region *stack_below(struct aspace *as, uint64_t addr)
{
	struct region *r = aspace_find_next(as, addr);

	return r && r->start > addr && r->flags & REGION_GROWS_DOWN ? r : NULL;
}

/* Grow the stack above @addr down to it.  as->lock is not held. */
static int stack_grow(struct aspace *as, uint64_t addr)
{
	uint64_t start = page_of(addr), limit = process_rlimit(current_process(), RLIMIT_STACK);
	struct region *r, *prev;
	int err = -EFAULT;

	rwsem_lock_write(&as->lock);
	r = stack_below(as, addr);
	if (!r) {
		/* Another thread has done it, or the region is gone: look again. */
		err = aspace_find(as, addr) ? 0 : -EFAULT;
		goto out;
	}
	prev = region_prev(r);
	if (r->end - start > limit || start < MMAP_MIN_ADDR)
		goto out;
	if (prev && prev->prot && !(prev->flags & REGION_GROWS_DOWN) &&
	    start - prev->end < STACK_GUARD)
		goto out;
	if (prev && start < prev->end)
		goto out;
	err = may_map(as, (r->start - start) >> PAGE_SHIFT, r->prot, r->flags);
	if (!err)
		region_resize(r, start, r->end);
out:
	rwsem_unlock_write(&as->lock);
	return err;
}

/* As aspace_fault(); @code says which SIGSEGV a failure is. */
static int fault_serve(struct aspace *as, uint64_t addr, enum fault_access access,
		       unsigned int flags, int *code)
{
	struct region *r;
	int err;

	*code = SEGV_MAPERR;
	for (unsigned int tries = 0; ; tries++) {
		rwsem_lock_read(&as->lock);
		r = aspace_find(as, addr);
		if (likely(r)) {
			*code = SEGV_ACCERR;
			err = region_fault(r, addr, access, flags);
			rwsem_unlock_read(&as->lock);
			return err;
		}
		r = stack_below(as, addr);
		rwsem_unlock_read(&as->lock);
		if (!r || tries || stack_grow(as, addr))
			return -EFAULT;
	}
}

int aspace_fault(struct aspace *as, uint64_t addr, enum fault_access access)
{
	int code;

	return addr < USER_TOP ? fault_serve(as, addr, access, 0, &code) : -EFAULT;
}

static void fault_signal(const struct fault *f, int err, int code)
{
	struct thread *t = current_thread();

	t->fault.trapno = f->trapno;
	t->fault.error = f->error;
	t->fault.address = f->address;
	if (err == -EIO || err == -ENOSPC)
		signal_force(SIGBUS, BUS_ADRERR, f->address);
	else
		signal_force(SIGSEGV, code, f->address);
}

bool page_fault_upcall(struct regs *regs, const struct fault *f)
{
	struct thread *t = current_thread();
	struct aspace *as = t->aspace;
	int err = -EFAULT, code = SEGV_MAPERR;

	if (!f->user && (unlikely(!as) || t->pagefault_disabled || in_atomic()))
		return false;
	t->min_faults++;
	if (likely(f->address < USER_TOP))
		err = fault_serve(as, f->address, f->access, 0, &code);
	if (likely(!err))
		return true;
	if (!f->user)
		return false;
	/*
	 * Out of memory: a victim is dying, maybe this one; the exit path or the next try will
	 * tell.
	 */
	if (err == -ENOMEM) {
		if (!signal_is_fatal_pending() && !oom_kill())
			signal_force(SIGKILL, SI_KERNEL, 0);
		return true;
	}
	fault_signal(f, err, code);
	return true;
}

int aspace_populate(struct aspace *as, uint64_t start, uint64_t end, bool for_write)
{
	uint64_t addr = start;
	int err = 0;

	while (addr < end && !err) {
		struct region *r;
		uint64_t stop;

		rwsem_lock_read(&as->lock);
		r = aspace_find(as, addr);
		stop = r ? min(end, r->end) : 0;
		/* One hold for at most a table's worth, so that writers get their turn. */
		stop = min(stop, addr + pt_span(1));
		if (!r)
			err = -ENOMEM;
		for (; !err && addr < stop; addr += PAGE_SIZE) {
			bool w = for_write && region_is_private(r) && r->prot & PROT_WRITE;

			uint64_t skip;
			pte_t *slot = pt_slot_find(as, addr, &skip), e = slot ? pte_load(slot) :
				(pte_t){ 0 };

			if (!pte_is_none(e) && (!w || pte_prot(e) & PTE_WRITE))
				continue;
			err = region_fault(r, addr, w ? FAULT_WRITE : FAULT_READ, 0);
		}
		rwsem_unlock_read(&as->lock);
		if (signal_is_pending() && signal_is_fatal_pending())
			err = -EINTR;
	}
	return err;
}

/* Access from outside. */

/* The page that @addr of @r shows, with a reference, or NULL when it went away again. */
struct page *region_page_get(struct region *r, uint64_t addr)
{
	struct aspace *as = r->aspace;
	struct page *p = NULL;
	uint64_t skip;
	pte_t *slot;

	spin_lock(&as->pt_lock);
	slot = pt_slot_find(as, addr, &skip);
	if (slot && pte_soft(pte_load(slot)) & PTE_SOFT_PAGE)
		p = pte_page(pte_load(slot));
	else if (slot && pte_soft(pte_load(slot)) & PTE_SOFT_COW)
		p = zero_page;
	if (p)
		page_ref(p);
	spin_unlock(&as->pt_lock);
	return p;
}

/*
 * May the page that @e shows be written through it?  A private one if it is this entry's alone
 * (F3): the entry says so, or the count, where the region is read-only and a debugger may.
 */
static bool entry_is_writable(const struct region *r, pte_t e)
{
	const struct page *p = pte_page(e);

	if (pte_prot(e) & PTE_WRITE)
		return true;
	return region_is_private(r) && p->kind == PAGE_ANON && refcount_read(&p->refs) == 1;
}

/*
 * Copy between @buf and what the entry of @addr shows; false when it does not admit that.  All
 * under pt_lock: no reference is taken, which another one who looks at the count (F3) would take
 * for a second owner's, and the page cannot get a second owner while we write.
 */
static bool copy_through(struct region *r, uint64_t addr, void *buf, size_t len, bool write)
{
	struct aspace *as = r->aspace;
	struct page *p = NULL;
	uint64_t skip;
	pte_t *slot, e = { 0 };
	char *at;

	spin_lock(&as->pt_lock);
	slot = pt_slot_find(as, addr, &skip);
	if (slot)
		e = pte_load(slot);
	if (pte_soft(e) & PTE_SOFT_PAGE)
		p = write && !entry_is_writable(r, e) ? NULL : pte_page(e);
	else if (pte_soft(e) & PTE_SOFT_COW && !write)
		p = zero_page;
	if (p) {
		at = (char *)page_to_virt(p) + (addr & ~PAGE_MASK);
		memcpy(write ? at : buf, write ? buf : at, len);
		if (write && r->prot & PROT_EXEC)
			arch_icache_sync(at, len);
	}
	spin_unlock(&as->pt_lock);
	return p;
}

/* How often an entry may change between our fault and our look at it: reclaim, writeback. */
#define ACCESS_TRIES 16

/* The vDSO is memory of the kernel's image, without a struct page that could be held. */
static void read_vdso(const struct region *r, uint64_t addr, void *buf, size_t len)
{
	uint64_t offset = r->object_offset + (addr - r->start);
	enum mem_type type;
	paddr_t pa = r->object->ops->device_page(r->object, offset >> PAGE_SHIFT, &type);

	memcpy(buf, (const char *)phys_to_virt(pa) + (offset & ~PAGE_MASK), len);
}

/* Copy within one page; false when it cannot be reached. */
static bool access_page(struct aspace *as, uint64_t addr, void *buf, size_t len, bool write,
			bool force)
{
	enum fault_access access = write ? FAULT_WRITE : FAULT_READ;
	struct region *r;
	bool done = false;

	rwsem_lock_read(&as->lock);
	r = aspace_find(as, addr);
	/* Shared memory is never written against its protection. */
	if (r && write && !(r->prot & PROT_WRITE) && !region_is_private(r))
		r = NULL;
	if (r && !write && r->flags & REGION_VDSO) {
		read_vdso(r, addr, buf, len);
		rwsem_unlock_read(&as->lock);
		return true;
	}
	for (unsigned int tries = 0; r && !done && tries < ACCESS_TRIES; tries++) {
		if (region_fault(r, addr, access, force ? FAULT_FORCE : 0))
			break;
		done = copy_through(r, addr, buf, len, write);
	}
	rwsem_unlock_read(&as->lock);
	return done;
}

size_t aspace_access(struct aspace *as, uint64_t addr, void *buf, size_t len, bool write,
		     bool force)
{
	size_t done = 0;

	while (done < len && addr + done < USER_TOP) {
		size_t n = min(len - done, PAGE_SIZE - ((addr + done) & ~PAGE_MASK));

		if (!access_page(as, addr + done, (char *)buf + done, n, write, force))
			break;
		done += n;
	}
	return done;
}

/* The first address from @addr on below which page tables exist. */
static uint64_t skip_hole(struct aspace *as, uint64_t addr)
{
	uint64_t next = addr + PAGE_SIZE, skip;

	spin_lock(&as->pt_lock);
	if (!pt_slot_find(as, addr, &skip) && skip > addr)
		next = skip;
	spin_unlock(&as->pt_lock);
	return next;
}

bool aspace_read_page(struct aspace *as, uint64_t addr, void *buf, uint64_t *next)
{
	struct page *p = NULL;
	struct region *r;
	bool anonymous;

	rwsem_lock_read(&as->lock);
	r = aspace_find(as, addr);
	anonymous = r && !r->object;
	if (r)
		p = region_page_get(r, addr);
	*next = anonymous && !p ? skip_hole(as, addr) : addr + PAGE_SIZE;
	if (p) {
		memcpy(buf, page_to_virt(p), PAGE_SIZE);
		page_put(p);
	}
	rwsem_unlock_read(&as->lock);
	return p || (r && !anonymous && access_page(as, addr, buf, PAGE_SIZE, false, true));
}

int aspace_key(uaddr_t addr, bool shared, struct mem_key *key)
{
	struct aspace *as = current_thread()->aspace;
	struct region *r;
	int err = -EFAULT;

	if (!user_range_ok(addr, 4))
		return -EFAULT;
	*key = (struct mem_key){ .object = (uint64_t)as, .offset = addr.v };
	if (!shared)
		return 0;
	rwsem_lock_read(&as->lock);
	r = aspace_find(as, addr.v);
	if (r && r->prot) {
		err = 0;
		if (!region_is_private(r) && r->object)
			*key = (struct mem_key){
				.object = (uint64_t)r->object, .shared = true,
				.offset = r->object_offset + (addr.v - r->start),
			};
	}
	rwsem_unlock_read(&as->lock);
	return err;
}
