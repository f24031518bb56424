/* SPDX-License-Identifier: MIT */
/*
 * Open block devices: the page cache of each, who uses it, who has it for himself.
 *
 * A device that is open has a struct bdev: an inode (in no directory, alone in a small superblock
 * of its own) with the device's pages, and the flusher that also serves a file system mounted from
 * it. The last user writes what is dirty and takes all of it down; so a device nobody uses costs
 * nothing, and media may be changed behind the kernel's back.
 */
#include <fs/chardev.h>
#include <fs/iomap.h>
#include <fs/namei.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/magic.h>

#include "bdev.h"
#include "buffer.h"
#include "icache.h"
#include "iomap/internal.h"
#include "probe.h"
#include "writeback.h"

struct bdev {
	struct block_device *dev;	/* [I] counted */
	struct super_block sb;		/* of inode alone, in no list of superblocks */
	struct inode inode;
	uint32_t users;			/* [R] bdev_lock */
	const void *holder;		/* [R] bdev_lock: who has it for himself */
	uint32_t holds;			/* [R] bdev_lock: how often */
	struct list node;		/* [R] bdev_lock */
};

static struct mutex bdev_lock = MUTEX_INIT(bdev_lock, SUPER);
static LIST_HEAD(bdevs);		/* [R] bdev_lock */

static const struct fs_type bdev_type = { .name = "bdev" };
static const struct super_ops bdev_super_ops = { .evict = NULL };

static struct bdev *bdev_of(struct block_device *dev)
{
	return dev->holder_data;
}

/* The device's bytes lie where they lie. */
static int bdev_map(struct inode *inode, uint64_t pos, uint64_t len, enum iomap_for what,
		    struct iomap *out)
{
	uint64_t size = (uint64_t)inode->size;

	*out = (struct iomap){ .length = size, .type = IOMAP_MAPPED, .dev = inode->sb->bdev };
	if (pos >= size) {
		out->offset = size;
		out->length = align_up(pos + max(len, (uint64_t)SECTOR_SIZE), PAGE_SIZE) - size;
		out->type = IOMAP_HOLE;
	}
	return 0;
}

static const struct iomap_ops bdev_iomap_ops = { .map = bdev_map };

static void bdev_free(struct bdev *b)
{
	writeback_detach(&b->sb);
	writeback_forget(&b->inode);
	iomap_inode_fini(&b->inode);
	writeback_destroy(b->sb.writeback);
	block_put(b->dev);
	kfree(b);
}

static struct bdev *bdev_create(struct block_device *dev)
{
	struct bdev *b = kzalloc(sizeof(*b), 0);
	struct writeback *wb = b ? writeback_create(dev->name) : ERR_PTR(-ENOMEM);
	struct super_block *sb;

	if (IS_ERR(wb)) {
		kfree(b);
		return ERR_CAST(wb);
	}
	sb = &b->sb;
	sb->ops = &bdev_super_ops;
	sb->type = &bdev_type;
	sb->block_size = PAGE_SIZE;
	sb->max_file_size = INT64_MAX;
	sb->bdev = dev;
	sb->dev = dev->dev;
	icache_init_super(sb);
	inode_init(&b->inode, sb, S_IFBLK | 0600);
	list_init(&b->inode.lru_node);
	list_init(&b->inode.dirty_node);
	list_add_tail(&b->inode.sb_node, &sb->inodes);
	b->inode.rdev = dev->dev;
	b->inode.size = (int64_t)(READ_ONCE(dev->nr_sectors) << SECTOR_SHIFT);
	if (iomap_inode_init(&b->inode, &bdev_iomap_ops)) {
		writeback_destroy(wb);
		kfree(b);
		return ERR_PTR(-ENOMEM);
	}
	iomap_of_inode(&b->inode)->end_shift = SECTOR_SHIFT;
	iomap_of_inode(&b->inode)->is_fixed = true;
	b->dev = dev;
	block_ref(dev);
	writeback_attach(wb, sb);
	return b;
}

int bdev_get(struct block_device *dev)
{
	struct bdev *b;
	int err = 0;

	mutex_lock(&bdev_lock);
	b = bdev_of(dev);
	if (!b) {
		b = bdev_create(dev);
		err = PTR_ERR_OR_ZERO(b);
		if (!err) {
			dev->holder_data = b;
			list_add_tail(&b->node, &bdevs);
		}
	}
	if (!err) {
		b->users++;
		atomic_inc(&dev->opens);
	}
	mutex_unlock(&bdev_lock);
	return err;
}

void bdev_put(struct block_device *dev)
{
	struct bdev *b = bdev_of(dev), *gone = NULL;
	int err = READ_ONCE(b->users) == 1 ? bdev_sync(dev) : 0;

	mutex_lock(&bdev_lock);
	/* Who came, wrote and went meanwhile, or goes with us, did not see himself last. */
	while (b->users == 1 && !err && memobj_is_dirty(b->inode.mapping)) {
		mutex_unlock(&bdev_lock);
		err = bdev_sync(dev);
		mutex_lock(&bdev_lock);
	}
	if (err && b->users == 1)
		log_err("%s: writing failed at its last close: error %d", dev->name, -err);
	atomic_dec(&dev->opens);
	if (!--b->users) {
		dev->holder_data = NULL;
		list_del(&b->node);
		gone = b;
	}
	mutex_unlock(&bdev_lock);
	if (gone) {
		bdev_free(gone);
		block_closed(dev);
	}
}

/* May @who have @dev, or has somebody else it, or a partition of it, or the disk it is part of? */
static bool may_claim_locked(struct block_device *dev, const void *who)
{
	struct bdev *b;

	list_for_each_entry(b, &bdevs, node) {
		if (!b->holder || b->dev->disk != dev->disk)
			continue;
		if (b->dev == dev ? b->holder != who : !b->dev->part || !dev->part)
			return false;
	}
	return true;
}

int bdev_claim(struct block_device *dev, const void *who)
{
	struct bdev *b = bdev_of(dev);
	int err = -EBUSY;

	mutex_lock(&bdev_lock);
	if (may_claim_locked(dev, who)) {
		b->holder = who;
		b->holds++;
		err = 0;
	}
	mutex_unlock(&bdev_lock);
	return err;
}

void bdev_release(struct block_device *dev, const void *who)
{
	struct bdev *b = bdev_of(dev);

	mutex_lock(&bdev_lock);
	if (b->holder == who && !--b->holds)
		b->holder = NULL;
	mutex_unlock(&bdev_lock);
}

/* Names. */

struct search {
	const char *want;
	size_t key;			/* offset in struct volume_id */
	struct block_device *found;
};

static void look_for_volume(struct block_device *dev, void *arg)
{
	struct search *s = arg;
	struct volume_id id;

	if (s->found || volume_identify(dev, &id) || !str_eq((const char *)&id + s->key, s->want))
		return;
	block_ref(dev);
	s->found = dev;
}

static struct block_device *find_volume(const char *want, size_t key)
{
	struct search s = { .want = want, .key = key };

	block_for_each(look_for_volume, &s);
	return s.found ? s.found : ERR_PTR(-ENOENT);
}

struct block_device *bdev_lookup(const char *name)
{
	struct block_device *dev;
	struct path p;
	int err = -ENOENT;

	if (!strncmp(name, "LABEL=", 6))
		return find_volume(name + 6, offsetof(struct volume_id, label));
	if (!strncmp(name, "UUID=", 5))
		return find_volume(name + 5, offsetof(struct volume_id, uuid));
	if (*name == '/' && current_thread()->fs && !path_lookup_kernel(name, LOOKUP_FOLLOW, &p)) {
		struct inode *inode = p.dentry->inode;
		bool is_block = S_ISBLK(inode->mode);

		err = p.mount->flags & MOUNT_NODEV ? -EACCES : -ENXIO;
		dev = is_block && err == -ENXIO ? block_find_get(inode->rdev) : NULL;
		path_put(&p);
		return dev ? dev : ERR_PTR(is_block ? err : -ENOTBLK);
	}
	dev = block_find_get_by_name(name);
	return dev ? dev : ERR_PTR(err);
}

static struct block_device *open_found(struct block_device *dev, const void *who, bool want_write)
{
	int err = bdev_get(dev);

	if (!err) {
		err = want_write && READ_ONCE(dev->is_read_only) ? -EACCES : bdev_claim(dev, who);
		if (err)
			bdev_put(dev);
	}
	if (!err)
		return dev;		/* with the caller's reference */
	block_put(dev);
	return ERR_PTR(err);
}

struct block_device *bdev_open(const char *name, const void *who, bool want_write)
{
	struct block_device *dev = bdev_lookup(name);

	return IS_ERR(dev) ? dev : open_found(dev, who, want_write);
}

struct block_device *bdev_open_dev(dev_t number, const void *who, bool want_write)
{
	struct block_device *dev = block_find_get(number);

	return dev ? open_found(dev, who, want_write) : ERR_PTR(-ENXIO);
}

void bdev_close(struct block_device *dev, const void *who)
{
	bdev_release(dev, who);
	bdev_put(dev);
	block_put(dev);
}

struct inode *bdev_inode(struct block_device *dev)
{
	return &bdev_of(dev)->inode;
}

struct memobj *bdev_mapping(struct block_device *dev)
{
	return bdev_of(dev)->inode.mapping;
}

struct writeback *bdev_writeback(struct block_device *dev)
{
	return bdev_of(dev)->sb.writeback;
}

int bdev_sync(struct block_device *dev)
{
	return iomap_writeback_wait(bdev_inode(dev), 0, INT64_MAX);
}

/* The open device after @last (NULL: the first), got; @last is put. */
static struct block_device *next_open(struct block_device *last)
{
	struct block_device *dev = NULL;
	struct bdev *b;
	bool take = !last;

	mutex_lock(&bdev_lock);
	list_for_each_entry(b, &bdevs, node) {
		if (take) {
			dev = b->dev;
			b->users++;
			atomic_inc(&dev->opens);
			block_ref(dev);
			break;
		}
		take = b->dev == last;
	}
	mutex_unlock(&bdev_lock);
	if (last) {
		bdev_put(last);
		block_put(last);
	}
	return dev;
}

void bdev_sync_all(bool wait)
{
	struct block_device *dev = NULL;

	while ((dev = next_open(dev))) {
		struct inode *inode = bdev_inode(dev);

		if (!wait)
			(void)!inode->mapping->ops->write_pages(inode->mapping, 0, UINT64_MAX,
								false);
		else if (!bdev_sync(dev))
			(void)!block_flush(dev);
	}
}

/* Nodes. */

static void device_added(struct block_device *dev)
{
	int err = devtmpfs_create(dev->name, S_IFBLK | 0600, dev->dev);

	if (err && err != -EEXIST)
		log_warn("%s: no device node: error %d", dev->name, -err);
}

static void device_removed(struct block_device *dev)
{
	devtmpfs_remove(dev->name);
}

static struct block_listener listener = { .added = device_added, .removed = device_removed };

static int bdev_init(void)
{
	block_listen(&listener);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, bdev_init);
