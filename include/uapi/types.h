/* SPDX-License-Identifier: MIT */
/*
 * What every other uapi header stands on: fixed-width types and the encoding of device numbers.
 * User-mode pointers inside ABI structures are plain uint64_t here: reading one says nothing
 * about its validity, and kernel code wraps it into uaddr_t before use.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Asserts the size of an ABI structure; every structure in this folder has one. */
#define UAPI_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), #type " must be " #bytes " bytes")
#define UAPI_OFFSET(type, member, bytes) \
	_Static_assert(offsetof(type, member) == (bytes), #type "." #member " must be at " #bytes)

/* Device number as user mode sees it in stat and mknod: 12 bits of major, 20 of minor. */
static inline uint32_t dev_encode(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
}

static inline uint32_t dev_major(uint32_t dev)
{
	return dev >> 8 & 0xfff;
}

static inline uint32_t dev_minor(uint32_t dev)
{
	return (dev & 0xff) | (dev >> 12 & 0xfff00);
}
