/* SPDX-License-Identifier: MIT */
/*
 * The mount table's own interface: fs/mount.c, fs/path.c, fs/sys_mount.c.
 */
#ifndef FS_MOUNT_INTERNAL_H
#define FS_MOUNT_INTERNAL_H

#include <fs/vfs.h>

extern struct mutex mount_lock;		/* class MOUNT */
extern struct mutex remount_lock;	/* class REMOUNT: read-only or not */

void mount_change_begin(void);
void mount_change_end(void);
void mount_attach(struct mount *m, const struct path *where);
void mount_unhook(struct mount *m, struct path *was);

int mount_umount(const struct path *p, uint32_t flags);
int mount_bind(const struct path *from, const struct path *where, bool recursive);
int mount_move(const struct path *from, const struct path *where);
int mount_pivot(const struct path *new_root, const struct path *put_old, const struct path *root);

/* path.c; mount_lock held */
void mount_show_path(struct seq_file *m, const struct path *p);
void mount_show_root(struct seq_file *m, const struct mount *mnt);

#endif
