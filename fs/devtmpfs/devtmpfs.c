/* SPDX-License-Identifier: MIT */
/*
 * devtmpfs: one tmpfs that the kernel keeps filled with device nodes.  Every mount of type devtmpfs
 * shows the same tree.
 */
#include <fs/chardev.h>
#include <fs/namei.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "../internal.h"
#include "../tmpfs/tmpfs.h"
#include "devtmpfs.h"

static struct mount *dev_mount;		/* internal; [I] after devtmpfs_init() */

static struct super_block *devtmpfs_mount(const struct fs_type *type, const struct mount_args *args)
{
	super_ref(dev_mount->sb);
	return dev_mount->sb;
}

static struct fs_type devtmpfs_type = { .name = "devtmpfs", .mount = devtmpfs_mount };

/* The directory and last name of @name, made if need be; a counted path. */
static int walk_to(const char *name, bool make, struct path *dir, struct name *last)
{
	const char *slash;
	int err = 0;

	dir->mount = dev_mount;
	dir->dentry = dev_mount->root;
	path_ref(dir);
	while (!err && (slash = strchr(name, '/'))) {
		struct name n = name_from(name, (size_t)(slash - name));
		struct dentry *d;

		if (make) {
			err = vfs_create_in(dir, &n, S_IFDIR | 0755, 0);
			err = err == -EEXIST ? 0 : err;
		}
		d = err ? NULL : dentry_lookup_cached(dir->dentry, &n);
		if (!err && (!d || !d->inode))
			err = -ENOENT;
		if (d && err)
			dentry_put(d);
		if (!err) {
			dentry_put(dir->dentry);
			dir->dentry = d;
		}
		name = slash + 1;
	}
	*last = name_from(name, strlen(name));
	if (err)
		path_put(dir);
	return err;
}

int devtmpfs_create(const char *name, uint32_t mode, dev_t dev)
{
	struct path dir;
	struct name last;
	int err = walk_to(name, true, &dir, &last);

	if (err)
		return err;
	err = vfs_create_in(&dir, &last, mode, dev);
	path_put(&dir);
	return err;
}

int devtmpfs_set_group(const char *name, uint32_t gid)
{
	struct path dir;
	struct name last;
	struct dentry *d;
	int err = walk_to(name, false, &dir, &last);

	if (err)
		return err;
	d = dentry_lookup_cached(dir.dentry, &last);
	if (d && d->inode)
		d->inode->gid = gid;
	if (d)
		dentry_put(d);
	path_put(&dir);
	return d ? 0 : -ENOENT;
}

void devtmpfs_remove(const char *name)
{
	struct path dir;
	struct name last;
	struct inode *parent;
	struct dentry *d;

	if (walk_to(name, false, &dir, &last))
		return;
	parent = dir.dentry->inode;
	rwsem_lock_write(&parent->lock);
	d = dentry_lookup_locked(dir.dentry, &last);
	if (!IS_ERR(d)) {
		if (d->inode && !S_ISDIR(d->inode->mode))
			(void)parent->ops->unlink(parent, d);
		dentry_put(d);
	}
	rwsem_unlock_write(&parent->lock);
	path_put(&dir);
}

int devtmpfs_mount_at(const char *name)
{
	struct path where;
	struct mount *m;
	int err = vfs_mkdir(AT_FDCWD, name, 0755);

	if (err && err != -EEXIST)
		return err;
	err = path_lookup_kernel(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &where);
	if (err)
		return err;
	super_ref(dev_mount->sb);
	m = mount_create(dev_mount->sb, "devtmpfs", MOUNT_NOSUID | MOUNT_RELATIME);
	err = PTR_ERR_OR_ZERO(m);
	if (!err) {
		err = mount_at(m, &where);
		if (err)
			mount_put(m);
	}
	path_put(&where);
	return err;
}

static void make_link(const char *name, const char *target)
{
	struct inode *root = dev_mount->root->inode;
	struct name n = name_from(name, strlen(name));
	struct dentry *d;

	rwsem_lock_write(&root->lock);
	d = dentry_lookup_locked(dev_mount->root, &n);
	if (!IS_ERR(d)) {
		if (!d->inode && root->ops->symlink(root, d, target))
			log_warn("devtmpfs: no memory for %s", name);
		dentry_put(d);
	}
	rwsem_unlock_write(&root->lock);
}

void devtmpfs_init(void)
{
	static char options[] = "mode=755";
	struct super_block *sb = tmpfs_super_create(&devtmpfs_type, options);

	if (IS_ERR(sb))
		panic("devtmpfs: no memory");
	dev_mount = mount_create(sb, "devtmpfs", MOUNT_INTERNAL);
	if (IS_ERR(dev_mount))
		panic("devtmpfs: no memory");
	fs_register(&devtmpfs_type);
	make_link("fd", "/proc/self/fd");
	make_link("stdin", "/proc/self/fd/0");
	make_link("stdout", "/proc/self/fd/1");
	make_link("stderr", "/proc/self/fd/2");
	make_link("core", "/proc/kcore");
	if (devtmpfs_create("shm", S_IFDIR | 01777, 0) || devtmpfs_create("pts", S_IFDIR | 0755, 0))
		log_warn("devtmpfs: no memory for directories");
}
