/* SPDX-License-Identifier: MIT */
/* Tests of flush sequences: their order, shared flushes, and what a power cut leaves. */
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "test.h"

static const struct ramdisk_args cached = { .nr_sectors = 256, .limits = { .has_cache = true } };
static const struct ramdisk_args cached_fua = {
	.nr_sectors = 256, .limits = { .has_cache = true, .has_fua = true },
};
static const struct ramdisk_args uncached = { .nr_sectors = 256 };

/* The operations that one write with @flags became: "W", "FW", "WF", "FWF", and "+" for FUA. */
static void check_sequence(const struct ramdisk_args *args, uint32_t flags, const char *expected)
{
	static const char letters[] = "RWFDZ";
	struct test_disk t;
	struct bio *bio;
	char seen[16] = "";
	size_t n = 0;

	if (!test_disk_open(&t, args))
		KSKIP("no memory for a disk");
	bio = test_bio(&t, BIO_WRITE, 0, 1);
	bio->flags = flags;
	KEXPECT_EQ(block_submit_wait(bio), 0);
	for (unsigned int i = 0; i < t.nr_log && n < sizeof(seen) - 2; i++) {
		seen[n++] = letters[t.log[i].op];
		if (t.log[i].flags & BIO_FUA)
			seen[n++] = '+';
	}
	seen[n] = '\0';
	KEXPECT_STREQ(seen, expected);
	test_bio_free(bio);
	test_disk_close(&t);
}

KTEST(block_flush, sequences)
{
	check_sequence(&cached, 0, "W");
	check_sequence(&cached, BIO_PREFLUSH, "FW");
	check_sequence(&cached, BIO_FUA, "WF");
	check_sequence(&cached, BIO_PREFLUSH | BIO_FUA, "FWF");
	check_sequence(&cached_fua, BIO_FUA, "W+");
	check_sequence(&cached_fua, BIO_PREFLUSH | BIO_FUA, "FW+");
	check_sequence(&uncached, BIO_PREFLUSH | BIO_FUA, "W");
}

static struct bio *flush_bio(struct test_disk *t, struct test_row *row)
{
	struct bio *bio = test_bio(t, BIO_FLUSH, 0, 0);

	bio->priv = row;
	bio->done = test_row_done;
	return bio;
}

KTEST(block_flush, waiting_flushes_are_one)
{
	struct test_disk t;
	struct test_row row;

	if (!test_disk_open(&t, &cached))
		KSKIP("no memory for a disk");
	ramdisk_hold(t.rd);
	test_row_init(&row, 9);
	for (unsigned int i = 0; i < 9; i++)
		block_submit(flush_bio(&t, &row));
	/* The first is on its way and cannot do for those that came after it. */
	KEXPECT_EQ(ramdisk_nr_held(t.rd), 1);
	ramdisk_resume(t.rd);
	test_row_wait(&row);
	KEXPECT_EQ(row.status, 0);
	KEXPECT_EQ(t.nr_log, 2);
	test_disk_close(&t);
}

KTEST(block_flush, failing_flushes_are_told_to_all)
{
	struct test_disk t;
	struct test_row row;
	struct bio *bio;

	if (!test_disk_open(&t, &cached))
		KSKIP("no memory for a disk");
	ramdisk_fail_every(t.rd, 1, 1u << BIO_FLUSH, -EIO);
	test_row_init(&row, 3);
	for (unsigned int i = 0; i < 3; i++)
		block_submit(flush_bio(&t, &row));
	test_row_wait(&row);
	KEXPECT_EQ(row.nr_failed, 3);
	/* A write whose flush before it failed does not happen. */
	t.nr_log = 0;
	bio = test_bio(&t, BIO_WRITE, 0, 1);
	bio->flags = BIO_PREFLUSH;
	KEXPECT_EQ(block_submit_wait(bio), -EIO);
	bio->flags = BIO_FUA;
	KEXPECT_EQ(block_submit_wait(bio), -EIO);
	test_bio_free(bio);
	test_disk_close(&t);
}

KTEST(block_flush, removal_ends_sequences)
{
	struct test_disk t;
	struct test_row row;

	if (!test_disk_open(&t, &cached))
		KSKIP("no memory for a disk");
	ramdisk_hold(t.rd);
	test_row_init(&row, 4);
	for (unsigned int i = 0; i < 4; i++)
		block_submit(flush_bio(&t, &row));
	test_disk_close(&t);
	test_row_wait(&row);
	KEXPECT_EQ(row.nr_failed, 4);
	KEXPECT_EQ(row.status, -ENODEV);
}

static int put_byte(struct test_disk *t, uint64_t sector, char byte, uint32_t flags)
{
	char *buf = kmalloc(512, 0);
	int err = -ENOMEM;

	if (buf) {
		memset(buf, byte, 512);
		err = block_write(t->dev, sector, buf, 512, flags);
	}
	kfree(buf);
	return err;
}

static int get_byte(struct test_disk *t, uint64_t sector)
{
	char *buf = kmalloc(512, 0);
	int byte = -1;

	if (buf && block_read(t->dev, sector, buf, 512) == 0)
		byte = buf[511];
	kfree(buf);
	return byte;
}

static void check_power_cut(const struct ramdisk_args *args)
{
	struct test_disk t;

	if (!test_disk_open(&t, args))
		KSKIP("no memory for a disk");
	KEXPECT_EQ(put_byte(&t, 0, 1, 0), 0);
	KEXPECT_EQ(put_byte(&t, 1, 1, 0), 0);
	KEXPECT_EQ(block_flush(t.dev), 0);
	KEXPECT_EQ(put_byte(&t, 0, 2, 0), 0);
	KEXPECT_EQ(put_byte(&t, 2, 2, 0), 0);
	KEXPECT_EQ(get_byte(&t, 0), 2);
	KEXPECT_EQ(put_byte(&t, 9, 2, BIO_FUA), 0);
	ramdisk_power_cut(t.rd, 0);
	KEXPECT_EQ(get_byte(&t, 1), 1);
	KEXPECT_EQ(get_byte(&t, 9), 2);
	/* Without FUA of its own the disk was flushed for sector 9, and the others with it. */
	KEXPECT_EQ(get_byte(&t, 0), args->limits.has_fua ? 1 : 2);
	KEXPECT_EQ(get_byte(&t, 2), args->limits.has_fua ? 0 : 2);
	test_disk_close(&t);
}

KTEST(block_flush, a_power_cut_loses_what_was_not_flushed)
{
	check_power_cut(&cached);
	check_power_cut(&cached_fua);
}
