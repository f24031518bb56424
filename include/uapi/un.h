/* SPDX-License-Identifier: MIT */
/* Addresses of UNIX-domain sockets. */
#pragma once

#include <uapi/socket.h>

#define UNIX_PATH_MAX	108

struct sockaddr_un {
	uint16_t sun_family;
	char sun_path[UNIX_PATH_MAX];
};
UAPI_SIZE(struct sockaddr_un, 110);
