/* SPDX-License-Identifier: MIT */
/*
 * Error numbers and error pointers: a pointer in the last page of the address space is a negative
 * error number. Which functions return one is told by their verb (_lookup, _get, _create, _open).
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include <lib/types.h>
#include <uapi/errno.h>

#define MAX_ERRNO	4095

static inline void * __must_check ERR_PTR(long error)
{
	return (void *)error;
}

static inline long __must_check PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool __must_check IS_ERR_VALUE(uint64_t value)
{
	return unlikely(value >= (uint64_t)-MAX_ERRNO);
}

static inline bool __must_check IS_ERR(const void *ptr)
{
	return IS_ERR_VALUE((uint64_t)(uintptr_t)ptr);
}

static inline bool __must_check IS_ERR_OR_NULL(const void *ptr)
{
	return unlikely(!ptr) || IS_ERR(ptr);
}

/* Passes an error pointer on as a pointer to another type. */
static inline void * __must_check ERR_CAST(const void *ptr)
{
	return (void *)ptr;
}

static inline int __must_check PTR_ERR_OR_ZERO(const void *ptr)
{
	return IS_ERR(ptr) ? (int)PTR_ERR(ptr) : 0;
}

#endif
