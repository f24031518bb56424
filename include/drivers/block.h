/* SPDX-License-Identifier: MIT */
/*
 * Block devices: disks register here, partitions are found here, and whoever wants sectors
 * submits a struct bio.
 *
 *	bio -> block_submit() -> (partition offset, limits, merge, plug) -> request
 *	    -> the hardware queue of this CPU -> disk_ops.queue_request()
 *	    -> interrupt -> block_request_done() -> bio.done()
 *
 * B1 a bio is its submitter's until block_submit() and again from done() on; in between nobody
 *    else may touch it or the pages it names.
 * B2 done() is called exactly once for each submitted bio, in any context, with no lock held.
 * B3 a write that done() reported as good may still sit in the disk's volatile cache: only
 *    BIO_FLUSH, completed, or BIO_FUA on the write itself, says that it is on the medium.  A
 *    BIO_PREFLUSH write reaches the disk after everything that had been done() before it was
 *    submitted is on the medium.  No other order is promised between bios in flight.
 * B4 a device that went away answers -ENODEV, also to what was in flight.
 */
#ifndef DRIVERS_BLOCK_H
#define DRIVERS_BLOCK_H

#include <kernel/devnum.h>
#include <lib/atomic.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/types.h>

struct block_device;
struct disk;
struct page;

#define SECTOR_SHIFT	9
#define SECTOR_SIZE	512u

enum bio_op {
	BIO_READ, BIO_WRITE,
	BIO_FLUSH,			/* no data: what was done() is on the medium */
	BIO_DISCARD,			/* sectors' content is of no interest any more */
	BIO_WRITE_ZEROES,
};

enum bio_flags {
	BIO_FUA		= 1 << 0,	/* this write is on the medium when it is done */
	BIO_PREFLUSH	= 1 << 1,	/* flush before this write */
	BIO_SYNC	= 1 << 2,	/* somebody waits: do not hold back to merge */
	BIO_META	= 1 << 3,	/* a file system's own data; for statistics and tracing */
	BIO_READAHEAD	= 1 << 4,	/* may fail without consequence */
};

/*
 * A piece of memory, physically contiguous (it may cross pages).  len is a multiple of the device's
 * logical block size, offset of four.
 */
struct bio_vec {
	struct page *page;
	uint32_t offset;
	uint32_t len;
};

struct bio {
	struct block_device *dev;	/* where; borrowed: the submitter holds the reference */
	enum bio_op op;
	uint32_t flags;			/* enum bio_flags */
	uint64_t sector;		/* of 512 bytes, from the start of dev */
	uint32_t nr_sectors;	/* the sum of vecs; or what discard and zeroes shall cover */
	uint32_t nr_vecs;
	struct bio_vec *vecs;		/* inline_vecs, or the submitter's own array */
	void (*done)(struct bio *bio);
	void *priv;			/* the submitter's */
	int status;			/* 0 or -errno, valid in done(): -EIO, -ENODEV, -ENOSPC,
					 * -ETIMEDOUT, -EOPNOTSUPP, -EROFS */
	struct list node;		/* the submitter's before, the block layer's in flight */
	uint32_t max_vecs;		/* [I] */
	/* what follows is the block layer's own */
	uint32_t pending;		/* [A] parts still in flight */
	struct {			/* what no request has taken yet */
		uint32_t sectors;	/* done with, from the start */
		uint32_t vec, offset;	/* the piece that comes next, bytes into it */
	} cursor;
	uint8_t stage;			/* of a flush sequence: drivers/block/flush.c */
	bool merged;			/* rode on another bio's request */
	int64_t start_ns;
	struct bio_vec inline_vecs[];
};

/*
 * A bio with room for @max_vecs pieces.  Sleeps for memory from a reserve rather than fail when
 * @max_vecs <= BIO_VECS_SURE and the context may sleep; NULL otherwise when memory is out.
 */
#define BIO_VECS_SURE	16
#define BIO_VECS_MAX	256
struct bio *bio_alloc(unsigned int max_vecs);
void bio_free(struct bio *bio);
/* Add a piece; false when the bio is full.  The piece is merged with the last where it can be. */
bool bio_add(struct bio *bio, struct page *page, uint32_t offset, uint32_t len);

/* Start it.  Never fails and never waits for the medium: errors come by done(), perhaps at once. */
void block_submit(struct bio *bio);
/* Start it and wait: bio->status.  done is overwritten. */
__must_check int block_submit_wait(struct bio *bio);

/*
 * Between _start and _finish the bios of this thread are collected and merged.  On the stack;
 * sleeping finishes it by itself.
 */
struct block_plug {
	struct list bios;
	unsigned int nr;
	struct block_plug *outer;
};
void block_plug_start(struct block_plug *plug);
void block_plug_finish(struct block_plug *plug);

/* One call each over small kernel buffers (any memory of the direct map); 0 or -errno. */
__must_check int block_read(struct block_device *dev, uint64_t sector, void *buf, size_t len);
__must_check int block_write(struct block_device *dev, uint64_t sector, const void *buf, size_t len,
			     uint32_t flags);
__must_check int block_flush(struct block_device *dev);
__must_check int block_discard(struct block_device *dev, uint64_t sector, uint64_t nr_sectors);
__must_check int block_write_zeroes(struct block_device *dev, uint64_t sector, uint64_t nr_sectors);

/* What a disk is able to do; [I] after disk_register() but for nr_sectors and the cache mode. */
struct block_limits {
	uint32_t logical_size;		/* smallest transfer: 512 or 4096 */
	uint32_t physical_size;		/* smallest without read-modify-write inside the disk */
	uint32_t max_sectors;		/* of one request */
	uint32_t max_segments;		/* pieces of memory of one request */
	uint32_t max_segment_size;	/* bytes; 0: no limit */
	/* 0, or a power of two that pieces but the first start at and but the last end at */
	uint32_t gap_size;
	uint64_t dma_mask;
	uint32_t max_discard_sectors;	/* 0: not supported */
	uint32_t max_zeroes_sectors;	/* 0: not supported (the block layer writes zeros then) */
	bool has_cache;			/* volatile write cache: flushes mean something */
	bool has_fua;
	bool is_rotational;
	bool is_read_only;
	bool is_removable;
};

/*
 * A disk or a partition of one.  Counted; gone devices keep answering -ENODEV to their holders.
 */
struct block_device {
	char name[32];			/* [I] vda, vda1, nvme0n1p2, loop0 */
	dev_t dev;			/* [I] */
	struct disk *disk;		/* [I] counted */
	uint32_t part;			/* [I] partition number, 0: the whole */
	uint64_t start;			/* [I] first sector on the disk */
	uint64_t nr_sectors;		/* [A] */
	refcount_t refs;
	atomic_t opens;			/* the file system layer's: a partition in use stays */
	bool is_read_only;		/* [A] BLKROSET */
	bool is_removed;		/* [A] not registered any more: -ENODEV */
	char part_uuid[40];		/* [I] "" when there is none; PARTUUID= */
	char part_name[112];		/* [I] UTF-8; PARTLABEL= */
	char part_type[40];		/* [I] type GUID, or hexadecimal MBR type */
	void *holder_data;		/* the file system layer's: its inode and cache */
	struct list node;		/* [R] BLOCK_REGISTRY: all devices */
	struct list disk_node;		/* [R] BLOCK_REGISTRY: the disk's partitions */
	struct block_stats *stats;	/* drivers/block/stats.c */
};

/* A counted reference, NULL: there is none.  By number, or by "vda1", "/dev/vda1", "PARTUUID=...",
 * "PARTLABEL=...", "8:1". */
struct block_device *block_find_get(dev_t dev);
struct block_device *block_find_get_by_name(const char *name);
void block_ref(struct block_device *dev);
void block_put(struct block_device *dev);
const struct block_limits *block_limits(const struct block_device *dev);
/* The whole disk that @dev is (part of): borrowed, lives as long as @dev. */
struct block_device *block_whole(struct block_device *dev);
bool block_is_gone(const struct block_device *dev);
/* All block devices, in order of registration; @fn may sleep. */
void block_for_each(void (*fn)(struct block_device *dev, void *arg), void *arg);

/*
 * Who wants to hear of devices that come and go (the file system layer makes nodes and caches).
 * added() is also called for all that are there already.  Both may sleep and take locks inside
 * class BLOCK_SETUP (INODE and inner); at removed() the device answers -ENODEV already.
 */
struct block_listener {
	void (*added)(struct block_device *dev);
	void (*removed)(struct block_device *dev);
	struct list node;
};
void block_listen(struct block_listener *listener);
/* Read the partition table again: -EBUSY while a partition is in use, -EINVAL for a partition. */
__must_check int block_rescan(struct block_device *dev);
/* BLKPG: one partition of the whole disk @dev, by hand.  -EBUSY, -EINVAL, -ENXIO, -ENOMEM. */
__must_check int block_part_add(struct block_device *dev, uint32_t part, uint64_t start,
				uint64_t nr_sectors);
__must_check int block_part_remove(struct block_device *dev, uint32_t part);

struct seq_file;
/* The block half of /proc/devices. */
void block_show_majors(struct seq_file *m);

#endif
