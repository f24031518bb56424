/* SPDX-License-Identifier: MIT */
/* The open(2) bits whose values differ per architecture: arm64. Include <uapi/fcntl.h>. */
#pragma once

#define O_DIRECTORY	00040000
#define O_NOFOLLOW	00100000
#define O_DIRECT	00200000
#define O_LARGEFILE	00400000
