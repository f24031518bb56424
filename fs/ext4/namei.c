/* SPDX-License-Identifier: MIT */
/*
 * Operations on names: create, link, unlink, rename.  The VFS holds the locks of the directories
 * and of what goes away, and has checked permissions; dentries are vfs.c's.  Each operation is one
 * transaction (E2).
 */
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "ext4.h"
#include "glue.h"

#define LINK_MAX_EXT4		65000u
#define CREATE_CREDITS		(2 * EXT4_DIR_CREDITS + 16)
#define UNLINK_CREDITS		16
#define RENAME_CREDITS		(EXT4_DIR_CREDITS + 24)

static bool is_frozen(const struct inode *inode)
{
	const struct ext4_inode *ei = container_of((struct inode *)inode, struct ext4_inode, inode);

	return ei->flags & (FLAG_IMMUTABLE | FLAG_APPEND);
}

static void want_sync(struct journal_handle *h, const struct inode *dir)
{
	const struct ext4_inode *ei = container_of((struct inode *)dir, struct ext4_inode, inode);

	if ((dir->sb->flags & (16 | 128)) || (ei->flags & (FLAG_SYNC | FLAG_DIRSYNC)))
		h->wants_sync = true;	/* MS_SYNCHRONOUS, MS_DIRSYNC */
}

/* One directory more or less below @dir: 1 says "too many to count" and stays. */
static void add_subdir(struct inode *dir)
{
	if (dir->nlink == 1)
		return;
	dir->nlink++;
	if (dir->nlink >= LINK_MAX_EXT4)
		dir->nlink = 1;
}

static void drop_subdir(struct inode *dir)
{
	if (dir->nlink > 2)
		dir->nlink--;
}

static int can_add_subdir(struct journal_handle *h, struct inode *dir)
{
	if (dir->nlink < LINK_MAX_EXT4 - 1)
		return 0;
	if (!(EXT4_I(dir)->flags & FLAG_INDEX))
		return -EMLINK;
	return ext4_need_feature(ext4_fs_of(dir), h, RO_COMPAT_DIR_NLINK);
}

/* The new @inode cannot have its name: it becomes an orphan, and its last reference deletes it. */
static void give_up(struct journal_handle *h, struct inode *inode)
{
	inode->nlink = 0;
	if (ext4_update_inode(h, inode) || ext4_orphan_add(h, inode))
		(void)!ext4_fatal(ext4_fs_of(inode), -EIO);
}

typedef int make_fn(struct journal_handle *h, struct inode *dir, struct inode *inode,
		    const void *arg);

struct make {
	struct inode *dir;
	const struct name *name;	/* NULL: tmpfile */
	uint32_t mode;
	dev_t rdev;
	make_fn *fill;			/* NULL: nothing to be filled in */
	const void *arg;
};

static int make_in(struct journal_handle *h, const struct make *m, struct inode **out)
{
	struct inode *inode;
	int err = S_ISDIR(m->mode) ? can_add_subdir(h, m->dir) : 0;

	if (err)
		return err;
	inode = ext4_new_inode(h, m->dir, m->mode, m->rdev);
	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	*out = inode;
	err = ext4_acl_inherit(h, m->dir, inode);
	if (!err && m->fill)
		err = m->fill(h, m->dir, inode, m->arg);
	if (!err)
		err = ext4_update_inode(h, inode);
	if (!err && !m->name) {
		inode->nlink = 0;
		err = ext4_update_inode(h, inode);
		if (!err)
			err = ext4_orphan_add(h, inode);
	} else if (!err) {
		err = ext4_dir_add(h, m->dir, m->name->text, m->name->len, inode);
	}
	if (!err && S_ISDIR(m->mode) && m->name) {
		add_subdir(m->dir);
		err = ext4_update_inode(h, m->dir);
	}
	if (err)
		give_up(h, inode);
	return err;
}

static int make_once(const struct make *m, struct inode **out)
{
	struct ext4_fs *fs = ext4_fs_of(m->dir);
	struct inode *inode = NULL;
	struct journal_handle h;
	int err = ext4_start(fs, &h, CREATE_CREDITS), stop;

	if (err)
		return err;
	want_sync(&h, m->dir);
	err = make_in(&h, m, &inode);
	if (inode) {
		WRITE_ONCE(EXT4_I(inode)->datasync_tid, h.tid);
		inode_ready(inode);
	}
	stop = journal_stop(&h);
	err = err ? err : stop;
	if (err && inode)
		inode_put(inode);		/* with no handle: this deletes it */
	if (!err)
		*out = inode;
	return err;
}

static int make(const struct make *m, struct inode **out)
{
	unsigned int tries = 0;
	int err;

	if (m->name && m->name->len > EXT4_NAME_MAX)
		return -ENAMETOOLONG;
	if (EXT4_I(m->dir)->flags & FLAG_IMMUTABLE)
		return -EPERM;
	do {
		err = make_once(m, out);
	} while (err && ext4_should_retry(ext4_fs_of(m->dir), err, &tries));
	return err;
}

static int fill_dir(struct journal_handle *h, struct inode *dir, struct inode *inode,
		    const void *arg)
{
	(void)arg;
	inode->nlink = 2;
	return ext4_dir_init(h, inode, dir);
}

int ext4_create(struct inode *dir, const struct name *n, uint32_t mode, dev_t rdev,
		struct inode **out)
{
	struct make m = { .dir = dir, .name = n, .mode = mode, .rdev = rdev };

	if (S_ISDIR(mode))
		m.fill = fill_dir;
	return make(&m, out);
}

struct inode *ext4_tmpfile(struct inode *dir, uint32_t mode)
{
	struct make m = { .dir = dir, .mode = mode };
	struct inode *inode;
	int err = make(&m, &inode);

	return err ? ERR_PTR(err) : inode;
}

/* Up to 59 bytes stand where the map would be; more, in a block. */
static int fill_link(struct journal_handle *h, struct inode *dir, struct inode *inode,
		     const void *arg)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct ext4_fs *fs = ext4_fs_of(inode);
	uint32_t len = (uint32_t)strlen(arg);
	uint64_t block;
	struct buf *b;
	int err;

	(void)dir;
	inode->size = ei->disk_size = len;
	if (len < sizeof(ei->block)) {
		ei->flags &= ~(uint32_t)FLAG_EXTENTS;
		memset(ei->block, 0, sizeof(ei->block));
		memcpy(ei->block, arg, len);
		return 0;
	}
	err = ext4_append_block(h, inode, 0, &block);
	if (err)
		return err;
	b = buf_get(fs->cache, block);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	err = journal_access_new(h, b);
	if (!err) {
		memset(b->data, 0, b->size);
		memcpy(b->data, arg, len);
		journal_dirty(h, b);
	}
	buf_put(b);
	return err;
}

int ext4_symlink(struct inode *dir, const struct name *n, const char *target, struct inode **out)
{
	struct make m = { .dir = dir, .name = n, .mode = S_IFLNK | 0777, .fill = fill_link,
		.arg = target };

	if (strlen(target) >= ext4_fs_of(dir)->block_size)
		return -ENAMETOOLONG;
	return make(&m, out);
}

/* The text of a link, not terminated: its length or -errno. */
int ext4_readlink(struct inode *inode, char *buf, size_t size)
{
	struct ext4_inode *ei = EXT4_I(inode);
	size_t len = min(size, (size_t)inode->size);
	uint64_t block;
	struct buf *b;
	int err;

	if (!ext4_has_map(inode)) {
		len = min(len, sizeof(ei->block));
		memcpy(buf, ei->block, len);
		return (int)len;
	}
	err = ext4_map_block(inode, 0, &block);
	if (err)
		return err;
	if (!block)
		return -EUCLEAN;
	b = buf_read(ext4_fs_of(inode)->cache, block);
	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	len = min(len, (size_t)b->size);
	memcpy(buf, b->data, len);
	buf_put(b);
	return (int)len;
}

static int link_in(struct journal_handle *h, struct inode *dir, const struct name *n,
		   struct inode *inode)
{
	bool was_orphan = !inode->nlink;
	int err;

	inode->nlink++;
	err = ext4_dir_add(h, dir, n->text, n->len, inode);
	if (err) {
		inode->nlink--;
		return err;
	}
	inode->ctime_ns = inode_now_ns();
	if (was_orphan)
		err = ext4_orphan_del(h, inode);
	return err ? err : ext4_update_inode(h, inode);
}

int ext4_link(struct inode *dir, const struct name *n, struct inode *inode)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	unsigned int tries = 0;
	struct journal_handle h;
	int err, stop;

	if (inode->nlink >= LINK_MAX_EXT4)
		return -EMLINK;
	if (is_frozen(inode) || (EXT4_I(dir)->flags & FLAG_IMMUTABLE))
		return -EPERM;
	do {
		err = ext4_start(fs, &h, CREATE_CREDITS);
		if (err)
			return err;
		want_sync(&h, dir);
		err = link_in(&h, dir, n, inode);
		stop = journal_stop(&h);
		err = err ? err : stop;
	} while (err && ext4_should_retry(fs, err, &tries));
	return err;
}

/* The entry of @n, which must name @inode: with its buffer. */
static int find_entry(struct inode *dir, const struct name *n, const struct inode *inode,
		      struct ext4_found *f)
{
	int err = ext4_dir_find(dir, n->text, n->len, f);

	if (err)
		return err;
	if (f->ino == inode->ino)
		return 0;
	buf_put(f->buf);
	return ext4_damaged(ext4_fs_of(dir), "directory %llu: a name has moved",
			    (unsigned long long)dir->ino);
}

/* One name less. */
static int drop_link(struct journal_handle *h, struct inode *inode)
{
	int err;

	if (S_ISDIR(inode->mode)) {
		inode->nlink = 0;
		inode->size = EXT4_I(inode)->disk_size = 0;
	} else if (!inode->nlink) {
		return ext4_damaged(ext4_fs_of(inode), "inode %llu has more names than links",
				    (unsigned long long)inode->ino);
	} else {
		inode->nlink--;
	}
	inode->ctime_ns = inode_now_ns();
	err = inode->nlink ? 0 : ext4_orphan_add(h, inode);
	return err ? err : ext4_update_inode(h, inode);
}

static int remove_in(struct journal_handle *h, struct inode *dir, const struct name *n,
		     struct inode *inode)
{
	struct ext4_found f;
	int err = find_entry(dir, n, inode, &f);

	if (err)
		return err;
	err = ext4_dir_remove(h, dir, &f);
	buf_put(f.buf);
	if (!err && S_ISDIR(inode->mode)) {
		drop_subdir(dir);
		err = ext4_update_inode(h, dir);
	}
	return err ? err : drop_link(h, inode);
}

static int remove(struct inode *dir, const struct name *n, struct inode *inode)
{
	struct ext4_fs *fs = ext4_fs_of(dir);
	struct journal_handle h;
	int err, stop;

	if (is_frozen(inode) || is_frozen(dir))
		return -EPERM;
	err = ext4_start(fs, &h, UNLINK_CREDITS);
	if (err)
		return err;
	want_sync(&h, dir);
	err = remove_in(&h, dir, n, inode);
	stop = journal_stop(&h);
	return err ? err : stop;
}

int ext4_unlink(struct inode *dir, const struct name *n, struct inode *inode)
{
	return remove(dir, n, inode);
}

int ext4_rmdir(struct inode *dir, const struct name *n, struct inode *inode)
{
	int empty = ext4_dir_is_empty(inode);

	if (empty <= 0)
		return empty ? empty : -ENOTEMPTY;
	return remove(dir, n, inode);
}

/* ".." of a directory that moves. */
static int set_parent(struct journal_handle *h, struct inode *dir, struct inode *parent)
{
	struct ext4_found f;
	int err = ext4_dir_find(dir, "..", 2, &f);

	if (err)
		return err == -ENOENT ? ext4_damaged(ext4_fs_of(dir), "directory without parent") :
			err;
	err = ext4_dir_set(h, dir, &f, (uint32_t)parent->ino,
			   ext4_type_of(ext4_fs_of(dir), S_IFDIR));
	buf_put(f.buf);
	return err;
}

/* The new name names the old inode. */
static int take_new_name(struct journal_handle *h, const struct ext4_rename *r)
{
	struct ext4_found f;
	int err;

	if (!r->new)
		return ext4_dir_add(h, r->new_dir, r->new_name.text, r->new_name.len, r->old);
	err = find_entry(r->new_dir, &r->new_name, r->new, &f);
	if (err)
		return err;
	err = ext4_dir_set(h, r->new_dir, &f, (uint32_t)r->old->ino,
			   ext4_type_of(ext4_fs_of(r->old), r->old->mode));
	buf_put(f.buf);
	return err;
}

static int drop_old_name(struct journal_handle *h, const struct ext4_rename *r)
{
	struct ext4_found f;
	/* Looked up only now: the new name may have split its block. */
	int err = find_entry(r->old_dir, &r->old_name, r->old, &f);

	if (err)
		return err;
	err = ext4_dir_remove(h, r->old_dir, &f);
	buf_put(f.buf);
	return err;
}

static int rename_in(struct journal_handle *h, const struct ext4_rename *r)
{
	bool is_dir = S_ISDIR(r->old->mode), moves = r->old_dir != r->new_dir;
	int err = 0;

	if (is_dir && moves && !r->new)
		err = can_add_subdir(h, r->new_dir);
	if (!err)
		err = take_new_name(h, r);
	if (err)
		return err;		/* nothing has changed, or all is damaged */
	err = drop_old_name(h, r);
	if (!err && is_dir && moves)
		err = set_parent(h, r->old, r->new_dir);
	if (err)
		return ext4_fatal(ext4_fs_of(r->old), err);
	if (is_dir && (moves || r->new))
		drop_subdir(r->old_dir);
	if (is_dir && moves && !r->new)
		add_subdir(r->new_dir);
	r->old->ctime_ns = inode_now_ns();
	err = ext4_update_inode(h, r->old);
	if (!err)
		err = ext4_update_inode(h, r->old_dir);
	if (!err && moves)
		err = ext4_update_inode(h, r->new_dir);
	return !err && r->new ? drop_link(h, r->new) : err;
}

static int exchange_in(struct journal_handle *h, const struct ext4_rename *r)
{
	struct ext4_fs *fs = ext4_fs_of(r->old);
	bool moves = r->old_dir != r->new_dir;
	bool a = S_ISDIR(r->old->mode), b = S_ISDIR(r->new->mode);
	struct ext4_found f, g;
	int err = find_entry(r->old_dir, &r->old_name, r->old, &f);

	if (err)
		return err;
	err = find_entry(r->new_dir, &r->new_name, r->new, &g);
	if (err) {
		buf_put(f.buf);
		return err;
	}
	err = ext4_dir_set(h, r->old_dir, &f, (uint32_t)r->new->ino,
			   ext4_type_of(fs, r->new->mode));
	if (!err)
		err = ext4_dir_set(h, r->new_dir, &g, (uint32_t)r->old->ino,
				   ext4_type_of(fs, r->old->mode));
	buf_put(f.buf);
	buf_put(g.buf);
	if (!err && moves && a)
		err = set_parent(h, r->old, r->new_dir);
	if (!err && moves && b)
		err = set_parent(h, r->new, r->old_dir);
	if (err)
		return ext4_fatal(fs, err);
	if (moves && a != b) {
		drop_subdir(a ? r->old_dir : r->new_dir);
		add_subdir(a ? r->new_dir : r->old_dir);
	}
	r->old->ctime_ns = r->new->ctime_ns = inode_now_ns();
	err = ext4_update_inode(h, r->old);
	if (!err)
		err = ext4_update_inode(h, r->new);
	if (!err)
		err = ext4_update_inode(h, r->old_dir);
	return err ? err : ext4_update_inode(h, r->new_dir);
}

static int run_rename(const struct ext4_rename *r,
		      int (*fn)(struct journal_handle *h, const struct ext4_rename *r))
{
	struct ext4_fs *fs = ext4_fs_of(r->old);
	unsigned int tries = 0;
	struct journal_handle h;
	int err, stop;

	if (is_frozen(r->old) || is_frozen(r->old_dir) || (r->new && is_frozen(r->new)) ||
	    (EXT4_I(r->new_dir)->flags & FLAG_IMMUTABLE))
		return -EPERM;
	do {
		err = ext4_start(fs, &h, RENAME_CREDITS);
		if (err)
			return err;
		want_sync(&h, r->new_dir);
		err = fn(&h, r);
		stop = journal_stop(&h);
		err = err ? err : stop;
	} while (err && ext4_should_retry(fs, err, &tries));
	return err;
}

int ext4_rename(const struct ext4_rename *r)
{
	int empty = r->new && S_ISDIR(r->new->mode) ? ext4_dir_is_empty(r->new) : 1;

	if (empty <= 0)
		return empty ? empty : -ENOTEMPTY;
	return run_rename(r, rename_in);
}

int ext4_exchange(const struct ext4_rename *r)
{
	return run_rename(r, exchange_in);
}
