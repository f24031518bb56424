/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of iomap, the metadata buffers and the inode cache, on a RAM disk, with a file system
 * that is no more than a table of blocks per file in memory.
 */
#include <drivers/ramdisk.h>
#include <fs/bdev.h>
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/errseq.h>
#include <lib/ktest.h>
#include <mm/slab.h>

#include "../internal.h"
#include "internal.h"

#define DISK_SECTORS	8192u
#define FILE_BYTES	(160u << 10)	/* what random operations stay within */
#define DISK_BLOCK_0	16u		/* places below are nobody's */
#define NO_PLACE	UINT32_MAX

enum mode { MODE_DELALLOC = 1, MODE_UNWRITTEN = 2, MODE_SCATTER = 4 };

struct test_super {
	struct mutex lock;		/* class JOURNAL: everything here, and all files' tables */
	uint32_t nr_blocks, next, used, reserved;
	uint8_t *in_use;
	unsigned int mode, evicted;
	uint64_t seed;
};

struct test_inode {
	struct inode inode;
	uint32_t nr_blocks;
	struct { uint32_t place; bool reserved, unwritten; } *blocks;
};

static struct test_inode *ti_of(struct inode *inode)
{
	return container_of(inode, struct test_inode, inode);
}

/* The file system. */

static uint32_t take_block(struct test_super *ts)
{
	if (ts->mode & MODE_SCATTER && ktest_random(&ts->seed) % 3 == 0)
		ts->next = DISK_BLOCK_0 +
			   (uint32_t)(ktest_random(&ts->seed) % (ts->nr_blocks - DISK_BLOCK_0));
	for (uint32_t i = 0; i < ts->nr_blocks; i++) {
		uint32_t b = ts->next++;

		if (ts->next >= ts->nr_blocks)
			ts->next = DISK_BLOCK_0;
		if (!ts->in_use[b]) {
			ts->in_use[b] = 1;
			ts->used++;
			return b;
		}
	}
	return NO_PLACE;
}

static int give_place(struct test_super *ts, struct test_inode *ti, uint32_t i,
		      enum iomap_for what)
{
	bool is_new = ti->blocks[i].place == NO_PLACE;

	if (!is_new)
		return 0;
	if (what == IOMAP_RESERVE && ts->mode & MODE_DELALLOC) {
		if (!ti->blocks[i].reserved) {
			if (ts->used + ts->reserved >= ts->nr_blocks - DISK_BLOCK_0)
				return -ENOSPC;
			ti->blocks[i].reserved = true;
			ts->reserved++;
		}
		return 0;
	}
	if (what == IOMAP_ALLOCATE && ts->mode & MODE_DELALLOC && !ti->blocks[i].reserved)
		return -EUCLEAN;	/* a dirty page without a reservation */
	ti->blocks[i].place = take_block(ts);
	if (ti->blocks[i].place == NO_PLACE)
		return -ENOSPC;
	ti->blocks[i].unwritten = what == IOMAP_ALLOCATE && ts->mode & MODE_UNWRITTEN;
	if (ti->blocks[i].reserved)
		ts->reserved--;
	ti->blocks[i].reserved = false;
	return 1;
}

static enum iomap_type type_of(const struct test_inode *ti, uint32_t i)
{
	if (i >= ti->nr_blocks || (ti->blocks[i].place == NO_PLACE && !ti->blocks[i].reserved))
		return IOMAP_HOLE;
	if (ti->blocks[i].reserved)
		return IOMAP_DELALLOC;
	return ti->blocks[i].unwritten ? IOMAP_UNWRITTEN : IOMAP_MAPPED;
}

static int test_map(struct inode *inode, uint64_t pos, uint64_t len, enum iomap_for what,
		    struct iomap *out)
{
	struct test_super *ts = inode->sb->priv;
	struct test_inode *ti = ti_of(inode);
	uint32_t size = inode->sb->block_size, first = (uint32_t)(pos / size), i,
		 last = (uint32_t)((pos + len - 1) / size);
	int is_new = 0, n = 0;

	mutex_lock(&ts->lock);
	if (what == IOMAP_RESERVE || what == IOMAP_ALLOCATE) {
		is_new = last < ti->nr_blocks ? give_place(ts, ti, first, what) : -EFBIG;
		if (is_new < 0) {
			mutex_unlock(&ts->lock);
			return is_new;
		}
	}
	*out = (struct iomap){ .offset = (uint64_t)first * size, .type = type_of(ti, first),
			       .dev = inode->sb->bdev, .flags = is_new ? IOMAP_NEW : 0 };
	if (first < ti->nr_blocks)
		out->address = (uint64_t)ti->blocks[first].place * size;
	for (i = first + 1; i <= last; i++) {
		n = 0;
		if (what == IOMAP_RESERVE || what == IOMAP_ALLOCATE)
			n = give_place(ts, ti, i, what);
		if (n < 0 || n != is_new || type_of(ti, i) != out->type)
			break;
		if ((out->type == IOMAP_MAPPED || out->type == IOMAP_UNWRITTEN) &&
		    ti->blocks[i].place != ti->blocks[first].place + (i - first))
			break;
	}
	/* A block that became new without being told of would lose that. */
	if (i <= last && n == 1 && what == IOMAP_RESERVE) {
		ts->in_use[ti->blocks[i].place] = 0;
		ts->used--;
		ti->blocks[i].place = NO_PLACE;
	}
	out->length = (uint64_t)(i - first) * size;
	mutex_unlock(&ts->lock);
	return 0;
}

static int test_written(struct inode *inode, uint64_t pos, uint64_t len)
{
	struct test_super *ts = inode->sb->priv;
	uint32_t size = inode->sb->block_size;

	mutex_lock(&ts->lock);
	for (uint64_t i = pos / size; i * size < pos + len; i++)
		ti_of(inode)->blocks[i].unwritten = false;
	mutex_unlock(&ts->lock);
	return 0;
}

static const struct iomap_ops test_iomap_ops = { .map = test_map, .written = test_written };

static void free_blocks(struct inode *inode, uint64_t start, uint64_t end)
{
	struct test_super *ts = inode->sb->priv;
	struct test_inode *ti = ti_of(inode);
	uint32_t size = inode->sb->block_size;

	mutex_lock(&ts->lock);
	for (uint64_t i = DIV_ROUND_UP(start, size); i < ti->nr_blocks && (i + 1) * size <= end;
	     i++) {
		if (ti->blocks[i].place != NO_PLACE) {
			ts->in_use[ti->blocks[i].place] = 0;
			ts->used--;
		}
		if (ti->blocks[i].reserved)
			ts->reserved--;
		ti->blocks[i].place = NO_PLACE;
		ti->blocks[i].reserved = ti->blocks[i].unwritten = false;
	}
	mutex_unlock(&ts->lock);
}

static int test_truncate(struct inode *inode, uint64_t size)
{
	int err = iomap_truncate_begin(inode, size);

	if (err)
		return err;
	free_blocks(inode, size, UINT64_MAX);
	iomap_blocks_end(inode);
	return 0;
}

static int test_punch(struct inode *inode, uint64_t start, uint64_t end)
{
	int err = iomap_punch_begin(inode, start, end);

	if (err)
		return err;
	free_blocks(inode, start, end);
	iomap_blocks_end(inode);
	return 0;
}

static int test_fsync(struct file *f, int64_t start, int64_t end, bool data_only)
{
	int err = iomap_writeback_wait(f->inode, start, end), e = iomap_file_error(f);

	return err ? err : e;
}

static const struct file_ops test_file_ops = {
	.read = iomap_file_read, .write = iomap_file_write, .seek = iomap_seek,
	.fsync = test_fsync,
};

static struct inode *test_alloc_inode(struct super_block *sb)
{
	struct test_inode *ti = kzalloc(sizeof(*ti), 0);

	return ti ? &ti->inode : NULL;
}

static void test_free_inode(struct inode *inode)
{
	iomap_inode_fini(inode);
	kfree(ti_of(inode)->blocks);
	kfree(ti_of(inode));
}

static void test_evict(struct inode *inode)
{
	((struct test_super *)inode->sb->priv)->evicted++;
	free_blocks(inode, 0, UINT64_MAX);
}

static const struct super_ops test_super_ops = {
	.alloc_inode = test_alloc_inode, .free_inode = test_free_inode, .evict = test_evict,
};

static const struct inode_ops test_dir_ops = { .lookup = NULL };
static uint32_t fill_block_size;	/* of the superblock made next */

static int test_fill(struct super_block *sb, const struct mount_args *args)
{
	struct test_super *ts = kzalloc(sizeof(*ts), 0);
	struct inode *root;
	int err;

	if (!ts)
		return -ENOMEM;
	mutex_init(&ts->lock, JOURNAL);
	ts->nr_blocks = (uint32_t)((sb->bdev->nr_sectors << SECTOR_SHIFT) / fill_block_size);
	ts->next = DISK_BLOCK_0;
	ts->in_use = kzalloc(ts->nr_blocks, 0);
	sb->priv = ts;
	sb->block_size = fill_block_size;
	err = super_set_ops(sb, &test_super_ops);
	root = inode_create_cached(sb, 1);
	root->mode = S_IFDIR | 0755;
	root->ops = &test_dir_ops;
	inode_ready(root);
	sb->root = dentry_create_root(sb, root);
	return err;
}

static const struct fs_type test_type = { .name = "testfs", .flags = FS_NEEDS_DEVICE };

/* A file number @ino: a reference. */
static struct inode *test_file(struct super_block *sb, uint64_t ino)
{
	struct inode *inode = inode_get_cached(sb, ino);
	struct test_inode *ti;

	if (IS_ERR(inode) || !inode_is_new(inode))
		return inode;
	ti = ti_of(inode);
	inode->mode = S_IFREG | 0600;
	inode->fops = &test_file_ops;
	ti->nr_blocks = FILE_BYTES / sb->block_size;
	ti->blocks = kmalloc(ti->nr_blocks * sizeof(ti->blocks[0]), ALLOC_ZERO);
	for (uint32_t i = 0; i < ti->nr_blocks; i++)
		ti->blocks[i].place = NO_PLACE;
	if (iomap_inode_init(inode, &test_iomap_ops)) {
		inode_fail(inode);
		return ERR_PTR(-ENOMEM);
	}
	inode_ready(inode);
	return inode;
}

static struct file *test_open(struct inode *inode)
{
	struct file *f = file_alloc(&test_file_ops, NULL, O_RDWR);

	inode_ref(inode);
	f->inode = inode;
	f->write_error_seen = errseq_sample(&inode->mapping->write_error);
	return f;
}

struct fixture {
	struct ramdisk *rd;
	struct super_block *sb;
	uint8_t *model, *buf;
	uint64_t size;
};

static bool setup(struct fixture *x, uint32_t block_size)
{
	uint8_t *junk = kmalloc(1 << 16, 0);

	*x = (struct fixture){ .rd = ramdisk_create(&(struct ramdisk_args){
		.name = "ktest", .nr_sectors = DISK_SECTORS, .preallocate = true }) };
	if (IS_ERR(x->rd) || !junk)
		return false;
	/* What was never written must not be seen. */
	memset(junk, 0xa5, 1 << 16);
	for (uint64_t s = 0; s < DISK_SECTORS; s += 128)
		if (block_write(ramdisk_device(x->rd), s, junk, 1 << 16, 0))
			return false;
	kfree(junk);
	fill_block_size = block_size;
	x->sb = super_mount_device(&test_type,
				   &(struct mount_args){ .source = "ktest", .data = NULL },
				   test_fill);
	x->model = kvmalloc(FILE_BYTES, ALLOC_ZERO);
	x->buf = kvmalloc(FILE_BYTES, 0);
	return !IS_ERR(x->sb) && x->model && x->buf;
}

static void teardown(struct fixture *x)
{
	struct test_super *ts = x->sb->priv;

	super_put(x->sb);
	KEXPECT_EQ(ts->used, 0);
	KEXPECT_EQ(ts->reserved, 0);
	kfree(ts->in_use);
	kfree(ts);
	kvfree(x->model);
	kvfree(x->buf);
	ramdisk_destroy(x->rd);
}

/* Random operations against the model. */

static int do_write(struct fixture *x, struct file *f, uint64_t pos, uint64_t len, uint64_t seed)
{
	int64_t at = (int64_t)pos;

	for (uint64_t i = 0; i < len; i++)
		x->model[pos + i] = (uint8_t)(ktest_random(&seed) | 1);
	x->size = max(x->size, pos + len);
	return file_write_kernel(f, x->model + pos, len, &at) != (ssize_t)len;
}

/* As a store through a mapping does it. */
static int do_store(struct fixture *x, struct inode *inode, uint64_t pos, uint8_t value)
{
	struct memobj *o = inode->mapping;
	struct page *p;
	int err;

	if (pos >= x->size)
		return 0;
	p = memobj_get_page(o, pos >> PAGE_SHIFT);
	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	err = o->ops->make_writable(o, p);
	if (!err) {
		page_mark_dirty(p);
		((uint8_t *)page_to_virt(p))[pos & ~PAGE_MASK] = value;
		x->model[pos] = value;
	}
	page_put(p);
	return err;
}

static bool compare(struct fixture *x, struct file *f, uint64_t pos, uint64_t len)
{
	uint64_t n = pos < x->size ? min(len, x->size - pos) : 0;
	int64_t at = (int64_t)pos;
	ssize_t got;

	memset(x->buf, 0x5a, FILE_BYTES);
	got = len ? file_read_kernel(f, x->buf, len, &at) : 0;
	if (got != (ssize_t)n) {
		ktest_note("read of %llu at %llu gave %lld, not %llu", (unsigned long long)len,
			   (unsigned long long)pos, (long long)got, (unsigned long long)n);
		return false;
	}
	for (uint64_t i = 0; i < n; i++) {
		if (x->buf[i] != x->model[pos + i]) {
			ktest_note("byte %llu is %#x, not %#x (size %llu)",
				   (unsigned long long)(pos + i), x->buf[i], x->model[pos + i],
				   (unsigned long long)x->size);
			return false;
		}
	}
	return true;
}

/* What SEEK_HOLE calls a hole reads as zeros. */
static bool check_holes(struct fixture *x, struct file *f)
{
	int64_t hole = iomap_seek(f, 0, SEEK_HOLE), data;

	while (hole >= 0 && hole < (int64_t)x->size) {
		data = iomap_seek(f, hole, SEEK_DATA);
		if (data == -ENXIO)
			data = (int64_t)x->size;
		for (int64_t i = hole; i < data; i++)
			if (x->model[i])
				return false;
		if (data >= (int64_t)x->size)
			break;
		hole = iomap_seek(f, data, SEEK_HOLE);
	}
	return hole >= 0 || (hole == -ENXIO && !x->size);
}

static bool random_step(struct fixture *x, struct file *f, uint64_t *seed)
{
	struct inode *inode = f->inode;
	uint64_t r = ktest_random(seed), a = r % FILE_BYTES,
		 b = ktest_random(seed) % (r & 1 << 20 ? FILE_BYTES : 6000);
	int err = 0;

	b = min(b, FILE_BYTES - a);
	switch (r >> 32 & 15) {
	case 0: case 1: case 2: case 3:
		err = b ? do_write(x, f, a, b, r) : 0;
		break;
	case 4: case 5:
		return compare(x, f, a, b);
	case 6:
		rwsem_lock_write(&inode->lock);
		err = test_truncate(inode, a);
		rwsem_unlock_write(&inode->lock);
		if (a < x->size)
			memset(x->model + a, 0, x->size - a);
		x->size = a;
		break;
	case 7:
		rwsem_lock_write(&inode->lock);
		err = test_punch(inode, a, a + b);
		rwsem_unlock_write(&inode->lock);
		if (a < x->size)
			memset(x->model + a, 0, min(b, x->size - a));
		break;
	case 8:
		rwsem_lock_write(&inode->lock);
		err = a < x->size ? iomap_zero(inode, a, min(a + b, x->size)) : 0;
		rwsem_unlock_write(&inode->lock);
		if (a < x->size)
			memset(x->model + a, 0, min(b, x->size - a));
		break;
	case 9: case 10: case 11:
		err = do_store(x, inode, a, (uint8_t)r | 1);
		break;
	case 12:
		err = iomap_writeback_wait(inode, (int64_t)a, (int64_t)(a + b + 1));
		break;
	case 13:
		err = iomap_writeback_wait(inode, 0, INT64_MAX);
		memobj_drop_clean(inode->mapping, 0, UINT64_MAX);
		break;
	case 14:
		err = x->sb->priv && ((struct test_super *)x->sb->priv)->mode & MODE_UNWRITTEN ?
			0 : iomap_write_mapped(inode);
		break;
	case 15:
		return check_holes(x, f);
	}
	if (err)
		ktest_note("operation %llu failed: %d", (unsigned long long)(r >> 32 & 15), err);
	return !err && inode->size == (int64_t)x->size;
}

static void random_run(uint32_t block_size, unsigned int mode, uint64_t seed)
{
	struct fixture x;
	struct inode *inode;
	struct file *f;

	KASSERT_TRUE(setup(&x, block_size));
	((struct test_super *)x.sb->priv)->mode = mode;
	inode = test_file(x.sb, 7);
	KASSERT_FALSE(IS_ERR(inode));
	f = test_open(inode);
	for (unsigned int i = 0; i < 1500; i++) {
		if (!random_step(&x, f, &seed)) {
			ktest_fail(__FILE__, __LINE__, "step %u, blocks of %u, mode %u", i,
				   block_size, mode);
			break;
		}
	}
	KEXPECT_TRUE(compare(&x, f, 0, FILE_BYTES));
	KEXPECT_EQ(test_fsync(f, 0, INT64_MAX, false), 0);
	memobj_drop_clean(inode->mapping, 0, UINT64_MAX);
	KEXPECT_EQ(inode->mapping->nr_pages, 0);
	KEXPECT_TRUE(compare(&x, f, 0, FILE_BYTES));
	file_put(f);
	inode->nlink = 0;
	inode_put(inode);
	teardown(&x);
}

KTEST(iomap, random_4k_at_once) { random_run(4096, 0, 1); }
KTEST(iomap, random_4k_delalloc) { random_run(4096, MODE_DELALLOC | MODE_SCATTER, 2); }
KTEST(iomap, random_4k_unwritten) { random_run(4096, MODE_DELALLOC | MODE_UNWRITTEN, 3); }
KTEST(iomap, random_2k_delalloc) { random_run(2048, MODE_DELALLOC | MODE_SCATTER, 4); }
KTEST(iomap, random_1k_at_once) { random_run(1024, MODE_SCATTER, 5); }
KTEST(iomap, random_1k_delalloc) { random_run(1024, MODE_DELALLOC | MODE_SCATTER, 6); }
KTEST(iomap, random_1k_unwritten)
{
	random_run(1024, MODE_DELALLOC | MODE_UNWRITTEN | MODE_SCATTER, 7);
}

KTEST(iomap, errors_are_told_once)
{
	struct file *f, *g, *late;
	struct inode *inode;
	struct fixture x;
	int64_t at = 0;

	KASSERT_TRUE(setup(&x, 4096));
	inode = test_file(x.sb, 7);
	f = test_open(inode);
	g = test_open(inode);
	KEXPECT_EQ(file_write_kernel(f, "hello", 5, &at), 5);
	ramdisk_fail_every(x.rd, 1, 1u << BIO_WRITE, -EIO);
	KEXPECT_EQ(test_fsync(f, 0, INT64_MAX, false), -EIO);
	ramdisk_fail_every(x.rd, 0, 0, 0);
	KEXPECT_EQ(test_fsync(f, 0, INT64_MAX, false), 0);
	late = test_open(inode);
	KEXPECT_EQ(test_fsync(late, 0, INT64_MAX, false), 0);
	KEXPECT_EQ(test_fsync(g, 0, INT64_MAX, false), -EIO);
	KEXPECT_EQ(test_fsync(g, 0, INT64_MAX, false), 0);
	file_put(f);
	file_put(g);
	file_put(late);
	inode->nlink = 0;
	inode_put(inode);
	teardown(&x);
}

KTEST(iomap, full_disk_says_so)
{
	struct inode *inode[40];
	struct fixture x;
	bool full = false;

	KASSERT_TRUE(setup(&x, 4096));
	((struct test_super *)x.sb->priv)->mode = MODE_DELALLOC;
	for (unsigned int i = 0; i < ARRAY_SIZE(inode); i++) {
		struct file *f;
		int64_t at = 0;
		ssize_t n;

		inode[i] = test_file(x.sb, 10 + i);
		f = test_open(inode[i]);
		n = file_write_kernel(f, x.model, FILE_BYTES, &at);
		full |= n < (ssize_t)FILE_BYTES;
		KEXPECT_TRUE(n == (ssize_t)FILE_BYTES || full);
		KEXPECT_TRUE(n > 0 || n == -ENOSPC);
		KEXPECT_EQ(test_fsync(f, 0, INT64_MAX, false), 0);
		file_put(f);
	}
	KEXPECT_TRUE(full);
	for (unsigned int i = 0; i < ARRAY_SIZE(inode); i++) {
		inode[i]->nlink = 0;
		inode_put(inode[i]);
	}
	teardown(&x);
}

KTEST(iomap, writeback_comes_by_itself)
{
	struct inode *inode;
	struct fixture x;
	struct file *f;
	int64_t at = 0, end;

	KASSERT_TRUE(setup(&x, 4096));
	inode = test_file(x.sb, 7);
	f = test_open(inode);
	KEXPECT_EQ(file_write_kernel(f, "hello", 5, &at), 5);
	KEXPECT_TRUE(inode->state & INODE_DIRTY_PAGES);
	KEXPECT_EQ(super_sync(x.sb, true), 0);
	KEXPECT_FALSE(memobj_is_dirty(inode->mapping));
	for (end = clock_deadline(10 * NSEC_PER_SEC);
	     inode->state & INODE_DIRTY_ANY && clock_ns() < end; )
		sleep_ns(NSEC_PER_MSEC);
	KEXPECT_FALSE(inode->state & INODE_DIRTY_ANY);
	file_put(f);
	inode->nlink = 0;
	inode_put(inode);
	teardown(&x);
}

/* Inodes by number. */

KTEST(icache, finds_keeps_and_lets_go)
{
	struct inode *a, *b;
	struct test_super *ts;
	struct fixture x;

	KASSERT_TRUE(setup(&x, 4096));
	ts = x.sb->priv;
	a = test_file(x.sb, 7);
	KASSERT_FALSE(IS_ERR(a));
	b = inode_get_cached(x.sb, 7);
	KEXPECT_PTR_EQ(a, b);
	KEXPECT_NULL(inode_find_get(x.sb, 8));
	KEXPECT_EQ(PTR_ERR(inode_create_cached(x.sb, 7)), -EEXIST);
	inode_put(a);
	inode_put(b);
	b = inode_find_get(x.sb, 7);
	KEXPECT_PTR_EQ(a, b);
	KEXPECT_EQ(ts->evicted, 0);
	b->nlink = 0;
	inode_put(b);
	KEXPECT_EQ(ts->evicted, 1);
	KEXPECT_NULL(inode_find_get(x.sb, 7));
	a = inode_get_cached(x.sb, 9);
	KEXPECT_TRUE(inode_is_new(a));
	inode_fail(a);
	KEXPECT_EQ(ts->evicted, 1);
	KEXPECT_NULL(inode_find_get(x.sb, 9));
	teardown(&x);
}

KTEST(icache, a_device_is_mounted_once)
{
	struct super_block *again;
	struct fixture x;

	KASSERT_TRUE(setup(&x, 4096));
	again = super_mount_device(&test_type, &(struct mount_args){ .source = "ktest" },
				   test_fill);
	KEXPECT_PTR_EQ(again, x.sb);
	KEXPECT_EQ(PTR_ERR(super_mount_device(&test_type,
		&(struct mount_args){ .source = "ktest", .flags = 1 }, test_fill)), -EBUSY);
	KEXPECT_EQ(PTR_ERR(bdev_open("ktest", &x, true)), -EBUSY);
	super_put(again);
	teardown(&x);
}

/* Buffers. */

static bool block_is(struct ramdisk *rd, uint64_t sector, size_t len, uint8_t value)
{
	uint8_t *buf = kmalloc(len, 0);
	bool same = buf && !block_read(ramdisk_device(rd), sector, buf, len);

	for (size_t i = 0; same && i < len; i++)
		same = buf[i] == value;
	kfree(buf);
	return same;
}

static void buffers_run(uint32_t size)
{
	struct ramdisk *rd = ramdisk_create(&(struct ramdisk_args){
		.name = "ktest", .nr_sectors = 1024, .preallocate = true });
	struct block_device *dev;
	struct buf_cache *c;
	struct buf *b, *again;
	uint64_t per = size / SECTOR_SIZE;

	KASSERT_FALSE(IS_ERR(rd));
	dev = bdev_open("ktest", rd, true);
	KASSERT_FALSE(IS_ERR(dev));
	c = buf_cache_create(dev, size);
	b = buf_get(c, 5);
	again = buf_get(c, 5);
	KEXPECT_PTR_EQ(b, again);
	buf_put(again);
	buf_put(b);			/* never filled: the disk's content counts */
	b = buf_read(c, 5);
	KEXPECT_TRUE(buf_has(b, BUF_UPTODATE));
	KEXPECT_EQ(*(uint8_t *)b->data, 0);
	buf_lock(b);
	memset(b->data, 0x11, size);
	buf_mark_dirty(b);
	buf_unlock(b);
	buf_pin(b);
	KEXPECT_EQ(buf_cache_sync(c), 0);
	KEXPECT_TRUE(block_is(rd, 5 * per, size, 0));
	buf_unpin(b);
	KEXPECT_EQ(buf_cache_sync(c), 0);
	KEXPECT_TRUE(block_is(rd, 5 * per, size, 0x11));
	ramdisk_fail_every(rd, 1, 1u << BIO_WRITE, -EIO);
	buf_lock(b);
	memset(b->data, 0x22, size);
	buf_mark_dirty(b);
	buf_write_start(b, 0);
	buf_unlock(b);
	KEXPECT_EQ(buf_write_wait(b), -EIO);
	ramdisk_fail_every(rd, 0, 0, 0);
	KEXPECT_EQ(buf_cache_sync(c), -EIO);
	buf_lock(b);
	buf_write_start(b, BIO_FUA);
	buf_unlock(b);
	KEXPECT_EQ(buf_write_wait(b), 0);
	KEXPECT_TRUE(block_is(rd, 5 * per, size, 0x22));
	buf_lock(b);
	memset(b->data, 0x33, size);
	buf_mark_dirty(b);
	buf_unlock(b);
	buf_forget(b);
	KEXPECT_EQ(buf_cache_sync(c), 0);
	KEXPECT_TRUE(block_is(rd, 5 * per, size, 0x22));
	buf_put(b);
	KEXPECT_EQ(PTR_ERR(buf_read(c, 1024 / per)), -EIO);
	buf_readahead(c, 20, 4);
	b = buf_read(c, 21);
	KEXPECT_FALSE(IS_ERR(b));
	buf_put(b);
	buf_cache_destroy(c);
	bdev_close(dev, rd);
	ramdisk_destroy(rd);
}

KTEST(buffer, whole_pages) { buffers_run(4096); }
KTEST(buffer, parts_of_pages) { buffers_run(1024); }
