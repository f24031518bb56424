/* SPDX-License-Identifier: MIT */
/*
 * Files without a place in the name space.
 */
#include <fs/pseudo.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <lib/printf.h>
#include <uapi/magic.h>

#include "internal.h"

static struct super_block *pseudo_sb;
static struct mount *pseudo_mount;
static struct inode *anonymous_inode;	/* shared by all files that need none of their own */
static const struct super_ops pseudo_super_ops = { .evict = NULL };
static struct fs_type pseudo_type = { .name = "anon_inodefs" };

struct inode *pseudo_inode_alloc(uint32_t mode)
{
	struct inode *inode = inode_alloc(pseudo_sb, mode);

	if (inode) {
		inode_init_owner(inode, NULL, mode);
		inode->flags = INODE_FAST_STAT;
	}
	return inode;
}

struct file *pseudo_file_create(struct inode *inode, const struct file_ops *ops, void *priv,
				uint32_t flags)
{
	struct file *f = file_alloc(ops, priv, flags);

	if (!f) {
		inode_put(inode);
		return ERR_PTR(-ENFILE);
	}
	f->inode = inode;
	f->mode |= FMODE_STREAM | FMODE_OPENED;
	return f;
}

struct file *file_create_anonymous(const struct file_ops *ops, void *priv, uint32_t flags)
{
	inode_ref(anonymous_inode);
	return pseudo_file_create(anonymous_inode, ops, priv, flags);
}

size_t pseudo_file_name(const struct file *f, char *buf, size_t size)
{
	const char *name = f->ops->name ? f->ops->name : "unknown";

	if (f->inode == anonymous_inode)
		return scnprintf(buf, size, "anon_inode:%s", name);
	return scnprintf(buf, size, "%s:[%llu]", name, (unsigned long long)f->inode->ino);
}

int pseudo_file_path(const struct file *f, struct path *out)
{
	char text[64];
	struct name n = name_from(text, pseudo_file_name(f, text, sizeof(text)));
	struct dentry *d;

	inode_ref(f->inode);
	d = dentry_create_unlinked(pseudo_mount->root, &n, f->inode);
	if (!d)
		return -ENOMEM;
	mount_ref(pseudo_mount);
	*out = (struct path){ pseudo_mount, d };
	return 0;
}

/* The tree that those names hang in; nothing is ever found in it. */
static int make_mount(void)
{
	struct inode *root = inode_alloc(pseudo_sb, S_IFDIR | 0500);

	if (!root)
		return -ENOMEM;
	pseudo_sb->root = dentry_create_root(pseudo_sb, root);
	if (!pseudo_sb->root)
		return -ENOMEM;
	pseudo_mount = mount_create(pseudo_sb, "", MOUNT_INTERNAL);
	return PTR_ERR_OR_ZERO(pseudo_mount);
}

void pseudo_init(void)
{
	pseudo_sb = super_create(&pseudo_type, &pseudo_super_ops, ANON_INODE_FS_MAGIC);
	if (IS_ERR(pseudo_sb))
		panic("fs: no memory for anonymous files");
	anonymous_inode = inode_alloc(pseudo_sb, 0600);
	if (!anonymous_inode || make_mount())
		panic("fs: no memory for anonymous files");
	anonymous_inode->flags = INODE_FAST_STAT;
}
