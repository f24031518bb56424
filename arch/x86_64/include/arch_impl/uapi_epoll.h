/* SPDX-License-Identifier: MIT */
/* struct epoll_event is packed, as on i386. Include <uapi/epoll.h>. */
#pragma once

#define UAPI_EPOLL_PACKED	__attribute__((packed))
#define EPOLL_EVENT_SIZE	12
