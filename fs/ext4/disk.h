/* SPDX-License-Identifier: MIT */
/*
 * ext2, ext3 and ext4 on disk: all numbers are little-endian.  Nothing in these structures is
 * trusted before it was checked; the journal's format is in fs/jbd2.
 */
#ifndef FS_EXT4_DISK_H
#define FS_EXT4_DISK_H

#include <lib/endian.h>

#define EXT4_SUPER_OFFSET	1024u
#define EXT4_MAGIC		0xEF53u
#define EXT4_ROOT_INO		2u
#define EXT4_JOURNAL_INO	8u
#define EXT4_NAME_MAX		255u

enum ext4_compat {
	COMPAT_DIR_PREALLOC = 0x1, COMPAT_IMAGIC = 0x2, COMPAT_HAS_JOURNAL = 0x4,
	COMPAT_EXT_ATTR = 0x8, COMPAT_RESIZE_INODE = 0x10, COMPAT_DIR_INDEX = 0x20,
	COMPAT_SPARSE_SUPER2 = 0x200, COMPAT_FAST_COMMIT = 0x400, COMPAT_STABLE_INODES = 0x800,
	COMPAT_ORPHAN_FILE = 0x1000,
};
enum ext4_incompat {
	INCOMPAT_COMPRESSION = 0x1, INCOMPAT_FILETYPE = 0x2, INCOMPAT_RECOVER = 0x4,
	INCOMPAT_JOURNAL_DEV = 0x8, INCOMPAT_META_BG = 0x10, INCOMPAT_EXTENTS = 0x40,
	INCOMPAT_64BIT = 0x80, INCOMPAT_MMP = 0x100, INCOMPAT_FLEX_BG = 0x200,
	INCOMPAT_EA_INODE = 0x400, INCOMPAT_DIRDATA = 0x1000, INCOMPAT_CSUM_SEED = 0x2000,
	INCOMPAT_LARGEDIR = 0x4000, INCOMPAT_INLINE_DATA = 0x8000, INCOMPAT_ENCRYPT = 0x10000,
	INCOMPAT_CASEFOLD = 0x20000,
	INCOMPAT_KNOWN = INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG |
		INCOMPAT_EXTENTS | INCOMPAT_64BIT | INCOMPAT_FLEX_BG | INCOMPAT_CSUM_SEED |
		INCOMPAT_LARGEDIR,
};
enum ext4_ro_compat {
	RO_COMPAT_SPARSE_SUPER = 0x1, RO_COMPAT_LARGE_FILE = 0x2, RO_COMPAT_HUGE_FILE = 0x8,
	RO_COMPAT_GDT_CSUM = 0x10, RO_COMPAT_DIR_NLINK = 0x20, RO_COMPAT_EXTRA_ISIZE = 0x40,
	RO_COMPAT_QUOTA = 0x100, RO_COMPAT_BIGALLOC = 0x200, RO_COMPAT_METADATA_CSUM = 0x400,
	RO_COMPAT_READONLY = 0x1000, RO_COMPAT_PROJECT = 0x2000, RO_COMPAT_VERITY = 0x8000,
	RO_COMPAT_ORPHAN_PRESENT = 0x10000,
	RO_COMPAT_KNOWN = RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE | RO_COMPAT_HUGE_FILE |
		RO_COMPAT_GDT_CSUM | RO_COMPAT_DIR_NLINK | RO_COMPAT_EXTRA_ISIZE |
		RO_COMPAT_METADATA_CSUM | RO_COMPAT_ORPHAN_PRESENT,
};
enum ext4_super_state { STATE_VALID = 1, STATE_ERROR = 2, STATE_ORPHANS = 4 };
enum ext4_errors { ERRORS_CONTINUE = 1, ERRORS_RO = 2, ERRORS_PANIC = 3 };
enum ext4_super_flags { SUPER_SIGNED_HASH = 1, SUPER_UNSIGNED_HASH = 2 };

struct disk_super {
	le32_t inodes, blocks_lo, reserved_lo, free_blocks_lo;
	le32_t free_inodes, first_data_block, log_block_size, log_cluster_size;
	le32_t blocks_per_group, clusters_per_group, inodes_per_group, mount_time;
	le32_t write_time;
	le16_t mount_count, max_mount_count, magic, state, errors, minor_rev;
	le32_t last_check, check_interval, creator_os, rev_level;
	le16_t reserved_uid, reserved_gid;
	le32_t first_ino;
	le16_t inode_size, block_group_nr;
	le32_t compat, incompat, ro_compat;
	uint8_t uuid[16];
	char label[16], last_mounted[64];
	le32_t algorithm_bitmap;
	uint8_t prealloc_blocks, prealloc_dir_blocks;
	le16_t reserved_gdt_blocks;
	uint8_t journal_uuid[16];
	le32_t journal_ino, journal_dev, last_orphan;
	le32_t hash_seed[4];
	uint8_t hash_version, journal_backup_type;
	le16_t desc_size;
	le32_t default_mount_options, first_meta_bg, mkfs_time, journal_blocks[17];
	le32_t blocks_hi, reserved_hi, free_blocks_hi;
	le16_t min_extra_isize, want_extra_isize;
	le32_t flags;
	le16_t raid_stride, mmp_interval;
	le64_t mmp_block;
	le32_t raid_stripe_width;
	uint8_t log_groups_per_flex, checksum_type;
	le16_t pad1;
	le64_t kbytes_written;
	le32_t snapshot_ino, snapshot_id;
	le64_t snapshot_reserved;
	le32_t snapshot_list, error_count, first_error_time, first_error_ino;
	le64_t first_error_block;
	uint8_t first_error_func[32];
	le32_t first_error_line, last_error_time, last_error_ino, last_error_line;
	le64_t last_error_block;
	uint8_t last_error_func[32], mount_opts[64];
	le32_t usr_quota_ino, grp_quota_ino, overhead, backup_bgs[2];
	uint8_t encrypt_algos[4], encrypt_salt[16];
	le32_t lost_found_ino, project_quota_ino, checksum_seed;
	uint8_t hi_times[8];
	le32_t encoding, orphan_file_ino;
	le32_t reserved[94];
	le32_t checksum;
};
_Static_assert(sizeof(struct disk_super) == 1024, "superblock");

enum group_flags { GROUP_INODE_UNINIT = 1, GROUP_BLOCK_UNINIT = 2, GROUP_ITABLE_ZEROED = 4 };

struct disk_group {			/* the first 32 bytes alone without INCOMPAT_64BIT */
	le32_t block_bitmap_lo, inode_bitmap_lo, inode_table_lo;
	le16_t free_blocks_lo, free_inodes_lo, used_dirs_lo, flags;
	le32_t exclude_lo;
	le16_t block_bitmap_csum_lo, inode_bitmap_csum_lo, itable_unused_lo, checksum;
	le32_t block_bitmap_hi, inode_bitmap_hi, inode_table_hi;
	le16_t free_blocks_hi, free_inodes_hi, used_dirs_hi, itable_unused_hi;
	le32_t exclude_hi;
	le16_t block_bitmap_csum_hi, inode_bitmap_csum_hi;
	le32_t reserved;
};
_Static_assert(sizeof(struct disk_group) == 64, "group descriptor");

enum disk_inode_flags {
	FLAG_SYNC = 0x8, FLAG_IMMUTABLE = 0x10, FLAG_APPEND = 0x20, FLAG_NODUMP = 0x40,
	FLAG_NOATIME = 0x80, FLAG_INDEX = 0x1000, FLAG_JOURNAL_DATA = 0x4000,
	FLAG_DIRSYNC = 0x10000, FLAG_TOPDIR = 0x20000, FLAG_HUGE_FILE = 0x40000,
	FLAG_EXTENTS = 0x80000, FLAG_VERITY = 0x100000, FLAG_EA_INODE = 0x200000,
	FLAG_INLINE_DATA = 0x10000000, FLAG_CASEFOLD = 0x40000000,
	FLAGS_USER_VISIBLE = 0x705BDFFF, FLAGS_USER_SETTABLE = 0x000000FB,
	/* a new file takes these from its directory */
	FLAGS_INHERITED = FLAG_SYNC | FLAG_NODUMP | FLAG_NOATIME | FLAG_DIRSYNC,
};

struct disk_inode {
	le16_t mode, uid_lo;
	le32_t size_lo, atime, ctime, mtime, dtime;	/* dtime: next orphan while on that list */
	le16_t gid_lo, nlink;
	le32_t blocks_lo, flags, version;
	uint8_t block[60];
	le32_t generation, xattr_lo, size_hi, obsolete_faddr;
	le16_t blocks_hi, xattr_hi, uid_hi, gid_hi, checksum_lo, reserved;
	/* present from 160-byte inodes on, as far as extra_isize says */
	le16_t extra_isize, checksum_hi;
	le32_t ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra, version_hi, project;
};
_Static_assert(sizeof(struct disk_inode) == 160, "inode");
#define EXT4_OLD_INODE_SIZE	128u

/* Trees of extents. */
#define EXTENT_MAGIC		0xF30Au
#define EXTENT_MAX_LEN		32768u	/* of a written one; unwritten ones add this, less one */
#define EXTENT_MAX_DEPTH	5u

struct disk_extent_header { le16_t magic, entries, max, depth; le32_t generation; };
struct disk_extent { le32_t block; le16_t len, start_hi; le32_t start_lo; };
struct disk_extent_index { le32_t block, leaf_lo; le16_t leaf_hi, unused; };
_Static_assert(sizeof(struct disk_extent) == sizeof(struct disk_extent_index), "extents");

/* Directories. */
struct disk_dirent {
	le32_t ino;
	le16_t rec_len;
	uint8_t name_len, type;
	char name[];
};
#define DIRENT_TAIL_TYPE	0xDE
struct disk_dirent_tail {
	le32_t zero_ino;
	le16_t rec_len;			/* 12 */
	uint8_t zero_len, type;		/* DIRENT_TAIL_TYPE */
	le32_t checksum;
};
enum dirent_type { FT_UNKNOWN, FT_REG, FT_DIR, FT_CHR, FT_BLK, FT_FIFO, FT_SOCK, FT_LNK };

enum dx_hash { DX_LEGACY, DX_HALF_MD4, DX_TEA, DX_LEGACY_UNSIGNED, DX_HALF_MD4_UNSIGNED,
	       DX_TEA_UNSIGNED };

struct dx_root_info { le32_t zero; uint8_t hash_version, info_len, levels, flags; };
struct dx_entry { le32_t hash, block; };	/* the first one's hash is limit and count */
struct dx_limit { le16_t limit, count; };
struct dx_tail { le32_t reserved, checksum; };

/* Extended attributes. */
#define XATTR_MAGIC	0xEA020000u
struct disk_xattr_header {
	le32_t magic, refs, blocks, hash, checksum, reserved[3];
};
struct disk_xattr {
	uint8_t name_len, index;
	le16_t value_offset;
	le32_t value_ino, value_size, hash;
	char name[];
};

/* The orphan file's blocks end with this. */
#define ORPHAN_BLOCK_MAGIC	0x0b10ca04u
struct disk_orphan_tail { le32_t magic, checksum; };

#endif
