/* SPDX-License-Identifier: MIT */
/*
 * What third-party code expects of <stdlib.h>. Nothing in lib allocates: all three libraries get
 * their memory from the caller, and their references to the heap find it empty.
 */
#pragma once

#include <stddef.h>

static inline void *malloc(size_t size)
{
	(void)size;
	return NULL;
}

static inline void *calloc(size_t count, size_t size)
{
	(void)count;
	(void)size;
	return NULL;
}

static inline void free(void *ptr)
{
	(void)ptr;
}
