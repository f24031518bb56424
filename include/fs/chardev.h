/* SPDX-License-Identifier: MIT */
/*
 * Character devices: numbers to operations, and their nodes in /dev.
 *
 *	chardev_register(&(struct chardev_args){
 *		.first = DEV_MAKE(TTY_MAJOR, 64), .count = 4, .ops = &tty_ops, .name = "ttyS" });
 *
 * makes devices 4:64..67 open with tty_ops, and /dev/ttyS0..3 in devtmpfs.  May be called from
 * INIT_SUBSYSTEM on; nodes registered before devtmpfs is mounted appear when it is.
 */
#ifndef FS_CHARDEV_H
#define FS_CHARDEV_H

#include <fs/vfs.h>

struct chardev {
	dev_t first;			/* [I] */
	uint32_t count;			/* [I] */
	const struct file_ops *ops;	/* [I] */
	const char *name;		/* [I] for /proc/devices and node names */
	void *priv;			/* [I] the driver's */
	struct list node;		/* [R] REGISTRY, RCU readers */
	struct rcu_head rcu;
};

enum chardev_flags {
	CHARDEV_NO_NODES	= 1 << 0,	/* the caller makes nodes with devtmpfs_create() */
	/* one node, @name without a number (count must be 1) */
	CHARDEV_PLAIN_NAME	= 1 << 1,
};

struct chardev_args {
	dev_t first;
	uint32_t count;
	const struct file_ops *ops;
	const char *name;		/* must live as long as the device */
	void *priv;		/* inode->rdev and chardev_of(inode)->priv tell devices apart */
	uint32_t mode;			/* of the nodes; 0: 0600 */
	uint32_t gid;			/* of the nodes */
	uint32_t flags;			/* enum chardev_flags */
	uint32_t number_base;		/* number of the first node: ttyS@number_base */
};

/* -EBUSY when a number in the range is taken, -ENOMEM. */
__must_check int chardev_register(const struct chardev_args *args);
void chardev_unregister(dev_t first);

/*
 * In ops->open: the registration of the device that @inode names.  Under RCU or while it is
 * registered.
 */
struct chardev *chardev_find(dev_t dev);

/*
 * Nodes: @name may have directories ("pts/0", "input/event3").  @mode with S_IFCHR or S_IFBLK; 0 or
 * -errno.
 */
__must_check int devtmpfs_create(const char *name, uint32_t mode, dev_t dev);
void devtmpfs_remove(const char *name);

/* /proc/devices */
void chardev_show(struct seq_file *m);

/* open() dispatches to the registered one */
extern const struct file_ops chardev_default_ops;

#endif
