/* SPDX-License-Identifier: MIT */
/* Watchdogs: ioctls on /dev/watchdog, as on Linux. */
#ifndef UAPI_WATCHDOG_H
#define UAPI_WATCHDOG_H

#include <uapi/ioctl.h>
#include <uapi/types.h>

struct watchdog_info {
	uint32_t options;
	uint32_t firmware_version;
	uint8_t identity[32];
};

#define WDIOC_GETSUPPORT	_IOR('W', 0, struct watchdog_info)
#define WDIOC_GETSTATUS		_IOR('W', 1, int)
#define WDIOC_GETBOOTSTATUS	_IOR('W', 2, int)
#define WDIOC_SETOPTIONS	_IOR('W', 4, int)
#define WDIOC_KEEPALIVE		_IOR('W', 5, int)
#define WDIOC_SETTIMEOUT	_IOWR('W', 6, int)
#define WDIOC_GETTIMEOUT	_IOR('W', 7, int)

#define WDIOF_CARDRESET		0x0020
#define WDIOF_SETTIMEOUT	0x0080
#define WDIOF_MAGICCLOSE	0x0100
#define WDIOF_KEEPALIVEPING	0x8000

#define WDIOS_DISABLECARD	0x0001
#define WDIOS_ENABLECARD	0x0002

#endif
