/* SPDX-License-Identifier: MIT */
/*
 * Block devices as files and as the ground of file systems: the page cache of a device, and
 * metadata blocks ("buffers") on top of it.
 *
 * A buffer is one file-system block of a device, in memory.  Its bytes lie in the device's page
 * cache, so a program that reads /dev/vda1 sees what a mounted file system sees.  Dirtiness of a
 * buffer is its own, not its page's: a journal decides when a block may go to its place.
 *
 * U1 at most one buffer exists for (device, block); all blocks of a mounted device have one size.
 * U2 content is changed under buf_lock(), and read under it or under the file system's own locks;
 *    the disk never sees a half-made change: buf_write_start() is called under the lock, and
 *    buf_lock() waits until the transfer is over.
 * U3 BUF_PINNED keeps the buffer in memory and away from writeback: it belongs to a running or
 *    committing transaction, whose commit unpins and dirties it.
 */
#ifndef FS_BDEV_H
#define FS_BDEV_H

#include <drivers/block.h>
#include <kernel/mutex.h>
#include <lib/list.h>
#include <lib/types.h>

struct inode;
struct memobj;
struct page;
struct super_block;

/*
 * A device opened by a file system or the kernel: excludes other mounts and O_EXCL opens.
 * @who: any pointer, the same for those who may share it.  -ENOENT, -ENXIO, -EBUSY, -EACCES
 * (read-only device, @want_write).  Error pointer.
 */
struct block_device *bdev_open(const char *name, const void *who, bool want_write);
struct block_device *bdev_open_dev(dev_t dev, const void *who, bool want_write);
void bdev_close(struct block_device *dev, const void *who);
/* A device by what users write: a path of a device node, "/dev/vda1" and "PARTUUID=..." before
 * there are nodes, "LABEL=", "UUID=" of a file system on it.  A counted reference; error pointer.
 */
struct block_device *bdev_lookup(const char *name);
/* Write what is dirty in the device's own page cache, and wait; no flush. */
__must_check int bdev_sync(struct block_device *dev);
/* The page cache of the device: for /dev/vda, and under the buffers. */
struct memobj *bdev_mapping(struct block_device *dev);

enum buf_flags {			/* [A] */
	BUF_UPTODATE	= 1 << 0,
	BUF_DIRTY	= 1 << 1,
	BUF_PINNED	= 1 << 2,	/* U3 */
	BUF_ERROR	= 1 << 3,	/* the last write failed */
	BUF_WRITING	= 1 << 4,
	/* the file system's own bits */
	BUF_PRIV_0	= 1 << 8, BUF_PRIV_1 = 1 << 9, BUF_PRIV_2 = 1 << 10, BUF_PRIV_3 = 1 << 11,
};

struct buf_cache;

struct buf {
	uint64_t block;			/* [I] in units of size */
	void *data;			/* size bytes, in the direct map; U2 */
	uint32_t size;			/* [I] 512 ... 4096 */
	uint32_t flags;			/* [A] enum buf_flags */
	struct buf_cache *cache;	/* [I] */
	refcount_t refs;
	struct mutex lock;		/* class BUF */
	void *journal;			/* the journal's, under its locks */
	struct list journal_node;	/* the journal's */
	/* what follows is buffer.c's own */
	struct page *page;		/* [I] where data lies; counted */
	struct list lru_node;		/* [R] cache lock: nobody refers to it */
	struct list dirty_node;		/* [R] cache lock: dirty and not pinned */
	int64_t dirtied_ns;		/* [R] cache lock */
	int error;			/* [A] of the last transfer */
};

/* The buffers of @dev, blocks of @block_size; NULL: out of memory. */
struct buf_cache *buf_cache_create(struct block_device *dev, uint32_t block_size);
/* Everything unpinned is written or dropped before; no buffer is held. */
void buf_cache_destroy(struct buf_cache *c);

/*
 * The buffer of @block: _get with whatever content it has (BUF_UPTODATE tells), _read up to date.
 * A reference or an error pointer: -ENOMEM, -EIO, -ENODEV.  May sleep.  Content from _get without
 * BUF_UPTODATE is zeros or anything: fill all of it, then buf_mark_dirty() or buf_set_uptodate().
 */
struct buf *buf_get(struct buf_cache *c, uint64_t block);
struct buf *buf_read(struct buf_cache *c, uint64_t block);
/* The same only if it is in memory; NULL. */
struct buf *buf_find_get(struct buf_cache *c, uint64_t block);
/* Begin to read [block, block + nr), without waiting. */
void buf_readahead(struct buf_cache *c, uint64_t block, unsigned int nr);
void buf_ref(struct buf *b);
void buf_put(struct buf *b);
void buf_lock(struct buf *b);
void buf_unlock(struct buf *b);

/*
 * Content has changed or was filled in whole: up to date, and to be written some time (within
 * 30 s), by itself.  While pinned it is only remembered.
 */
void buf_mark_dirty(struct buf *b);
void buf_set_uptodate(struct buf *b);
/* A pin keeps a reference, too.  Not counted: pin once, unpin once. */
void buf_pin(struct buf *b);
void buf_unpin(struct buf *b);
static inline bool buf_has(const struct buf *b, uint32_t flags)
{
	return __atomic_load_n(&b->flags, __ATOMIC_ACQUIRE) & flags;
}
static inline void buf_set_flags(struct buf *b, uint32_t flags)
{
	__atomic_fetch_or(&b->flags, flags, __ATOMIC_ACQ_REL);
}
static inline void buf_clear_flags(struct buf *b, uint32_t flags)
{
	__atomic_fetch_and(&b->flags, ~flags, __ATOMIC_ACQ_REL);
}
/* The block was freed: forget dirty content, do not write it. */
void buf_forget(struct buf *b);
/*
 * Start writing (bio flags: BIO_FUA ...; buf_lock() held, which may be given back at once) and wait
 * for it: 0 or -EIO, -ENODEV.  Clears BUF_DIRTY; a failed write sets BUF_ERROR, and the
 * buffer stays in memory until a write of it succeeds.
 */
void buf_write_start(struct buf *b, uint32_t bio_flags);
__must_check int buf_write_wait(struct buf *b);
/* Write all dirty, unpinned buffers and wait; no flush.  0 or the first error. */
__must_check int buf_cache_sync(struct buf_cache *c);

#endif
