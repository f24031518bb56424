/* SPDX-License-Identifier: MIT */
/*
 * The ext4 driver's own: what a mounted file system and an inode are in memory, and what its files
 * give each other.  README.md tells which file does what, super.c how locks nest.
 */
#ifndef FS_EXT4_EXT4_H
#define FS_EXT4_EXT4_H

#include <fs/bdev.h>
#include <fs/iomap.h>
#include <fs/jbd2.h>
#include <fs/vfs.h>
#include <lib/rbtree.h>

#include "disk.h"

enum ext4_options {
	OPT_ERRORS_CONTINUE = 1 << 0, OPT_ERRORS_PANIC = 1 << 1, OPT_NO_BARRIER = 1 << 2,
	OPT_NO_LOAD = 1 << 3, OPT_ACL = 1 << 4, OPT_USER_XATTR = 1 << 5, OPT_BSD_GROUPS = 1 << 6,
	OPT_ERRORS_GIVEN = 1 << 7,	/* by mount(2), not by the superblock */
};

/* A range of blocks that the bitmaps call free but that must not be taken. */
struct busy {
	struct rb_node node;		/* by start */
	uint64_t start;
	uint32_t len;
	uint32_t tid;			/* freed in it; or BUSY_IN_FLIGHT */
	bool in_flight;			/* being written, not in a file's map yet: map.c */
};

struct ext4_run;
struct ext4_zone { uint64_t start, len; };	/* the file system's own blocks */

/* A mounted file system.   [A] atomic   [I] immutable   [L] alloc_lock   [O] orphan_lock */
struct ext4_fs {
	struct super_block *sb;		/* [I] */
	struct block_device *dev;	/* [I] */
	struct buf_cache *cache;	/* [I] */
	struct buf *super_buf;		/* [I] */
	struct disk_super *super;	/* [I] within super_buf; counts [L], last_orphan [O] */
	struct journal *journal;	/* [I] NULL: none, or read-only */
	struct ext4_run *journal_runs;	/* [I] where the journal's file is; NULL: there is none */
	uint32_t nr_journal_runs, nr_journal_blocks;	/* [I] */
	uint32_t options;		/* [A] enum ext4_options */
	uint32_t commit_interval_ms;	/* [A] */
	uint32_t block_size, block_shift;	/* [I] */
	uint32_t compat, incompat, ro_compat;	/* [I] */
	uint64_t nr_blocks, first_block;	/* [I] */
	uint32_t nr_groups, blocks_per_group, inodes_per_group, nr_inodes, first_ino;	/* [I] */
	uint32_t inode_size, desc_size, desc_per_block;	/* [I] */
	uint32_t groups_per_flex;	/* [I] */
	uint32_t csum_seed;		/* [I] */
	uint32_t hash_seed[4];		/* [I] */
	uint8_t hash_version, hash_unsigned;	/* [I] */
	uint64_t overhead;		/* [I] blocks that statfs does not show */
	struct buf **group_bufs;	/* [I] content [L] */
	uint32_t nr_group_bufs;		/* [I] */
	struct ext4_zone *zones;	/* [I] sorted */
	uint32_t nr_zones;		/* [I] */

	struct mutex alloc_lock;	/* class EXT4_ALLOC: bitmaps, group descriptors, busy */
	struct rb_tree busy;		/* [L] */
	uint64_t free_blocks;		/* [L] as the bitmaps have it */
	uint64_t promised;	/* [L] of these: reserved for data not yet placed, or in flight */
	uint64_t root_blocks;		/* [I] for root alone */
	uint32_t root_uid, root_gid;	/* [I] */
	uint64_t pool_blocks;		/* [I] for metadata of promised data */
	uint32_t free_inodes, nr_dirs;	/* [L] */
	uint32_t last_group;		/* [L] where the last new top directory went */
	uint32_t generation;		/* [A] for new inodes */
	struct mutex orphan_lock;	/* class EXT4_ORPHAN: the list of orphans */
	struct list orphans;		/* [O] struct ext4_inode.orphan_node, first one first */
	uint32_t orphan_rest;		/* [O] the first of those on the medium alone: at mount */
	bool had_error;			/* [A] */
	void *glue;			/* the kernel side's: its commit thread */
};

/* A run of a file that is not in its map on disk: map.c.   [R] map_lock */
struct ext4_pending {
	struct rb_node node;		/* by lblock */
	uint32_t lblock, len;
	uint64_t block;			/* 0: delayed, promised but without a place */
};

struct ext4_inode {
	struct inode inode;
	uint8_t block[60];		/* [R] map_lock: i_block; the text of a fast link */
	uint32_t flags;			/* [R] inode lock: enum disk_inode_flags */
	uint32_t generation;		/* [I] */
	uint64_t xattr_block;		/* [R] xattr_lock */
	int64_t disk_size;		/* [R] map_lock: what the medium's inode says; map.c */
	uint64_t nr_blocks;		/* [R] map_lock: file-system blocks it has, all kinds */
	uint64_t nr_pending;		/* [R] map_lock: blocks of pending runs */
	/* [A] transactions that fsync, fdatasync wait for */
	uint32_t sync_tid, datasync_tid;
	uint32_t group;			/* [I] of the inode */
	uint32_t goal_lblock;		/* [R] map_lock: the last placed run, for the next */
	uint64_t goal_block;
	struct rwsem map_lock;		/* class EXT4_MAP: the map and pending */
	struct rwsem xattr_lock;	/* class EXT4_XATTR */
	struct rb_tree pending;		/* [R] map_lock */
	struct list orphan_node;	/* [R] orphan_lock */
	uint16_t extra_isize;		/* [I] */
	bool has_xattrs;		/* [A] a hint: false means none */
};

static inline struct ext4_inode *EXT4_I(struct inode *inode)
{
	return container_of(inode, struct ext4_inode, inode);
}
static inline struct ext4_fs *ext4_fs_of(const struct inode *inode) { return inode->sb->priv; }
static inline bool ext4_has_csum(const struct ext4_fs *fs)
{
	return fs->ro_compat & RO_COMPAT_METADATA_CSUM;
}
static inline bool ext4_is_rdonly(const struct ext4_fs *fs) { return fs->sb->flags & 1; }
static inline uint64_t le48(le32_t lo, le16_t hi)
{
	return le32_to_cpu(lo) | (uint64_t)le16_to_cpu(hi) << 32;
}
static inline uint64_t le64_parts(le32_t lo, le32_t hi)
{
	return le32_to_cpu(lo) | (uint64_t)le32_to_cpu(hi) << 32;
}

/*
 * super.c: life of a mounted file system.  ext4_open() needs sb->bdev; flags as mount(2).
 */
struct ext4_mount {
	uint32_t options, commit_interval_ms;
	uint32_t incompat, ro_compat;	/* features that are allowed */
	bool read_only;
};
__must_check int ext4_open(struct super_block *sb, const struct ext4_mount *m);
void ext4_close(struct ext4_fs *fs);
__must_check int ext4_sync(struct ext4_fs *fs);
/* Become writable or read-only. */
__must_check int ext4_set_writable(struct ext4_fs *fs);
__must_check int ext4_set_rdonly(struct ext4_fs *fs);
void ext4_statfs(struct ext4_fs *fs, struct statfs *st);
/* The superblock's buffer within a transaction: access, change, _dirty. */
__must_check int ext4_super_access(struct ext4_fs *fs, struct journal_handle *h);
void ext4_super_dirty(struct ext4_fs *fs, struct journal_handle *h);
__must_check int ext4_need_feature(struct ext4_fs *fs, struct journal_handle *h,
				   uint32_t ro_compat);
/*
 * The medium is damaged: note it, act as errors= says, return -EUCLEAN.  @fmt: what is wrong.
 */
int ext4_damaged(struct ext4_fs *fs, const char *fmt, ...) __printf(2, 3);
void ext4_io_error(struct ext4_fs *fs, int err);
/* An operation failed half-way: its transaction must not commit.  Returns @err. */
int ext4_fatal(struct ext4_fs *fs, int err);
__must_check int ext4_start(struct ext4_fs *fs, struct journal_handle *h, uint32_t credits);
/* Where the root of a mounted file system is: a counted inode, error pointer. */
struct inode *ext4_root(struct ext4_fs *fs);

/* options.c */
void ext4_default_options(struct ext4_mount *m);
__must_check int ext4_parse_options(struct ext4_mount *m, char *data);

/* csum.c */
uint32_t ext4_csum_inode_seed(const struct ext4_fs *fs, uint64_t ino, uint32_t generation);
void ext4_csum_super_set(struct ext4_fs *fs);
bool ext4_csum_super_ok(const struct disk_super *s);
void ext4_csum_group_set(struct ext4_fs *fs, uint32_t group, struct disk_group *g);
bool ext4_csum_group_ok(struct ext4_fs *fs, uint32_t group, const struct disk_group *g);
uint32_t ext4_csum_bitmap(const struct ext4_fs *fs, const struct buf *b, uint32_t bytes);
void ext4_csum_inode_set(const struct ext4_fs *fs, uint64_t ino, struct disk_inode *d);
bool ext4_csum_inode_ok(const struct ext4_fs *fs, uint64_t ino, const struct disk_inode *d);
void ext4_csum_tail_set(const struct ext4_inode *ei, void *block, uint32_t offset, uint32_t at);
bool ext4_csum_tail_ok(const struct ext4_inode *ei, const void *block, uint32_t offset,
		       uint32_t at);
void ext4_csum_xattr_set(const struct ext4_fs *fs, struct buf *b);
bool ext4_csum_xattr_ok(const struct ext4_fs *fs, const struct buf *b);
uint32_t ext4_csum_orphans(uint32_t seed, const le64_t *block, const void *entries, uint32_t bytes);
uint32_t ext4_csum_dx(const struct ext4_inode *ei, const void *block, uint32_t used,
		      const struct dx_tail *tail);

/* group.c: descriptors and bitmaps; alloc_lock held but for _load */
struct disk_group *ext4_group(struct ext4_fs *fs, uint32_t group);
struct buf *ext4_group_buf(struct ext4_fs *fs, uint32_t group);
__must_check int ext4_groups_load(struct ext4_fs *fs);
void ext4_groups_unload(struct ext4_fs *fs);
uint64_t ext4_group_first_block(const struct ext4_fs *fs, uint32_t group);
uint32_t ext4_group_nr_blocks(const struct ext4_fs *fs, uint32_t group);
uint64_t ext4_block_bitmap_at(const struct ext4_fs *fs, const struct disk_group *g);
uint64_t ext4_inode_bitmap_at(const struct ext4_fs *fs, const struct disk_group *g);
uint64_t ext4_inode_table_at(const struct ext4_fs *fs, const struct disk_group *g);
uint32_t ext4_group_get(const struct ext4_fs *fs, const le16_t *lo, const le16_t *hi);
void ext4_group_put(const struct ext4_fs *fs, le16_t *lo, le16_t *hi, uint32_t n);
struct buf *ext4_block_bitmap(struct ext4_fs *fs, uint32_t group);
struct buf *ext4_inode_bitmap(struct ext4_fs *fs, uint32_t group);
void ext4_bitmap_changed(struct ext4_fs *fs, uint32_t group, struct buf *bitmap, bool is_inode);
/* May a file have these blocks? */
bool ext4_blocks_ok(const struct ext4_fs *fs, uint64_t start, uint64_t len);

/* balloc.c */
/* Promise @n blocks to come: 0 or -ENOSPC.  Take back what was not used. */
__must_check int ext4_promise(struct ext4_fs *fs, uint64_t n);
void ext4_unpromise(struct ext4_fs *fs, uint64_t n);
/*
 * A run near @goal of up to *len blocks, whose promise is kept: in flight, not in the bitmap yet.
 */
__must_check int ext4_take_blocks(struct ext4_fs *fs, uint64_t goal, uint32_t *len,
				  uint64_t *start);
void ext4_untake_blocks(struct ext4_fs *fs, uint64_t start, uint32_t len);
/* The run goes into the bitmap; what was promised for it is redeemed. */
__must_check int ext4_commit_blocks(struct journal_handle *h, struct ext4_fs *fs, uint64_t start,
				    uint32_t len);
/* A run at once, for metadata; _DATA: for preallocation; _POOL: also from pool_blocks. */
enum ext4_alloc_flags { EXT4_ALLOC_POOL = 1, EXT4_ALLOC_DATA = 2 };
__must_check int ext4_alloc_blocks(struct journal_handle *h, struct ext4_fs *fs, uint64_t goal,
				   uint32_t flags, uint32_t *len, uint64_t *start);
enum ext4_free_flags { EXT4_FREE_METADATA = 1 };
__must_check int ext4_free_blocks(struct journal_handle *h, struct ext4_fs *fs, uint64_t start,
				  uint32_t len, uint32_t flags);
void ext4_busy_drop_all(struct ext4_fs *fs);
#define EXT4_ALLOC_CREDITS 3		/* bitmap, descriptor, superblock: of one group */

/* ialloc.c */
struct inode *ext4_new_inode(struct journal_handle *h, struct inode *dir, uint32_t mode,
			     dev_t rdev);
__must_check int ext4_free_inode(struct journal_handle *h, struct inode *inode);

/* inode.c */
struct inode *ext4_iget(struct ext4_fs *fs, uint64_t ino);
/* Write the fields into the inode's block, within the transaction. */
__must_check int ext4_update_inode(struct journal_handle *h, struct inode *inode);
/* Its place: the buffer (counted) and the offset in it. */
struct buf *ext4_inode_place(struct ext4_fs *fs, uint64_t ino, uint32_t *offset);
__must_check int ext4_write_inode(struct inode *inode, bool wait);
void ext4_evict(struct inode *inode);
struct inode *ext4_alloc_inode(struct super_block *sb);
__must_check int ext4_setattr(struct inode *inode, const struct attr_change *a);
__must_check int ext4_fsync(struct inode *inode, bool data_only);

/* fallocate.c */
__must_check int ext4_fallocate(struct inode *inode, int mode, uint64_t offset, uint64_t len);

/* orphan.c */
__must_check int ext4_orphan_add(struct journal_handle *h, struct inode *inode);
__must_check int ext4_orphan_del(struct journal_handle *h, struct inode *inode);
void ext4_orphans_clean(struct ext4_fs *fs);

/* map.c */
struct ext4_run {			/* an answer: [lblock, lblock + len) */
	uint32_t lblock, len;
	uint64_t block;			/* 0: a hole */
	bool unwritten;
};
extern const struct iomap_ops ext4_iomap_ops;
/* The run at @lblock on the medium, at most @max long; map_lock held. */
__must_check int ext4_map_locked(struct inode *inode, uint32_t lblock, uint32_t max,
				 struct ext4_run *run);
/* One block, for directories and the journal: 0 in *block: a hole. */
__must_check int ext4_map_block(struct inode *inode, uint32_t lblock, uint64_t *block);
/* A new block at @lblock, which is a hole: for directories and links. */
__must_check int ext4_append_block(struct journal_handle *h, struct inode *inode, uint32_t lblock,
				   uint64_t *block);
uint32_t ext4_max_lblock(const struct inode *inode);
/* Free what is mapped in [from, to): several transactions if need be. */
__must_check int ext4_unmap(struct journal_handle *h, struct inode *inode, uint32_t from,
			    uint32_t to);
void ext4_pending_drop(struct inode *inode, uint32_t from, uint32_t to);
/* Free what lies behind the size, or all when no name is left.  Takes transactions of its own. */
__must_check int ext4_truncate_blocks(struct inode *inode);
__must_check int ext4_fallocate_range(struct inode *inode, uint64_t from, uint64_t to);
/* Does the inode have a map, and not a device number or text? */
bool ext4_has_map(const struct inode *inode);
/*
 * A block for metadata: zeroed, in the transaction, to be filled and journal_dirty()'d.  Counted.
 */
struct buf *ext4_new_meta(struct journal_handle *h, struct inode *inode, uint64_t goal,
			  uint32_t alloc_flags);

/* extents.c; map_lock held, for writing where a handle is given */
void ext4_extents_init(struct ext4_inode *ei);
__must_check int ext4_extents_map(struct ext4_inode *ei, uint32_t lblock, uint32_t max,
				  struct ext4_run *run);
__must_check int ext4_extents_insert(struct journal_handle *h, struct ext4_inode *ei,
				     const struct ext4_run *run);
/* Cut off from the end what lies in [from, to); -EAGAIN: call again after journal_ensure(). */
__must_check int ext4_extents_remove(struct journal_handle *h, struct ext4_inode *ei, uint32_t from,
				     uint32_t to);
__must_check int ext4_extents_set_written(struct journal_handle *h, struct ext4_inode *ei,
					  uint32_t lblock, uint32_t len);
#define EXT4_EXTENT_CREDITS 32		/* an insertion, splits included */

/* indirect.c, the same */
__must_check int ext4_indirect_map(struct ext4_inode *ei, uint32_t lblock, uint32_t max,
				   struct ext4_run *run);
__must_check int ext4_indirect_insert(struct journal_handle *h, struct ext4_inode *ei,
				      const struct ext4_run *run);
__must_check int ext4_indirect_remove(struct journal_handle *h, struct ext4_inode *ei,
				      uint32_t from, uint32_t to);

/* dir.c: blocks of entries; dir's inode lock held */
struct ext4_found {			/* where a name is; buf counted */
	struct buf *buf;
	struct disk_dirent *entry;
	uint32_t ino;
	uint8_t type;
};
uint32_t ext4_dirent_size(uint32_t name_len);
uint32_t ext4_rec_len(const struct disk_dirent *e, uint32_t block_size);
le16_t ext4_rec_len_encode(uint32_t len);
bool ext4_dirent_ok(const struct ext4_fs *fs, const void *block, uint32_t offset);
/* Block @lblock of a directory, checked; error pointer, -ENOENT for a hole. */
struct buf *ext4_dir_read(struct inode *dir, uint32_t lblock, bool may_be_index);
void ext4_dir_csum_set(struct inode *dir, struct buf *b);
void ext4_dir_block_init(struct inode *dir, struct buf *b);
uint32_t ext4_dir_limit(const struct ext4_fs *fs);	/* bytes of a block before its checksum */
__must_check int ext4_dir_find(struct inode *dir, const char *name, uint32_t len,
			       struct ext4_found *found);
__must_check int ext4_dir_lookup(struct inode *dir, const char *name, uint32_t len, uint32_t *ino);
__must_check int ext4_dir_add(struct journal_handle *h, struct inode *dir, const char *name,
			      uint32_t len, struct inode *inode);
__must_check int ext4_dir_remove(struct journal_handle *h, struct inode *dir,
				 struct ext4_found *found);
__must_check int ext4_dir_set(struct journal_handle *h, struct inode *dir, struct ext4_found *found,
			      uint32_t ino, uint8_t type);
__must_check int ext4_dir_is_empty(struct inode *dir);
__must_check int ext4_dir_init(struct journal_handle *h, struct inode *dir, struct inode *parent);
__must_check int ext4_dir_iterate(struct inode *dir, struct dir_context *ctx);
/* A place in @b for an entry, and the entry there. */
__must_check int ext4_dir_add_in(struct journal_handle *h, struct inode *dir, struct buf *b,
				 const char *name, uint32_t len, uint32_t ino, uint8_t type);
__must_check int ext4_search_block(struct inode *dir, struct buf *b, const char *name, uint32_t len,
				   struct ext4_found *found);
struct buf *ext4_dir_append(struct journal_handle *h, struct inode *dir, uint32_t *lblock);
uint8_t ext4_type_of(const struct ext4_fs *fs, uint32_t mode);
#define EXT4_DIR_CREDITS 48		/* adding a name, splits included */

/* htree.c, hash.c */
uint32_t ext4_hash(const struct ext4_fs *fs, uint8_t version, const char *name, uint32_t len);
__must_check int ext4_htree_find(struct inode *dir, const char *name, uint32_t len,
				 struct ext4_found *found);
__must_check int ext4_htree_add(struct journal_handle *h, struct inode *dir, const char *name,
				uint32_t len, uint32_t ino, uint8_t type);
/* A directory of one full block gets an index. */
__must_check int ext4_htree_make(struct journal_handle *h, struct inode *dir, struct buf *first);
bool ext4_dx_block_ok(struct inode *dir, const struct buf *b, uint32_t lblock);
void ext4_dx_csum_set(struct inode *dir, struct buf *b);

/* namei.c: operations on names without dentries; locks and permissions as inode_ops */
__must_check int ext4_create(struct inode *dir, const struct name *n, uint32_t mode, dev_t rdev,
			     struct inode **out);
__must_check int ext4_symlink(struct inode *dir, const struct name *n, const char *target,
			      struct inode **out);
__must_check int ext4_link(struct inode *dir, const struct name *n, struct inode *inode);
__must_check int ext4_unlink(struct inode *dir, const struct name *n, struct inode *inode);
__must_check int ext4_rmdir(struct inode *dir, const struct name *n, struct inode *inode);
struct ext4_rename {
	struct inode *old_dir, *new_dir, *old, *new;	/* new: NULL, or what is replaced */
	struct name old_name, new_name;
};
__must_check int ext4_rename(const struct ext4_rename *r);
__must_check int ext4_exchange(const struct ext4_rename *r);
struct inode *ext4_tmpfile(struct inode *dir, uint32_t mode);
__must_check int ext4_readlink(struct inode *inode, char *buf, size_t size);

/* xattr.c, acl.c */
ssize_t ext4_getxattr(struct inode *inode, const char *name, void *value, size_t size);
int ext4_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
ssize_t ext4_listxattr(struct inode *inode, char *list, size_t size);
int ext4_removexattr(struct inode *inode, const char *name);
__must_check int ext4_xattr_free_block(struct journal_handle *h, struct inode *inode);
__must_check int ext4_acl_inherit(struct journal_handle *h, struct inode *dir, struct inode *inode);
void ext4_acl_mask(void *disk, size_t size, uint32_t *mode);
ssize_t ext4_acl_to_disk(const void *value, size_t size, void *out, size_t out_size);
ssize_t ext4_acl_from_disk(const void *disk, size_t size, void *out, size_t out_size);

#endif
