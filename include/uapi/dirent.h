/* SPDX-License-Identifier: MIT */
/* Directory entries as getdents64 and getdents return them. */
#pragma once

#include <uapi/types.h>

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;			/* position of the next entry */
	uint16_t d_reclen;		/* of this entry, a multiple of 8 */
	uint8_t d_type;			/* DT_* */
	char d_name[];
};
UAPI_OFFSET(struct linux_dirent64, d_name, 19);

/* The old form: the type stands in the last byte of the entry. */
struct linux_dirent {
	uint64_t d_ino;
	uint64_t d_off;
	uint16_t d_reclen;
	char d_name[];
};
UAPI_OFFSET(struct linux_dirent, d_name, 18);

#define DT_UNKNOWN	0
#define DT_FIFO		1
#define DT_CHR		2
#define DT_DIR		4
#define DT_BLK		6
#define DT_REG		8
#define DT_LNK		10
#define DT_SOCK		12
#define DT_WHT		14
