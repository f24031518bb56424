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
	/* Start writing the dirty, locked @p back. */
	int (*write_page)(struct memobj *o, struct page *p);
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
	uint64_t write_error;		/* [A] generation of the last writeback error */
	uint32_t flags;			/* [A] enum memobj_flags */
	struct list reclaim_node;	/* [R] MEMOBJ_LIST; objects with a read_page() */
	uint64_t reclaim_hand;		/* [R] MEMOBJ_LIST: where the next look begins */
	void *priv;
};

/* Mark of dirty pages in memobj.pages; not kept for MEMOBJ_SHMEM. */
#define MEMOBJ_MARK_DIRTY	MAP_MARK_0

enum memobj_flags {
	/* pages have no other home: not reclaimable, counted as shmem */
	MEMOBJ_SHMEM	= 1 << 0,
	MEMOBJ_NO_WRITE	= 1 << 1,	/* sealed against writable shared mappings */
};

void memobj_init(struct memobj *o, const struct memobj_ops *ops, struct inode *inode);
/* All pages are dropped; nobody maps it. */
void memobj_fini(struct memobj *o);
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
void page_mark_dirty(struct page *p);
/*
 * The transfer that write_page() started is over: takes PAGE_WRITEBACK off and wakes waiters.  Any
 * context.
 */
void page_end_writeback(struct page *p, bool failed);

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
