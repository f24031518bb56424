/* SPDX-License-Identifier: MIT */
/*
 * The side of the metadata buffers that writeback sees.
 */
#ifndef FS_BUFFER_H
#define FS_BUFFER_H

#include <fs/bdev.h>

/* The link of a cache in its flusher's list, and back. */
struct list *buf_cache_node(struct buf_cache *c);
struct buf_cache *buf_cache_of(struct list *node);
/* Start writing what became dirty before @before; does not wait. */
void buf_cache_flush(struct buf_cache *c, int64_t before);
bool buf_cache_is_dirty(struct buf_cache *c);
struct writeback *bdev_writeback(struct block_device *dev);

#endif
