/* SPDX-License-Identifier: MIT */
/*
 * Linux's capget/capset, as a view that programs ask for. They grant nothing here: authority is
 * in the capability table (security/).
 */
#pragma once

#include <uapi/types.h>

#define _LINUX_CAPABILITY_VERSION_1	0x19980330
#define _LINUX_CAPABILITY_VERSION_2	0x20071026
#define _LINUX_CAPABILITY_VERSION_3	0x20080522
#define _LINUX_CAPABILITY_U32S_1	1
#define _LINUX_CAPABILITY_U32S_3	2

struct cap_user_header {
	uint32_t version;
	int32_t pid;
};
UAPI_SIZE(struct cap_user_header, 8);

struct cap_user_data {
	uint32_t effective;
	uint32_t permitted;
	uint32_t inheritable;
};
UAPI_SIZE(struct cap_user_data, 12);

#define CAP_LAST_CAP	40	/* CAP_CHECKPOINT_RESTORE */
