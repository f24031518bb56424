/* SPDX-License-Identifier: MIT */
/*
 * Checksums of metadata: crc32c of everything with metadata_csum, crc16 of group descriptors with
 * the older gdt_csum.  Each covers its structure with the checksum's own bytes as zeros, and begins
 * with something that names the place, so that a block that landed elsewhere is noticed.
 */
#include <lib/crc32.h>
#include <lib/string.h>

#include "ext4.h"

static const uint8_t zeros[4];

uint32_t ext4_csum_inode_seed(const struct ext4_fs *fs, uint64_t ino, uint32_t generation)
{
	le32_t n = cpu_to_le32((uint32_t)ino), gen = cpu_to_le32(generation);

	return crc32c_raw(crc32c_raw(fs->csum_seed, &n, 4), &gen, 4);
}

static uint32_t super_csum(const struct disk_super *s)
{
	return crc32c_raw(~0u, s, offset_of(struct disk_super, checksum));
}

void ext4_csum_super_set(struct ext4_fs *fs)
{
	if (ext4_has_csum(fs))
		fs->super->checksum = cpu_to_le32(super_csum(fs->super));
}

bool ext4_csum_super_ok(const struct disk_super *s)
{
	return !(le32_to_cpu(s->ro_compat) & RO_COMPAT_METADATA_CSUM) ||
	       (s->checksum_type == 1 && le32_to_cpu(s->checksum) == super_csum(s));
}

static uint16_t group_crc16(struct ext4_fs *fs, le32_t n, const struct disk_group *g)
{
	uint32_t offset = offset_of(struct disk_group, checksum);
	uint16_t crc = crc16(~0, fs->super->uuid, 16);

	crc = crc16(crc, &n, 4);
	crc = crc16(crc, g, offset);
	offset += 2;
	if (fs->desc_size > offset)
		crc = crc16(crc, (const uint8_t *)g + offset, fs->desc_size - offset);
	return crc;
}

static uint16_t group_csum(struct ext4_fs *fs, uint32_t group, const struct disk_group *g)
{
	uint32_t offset = offset_of(struct disk_group, checksum), crc;
	le32_t n = cpu_to_le32(group);

	if (!ext4_has_csum(fs))
		return group_crc16(fs, n, g);
	crc = crc32c_raw(fs->csum_seed, &n, 4);
	crc = crc32c_raw(crc, g, offset);
	crc = crc32c_raw(crc, zeros, 2);
	offset += 2;
	if (fs->desc_size > offset)
		crc = crc32c_raw(crc, (const uint8_t *)g + offset, fs->desc_size - offset);
	return (uint16_t)crc;
}

static bool groups_have_csum(const struct ext4_fs *fs)
{
	return fs->ro_compat & (RO_COMPAT_METADATA_CSUM | RO_COMPAT_GDT_CSUM);
}

void ext4_csum_group_set(struct ext4_fs *fs, uint32_t group, struct disk_group *g)
{
	if (groups_have_csum(fs))
		g->checksum = cpu_to_le16(group_csum(fs, group, g));
}

bool ext4_csum_group_ok(struct ext4_fs *fs, uint32_t group, const struct disk_group *g)
{
	return !groups_have_csum(fs) || le16_to_cpu(g->checksum) == group_csum(fs, group, g);
}

uint32_t ext4_csum_bitmap(const struct ext4_fs *fs, const struct buf *b, uint32_t bytes)
{
	return crc32c_raw(fs->csum_seed, b->data, bytes);
}

/* Does an inode with this much behind the old 128 bytes have the upper half of the checksum? */
static bool has_csum_hi(const struct ext4_fs *fs, const struct disk_inode *d)
{
	return fs->inode_size > EXT4_OLD_INODE_SIZE && le16_to_cpu(d->extra_isize) >= 4;
}

static uint32_t inode_csum(const struct ext4_fs *fs, uint64_t ino, const struct disk_inode *d)
{
	uint32_t crc = ext4_csum_inode_seed(fs, ino, le32_to_cpu(d->generation));
	uint32_t offset = offset_of(struct disk_inode, checksum_lo);
	const uint8_t *p = (const uint8_t *)d;

	crc = crc32c_raw(crc, p, offset);
	crc = crc32c_raw(crc, zeros, 2);
	offset += 2;
	crc = crc32c_raw(crc, p + offset, EXT4_OLD_INODE_SIZE - offset);
	if (fs->inode_size == EXT4_OLD_INODE_SIZE)
		return crc;
	if (!has_csum_hi(fs, d))
		return crc32c_raw(crc, p + EXT4_OLD_INODE_SIZE,
				  fs->inode_size - EXT4_OLD_INODE_SIZE);
	crc = crc32c_raw(crc, p + EXT4_OLD_INODE_SIZE, 2);
	crc = crc32c_raw(crc, zeros, 2);
	return crc32c_raw(crc, p + EXT4_OLD_INODE_SIZE + 4,
			  fs->inode_size - EXT4_OLD_INODE_SIZE - 4);
}

void ext4_csum_inode_set(const struct ext4_fs *fs, uint64_t ino, struct disk_inode *d)
{
	uint32_t crc;

	if (!ext4_has_csum(fs))
		return;
	crc = inode_csum(fs, ino, d);
	d->checksum_lo = cpu_to_le16((uint16_t)crc);
	if (has_csum_hi(fs, d))
		d->checksum_hi = cpu_to_le16((uint16_t)(crc >> 16));
}

bool ext4_csum_inode_ok(const struct ext4_fs *fs, uint64_t ino, const struct disk_inode *d)
{
	uint32_t crc, have;

	if (!ext4_has_csum(fs))
		return true;
	crc = inode_csum(fs, ino, d);
	have = le16_to_cpu(d->checksum_lo);
	if (has_csum_hi(fs, d))
		have |= (uint32_t)le16_to_cpu(d->checksum_hi) << 16;
	else
		crc &= 0xffff;
	return crc == have;
}

static uint32_t block_csum(const struct ext4_inode *ei, const void *block, uint32_t offset)
{
	const struct ext4_fs *fs = ext4_fs_of(&ei->inode);

	return crc32c_raw(ext4_csum_inode_seed(fs, ei->inode.ino, ei->generation), block, offset);
}

/* Of the bytes before @offset, stored at @at. */
void ext4_csum_tail_set(const struct ext4_inode *ei, void *block, uint32_t offset, uint32_t at)
{
	if (ext4_has_csum(ext4_fs_of(&ei->inode)))
		put_le32((uint8_t *)block + at, block_csum(ei, block, offset));
}

bool ext4_csum_tail_ok(const struct ext4_inode *ei, const void *block, uint32_t offset, uint32_t at)
{
	return !ext4_has_csum(ext4_fs_of(&ei->inode)) ||
	       get_le32((const uint8_t *)block + at) == block_csum(ei, block, offset);
}

uint32_t ext4_csum_dx(const struct ext4_inode *ei, const void *block, uint32_t used,
		      const struct dx_tail *tail)
{
	uint32_t crc = block_csum(ei, block, used);

	return crc32c_raw(crc32c_raw(crc, &tail->reserved, 4), zeros, 4);
}

static uint32_t xattr_csum(const struct ext4_fs *fs, const struct buf *b)
{
	uint32_t offset = offset_of(struct disk_xattr_header, checksum);
	le64_t n = cpu_to_le64(b->block);
	uint32_t crc = crc32c_raw(fs->csum_seed, &n, 8);

	crc = crc32c_raw(crc, b->data, offset);
	crc = crc32c_raw(crc, zeros, 4);
	return crc32c_raw(crc, (const uint8_t *)b->data + offset + 4, b->size - offset - 4);
}

void ext4_csum_xattr_set(const struct ext4_fs *fs, struct buf *b)
{
	if (ext4_has_csum(fs))
		((struct disk_xattr_header *)b->data)->checksum = cpu_to_le32(xattr_csum(fs, b));
}

bool ext4_csum_xattr_ok(const struct ext4_fs *fs, const struct buf *b)
{
	const struct disk_xattr_header *h = b->data;

	return !ext4_has_csum(fs) || le32_to_cpu(h->checksum) == xattr_csum(fs, b);
}

/* A block of the orphan file, whose inode's seed is @seed. */
uint32_t ext4_csum_orphans(uint32_t seed, const le64_t *block, const void *entries, uint32_t bytes)
{
	return crc32c_raw(crc32c_raw(seed, block, 8), entries, bytes);
}
