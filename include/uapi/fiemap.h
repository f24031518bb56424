/* SPDX-License-Identifier: MIT */
/* FS_IOC_FIEMAP: the extents of a file. */
#pragma once

#include <uapi/types.h>

struct fiemap_extent {
	uint64_t fe_logical;		/* bytes in the file */
	uint64_t fe_physical;		/* bytes on the device */
	uint64_t fe_length;
	uint64_t fe_reserved64[2];
	uint32_t fe_flags;
	uint32_t fe_reserved[3];
};

struct fiemap {
	uint64_t fm_start, fm_length;
	uint32_t fm_flags;
	uint32_t fm_mapped_extents;	/* out */
	uint32_t fm_extent_count;	/* room behind; 0: only count */
	uint32_t fm_reserved;
};

#define FIEMAP_FLAG_SYNC		0x1
#define FIEMAP_FLAG_XATTR		0x2
#define FIEMAP_EXTENT_LAST		0x1
#define FIEMAP_EXTENT_UNKNOWN		0x2
#define FIEMAP_EXTENT_DELALLOC		0x4
#define FIEMAP_EXTENT_NOT_ALIGNED	0x100
#define FIEMAP_EXTENT_DATA_INLINE	0x200
#define FIEMAP_EXTENT_UNWRITTEN		0x800
#define FIEMAP_EXTENT_SHARED		0x2000

#define FS_IOC_FIEMAP			0xc020660bu	/* _IOWR('f', 11, struct fiemap) */
