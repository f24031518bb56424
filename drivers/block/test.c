/* SPDX-License-Identifier: MIT */
/* Support of the block core's tests: see test.h. */
#include "test.h"

#include <lib/assert.h>
#include <lib/err.h>
#include <mm/slab.h>

static int log_request(struct request *rq, void *arg)
{
	struct test_disk *t = arg;
	unsigned int i;

	if (__atomic_load_n(&t->nr_log, __ATOMIC_RELAXED) >= TEST_LOG)
		return 0;
	i = __atomic_fetch_add(&t->nr_log, 1, __ATOMIC_RELAXED);
	if (i < TEST_LOG)
		t->log[i] = (struct test_entry){ rq->op, rq->flags, rq->nr_sectors, rq->nr_segs,
						 rq->sector };
	return 0;
}

bool test_disk_open(struct test_disk *t, const struct ramdisk_args *args)
{
	struct ramdisk_args a = *args;

	t->log = kmalloc_array(TEST_LOG, sizeof(*t->log), 0);
	if (!t->log)
		return false;
	a.filter = log_request;
	a.arg = t;
	a.preallocate = true;
	t->rd = ramdisk_create(&a);
	if (IS_ERR(t->rd)) {
		kfree(t->log);
		return false;
	}
	t->dev = ramdisk_device(t->rd);
	t->nr_log = 0;
	return true;
}

void test_disk_close(struct test_disk *t)
{
	ramdisk_destroy(t->rd);
	kfree(t->log);
}

/* Pages of a larger block, every other one used, so that no two of them touch. */
struct bio *test_bio(struct test_disk *t, enum bio_op op, uint64_t sector, unsigned int pages)
{
	struct page *block = pages ? page_alloc(6, ALLOC_ZERO) : NULL;
	struct bio *bio = bio_alloc(32);

	ENSURE(bio && (block || !pages) && pages <= 32);
	bio->dev = t->dev;
	bio->op = op;
	bio->sector = sector;
	for (unsigned int i = 0; i < pages; i++)
		ENSURE(bio_add(bio, block + 2 * i, 0, PAGE_SIZE));
	return bio;
}

void test_bio_free(struct bio *bio)
{
	if (bio->nr_vecs)
		page_put(bio->vecs[0].page);
	bio_free(bio);
}

void test_row_init(struct test_row *row, unsigned int nr)
{
	completion_init(&row->all);
	row->left = nr;
	row->nr_failed = 0;
	row->status = 0;
}

void test_row_done(struct bio *bio)
{
	struct test_row *row = bio->priv;
	int status = bio->status;

	test_bio_free(bio);
	if (status) {
		row->status = status;
		__atomic_fetch_add(&row->nr_failed, 1, __ATOMIC_RELAXED);
	}
	if (__atomic_sub_fetch(&row->left, 1, __ATOMIC_ACQ_REL) == 0)
		completion_signal(&row->all);
}

void test_row_wait(struct test_row *row)
{
	completion_wait(&row->all);
}
