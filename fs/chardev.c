/* SPDX-License-Identifier: MIT */
/*
 * Character devices by number.
 */
#include <fs/chardev.h>
#include <fs/seq_file.h>
#include <lib/printf.h>
#include <mm/slab.h>

#include "internal.h"

static struct mutex devices_lock = MUTEX_INIT(devices_lock, REGISTRY);
static LIST_HEAD(devices);		/* [R] devices_lock, RCU readers; in order of number */

struct chardev *chardev_find(dev_t dev)
{
	struct chardev *c;

	list_for_each_entry_rcu(c, &devices, node)
		if (dev - c->first < c->count)
			return c;
	return NULL;
}

static int make_nodes(const struct chardev_args *a)
{
	char name[64];
	int err = 0;

	for (uint32_t i = 0; i < a->count && !err; i++) {
		if (a->flags & CHARDEV_PLAIN_NAME)
			snprintf(name, sizeof(name), "%s", a->name);
		else
			snprintf(name, sizeof(name), "%s%u", a->name, a->number_base + i);
		err = devtmpfs_create(name, S_IFCHR | (a->mode ? a->mode : 0600), a->first + i);
		if (!err && a->gid)
			err = devtmpfs_set_group(name, a->gid);
	}
	return err;
}

int chardev_register(const struct chardev_args *a)
{
	struct chardev *c = kzalloc(sizeof(*c), 0), *other;
	struct list *after;

	if (!c)
		return -ENOMEM;
	c->first = a->first;
	c->count = a->count;
	c->ops = a->ops;
	c->name = a->name;
	c->priv = a->priv;
	mutex_lock(&devices_lock);
	after = &devices;
	list_for_each_entry(other, &devices, node) {
		if (a->first < other->first + other->count && other->first < a->first + a->count) {
			mutex_unlock(&devices_lock);
			kfree(c);
			return -EBUSY;
		}
		if (other->first < a->first)
			after = &other->node;
	}
	list_add_rcu(&c->node, after);
	mutex_unlock(&devices_lock);
	return a->flags & CHARDEV_NO_NODES ? 0 : make_nodes(a);
}

static void chardev_free(struct rcu_head *head)
{
	kfree(container_of(head, struct chardev, rcu));
}

void chardev_unregister(dev_t first)
{
	struct chardev *c;

	mutex_lock(&devices_lock);
	list_for_each_entry(c, &devices, node) {
		if (c->first == first) {
			list_del_rcu(&c->node);
			rcu_call(&c->rcu, chardev_free);
			break;
		}
	}
	mutex_unlock(&devices_lock);
}

static int chardev_open(struct inode *inode, struct file *f)
{
	const struct file_ops *ops = NULL;
	struct chardev *c;

	rcu_read_lock();
	c = chardev_find(inode->rdev);
	if (c)
		ops = c->ops;
	rcu_read_unlock();
	if (!ops)
		return -ENXIO;
	f->ops = ops;
	return ops->open ? ops->open(inode, f) : 0;
}

const struct file_ops chardev_default_ops = { .open = chardev_open };

static int no_device_open(struct inode *inode, struct file *f)
{
	return -ENXIO;
}

/* Block devices without a block layer, sockets by name. */
const struct file_ops no_device_ops = { .open = no_device_open };

void chardev_show(struct seq_file *m)
{
	uint32_t last = UINT32_MAX;
	struct chardev *c;

	seq_puts(m, "Character devices:\n");
	mutex_lock(&devices_lock);
	list_for_each_entry(c, &devices, node) {
		if (DEV_MAJOR(c->first) != last)
			seq_printf(m, "%3u %s\n", DEV_MAJOR(c->first), c->name);
		last = DEV_MAJOR(c->first);
	}
	mutex_unlock(&devices_lock);
	seq_puts(m, "\nBlock devices:\n");
}
