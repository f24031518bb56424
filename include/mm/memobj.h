/* SPDX-License-Identifier: MIT */
/*
 * Memory objects: what a region of an address space shows.  The page cache of a file or block
 * device, shared anonymous memory, or a device's memory.
 *
 * Private anonymous memory has no object: its pages belong to page table
 * entries alone, each entry holding a reference (see mm/fault.c).
 */
#ifndef MM_MEMOBJ_H
#define MM_MEMOBJ_H

#include <kernel/file.h>
#include <kernel/mutex.h>
#include <lib/map.h>
#include <mm/page.h>

struct memobj;
struct inode;
struct region;
struct iov_iter;

struct memobj_ops {
	/*
	 * Fill @p, locked and not up to date, from the backing store; sets PAGE_UPTODATE and
	 * unlocks, now or at completion. NULL: new pages are zeros (shared anonymous memory,
	 * tmpfs).
	 */
	int (*read_page)(struct memobj *o, struct page *p);
	/* Several at once for readahead; optional. */
	void (*readahead)(struct memobj *o, uint64_t index, unsigned int nr);
	/*
	 * Start writing the dirty pages of bytes [start, end), with memobj_next_dirty() and
	 * page_start_writeback().  @wait: those that are on their way already are waited for and
	 * written again where dirty.  0 or -errno; errors of transfers go to write_error.
	 */
	int (*write_pages)(struct memobj *o, uint64_t start, uint64_t end, bool wait);
	/*
	 * memobj_write() has changed [off, off + len) of @p, instead of page_mark_dirty().
	 * Optional.
	 */
	void (*page_written)(struct memobj *o, struct page *p, size_t off, size_t len);
	/*
	 * A clean page became dirty.  Thread context, no spinlock held; may not sleep.  Optional.
	 */
	void (*dirtied)(struct memobj *o);
	/*
	 * A clean shared page is about to be written through a mapping: reserve space.  Optional.
	 */
	int (*make_writable)(struct memobj *o, struct page *p);
	/* Pages are charged before they appear (tmpfs size limit): 0 or -ENOSPC.  Optional. */
	int (*charge)(struct memobj *o, int64_t nr_pages);
	/* Physical address for device objects instead of pages.  Optional. */
	paddr_t (*device_page)(struct memobj *o, uint64_t index, enum mem_type *type);
	void (*release)(struct memobj *o);	/* last reference is gone; pages are gone */
};

struct memobj {
	refcount_t refs;
	const struct memobj_ops *ops;	/* [I] */
	struct map pages;	/* [R] tree_lock: index -> struct page, one reference each */
	struct spinlock tree_lock;	/* class PAGE_TREE */
	uint64_t nr_pages;		/* [R] tree_lock */
	uint64_t size;			/* [A] bytes; faults beyond are SIGBUS */
	/* class MEMOBJ: mappings list; truncation excludes faults that install */
	struct rwsem lock;
	struct list mappings;	/* [L] struct region.object_node of every region that shows it */
	struct inode *inode;		/* [I] NULL for anonymous */
	uint64_t write_error;		/* [A] errseq of failed writeback */
	/* [R] tree_lock: grows before pages are taken away; who asked for places must ask again */
	uint64_t truncations;
	uint32_t flags;			/* [A] enum memobj_flags */
	struct list reclaim_node;	/* [R] MEMOBJ_LIST; objects with a read_page() */
	uint64_t reclaim_hand;		/* [R] MEMOBJ_LIST: where the next look begins */
	void *priv;
};

/* Mark of dirty pages in memobj.pages; not kept for MEMOBJ_SHMEM. */
#define MEMOBJ_MARK_DIRTY	MAP_MARK_0
/* Pages that were under writeback when somebody last looked: at least those that are. */
#define MEMOBJ_MARK_WRITEBACK	MAP_MARK_1

enum memobj_flags {
	/* pages have no other home: not reclaimable, counted as shmem */
	MEMOBJ_SHMEM	= 1 << 0,
	MEMOBJ_NO_WRITE	= 1 << 1,	/* sealed against writable shared mappings */
	/* a dirty page may have parts without space: make_writable() is asked for each entry */
	MEMOBJ_PART_DIRTY = 1 << 2,
};

void memobj_init(struct memobj *o, const struct memobj_ops *ops, struct inode *inode);
/* All pages are dropped; nobody maps it. */
void memobj_fini(struct memobj *o);
/* All pages are dropped, dirty or not; nobody maps it.  Takes no sleeping lock. */
void memobj_drop_all(struct memobj *o);
/* Shared anonymous memory of @size bytes (MAP_SHARED|MAP_ANONYMOUS): error pointer. */
struct memobj *memobj_create_anonymous(uint64_t size);
void memobj_ref(struct memobj *o);
void memobj_put(struct memobj *o);

/* The page at @index if it is there: a reference, or NULL.  No lock needed. */
struct page *memobj_find_page(struct memobj *o, uint64_t index);
/*
 * References to up to @nr up-to-date pages in a row from @index on; stops at the first that is
 * missing.
 */
unsigned int memobj_find_pages(struct memobj *o, uint64_t index, unsigned int nr,
			       struct page **pages);
/*
 * The page at @index, made and filled if need be, up to date: a reference or an error pointer
 * (-ENOMEM, -EIO, -ENOSPC).  May sleep.  @for_overwrite: the caller will fill all of it, so
 * nothing is read; the page comes locked then and the caller sets PAGE_UPTODATE and calls
 * page_unlock().
 */
struct page *memobj_get_page(struct memobj *o, uint64_t index);
struct page *memobj_get_page_overwrite(struct memobj *o, uint64_t index);
void page_unlock(struct page *p);
void page_lock(struct page *p);
bool page_try_lock(struct page *p);
/*
 * Put the caller's new @p at @index: 0 (the map has a reference of its own), -EEXIST, -ENOMEM, or
 * what charge() says.  For readahead, with PAGE_LOCKED set.
 */
__must_check int memobj_insert_page(struct memobj *o, struct page *p, uint64_t index);
/* The caller, who changed the content before, holds a reference to the page's object, too. */
void page_mark_dirty(struct page *p);

/*
 * Writeback (mm/writeback.c).  The next dirty page at or after *@index, up to @last, and the
 * object's truncations at that moment: a reference, or NULL.
 */
struct page *memobj_next_dirty(struct memobj *o, uint64_t *index, uint64_t last,
			       uint64_t *truncations);
/* How many pages in a row from @index on are dirty, at most @max. */
unsigned int memobj_dirty_run(struct memobj *o, uint64_t index, unsigned int max);
bool memobj_is_dirty(struct memobj *o);
/*
 * Move @p from dirty to under writeback, so that stores from now on make it dirty again.  False:
 * somebody else has done it, it went away, or pages were truncated since @truncations.
 */
bool page_start_writeback(struct memobj *o, struct page *p, uint64_t truncations);
/*
 * The transfer is over (@err: 0 or -errno, which goes to the object's write_error): takes
 * PAGE_WRITEBACK off and wakes waiters.  The caller has a reference to @p.  Any context.
 */
void page_end_writeback(struct memobj *o, struct page *p, int err);
void page_wait_writeback(struct page *p);
/* Wait for all pages of [start, end) that are under writeback now. */
void memobj_wait_writeback(struct memobj *o, uint64_t start, uint64_t end);
/*
 * Drop the pages of [start, end) that are clean, idle and not mapped; how many stayed.  Dirty ones
 * stay.
 */
uint64_t memobj_drop_clean(struct memobj *o, uint64_t start, uint64_t end);

/*
 * Copy between the object and an iterator, through its pages: the generic file read and write.
 * Bytes or -errno.
 */
ssize_t memobj_read(struct memobj *o, struct iov_iter *to, int64_t *offset);
ssize_t memobj_write(struct memobj *o, struct iov_iter *from, int64_t *offset);

/* Start writing dirty pages of bytes [start, end) and wait until they are written.  0 or -EIO. */
__must_check int memobj_writeback(struct memobj *o, uint64_t start, uint64_t end);

/* Set the size; pages beyond go, the tail of the last is zeroed, mappings beyond are taken away. */
void memobj_truncate(struct memobj *o, uint64_t size);
/* Drop whole pages in [start, end) and zero partial ones: punch hole. */
void memobj_punch(struct memobj *o, uint64_t start, uint64_t end);
/* Make the entries of page @index read-only in every mapping: writeback is about to copy it. */
void memobj_clean_mappings(struct memobj *o, uint64_t index);

void memobj_init_caches(void);		/* called by aspace_init() */

#endif
