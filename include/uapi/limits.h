/* SPDX-License-Identifier: MIT */
/* Limits that the ABI fixes. Nothing here sizes a kernel table. */
#pragma once

#define NR_OPEN		1024
#define NGROUPS_MAX	65536
#define ARG_MAX		131072
#define LINK_MAX	127
#define MAX_CANON	255
#define MAX_INPUT	255
#define NAME_MAX	255
#define PATH_MAX	4096
#define PIPE_BUF	4096
#define XATTR_NAME_MAX	255
#define XATTR_SIZE_MAX	65536
#define XATTR_LIST_MAX	65536
#define RTSIG_MAX	32
#define IOV_MAX		1024
#define SYMLOOP_MAX	40

/* The most that one read or write transfers: INT_MAX rounded down to a page. */
#define MAX_RW_COUNT	0x7ffff000

/* execve: one string, and the number of strings */
#define MAX_ARG_STRLEN	131072
#define MAX_ARG_STRINGS	0x7fffffff
