/* SPDX-License-Identifier: MIT */
/*
 * Numbers for objects (pids, minor numbers, timer ids): a map plus a cursor, so that a number comes
 * back as late as possible. Locking and node ownership are the map's (<lib/map.h>).
 */
#ifndef LIB_IDMAP_H
#define LIB_IDMAP_H

#include <lib/map.h>

struct idmap {
	struct map map;
	uint64_t cursor;	/* where the next search starts */
};

static inline void idmap_init(struct idmap *ids, const struct map_ops *ops)
{
	map_init(&ids->map, ops);
	ids->cursor = 0;
}

/*
 * Gives @entry the next free number in [lo, hi] behind the last one given, wrapping around.
 * -EAGAIN: all are taken; -ENOMEM.
 */
int idmap_alloc_cyclic(struct idmap *ids, uint64_t lo, uint64_t hi, void *entry, uint64_t *id)
	__must_check;

/* As idmap_alloc_cyclic, but the lowest free number. */
int idmap_alloc_lowest(struct idmap *ids, uint64_t lo, uint64_t hi, void *entry, uint64_t *id)
	__must_check;

/* Gives the number back and returns its entry, or NULL. */
static inline void *idmap_remove(struct idmap *ids, uint64_t id)
{
	return map_erase(&ids->map, id);
}

/* The entry of @id, or NULL. Lock or epoch. */
static inline void *idmap_find(const struct idmap *ids, uint64_t id)
{
	return map_load(&ids->map, id);
}

#endif
