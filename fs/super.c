/* SPDX-License-Identifier: MIT */
/*
 * File-system types and superblocks.
 */
#include <fs/notify.h>
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

static struct mutex registry_lock = MUTEX_INIT(registry_lock, REGISTRY);	/* types, supers */
static LIST_HEAD(types);
static LIST_HEAD(supers);
static uint32_t next_minor = 1;		/* [A] device numbers of file systems without a device */

void fs_register(struct fs_type *type)
{
	mutex_lock(&registry_lock);
	list_add_tail(&type->node, &types);
	mutex_unlock(&registry_lock);
}

const struct fs_type *fs_type_find(const char *name)
{
	const struct fs_type *found = NULL;
	struct fs_type *t;

	mutex_lock(&registry_lock);
	list_for_each_entry(t, &types, node) {
		if (str_eq(t->name, name))
			found = t;
	}
	mutex_unlock(&registry_lock);
	return found;
}

void fs_show_types(struct seq_file *m)
{
	struct fs_type *t;

	mutex_lock(&registry_lock);
	list_for_each_entry(t, &types, node)
		seq_printf(m, "%s\t%s\n", t->flags & FS_NEEDS_DEVICE ? "" : "nodev", t->name);
	mutex_unlock(&registry_lock);
}

struct super_block *super_create(const struct fs_type *type, const struct super_ops *ops,
				 uint32_t magic)
{
	struct super_block *sb = kzalloc(sizeof(*sb), 0);

	if (!sb)
		return ERR_PTR(-ENOMEM);
	sb->ops = ops;
	sb->type = type;
	sb->magic = magic;
	sb->block_size = 4096;
	sb->max_file_size = INT64_MAX;
	sb->next_ino = 1;
	sb->dev = DEV_MAKE(0, __atomic_fetch_add(&next_minor, 1, __ATOMIC_RELAXED));
	refcount_set(&sb->refs, 1);
	mutex_init(&sb->rename_lock, RENAME);
	mutex_lock(&registry_lock);
	list_add_tail(&sb->node, &supers);
	mutex_unlock(&registry_lock);
	return sb;
}

void super_ref(struct super_block *sb)
{
	refcount_inc(&sb->refs);
}

/* The last mount is gone: nobody can have an inode of it any more but through cached names. */
void super_put(struct super_block *sb)
{
	if (!refcount_dec_and_test(&sb->refs))
		return;
	mutex_lock(&registry_lock);
	list_del(&sb->node);
	mutex_unlock(&registry_lock);
	notify_unmount(sb);
	if (sb->root && sb->ops->unmounted)
		sb->ops->unmounted(sb);
	dentry_shrink_super(sb);
	if (sb->root) {
		dentry_unhash(sb->root);
		dentry_put(sb->root);
	}
	/* Inodes are freed after RCU and look at their superblock then. */
	rcu_synchronize();
	if (sb->ops->release)
		sb->ops->release(sb);
	kfree(sb);
}

void super_for_each(void (*fn)(struct super_block *sb, void *arg), void *arg)
{
	struct super_block *sb;

	mutex_lock(&registry_lock);
	list_for_each_entry(sb, &supers, node)
		fn(sb, arg);
	mutex_unlock(&registry_lock);
}
