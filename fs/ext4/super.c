/* SPDX-License-Identifier: MIT */
/*
 * ext2, ext3 and ext4: the life of a mounted file system.
 *
 * One driver serves all three: they are sets of features of one format.  A feature is known, or
 * harmless when not known (compat), or forbids writing (ro_compat), or the mount (incompat).
 *
 * Locks, outermost first; each may be taken while those above it are held:
 *
 *	inode->lock		names of a directory, size of a file (the VFS takes it)
 *	(a journal handle)	never two; whoever waits for a commit holds none
 *	EXT4_XATTR		an inode's extended attributes
 *	EXT4_MAP		an inode's map of blocks, and its runs that are not on the medium
 *				yet
 *	EXT4_ORPHAN		the list of orphans
 *	EXT4_ALLOC		bitmaps, group descriptors, busy blocks, counts
 *	JOURNAL			what belongs to which transaction
 *	BUF			a block while bytes of several owners change in it, or it is written
 *
 * E1 a number or place that was read from the medium is checked before it is used, so that a
 *    damaged medium gives EUCLEAN ("structure needs cleaning") and never an access out of bounds or
 *    an endless loop.
 * E2 all that an operation changes is in one transaction; what takes several (truncation, deletion)
 *    has its inode on the list of orphans from the first to the last.
 * E3 the medium never names a block for a file's data that was not written: map.c.
 */
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <lib/crc32.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/magic.h>
#include <uapi/mount.h>
#include <uapi/statfs.h>

#include "ext4.h"
#include "glue.h"

static void act_on_error(struct ext4_fs *fs, int err)
{
	bool first = !__atomic_exchange_n(&fs->had_error, true, __ATOMIC_RELAXED);

	if (fs->options & OPT_ERRORS_PANIC)
		panic("ext4: %s: error, and errors=panic", fs->dev->name);
	if (fs->options & OPT_ERRORS_CONTINUE)
		return;
	if (first)
		log_err("ext4: %s: no more writing (errors=remount-ro)", fs->dev->name);
	if (fs->journal)
		journal_abort(fs->journal, err);
	super_make_rdonly(fs->sb);
}

int ext4_damaged(struct ext4_fs *fs, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("ext4: %s: damaged: %s", fs->dev->name, text);
	act_on_error(fs, -EUCLEAN);
	return -EUCLEAN;
}

void ext4_io_error(struct ext4_fs *fs, int err)
{
	log_err("ext4: %s: error %d", fs->dev->name, -err);
	act_on_error(fs, err);
}

int ext4_fatal(struct ext4_fs *fs, int err)
{
	log_err("ext4: %s: an operation failed half-way (error %d)", fs->dev->name, -err);
	__atomic_store_n(&fs->had_error, true, __ATOMIC_RELAXED);
	if (fs->journal)
		journal_abort(fs->journal, err);
	super_make_rdonly(fs->sb);
	return err;
}

/* The journal gave up by itself. */
static void journal_aborted(void *arg, int err)
{
	struct ext4_fs *fs = arg;

	log_err("ext4: %s: journal aborted (error %d), no more writing", fs->dev->name, -err);
	__atomic_store_n(&fs->had_error, true, __ATOMIC_RELAXED);
	super_make_rdonly(fs->sb);
}

int ext4_start(struct ext4_fs *fs, struct journal_handle *h, uint32_t credits)
{
	if (ext4_is_rdonly(fs)) {
		*h = (struct journal_handle){ .journal = fs->journal };
		return -EROFS;
	}
	return journal_start(fs->journal, h, credits);
}

int ext4_super_access(struct ext4_fs *fs, struct journal_handle *h)
{
	return journal_access(h, fs->super_buf);
}

void ext4_super_dirty(struct ext4_fs *fs, struct journal_handle *h)
{
	ext4_csum_super_set(fs);
	journal_dirty(h, fs->super_buf);
}

int ext4_need_feature(struct ext4_fs *fs, struct journal_handle *h, uint32_t ro_compat)
{
	int err;

	if (fs->ro_compat & ro_compat)
		return 0;
	err = ext4_super_access(fs, h);
	if (err)
		return err;
	fs->ro_compat |= ro_compat;
	fs->super->ro_compat = cpu_to_le32(fs->ro_compat);
	ext4_super_dirty(fs, h);
	return 0;
}

/* The superblock without a cache: the block size is not known yet. */
static int read_raw_super(struct block_device *dev, struct disk_super *s)
{
	int err = block_read(dev, EXT4_SUPER_OFFSET >> SECTOR_SHIFT, s, sizeof(*s));

	if (err)
		return err;
	if (le16_to_cpu(s->magic) != EXT4_MAGIC)
		return -EINVAL;
	if (!ext4_csum_super_ok(s)) {
		log_err("ext4: %s: superblock: wrong checksum", dev->name);
		return -EUCLEAN;
	}
	if (le32_to_cpu(s->log_block_size) > 2) {
		log_err("ext4: %s: blocks of more than 4096 bytes", dev->name);
		return -EINVAL;
	}
	return 0;
}

static int check_features(struct ext4_fs *fs, const struct ext4_mount *m)
{
	const struct disk_super *s = fs->super;
	uint32_t unknown;

	if (le32_to_cpu(s->rev_level) == 0) {
		fs->compat = fs->incompat = fs->ro_compat = 0;
		return 0;
	}
	fs->compat = le32_to_cpu(s->compat);
	fs->incompat = le32_to_cpu(s->incompat);
	fs->ro_compat = le32_to_cpu(s->ro_compat);
	if ((fs->ro_compat & ~m->ro_compat))
		return -EINVAL;
	unknown = fs->incompat & ~m->incompat;
	if (unknown) {
		log_err("ext4: %s: features that we do not know (incompat %#x)", fs->dev->name,
			unknown);
		return -EINVAL;
	}
	unknown = fs->ro_compat & ~(uint32_t)RO_COMPAT_KNOWN;
	if (unknown && !m->read_only) {
		log_err("ext4: %s: features with which we can only read (ro_compat %#x)",
			fs->dev->name, unknown);
		return -EROFS;
	}
	if (fs->ro_compat & RO_COMPAT_BIGALLOC)
		return -EINVAL;
	return 0;
}

static int check_sizes(struct ext4_fs *fs)
{
	const struct disk_super *s = fs->super;
	bool old = le32_to_cpu(s->rev_level) == 0;
	uint32_t bits = fs->block_size * 8;

	fs->inode_size = old ? EXT4_OLD_INODE_SIZE : le16_to_cpu(s->inode_size);
	fs->first_ino = old ? 11 : le32_to_cpu(s->first_ino);
	fs->desc_size = fs->incompat & INCOMPAT_64BIT ? le16_to_cpu(s->desc_size) : 32;
	fs->blocks_per_group = le32_to_cpu(s->blocks_per_group);
	fs->inodes_per_group = le32_to_cpu(s->inodes_per_group);
	fs->nr_inodes = le32_to_cpu(s->inodes);
	fs->first_block = le32_to_cpu(s->first_data_block);
	fs->nr_blocks = le32_to_cpu(s->blocks_lo);
	if (fs->incompat & INCOMPAT_64BIT)
		fs->nr_blocks |= (uint64_t)le32_to_cpu(s->blocks_hi) << 32;
	if (fs->inode_size < EXT4_OLD_INODE_SIZE || fs->inode_size > fs->block_size ||
	    (fs->inode_size & (fs->inode_size - 1)) || fs->desc_size < 32 ||
	    fs->desc_size > fs->block_size || (fs->desc_size & (fs->desc_size - 1)) ||
	    ((fs->incompat & INCOMPAT_64BIT) && fs->desc_size < 64))
		return -EUCLEAN;
	if (fs->blocks_per_group < 8 || fs->blocks_per_group > bits || fs->blocks_per_group % 8 ||
	    fs->inodes_per_group < fs->block_size / fs->inode_size ||
	    fs->inodes_per_group > bits || fs->inodes_per_group % 8)
		return -EUCLEAN;
	if (fs->first_block != (fs->block_size == 1024) || fs->nr_blocks <= fs->first_block + 1 ||
	    fs->nr_blocks > fs->dev->nr_sectors >> (fs->block_shift - SECTOR_SHIFT) ||
	    fs->nr_blocks >> 48)
		return -EUCLEAN;
	return 0;
}

static int check_counts(struct ext4_fs *fs)
{
	uint64_t groups = DIV_ROUND_UP(fs->nr_blocks - fs->first_block, fs->blocks_per_group);
	const struct disk_super *s = fs->super;

	if (groups > UINT32_MAX / 8 || groups * fs->inodes_per_group != fs->nr_inodes ||
	    fs->first_ino < 11 || fs->first_ino > fs->inodes_per_group)
		return -EUCLEAN;
	fs->nr_groups = (uint32_t)groups;
	fs->desc_per_block = fs->block_size / fs->desc_size;
	fs->groups_per_flex = fs->incompat & INCOMPAT_FLEX_BG && s->log_groups_per_flex < 31 ?
		1u << s->log_groups_per_flex : 1;
	if (le16_to_cpu(s->reserved_gdt_blocks) > fs->block_size / 4)
		return -EUCLEAN;
	return 0;
}

static void take_hash(struct ext4_fs *fs)
{
	const struct disk_super *s = fs->super;

	for (unsigned int i = 0; i < 4; i++)
		fs->hash_seed[i] = le32_to_cpu(s->hash_seed[i]);
	fs->hash_version = s->hash_version;
	fs->hash_unsigned = le32_to_cpu(s->flags) & SUPER_UNSIGNED_HASH ? 3 : 0;
	if (fs->hash_version > DX_TEA)
		fs->hash_version = DX_HALF_MD4;
	fs->csum_seed = fs->incompat & INCOMPAT_CSUM_SEED ? le32_to_cpu(s->checksum_seed) :
		crc32c_raw(~0u, s->uuid, 16);
}

static void take_limits(struct ext4_fs *fs)
{
	const struct disk_super *s = fs->super;
	uint64_t reserved = le32_to_cpu(s->reserved_lo);
	uint64_t per_block = fs->block_size / 4, indirect;

	if (fs->incompat & INCOMPAT_64BIT)
		reserved |= (uint64_t)le32_to_cpu(s->reserved_hi) << 32;
	fs->root_blocks = min(reserved, fs->nr_blocks / 2);
	fs->root_uid = le16_to_cpu(s->reserved_uid);
	fs->root_gid = le16_to_cpu(s->reserved_gid);
	fs->pool_blocks = min(fs->nr_blocks / 50, (uint64_t)4096);
	fs->overhead = fs->first_block;
	indirect = (12 + per_block + per_block * per_block + per_block * per_block * per_block) <<
		fs->block_shift;
	fs->sb->max_file_size = fs->incompat & INCOMPAT_EXTENTS ?
		(int64_t)(((1ULL << 32) - 1) << fs->block_shift) :
		(int64_t)min(indirect, ((1ULL << 32) - 1) << 9);
	if (fs->options & OPT_ERRORS_GIVEN)
		return;
	if (le16_to_cpu(s->errors) == ERRORS_PANIC)
		fs->options |= OPT_ERRORS_PANIC;
	else if (le16_to_cpu(s->errors) == ERRORS_CONTINUE)
		fs->options |= OPT_ERRORS_CONTINUE;
}

static int journal_map(void *arg, uint32_t index, uint64_t *block)
{
	struct ext4_fs *fs = arg;
	uint32_t low = 0, high = fs->nr_journal_runs;

	while (low < high) {
		uint32_t mid = (low + high) / 2;
		const struct ext4_run *r = &fs->journal_runs[mid];

		if (index >= r->lblock && index - r->lblock < r->len) {
			*block = r->block + (index - r->lblock);
			return 0;
		}
		if (index < r->lblock)
			high = mid;
		else
			low = mid + 1;
	}
	return -EUCLEAN;
}

static int add_journal_run(struct ext4_fs *fs, const struct ext4_run *run)
{
	struct ext4_run *more;

	if (!run->block || run->unwritten)
		return -EUCLEAN;
	/* Room doubles: at powers of two. */
	if (!(fs->nr_journal_runs & (fs->nr_journal_runs - 1))) {
		uint32_t n = fs->nr_journal_runs ? fs->nr_journal_runs * 2 : 1;

		more = kvmalloc(n * sizeof(*more), 0);
		if (!more)
			return -ENOMEM;
		if (fs->nr_journal_runs)
			memcpy(more, fs->journal_runs, fs->nr_journal_runs * sizeof(*more));
		kvfree(fs->journal_runs);
		fs->journal_runs = more;
	}
	fs->journal_runs[fs->nr_journal_runs++] = *run;
	return 0;
}

/* Note where the journal's file is: its inode is not needed any more. */
static int find_journal(struct ext4_fs *fs)
{
	struct inode *file = ext4_iget(fs, le32_to_cpu(fs->super->journal_ino));
	uint32_t n, at = 0;
	int err = 0;

	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	n = (uint32_t)min((uint64_t)UINT32_MAX / 2, (uint64_t)file->size >> fs->block_shift);
	if (!S_ISREG(file->mode) || !file->nlink || n < 64)
		err = -EUCLEAN;
	rwsem_lock_read(&EXT4_I(file)->map_lock);
	while (at < n && !err) {
		struct ext4_run run;

		err = ext4_map_locked(file, at, n - at, &run);
		if (!err)
			err = add_journal_run(fs, &run);
		at += run.len;
	}
	rwsem_unlock_read(&EXT4_I(file)->map_lock);
	fs->nr_journal_blocks = n;
	inode_put(file);
	return err;
}

static struct journal *open_journal(struct ext4_fs *fs, bool read_only)
{
	struct journal_args args = {
		.dev = fs->dev, .cache = fs->cache, .block_size = fs->block_size,
		.nr_blocks = fs->nr_journal_blocks, .fs_blocks = fs->nr_blocks,
		.map = journal_map, .arg = fs,
		.no_barrier = fs->options & OPT_NO_BARRIER, .read_only = read_only,
	};

	return journal_open(&args);
}

/* The superblock's buffer is written here and now, not in a transaction. */
static int write_super(struct ext4_fs *fs)
{
	ext4_csum_super_set(fs);
	buf_lock(fs->super_buf);
	buf_mark_dirty(fs->super_buf);
	buf_write_start(fs->super_buf, BIO_SYNC | BIO_META |
			(fs->options & OPT_NO_BARRIER ? 0 : BIO_FUA));
	buf_unlock(fs->super_buf);
	return buf_write_wait(fs->super_buf);
}

/* Do two superblocks describe the same layout? */
static bool same_layout(const struct disk_super *a, const struct disk_super *b)
{
	return !memcmp(&a->blocks_per_group, &b->blocks_per_group, 12) &&
	       a->blocks_lo.raw == b->blocks_lo.raw && a->incompat.raw == b->incompat.raw;
}

/* Read the log into the file system.  The superblock may have changed by that. */
static int recover(struct ext4_fs *fs, struct journal *j)
{
	struct disk_super *before = kmalloc(sizeof(*before), 0);
	bool good = false;
	int err;

	if (!before)
		return -ENOMEM;
	*before = *fs->super;
	err = journal_recover(j);
	if (!err)
		good = ext4_csum_super_ok(fs->super) && same_layout(before, fs->super);
	kfree(before);
	if (!good)
		return err ? err : -EUCLEAN;
	fs->incompat &= ~(uint32_t)INCOMPAT_RECOVER;
	fs->ro_compat = le32_to_cpu(fs->super->ro_compat);
	fs->super->incompat = cpu_to_le32(fs->incompat);
	if (journal_error(j))
		fs->super->state = cpu_to_le16(le16_to_cpu(fs->super->state) | STATE_ERROR);
	err = write_super(fs);
	if (!err && journal_error(j))
		err = journal_clear_error(j);
	return err;
}

/* Find the journal; replay it.  On success it is open, or there is none. */
static int load_journal(struct ext4_fs *fs, const struct ext4_mount *m)
{
	bool device_ro = fs->dev->is_read_only;
	struct journal *j;
	int err = 0;

	if (!(fs->compat & COMPAT_HAS_JOURNAL))
		return fs->incompat & INCOMPAT_RECOVER ? -EUCLEAN : 0;
	if (le32_to_cpu(fs->super->journal_dev)) {
		log_err("ext4: %s: journals on another device are not supported", fs->dev->name);
		return -EOPNOTSUPP;
	}
	if ((m->options & OPT_NO_LOAD) && !m->read_only)
		return -EINVAL;
	if (m->options & OPT_NO_LOAD)
		return 0;
	err = find_journal(fs);
	j = err ? ERR_PTR(err) : open_journal(fs, device_ro);
	if (IS_ERR(j)) {
		log_err("ext4: %s: no usable journal (error %ld)", fs->dev->name, -PTR_ERR(j));
		return (int)PTR_ERR(j);
	}
	if (journal_needs_recovery(j) && device_ro) {
		log_err("ext4: %s: the journal must be replayed, but the device is read-only",
			fs->dev->name);
		err = -EROFS;
	} else if (journal_needs_recovery(j) || (fs->incompat & INCOMPAT_RECOVER)) {
		err = recover(fs, j);
	}
	(void)!journal_close(j);
	return err;
}

/* Before anything else is written: a journal that takes transactions, and its mark. */
static int begin_journal(struct ext4_fs *fs)
{
	struct journal *j;
	int err;

	if (!fs->journal_runs)
		return 0;
	j = open_journal(fs, false);
	if (IS_ERR(j))
		return (int)PTR_ERR(j);
	journal_on_abort(j, journal_aborted, fs);
	err = journal_begin(j, (fs->incompat & INCOMPAT_64BIT ? JOURNAL_64BIT : 0) |
			    (ext4_has_csum(fs) ? JOURNAL_CSUM : 0));
	if (err) {
		(void)!journal_close(j);
		return err;
	}
	fs->incompat |= INCOMPAT_RECOVER;
	fs->super->incompat = cpu_to_le32(fs->incompat);
	fs->journal = j;
	return 0;
}

static void note_mount(struct ext4_fs *fs)
{
	struct disk_super *s = fs->super;
	uint32_t now = (uint32_t)(clock_realtime_ns() / NSEC_PER_SEC);

	s->mount_time = s->write_time = cpu_to_le32(now);
	s->mount_count = cpu_to_le16((uint16_t)(le16_to_cpu(s->mount_count) + 1));
	/* Without a journal an unclean end must show. */
	if (!fs->journal)
		s->state = cpu_to_le16(le16_to_cpu(s->state) & ~STATE_VALID);
}

static void put_counts(struct ext4_fs *fs)
{
	struct disk_super *s = fs->super;

	mutex_lock(&fs->alloc_lock);
	s->free_blocks_lo = cpu_to_le32((uint32_t)fs->free_blocks);
	if (fs->incompat & INCOMPAT_64BIT)
		s->free_blocks_hi = cpu_to_le32((uint32_t)(fs->free_blocks >> 32));
	s->free_inodes = cpu_to_le32(fs->free_inodes);
	mutex_unlock(&fs->alloc_lock);
	s->write_time = cpu_to_le32((uint32_t)(clock_realtime_ns() / NSEC_PER_SEC));
}

int ext4_set_writable(struct ext4_fs *fs)
{
	uint32_t unknown = fs->ro_compat & ~(uint32_t)RO_COMPAT_KNOWN;
	int err;

	if (unknown || (fs->options & OPT_NO_LOAD) || fs->dev->is_read_only || fs->had_error)
		return -EROFS;
	if (le16_to_cpu(fs->super->state) & STATE_ERROR)
		log_warn("ext4: %s: had errors before; e2fsck is recommended", fs->dev->name);
	else if (!(le16_to_cpu(fs->super->state) & STATE_VALID) && !fs->journal_runs)
		log_warn("ext4: %s: was not unmounted; e2fsck is recommended", fs->dev->name);
	err = begin_journal(fs);
	if (err)
		return err;
	note_mount(fs);
	err = write_super(fs);
	if (!err)
		err = ext4_thread_start(fs);
	if (err && fs->journal) {
		(void)!journal_close(fs->journal);
		fs->journal = NULL;
	}
	if (!err)
		fs->sb->flags &= ~(uint32_t)MS_RDONLY;
	return err;
}

/* Everything is on the medium, nobody writes any more: leave it clean. */
int ext4_set_rdonly(struct ext4_fs *fs)
{
	int err, e;

	ext4_thread_stop(fs);
	err = ext4_sync(fs);
	super_make_rdonly(fs->sb);
	if (fs->journal) {
		e = journal_close(fs->journal);
		err = err ? err : e;
		fs->journal = NULL;
	}
	e = buf_cache_sync(fs->cache);
	err = err ? err : e;
	if (!err && !(fs->options & OPT_NO_BARRIER))
		err = block_flush(fs->dev);
	if (!err && !fs->had_error) {
		fs->incompat &= ~(uint32_t)INCOMPAT_RECOVER;
		fs->super->incompat = cpu_to_le32(fs->incompat);
	}
	if (fs->had_error)
		fs->super->state = cpu_to_le16(le16_to_cpu(fs->super->state) | STATE_ERROR);
	else
		fs->super->state = cpu_to_le16((le16_to_cpu(fs->super->state) & STATE_ERROR) |
			STATE_VALID);
	put_counts(fs);
	e = write_super(fs);
	return err ? err : e;
}

int ext4_sync(struct ext4_fs *fs)
{
	struct journal_handle h;
	int err, stop;

	if (ext4_is_rdonly(fs))
		return fs->had_error ? -EROFS : 0;
	err = ext4_start(fs, &h, 1);
	if (err)
		return err;
	err = ext4_super_access(fs, &h);
	if (!err) {
		put_counts(fs);
		ext4_super_dirty(fs, &h);
	}
	h.wants_sync = true;
	stop = journal_stop(&h);
	err = err ? err : stop;
	if (!err && !fs->journal)
		err = buf_cache_sync(fs->cache);
	if (!err && !(fs->options & OPT_NO_BARRIER))
		err = block_flush(fs->dev);
	return err;
}

void ext4_statfs(struct ext4_fs *fs, struct statfs *st)
{
	uint64_t kept;

	mutex_lock(&fs->alloc_lock);
	kept = fs->promised;
	st->f_bfree = (int64_t)(fs->free_blocks > kept ? fs->free_blocks - kept : 0);
	st->f_ffree = fs->free_inodes;
	mutex_unlock(&fs->alloc_lock);
	kept = fs->root_blocks + fs->pool_blocks;
	st->f_type = EXT4_SUPER_MAGIC;
	st->f_bsize = st->f_frsize = fs->block_size;
	st->f_blocks = (int64_t)(fs->nr_blocks - min(fs->overhead, fs->nr_blocks));
	st->f_bavail = st->f_bfree > (int64_t)kept ? st->f_bfree - (int64_t)kept : 0;
	st->f_files = fs->nr_inodes;
	st->f_namelen = EXT4_NAME_MAX;
	st->f_fsid.val[0] = (int32_t)(get_le32(fs->super->uuid) ^ get_le32(fs->super->uuid + 8));
	st->f_fsid.val[1] = (int32_t)(get_le32(fs->super->uuid + 4) ^
				      get_le32(fs->super->uuid + 12));
}

static struct ext4_fs *fs_alloc(struct super_block *sb, const struct ext4_mount *m)
{
	struct ext4_fs *fs = kzalloc(sizeof(*fs), 0);

	if (!fs)
		return NULL;
	fs->sb = sb;
	fs->dev = sb->bdev;
	fs->options = m->options;
	fs->commit_interval_ms = m->commit_interval_ms;
	fs->generation = (uint32_t)clock_realtime_ns();
	mutex_init(&fs->alloc_lock, EXT4_ALLOC);
	mutex_init(&fs->orphan_lock, EXT4_ORPHAN);
	list_init(&fs->orphans);
	return fs;
}

static int open_super(struct ext4_fs *fs)
{
	struct disk_super *raw = kmalloc(sizeof(*raw), 0);
	int err = raw ? read_raw_super(fs->dev, raw) : -ENOMEM;

	if (!err) {
		fs->block_shift = 10 + le32_to_cpu(raw->log_block_size);
		fs->block_size = 1u << fs->block_shift;
		fs->cache = buf_cache_create(fs->dev, fs->block_size);
		if (!fs->cache)
			err = -ENOMEM;
	}
	kfree(raw);
	if (err)
		return err;
	fs->super_buf = buf_read(fs->cache, EXT4_SUPER_OFFSET >> fs->block_shift);
	if (IS_ERR(fs->super_buf)) {
		err = (int)PTR_ERR(fs->super_buf);
		fs->super_buf = NULL;
		return err;
	}
	fs->super = (struct disk_super *)((uint8_t *)fs->super_buf->data +
					  (EXT4_SUPER_OFFSET & (fs->block_size - 1)));
	return 0;
}

static int read_super(struct ext4_fs *fs, const struct ext4_mount *m)
{
	int err = open_super(fs);

	if (!err)
		err = check_features(fs, m);
	if (!err)
		err = check_sizes(fs);
	if (!err)
		err = check_counts(fs);
	if (err)
		return err;
	take_hash(fs);
	take_limits(fs);
	fs->sb->block_size = fs->block_size;
	fs->sb->magic = EXT4_SUPER_MAGIC;
	return ext4_groups_load(fs);
}

static void fs_free(struct ext4_fs *fs)
{
	kvfree(fs->journal_runs);
	ext4_groups_unload(fs);
	ext4_busy_drop_all(fs);
	if (fs->super_buf)
		buf_put(fs->super_buf);
	if (fs->cache)
		buf_cache_destroy(fs->cache);
	kfree(fs);
}

/* Groups and inodes may be others after the journal was replayed. */
static int start(struct ext4_fs *fs, const struct ext4_mount *m)
{
	int err = load_journal(fs, m);

	if (err)
		return err;
	ext4_groups_unload(fs);
	fs->overhead = fs->first_block;
	err = ext4_groups_load(fs);
	if (err || m->read_only)
		return err;
	err = ext4_set_writable(fs);
	if (!err)
		ext4_orphans_clean(fs);
	return err;
}

/* On failure nothing is left. */
int ext4_open(struct super_block *sb, const struct ext4_mount *m)
{
	struct ext4_fs *fs = fs_alloc(sb, m);
	int err;

	if (!fs)
		return -ENOMEM;
	sb->priv = fs;
	sb->flags |= MS_RDONLY;
	err = read_super(fs, m);
	if (!err)
		err = start(fs, m);
	if (err) {
		ext4_forget_inodes(fs);
		if (fs->journal) {
			ext4_thread_stop(fs);
			(void)!journal_close(fs->journal);
		}
		fs_free(fs);
		sb->priv = NULL;
	}
	return err;
}

struct inode *ext4_root(struct ext4_fs *fs)
{
	struct inode *root = ext4_iget(fs, EXT4_ROOT_INO);

	if (IS_ERR(root) || S_ISDIR(root->mode))
		return root;
	inode_put(root);
	return ERR_PTR(ext4_damaged(fs, "the root is no directory"));
}

void ext4_close(struct ext4_fs *fs)
{
	if (!ext4_is_rdonly(fs) || fs->journal) {
		if (ext4_set_rdonly(fs))
			log_err("ext4: %s: not all could be written", fs->dev->name);
	}
	fs_free(fs);
}
