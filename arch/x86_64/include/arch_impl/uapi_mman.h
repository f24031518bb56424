/* SPDX-License-Identifier: MIT */
/* mmap(2) flags of x86_64 alone. Include <uapi/mman.h>. */
#pragma once

#define MAP_32BIT	0x40	/* in the low 2 GiB */
#define MAP_ABOVE4G	0x80
