/* SPDX-License-Identifier: MIT */
/* statfs(2): the same 120 bytes on both architectures. */
#pragma once

#include <uapi/types.h>

struct kernel_fsid {
	int32_t val[2];
};
UAPI_SIZE(struct kernel_fsid, 8);

struct statfs {
	int64_t f_type;			/* <uapi/magic.h> */
	int64_t f_bsize;
	int64_t f_blocks;
	int64_t f_bfree;
	int64_t f_bavail;
	int64_t f_files;
	int64_t f_ffree;
	struct kernel_fsid f_fsid;
	int64_t f_namelen;
	int64_t f_frsize;
	int64_t f_flags;		/* ST_* */
	int64_t f_spare[4];
};
UAPI_SIZE(struct statfs, 120);

#define ST_RDONLY	0x0001
#define ST_NOSUID	0x0002
#define ST_NODEV	0x0004
#define ST_NOEXEC	0x0008
#define ST_SYNCHRONOUS	0x0010
#define ST_VALID	0x0020
#define ST_MANDLOCK	0x0040
#define ST_NOATIME	0x0400
#define ST_NODIRATIME	0x0800
#define ST_RELATIME	0x1000
#define ST_NOSYMFOLLOW	0x2000
