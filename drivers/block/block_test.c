/* SPDX-License-Identifier: MIT */
/* Tests of the block core on RAM disks: splitting, merging, limits, errors, removal, time-outs. */
#include <drivers/disk.h>
#include <drivers/ramdisk.h>
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "test.h"

KTEST(block, read_gives_what_write_took)
{
	struct test_disk t;
	char *a, *b;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 256 }))
		KSKIP("no memory for a disk");
	a = kmalloc(8192, 0);
	b = kzalloc(8192, 0);
	for (unsigned int i = 0; a && i < 8192; i++)
		a[i] = (char)(i * 7 + i / 512);
	KEXPECT_EQ(block_write(t.dev, 3, a, 8192, 0), 0);
	KEXPECT_EQ(block_read(t.dev, 3, b, 8192), 0);
	KEXPECT_MEMEQ(a, b, 8192);
	/* Memory that no device may be told: unaligned, and of the image. */
	KEXPECT_EQ(block_write(t.dev, 50, a + 1, 1024, BIO_FUA), 0);
	KEXPECT_EQ(block_read(t.dev, 50, b + 3, 1024), 0);
	KEXPECT_MEMEQ(a + 1, b + 3, 1024);
	KEXPECT_EQ(block_flush(t.dev), 0);
	kfree(a);
	kfree(b);
	test_disk_close(&t);
}

KTEST(block, long_bios_are_split)
{
	struct test_disk t;
	struct bio *bio;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024,
							.limits = { .max_sectors = 24 } }))
		KSKIP("no memory for a disk");
	bio = test_bio(&t, BIO_WRITE, 8, 16);	/* 128 sectors */
	KEXPECT_EQ(block_submit_wait(bio), 0);
	KEXPECT_EQ(t.nr_log, 6);
	for (unsigned int i = 0; i < t.nr_log; i++) {
		KEXPECT_EQ(t.log[i].sector, 8 + 24 * i);
		KEXPECT_EQ(t.log[i].nr_sectors, i < 5 ? 24 : 8);
		KEXPECT_EQ(t.log[i].nr_segs, i < 5 ? 3 : 1);
	}
	test_bio_free(bio);
	test_disk_close(&t);
}

KTEST(block, few_segments_split_too)
{
	struct test_disk t;
	struct bio *bio;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024,
				.limits = { .max_segments = 3, .max_segment_size = 1024 } }))
		KSKIP("no memory for a disk");
	bio = test_bio(&t, BIO_WRITE, 0, 4);
	KEXPECT_EQ(block_submit_wait(bio), 0);
	for (unsigned int i = 0; i < t.nr_log; i++)
		KEXPECT_LE(t.log[i].nr_segs, 3);
	KEXPECT_GE(t.nr_log, 6);
	test_bio_free(bio);
	test_disk_close(&t);
}

KTEST(block, pieces_with_gaps_are_split)
{
	struct test_disk t;
	struct bio *bio;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024,
							.limits = { .gap_size = 4096 } }))
		KSKIP("no memory for a disk");
	bio = test_bio(&t, BIO_WRITE, 0, 3);
	/* 1024 bytes at the page's end, a whole page, and a page's beginning: one request. */
	bio->vecs[0].offset = 3072;
	bio->vecs[0].len = 1024;
	bio->vecs[2].len = 512;
	bio->nr_sectors = 2 + 8 + 1;
	KEXPECT_EQ(block_submit_wait(bio), 0);
	KEXPECT_EQ(t.nr_log, 1);
	/* A hole in the middle. */
	bio->vecs[1].offset = 512;
	bio->vecs[1].len = 512;
	bio->nr_sectors = 2 + 1 + 1;
	t.nr_log = 0;
	KEXPECT_EQ(block_submit_wait(bio), 0);
	KEXPECT_EQ(t.nr_log, 3);
	test_bio_free(bio);
	test_disk_close(&t);
}

static void submit_row(struct test_disk *t, struct test_row *row, unsigned int nr, uint32_t step)
{
	test_row_init(row, nr);
	for (unsigned int i = 0; i < nr; i++) {
		struct bio *bio = test_bio(t, BIO_WRITE, i * step, 1);

		bio->priv = row;
		bio->done = test_row_done;
		block_submit(bio);
	}
}

KTEST(block, plugged_neighbours_merge)
{
	struct test_disk t;
	struct block_plug plug;
	struct test_row row;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024 }))
		KSKIP("no memory for a disk");
	block_plug_start(&plug);
	submit_row(&t, &row, 20, 8);
	KEXPECT_EQ(t.nr_log, 0);
	block_plug_finish(&plug);
	test_row_wait(&row);
	KEXPECT_EQ(row.status, 0);
	KEXPECT_EQ(t.nr_log, 1);
	KEXPECT_EQ(t.log[0].nr_sectors, 160);
	/* With a gap between them they do not. */
	t.nr_log = 0;
	block_plug_start(&plug);
	submit_row(&t, &row, 4, 16);
	block_plug_finish(&plug);
	test_row_wait(&row);
	KEXPECT_EQ(t.nr_log, 4);
	test_disk_close(&t);
}

KTEST(block, sleeping_sends_the_plug)
{
	struct test_disk t;
	struct block_plug plug;
	struct test_row row;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024 }))
		KSKIP("no memory for a disk");
	block_plug_start(&plug);
	submit_row(&t, &row, 3, 8);
	sleep_ns(NSEC_PER_MSEC);
	KEXPECT_EQ(t.nr_log, 1);
	submit_row(&t, &row, 3, 8);
	test_row_wait(&row);
	block_plug_finish(&plug);
	KEXPECT_EQ(t.nr_log, 2);
	test_disk_close(&t);
}

KTEST(block, waiting_bios_get_tags_later)
{
	struct test_disk t;
	struct test_row row;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024, .nr_queues = 1,
							.queue_depth = 2 }))
		KSKIP("no memory for a disk");
	ramdisk_hold(t.rd);
	submit_row(&t, &row, 30, 16);
	KEXPECT_EQ(ramdisk_nr_held(t.rd), 2);
	ramdisk_resume(t.rd);
	test_row_wait(&row);
	KEXPECT_EQ(row.status, 0);
	KEXPECT_EQ(t.nr_log, 30);
	test_disk_close(&t);
}

KTEST(block, senseless_bios_are_refused)
{
	struct ramdisk_args a = { .nr_sectors = 64, .limits = { .logical_size = 4096 },
				  .no_offload = true };
	struct test_disk t;
	char *buf = kzalloc(8192, 0);

	if (!buf || !test_disk_open(&t, &a))
		KSKIP("no memory for a disk");
	KEXPECT_EQ(block_read(t.dev, 64, buf, 4096), -EIO);
	KEXPECT_EQ(block_read(t.dev, 56, buf, 8192), -EIO);
	KEXPECT_EQ(block_read(t.dev, ~0ULL - 7, buf, 8192), -EIO);
	KEXPECT_EQ(block_read(t.dev, 1, buf, 4096), -EINVAL);
	KEXPECT_EQ(block_read(t.dev, 0, buf, 512), -EINVAL);
	KEXPECT_EQ(block_discard(t.dev, 0, 8), -EOPNOTSUPP);
	t.dev->is_read_only = true;
	KEXPECT_EQ(block_write(t.dev, 0, buf, 4096, 0), -EROFS);
	KEXPECT_EQ(block_read(t.dev, 0, buf, 4096), 0);
	test_disk_close(&t);
	kfree(buf);
}

KTEST(block, zeroes_without_the_command)
{
	struct test_disk t;
	char *buf = kmalloc(4096, 0);
	uint32_t sum = 0;

	if (!buf || !test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 4096,
								.no_offload = true }))
		KSKIP("no memory for a disk");
	memset(buf, 0x55, 4096);
	for (unsigned int s = 0; s < 4096; s += 8)
		KEXPECT_EQ(block_write(t.dev, s, buf, 4096, 0), 0);
	t.nr_log = 0;
	KEXPECT_EQ(block_write_zeroes(t.dev, 3, 4000), 0);
	KEXPECT_GT(t.nr_log, 1);
	KEXPECT_EQ(t.log[0].op, BIO_WRITE);
	KEXPECT_EQ(block_read(t.dev, 0, buf, 4096), 0);
	KEXPECT_EQ(buf[3 * 512 - 1], 0x55);
	for (unsigned int i = 3 * 512; i < 4096; i++)
		sum += (uint8_t)buf[i];
	KEXPECT_EQ(block_read(t.dev, 4000, buf, 2048), 0);
	KEXPECT_EQ(buf[0], 0);
	KEXPECT_EQ(buf[3 * 512 - 1], 0);
	KEXPECT_EQ(buf[3 * 512], 0x55);
	KEXPECT_EQ(sum, 0);
	test_disk_close(&t);
	kfree(buf);
}

KTEST(block, errors_reach_the_submitter)
{
	struct test_disk t;
	char *buf = kzalloc(512, 0);
	unsigned int failed = 0;

	if (!buf || !test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 64 }))
		KSKIP("no memory for a disk");
	ramdisk_fail_every(t.rd, 3, 1u << BIO_READ, -EIO);
	for (unsigned int i = 0; i < 9; i++) {
		failed += block_read(t.dev, i, buf, 512) == -EIO;
		KEXPECT_EQ(block_write(t.dev, i, buf, 512, 0), 0);
	}
	KEXPECT_EQ(failed, 3);
	test_disk_close(&t);
	kfree(buf);
}

/* One failing part of a split bio fails it, once. */
KTEST(block, a_failing_part_fails_the_whole)
{
	struct test_disk t;
	struct bio *bio;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024,
							.limits = { .max_sectors = 8 } }))
		KSKIP("no memory for a disk");
	bio = test_bio(&t, BIO_WRITE, 0, 16);
	ramdisk_fail_every(t.rd, 7, 1u << BIO_WRITE, -ENOSPC);
	KEXPECT_EQ(block_submit_wait(bio), -ENOSPC);
	KEXPECT_EQ(t.nr_log, 16);
	test_bio_free(bio);
	test_disk_close(&t);
}

KTEST(block, removal_ends_what_is_in_flight)
{
	struct test_disk t;
	struct test_row row;
	char *buf = kzalloc(512, 0);

	if (!buf || !test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 1024, .nr_queues = 1,
								.queue_depth = 2 }))
		KSKIP("no memory for a disk");
	block_ref(t.dev);
	ramdisk_hold(t.rd);
	submit_row(&t, &row, 6, 16);
	ramdisk_destroy(t.rd);
	test_row_wait(&row);
	KEXPECT_EQ(row.status, -ENODEV);
	KEXPECT_EQ(row.nr_failed, 6);
	KEXPECT_TRUE(block_is_gone(t.dev));
	KEXPECT_EQ(block_read(t.dev, 0, buf, 512), -ENODEV);
	KEXPECT_NULL(block_find_get_by_name(t.dev->name));
	block_put(t.dev);
	kfree(buf);
}

KTEST(block, late_requests_time_out)
{
	struct ramdisk_args a = { .nr_sectors = 64, .timeout_ns = 20 * NSEC_PER_MSEC };
	struct test_disk t;
	char *buf = kzalloc(512, 0);

	if (!buf || !test_disk_open(&t, &a))
		KSKIP("no memory for a disk");
	ramdisk_hold(t.rd);
	KEXPECT_EQ(block_read(t.dev, 0, buf, 512), -ETIMEDOUT);
	KEXPECT_EQ(block_write(t.dev, 0, buf, 512, 0), -ETIMEDOUT);
	ramdisk_resume(t.rd);
	KEXPECT_EQ(block_read(t.dev, 0, buf, 512), 0);
	test_disk_close(&t);
	kfree(buf);
}

static void chain_next(struct bio *bio)
{
	struct test_row *row = bio->priv;

	if (bio->status || --row->left == 0) {
		row->status = bio->status;
		completion_signal(&row->all);
		return;
	}
	block_submit(bio);
}

/* Each done() starts the next: the stack must not grow with it. */
KTEST(block, chains_do_not_eat_the_stack)
{
	struct test_disk t;
	struct test_row row;
	struct bio *bio;

	if (!test_disk_open(&t, &(struct ramdisk_args){ .nr_sectors = 64 }))
		KSKIP("no memory for a disk");
	t.nr_log = TEST_LOG;		/* no more of it */
	bio = test_bio(&t, BIO_WRITE, 0, 1);
	test_row_init(&row, 5000);
	bio->priv = &row;
	bio->done = chain_next;
	block_submit(bio);
	completion_wait(&row.all);
	KEXPECT_EQ(row.left, 0);
	KEXPECT_EQ(row.status, 0);
	test_bio_free(bio);
	test_disk_close(&t);
}

static int always_busy(struct request *rq, void *arg)
{
	unsigned int *left = arg;

	(void)rq;
	if (!*left)
		return 0;
	(*left)--;
	return -EBUSY;
}

KTEST(block, busy_drivers_are_asked_again)
{
	unsigned int left = 3;
	struct ramdisk *rd;
	char *buf = kzalloc(512, 0);

	/* The look for partitions comes first and meets the same. */
	rd = ramdisk_create(&(struct ramdisk_args){ .nr_sectors = 64, .filter = always_busy,
						    .arg = &left });
	if (!buf || IS_ERR(rd))
		KSKIP("no memory for a disk");
	KEXPECT_EQ(left, 0);
	left = 2;
	KEXPECT_EQ(block_read(ramdisk_device(rd), 0, buf, 512), 0);
	KEXPECT_EQ(left, 0);
	ramdisk_destroy(rd);
	kfree(buf);
}

/* One partition of type 0x83 at [8, 40); or an empty table. */
static int write_table(struct block_device *dev, char *buf, bool has_partition)
{
	memset(buf, 0, 512);
	buf[510] = 0x55;
	buf[511] = (char)0xaa;
	if (has_partition) {
		buf[446 + 4] = (char)0x83;
		put_le32(buf + 446 + 8, 8);
		put_le32(buf + 446 + 12, 32);
	}
	return block_write(dev, 0, buf, 512, 0);
}

static void check_partition(struct test_disk *t, struct block_device *part, char *buf)
{
	KEXPECT_EQ(part->part, 1);
	KEXPECT_EQ(part->start, 8);
	KEXPECT_EQ(part->nr_sectors, 32);
	KEXPECT_STREQ(part->part_type, "0x83");
	KEXPECT_PTR_EQ(block_whole(part), t->dev);
	memset(buf, 0x77, 512);
	KEXPECT_EQ(block_write(part, 3, buf, 512, 0), 0);
	KEXPECT_EQ(block_read(t->dev, 11, buf, 512), 0);
	KEXPECT_EQ(buf[100], 0x77);
	KEXPECT_EQ(block_read(part, 32, buf, 512), -EIO);
	KEXPECT_EQ(block_rescan(part), -EINVAL);
	/* In use: the table may not be read anew. */
	atomic_inc(&part->opens);
	KEXPECT_EQ(block_rescan(t->dev), -EBUSY);
	KEXPECT_EQ(block_part_remove(t->dev, 1), -EBUSY);
	atomic_dec(&part->opens);
}

KTEST(block, partitions_come_and_go)
{
	struct block_device *part;
	struct test_disk t;
	char *buf = kmalloc(512, 0);

	if (!buf || !test_disk_open(&t, &(struct ramdisk_args){ .name = "ktpart",
								.nr_sectors = 256 }))
		KSKIP("no memory for a disk");
	KEXPECT_EQ(write_table(t.dev, buf, true), 0);
	KEXPECT_EQ(block_rescan(t.dev), 0);
	part = block_find_get_by_name("/dev/ktpart1");
	KEXPECT_NOT_NULL(part);
	if (part) {
		check_partition(&t, part, buf);
		KEXPECT_EQ(write_table(t.dev, buf, false), 0);
		KEXPECT_EQ(block_rescan(t.dev), 0);
		KEXPECT_NULL(block_find_get_by_name("ktpart1"));
		KEXPECT_EQ(block_read(part, 0, buf, 512), -ENODEV);
		block_put(part);
	}
	KEXPECT_EQ(block_part_add(t.dev, 3, 100, 20), 0);
	KEXPECT_EQ(block_part_add(t.dev, 4, 110, 20), -EBUSY);
	KEXPECT_EQ(block_part_add(t.dev, 4, 250, 20), -EINVAL);
	KEXPECT_EQ(block_part_remove(t.dev, 4), -ENXIO);
	KEXPECT_EQ(block_part_remove(t.dev, 3), 0);
	test_disk_close(&t);
	kfree(buf);
}
