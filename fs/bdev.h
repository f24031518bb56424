/* SPDX-License-Identifier: MIT */
/*
 * Block devices as the rest of fs/ sees them.
 */
#ifndef FS_BDEV_INTERNAL_H
#define FS_BDEV_INTERNAL_H

#include <fs/bdev.h>
#include <fs/vfs.h>

extern const struct file_ops blockdev_ops;	/* of /dev/vda; fs/blkdev.c */

/* The inode that holds the device's pages, while @dev is open. */
struct inode *bdev_inode(struct block_device *dev);
/* One more user of @dev, counted itself: its cache and flusher are there.  0 or -ENOMEM. */
__must_check int bdev_get(struct block_device *dev);
/* The last one writes what is dirty. */
void bdev_put(struct block_device *dev);
/* Exclusive use: @dev is got.  0 or -EBUSY. */
__must_check int bdev_claim(struct block_device *dev, const void *who);
void bdev_release(struct block_device *dev, const void *who);
/* Write what programs wrote to any device, and wait (@wait). */
void bdev_sync_all(bool wait);
/* Give up clean pages of all devices and files: drop_caches. */
void bdev_drop_caches(void);
/* fs/blkdev.c */
long blockdev_ioctl(struct file *f, unsigned int cmd, uint64_t arg);

#endif
