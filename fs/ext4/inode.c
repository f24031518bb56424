/* SPDX-License-Identifier: MIT */
/*
 * Inodes: read, written, evicted; attributes; fsync.
 */
#include <kernel/clock.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "ext4.h"
#include "glue.h"

/* A time needs the seconds' upper bits and nanoseconds when the inode has room for them. */
static int64_t time_get(le32_t seconds, const le32_t *extra)
{
	int64_t s = (int32_t)le32_to_cpu(seconds);
	uint32_t e = extra ? le32_to_cpu(*extra) : 0;

	s += (int64_t)(e & 3) << 32;
	s = min(s, INT64_MAX / NSEC_PER_SEC - 1);	/* the year 2262 */
	return s * NSEC_PER_SEC + min(e >> 2, 999999999u);
}

static void time_put(int64_t ns, le32_t *seconds, le32_t *extra)
{
	int64_t s = ns / NSEC_PER_SEC;
	int64_t rest = ns % NSEC_PER_SEC;

	if (rest < 0) {
		rest += NSEC_PER_SEC;
		s--;
	}
	*seconds = cpu_to_le32((uint32_t)s);
	if (extra)
		*extra = cpu_to_le32((uint32_t)rest << 2 |
				     ((uint32_t)((s - (int32_t)s) >> 32) & 3));
}

/* Does the inode have the field that ends at @end? */
#define HAS(ei, field)	((ei)->extra_isize && \
	offset_of(struct disk_inode, field) + 4 <= EXT4_OLD_INODE_SIZE + (ei)->extra_isize)

struct buf *ext4_inode_place(struct ext4_fs *fs, uint64_t ino, uint32_t *offset)
{
	uint32_t n = (uint32_t)ino - 1, group = n / fs->inodes_per_group;
	uint64_t at = (uint64_t)(n % fs->inodes_per_group) * fs->inode_size;

	*offset = (uint32_t)(at & (fs->block_size - 1));
	return buf_read(fs->cache,
			ext4_inode_table_at(fs, ext4_group(fs, group)) + (at >> fs->block_shift));
}

static void get_times(struct ext4_inode *ei, const struct disk_inode *d)
{
	struct inode *inode = &ei->inode;

	inode->atime_ns = time_get(d->atime, HAS(ei, atime_extra) ? &d->atime_extra : NULL);
	inode->mtime_ns = time_get(d->mtime, HAS(ei, mtime_extra) ? &d->mtime_extra : NULL);
	inode->ctime_ns = time_get(d->ctime, HAS(ei, ctime_extra) ? &d->ctime_extra : NULL);
	inode->btime_ns = 0;
	if (HAS(ei, crtime_extra))
		inode->btime_ns = time_get(d->crtime, &d->crtime_extra);
}

static void put_times(const struct ext4_inode *ei, struct disk_inode *d)
{
	const struct inode *inode = &ei->inode;

	time_put(inode->atime_ns, &d->atime, HAS(ei, atime_extra) ? &d->atime_extra : NULL);
	time_put(inode->mtime_ns, &d->mtime, HAS(ei, mtime_extra) ? &d->mtime_extra : NULL);
	time_put(inode->ctime_ns, &d->ctime, HAS(ei, ctime_extra) ? &d->ctime_extra : NULL);
	if (HAS(ei, crtime_extra))
		time_put(inode->btime_ns, &d->crtime, &d->crtime_extra);
}

/* Unit of i_blocks: 512 bytes, or file-system blocks for huge files. */
static uint64_t get_blocks(const struct ext4_fs *fs, const struct disk_inode *d)
{
	uint64_t n = le32_to_cpu(d->blocks_lo);

	if (fs->ro_compat & RO_COMPAT_HUGE_FILE) {
		n |= (uint64_t)le16_to_cpu(d->blocks_hi) << 32;
		if (le32_to_cpu(d->flags) & FLAG_HUGE_FILE)
			return n;
	}
	return n >> (fs->block_shift - 9);
}

static void put_blocks(const struct ext4_fs *fs, struct ext4_inode *ei, struct disk_inode *d)
{
	uint64_t n = ei->nr_blocks << (fs->block_shift - 9);

	ei->flags &= ~(uint32_t)FLAG_HUGE_FILE;
	if (n >> 48 && (fs->ro_compat & RO_COMPAT_HUGE_FILE)) {
		n = ei->nr_blocks;
		ei->flags |= FLAG_HUGE_FILE;
	}
	d->blocks_lo = cpu_to_le32((uint32_t)n);
	if (fs->ro_compat & RO_COMPAT_HUGE_FILE)
		d->blocks_hi = cpu_to_le16((uint16_t)(n >> 32));
}

static dev_t get_device(const uint8_t *block)
{
	uint32_t old = get_le32(block), dev = get_le32(block + 4);

	if (old)
		return DEV_MAKE((old >> 8) & 0xff, old & 0xff);
	return DEV_MAKE((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00));
}

static void put_device(dev_t rdev, uint8_t *block)
{
	uint32_t major = DEV_MAJOR(rdev), minor = DEV_MINOR(rdev);

	memset(block, 0, 8);
	if (major < 256 && minor < 256)
		put_le32(block, major << 8 | minor);
	else
		put_le32(block + 4, (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12);
}

static bool type_is_known(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFLNK: case S_IFCHR: case S_IFBLK: case S_IFIFO:
	case S_IFSOCK:
		return true;
	}
	return false;
}

/* What must hold before anything of an inode is used. */
static int check_disk_inode(struct ext4_fs *fs, uint64_t ino, const struct disk_inode *d)
{
	uint32_t flags = le32_to_cpu(d->flags), mode = le16_to_cpu(d->mode);
	uint64_t size = le64_parts(d->size_lo, d->size_hi);

	if (!ext4_csum_inode_ok(fs, ino, d))
		return ext4_damaged(fs, "inode %llu: wrong checksum", (unsigned long long)ino);
	if (fs->inode_size > EXT4_OLD_INODE_SIZE &&
	    (le16_to_cpu(d->extra_isize) > fs->inode_size - EXT4_OLD_INODE_SIZE ||
	     le16_to_cpu(d->extra_isize) % 4))
		return ext4_damaged(fs, "inode %llu: wrong size of itself",
				    (unsigned long long)ino);
	if ((flags & (FLAG_INLINE_DATA | FLAG_EA_INODE)) ||
	    ((flags & FLAG_EXTENTS) && !(fs->incompat & INCOMPAT_EXTENTS)) ||
	    ((flags & FLAG_CASEFOLD) && S_ISDIR(mode)))
		return ext4_damaged(fs, "inode %llu: flags of features that are off",
				    (unsigned long long)ino);
	if (!type_is_known(mode) || size > INT64_MAX)
		return ext4_damaged(fs, "inode %llu: mode %o", (unsigned long long)ino, mode);
	if (S_ISDIR(mode) && (size & (fs->block_size - 1) || size >> fs->block_shift > UINT32_MAX))
		return ext4_damaged(fs, "directory %llu: odd size", (unsigned long long)ino);
	if (S_ISLNK(mode) && size > fs->block_size)
		return ext4_damaged(fs, "link %llu: too long", (unsigned long long)ino);
	return 0;
}

static void fill_inode(struct ext4_fs *fs, struct inode *inode, const struct disk_inode *d)
{
	struct ext4_inode *ei = EXT4_I(inode);

	inode->mode = le16_to_cpu(d->mode);
	inode->uid = le16_to_cpu(d->uid_lo) | (uint32_t)le16_to_cpu(d->uid_hi) << 16;
	inode->gid = le16_to_cpu(d->gid_lo) | (uint32_t)le16_to_cpu(d->gid_hi) << 16;
	inode->nlink = le16_to_cpu(d->nlink);
	inode->size = le32_to_cpu(d->size_lo);
	if (S_ISREG(inode->mode) || S_ISDIR(inode->mode))
		inode->size |= (int64_t)le32_to_cpu(d->size_hi) << 32;
	ei->extra_isize = fs->inode_size > EXT4_OLD_INODE_SIZE ? le16_to_cpu(d->extra_isize) : 0;
	get_times(ei, d);
	ei->flags = le32_to_cpu(d->flags);
	ei->generation = le32_to_cpu(d->generation);
	ei->xattr_block = le48(d->xattr_lo, d->xattr_hi);
	ei->has_xattrs = ei->xattr_block ||
		fs->inode_size >= EXT4_OLD_INODE_SIZE + (uint32_t)ei->extra_isize + 4;
	ei->nr_blocks = get_blocks(fs, d);
	inode->blocks = ei->nr_blocks << (fs->block_shift - 9);
	ei->disk_size = inode->size;
	memcpy(ei->block, d->block, sizeof(ei->block));
	ei->group = (uint32_t)(inode->ino - 1) / fs->inodes_per_group;
}

static int load(struct ext4_fs *fs, struct inode *inode)
{
	const struct disk_inode *d;
	struct disk_inode *copy;
	uint32_t offset;
	struct buf *b;
	int err;

	b = ext4_inode_place(fs, inode->ino, &offset);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	/* Its neighbours change under their own locks, its own fields under nobody's yet. */
	d = (const struct disk_inode *)((const uint8_t *)b->data + offset);
	copy = kzalloc(max(fs->inode_size, (uint32_t)sizeof(*copy)), 0);
	if (!copy) {
		buf_put(b);
		return -ENOMEM;
	}
	memcpy(copy, d, fs->inode_size);
	buf_put(b);
	err = check_disk_inode(fs, inode->ino, copy);
	if (!err) {
		fill_inode(fs, inode, copy);
		err = ext4_attach_ops(inode, get_device(EXT4_I(inode)->block));
	}
	kfree(copy);
	return err;
}

/* The inode @ino, from the cache or the medium: counted, error pointer. */
struct inode *ext4_iget(struct ext4_fs *fs, uint64_t ino)
{
	struct inode *inode;
	int err;

	if (!ino || ino > fs->nr_inodes)
		return ERR_PTR(ext4_damaged(fs, "there is no inode %llu", (unsigned long long)ino));
	inode = inode_get_cached(fs->sb, ino);
	if (IS_ERR(inode) || !inode_is_new(inode))
		return inode;
	err = load(fs, inode);
	if (err) {
		inode->nlink = 1;		/* nothing to be freed on the medium */
		inode_fail(inode);
		return ERR_PTR(err);
	}
	inode_ready(inode);
	return inode;
}

struct inode *ext4_alloc_inode(struct super_block *sb)
{
	struct ext4_inode *ei = kzalloc(sizeof(*ei), 0);

	(void)sb;
	if (!ei)
		return NULL;
	rwsem_init(&ei->map_lock, EXT4_MAP);
	rwsem_init(&ei->xattr_lock, EXT4_XATTR);
	list_init(&ei->orphan_node);
	return &ei->inode;
}

static void fill_disk_inode(struct ext4_fs *fs, struct ext4_inode *ei, struct disk_inode *d)
{
	const struct inode *inode = &ei->inode;
	int64_t size = S_ISREG(inode->mode) ? ei->disk_size : inode->size;
	uint32_t nlink = inode->nlink;

	/* More than the field holds: with dir_nlink 1 stands for "many". */
	if (nlink >= 65000 && S_ISDIR(inode->mode))
		nlink = 1;
	d->mode = cpu_to_le16((uint16_t)inode->mode);
	d->uid_lo = cpu_to_le16((uint16_t)inode->uid);
	d->uid_hi = cpu_to_le16((uint16_t)(inode->uid >> 16));
	d->gid_lo = cpu_to_le16((uint16_t)inode->gid);
	d->gid_hi = cpu_to_le16((uint16_t)(inode->gid >> 16));
	d->nlink = cpu_to_le16((uint16_t)nlink);
	d->size_lo = cpu_to_le32((uint32_t)size);
	d->size_hi = cpu_to_le32((uint32_t)(size >> 32));
	put_blocks(fs, ei, d);
	d->flags = cpu_to_le32(ei->flags);
	d->generation = cpu_to_le32(ei->generation);
	d->xattr_lo = cpu_to_le32((uint32_t)ei->xattr_block);
	d->xattr_hi = cpu_to_le16((uint16_t)(ei->xattr_block >> 32));
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		put_device(inode->rdev, ei->block);
	memcpy(d->block, ei->block, sizeof(ei->block));
	if (fs->inode_size > EXT4_OLD_INODE_SIZE)
		d->extra_isize = cpu_to_le16(ei->extra_isize);
	put_times(ei, d);
}

/*
 * The next orphan's number stands where the time of death will: orphan.c owns it while on the list.
 */
static void put_next_orphan(struct ext4_fs *fs, struct ext4_inode *ei, struct disk_inode *d)
{
	if (list_empty(&ei->orphan_node))
		d->dtime = cpu_to_le32(0);
	(void)fs;
}

int ext4_update_inode(struct journal_handle *h, struct inode *inode)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct disk_inode *d;
	uint32_t offset;
	struct buf *b = ext4_inode_place(fs, inode->ino, &offset);
	int err;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = journal_access(h, b);
	if (!err) {
		d = (struct disk_inode *)((uint8_t *)b->data + offset);
		inode_mark_clean(inode);
		buf_lock(b);
		fill_disk_inode(fs, ei, d);
		put_next_orphan(fs, ei, d);
		ext4_csum_inode_set(fs, inode->ino, d);
		buf_unlock(b);
		journal_dirty(h, b);
		WRITE_ONCE(ei->sync_tid, h->tid);
	}
	buf_put(b);
	return err;
}

/* Times and other fields that changed without a transaction of their own. */
int ext4_write_inode(struct inode *inode, bool wait)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct journal_handle h;
	uint32_t offset;
	struct buf *b;
	int err, stop;

	if (ext4_is_rdonly(fs))
		return 0;
	err = ext4_start(fs, &h, 2);
	if (err)
		return err;
	err = ext4_update_inode(&h, inode);
	stop = journal_stop(&h);
	err = err ? err : stop;
	if (err || !wait || fs->journal)
		return err;
	b = ext4_inode_place(fs, inode->ino, &offset);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	buf_lock(b);
	if (buf_has(b, BUF_DIRTY))
		buf_write_start(b, BIO_SYNC);
	buf_unlock(b);
	err = buf_write_wait(b);
	buf_put(b);
	return err;
}

/* Free all of a file that has no name any more. */
static int delete_inode(struct ext4_fs *fs, struct inode *inode)
{
	struct journal_handle h;
	int err, stop;

	err = ext4_truncate_blocks(inode);
	if (err)
		return err;
	err = ext4_start(fs, &h, 4 * EXT4_ALLOC_CREDITS + 8);
	if (err)
		return err;
	err = ext4_xattr_free_block(&h, inode);
	if (!err)
		err = ext4_orphan_del(&h, inode);
	if (!err)
		err = ext4_free_inode(&h, inode);
	stop = journal_stop(&h);
	return err ? err : stop;
}

void ext4_evict(struct inode *inode)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);

	ext4_pending_drop(inode, 0, UINT32_MAX);
	if (!inode->nlink && !ext4_is_rdonly(fs) && inode->ino >= fs->first_ino &&
	    delete_inode(fs, inode))
		ext4_io_error(fs, -EIO);
	/* What could not be deleted stays an orphan on the medium, but not in memory. */
	if (!list_empty(&ei->orphan_node)) {
		mutex_lock(&fs->orphan_lock);
		list_del_init(&ei->orphan_node);
		mutex_unlock(&fs->orphan_lock);
	}
}

/* The part of setattr() that changes the size; the inode's lock is held. */
static int set_size(struct inode *inode, int64_t size)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct journal_handle h;
	int err, stop;

	if (size > fs->sb->max_file_size ||
	    (uint64_t)size > (uint64_t)ext4_max_lblock(inode) << fs->block_shift)
		return -EFBIG;
	err = iomap_truncate_begin(inode, (uint64_t)size);
	if (err)
		return err;
	err = ext4_start(fs, &h, 3 * EXT4_ALLOC_CREDITS + 8);
	if (!err) {
		bool shrinks = size < ei->disk_size || ei->nr_blocks;

		inode_touch(inode);
		/* A crash from here on finishes the truncation at the next mount. */
		if (shrinks)
			err = ext4_orphan_add(&h, inode);
		if (!err && size >= 0x80000000LL)
			err = ext4_need_feature(fs, &h, RO_COMPAT_LARGE_FILE);
		rwsem_lock_write(&ei->map_lock);
		ei->disk_size = size;
		rwsem_unlock_write(&ei->map_lock);
		if (!err)
			err = ext4_update_inode(&h, inode);
		WRITE_ONCE(ei->datasync_tid, h.tid);
		stop = journal_stop(&h);
		err = err ? err : stop;
		if (!err && shrinks)
			err = ext4_truncate_blocks(inode);
	}
	iomap_blocks_end(inode);
	if (err || list_empty(&ei->orphan_node) || !inode->nlink)
		return err;
	err = ext4_start(fs, &h, 8);
	if (err)
		return err;
	err = ext4_orphan_del(&h, inode);
	stop = journal_stop(&h);
	return err ? err : stop;
}

int ext4_setattr(struct inode *inode, const struct attr_change *a)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	struct journal_handle h;
	int err = 0, stop;

	if (EXT4_I(inode)->flags & (FLAG_IMMUTABLE | FLAG_APPEND) &&
	    ((a->valid & ~(uint32_t)(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME)) ||
	     (EXT4_I(inode)->flags & FLAG_IMMUTABLE)))
		return -EPERM;
	if (a->valid & ATTR_SIZE) {
		if (!S_ISREG(inode->mode))
			return -EINVAL;
		err = set_size(inode, a->size);
		if (err)
			return err;
	}
	err = ext4_start(fs, &h, 8);
	if (err)
		return err;
	inode_apply_attr(inode, a);
	err = ext4_update_inode(&h, inode);
	stop = journal_stop(&h);
	return err ? err : stop;
}

/*
 * The data has been written and waited for, and what that changed is in transactions: commit them,
 * or at least make the disk keep what it was given.
 */
int ext4_fsync(struct inode *inode, bool data_only)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t tid;
	int err;

	if (ext4_is_rdonly(fs))
		return fs->had_error ? -EROFS : 0;
	err = inode_write(inode, data_only, true);
	if (err)
		return err;
	tid = data_only ? READ_ONCE(ei->datasync_tid) : READ_ONCE(ei->sync_tid);
	if (fs->journal && !journal_is_committed(fs->journal, tid))
		return journal_commit_wait(fs->journal, tid);
	if (!fs->journal) {
		err = buf_cache_sync(fs->cache);
		if (err)
			return err;
	}
	return fs->options & OPT_NO_BARRIER ? 0 : block_flush(fs->dev);
}
