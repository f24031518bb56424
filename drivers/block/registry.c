/* SPDX-License-Identifier: MIT */
/*
 * All block devices by number and name, and who listens for them.
 *
 * Two locks: block_setup_lock is held over the coming and going of a disk's devices, listeners
 * included; block_registry_lock only over the list, inside file-system locks.
 *
 * References: the list holds none; who adds a device keeps its own until after registry_remove().
 * A whole's first reference is its disk's, a partition's its disk's list.
 */
#include <kernel/percpu.h>
#include <lib/map.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "internal.h"

struct mutex block_setup_lock = MUTEX_INIT(block_setup_lock, BLOCK_SETUP);
struct mutex block_registry_lock = MUTEX_INIT(block_registry_lock, BLOCK_REGISTRY);
static LIST_HEAD(devices);		/* [R] block_registry_lock, in order of registration */
static LIST_HEAD(listeners);		/* [R] block_setup_lock */

struct block_device *device_alloc(struct disk *d, const char *name, uint32_t part)
{
	struct block_device *dev = kzalloc(sizeof(*dev), 0);

	if (!dev)
		return NULL;
	dev->stats = stats_alloc();
	if (!dev->stats) {
		kfree(dev);
		return NULL;
	}
	str_copy_cut(dev->name, name, sizeof(dev->name));
	dev->disk = d;
	dev->part = part;
	refcount_set(&dev->refs, 1);
	list_init(&dev->node);
	list_init(&dev->disk_node);
	refcount_inc(&d->refs);
	return dev;
}

void block_ref(struct block_device *dev)
{
	refcount_inc(&dev->refs);
}

void block_put(struct block_device *dev)
{
	struct disk *d = dev->disk;

	if (!refcount_dec_and_test(&dev->refs))
		return;
	kfree(dev->stats);
	kfree(dev);
	disk_put(d);
}

const struct block_limits *block_limits(const struct block_device *dev)
{
	return &dev->disk->limits;
}

struct block_device *block_whole(struct block_device *dev)
{
	return dev->disk->whole;
}

bool block_is_gone(const struct block_device *dev)
{
	return disk_is_gone(dev->disk) || READ_ONCE(dev->is_removed);
}

static struct block_device *find_locked(bool (*fits)(const struct block_device *dev,
						     const void *key), const void *key)
{
	struct block_device *dev;

	list_for_each_entry(dev, &devices, node)
		if (fits(dev, key) && refcount_inc_not_zero(&dev->refs))
			return dev;
	return NULL;
}

static struct block_device *find_get(bool (*fits)(const struct block_device *dev, const void *key),
				     const void *key)
{
	struct block_device *dev;

	mutex_lock(&block_registry_lock);
	dev = find_locked(fits, key);
	mutex_unlock(&block_registry_lock);
	return dev;
}

static bool has_number(const struct block_device *dev, const void *key)
{
	return dev->dev == *(const dev_t *)key;
}

static bool has_name(const struct block_device *dev, const void *key)
{
	return strcmp(dev->name, key) == 0;
}

static bool has_part_uuid(const struct block_device *dev, const void *key)
{
	return dev->part_uuid[0] && strcasecmp(dev->part_uuid, key) == 0;
}

static bool has_part_label(const struct block_device *dev, const void *key)
{
	return dev->part_name[0] && strcmp(dev->part_name, key) == 0;
}

struct block_device *block_find_get(dev_t dev)
{
	return find_get(has_number, &dev);
}

/* "8:1" */
static bool parse_number(const char *text, dev_t *dev)
{
	const char *colon = strchr(text, ':');
	uint64_t major;
	uint32_t minor;
	const char *end;

	if (!colon || parse_u64_prefix(text, 10, &major, &end) || end != colon ||
	    parse_u32(colon + 1, 10, &minor) || major > 0xfff || minor > 0xfffff)
		return false;
	*dev = DEV_MAKE((uint32_t)major, minor);
	return true;
}

struct block_device *block_find_get_by_name(const char *name)
{
	dev_t dev;

	if (strncmp(name, "PARTUUID=", 9) == 0)
		return find_get(has_part_uuid, name + 9);
	if (strncmp(name, "PARTLABEL=", 10) == 0)
		return find_get(has_part_label, name + 10);
	if (parse_number(name, &dev))
		return block_find_get(dev);
	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	return find_get(has_name, name);
}

void block_for_each(void (*fn)(struct block_device *dev, void *arg), void *arg)
{
	struct block_device *dev, *last = NULL;
	struct list *at;

	mutex_lock(&block_registry_lock);
	at = devices.next;
	while (at != &devices) {
		dev = container_of(at, struct block_device, node);
		if (!refcount_inc_not_zero(&dev->refs)) {
			at = at->next;
			continue;
		}
		mutex_unlock(&block_registry_lock);
		if (last)
			block_put(last);
		fn(dev, arg);
		last = dev;
		mutex_lock(&block_registry_lock);
		/* Taken out meanwhile: where the list goes on from it is not known any more. */
		at = dev->is_removed ? &devices : dev->node.next;
	}
	mutex_unlock(&block_registry_lock);
	if (last)
		block_put(last);
}

int registry_add(struct block_device *dev)
{
	struct block_listener *l;
	struct block_device *other;

	mutex_lock(&block_registry_lock);
	list_for_each_entry(other, &devices, node) {
		if (other->dev == dev->dev || has_name(other, dev->name)) {
			mutex_unlock(&block_registry_lock);
			return -EEXIST;
		}
	}
	dev->is_removed = false;
	list_add_tail(&dev->node, &devices);
	mutex_unlock(&block_registry_lock);
	list_for_each_entry(l, &listeners, node)
		l->added(dev);
	return 0;
}

void registry_remove(struct block_device *dev)
{
	struct block_listener *l;

	if (list_empty(&dev->node))
		return;
	mutex_lock(&block_registry_lock);
	WRITE_ONCE(dev->is_removed, true);
	list_del_init(&dev->node);
	mutex_unlock(&block_registry_lock);
	list_for_each_entry(l, &listeners, node)
		l->removed(dev);
}

static void tell_added(struct block_device *dev, void *listener)
{
	((struct block_listener *)listener)->added(dev);
}

void block_listen(struct block_listener *listener)
{
	mutex_lock(&block_setup_lock);
	list_add_tail(&listener->node, &listeners);
	block_for_each(tell_added, listener);
	mutex_unlock(&block_setup_lock);
}
