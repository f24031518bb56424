/* SPDX-License-Identifier: MIT */
/*
 * Memory objects: the page cache, and shared anonymous memory.
 *
 * M1 a page is in o->pages exactly while page->cache.object is o; the map holds one reference;
 * M2 lookups and changes hold tree_lock, so a count of one under it means nobody else has the page
 *    (a mapping holds a reference as well);
 * M3 a page that is in the map is up to date, or locked by who reads it, or failed to be read;
 * M4 no lock is held over a user copy: new pages are filled before they are inserted.
 *
 * Truncation against faults: truncate sets the size, takes the pages out of the map (object becomes
 * NULL), then removes the entries of all mappings under each address space's pt_lock.  A fault
 * looks at page->cache.object and the size under that same lock before it installs the entry:
 * either it sees that the page is gone (or, when it made the page itself a moment too late, the new
 * size), or its entry is there for truncate to remove.  So the mappings are always visited, even
 * when the map has no page.
 */
#include <kernel/sched.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/memobj.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include "internal.h"

#define BATCH		32
#define WAIT_QUEUES	64

static struct slab_cache *node_cache, *object_cache;
static struct waitq page_waitqs[WAIT_QUEUES];
static LIST_HEAD(reclaim_list);		/* [L] reclaim_list_lock */
static struct spinlock reclaim_list_lock = SPINLOCK_INIT(MEMOBJ_LIST);

/* Page bits. */

struct waitq *page_waitq(const struct page *p)
{
	return &page_waitqs[page_to_pfn(p) % WAIT_QUEUES];
}

void page_lock(struct page *p)
{
	if (likely(!(page_set_flags(p, PAGE_LOCKED) & PAGE_LOCKED)))
		return;
	wait_event(page_waitq(p), !(page_set_flags(p, PAGE_LOCKED) & PAGE_LOCKED));
}

void page_unlock(struct page *p)
{
	ENSURE(page_clear_flags(p, PAGE_LOCKED) & PAGE_LOCKED);
	if (waitq_is_active(page_waitq(p)))
		waitq_wake_all(page_waitq(p), 0);
}

bool page_try_lock(struct page *p)
{
	return !(page_set_flags(p, PAGE_LOCKED) & PAGE_LOCKED);
}

/* Objects. */

static struct map_node *node_alloc(struct map *m)
{
	return slab_alloc(node_cache, ALLOC_ATOMIC);
}

static void node_free(struct map *m, struct map_node *n)
{
	slab_free(node_cache, n);
}

static const struct map_ops page_map_ops = { .node_alloc = node_alloc, .node_free = node_free };

void memobj_init(struct memobj *o, const struct memobj_ops *ops, struct inode *inode)
{
	*o = (struct memobj){ .ops = ops, .inode = inode };
	refcount_set(&o->refs, 1);
	map_init(&o->pages, &page_map_ops);
	spinlock_init(&o->tree_lock, PAGE_TREE);
	rwsem_init(&o->lock, MEMOBJ);
	list_init(&o->mappings);
	list_init(&o->reclaim_node);
	if (!ops->read_page)
		return;
	spin_lock(&reclaim_list_lock);
	list_add_tail(&o->reclaim_node, &reclaim_list);
	spin_unlock(&reclaim_list_lock);
}

/* Take the page at @index out of the map.  tree_lock held; the map's reference is the caller's. */
static void page_detach_locked(struct memobj *o, struct page *p)
{
	(void)map_erase(&o->pages, p->cache.index);
	WRITE_ONCE(p->cache.object, NULL);
	o->nr_pages--;
}

/* What went with @nr pages: statistics and charge. */
static void pages_gone(struct memobj *o, unsigned int nr, unsigned int nr_dirty)
{
	if (o->flags & MEMOBJ_SHMEM)
		page_counter_add(PAGES_SHMEM, -(int64_t)nr);
	else if (nr_dirty)
		page_counter_add(PAGES_DIRTY, -(int64_t)nr_dirty);
	if (o->ops->charge)
		(void)o->ops->charge(o, -(int64_t)nr);
}

/* Drop all pages in [first, last]. */
static void pages_drop(struct memobj *o, uint64_t first, uint64_t last)
{
	struct page *batch[BATCH];
	unsigned int nr;

	do {
		unsigned int dirty = 0;
		struct page *p;

		nr = 0;
		spin_lock(&o->tree_lock);
		o->truncations++;
		while (nr < BATCH && (p = map_find(&o->pages, &first, last))) {
			page_detach_locked(o, p);
			dirty += page_has(p, PAGE_DIRTY);
			batch[nr++] = p;
		}
		spin_unlock(&o->tree_lock);
		if (!nr)
			break;
		pages_gone(o, nr, dirty);
		for (unsigned int i = 0; i < nr; i++)
			page_wait_writeback(batch[i]);
		page_put_batch(batch, nr);
	} while (nr == BATCH);
}

void memobj_fini(struct memobj *o)
{
	ENSURE(list_empty(&o->mappings));
	if (o->ops->read_page) {
		spin_lock(&reclaim_list_lock);
		list_del_init(&o->reclaim_node);
		spin_unlock(&reclaim_list_lock);
	}
	memobj_drop_all(o);
}

void memobj_drop_all(struct memobj *o)
{
	if (!map_is_empty(&o->pages))
		pages_drop(o, 0, UINT64_MAX);
}

void memobj_ref(struct memobj *o)
{
	refcount_inc(&o->refs);
}

void memobj_put(struct memobj *o)
{
	if (!refcount_dec_and_test(&o->refs))
		return;
	memobj_fini(o);
	if (o->ops->release)
		o->ops->release(o);
}

static void anonymous_release(struct memobj *o)
{
	slab_free(object_cache, o);
}

static const struct memobj_ops anonymous_ops = { .release = anonymous_release };

struct memobj *memobj_create_anonymous(uint64_t size)
{
	struct memobj *o = slab_alloc(object_cache, ALLOC_NORMAL);

	if (!o)
		return ERR_PTR(-ENOMEM);
	memobj_init(o, &anonymous_ops, NULL);
	o->size = size;
	o->flags = MEMOBJ_SHMEM;
	return o;
}

/* Lookup. */

struct page *memobj_find_page(struct memobj *o, uint64_t index)
{
	struct page *p;

	spin_lock(&o->tree_lock);
	p = map_load(&o->pages, index);
	if (p)
		page_ref(p);
	spin_unlock(&o->tree_lock);
	return p;
}

unsigned int memobj_find_pages(struct memobj *o, uint64_t index, unsigned int nr,
			       struct page **pages)
{
	unsigned int got = 0;

	spin_lock(&o->tree_lock);
	while (got < nr) {
		struct page *p = map_load(&o->pages, index + got);

		if (!p || !page_has(p, PAGE_UPTODATE))
			break;
		if (!page_has(p, PAGE_REFERENCED))
			page_set_flags(p, PAGE_REFERENCED);
		page_ref(p);
		pages[got++] = p;
	}
	spin_unlock(&o->tree_lock);
	return got;
}

/*
 * Put the caller's new @p at @index.  0 (the map has taken a reference of its own), -EEXIST,
 * -ENOMEM or -ENOSPC.
 */
int memobj_insert_page(struct memobj *o, struct page *p, uint64_t index)
{
	int err = o->ops->charge ? o->ops->charge(o, 1) : 0;

	if (err)
		return err;
	p->kind = PAGE_CACHE;
	p->cache.object = o;
	p->cache.index = index;
	p->cache.priv = NULL;
	spin_lock(&o->tree_lock);
	err = map_insert(&o->pages, index, p);
	if (!err) {
		page_ref(p);
		o->nr_pages++;
	}
	spin_unlock(&o->tree_lock);
	if (err) {
		p->cache.object = NULL;
		p->kind = PAGE_KERNEL;
		if (o->ops->charge)
			(void)o->ops->charge(o, -1);
		return err;
	}
	page_stat_add(PAGE_CACHE, 1);
	if (o->flags & MEMOBJ_SHMEM)
		page_counter_add(PAGES_SHMEM, 1);
	return 0;
}

/*
 * The page at @index, or a new one: locked and not up to date, or of zeros where there is no store.
 */
static struct page *page_find_or_create(struct memobj *o, uint64_t index, bool *is_new)
{
	unsigned int flags = ALLOC_USER | (o->ops->read_page ? 0 : (unsigned int)ALLOC_ZERO);

	for (;;) {
		struct page *p = memobj_find_page(o, index);
		int err;

		*is_new = false;
		if (p)
			return p;
		p = page_alloc(0, flags);
		if (!p)
			return ERR_PTR(-ENOMEM);
		p->flags = o->ops->read_page ? PAGE_LOCKED : PAGE_UPTODATE;
		err = memobj_insert_page(o, p, index);
		if (!err) {
			*is_new = true;
			return p;
		}
		p->flags = 0;
		page_put(p);
		if (err != -EEXIST)
			return ERR_PTR(err);
	}
}

/* Make the referenced @p up to date; @is_locked: by the caller.  0 or -errno. */
static int page_read(struct memobj *o, struct page *p, bool is_locked)
{
	int err;

	if (!is_locked) {
		page_lock(p);
		if (page_has(p, PAGE_UPTODATE) || READ_ONCE(p->cache.object) != o) {
			page_unlock(p);
			return 0;
		}
	}
	current_thread()->maj_faults++;
	err = o->ops->read_page(o, p);
	if (err)
		return err;
	wait_event(page_waitq(p), !page_has(p, PAGE_LOCKED));
	return page_has(p, PAGE_UPTODATE) ? 0 : -EIO;
}

struct page *memobj_get_page(struct memobj *o, uint64_t index)
{
	for (;;) {
		bool is_new;
		struct page *p = page_find_or_create(o, index, &is_new);
		int err = 0;

		if (IS_ERR(p) || page_has(p, PAGE_UPTODATE))
			return p;
		err = page_read(o, p, is_new);
		if (!err && READ_ONCE(p->cache.object) == o)
			return p;
		page_put(p);
		if (err)
			return ERR_PTR(err);
	}
}

struct page *memobj_get_page_overwrite(struct memobj *o, uint64_t index)
{
	for (;;) {
		bool is_new;
		struct page *p = page_find_or_create(o, index, &is_new);

		if (IS_ERR(p))
			return p;
		if (!is_new || !o->ops->read_page)
			page_lock(p);
		if (READ_ONCE(p->cache.object) == o)
			return p;
		page_unlock(p);
		page_put(p);
	}
}

/* Read and write. */

/* The end of the run of physically contiguous pages that begins at @i. */
static unsigned int run_end(struct page **pages, unsigned int i, unsigned int nr)
{
	for (i++; i < nr && pages[i] == pages[i - 1] + 1; i++)
		;
	return i;
}

/*
 * Copy @len bytes from offset @off of the first page on, in as few pieces as contiguity allows.
 * Bytes done.
 */
static size_t copy_out(struct page **pages, unsigned int nr, size_t off, size_t len,
		       struct iov_iter *to)
{
	size_t done = 0;

	for (unsigned int i = 0, j; i < nr && done < len; i = j) {
		size_t n, got;

		j = run_end(pages, i, nr);
		n = min((j - i) * PAGE_SIZE - off, len - done);
		got = iov_copy_to(to, (char *)page_to_virt(pages[i]) + off, n);
		done += got;
		off = 0;
		if (got != n)
			break;
	}
	return done;
}

static size_t copy_in(struct page **pages, unsigned int nr, size_t off, size_t len,
		      struct iov_iter *from)
{
	size_t done = 0;

	for (unsigned int i = 0, j; i < nr && done < len; i = j) {
		size_t n, got;

		j = run_end(pages, i, nr);
		n = min((j - i) * PAGE_SIZE - off, len - done);
		got = iov_copy_from(from, (char *)page_to_virt(pages[i]) + off, n);
		done += got;
		off = 0;
		if (got != n)
			break;
	}
	return done;
}

static inline void mark_written(struct memobj *o, struct page *p, size_t off, size_t len)
{
	if (o->ops->page_written)
		o->ops->page_written(o, p, off, len);
	else
		page_mark_dirty(p);
}

static unsigned int pages_spanned(size_t off, size_t len)
{
	return (unsigned int)min((off + len + PAGE_SIZE - 1) >> PAGE_SHIFT, (size_t)BATCH);
}

/* One round of a read at @pos: bytes or -errno; 0 when a fault stopped it. */
static ssize_t read_some(struct memobj *o, struct iov_iter *to, uint64_t pos, size_t len)
{
	struct page *pages[BATCH];
	size_t off = pos & ~PAGE_MASK, done;
	unsigned int want = pages_spanned(off, len), nr;

	nr = memobj_find_pages(o, pos >> PAGE_SHIFT, want, pages);
	if (unlikely(!nr)) {
		if (!o->ops->read_page)
			return (ssize_t)iov_clear(to, min(len, PAGE_SIZE - off));
		if (o->ops->readahead)
			o->ops->readahead(o, pos >> PAGE_SHIFT, want);
		pages[0] = memobj_get_page(o, pos >> PAGE_SHIFT);
		if (IS_ERR(pages[0]))
			return PTR_ERR(pages[0]);
		nr = 1;
	}
	done = copy_out(pages, nr, off, min(len, nr * PAGE_SIZE - off), to);
	page_put_batch(pages, nr);
	return (ssize_t)done;
}

ssize_t memobj_read(struct memobj *o, struct iov_iter *to, int64_t *offset)
{
	uint64_t size = READ_ONCE(o->size), pos = (uint64_t)*offset;
	size_t len, done = 0;

	if (pos >= size)
		return 0;
	len = min((uint64_t)to->count, size - pos);
	while (done < len) {
		ssize_t n = read_some(o, to, pos + done, len - done);

		if (n <= 0) {
			if (!done)
				return n ? n : -EFAULT;
			break;
		}
		done += (size_t)n;
	}
	*offset = (int64_t)(pos + done);
	return (ssize_t)done;
}

/* Copy into the pages that are there already.  0: none is at @pos. */
static ssize_t write_present(struct memobj *o, struct iov_iter *from, uint64_t pos, size_t len)
{
	struct page *pages[BATCH];
	size_t off = pos & ~PAGE_MASK, done;
	unsigned int nr = memobj_find_pages(o, pos >> PAGE_SHIFT, pages_spanned(off, len), pages);

	if (!nr)
		return 0;
	done = copy_in(pages, nr, off, min(len, nr * PAGE_SIZE - off), from);
	for (size_t i = 0, at = off, end = off + done; at < end; i++, at = i * PAGE_SIZE)
		mark_written(o, pages[i], at & ~PAGE_MASK,
			     min(end, (i + 1) * PAGE_SIZE) - at);
	page_put_batch(pages, nr);
	return done ? (ssize_t)done : -EFAULT;
}

/* Copy @got bytes of the private @p over the page that the store has. */
static ssize_t write_merge(struct memobj *o, struct page *p, uint64_t pos, size_t got)
{
	struct page *real = memobj_get_page(o, pos >> PAGE_SHIFT);
	size_t off = pos & ~PAGE_MASK;

	if (IS_ERR(real))
		return PTR_ERR(real);
	memcpy((char *)page_to_virt(real) + off, (char *)page_to_virt(p) + off, got);
	mark_written(o, real, off, got);
	page_put(real);
	return (ssize_t)got;
}

/* The page at @pos is not there: fill a new one, then insert it (M4). */
static ssize_t write_new(struct memobj *o, struct iov_iter *from, uint64_t pos, size_t len)
{
	size_t off = pos & ~PAGE_MASK, got;
	struct page *p = page_alloc(0, ALLOC_USER);
	char *data;
	ssize_t ret;
	int err;

	if (!p)
		return -ENOMEM;
	data = page_to_virt(p);
	len = min(len, PAGE_SIZE - off);
	got = iov_copy_from(from, data + off, len);
	ret = (ssize_t)got;
	if (!got) {
		ret = -EFAULT;
	} else if (got < PAGE_SIZE && o->ops->read_page &&
		   align_down(pos, PAGE_SIZE) < READ_ONCE(o->size)) {
		ret = write_merge(o, p, pos, got);
	} else {
		memset(data, 0, off);
		memset(data + off + got, 0, PAGE_SIZE - off - got);
		p->flags = PAGE_UPTODATE;
		err = memobj_insert_page(o, p, pos >> PAGE_SHIFT);
		if (!err)
			mark_written(o, p, off, got);
		else
			p->flags = 0;
		if (err == -EEXIST)
			ret = write_merge(o, p, pos, got);
		else if (err)
			ret = err;
	}
	page_put(p);
	return ret;
}

ssize_t memobj_write(struct memobj *o, struct iov_iter *from, int64_t *offset)
{
	uint64_t pos = (uint64_t)*offset;
	size_t done = 0;
	ssize_t n = 0;

	while (from->count) {
		n = write_present(o, from, pos + done, from->count);
		if (!n)
			n = write_new(o, from, pos + done, from->count);
		if (n < 0)
			break;
		done += (size_t)n;
		if (pos + done > READ_ONCE(o->size))
			WRITE_ONCE(o->size, pos + done);
	}
	*offset = (int64_t)(pos + done);
	return done ? (ssize_t)done : n;
}

/* Truncation. */

static void page_zero_part(struct memobj *o, uint64_t start, uint64_t end)
{
	struct page *p = memobj_find_page(o, start >> PAGE_SHIFT);

	if (!p)
		return;
	/*
	 * Where there is a store its owner has zeroed what the store keeps; a read may be going on.
	 */
	if (o->ops->read_page)
		page_lock(p);
	memset((char *)page_to_virt(p) + (start & ~PAGE_MASK), 0, end - start);
	if (o->ops->read_page)
		page_unlock(p);
	else
		page_mark_dirty(p);
	page_put(p);
}

void memobj_truncate(struct memobj *o, uint64_t size)
{
	uint64_t old = READ_ONCE(o->size), end = align_up(size, PAGE_SIZE);

	WRITE_ONCE(o->size, size);
	if (size >= old)
		return;
	if (size != end)
		page_zero_part(o, size, end);
	pages_drop(o, end >> PAGE_SHIFT, UINT64_MAX);
	memobj_unmap_range(o, end, UINT64_MAX);
}

void memobj_punch(struct memobj *o, uint64_t start, uint64_t end)
{
	uint64_t first = align_up(start, PAGE_SIZE), last = align_down(end, PAGE_SIZE);

	if (start >= end)
		return;
	if (first > last) {
		page_zero_part(o, start, end);
		return;
	}
	if (start < first)
		page_zero_part(o, start, first);
	if (last < end)
		page_zero_part(o, last, end);
	if (first == last)
		return;
	pages_drop(o, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1);
	memobj_unmap_cached(o, first, last);
}

/* Reclaim: a clock over clean pages that nobody holds. */

static bool page_is_idle_locked(struct page *p)
{
	if (refcount_read(&p->refs) != 1 || page_has(p, PAGE_DIRTY | PAGE_WRITEBACK | PAGE_LOCKED))
		return false;
	return !(page_clear_flags(p, PAGE_REFERENCED) & PAGE_REFERENCED);
}

/* One turn at @o, of a bounded length.  reclaim_list_lock held, which keeps @o. */
static uint64_t object_shrink_locked(struct memobj *o)
{
	struct page *batch[BATCH], *p;
	unsigned int nr = 0, looked = 0;
	uint64_t index = o->reclaim_hand;

	spin_lock(&o->tree_lock);
	for (; nr < BATCH && looked < 4 * BATCH; index++, looked++) {
		p = map_find(&o->pages, &index, UINT64_MAX);
		if (!p) {
			index = 0;
			break;
		}
		if (!page_is_idle_locked(p))
			continue;
		page_detach_locked(o, p);
		batch[nr++] = p;
	}
	o->reclaim_hand = index;
	spin_unlock(&o->tree_lock);
	if (nr) {
		pages_gone(o, nr, 0);
		page_put_batch(batch, nr);
	}
	return nr;
}

uint64_t memobj_drop_clean(struct memobj *o, uint64_t start, uint64_t end)
{
	uint64_t index = start >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT, kept = 0;
	struct page *batch[BATCH], *p;
	unsigned int nr;

	do {
		nr = 0;
		spin_lock(&o->tree_lock);
		for (; nr < BATCH && (p = map_find(&o->pages, &index, last)); index++) {
			page_clear_flags(p, PAGE_REFERENCED);
			if (!page_is_idle_locked(p)) {
				kept++;
				continue;
			}
			page_detach_locked(o, p);
			batch[nr++] = p;
		}
		spin_unlock(&o->tree_lock);
		if (nr) {
			pages_gone(o, nr, 0);
			page_put_batch(batch, nr);
		}
	} while (nr == BATCH);
	return kept;
}

static uint64_t cache_shrink(struct reclaimer *r, uint64_t want, bool may_sleep)
{
	uint64_t freed = 0;
	unsigned int turns = 0;

	spin_lock(&reclaim_list_lock);
	while (freed < want && turns++ < 256 && !list_empty(&reclaim_list)) {
		struct memobj *o = container_of(reclaim_list.next, struct memobj, reclaim_node);

		freed += object_shrink_locked(o);
		list_move_tail(&o->reclaim_node, &reclaim_list);
	}
	spin_unlock(&reclaim_list_lock);
	return freed;
}

static struct reclaimer cache_reclaimer = { .name = "page cache", .shrink = cache_shrink };

void memobj_init_caches(void)
{
	for (unsigned int i = 0; i < WAIT_QUEUES; i++)
		waitq_init(&page_waitqs[i]);
	node_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "map_node", .size = sizeof(struct map_node) });
	object_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "memobj", .size = sizeof(struct memobj) });
	ENSURE(!IS_ERR(node_cache) && !IS_ERR(object_cache));
	reclaim_register(&cache_reclaimer);
}
