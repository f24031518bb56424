/* SPDX-License-Identifier: MIT */
/*
 * sysfs inside.  dirs.c says what each kind of directory holds, files.c what files say, tree.c has
 * the nodes that are registered by path, core.c makes inodes of all of them.
 */
#ifndef FS_SYSFS_SYSFS_H
#define FS_SYSFS_SYSFS_H

#include <drivers/device.h>
#include <fs/vfs.h>

enum sys_kind {
	/* Directories. */
	SYS_NODE_DIR,			/* object: struct sys_node */
	SYS_DEVICE,			/* dev */
	SYS_GLUE,			/* dev's children of class object */
	SYS_BUS, SYS_BUS_DEVICES, SYS_BUS_DRIVERS,	/* object: struct bus */
	SYS_DRIVER,			/* object: struct driver */
	SYS_CLASS,			/* object: struct device_class */
	SYS_LAST_DIR = SYS_CLASS,
	/* Links; dev. */
	SYS_LINK_DEVICE, SYS_LINK_SUBSYSTEM, SYS_LINK_DRIVER,
	SYS_LAST_LINK = SYS_LINK_DRIVER,
	/* Files. */
	SYS_NODE_FILE,			/* object: struct sys_node */
	SYS_ATTR,			/* dev, object: struct device_attr */
	SYS_UEVENT, SYS_DEVNUM,		/* dev */
	SYS_BIND, SYS_UNBIND,		/* object: struct driver */
};

/* What a name stands for; @dev is borrowed while it is passed on, counted in an inode. */
struct sys_entry {
	enum sys_kind kind;
	struct device *dev;
	const void *object;
	const char *name;
};

/* Contents of a directory, one after the other until @emit says true. */
struct sys_visit {
	bool (*emit)(struct sys_visit *v, const struct sys_entry *e);
};
void sys_visit_dir(const struct sys_entry *dir, struct sys_visit *v);

/* A node with a place of its own; never removed. */
enum sys_extra {			/* what else its directory holds, besides nodes */
	SYS_PLAIN, SYS_ROOT_DEVICES, SYS_PLATFORM_DEVICES, SYS_ALL_BUSES, SYS_ALL_CLASSES,
	SYS_WHOLE_DISKS, SYS_CHAR_NUMBERS, SYS_BLOCK_NUMBERS,
};
struct sys_node {
	const char *name;		/* [I] last part */
	size_t len;			/* [I] */
	enum sys_extra extra;		/* [R] boot */
	ssize_t (*show)(const void *priv, char *buf, size_t size);	/* NULL: a directory */
	const void *priv;
	struct sys_node *children, *next;	/* [A] grow at their ends, at boot */
};
extern struct sys_node sys_root;
/*
 * Make @path, with the directories in it; names live for ever.  The node, or NULL: out of memory.
 */
struct sys_node *sys_node_add(const char *path,
			      ssize_t (*show)(const void *priv, char *buf, size_t size),
			      const void *priv);

/* The text of a file, or -errno; @size is a page. */
ssize_t sys_file_show(const struct sys_entry *e, char *buf, size_t size);
int sys_file_store(const struct sys_entry *e, const char *text, size_t len);
uint32_t sys_file_mode(const struct sys_entry *e);

/* The target of a link in a directory that lies @depth below the root. */
ssize_t sys_link_text(const struct sys_entry *e, unsigned int depth, char *buf, size_t size);

void sys_system_init(void);		/* system.c */

#endif
