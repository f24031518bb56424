/* SPDX-License-Identifier: MIT */
/*
 * What a volume says about itself: type, label and UUID of the file system on it, as blkid(8)
 * prints them.  volume_parse() is pure and also compiled on the host.
 */
#ifndef FS_PROBE_H
#define FS_PROBE_H

#include <lib/types.h>

struct block_device;

struct volume_id {
	char type[16];			/* "ext4", "vfat", "iso9660" */
	char label[64];			/* UTF-8 */
	char uuid[40];
};

#define VOLUME_HEAD	4096u		/* bytes from the start, where ext and FAT tell */
#define VOLUME_ISO	32768u		/* and 2048 more here: ISO 9660 */

/* @iso may be NULL.  False: nothing known. */
bool volume_parse(const uint8_t *head, const uint8_t *iso, struct volume_id *id);
/* Reads the device: 0, -ENOENT (nothing known), -EIO, -ENOMEM. */
__must_check int volume_identify(struct block_device *dev, struct volume_id *id);

#endif
