/* SPDX-License-Identifier: MIT */
/*
 * Disks in memory: for the boot argument ramdisk.size=, and for tests, which want disks that
 * misbehave on request.
 */
#ifndef DRIVERS_RAMDISK_H
#define DRIVERS_RAMDISK_H

#include <drivers/block.h>

struct request;
struct ramdisk;

struct ramdisk_args {
	const char *name;		/* NULL: ram0, ram1, ... */
	uint64_t nr_sectors;
	/* Zero is a default.  With has_cache writes stay volatile until a flush or FUA. */
	struct block_limits limits;
	unsigned int nr_queues, queue_depth;
	int64_t timeout_ns;
	/* Called for each request before it is served: a non-zero answer ends it.  Any context. */
	int (*filter)(struct request *rq, void *arg);
	void *arg;
	bool no_offload;		/* neither discard nor write-zeroes */
	/* All memory now, so that no write fails for want of it. */
	bool preallocate;
};

/* A registered disk (partitions are looked for, nodes appear).  Error pointer. */
struct ramdisk *ramdisk_create(const struct ramdisk_args *args);
/* As if it was pulled out: disk_remove(), and the content goes with the last holder. */
void ramdisk_destroy(struct ramdisk *rd);
/* Borrowed: lives until ramdisk_destroy(). */
struct block_device *ramdisk_device(struct ramdisk *rd);

/* Every @n-th request of the operations in @ops (bits of enum bio_op) ends with @error; 0: none. */
void ramdisk_fail_every(struct ramdisk *rd, unsigned int n, unsigned int ops, int error);
/* From now on requests are accepted and kept; and: serve those kept, and all that come. */
void ramdisk_hold(struct ramdisk *rd);
void ramdisk_resume(struct ramdisk *rd);
unsigned int ramdisk_nr_held(struct ramdisk *rd);
/*
 * What was written since the last flush is lost: all of it (@seed 0), or each sector by the toss of
 * a coin.  Nothing is in flight.
 */
void ramdisk_power_cut(struct ramdisk *rd, uint64_t seed);

#endif
