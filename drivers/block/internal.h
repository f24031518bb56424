/* SPDX-License-Identifier: MIT */
/* What the files of the block core share. */
#ifndef DRIVERS_BLOCK_INTERNAL_H
#define DRIVERS_BLOCK_INTERNAL_H

#include <drivers/disk.h>
#include <kernel/mutex.h>
#include <lib/err.h>

/* Stages of a bio that needs a flush before or after it: flush.c. */
enum bio_stage { STAGE_NONE, STAGE_PRE, STAGE_DATA, STAGE_POST };

struct disk_flush {
	struct spinlock lock;		/* class BLOCK_QUEUE */
	struct list waiting;		/* [L] bios for the next flush */
	struct list running;		/* [L] bios of the flush in flight */
	bool active;			/* [L] */
	struct bio *bio;		/* [I] the flush itself */
};

enum stat_group { STAT_READ, STAT_WRITE, STAT_DISCARD, STAT_FLUSH, STAT_GROUPS };

/* Sums over CPUs are exact while nothing is in flight. */
struct block_cpu_stats {
	uint64_t ios[STAT_GROUPS], merges[STAT_GROUPS], sectors[STAT_GROUPS], ns[STAT_GROUPS];
	int64_t inflight[2];		/* reads, all others */
} __aligned(64);

struct block_stats {
	uint64_t stamp_ms;		/* [A] up to where busy_ms is right */
	uint64_t busy_ms;		/* [A] something was in flight */
	struct block_cpu_stats cpu[];	/* [P] */
};

static inline bool op_has_data(enum bio_op op)
{
	return op == BIO_READ || op == BIO_WRITE;
}

static inline bool disk_is_gone(const struct disk *d)
{
	return __atomic_load_n(&d->state, __ATOMIC_ACQUIRE) == DISK_GONE;
}

/* bio.c */
__must_check int bio_init_reserve(void);
/* submit.c */
void bio_finish(struct bio *bio, int status);
/* flush.c */
__must_check int flush_create(struct disk *d);
void flush_destroy(struct disk *d);
/* False: nothing special about @bio (any more), queue it. */
bool flush_submit(struct bio *bio);
/* All parts of @bio's data are done; true: the sequence goes on. */
bool flush_data_done(struct bio *bio);
/* queue.c */
__must_check int queue_create(struct disk_queue *q, struct disk *d, unsigned int index,
			      size_t request_size);
void queue_destroy(struct disk_queue *q);
void queue_add(struct disk *d, struct list *bios);
void queue_add_one(struct disk *d, struct bio *bio);
void queue_give_back(struct disk_queue *q, struct request *rq);
void queue_kick(struct disk_queue *q);
/* End all bios that no request has taken, and requests that wait to be given again. */
void queue_fail_waiting(struct disk_queue *q, int status);
bool queue_is_idle(struct disk_queue *q);
struct request *queue_request_at(struct disk_queue *q, unsigned int tag);
/* build.c */
struct request *request_build(struct disk_queue *q);
/* complete.c */
void bio_part_done(struct bio *bio, int status);
void request_finish(struct request *rq, int status);
/* map.c */
void request_unmap(struct request *rq);
/* timeout.c */
void timeout_init_queue(struct disk_queue *q);
void timeout_start(struct disk_queue *q, struct request *rq);	/* q->lock held */
void timeout_sync(struct disk *d);
__must_check int timeout_init(void);
/* stats.c */
struct block_stats *stats_alloc(void);
void stats_start(struct bio *bio);
void stats_end(struct bio *bio);
__must_check int stats_init(void);
/* disk.c */
void disk_put(struct disk *d);
/* registry.c */
struct block_device *device_alloc(struct disk *d, const char *name, uint32_t part);
extern struct mutex block_setup_lock;		/* class BLOCK_SETUP */
extern struct mutex block_registry_lock;	/* class BLOCK_REGISTRY */
/* Setup lock held.  -EEXIST, -ENOMEM. */
__must_check int registry_add(struct block_device *dev);
void registry_remove(struct block_device *dev);
/* partition.c; setup lock held */
int partitions_scan(struct disk *d);
/* A number of major 259. */
dev_t ext_number_next(void);
void partitions_remove_all(struct disk *d);

#endif
