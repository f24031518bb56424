/* SPDX-License-Identifier: MIT */
/*
 * Block groups: where their descriptors, bitmaps and tables are; bitmaps that mke2fs left to be
 * made (uninit); and which blocks no file may have.
 */
#include <kernel/log.h>
#include <lib/bitmap.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/sort.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "ext4.h"

#define BUF_CHECKED	BUF_PRIV_0	/* its checksum was right, or it was made here */

struct buf *ext4_group_buf(struct ext4_fs *fs, uint32_t group)
{
	return fs->group_bufs[group / fs->desc_per_block];
}

struct disk_group *ext4_group(struct ext4_fs *fs, uint32_t group)
{
	uint8_t *data = ext4_group_buf(fs, group)->data;

	return (struct disk_group *)(data + group % fs->desc_per_block * fs->desc_size);
}

uint64_t ext4_group_first_block(const struct ext4_fs *fs, uint32_t group)
{
	return fs->first_block + (uint64_t)group * fs->blocks_per_group;
}

uint32_t ext4_group_nr_blocks(const struct ext4_fs *fs, uint32_t group)
{
	return (uint32_t)min_t(uint64_t, fs->blocks_per_group,
			       fs->nr_blocks - ext4_group_first_block(fs, group));
}

static uint64_t wide(const struct ext4_fs *fs, le32_t lo, const le32_t *hi)
{
	return fs->desc_size >= 64 ? le64_parts(lo, *hi) : le32_to_cpu(lo);
}

uint64_t ext4_block_bitmap_at(const struct ext4_fs *fs, const struct disk_group *g)
{
	return wide(fs, g->block_bitmap_lo, &g->block_bitmap_hi);
}

uint64_t ext4_inode_bitmap_at(const struct ext4_fs *fs, const struct disk_group *g)
{
	return wide(fs, g->inode_bitmap_lo, &g->inode_bitmap_hi);
}

uint64_t ext4_inode_table_at(const struct ext4_fs *fs, const struct disk_group *g)
{
	return wide(fs, g->inode_table_lo, &g->inode_table_hi);
}

/* @hi is beyond the descriptor when that is short, and not looked at then. */
uint32_t ext4_group_get(const struct ext4_fs *fs, const le16_t *lo, const le16_t *hi)
{
	return le16_to_cpu(*lo) | (fs->desc_size >= 64 ? (uint32_t)le16_to_cpu(*hi) << 16 : 0);
}

void ext4_group_put(const struct ext4_fs *fs, le16_t *lo, le16_t *hi, uint32_t n)
{
	*lo = cpu_to_le16((uint16_t)n);
	if (fs->desc_size >= 64)
		*hi = cpu_to_le16((uint16_t)(n >> 16));
}

static bool is_power_of(uint32_t n, uint32_t base)
{
	while (n > 1 && n % base == 0)
		n /= base;
	return n == 1;
}

static bool has_super(const struct ext4_fs *fs, uint32_t group)
{
	if (!group)
		return true;
	if (fs->compat & COMPAT_SPARSE_SUPER2)
		return group == le32_to_cpu(fs->super->backup_bgs[0]) ||
		       group == le32_to_cpu(fs->super->backup_bgs[1]);
	if (group == 1 || !(fs->ro_compat & RO_COMPAT_SPARSE_SUPER))
		return true;
	return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

static uint32_t first_meta_bg(const struct ext4_fs *fs)
{
	return fs->incompat & INCOMPAT_META_BG ? le32_to_cpu(fs->super->first_meta_bg) : UINT32_MAX;
}

/* The superblock's copy and the descriptors at the start of a group. */
static uint32_t base_blocks(const struct ext4_fs *fs, uint32_t group)
{
	uint32_t meta = group / fs->desc_per_block, in_meta = group % fs->desc_per_block;
	uint32_t super = has_super(fs, group);

	if (meta < first_meta_bg(fs)) {
		if (!super)
			return 0;
		return 1 + min(fs->nr_group_bufs, first_meta_bg(fs)) +
			le16_to_cpu(fs->super->reserved_gdt_blocks);
	}
	return super + (in_meta <= 1 || in_meta == fs->desc_per_block - 1);
}

static uint64_t group_buf_at(const struct ext4_fs *fs, uint32_t i)
{
	uint32_t group = i * fs->desc_per_block;

	if (i < first_meta_bg(fs))
		return fs->super_buf->block + 1 + i;
	return ext4_group_first_block(fs, group) + has_super(fs, group);
}

static int compare_zones(const void *a, const void *b, void *arg)
{
	const struct ext4_zone *x = a, *y = b;

	(void)arg;
	return x->start < y->start ? -1 : x->start > y->start;
}

static void add_zone(struct ext4_fs *fs, uint64_t start, uint64_t len)
{
	if (len)
		fs->zones[fs->nr_zones++] = (struct ext4_zone){ start, len };
}

/* Sort and join.  No two may overlap: -EUCLEAN. */
static int join_zones(struct ext4_fs *fs)
{
	uint32_t n = 0;

	sort(fs->zones, fs->nr_zones, sizeof(*fs->zones), compare_zones, NULL);
	for (uint32_t i = 0; i < fs->nr_zones; i++) {
		struct ext4_zone *last = n ? &fs->zones[n - 1] : NULL, *z = &fs->zones[i];

		if (last && z->start < last->start + last->len)
			return -EUCLEAN;
		if (last && z->start == last->start + last->len)
			last->len += z->len;
		else
			fs->zones[n++] = *z;
	}
	fs->nr_zones = n;
	return 0;
}

static uint32_t table_blocks(const struct ext4_fs *fs)
{
	return (uint32_t)DIV_ROUND_UP((uint64_t)fs->inodes_per_group * fs->inode_size,
				      fs->block_size);
}

static bool in_fs(const struct ext4_fs *fs, uint64_t start, uint64_t len)
{
	return start > fs->super_buf->block && range_within(start, len, fs->nr_blocks);
}

/* One descriptor: places within the file system, counts possible. */
static int check_group(struct ext4_fs *fs, uint32_t group)
{
	struct disk_group *g = ext4_group(fs, group);
	uint32_t blocks = ext4_group_nr_blocks(fs, group);

	if (!ext4_csum_group_ok(fs, group, g))
		return -EUCLEAN;
	if (!in_fs(fs, ext4_block_bitmap_at(fs, g), 1) ||
	    !in_fs(fs, ext4_inode_bitmap_at(fs, g), 1) ||
	    !in_fs(fs, ext4_inode_table_at(fs, g), table_blocks(fs)))
		return -EUCLEAN;
	if (ext4_group_get(fs, &g->free_blocks_lo, &g->free_blocks_hi) > blocks ||
	    ext4_group_get(fs, &g->free_inodes_lo, &g->free_inodes_hi) > fs->inodes_per_group ||
	    ext4_group_get(fs, &g->itable_unused_lo, &g->itable_unused_hi) > fs->inodes_per_group)
		return -EUCLEAN;
	fs->free_blocks += ext4_group_get(fs, &g->free_blocks_lo, &g->free_blocks_hi);
	fs->free_inodes += ext4_group_get(fs, &g->free_inodes_lo, &g->free_inodes_hi);
	fs->nr_dirs += ext4_group_get(fs, &g->used_dirs_lo, &g->used_dirs_hi);
	add_zone(fs, ext4_block_bitmap_at(fs, g), 1);
	add_zone(fs, ext4_inode_bitmap_at(fs, g), 1);
	add_zone(fs, ext4_inode_table_at(fs, g), table_blocks(fs));
	add_zone(fs, ext4_group_first_block(fs, group), base_blocks(fs, group));
	return 0;
}

static int check_groups(struct ext4_fs *fs)
{
	int err = 0;

	fs->free_blocks = 0;
	fs->free_inodes = fs->nr_dirs = fs->nr_zones = 0;
	for (uint32_t group = 0; !err && group < fs->nr_groups; group++) {
		err = check_group(fs, group);
		if (err)
			log_err("ext4: %s: descriptor of group %u is damaged", fs->dev->name,
				group);
	}
	if (!err)
		err = join_zones(fs);
	for (uint32_t i = 0; i < fs->nr_zones; i++)
		fs->overhead += fs->zones[i].len;
	return err;
}

static int read_group_bufs(struct ext4_fs *fs)
{
	for (uint32_t i = 0; i < fs->nr_group_bufs; i++) {
		uint64_t at = group_buf_at(fs, i);
		struct buf *b;

		if (at >= fs->nr_blocks)
			return -EUCLEAN;
		b = buf_read(fs->cache, at);
		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		fs->group_bufs[i] = b;
	}
	return 0;
}

int ext4_groups_load(struct ext4_fs *fs)
{
	int err;

	fs->nr_group_bufs = DIV_ROUND_UP(fs->nr_groups, fs->desc_per_block);
	fs->group_bufs = kvmalloc(fs->nr_group_bufs * sizeof(*fs->group_bufs), ALLOC_ZERO);
	fs->zones = kvmalloc((uint64_t)fs->nr_groups * 4 * sizeof(*fs->zones), 0);
	err = fs->group_bufs && fs->zones ? read_group_bufs(fs) : -ENOMEM;
	if (!err)
		err = check_groups(fs);
	if (err)
		ext4_groups_unload(fs);
	return err;
}

void ext4_groups_unload(struct ext4_fs *fs)
{
	for (uint32_t i = 0; fs->group_bufs && i < fs->nr_group_bufs; i++) {
		if (fs->group_bufs[i])
			buf_put(fs->group_bufs[i]);
	}
	kvfree(fs->group_bufs);
	kvfree(fs->zones);
	fs->group_bufs = NULL;
	fs->zones = NULL;
}

/* The first zone that ends behind @block. */
static uint32_t zone_after(const struct ext4_fs *fs, uint64_t block)
{
	uint32_t low = 0, high = fs->nr_zones;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (fs->zones[mid].start + fs->zones[mid].len <= block)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool ext4_blocks_ok(const struct ext4_fs *fs, uint64_t start, uint64_t len)
{
	uint32_t i;

	if (start <= fs->first_block || !range_within(start, len, fs->nr_blocks))
		return false;
	i = zone_after(fs, start);
	return i == fs->nr_zones || fs->zones[i].start >= start + len;
}

/* What mke2fs did not write: only the file system's own blocks are in use. */
static void make_block_bitmap(struct ext4_fs *fs, uint32_t group, struct buf *b)
{
	uint64_t first = ext4_group_first_block(fs, group);
	uint32_t nr = ext4_group_nr_blocks(fs, group);

	memset(b->data, 0, b->size);
	for (uint32_t i = zone_after(fs, first); i < fs->nr_zones; i++) {
		uint64_t from = max(fs->zones[i].start, first);
		uint64_t to = min(fs->zones[i].start + fs->zones[i].len, first + nr);

		if (from >= to)
			break;
		bitmap_set(b->data, from - first, to - from);
	}
	bitmap_set(b->data, nr, (uint64_t)b->size * 8 - nr);
}

static void make_inode_bitmap(struct ext4_fs *fs, struct buf *b)
{
	memset(b->data, 0, b->size);
	bitmap_set(b->data, fs->inodes_per_group, (uint64_t)b->size * 8 - fs->inodes_per_group);
}

static bool bitmap_csum_ok(struct ext4_fs *fs, uint32_t group, struct buf *b, bool is_inode)
{
	struct disk_group *g = ext4_group(fs, group);
	uint32_t bytes = (is_inode ? fs->inodes_per_group : fs->blocks_per_group) / 8, crc, have;

	if (!ext4_has_csum(fs))
		return true;
	crc = ext4_csum_bitmap(fs, b, bytes);
	if (is_inode)
		have = ext4_group_get(fs, &g->inode_bitmap_csum_lo, &g->inode_bitmap_csum_hi);
	else
		have = ext4_group_get(fs, &g->block_bitmap_csum_lo, &g->block_bitmap_csum_hi);
	return have == (fs->desc_size >= 64 ? crc : (uint16_t)crc);
}

static struct buf *read_bitmap(struct ext4_fs *fs, uint32_t group, uint64_t at, bool is_inode)
{
	struct buf *b = buf_read(fs->cache, at);

	if (IS_ERR(b) || buf_has(b, BUF_CHECKED))
		return b;
	if (!bitmap_csum_ok(fs, group, b, is_inode)) {
		buf_put(b);
		return ERR_PTR(ext4_damaged(fs, "bitmap of group %u: wrong checksum", group));
	}
	buf_set_flags(b, BUF_CHECKED);
	return b;
}

static struct buf *made_bitmap(struct ext4_fs *fs, uint32_t group, uint64_t at, bool is_inode)
{
	struct buf *b = buf_get(fs->cache, at);

	if (IS_ERR(b) || buf_has(b, BUF_CHECKED))
		return b;
	if (is_inode)
		make_inode_bitmap(fs, b);
	else
		make_block_bitmap(fs, group, b);
	buf_set_uptodate(b);
	buf_set_flags(b, BUF_CHECKED);
	return b;
}

struct buf *ext4_block_bitmap(struct ext4_fs *fs, uint32_t group)
{
	struct disk_group *g = ext4_group(fs, group);
	uint64_t at = ext4_block_bitmap_at(fs, g);

	if (le16_to_cpu(g->flags) & GROUP_BLOCK_UNINIT)
		return made_bitmap(fs, group, at, false);
	return read_bitmap(fs, group, at, false);
}

struct buf *ext4_inode_bitmap(struct ext4_fs *fs, uint32_t group)
{
	struct disk_group *g = ext4_group(fs, group);
	uint64_t at = ext4_inode_bitmap_at(fs, g);

	if (le16_to_cpu(g->flags) & GROUP_INODE_UNINIT)
		return made_bitmap(fs, group, at, true);
	return read_bitmap(fs, group, at, true);
}

/* @bitmap and the descriptor were changed: checksums.  Both are in the transaction. */
void ext4_bitmap_changed(struct ext4_fs *fs, uint32_t group, struct buf *bitmap, bool is_inode)
{
	struct disk_group *g = ext4_group(fs, group);
	uint32_t crc;

	if (ext4_has_csum(fs)) {
		crc = ext4_csum_bitmap(fs, bitmap, (is_inode ? fs->inodes_per_group :
						    fs->blocks_per_group) / 8);
		if (is_inode)
			ext4_group_put(fs, &g->inode_bitmap_csum_lo, &g->inode_bitmap_csum_hi, crc);
		else
			ext4_group_put(fs, &g->block_bitmap_csum_lo, &g->block_bitmap_csum_hi, crc);
	}
	ext4_csum_group_set(fs, group, g);
}
