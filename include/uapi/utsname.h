/* SPDX-License-Identifier: MIT */
/* uname(2). */
#pragma once

#include <uapi/types.h>

#define UTS_LEN	64

struct new_utsname {
	char sysname[UTS_LEN + 1];
	char nodename[UTS_LEN + 1];
	char release[UTS_LEN + 1];
	char version[UTS_LEN + 1];
	char machine[UTS_LEN + 1];
	char domainname[UTS_LEN + 1];
};
UAPI_SIZE(struct new_utsname, 390);
