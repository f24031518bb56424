/* SPDX-License-Identifier: MIT */
/*
 * Directories: blocks of entries.  An entry spans its record; a free one has inode 0 or is the
 * unused end of its predecessor's record.  With metadata_csum a block ends with a false entry that
 * holds its checksum.  htree.c has the index on top.
 *
 * Positions for readdir are bytes: a name that an index split moves to a new block may be listed
 * twice by a reader that is under way, and none is missed.
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <uapi/dirent.h>

#include "ext4.h"

#define BUF_DIR_OK	BUF_PRIV_2	/* its checksum was right */
#define TAIL_SIZE	12u

uint32_t ext4_dirent_size(uint32_t name_len) { return (8 + name_len + 3) & ~3u; }

static struct disk_dirent *entry_at(const struct buf *b, uint32_t offset)
{
	return (struct disk_dirent *)((uint8_t *)b->data + offset);
}

static uint32_t rec_len(const struct disk_dirent *e) { return le16_to_cpu(e->rec_len); }

uint32_t ext4_dir_limit(const struct ext4_fs *fs)
{
	return fs->block_size - (ext4_has_csum(fs) ? TAIL_SIZE : 0);
}

/* E1: the entry at @offset lies in its block. */
bool ext4_dirent_ok(const struct ext4_fs *fs, const void *block, uint32_t offset)
{
	const struct disk_dirent *e = (const void *)((const uint8_t *)block + offset);
	uint32_t len;

	if (offset + 12 > fs->block_size)
		return false;
	len = rec_len(e);
	return len >= 12 && len % 4 == 0 && offset + len <= fs->block_size &&
	       8u + e->name_len <= len && le32_to_cpu(e->ino) <= fs->nr_inodes;
}

static int damaged(struct inode *dir, const char *what)
{
	return ext4_damaged(ext4_fs_of(dir), "directory %llu: %s", (unsigned long long)dir->ino,
			    what);
}

static struct disk_dirent_tail *tail_of(const struct ext4_fs *fs, const struct buf *b)
{
	return (struct disk_dirent_tail *)((uint8_t *)b->data + fs->block_size - TAIL_SIZE);
}

static bool tail_ok(struct inode *dir, const struct buf *b)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	const struct disk_dirent_tail *t = tail_of(fs, b);

	return !t->zero_ino.raw && le16_to_cpu(t->rec_len) == TAIL_SIZE && !t->zero_len &&
	       t->type == DIRENT_TAIL_TYPE &&
	       ext4_csum_tail_ok(EXT4_I(dir), b->data, fs->block_size - TAIL_SIZE,
				 fs->block_size - 4);
}

static bool is_index_block(struct inode *dir, const struct buf *b, uint32_t lblock)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	const struct disk_dirent *e = b->data;

	if (!(EXT4_I(dir)->flags & FLAG_INDEX) || !(fs->compat & COMPAT_DIR_INDEX))
		return false;
	return !lblock || (!e->ino.raw && rec_len(e) == fs->block_size);
}

struct buf *ext4_dir_read(struct inode *dir, uint32_t lblock, bool may_be_index)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	uint64_t block;
	struct buf *b;
	bool is_index;
	int err = ext4_map_block(dir, lblock, &block);

	if (err)
		return ERR_PTR(err);
	if (!block)
		return ERR_PTR(damaged(dir, "a hole"));
	b = buf_read(fs->cache, block);
	if (IS_ERR(b))
		return b;
	/*
	 * Without checksums an empty leaf looks like a node: where names should be, it is a leaf.
	 */
	is_index = may_be_index && is_index_block(dir, b, lblock);
	if (ext4_has_csum(fs) && !buf_has(b, BUF_DIR_OK)) {
		if (!(is_index ? ext4_dx_block_ok(dir, b, lblock) : tail_ok(dir, b)))
			err = damaged(dir, "wrong checksum");
		else
			buf_set_flags(b, BUF_DIR_OK);
	}
	if (!err)
		return b;
	buf_put(b);
	return ERR_PTR(err);
}

void ext4_dir_csum_set(struct inode *dir, struct buf *b)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);

	if (ext4_has_csum(fs))
		ext4_csum_tail_set(EXT4_I(dir), b->data, fs->block_size - TAIL_SIZE,
				   fs->block_size - 4);
	buf_set_flags(b, BUF_DIR_OK);
}

/* An empty block: one free entry, and the tail. */
void ext4_dir_block_init(struct inode *dir, struct buf *b)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	struct disk_dirent_tail *t = tail_of(fs, b);

	memset(b->data, 0, b->size);
	entry_at(b, 0)->rec_len = cpu_to_le16((uint16_t)ext4_dir_limit(fs));
	if (ext4_has_csum(fs)) {
		t->rec_len = cpu_to_le16(TAIL_SIZE);
		t->type = DIRENT_TAIL_TYPE;
	}
}

int ext4_search_block(struct inode *dir, struct buf *b, const char *name, uint32_t len,
		      struct ext4_found *found)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);

	for (uint32_t o = 0; o < fs->block_size;) {
		struct disk_dirent *e = entry_at(b, o);

		if (!ext4_dirent_ok(fs, b->data, o))
			return damaged(dir, "an entry is damaged");
		if (e->ino.raw && e->name_len == len && !memcmp(e->name, name, len)) {
			*found = (struct ext4_found){ b, e, le32_to_cpu(e->ino), e->type };
			return 0;
		}
		o += rec_len(e);
	}
	return -ENOENT;
}

static bool has_index(struct inode *dir)
{
	return (EXT4_I(dir)->flags & FLAG_INDEX) &&
	       (ext4_fs_of(dir)->compat & COMPAT_DIR_INDEX);
}

static uint32_t nr_blocks(const struct inode *dir)
{
	return (uint32_t)((uint64_t)dir->size >> ext4_fs_of(dir)->block_shift);
}

/* The entry of a name: 0 with found->buf counted, -ENOENT, ... */
int ext4_dir_find(struct inode *dir, const char *name, uint32_t len, struct ext4_found *found)
{
	if (len > EXT4_NAME_MAX)
		return -ENAMETOOLONG;
	if (has_index(dir) && !(len <= 2 && name[0] == '.' && (len == 1 || name[1] == '.')))
		return ext4_htree_find(dir, name, len, found);
	for (uint32_t i = 0; i < nr_blocks(dir); i++) {
		struct buf *b = ext4_dir_read(dir, i, true);
		int err;

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		err = ext4_search_block(dir, b, name, len, found);
		if (!err)
			return 0;
		buf_put(b);
		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}

int ext4_dir_lookup(struct inode *dir, const char *name, uint32_t len, uint32_t *ino)
{
	struct ext4_found f;
	int err = ext4_dir_find(dir, name, len, &f);

	if (err)
		return err;
	*ino = f.ino;
	buf_put(f.buf);
	return 0;
}

uint8_t ext4_type_of(const struct ext4_fs *fs, uint32_t mode)
{
	if (!(fs->incompat & INCOMPAT_FILETYPE))
		return FT_UNKNOWN;
	switch (mode & S_IFMT) {
	case S_IFREG: return FT_REG;
	case S_IFDIR: return FT_DIR;
	case S_IFCHR: return FT_CHR;
	case S_IFBLK: return FT_BLK;
	case S_IFIFO: return FT_FIFO;
	case S_IFSOCK: return FT_SOCK;
	case S_IFLNK: return FT_LNK;
	}
	return FT_UNKNOWN;
}

static void fill_entry(struct disk_dirent *e, const char *name, uint32_t len, uint32_t ino,
		       uint8_t type)
{
	e->ino = cpu_to_le32(ino);
	e->name_len = (uint8_t)len;
	e->type = type;
	memcpy(e->name, name, len);
}

/* 0, -ENOSPC: no room in this block, ... */
int ext4_dir_add_in(struct journal_handle *h, struct inode *dir, struct buf *b, const char *name,
		    uint32_t len, uint32_t ino, uint8_t type)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	uint32_t need = ext4_dirent_size(len), limit = ext4_dir_limit(fs);
	int err;

	for (uint32_t o = 0; o < limit;) {
		struct disk_dirent *e = entry_at(b, o), *new;
		uint32_t used, have;

		if (!ext4_dirent_ok(fs, b->data, o) || o + rec_len(e) > limit)
			return damaged(dir, "an entry is damaged");
		used = e->ino.raw ? ext4_dirent_size(e->name_len) : 0;
		have = rec_len(e);
		if (have < used + need) {
			o += have;
			continue;
		}
		err = journal_access(h, b);
		if (err)
			return err;
		new = e;
		if (used) {
			e->rec_len = cpu_to_le16((uint16_t)used);
			new = entry_at(b, o + used);
			new->rec_len = cpu_to_le16((uint16_t)(have - used));
		}
		fill_entry(new, name, len, ino, type);
		ext4_dir_csum_set(dir, b);
		journal_dirty(h, b);
		return 0;
	}
	return -ENOSPC;
}

/* A fresh block behind the last, its content to be made.  The caller writes the inode. */
struct buf *ext4_dir_append(struct journal_handle *h, struct inode *dir, uint32_t *lblock)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	uint64_t block;
	struct buf *b;
	int err;

	*lblock = nr_blocks(dir);
	if (*lblock >= ext4_max_lblock(dir) - 1)
		return ERR_PTR(-ENOSPC);
	err = ext4_append_block(h, dir, *lblock, &block);
	if (err)
		return ERR_PTR(err);
	b = buf_get(fs->cache, block);
	if (IS_ERR(b))
		return b;
	err = journal_access_new(h, b);
	if (err) {
		buf_put(b);
		return ERR_PTR(err);
	}
	buf_clear_flags(b, BUF_PRIV_0 | BUF_PRIV_1 | BUF_PRIV_2 | BUF_PRIV_3);
	ext4_dir_block_init(dir, b);
	buf_set_uptodate(b);
	dir->size += fs->block_size;
	EXT4_I(dir)->disk_size = dir->size;
	return b;
}

/* Without an index: the first block with room, or a new one, or a new index. */
static int add_linear(struct journal_handle *h, struct inode *dir, const char *name, uint32_t len,
		      uint32_t ino, uint8_t type)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	uint32_t n = nr_blocks(dir), lblock;
	struct buf *b;
	int err;

	for (uint32_t i = 0; i < n; i++) {
		b = ext4_dir_read(dir, i, false);
		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		err = ext4_dir_add_in(h, dir, b, name, len, ino, type);
		if (err == -ENOSPC && n == 1 && (fs->compat & COMPAT_DIR_INDEX)) {
			err = ext4_htree_make(h, dir, b);
			buf_put(b);
			return err ? err : ext4_htree_add(h, dir, name, len, ino, type);
		}
		buf_put(b);
		if (err != -ENOSPC)
			return err;
	}
	b = ext4_dir_append(h, dir, &lblock);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = ext4_dir_add_in(h, dir, b, name, len, ino, type);
	buf_put(b);
	return err;
}

int ext4_dir_add(struct journal_handle *h, struct inode *dir, const char *name, uint32_t len,
		 struct inode *inode)
{
	uint8_t type = ext4_type_of(ext4_fs_of(dir), inode->mode);
	int err;

	if (has_index(dir)) {
		err = ext4_htree_add(h, dir, name, len, (uint32_t)inode->ino, type);
	} else {
		/* An index that nobody keeps up is none. */
		EXT4_I(dir)->flags &= ~(uint32_t)FLAG_INDEX;
		err = add_linear(h, dir, name, len, (uint32_t)inode->ino, type);
	}
	if (err)
		return err;
	inode_touch(dir);
	return ext4_update_inode(h, dir);
}

/* The record of the entry goes to the one before it. */
int ext4_dir_remove(struct journal_handle *h, struct inode *dir, struct ext4_found *found)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	struct buf *b = found->buf;
	struct disk_dirent *before = NULL;
	int err = journal_access(h, b);

	if (err)
		return err;
	for (uint32_t o = 0; o < fs->block_size;) {
		struct disk_dirent *e = entry_at(b, o);

		if (!ext4_dirent_ok(fs, b->data, o))
			return damaged(dir, "an entry is damaged");
		if (e == found->entry)
			break;
		before = e;
		o += rec_len(e);
	}
	if (before)
		before->rec_len = cpu_to_le16((uint16_t)(rec_len(before) +
							 rec_len(found->entry)));
	else
		found->entry->ino = cpu_to_le32(0);
	ext4_dir_csum_set(dir, b);
	journal_dirty(h, b);
	inode_touch(dir);
	return ext4_update_inode(h, dir);
}

/* Let an entry name another inode. */
int ext4_dir_set(struct journal_handle *h, struct inode *dir, struct ext4_found *found,
		 uint32_t ino, uint8_t type)
{
	int err = journal_access(h, found->buf);

	if (err)
		return err;
	found->entry->ino = cpu_to_le32(ino);
	if (ext4_fs_of(dir)->incompat & INCOMPAT_FILETYPE)
		found->entry->type = type;
	/* ".." of an indexed directory is in the index's root. */
	if (is_index_block(dir, found->buf, found->entry->name_len == 2 &&
			   !memcmp(found->entry->name, "..", 2) ? 0 : 1))
		ext4_dx_csum_set(dir, found->buf);
	else
		ext4_dir_csum_set(dir, found->buf);
	journal_dirty(h, found->buf);
	inode_touch(dir);
	return ext4_update_inode(h, dir);
}

static bool is_dot(const struct disk_dirent *e)
{
	return (e->name_len == 1 && e->name[0] == '.') ||
	       (e->name_len == 2 && e->name[0] == '.' && e->name[1] == '.');
}

/* 1, 0: it has names, or -errno. */
int ext4_dir_is_empty(struct inode *dir)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);

	for (uint32_t i = 0; i < nr_blocks(dir); i++) {
		struct buf *b = ext4_dir_read(dir, i, true);

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		for (uint32_t o = 0; o < fs->block_size; o += rec_len(entry_at(b, o))) {
			const struct disk_dirent *e = entry_at(b, o);
			bool ok = ext4_dirent_ok(fs, b->data, o);

			if (!ok || (e->ino.raw && !is_dot(e))) {
				buf_put(b);
				return ok ? 0 : damaged(dir, "an entry is damaged");
			}
		}
		buf_put(b);
	}
	return 1;
}

/* The first block of a new directory. */
int ext4_dir_init(struct journal_handle *h, struct inode *dir, struct inode *parent)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	uint8_t type = ext4_type_of(fs, S_IFDIR);
	uint32_t lblock;
	struct buf *b = ext4_dir_append(h, dir, &lblock);
	int err;

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = ext4_dir_add_in(h, dir, b, ".", 1, (uint32_t)dir->ino, type);
	if (!err)
		err = ext4_dir_add_in(h, dir, b, "..", 2, (uint32_t)parent->ino, type);
	buf_put(b);
	return err;
}

static unsigned int user_type(const struct disk_dirent *e)
{
	static const uint8_t types[] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO,
		DT_SOCK, DT_LNK };

	return e->type < ARRAY_SIZE(types) ? types[e->type] : DT_UNKNOWN;
}

/* Entries of one block from @offset on.  1: the reader has enough. */
static int emit_block(struct inode *dir, struct buf *b, uint64_t base, struct dir_context *ctx)
{
	const struct ext4_fs *fs = ext4_fs_of(dir);
	bool typed = fs->incompat & INCOMPAT_FILETYPE;

	for (uint32_t o = 0; o < fs->block_size;) {
		const struct disk_dirent *e = entry_at(b, o);
		uint64_t next;

		if (!ext4_dirent_ok(fs, b->data, o))
			return damaged(dir, "an entry is damaged");
		next = base + o + rec_len(e);
		/* Records may have joined since the last call: skip what began before. */
		if (base + o >= (uint64_t)ctx->offset && e->ino.raw && e->name_len) {
			if (ctx->emit(ctx, e->name, e->name_len, (int64_t)next,
				      le32_to_cpu(e->ino), typed ? user_type(e) : DT_UNKNOWN))
				return 1;
			ctx->offset = (int64_t)next;
		}
		o += rec_len(e);
	}
	ctx->offset = (int64_t)(base + fs->block_size);
	return 0;
}

int ext4_dir_iterate(struct inode *dir, struct dir_context *ctx)
{
	struct ext4_fs *fs = ext4_fs_of(dir);

	while (ctx->offset >= 0 && ctx->offset < dir->size) {
		uint32_t lblock = (uint32_t)((uint64_t)ctx->offset >> fs->block_shift);
		struct buf *b = ext4_dir_read(dir, lblock, true);
		int err;

		if (IS_ERR(b))
			return (int)PTR_ERR(b);
		err = emit_block(dir, b, (uint64_t)lblock << fs->block_shift, ctx);
		buf_put(b);
		if (err)
			return min(err, 0);
	}
	return 0;
}
