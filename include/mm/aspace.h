/* SPDX-License-Identifier: MIT */
/*
 * User address spaces: a tree of regions over memory objects, and the page tables that cache them.
 */
#ifndef MM_ASPACE_H
#define MM_ASPACE_H

#include <arch/mmu.h>
#include <arch/upcalls.h>
#include <kernel/cpumask.h>
#include <kernel/mutex.h>
#include <mm/memobj.h>
#include <mm/span.h>

struct file;

enum region_flags {
	REGION_SHARED		= 1 << 0,
	REGION_GROWS_DOWN	= 1 << 1,	/* a stack */
	REGION_LOCKED		= 1 << 2,
	REGION_NO_RESERVE	= 1 << 3,
	REGION_DONT_FORK	= 1 << 4,
	REGION_WIPE_ON_FORK	= 1 << 5,
	REGION_DONT_DUMP	= 1 << 6,
	REGION_DEVICE		= 1 << 7,	/* no struct pages behind it */
	REGION_ACCOUNTED	= 1 << 8,	/* counted in committed memory */
	REGION_HEAP		= 1 << 9,	/* [heap] for /proc */
	REGION_VDSO		= 1 << 10,
	REGION_HUGE_PAGES	= 1 << 11,
	REGION_NO_HUGE_PAGES	= 1 << 12,
	REGION_SEQUENTIAL	= 1 << 13,
	REGION_RANDOM		= 1 << 14,
};

struct region {
	union {
		/* [R] aspace lock; bounds of a region with an object: its lock as well */
		struct span span;
		struct {
			struct rb_node node;
			uint64_t start, end;	/* page-aligned, [start, end) */
		};
	};
	uint32_t prot;			/* [R] PROT_READ | PROT_WRITE | PROT_EXEC */
	uint32_t max_prot;		/* [I] what mprotect may give */
	uint32_t flags;			/* [R] enum region_flags */
	bool has_copies;	/* [A] private pages were made in it: fork must copy its entries */
	uint64_t object_offset;		/* [R] bytes; of start, in the object; unused without one */
	struct memobj *object;		/* [I] NULL: private anonymous; counted */
	struct list object_node;	/* [R] object->lock */
	struct file *file;		/* [I] for /proc/maps and msync; counted; NULL when none */
	struct aspace *aspace;		/* [I] */
	const char *name;		/* [I] "[vdso]", "[stack]" or NULL */
};

struct aspace {
	struct arch_aspace arch;	/* first: ports cast */
	struct rwsem lock;		/* class ASPACE: read for faults, write for changes */
	struct rb_tree regions;		/* [L] struct region.span */
	struct region *hint;		/* [A] the region found last; reset when one goes */
	refcount_t users;		/* threads that run in it: the last empties it */
	refcount_t refs;		/* the structure itself */
	struct spinlock pt_lock;	/* class PAGE_TABLE: changes of entries */
	struct list tables;		/* [R] pt_lock: all table pages but the root */
	uint32_t empty_tables;		/* [R] pt_lock: leaf tables without an entry */

	struct cpumask cpus;		/* [A] the port's: where translations may be cached */

	uint64_t mmap_base;		/* [L] top of the area for mmap */
	uint64_t brk_start, brk;	/* [L] */
	uint64_t stack_top;		/* [I] */
	/* [L] */
	uint64_t arg_start, arg_end, env_start, env_end, code_start, code_end, data_start, data_end;
	uint64_t vdso;			/* [I] address */
	uint64_t nr_regions;		/* [L] */
	/* [L] virtual */
	uint64_t total_pages, locked_pages, data_pages, stack_pages, exec_pages;
	uint64_t total_max;		/* [L] the most that total_pages was */
	int64_t rss_anon, rss_file, rss_shmem;	/* [R] pt_lock: resident pages */
	uint64_t rss_max;		/* [R] pt_lock; see aspace_rss_max() */
	int64_t table_pages;		/* [R] pt_lock */
	struct file *exe;		/* [L] counted */
	uint64_t auxv[48];		/* [I] for /proc/PID/auxv */
	uint32_t auxv_len;
	uint32_t def_flags;		/* [L] mlockall(MCL_FUTURE) */
	bool randomise;			/* [I] since aspace_layout() */
};
_Static_assert(offsetof(struct aspace, arch) == 0,
	       "ports cast struct aspace to struct arch_aspace");

/* New, empty, with an arch root; one user.  Error pointer. */
struct aspace *aspace_create(void);
/* A copy-on-write copy of the caller's, for fork: error pointer. */
struct aspace *aspace_fork(struct aspace *from);
void aspace_use(struct aspace *as);		/* one more user (CLONE_VM) */
void aspace_unuse(struct aspace *as);		/* the last user: all regions go */
void aspace_ref(struct aspace *as);		/* structure only (/proc, ptrace) */
void aspace_put(struct aspace *as);
/* A user reference unless it is empty already; false then. */
bool aspace_use_if_alive(struct aspace *as);

struct mmap_args {
	uint64_t addr;			/* hint or, with MAP_FIXED, the place */
	uint64_t len;
	uint32_t prot, flags;		/* as mmap(2) */
	struct file *file;		/* or NULL; borrowed */
	struct memobj *object;		/* instead of a file; borrowed */
	uint64_t offset;
	const char *name;
	uint32_t region_flags;
};

/*
 * Map into @as (the caller's own or a fresh one that exec builds): the address, or -errno as
 * mmap(2).
 */
int64_t aspace_mmap(struct aspace *as, const struct mmap_args *args);
int aspace_munmap(struct aspace *as, uint64_t addr, uint64_t len);
/*
 * file_ops.mmap(f, r) is called for a region that is in no tree yet: it sets r->object (a reference
 * that the region then owns; NULL stays private anonymous memory), and may set r->flags, r->name
 * and lower r->max_prot.
 */

/* Set up the stack region below a randomised top; returns the top address or -errno. */
int64_t aspace_setup_stack(struct aspace *as, uint64_t size_limit, bool executable);
int aspace_setup_brk(struct aspace *as, uint64_t start);
/* Choose mmap_base for a stack of this limit; called once by exec. */
void aspace_layout(struct aspace *as, uint64_t stack_limit, bool randomise);

/* The region that holds @addr, or NULL; as->lock held. */
struct region *aspace_find(struct aspace *as, uint64_t addr);
/* The first region that ends above @addr; as->lock held. */
struct region *aspace_find_next(struct aspace *as, uint64_t addr);

/*
 * Serve a fault at @addr of @as (not only the caller's: ptrace, process_vm_*, populate).
 * 0, -EFAULT (no region or no right), -ENOMEM, or -EBUSY-free SIGBUS as -EIO.
 */
int aspace_fault(struct aspace *as, uint64_t addr, enum fault_access access);

/*
 * Copy to or from any address space through its pages, ignoring write protection if @force
 * (ptrace). Bytes done.
 */
size_t aspace_access(struct aspace *as, uint64_t addr, void *buf, size_t len, bool write,
		     bool force);

/*
 * The page at @addr into @buf, whatever its protection, without making one: false where nothing was
 * ever written or mapped, and then up to *@next, above @addr, as well.  For core files.
 */
bool aspace_read_page(struct aspace *as, uint64_t addr, void *buf, uint64_t *next);

/* For futexes: what a user word is, independent of the address space.  */
struct mem_key {
	uint64_t object;		/* memobj or aspace pointer value */
	uint64_t offset;		/* byte offset, or address */
	bool shared;
};
/* -EFAULT.  @shared as FUTEX_PRIVATE_FLAG absent.  Keeps no reference. */
__must_check int aspace_key(uaddr_t addr, bool shared, struct mem_key *key);

/*
 * Take away entries of [start, end) of @o from every address space that maps it, private copies too
 * (truncate).
 */
void memobj_unmap_range(struct memobj *o, uint64_t start, uint64_t end);
/* The same, but private copies stay (hole punching). */
void memobj_unmap_cached(struct memobj *o, uint64_t start, uint64_t end);

/* Resident pages, now and at most. */
static inline uint64_t aspace_rss(const struct aspace *as)
{
	int64_t n = as->rss_anon + as->rss_file + as->rss_shmem;

	return n > 0 ? (uint64_t)n : 0;
}
uint64_t aspace_rss_max(struct aspace *as);

/* In order of address; as->lock held.  NULL at the end. */
static inline struct region *aspace_first(struct aspace *as)
{
	struct span *s = span_first(&as->regions);

	return s ? container_of(s, struct region, span) : NULL;
}
static inline struct region *aspace_next(struct region *r)
{
	struct span *s = span_next(&r->span);

	return s ? container_of(s, struct region, span) : NULL;
}
#define aspace_for_each_region(r, as) for (r = aspace_first(as); r; r = aspace_next(r))

/* What is resident of one region, for /proc/PID/smaps; as->lock held. */
struct region_usage {
	/* in pages */
	uint64_t rss, anon, shared_clean, shared_dirty, private_clean, private_dirty, referenced;
	/* in bytes, each page divided by those who have it; parts: dirty, anonymous, ... */
	uint64_t pss_bytes, pss_dirty, pss_anon, pss_shmem, pss_locked;
};
void region_usage(struct region *r, struct region_usage *u);

/* Random page-aligned offset below 2^bits pages; 0 where @as is not randomised. */
uint64_t aspace_random_offset(const struct aspace *as, unsigned int bits);

void aspace_init(void);

#endif
