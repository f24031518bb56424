/* SPDX-License-Identifier: MIT */
/*
 * ext4 and the VFS: dentries, open files, superblocks, the commit thread.  Everything below knows
 * neither names in memory nor files; the same core runs on the host without this file.
 */
#include <fs/namei.h>
#include <fs/seq_file.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/fiemap.h>
#include <uapi/ioctl.h>
#include <uapi/mount.h>
#include <uapi/statfs.h>

#include "../internal.h"
#include "glue.h"

static const struct inode_ops dir_ops, file_ops_inode, link_ops, special_ops;
static const struct file_ops file_ops, dir_file_ops;

static struct name name_of_dentry(const struct dentry *d)
{
	return (struct name){ .text = d->name, .len = d->len };
}

/* Names. */

static int lookup(struct inode *dir, struct dentry *d)
{
	struct inode *inode = NULL;
	uint32_t ino;
	int err = ext4_dir_lookup(dir, d->name, d->len, &ino);

	if (!err) {
		inode = ext4_iget(ext4_fs_of(dir), ino);
		if (IS_ERR(inode))
			return (int)PTR_ERR(inode);
		/* A name of what was deleted: the medium is damaged. */
		if (!inode->nlink) {
			inode_put(inode);
			return ext4_damaged(ext4_fs_of(dir), "inode %u is deleted and has a name",
					    ino);
		}
	}
	if (err && err != -ENOENT)
		return err;
	dentry_attach(d, inode);
	return 0;
}

static int create(struct inode *dir, struct dentry *d, uint32_t mode, dev_t rdev)
{
	struct name n = name_of_dentry(d);
	struct inode *inode;
	int err = ext4_create(dir, &n, mode, rdev, &inode);

	if (!err)
		dentry_attach(d, inode);
	return err;
}

static int symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct name n = name_of_dentry(d);
	struct inode *inode;
	int err = ext4_symlink(dir, &n, target, &inode);

	if (!err)
		dentry_attach(d, inode);
	return err;
}

static int link(struct inode *dir, struct dentry *d, struct inode *inode)
{
	struct name n = name_of_dentry(d);
	int err = ext4_link(dir, &n, inode);

	if (!err) {
		inode_ref(inode);
		dentry_attach(d, inode);
	}
	return err;
}

static int unlink(struct inode *dir, struct dentry *d)
{
	struct name n = name_of_dentry(d);
	int err = ext4_unlink(dir, &n, d->inode);

	if (!err)
		dentry_detach(d);
	return err;
}

static int rmdir(struct inode *dir, struct dentry *d)
{
	struct name n = name_of_dentry(d);
	int err = ext4_rmdir(dir, &n, d->inode);

	if (!err)
		dentry_detach(d);
	return err;
}

static int rename(const struct rename_args *a)
{
	struct ext4_rename r = {
		.old_dir = a->old_dir, .new_dir = a->new_dir,
		.old = a->old->inode, .new = a->new->inode,
		.old_name = name_of_dentry(a->old), .new_name = name_of_dentry(a->new),
	};
	int err;

	if (a->flags & RENAME_EXCHANGE) {
		err = ext4_exchange(&r);
		if (!err)
			dentry_exchange(a->old, a->new);
		return err;
	}
	/*
	 * Programs replace a file by a new one without fsync and expect one or the other: what the
	 * new one was given is written before it takes the name.
	 */
	if (r.new && S_ISREG(r.old->mode))
		(void)!iomap_writeback_wait(r.old, 0, INT64_MAX);
	err = ext4_rename(&r);
	if (err)
		return err;
	if (a->new->inode)
		dentry_detach(a->new);
	dentry_move(a->old, a->new);
	return 0;
}

static const struct inode_ops dir_ops = {
	.lookup = lookup, .create = create, .symlink = symlink, .link = link, .unlink = unlink,
	.rmdir = rmdir, .rename = rename, .tmpfile = ext4_tmpfile, .setattr = ext4_setattr,
	.getxattr = ext4_getxattr, .setxattr = ext4_setxattr, .listxattr = ext4_listxattr,
	.removexattr = ext4_removexattr,
};
static const struct inode_ops file_ops_inode = {
	.setattr = ext4_setattr, .getxattr = ext4_getxattr, .setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr, .removexattr = ext4_removexattr,
};
static const struct inode_ops link_ops = {
	.readlink = ext4_readlink, .setattr = ext4_setattr, .getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr, .listxattr = ext4_listxattr, .removexattr = ext4_removexattr,
};
static const struct inode_ops special_ops = {
	.setattr = ext4_setattr, .getxattr = ext4_getxattr, .setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr, .removexattr = ext4_removexattr,
};

/* Files. */

static int fsync(struct file *f, int64_t start, int64_t end, bool data_only)
{
	struct inode *inode = f->inode;
	int err = 0, e;

	if (inode->mapping)
		err = iomap_writeback_wait(inode, start, end);
	e = ext4_fsync(inode, data_only);
	err = err ? err : e;
	e = inode->mapping ? iomap_file_error(f) : 0;
	return err ? err : e;
}

static long fallocate(struct file *f, int mode, int64_t offset, int64_t len)
{
	struct inode *inode = f->inode;
	int err;

	rwsem_lock_write(&inode->lock);
	err = ext4_fallocate(inode, mode, (uint64_t)offset, (uint64_t)len);
	rwsem_unlock_write(&inode->lock);
	return err;
}

static int open_file(struct inode *inode, struct file *f)
{
	struct ext4_inode *ei = EXT4_I(inode);
	bool writes = f->mode & FMODE_WRITE;

	if (writes && (ei->flags & FLAG_IMMUTABLE))
		return -EPERM;
	if (writes && (ei->flags & FLAG_APPEND) && (!(f->flags & O_APPEND) || (f->flags & O_TRUNC)))
		return -EPERM;
	return 0;
}

static int change_flags(struct inode *inode, uint32_t flags)
{
	struct ext4_inode *ei = EXT4_I(inode);
	struct journal_handle h;
	int err, stop;

	if (!inode_owner_or_capable(inode))
		return -EACCES;
	if (((flags ^ ei->flags) & (FLAG_IMMUTABLE | FLAG_APPEND)) &&
	    !cred_overrides_files(current_cred()))
		return -EPERM;
	err = ext4_start(ext4_fs_of(inode), &h, 4);
	if (err)
		return err;
	ei->flags = (ei->flags & ~(uint32_t)FLAGS_USER_SETTABLE) | (flags & FLAGS_USER_SETTABLE);
	inode->ctime_ns = inode_now_ns();
	err = ext4_update_inode(&h, inode);
	stop = journal_stop(&h);
	return err ? err : stop;
}

static long ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct inode *inode = f->inode;
	uint32_t flags;
	int err;

	switch (cmd) {
	case FS_IOC_GETFLAGS:
		flags = EXT4_I(inode)->flags & FLAGS_USER_VISIBLE;
		return copy_to_user(UADDR(arg), &flags, sizeof(flags)) ? -EFAULT : 0;
	case FS_IOC_SETFLAGS:
		if (copy_from_user(&flags, UADDR(arg), sizeof(flags)))
			return -EFAULT;
		rwsem_lock_write(&inode->lock);
		err = change_flags(inode, flags);
		rwsem_unlock_write(&inode->lock);
		return err;
	case FS_IOC_FIEMAP:
		return S_ISREG(inode->mode) ? iomap_fiemap(f, arg) : -EOPNOTSUPP;
	}
	return -ENOTTY;
}

static int iterate(struct file *f, struct dir_context *ctx)
{
	return ext4_dir_iterate(f->inode, ctx);
}

static const struct file_ops file_ops = {
	.read = iomap_file_read, .write = iomap_file_write, .seek = iomap_seek,
	.mmap = iomap_mmap, .fsync = fsync, .fallocate = fallocate, .ioctl = ioctl,
	.open = open_file,
};
static const struct file_ops dir_file_ops = {
	.iterate = iterate, .fsync = fsync, .ioctl = ioctl,
};

/* glue.h */

int ext4_attach_ops(struct inode *inode, dev_t rdev)
{
	struct ext4_inode *ei = EXT4_I(inode);

	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &file_ops_inode;
		inode->fops = &file_ops;
		return iomap_inode_init(inode, &ext4_iomap_ops);
	case S_IFDIR:
		inode->ops = &dir_ops;
		inode->fops = &dir_file_ops;
		return 0;
	case S_IFLNK:
		inode->ops = &link_ops;
		if (!ext4_has_map(inode) && inode->size &&
		    inode->size < (int64_t)sizeof(ei->block) &&
		    strnlen((char *)ei->block, sizeof(ei->block)) == (size_t)inode->size)
			inode->link = (char *)ei->block;
		return 0;
	}
	inode->ops = &special_ops;
	inode_init_special(inode, rdev);
	return 0;
}

void ext4_forget_inodes(struct ext4_fs *fs)
{
	super_drop_inodes(fs->sb);
}

bool ext4_may_use_reserved(const struct ext4_fs *fs)
{
	const struct cred *c = current_cred();

	return cred_overrides_files(c) || c->fsuid == fs->root_uid ||
	       (fs->root_gid && c->fsgid == fs->root_gid);
}

/* A transaction grows no older than this. */
struct committer {
	struct ext4_fs *fs;
	struct waitq waitq;
	bool shall_end;			/* [A] */
	struct completion ended;
};

static void commit_loop(void *arg)
{
	struct committer *c = arg;
	struct ext4_fs *fs = c->fs;

	while (!READ_ONCE(c->shall_end)) {
		int64_t interval = READ_ONCE(fs->commit_interval_ms) * (NSEC_PER_SEC / 1000);

		(void)!wait_event_timeout_uninterruptible(&c->waitq, READ_ONCE(c->shall_end),
							  clock_ns() + interval / 2);
		if (journal_commit_old(fs->journal, clock_ns(), interval / 2))
			break;
	}
	/* Waits for its end even if it gave up: stop() takes this away. */
	wait_event(&c->waitq, READ_ONCE(c->shall_end));
	completion_signal(&c->ended);
}

int ext4_thread_start(struct ext4_fs *fs)
{
	struct committer *c;
	struct thread *t;

	if (!fs->journal)
		return 0;
	c = kzalloc(sizeof(*c), 0);
	if (!c)
		return -ENOMEM;
	c->fs = fs;
	waitq_init(&c->waitq);
	completion_init(&c->ended);
	t = kthread_create(commit_loop, c, "jbd2");
	if (IS_ERR(t)) {
		kfree(c);
		return (int)PTR_ERR(t);
	}
	fs->glue = c;
	return 0;
}

void ext4_thread_stop(struct ext4_fs *fs)
{
	struct committer *c = fs->glue;

	if (!c)
		return;
	WRITE_ONCE(c->shall_end, true);
	waitq_wake_all(&c->waitq, 0);
	completion_wait(&c->ended);
	fs->glue = NULL;
	kfree(c);
}

/* Superblocks. */

static void statfs(struct super_block *sb, struct statfs *st)
{
	ext4_statfs(sb->priv, st);
}

static int sync_fs(struct super_block *sb, bool wait)
{
	(void)wait;
	return ext4_sync(sb->priv);
}

static int remount(struct super_block *sb, uint32_t flags, char *data)
{
	struct ext4_fs *fs = sb->priv;
	struct ext4_mount m;
	int err;

	ext4_default_options(&m);
	m.options = fs->options;
	m.commit_interval_ms = fs->commit_interval_ms;
	err = ext4_parse_options(&m, data);
	if (err)
		return err;
	fs->options = m.options;
	fs->commit_interval_ms = m.commit_interval_ms;
	if (!((flags ^ sb->flags) & MS_RDONLY))
		return 0;
	if (!(flags & MS_RDONLY)) {
		err = ext4_set_writable(fs);
		if (!err)
			ext4_orphans_clean(fs);
		return err;
	}
	err = super_sync(sb, true);
	return err ? err : ext4_set_rdonly(fs);
}

static void show_options(struct super_block *sb, struct seq_file *m)
{
	struct ext4_fs *fs = sb->priv;

	if (fs->options & OPT_ERRORS_GIVEN)
		seq_printf(m, ",errors=%s", fs->options & OPT_ERRORS_PANIC ? "panic" :
			   fs->options & OPT_ERRORS_CONTINUE ? "continue" : "remount-ro");
	if (fs->options & OPT_NO_BARRIER)
		seq_printf(m, ",nobarrier");
	if (fs->commit_interval_ms != 5000)
		seq_printf(m, ",commit=%u", fs->commit_interval_ms / 1000);
	if (fs->options & OPT_NO_LOAD)
		seq_printf(m, ",norecovery");
}

static void release(struct super_block *sb)
{
	ext4_close(sb->priv);
}

static void free_inode(struct inode *inode)
{
	iomap_inode_fini(inode);
	kfree(EXT4_I(inode));
}

static const struct super_ops super_ops = {
	.evict = ext4_evict, .free_inode = free_inode, .alloc_inode = ext4_alloc_inode,
	.write_inode = ext4_write_inode, .statfs = statfs, .sync = sync_fs, .remount = remount,
	.show_options = show_options, .release = release,
};

/* What "ext2" and "ext3" ask for must be one. */
static void limit_features(struct ext4_mount *m, const char *type)
{
	if (str_eq(type, "ext4"))
		return;
	m->incompat = INCOMPAT_FILETYPE | INCOMPAT_META_BG;
	m->ro_compat = RO_COMPAT_SPARSE_SUPER | RO_COMPAT_LARGE_FILE;
	if (str_eq(type, "ext3"))
		m->incompat |= INCOMPAT_RECOVER;
}

static int fill(struct super_block *sb, const struct mount_args *args)
{
	struct ext4_mount m;
	struct inode *root;
	int err;

	ext4_default_options(&m);
	limit_features(&m, sb->type->name);
	m.read_only = args->flags & MS_RDONLY;
	err = ext4_parse_options(&m, args->data);
	if (!err)
		err = super_set_ops(sb, &super_ops);
	if (!err)
		err = ext4_open(sb, &m);
	if (err)
		return err;
	root = ext4_root(sb->priv);
	err = PTR_ERR_OR_ZERO(root);
	if (!err) {
		sb->root = dentry_create_root(sb, root);
		err = sb->root ? 0 : -ENOMEM;
	}
	if (err) {
		super_drop_inodes(sb);
		ext4_close(sb->priv);
	}
	return err;
}

static struct super_block *mount(const struct fs_type *type, const struct mount_args *args)
{
	return super_mount_device(type, args, fill);
}

static struct fs_type types[] = {
	{ .name = "ext4", .flags = FS_NEEDS_DEVICE, .mount = mount },
	{ .name = "ext3", .flags = FS_NEEDS_DEVICE, .mount = mount },
	{ .name = "ext2", .flags = FS_NEEDS_DEVICE, .mount = mount },
};

static int ext4_init(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		fs_register(&types[i]);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, ext4_init);
