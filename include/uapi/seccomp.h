/* SPDX-License-Identifier: MIT */
/* seccomp(2): modes, operations, return actions, and the classic BPF that filters are made of. */
#pragma once

#include <uapi/types.h>

#define SECCOMP_MODE_DISABLED	0
#define SECCOMP_MODE_STRICT	1
#define SECCOMP_MODE_FILTER	2

#define SECCOMP_SET_MODE_STRICT		0
#define SECCOMP_SET_MODE_FILTER		1
#define SECCOMP_GET_ACTION_AVAIL	2
#define SECCOMP_GET_NOTIF_SIZES		3

#define SECCOMP_FILTER_FLAG_TSYNC		(1UL << 0)
#define SECCOMP_FILTER_FLAG_LOG			(1UL << 1)
#define SECCOMP_FILTER_FLAG_SPEC_ALLOW		(1UL << 2)
#define SECCOMP_FILTER_FLAG_NEW_LISTENER	(1UL << 3)
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH		(1UL << 4)

#define SECCOMP_RET_KILL_PROCESS	0x80000000U
#define SECCOMP_RET_KILL_THREAD		0x00000000U
#define SECCOMP_RET_TRAP		0x00030000U
#define SECCOMP_RET_ERRNO		0x00050000U
#define SECCOMP_RET_USER_NOTIF		0x7fc00000U
#define SECCOMP_RET_TRACE		0x7ff00000U
#define SECCOMP_RET_LOG			0x7ffc0000U
#define SECCOMP_RET_ALLOW		0x7fff0000U
#define SECCOMP_RET_ACTION_FULL		0xffff0000U
#define SECCOMP_RET_DATA		0x0000ffffU

struct seccomp_data {
	int32_t nr;
	uint32_t arch;			/* AUDIT_ARCH_* */
	uint64_t instruction_pointer;
	uint64_t args[6];
};
UAPI_SIZE(struct seccomp_data, 64);

struct sock_filter {
	uint16_t code;
	uint8_t jt;
	uint8_t jf;
	uint32_t k;
};
UAPI_SIZE(struct sock_filter, 8);

struct sock_fprog {
	uint16_t len;
	uint64_t filter;		/* user address of struct sock_filter[len] */
};
UAPI_SIZE(struct sock_fprog, 16);

#define BPF_MAXINSNS	4096

#define AUDIT_ARCH_X86_64	0xC000003E
#define AUDIT_ARCH_AARCH64	0xC00000B7
