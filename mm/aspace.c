/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: birth, copies for fork, death, and the layout that exec asks for.
 *
 * The last user takes all regions and pages with it (aspace_unuse); the structure stays while
 * /proc or ptrace hold a reference, and is empty then.
 */
#include <kernel/file.h>
#include <kernel/init.h>
#include <kernel/process.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <security/random.h>
#include <uapi/resource.h>
#include "internal.h"

#define STACK_FIRST		(33 * PAGE_SIZE)	/* mapped by exec; it grows from there */
#define STACK_RANDOM_BITS	22			/* pages: 16 GiB */
#define MMAP_RANDOM_BITS	28			/* pages: 1 TiB */
#define BRK_RANDOM_BITS		13			/* pages: 32 MiB */
#define STACK_GAP_MIN		(128UL << 20)

static struct slab_cache *aspace_cache;

void aspace_init(void)
{
	memobj_init_caches();
	region_caches_init();
	aspace_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "aspace", .size = sizeof(struct aspace), .align = 64 });
	ENSURE(!IS_ERR(aspace_cache));
}

struct aspace *aspace_create(void)
{
	struct aspace *as = slab_alloc(aspace_cache, ALLOC_NORMAL | ALLOC_ZERO);
	int err;

	if (!as)
		return ERR_PTR(-ENOMEM);
	rwsem_init(&as->lock, ASPACE);
	spinlock_init(&as->pt_lock, PAGE_TABLE);
	list_init(&as->tables);
	refcount_set(&as->users, 1);
	refcount_set(&as->refs, 1);
	err = arch_aspace_init(as);
	if (!err)
		return as;
	slab_free(aspace_cache, as);
	return ERR_PTR(err);
}

void aspace_use(struct aspace *as)
{
	refcount_inc(&as->users);
}

bool aspace_use_if_alive(struct aspace *as)
{
	return refcount_inc_not_zero(&as->users);
}

void aspace_ref(struct aspace *as)
{
	refcount_inc(&as->refs);
}

void aspace_put(struct aspace *as)
{
	if (refcount_dec_and_test(&as->refs))
		slab_free(aspace_cache, as);
}

/* Nobody runs in @as any more: everything goes, with no flush but the port's last. */
static void aspace_empty(struct aspace *as)
{
	struct region *r, *n;

	as->hint = NULL;
	rb_for_each_entry_postorder_safe(r, n, &as->regions, node) {
		if (r->object) {
			rwsem_lock_write(&r->object->lock);
			list_del_init(&r->object_node);
			rwsem_unlock_write(&r->object->lock);
		}
		region_zap(r, r->start, r->end, ZAP_DEAD);
		region_free(r);
	}
	as->regions = (struct rb_tree)RB_TREE_INIT;
	as->nr_regions = as->total_pages = as->locked_pages = 0;
	as->data_pages = as->stack_pages = as->exec_pages = 0;
	arch_aspace_destroy(as);
	pt_free_all(as);
	if (as->exe) {
		file_allow_write(as->exe);
		file_put(as->exe);
	}
	as->exe = NULL;
}

void aspace_unuse(struct aspace *as)
{
	if (!refcount_dec_and_test(&as->users))
		return;
	rwsem_lock_write(&as->lock);
	aspace_empty(as);
	rwsem_unlock_write(&as->lock);
	aspace_put(as);
}

uint64_t aspace_rss_max(struct aspace *as)
{
	return max(READ_ONCE(as->rss_max), aspace_rss(as));
}

/* Fork. */

static void copy_settings(struct aspace *to, const struct aspace *from)
{
	to->mmap_base = from->mmap_base;
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	to->stack_top = from->stack_top;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	to->code_start = from->code_start;
	to->code_end = from->code_end;
	to->data_start = from->data_start;
	to->data_end = from->data_end;
	to->vdso = from->vdso;
	to->randomise = from->randomise;
	to->auxv_len = from->auxv_len;
	memcpy(to->auxv, from->auxv, from->auxv_len);
	to->exe = from->exe;
	if (to->exe) {
		file_ref(to->exe);
		(void)!file_deny_write(to->exe);	/* cannot fail: @from denies already */
	}
}

/*
 * Are the entries of @r worth copying?  Those of private anonymous memory exist nowhere else.  What
 * a file or object shows can be had again by faults, sixteen pages each; copying is cheaper than
 * those for small regions only.
 */
static bool must_copy(const struct region *r)
{
	if (r->flags & REGION_WIPE_ON_FORK)
		return false;
	return !r->object || r->has_copies ||
		(!(r->flags & REGION_SHARED) && region_pages(r) <= 128);
}

static int fork_region(struct aspace *to, struct region *r, bool *changed)
{
	struct region *copy = region_copy(to, r);

	if (!copy)
		return -ENOMEM;
	copy->flags &= ~(uint32_t)REGION_LOCKED;
	/*
	 * Linked to the object before entries are copied, behind @r: a truncation that runs
	 * meanwhile takes entries from @r first and then from the copy, so none survives.
	 */
	region_insert(to, copy);
	return must_copy(r) ? region_fork_entries(r, copy, changed) : 0;
}

struct aspace *aspace_fork(struct aspace *from)
{
	struct aspace *to = aspace_create();
	bool changed = false;
	struct region *r;
	int err = 0;

	if (IS_ERR(to))
		return to;
	rwsem_lock_write(&from->lock);
	copy_settings(to, from);
	aspace_for_each_region(r, from) {
		if (r->flags & REGION_DONT_FORK)
			continue;
		err = fork_region(to, r, &changed);
		if (err)
			break;
	}
	if (changed)
		arch_tlb_flush_all(from);
	rwsem_unlock_write(&from->lock);
	if (!err)
		return to;
	aspace_unuse(to);
	return ERR_PTR(err);
}

/* Layout. */

uint64_t aspace_random_offset(const struct aspace *as, unsigned int bits)
{
	uint64_t n;

	if (!as->randomise)
		return 0;
	random_bytes(&n, sizeof(n));
	return (n & ((1UL << bits) - 1)) << PAGE_SHIFT;
}

void aspace_layout(struct aspace *as, uint64_t stack_limit, bool randomise)
{
	uint64_t stack_span = PAGE_SIZE << STACK_RANDOM_BITS;
	uint64_t gap = clamp(stack_limit, STACK_GAP_MIN, USER_TOP / 6 * 5 - stack_span);

	as->randomise = randomise && !boot_arg("norandmaps");
	as->stack_top = USER_TOP - aspace_random_offset(as, STACK_RANDOM_BITS);
	gap += STACK_GUARD + (as->randomise ? stack_span : 0);
	as->mmap_base = align_down(USER_TOP - gap, PAGE_SIZE) -
		aspace_random_offset(as, MMAP_RANDOM_BITS);
}

int64_t aspace_setup_stack(struct aspace *as, uint64_t size_limit, bool executable)
{
	uint64_t size = clamp(align_down(size_limit, PAGE_SIZE), 2 * PAGE_SIZE, STACK_FIRST);
	struct region *r = region_alloc(as, as->stack_top - size, as->stack_top);

	if (!r)
		return -ENOMEM;
	r->prot = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0);
	r->max_prot = PROT_READ | PROT_WRITE | PROT_EXEC;
	r->flags = REGION_GROWS_DOWN | REGION_ACCOUNTED;
	r->name = "[stack]";
	rwsem_lock_write(&as->lock);
	region_insert(as, r);
	rwsem_unlock_write(&as->lock);
	return (int64_t)as->stack_top;
}

int aspace_setup_brk(struct aspace *as, uint64_t start)
{
	uint64_t at = align_up(start, PAGE_SIZE) + aspace_random_offset(as, BRK_RANDOM_BITS);

	if (at >= USER_TOP)
		return -ENOMEM;
	as->brk_start = as->brk = at;
	return 0;
}
