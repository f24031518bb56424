/* SPDX-License-Identifier: MIT */
/* struct epoll_event has natural alignment. Include <uapi/epoll.h>. */
#pragma once

#define UAPI_EPOLL_PACKED
#define EPOLL_EVENT_SIZE	16
