/* SPDX-License-Identifier: MIT */
/*
 * Regions of an address space: tree, counters, splitting and joining.
 *
 * The bounds of a region with an object change under the object's lock too, since truncation reads
 * them without the address space's.
 */
#include <kernel/file.h>
#include <lib/err.h>
#include <mm/slab.h>
#include "internal.h"

static struct slab_cache *region_cache;

void region_caches_init(void)
{
	region_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "region", .size = sizeof(struct region) });
	ENSURE(!IS_ERR(region_cache));
}

/* Private memory that a process can write counts as its data. */
static bool is_data(const struct region *r)
{
	return (r->prot & PROT_WRITE) && !(r->flags & (REGION_SHARED | REGION_GROWS_DOWN));
}

static void account(struct region *r, int64_t pages)
{
	struct aspace *as = r->aspace;
	uint64_t n = (uint64_t)pages;

	as->total_pages += n;
	as->total_max = max(as->total_max, as->total_pages);
	if (r->flags & REGION_LOCKED)
		as->locked_pages += n;
	if (r->flags & REGION_GROWS_DOWN)
		as->stack_pages += n;
	else if (is_data(r))
		as->data_pages += n;
	if (r->prot & PROT_EXEC)
		as->exec_pages += n;
}

struct region *region_alloc(struct aspace *as, uint64_t start, uint64_t end)
{
	struct region *r = slab_alloc(region_cache, ALLOC_NORMAL | ALLOC_ZERO);

	if (!r)
		return NULL;
	r->start = start;
	r->end = end;
	r->aspace = as;
	list_init(&r->object_node);
	return r;
}

void region_free(struct region *r)
{
	if (r->object)
		memobj_put(r->object);
	if (r->file)
		file_put(r->file);
	slab_free(region_cache, r);
}

static void object_link(struct region *r)
{
	rwsem_lock_write(&r->object->lock);
	list_add_tail(&r->object_node, &r->object->mappings);
	rwsem_unlock_write(&r->object->lock);
}

void region_insert(struct aspace *as, struct region *r)
{
	r->span.guard = r->flags & REGION_GROWS_DOWN ? STACK_GUARD : 0;
	span_insert(&as->regions, &r->span);
	as->nr_regions++;
	account(r, (int64_t)region_pages(r));
	if (r->object)
		object_link(r);
}

void region_remove(struct aspace *as, struct region *r)
{
	if (r->object) {
		rwsem_lock_write(&r->object->lock);
		list_del_init(&r->object_node);
		rwsem_unlock_write(&r->object->lock);
	}
	span_erase(&as->regions, &r->span);
	as->nr_regions--;
	account(r, -(int64_t)region_pages(r));
	as->hint = NULL;
}

void region_resize(struct region *r, uint64_t start, uint64_t end)
{
	account(r, (int64_t)((end - start) >> PAGE_SHIFT) - (int64_t)region_pages(r));
	if (r->object)
		rwsem_lock_write(&r->object->lock);
	r->object_offset += start - r->start;
	span_resize(&r->aspace->regions, &r->span, start, end);
	if (r->object)
		rwsem_unlock_write(&r->object->lock);
}

void region_change(struct region *r, uint32_t prot, uint32_t flags)
{
	account(r, -(int64_t)region_pages(r));
	r->prot = prot;
	r->flags = flags;
	account(r, (int64_t)region_pages(r));
}

struct region *region_copy(struct aspace *to, const struct region *from)
{
	struct region *r = slab_alloc(region_cache, ALLOC_NORMAL);

	if (!r)
		return NULL;
	*r = *from;
	r->aspace = to;
	list_init(&r->object_node);
	if (r->object)
		memobj_ref(r->object);
	if (r->file)
		file_ref(r->file);
	return r;
}

struct region *region_split(struct region *r, uint64_t at)
{
	struct region *upper = region_copy(r->aspace, r);
	struct memobj *o = r->object;

	if (!upper)
		return ERR_PTR(-ENOMEM);
	ASSERT(at > r->start && at < r->end);
	upper->object_offset += at - r->start;
	upper->start = at;
	upper->span.guard = 0;		/* only the lowest part of a stack grows */
	/* In one hold of the object's lock: truncation must find all of it all the time. */
	if (o)
		rwsem_lock_write(&o->lock);
	span_resize(&r->aspace->regions, &r->span, r->start, at);
	span_insert(&r->aspace->regions, &upper->span);
	if (o) {
		list_add_tail(&upper->object_node, &o->mappings);
		rwsem_unlock_write(&o->lock);
	}
	r->aspace->nr_regions++;	/* pages are the same as before */
	return upper;
}

int regions_cut(struct aspace *as, uint64_t start, uint64_t end)
{
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t at = i ? end : start;
		struct region *r = aspace_find(as, at);

		if (r && r->start < at && IS_ERR(region_split(r, at)))
			return -ENOMEM;
	}
	return 0;
}

/* May @b, which begins where @a ends, become part of it? */
static bool can_join(const struct region *a, const struct region *b)
{
	if (a->end != b->start || a->prot != b->prot || a->flags != b->flags ||
	    a->object != b->object || a->max_prot != b->max_prot)
		return false;
	if (a->flags & (REGION_GROWS_DOWN | REGION_VDSO | REGION_DEVICE) || a->name != b->name)
		return false;
	return !a->object ||
	       (a->file == b->file && a->object_offset + (a->end - a->start) == b->object_offset);
}

static struct region *join(struct region *a, struct region *b)
{
	struct aspace *as = a->aspace;
	struct memobj *o = a->object;
	uint64_t end = b->end;

	a->has_copies |= b->has_copies;
	/* As in region_split(). */
	if (o) {
		rwsem_lock_write(&o->lock);
		list_del_init(&b->object_node);
	}
	span_erase(&as->regions, &b->span);
	span_resize(&as->regions, &a->span, a->start, end);
	if (o)
		rwsem_unlock_write(&o->lock);
	as->nr_regions--;
	as->hint = NULL;
	region_free(b);
	return a;
}

struct region *region_merge(struct region *r)
{
	struct region *next = region_next(r), *prev;

	if (next && can_join(r, next))
		join(r, next);
	prev = region_prev(r);
	if (prev && can_join(prev, r))
		r = join(prev, r);
	return r;
}

struct region *aspace_find_next(struct aspace *as, uint64_t addr)
{
	struct region *hint = READ_ONCE(as->hint);

	if (hint && addr >= hint->start && addr < hint->end)
		return hint;
	hint = region_of(span_find_next(&as->regions, addr));
	if (hint)
		WRITE_ONCE(as->hint, hint);
	return hint;
}

struct region *aspace_find(struct aspace *as, uint64_t addr)
{
	struct region *r = aspace_find_next(as, addr);

	return r && r->start <= addr ? r : NULL;
}
