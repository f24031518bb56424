/* SPDX-License-Identifier: MIT */
/* sysinfo(2). */
#pragma once

#include <uapi/types.h>

#define SI_LOAD_SHIFT	16	/* loads are fixed point with 16 fraction bits */

struct sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram;
	uint64_t freeram;
	uint64_t sharedram;
	uint64_t bufferram;
	uint64_t totalswap;
	uint64_t freeswap;
	uint16_t procs;
	uint16_t pad;
	uint64_t totalhigh;
	uint64_t freehigh;
	uint32_t mem_unit;
	uint32_t __tail_pad;
};
UAPI_SIZE(struct sysinfo, 112);
