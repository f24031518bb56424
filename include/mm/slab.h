/* SPDX-License-Identifier: MIT */
/*
 * Objects: caches of one size with per-CPU magazines, and kmalloc on top.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include <lib/compiler.h>
#include <lib/types.h>
#include <mm/page.h>

struct slab_cache;

struct slab_cache_args {
	const char *name;
	size_t size, align;		/* align 0: that of a pointer */
	/* Run once on each object when its slab is made; objects are freed in this state. */
	void (*construct)(void *object);
};

/* Error pointer. */
struct slab_cache *slab_cache_create(const struct slab_cache_args *args);
/* All objects must be free. */
void slab_cache_destroy(struct slab_cache *c);

/* An object or NULL.  @flags: enum alloc_flags. */
void *slab_alloc(struct slab_cache *c, unsigned int flags) __malloc_like;
void slab_free(struct slab_cache *c, void *object);

/* Any size; beyond some pages from the page allocator, physically contiguous. */
void *kmalloc(size_t size, unsigned int flags) __malloc_like;
static inline void *kzalloc(size_t size, unsigned int flags)
{
	return kmalloc(size, flags | ALLOC_ZERO);
}
/* Overflow-checked n * size. */
void *kmalloc_array(size_t n, size_t size, unsigned int flags) __malloc_like;
void *krealloc(void *p, size_t size, unsigned int flags);
void kfree(const void *p);
char *kstrdup(const char *s, unsigned int flags);
void *kmemdup(const void *p, size_t len, unsigned int flags);

/* Large and maybe not contiguous: kmalloc when small, vmalloc otherwise. */
void *kvmalloc(size_t size, unsigned int flags) __malloc_like;
void kvfree(const void *p);

/* Objects handed out now, exact while nobody allocates: for leak checks. */
uint64_t slab_cache_in_use(struct slab_cache *c);
uint64_t slab_total_in_use(void);

/* One line of /proc/slabinfo. */
struct slab_stats {
	const char *name;
	uint64_t in_use, total, slabs;	/* objects, objects, slabs */
	uint32_t object_size, per_slab, pages_per_slab;
};
/* The cache at position @index of the list; false past the end. */
bool slab_stats_at(unsigned int index, struct slab_stats *s);

void slab_init(void);

#endif
