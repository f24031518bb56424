/* SPDX-License-Identifier: MIT */
/* devtmpfs to the rest of fs/. */
#ifndef FS_DEVTMPFS_DEVTMPFS_H
#define FS_DEVTMPFS_DEVTMPFS_H

void devtmpfs_init(void);
int mem_devices_init(void);
/* Mount it at @name, which is made if need be. */
int devtmpfs_mount_at(const char *name);

#endif
