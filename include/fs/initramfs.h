/* SPDX-License-Identifier: MIT */
/*
 * The first content of the root file system.
 */
#ifndef FS_INITRAMFS_H
#define FS_INITRAMFS_H

#include <lib/types.h>

/*
 * Unpack the archive (cpio newc; plain, gzip or zstd; also several one after the other) into the
 * root.  Once, at INIT_FS, after vfs_mount_root().  0 or -errno after one message that says what is
 * wrong with it.
 */
int initramfs_unpack(paddr_t base, uint64_t size);

#endif
