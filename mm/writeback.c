/* SPDX-License-Identifier: MIT */
/*
 * Dirty pages of memory objects: from the first store until they have reached the store behind the
 * object.  What writes them is the object's write_pages(); when, is decided in fs/writeback.c.
 *
 * W1 PAGE_DIRTY of a page that is in its object's map goes together with the mark in the map and
 *    with the count, under tree_lock;
 * W2 a page goes from dirty to under writeback in one step under tree_lock, and only while nothing
 *    was truncated since its place on the medium was asked for (memobj.truncations): so no page is
 *    written to a place that belongs to somebody else by now, without any lock held meanwhile.
 *    Truncation takes pages out of the map and then waits for those under writeback;
 * W3 first the dirty bit goes, then the right to write in all mappings, then the transfer begins:
 *    every store is either part of the transfer or makes the page dirty again.  A fault opens an
 *    entry only while the page is dirty, under the same pt_lock.
 */
#include <kernel/sched.h>
#include <lib/errseq.h>
#include <mm/memobj.h>
#include "internal.h"

void page_mark_dirty(struct page *p)
{
	struct memobj *o;
	bool is_new = false;

	if (page_has(p, PAGE_FETCHABLE))
		page_clear_flags(p, PAGE_FETCHABLE);	/* written: to be synchronised again */
	if (page_has(p, PAGE_DIRTY))
		return;
	o = READ_ONCE(p->cache.object);
	if (!o || o->flags & MEMOBJ_SHMEM) {
		page_set_flags(p, PAGE_DIRTY);
		return;
	}
	spin_lock(&o->tree_lock);
	if (p->cache.object == o && !(page_set_flags(p, PAGE_DIRTY) & PAGE_DIRTY)) {
		map_set_mark(&o->pages, p->cache.index, MEMOBJ_MARK_DIRTY);
		page_counter_add(PAGES_DIRTY, 1);
		is_new = true;
	}
	spin_unlock(&o->tree_lock);
	if (!is_new)
		return;
	page_counter_add(PAGES_EVER_DIRTIED, 1);
	if (o->ops->dirtied)
		o->ops->dirtied(o);
}

struct page *memobj_next_dirty(struct memobj *o, uint64_t *index, uint64_t last,
			       uint64_t *truncations)
{
	struct page *p;

	spin_lock(&o->tree_lock);
	p = map_find_marked(&o->pages, index, last, MEMOBJ_MARK_DIRTY);
	if (p)
		page_ref(p);
	*truncations = o->truncations;
	spin_unlock(&o->tree_lock);
	return p;
}

unsigned int memobj_dirty_run(struct memobj *o, uint64_t index, unsigned int max)
{
	uint64_t at = index;
	unsigned int n = 0;

	spin_lock(&o->tree_lock);
	while (n < max && map_find_marked(&o->pages, &at, index + n, MEMOBJ_MARK_DIRTY)) {
		n++;
		at = index + n;
	}
	spin_unlock(&o->tree_lock);
	return n;
}

bool memobj_is_dirty(struct memobj *o)
{
	return map_any_marked(&o->pages, MEMOBJ_MARK_DIRTY);
}

bool page_start_writeback(struct memobj *o, struct page *p, uint64_t truncations)
{
	bool ok;

	spin_lock(&o->tree_lock);
	ok = p->cache.object == o && o->truncations == truncations && page_has(p, PAGE_DIRTY) &&
	     !page_has(p, PAGE_WRITEBACK);			/* W2 */
	if (ok) {
		page_set_flags(p, PAGE_WRITEBACK);
		page_clear_flags(p, PAGE_DIRTY);
		map_clear_mark(&o->pages, p->cache.index, MEMOBJ_MARK_DIRTY);
		map_set_mark(&o->pages, p->cache.index, MEMOBJ_MARK_WRITEBACK);
		page_counter_add(PAGES_WRITEBACK, 1);
		page_counter_add(PAGES_DIRTY, -1);
	}
	spin_unlock(&o->tree_lock);
	/* A mapping that comes now sees that the page is clean: pairs with pt_lock in faults. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ok && !list_empty(&o->mappings))
		memobj_clean_mappings(o, p->cache.index);	/* W3 */
	return ok;
}

void page_end_writeback(struct memobj *o, struct page *p, int err)
{
	if (err)
		errseq_set(&o->write_error, err);
	page_counter_add(PAGES_WRITEBACK, -1);
	page_counter_add(PAGES_EVER_WRITTEN, 1);
	page_clear_flags(p, PAGE_WRITEBACK);
	waitq_wake_all(page_waitq(p), 0);
}

void page_wait_writeback(struct page *p)
{
	if (unlikely(page_has(p, PAGE_WRITEBACK)))
		wait_event(page_waitq(p), !page_has(p, PAGE_WRITEBACK));
}

/* The mark stays while nobody waits, so that the end of a transfer needs no lock. */
void memobj_wait_writeback(struct memobj *o, uint64_t start, uint64_t end)
{
	uint64_t index = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	struct page *p;

	for (;;) {
		spin_lock(&o->tree_lock);
		while ((p = map_find_marked(&o->pages, &index, last, MEMOBJ_MARK_WRITEBACK)) &&
		       !page_has(p, PAGE_WRITEBACK))
			map_clear_mark(&o->pages, index, MEMOBJ_MARK_WRITEBACK);
		if (p)
			page_ref(p);
		spin_unlock(&o->tree_lock);
		if (!p)
			break;
		page_wait_writeback(p);
		page_put(p);
		if (index++ == last)
			break;
	}
}

int memobj_writeback(struct memobj *o, uint64_t start, uint64_t end)
{
	uint64_t seen = __atomic_load_n(&o->write_error, __ATOMIC_RELAXED);
	int err;

	if (start >= end || !o->ops->write_pages)
		return 0;
	err = o->ops->write_pages(o, start, end, true);
	memobj_wait_writeback(o, start, end);
	if (err)
		return err;
	seen ^= __atomic_load_n(&o->write_error, __ATOMIC_ACQUIRE);
	return seen & ~ERRSEQ_SEEN ? -EIO : 0;
}
