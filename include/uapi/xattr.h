/* SPDX-License-Identifier: MIT */
/* Extended attributes. Sizes are in <uapi/limits.h>. */
#pragma once

#define XATTR_CREATE	0x1
#define XATTR_REPLACE	0x2

#define XATTR_USER_PREFIX	"user."
#define XATTR_TRUSTED_PREFIX	"trusted."
#define XATTR_SECURITY_PREFIX	"security."
#define XATTR_SYSTEM_PREFIX	"system."
