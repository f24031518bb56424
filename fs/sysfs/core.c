/* SPDX-License-Identifier: MIT */
/*
 * sysfs: the device model as files.
 *
 * Y1 Nothing is made before it is looked up: an inode says what it stands for (struct sys_entry)
 *    and counts its device, so that the files of a device that went away answer -ENODEV.
 * Y2 Names are cached as any others, and asked again at each use whether they still hold: a
 *    device's as long as it is not gone, links and absent names never.
 * Y3 Operations of a device run without locks of ours; they take what they need.
 */
#include <fs/namei.h>
#include <kernel/init.h>
#include <lib/err.h>
#include <lib/hash.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/dirent.h>
#include <uapi/magic.h>

#include "sysfs.h"

struct sys_inode {
	struct inode inode;
	struct sys_entry e;		/* [I] name is not kept */
	unsigned int depth;		/* [I] of a directory: the root is 0 */
	char *link;			/* [I] */
};

static struct super_block *sys_sb;

static struct sys_inode *sys_of(const struct inode *inode)
{
	return container_of((struct inode *)(uintptr_t)inode, struct sys_inode, inode);
}

/* The same name has the same number each time, though inodes come and go. */
static uint64_t number_of(const struct inode *dir, const char *name, size_t len)
{
	return hash_bytes(name, len, dir->ino) | 1;
}

/* Files. */

static bool is_gone(const struct sys_entry *e)
{
	return e->dev && device_is_gone(e->dev);
}

/* A file with a position: bytes, not text. */
static ssize_t read_bytes(const struct sys_entry *e, char *page, size_t len, uint64_t offset)
{
	const struct device_attr *a = e->object;

	return a->read(e->dev, page, min(len, PAGE_SIZE), offset);
}

static bool is_binary(const struct sys_entry *e)
{
	return e->kind == SYS_ATTR && ((const struct device_attr *)e->object)->read;
}

static ssize_t copy_text(struct iov_iter *to, const char *page, ssize_t len, int64_t *offset)
{
	size_t n;

	if (len < 0 || *offset >= len)
		return len < 0 ? len : 0;
	n = iov_copy_to(to, page + *offset, min(to->count, (size_t)(len - *offset)));
	if (!n)
		return -EFAULT;
	*offset += (int64_t)n;
	return (ssize_t)n;
}

static ssize_t file_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	const struct sys_entry *e = &sys_of(f->inode)->e;
	int64_t zero = 0;
	ssize_t n;
	char *page;

	if (is_gone(e))
		return -ENODEV;
	if (!to->count || *offset < 0)
		return *offset < 0 ? -EINVAL : 0;
	page = kmalloc(PAGE_SIZE, ALLOC_NORMAL);
	if (!page)
		return -ENOMEM;
	if (is_binary(e)) {
		n = read_bytes(e, page, to->count, (uint64_t)*offset);
		n = n > 0 ? copy_text(to, page, n, &zero) : n;
		*offset += zero;
	} else {
		n = copy_text(to, page, sys_file_show(e, page, PAGE_SIZE), offset);
	}
	kfree(page);
	return n;
}

static ssize_t file_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	const struct sys_entry *e = &sys_of(f->inode)->e;
	size_t len = from->count;
	char *text;
	int err;

	if (is_gone(e))
		return -ENODEV;
	if (len >= PAGE_SIZE)
		return -EINVAL;
	text = kmalloc(len + 1, ALLOC_NORMAL);
	if (!text)
		return -ENOMEM;
	err = -EFAULT;
	if (iov_copy_from(from, text, len) == len) {
		text[len] = '\0';
		err = sys_file_store(e, text, len);
	}
	kfree(text);
	return err ? err : (ssize_t)len;
}

static int64_t file_seek(struct file *f, int64_t offset, int whence)
{
	return seek_with_end(f, offset, whence, f->inode->size);
}

static const struct file_ops file_ops = {
	.read = file_read, .write = file_write, .seek = file_seek,
};

/* Inodes. */

static int sys_lookup(struct inode *dir, struct dentry *d);
static int sys_iterate(struct file *f, struct dir_context *ctx);

static const struct inode_ops dir_ops = { .lookup = sys_lookup };
static const struct file_ops dir_fops = { .iterate = sys_iterate };
static const struct inode_ops plain_ops = { .setattr = setattr_ignore_size };

static uint32_t mode_of(const struct sys_entry *e)
{
	if (e->kind <= SYS_LAST_DIR)
		return S_IFDIR | 0555;
	if (e->kind <= SYS_LAST_LINK)
		return S_IFLNK | 0777;
	return S_IFREG | sys_file_mode(e);
}

/* The text lives as long as the inode. */
static int set_link(struct sys_inode *si, unsigned int dir_depth)
{
	char *text = kmalloc(PATH_LEN_MAX, ALLOC_NORMAL);
	ssize_t len = -ENOMEM;

	if (text)
		len = sys_link_text(&si->e, dir_depth, text, PATH_LEN_MAX - 1);
	if (len >= 0) {
		text[len] = '\0';
		si->link = kstrdup(text, ALLOC_NORMAL);
		si->inode.link = si->link;
		si->inode.size = len;
		len = si->link ? 0 : -ENOMEM;
	}
	kfree(text);
	return (int)len;
}

static uint64_t size_of(const struct sys_entry *e)
{
	const struct device_attr *a = e->object;

	return e->kind == SYS_ATTR && a->size ? a->size(e->dev) : PAGE_SIZE;
}

/* Takes a reference to e->dev.  Error pointer. */
static struct sys_inode *inode_create(const struct sys_entry *e, const struct inode *dir,
				      uint64_t number)
{
	struct sys_inode *si = kzalloc(sizeof(*si), ALLOC_NORMAL);
	uint32_t mode = mode_of(e);
	int err;

	if (!si)
		return ERR_PTR(-ENOMEM);
	inode_init(&si->inode, sys_sb, mode);
	si->inode.uid = si->inode.gid = 0;
	si->inode.ino = number;
	si->e = *e;
	si->e.name = NULL;
	if (e->dev)
		device_ref(e->dev);
	si->depth = dir ? sys_of(dir)->depth + 1 : 0;
	si->inode.nlink = S_ISDIR(mode) ? 2 : 1;
	si->inode.ops = S_ISDIR(mode) ? &dir_ops : &plain_ops;
	si->inode.fops = S_ISDIR(mode) ? &dir_fops : &file_ops;
	if (S_ISREG(mode))
		si->inode.size = (int64_t)size_of(e);
	if (!S_ISLNK(mode))
		return si;
	err = set_link(si, si->depth - 1);
	if (!err)
		return si;
	inode_put(&si->inode);
	return ERR_PTR(err);
}

struct lookup_visit {
	struct sys_visit v;
	struct inode *dir;
	const struct dentry *d;
	struct sys_inode *found;	/* or an error pointer */
};

static bool lookup_emit(struct sys_visit *v, const struct sys_entry *e)
{
	struct lookup_visit *l = container_of(v, struct lookup_visit, v);

	if (strlen(e->name) != l->d->len || memcmp(e->name, l->d->name, l->d->len))
		return false;
	l->found = inode_create(e, l->dir, number_of(l->dir, e->name, l->d->len));
	return true;
}

static int sys_lookup(struct inode *dir, struct dentry *d)
{
	struct lookup_visit l = { .v.emit = lookup_emit, .dir = dir, .d = d };

	if (is_gone(&sys_of(dir)->e))
		return -ENOENT;
	sys_visit_dir(&sys_of(dir)->e, &l.v);
	if (IS_ERR(l.found))
		return (int)PTR_ERR(l.found);
	dentry_attach(d, l.found ? &l.found->inode : NULL);
	return 0;
}

struct iterate_visit {
	struct sys_visit v;
	struct inode *dir;
	struct dir_context *ctx;
	int64_t at;			/* position of the entry that comes next */
};

static bool iterate_emit(struct sys_visit *v, const struct sys_entry *e)
{
	struct iterate_visit *i = container_of(v, struct iterate_visit, v);
	size_t len = strlen(e->name);

	if (i->at++ < i->ctx->offset)
		return false;
	if (i->ctx->emit(i->ctx, e->name, len, i->at, number_of(i->dir, e->name, len),
			 e->kind <= SYS_LAST_DIR ? DT_DIR : e->kind <= SYS_LAST_LINK ? DT_LNK :
									       DT_REG))
		return true;
	i->ctx->offset = i->at;
	return false;
}

static int sys_iterate(struct file *f, struct dir_context *ctx)
{
	struct iterate_visit i = {
		.v.emit = iterate_emit, .dir = f->inode, .ctx = ctx, .at = 2,
	};

	if (ctx->offset == 0) {
		if (ctx->emit(ctx, ".", 1, 1, f->inode->ino, DT_DIR))
			return 0;
		ctx->offset = 1;
	}
	if (ctx->offset == 1) {
		if (ctx->emit(ctx, "..", 2, 2, f->path.dentry->parent->inode->ino, DT_DIR))
			return 0;
		ctx->offset = 2;
	}
	if (!is_gone(&sys_of(f->inode)->e))
		sys_visit_dir(&sys_of(f->inode)->e, &i.v);
	return 0;
}

/* The file system. */

static bool sys_revalidate(struct dentry *d)
{
	struct inode *inode = READ_ONCE(d->inode);

	return inode && !S_ISLNK(inode->mode) && !is_gone(&sys_of(inode)->e);
}

static const struct inode_ops revalidate_ops = { .revalidate = sys_revalidate };

static void sys_evict(struct inode *inode)
{
	if (sys_of(inode)->e.dev)
		device_put(sys_of(inode)->e.dev);
}

static void sys_free_inode(struct inode *inode)
{
	kfree(sys_of(inode)->link);
	kfree(sys_of(inode));
}

static const struct super_ops sys_super_ops = {
	.evict = sys_evict, .free_inode = sys_free_inode,
};

static struct super_block *sysfs_mount(const struct fs_type *type, const struct mount_args *args)
{
	super_ref(sys_sb);
	return sys_sb;
}

static struct fs_type sysfs_type = { .name = "sysfs", .mount = sysfs_mount };

static int sysfs_init(void)
{
	struct sys_inode *root;

	sys_sb = super_create(&sysfs_type, &sys_super_ops, SYSFS_MAGIC);
	if (IS_ERR(sys_sb))
		return (int)PTR_ERR(sys_sb);
	sys_sb->dentry_ops = &revalidate_ops;
	root = inode_create(&(struct sys_entry){ .object = &sys_root }, NULL, 1);
	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	sys_sb->root = dentry_create_root(sys_sb, &root->inode);
	if (!sys_sb->root)
		return -ENOMEM;
	sys_system_init();
	fs_register(&sysfs_type);
	return 0;
}
INITCALL(INIT_FS, sysfs_init);
