/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: files that live in memory alone.
 *
 * Names are pinned dentries, data is the memory object of each inode: nothing is stored
 * twice.  Limits (size=, nr_inodes=) count pages through memobj_ops.charge and inodes here.
 * The same code serves the root, /tmp, /dev/shm, devtmpfs and memfds.
 *
 * An inode's memory is freed when its memory object's last reference goes: a region may
 * drop the object after the file.
 */
#include <fs/namei.h>
#include <fs/seq_file.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/memobj.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/magic.h>
#include <uapi/mount.h>
#include <uapi/statfs.h>

#include "tmpfs.h"

static struct slab_cache *inode_cache;
static const struct inode_ops dir_ops, file_inode_ops, link_ops;

static struct tmpfs_super *super_of(const struct inode *inode)
{
	return inode->sb->priv;
}

/* Count @nr more units against @max; -ENOSPC. */
static int charge(int64_t *used, int64_t max, int64_t nr)
{
	int64_t now = __atomic_add_fetch(used, nr, __ATOMIC_RELAXED);

	if (nr > 0 && unlikely(now > max)) {
		__atomic_fetch_sub(used, nr, __ATOMIC_RELAXED);
		return -ENOSPC;
	}
	return 0;
}

static int object_charge(struct memobj *o, int64_t nr_pages)
{
	struct tmpfs_inode *ti = container_of(o, struct tmpfs_inode, object);
	struct tmpfs_super *ts = ti->super;
	int err = charge(&ts->used_pages, ts->max_pages, nr_pages);

	if (!err)
		__atomic_fetch_add(&ti->inode.blocks, (uint64_t)nr_pages * (PAGE_SIZE / 512),
				   __ATOMIC_RELAXED);
	return err;
}

static void object_release(struct memobj *o)
{
	struct tmpfs_inode *ti = container_of(o, struct tmpfs_inode, object);

	slab_free(inode_cache, ti);
}

static const struct memobj_ops object_ops = { .charge = object_charge, .release = object_release };

static void tmpfs_free_inode(struct inode *inode)
{
	struct tmpfs_inode *ti = container_of(inode, struct tmpfs_inode, inode);

	kfree(inode->link);
	if (inode->mapping)
		memobj_put(&ti->object);
	else
		slab_free(inode_cache, ti);
}

static void tmpfs_evict(struct inode *inode)
{
	struct tmpfs_inode *ti = container_of(inode, struct tmpfs_inode, inode);

	if (inode->mapping && inode->size)
		memobj_truncate(inode->mapping, 0);
	xattrs_free(&ti->xattrs);
	charge(&super_of(inode)->used_inodes, 0, -1);
}

/* A fresh inode that nobody names yet.  Error pointer. */
struct inode *tmpfs_inode_create(struct super_block *sb, const struct inode *dir, uint32_t mode,
				 dev_t rdev)
{
	struct tmpfs_super *ts = sb->priv;
	struct tmpfs_inode *ti;
	struct inode *inode;
	int err = charge(&ts->used_inodes, ts->max_inodes, 1);

	if (err)
		return ERR_PTR(err);
	ti = slab_alloc(inode_cache, 0);
	if (!ti) {
		charge(&ts->used_inodes, 0, -1);
		return ERR_PTR(-ENOMEM);
	}
	inode = &ti->inode;
	inode_init(inode, sb, mode);
	inode_init_owner(inode, dir, mode);
	ti->super = ts;
	ti->seals = F_SEAL_SEAL;
	xattrs_init(&ti->xattrs);
	inode->flags = INODE_FAST_STAT;
	switch (mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &file_inode_ops;
		inode->fops = &tmpfs_file_ops;
		memobj_init(&ti->object, &object_ops, inode);
		ti->object.flags |= MEMOBJ_SHMEM;
		inode->mapping = &ti->object;
		break;
	case S_IFDIR:
		inode->ops = &dir_ops;
		inode->fops = &tmpfs_dir_ops;
		inode->nlink = 2;
		break;
	case S_IFLNK:
		inode->ops = &link_ops;
		break;
	default:
		inode->ops = &link_ops;
		inode_init_special(inode, rdev);
		break;
	}
	return inode;
}

static void add_name(struct inode *dir, struct dentry *d, struct inode *inode)
{
	dentry_attach(d, inode);
	dentry_pin(d);
	dir->size += 20;
	inode_touch(dir);
}

static void remove_name(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->inode;

	dir->size -= 20;
	inode_touch(dir);
	inode->ctime_ns = dir->ctime_ns;
	dentry_unpin(d);
	dentry_detach(d);
}

static int tmpfs_create(struct inode *dir, struct dentry *d, uint32_t mode, dev_t rdev)
{
	struct inode *inode = tmpfs_inode_create(dir->sb, dir, mode, rdev);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	if (S_ISDIR(mode))
		dir->nlink++;
	add_name(dir, d, inode);
	return 0;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct inode *inode = tmpfs_inode_create(dir->sb, dir, S_IFLNK | 0777, 0);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode->link = kstrdup(target, 0);
	if (!inode->link) {
		inode_put(inode);
		return -ENOMEM;
	}
	inode->size = (int64_t)strlen(target);
	add_name(dir, d, inode);
	return 0;
}

static struct inode *tmpfs_tmpfile(struct inode *dir, uint32_t mode)
{
	struct inode *inode = tmpfs_inode_create(dir->sb, dir, mode, 0);

	if (!IS_ERR(inode)) {
		inode->nlink = 0;
		inode->flags |= INODE_SEALABLE;		/* linkat may name it */
	}
	return inode;
}

static int tmpfs_link(struct inode *dir, struct dentry *d, struct inode *inode)
{
	inode->nlink++;
	inode->ctime_ns = inode_now_ns();
	inode_ref(inode);
	add_name(dir, d, inode);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	d->inode->nlink--;
	remove_name(dir, d);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	if (dentry_has_children(d))
		return -ENOTEMPTY;
	d->inode->nlink = 0;
	dir->nlink--;
	remove_name(dir, d);
	return 0;
}

static void exchange(const struct rename_args *r)
{
	bool a = S_ISDIR(r->old->inode->mode), b = S_ISDIR(r->new->inode->mode);

	if (r->old_dir != r->new_dir && a != b) {
		r->old_dir->nlink += b ? 1 : -1U;
		r->new_dir->nlink += a ? 1 : -1U;
	}
	dentry_exchange(r->old, r->new);
	inode_touch(r->old_dir);
	inode_touch(r->new_dir);
}

static int tmpfs_rename(const struct rename_args *r)
{
	bool is_dir = S_ISDIR(r->old->inode->mode);

	if (r->flags & RENAME_EXCHANGE) {
		exchange(r);
		return 0;
	}
	if (r->new->inode) {
		if (is_dir && dentry_has_children(r->new))
			return -ENOTEMPTY;
		if (is_dir) {
			r->new->inode->nlink = 0;
			r->new_dir->nlink--;
		} else {
			r->new->inode->nlink--;
		}
		remove_name(r->new_dir, r->new);
	}
	if (is_dir) {
		r->old_dir->nlink--;
		r->new_dir->nlink++;
	}
	r->old_dir->size -= 20;
	r->new_dir->size += 20;
	dentry_move(r->old, r->new);
	inode_touch(r->old_dir);
	if (r->new_dir != r->old_dir)
		inode_touch(r->new_dir);
	r->old->inode->ctime_ns = r->new_dir->ctime_ns;
	return 0;
}

static int tmpfs_setattr(struct inode *inode, const struct attr_change *a)
{
	struct tmpfs_inode *ti = container_of(inode, struct tmpfs_inode, inode);

	if (a->valid & ATTR_SIZE) {
		if ((a->size < inode->size && (ti->seals & F_SEAL_SHRINK)) ||
		    (a->size > inode->size && (ti->seals & F_SEAL_GROW)))
			return -EPERM;
		memobj_truncate(inode->mapping, (uint64_t)a->size);
		inode->size = a->size;
		inode_touch(inode);
	}
	inode_apply_attr(inode, a);
	return 0;
}

static ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *value, size_t size)
{
	return xattrs_get(&container_of(inode, struct tmpfs_inode, inode)->xattrs, name, value,
			  size);
}

static int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size,
			  int flags)
{
	struct xattr_args a = { name, value, size, flags };

	inode->ctime_ns = inode_now_ns();
	return xattrs_set(&container_of(inode, struct tmpfs_inode, inode)->xattrs, &a);
}

static ssize_t tmpfs_listxattr(struct inode *inode, char *list, size_t size)
{
	return xattrs_list(&container_of(inode, struct tmpfs_inode, inode)->xattrs, list, size);
}

static int tmpfs_removexattr(struct inode *inode, const char *name)
{
	return xattrs_remove(&container_of(inode, struct tmpfs_inode, inode)->xattrs, name);
}

#define XATTR_OPS						\
	.getxattr = tmpfs_getxattr, .setxattr = tmpfs_setxattr,	\
	.listxattr = tmpfs_listxattr, .removexattr = tmpfs_removexattr

static const struct inode_ops dir_ops = {
	.create = tmpfs_create,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	XATTR_OPS,
};
static const struct inode_ops file_inode_ops = { .setattr = tmpfs_setattr, XATTR_OPS };
static const struct inode_ops link_ops = { XATTR_OPS };

static void tmpfs_statfs(struct super_block *sb, struct statfs *st)
{
	struct tmpfs_super *ts = sb->priv;

	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_blocks = ts->max_pages;
	st->f_bfree = st->f_bavail = max(ts->max_pages - ts->used_pages, (int64_t)0);
	st->f_files = ts->max_inodes;
	st->f_ffree = max(ts->max_inodes - ts->used_inodes, (int64_t)0);
}

static void tmpfs_show_options(struct super_block *sb, struct seq_file *m)
{
	struct tmpfs_super *ts = sb->priv;

	seq_printf(m, ",size=%lldk,nr_inodes=%lld", (long long)ts->max_pages * 4,
		   (long long)ts->max_inodes);
	if ((sb->root->inode->mode & 07777) != 01777)
		seq_printf(m, ",mode=%o", sb->root->inode->mode & 07777);
}

/* Every name is pinned: take the tree apart, leaves first.  No user is left. */
static void drop_tree(struct dentry *root)
{
	struct dentry *d = root;

	for (;;) {
		struct dentry *parent = d->parent;

		if (!list_empty(&d->children)) {
			d = list_first_entry(&d->children, struct dentry, sibling);
			continue;
		}
		if (d == root)
			return;
		dentry_ref(d);
		dentry_unpin(d);
		dentry_unhash(d);
		dentry_put(d);
		d = parent;
	}
}

static void tmpfs_release(struct super_block *sb)
{
	kfree(sb->priv);
}

static void tmpfs_unmounted(struct super_block *sb)
{
	drop_tree(sb->root);
}

static const struct super_ops super_ops = {
	.evict = tmpfs_evict,
	.free_inode = tmpfs_free_inode,
	.statfs = tmpfs_statfs,
	.show_options = tmpfs_show_options,
	.remount = tmpfs_remount,
	.unmounted = tmpfs_unmounted,
	.release = tmpfs_release,
};

struct super_block *tmpfs_super_create(const struct fs_type *type, char *data)
{
	struct super_block *sb = super_create(type, &super_ops, TMPFS_MAGIC);
	struct tmpfs_options o;
	struct tmpfs_super *ts;
	struct inode *root;
	int err;

	if (IS_ERR(sb))
		return sb;
	tmpfs_default_options(&o);
	err = tmpfs_parse(&o, data);
	if (err)
		goto fail;
	err = -ENOMEM;
	ts = kzalloc(sizeof(*ts), 0);
	if (!ts)
		goto fail;
	sb->priv = ts;
	ts->max_pages = o.max_pages;
	ts->max_inodes = o.max_inodes;
	root = tmpfs_inode_create(sb, NULL, S_IFDIR | (o.mode & 07777), 0);
	err = (int)PTR_ERR(root);
	if (IS_ERR(root))
		goto fail;
	root->uid = o.uid;
	root->gid = o.gid;
	sb->root = dentry_create_root(sb, root);
	err = -ENOMEM;
	if (!sb->root)
		goto fail;
	return sb;
fail:
	super_put(sb);
	return ERR_PTR(err);
}

static struct super_block *tmpfs_mount(const struct fs_type *type, const struct mount_args *args)
{
	return tmpfs_super_create(type, args->data);
}

static struct fs_type tmpfs_type = { .name = "tmpfs", .mount = tmpfs_mount };

void tmpfs_init(void)
{
	inode_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "tmpfs_inode", .size = sizeof(struct tmpfs_inode), .align = 64 });
	if (IS_ERR(inode_cache))
		panic("tmpfs: no memory");
	fs_register(&tmpfs_type);
}
