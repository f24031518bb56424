/* SPDX-License-Identifier: MIT */
/*
 * Inodes: numbers from the bitmaps.  A file goes to its directory's group; directories below the
 * root are spread over groups with room, those deeper stay near their parents (after Orlov).
 */
#include <kernel/clock.h>
#include <lib/bitmap.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "ext4.h"
#include "glue.h"

static uint32_t free_inodes(struct ext4_fs *fs, uint32_t group)
{
	struct disk_group *g = ext4_group(fs, group);

	return ext4_group_get(fs, &g->free_inodes_lo, &g->free_inodes_hi);
}

static uint32_t free_blocks(struct ext4_fs *fs, uint32_t group)
{
	struct disk_group *g = ext4_group(fs, group);

	return ext4_group_get(fs, &g->free_blocks_lo, &g->free_blocks_hi);
}

static uint32_t used_dirs(struct ext4_fs *fs, uint32_t group)
{
	struct disk_group *g = ext4_group(fs, group);

	return ext4_group_get(fs, &g->used_dirs_lo, &g->used_dirs_hi);
}

/* For a directory below the root: room above the average, and the fewest directories. */
static uint32_t spread_group(struct ext4_fs *fs)
{
	uint32_t inodes = fs->free_inodes / fs->nr_groups, best = UINT32_MAX, found = 0;
	uint64_t blocks = fs->free_blocks / fs->nr_groups;

	for (uint32_t n = 1; n <= fs->nr_groups; n++) {
		uint32_t group = (fs->last_group + n) % fs->nr_groups;

		if (!free_inodes(fs, group) || free_inodes(fs, group) < inodes ||
		    free_blocks(fs, group) < blocks || used_dirs(fs, group) >= best)
			continue;
		best = used_dirs(fs, group);
		found = group;
	}
	if (best != UINT32_MAX)
		fs->last_group = found;
	return best != UINT32_MAX ? found : fs->last_group;
}

/* The first group from @group on with a free inode, and if there is one, with room for its data. */
static int near_group(struct ext4_fs *fs, uint32_t group, uint32_t *out)
{
	bool found = false;

	for (uint32_t n = 0; n < fs->nr_groups; n++) {
		uint32_t g = (group + n) % fs->nr_groups;

		if (!free_inodes(fs, g))
			continue;
		if (!found)
			*out = g;
		found = true;
		if (free_blocks(fs, g)) {
			*out = g;
			return 0;
		}
	}
	return found ? 0 : -ENOSPC;
}

/* Take the first free number of @group.  alloc_lock held. */
static int take_bit(struct ext4_fs *fs, struct buf *bitmap, uint32_t group, uint32_t *bit)
{
	uint32_t from = 0;

	if (!group)
		from = fs->first_ino - 1;
	*bit = (uint32_t)bitmap_find_next_zero(bitmap->data, fs->inodes_per_group, from);
	if (*bit >= fs->inodes_per_group)
		return ext4_damaged(fs, "group %u: free inodes are not where they should be",
				    group);
	return 0;
}

static void count_inode(struct ext4_fs *fs, uint32_t group, uint32_t bit, uint32_t mode)
{
	struct disk_group *g = ext4_group(fs, group);
	uint32_t unused = ext4_group_get(fs, &g->itable_unused_lo, &g->itable_unused_hi);

	if (le16_to_cpu(g->flags) & GROUP_INODE_UNINIT) {
		g->flags = cpu_to_le16(le16_to_cpu(g->flags) & ~GROUP_INODE_UNINIT);
		unused = fs->inodes_per_group;
	}
	if (fs->ro_compat & (RO_COMPAT_METADATA_CSUM | RO_COMPAT_GDT_CSUM))
		ext4_group_put(fs, &g->itable_unused_lo, &g->itable_unused_hi,
			       min(unused, fs->inodes_per_group - bit - 1));
	ext4_group_put(fs, &g->free_inodes_lo, &g->free_inodes_hi, free_inodes(fs, group) - 1);
	fs->free_inodes--;
	if (S_ISDIR(mode)) {
		ext4_group_put(fs, &g->used_dirs_lo, &g->used_dirs_hi, used_dirs(fs, group) + 1);
		fs->nr_dirs++;
	}
}

/* The group that the kernel wrote a block bitmap for must not look uninitialised: bitmap first. */
static int settle_block_bitmap(struct journal_handle *h, struct ext4_fs *fs, uint32_t group)
{
	struct disk_group *g = ext4_group(fs, group);
	struct buf *b;
	int err;

	if (!(le16_to_cpu(g->flags) & GROUP_BLOCK_UNINIT))
		return 0;
	b = ext4_block_bitmap(fs, group);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = journal_access(h, b);
	if (!err) {
		g->flags = cpu_to_le16(le16_to_cpu(g->flags) & ~GROUP_BLOCK_UNINIT);
		ext4_bitmap_changed(fs, group, b, false);
		journal_dirty(h, b);
	}
	buf_put(b);
	return err;
}

/* alloc_lock held. */
static int take_in_group(struct journal_handle *h, struct ext4_fs *fs, uint32_t group,
			 uint32_t mode, uint32_t *ino)
{
	struct buf *bitmap = ext4_inode_bitmap(fs, group);
	uint32_t bit;
	int err;

	if (IS_ERR(bitmap))
		return (int)PTR_ERR(bitmap);
	err = take_bit(fs, bitmap, group, &bit);
	if (!err)
		err = journal_access(h, bitmap);
	if (!err)
		err = journal_access(h, ext4_group_buf(fs, group));
	if (!err)
		err = settle_block_bitmap(h, fs, group);
	if (!err) {
		bitmap_set(bitmap->data, bit, 1);
		count_inode(fs, group, bit, mode);
		ext4_bitmap_changed(fs, group, bitmap, true);
		journal_dirty(h, bitmap);
		journal_dirty(h, ext4_group_buf(fs, group));
		*ino = group * fs->inodes_per_group + bit + 1;
	}
	buf_put(bitmap);
	return err;
}

static int take_number(struct journal_handle *h, struct ext4_fs *fs, struct inode *dir,
		       uint32_t mode, uint32_t *ino)
{
	uint32_t group = EXT4_I(dir)->group;
	int err;

	mutex_lock(&fs->alloc_lock);
	if (S_ISDIR(mode) && (dir->ino == EXT4_ROOT_INO || (EXT4_I(dir)->flags & FLAG_TOPDIR)))
		group = spread_group(fs);
	err = near_group(fs, group, &group);
	if (!err)
		err = take_in_group(h, fs, group, mode, ino);
	mutex_unlock(&fs->alloc_lock);
	return err;
}

/* alloc_lock held. */
static int give_back(struct journal_handle *h, struct ext4_fs *fs, uint32_t group, uint32_t bit,
		     uint32_t mode)
{
	struct buf *bitmap = ext4_inode_bitmap(fs, group);
	struct disk_group *g = ext4_group(fs, group);
	int err;

	if (IS_ERR(bitmap))
		return (int)PTR_ERR(bitmap);
	err = journal_access(h, bitmap);
	if (!err)
		err = journal_access(h, ext4_group_buf(fs, group));
	if (!err && !(get_le64((uint8_t *)bitmap->data + bit / 64 * 8) >> bit % 64 & 1))
		err = ext4_damaged(fs, "inode %u of group %u is free already", bit, group);
	if (!err) {
		bitmap_clear(bitmap->data, bit, 1);
		ext4_group_put(fs, &g->free_inodes_lo, &g->free_inodes_hi,
			       free_inodes(fs, group) + 1);
		fs->free_inodes++;
		if (S_ISDIR(mode) && used_dirs(fs, group)) {
			ext4_group_put(fs, &g->used_dirs_lo, &g->used_dirs_hi,
				       used_dirs(fs, group) - 1);
			fs->nr_dirs--;
		}
		ext4_bitmap_changed(fs, group, bitmap, true);
		journal_dirty(h, bitmap);
		journal_dirty(h, ext4_group_buf(fs, group));
	}
	buf_put(bitmap);
	return err;
}

static int release_number(struct journal_handle *h, struct ext4_fs *fs, uint64_t ino, uint32_t mode)
{
	uint32_t n = (uint32_t)ino - 1;
	int err;

	mutex_lock(&fs->alloc_lock);
	err = give_back(h, fs, n / fs->inodes_per_group, n % fs->inodes_per_group, mode);
	mutex_unlock(&fs->alloc_lock);
	return err;
}

/* The inode's number becomes free, its place says when it died. */
int ext4_free_inode(struct journal_handle *h, struct inode *inode)
{
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t offset;
	struct buf *b;
	int err;

	if (inode->ino < fs->first_ino)
		return ext4_damaged(fs, "reserved inode %llu is to be freed",
				    (unsigned long long)inode->ino);
	b = ext4_inode_place(fs, inode->ino, &offset);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = ext4_update_inode(h, inode);
	if (!err)
		err = journal_access(h, b);
	if (!err) {
		struct disk_inode *d = (struct disk_inode *)((uint8_t *)b->data + offset);

		buf_lock(b);
		d->dtime = cpu_to_le32((uint32_t)(clock_realtime_ns() / NSEC_PER_SEC));
		d->nlink = cpu_to_le16(0);
		ext4_csum_inode_set(fs, inode->ino, d);
		buf_unlock(b);
		journal_dirty(h, b);
		err = release_number(h, fs, inode->ino, inode->mode);
	}
	buf_put(b);
	return err;
}

static void fill_new(struct ext4_fs *fs, struct inode *dir, struct inode *inode, uint32_t mode)
{
	struct ext4_inode *ei = EXT4_I(inode);

	inode_init_owner(inode, fs->options & OPT_BSD_GROUPS ? NULL : dir, mode);
	if (fs->options & OPT_BSD_GROUPS)
		inode->gid = dir->gid;
	inode->nlink = 1;
	inode->size = 0;
	inode->blocks = 0;
	ei->flags = EXT4_I(dir)->flags & FLAGS_INHERITED;
	if (!S_ISDIR(mode))
		ei->flags &= ~(uint32_t)FLAG_DIRSYNC;
	if ((fs->incompat & INCOMPAT_EXTENTS) && (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
		ei->flags |= FLAG_EXTENTS;
	ei->generation = __atomic_add_fetch(&fs->generation, 0x9e3779b1u, __ATOMIC_RELAXED);
	memset(ei->block, 0, sizeof(ei->block));
	if (ei->flags & FLAG_EXTENTS)
		ext4_extents_init(ei);
	ei->disk_size = 0;
	ei->nr_blocks = 0;
	ei->xattr_block = 0;
	ei->has_xattrs = false;
	ei->extra_isize = (uint16_t)(fs->inode_size > EXT4_OLD_INODE_SIZE ? 32 : 0);
	ei->group = (uint32_t)(inode->ino - 1) / fs->inodes_per_group;
}

/* The place of a new inode may hold anything: the rest behind the fields (attributes) is zeroed. */
static int clear_place(struct journal_handle *h, struct ext4_fs *fs, uint64_t ino)
{
	uint32_t offset;
	struct buf *b = ext4_inode_place(fs, ino, &offset);
	int err;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = journal_access(h, b);
	if (!err) {
		buf_lock(b);
		memset((uint8_t *)b->data + offset, 0, fs->inode_size);
		buf_unlock(b);
		journal_dirty(h, b);
	}
	buf_put(b);
	return err;
}

/*
 * A new inode, INODE_NEW: the caller fills it, gives it a name, writes it with ext4_update_inode()
 * and calls inode_ready(), or inode_fail() after ext4_free_inode().
 */
struct inode *ext4_new_inode(struct journal_handle *h, struct inode *dir, uint32_t mode, dev_t rdev)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	struct inode *inode;
	uint32_t ino = 0;
	int err;

	if (!dir->nlink)
		return ERR_PTR(-ENOENT);
	err = take_number(h, fs, dir, mode, &ino);
	if (err)
		return ERR_PTR(err);
	inode = inode_create_cached(dir->sb, ino);
	if (IS_ERR(inode)) {
		if (PTR_ERR(inode) == -EEXIST)
			(void)!ext4_damaged(fs, "inode %u is free and in use", ino);
		err = release_number(h, fs, ino, mode);
		return err ? ERR_PTR(err) : inode;
	}
	fill_new(fs, dir, inode, mode);
	err = clear_place(h, fs, ino);
	if (!err)
		err = ext4_attach_ops(inode, rdev);
	if (err) {
		(void)!release_number(h, fs, ino, mode);
		inode->nlink = 0;
		inode_fail(inode);
		return ERR_PTR(err);
	}
	return inode;
}
