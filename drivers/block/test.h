/* SPDX-License-Identifier: MIT */
/* What the tests of the block core share: RAM disks that log their requests, rows of bios. */
#ifndef DRIVERS_BLOCK_TEST_H
#define DRIVERS_BLOCK_TEST_H

#include <drivers/disk.h>
#include <drivers/ramdisk.h>
#include <kernel/waitq.h>

#define TEST_LOG 128

struct test_entry {
	enum bio_op op;
	uint32_t flags, nr_sectors, nr_segs;
	uint64_t sector;
};

struct test_disk {
	struct ramdisk *rd;
	struct block_device *dev;
	unsigned int nr_log;		/* [A] */
	struct test_entry *log;
};

/* Bios that end together. */
struct test_row {
	struct completion all;
	unsigned int left, nr_failed;	/* [A] */
	int status;			/* of one that failed */
};

/* False: out of memory.  args->filter is ours. */
bool test_disk_open(struct test_disk *t, const struct ramdisk_args *args);
void test_disk_close(struct test_disk *t);
/* A bio over @pages pages of its own, which are not neighbours in memory. */
struct bio *test_bio(struct test_disk *t, enum bio_op op, uint64_t sector, unsigned int pages);
void test_bio_free(struct bio *bio);
void test_row_init(struct test_row *row, unsigned int nr);
/* A bio's done(): counts in the row at bio->priv, and frees it. */
void test_row_done(struct bio *bio);
void test_row_wait(struct test_row *row);

#endif
