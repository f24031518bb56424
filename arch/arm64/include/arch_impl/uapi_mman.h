/* SPDX-License-Identifier: MIT */
/* mmap(2) and mprotect(2) flags of arm64 alone. Include <uapi/mman.h>. */
#pragma once

#define PROT_BTI	0x10
#define PROT_MTE	0x20
