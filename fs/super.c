/* SPDX-License-Identifier: MIT */
/*
 * File-system types and superblocks.
 */
#include <fs/notify.h>
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/mount.h>

#include "bdev.h"
#include "buffer.h"
#include "icache.h"
#include "internal.h"
#include "writeback.h"

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

const struct fs_type *fs_type_next(const struct fs_type *t)
{
	const struct list *next;

	mutex_lock(&registry_lock);
	next = t ? t->node.next : types.next;
	mutex_unlock(&registry_lock);
	return next == &types ? NULL : container_of(next, struct fs_type, node);
}

void fs_show_types(struct seq_file *m)
{
	struct fs_type *t;

	mutex_lock(&registry_lock);
	list_for_each_entry(t, &types, node)
		seq_printf(m, "%s\t%s\n", t->flags & FS_NEEDS_DEVICE ? "" : "nodev", t->name);
	mutex_unlock(&registry_lock);
}

/* Superblocks. */

static void super_init(struct super_block *sb, const struct fs_type *type, uint32_t magic)
{
	sb->type = type;
	sb->magic = magic;
	sb->block_size = 4096;
	sb->max_file_size = INT64_MAX;
	sb->next_ino = 1;
	refcount_set(&sb->refs, 1);
	mutex_init(&sb->rename_lock, RENAME);
	icache_init_super(sb);
}

int super_set_ops(struct super_block *sb, const struct super_ops *ops)
{
	sb->ops = ops;
	if (ops->alloc_inode)
		icache_enable(sb);
	return 0;
}

static void super_list(struct super_block *sb)
{
	mutex_lock(&registry_lock);
	list_add_tail(&sb->node, &supers);
	mutex_unlock(&registry_lock);
}

struct super_block *super_create(const struct fs_type *type, const struct super_ops *ops,
				 uint32_t magic)
{
	struct super_block *sb = kzalloc(sizeof(*sb), 0);

	if (!sb)
		return ERR_PTR(-ENOMEM);
	super_init(sb, type, magic);
	(void)!super_set_ops(sb, ops);
	sb->dev = DEV_MAKE(0, __atomic_fetch_add(&next_minor, 1, __ATOMIC_RELAXED));
	super_list(sb);
	return sb;
}

void super_ref(struct super_block *sb)
{
	refcount_inc(&sb->refs);
}

void super_make_rdonly(struct super_block *sb)
{
	__atomic_fetch_or(&sb->flags, (uint32_t)MS_RDONLY, __ATOMIC_RELAXED);
}

int super_sync(struct super_block *sb, bool wait)
{
	int err = IS_ENABLED(CONFIG_BLOCK) ? writeback_super(sb, wait) : 0, e = 0;

	if (sb->ops->sync && !(sb->flags & MS_RDONLY))
		e = sb->ops->sync(sb, wait);
	return err ? err : e;
}

void super_drop_inodes(struct super_block *sb)
{
	if (sb->root)
		dentry_put(sb->root);
	sb->root = NULL;
	icache_evict_all(sb);
	rcu_synchronize();
}

/* Everything that is cached goes: first what users see, then inodes, written before. */
static void super_empty(struct super_block *sb)
{
	int err;

	notify_unmount(sb);
	if (sb->root && sb->ops->unmounted)
		sb->ops->unmounted(sb);
	dentry_shrink_super(sb);
	if (sb->root) {
		dentry_unhash(sb->root);
		dentry_put(sb->root);
		sb->root = NULL;
	}
	if (IS_ENABLED(CONFIG_BLOCK) && sb->writeback) {
		writeback_detach(sb);
		err = super_sync(sb, true);
		if (err)
			log_err("%s: writing failed at unmount: error %d", sb->type->name, -err);
	}
	icache_evict_all(sb);
	/* Inodes are freed after RCU, on any CPU, and look at their superblock then. */
	rcu_barrier();
}

static void super_free(struct super_block *sb)
{
	if (IS_ENABLED(CONFIG_BLOCK) && sb->bdev)
		bdev_close(sb->bdev, sb);
	mutex_lock(&registry_lock);
	list_del(&sb->node);		/* now the device may be mounted again */
	mutex_unlock(&registry_lock);
	kfree(sb);
}

/* The last mount is gone: nobody can have an inode of it any more but through cached names. */
void super_put(struct super_block *sb)
{
	if (!refcount_dec_and_test(&sb->refs))
		return;
	super_empty(sb);
	if (sb->ops->release)
		sb->ops->release(sb);
	super_free(sb);
}

void super_for_each(void (*fn)(struct super_block *sb, void *arg), void *arg)
{
	struct super_block *sb, *last = NULL;

	mutex_lock(&registry_lock);
	list_for_each_entry(sb, &supers, node) {
		if (!refcount_inc_not_zero(&sb->refs))
			continue;
		mutex_unlock(&registry_lock);
		if (sb->root)
			fn(sb, arg);
		if (last)
			super_put(last);	/* only now: it kept our place in the list */
		last = sb;
		mutex_lock(&registry_lock);
	}
	mutex_unlock(&registry_lock);
	if (last)
		super_put(last);
}

/* Superblocks of devices. */

static struct super_block *find_on_locked(const struct block_device *dev)
{
	struct super_block *sb;

	list_for_each_entry(sb, &supers, node)
		if (sb->bdev == dev)
			return sb;
	return NULL;
}

static bool is_leaving(const struct block_device *dev)
{
	struct super_block *sb;
	bool leaving;

	mutex_lock(&registry_lock);
	sb = find_on_locked(dev);
	leaving = sb && !refcount_read(&sb->refs);
	mutex_unlock(&registry_lock);
	return leaving;
}

/*
 * The superblock of @dev that is mounted already: a reference, or NULL.  Waits for one that goes.
 */
static struct super_block *super_get_on(const struct block_device *dev)
{
	struct super_block *sb;

	for (;;) {
		bool wait;

		mutex_lock(&registry_lock);
		sb = find_on_locked(dev);
		wait = sb && !refcount_inc_not_zero(&sb->refs);
		mutex_unlock(&registry_lock);
		if (!wait)
			return sb;
		while (is_leaving(dev))
			sleep_ns(NSEC_PER_MSEC);
	}
}

static struct super_block *share(struct super_block *sb, const struct fs_type *type,
				 const struct mount_args *args)
{
	if (sb->type == type && sb->root && !((sb->flags ^ args->flags) & MS_RDONLY))
		return sb;
	super_put(sb);
	return ERR_PTR(-EBUSY);
}

static struct super_block *super_open(const struct fs_type *type, struct block_device *dev,
				      uint32_t flags)
{
	struct super_block *sb = kzalloc(sizeof(*sb), 0);
	struct block_device *opened;

	if (!sb)
		return ERR_PTR(-ENOMEM);
	super_init(sb, type, 0);
	opened = bdev_open_dev(dev->dev, sb, !(flags & MS_RDONLY));
	if (IS_ERR(opened)) {
		kfree(sb);
		return ERR_CAST(opened);
	}
	sb->bdev = opened;
	sb->dev = dev->dev;
	sb->flags = flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME);
	super_list(sb);
	writeback_attach(bdev_writeback(opened), sb);
	return sb;
}

struct super_block *super_mount_device(const struct fs_type *type, const struct mount_args *args,
				       int (*fill)(struct super_block *sb,
						   const struct mount_args *args))
{
	struct block_device *dev;
	struct super_block *sb;
	int err;

	if (!IS_ENABLED(CONFIG_BLOCK))
		return ERR_PTR(-ENODEV);
	dev = bdev_lookup(args->source);
	if (IS_ERR(dev))
		return ERR_CAST(dev);
	sb = super_get_on(dev);
	if (sb) {
		block_put(dev);
		return share(sb, type, args);
	}
	sb = super_open(type, dev, args->flags);
	block_put(dev);
	if (IS_ERR(sb))
		return sb;
	err = fill(sb, args);
	if (!err)
		return sb;
	refcount_set(&sb->refs, 0);
	writeback_detach(sb);
	super_free(sb);
	return ERR_PTR(err);
}
