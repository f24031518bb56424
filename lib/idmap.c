/* SPDX-License-Identifier: MIT */
/*
 * Number allocation on top of the radix map.
 */
#include <lib/err.h>
#include <lib/idmap.h>

int idmap_alloc_lowest(struct idmap *ids, uint64_t lo, uint64_t hi, void *entry, uint64_t *id)
{
	uint64_t at = lo;
	int err;

	if (!map_find_free(&ids->map, &at, hi))
		return -EAGAIN;
	err = map_store(&ids->map, at, entry, NULL);
	if (!err)
		*id = at;
	return err;
}

int idmap_alloc_cyclic(struct idmap *ids, uint64_t lo, uint64_t hi, void *entry, uint64_t *id)
{
	uint64_t start = ids->cursor;
	int err;

	if (start < lo || start > hi)
		start = lo;
	err = idmap_alloc_lowest(ids, start, hi, entry, id);
	if (err == -EAGAIN && start > lo)
		err = idmap_alloc_lowest(ids, lo, start - 1, entry, id);
	if (!err)
		ids->cursor = *id + 1;
	return err;
}
