/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes in memory: a short list.  The inode's lock guards it.
 */
#ifndef FS_TMPFS_XATTR_H
#define FS_TMPFS_XATTR_H

#include <lib/list.h>
#include <lib/types.h>

struct xattrs {
	struct list *list;		/* made with the first attribute */
};
struct xattr_args {
	const char *name;
	const void *value;
	size_t size;
	int flags;			/* XATTR_CREATE, XATTR_REPLACE */
};

static inline void xattrs_init(struct xattrs *x) { x->list = NULL; }
void xattrs_free(struct xattrs *x);
int64_t xattrs_get(struct xattrs *x, const char *name, void *value, size_t size);
int xattrs_set(struct xattrs *x, const struct xattr_args *a);
int64_t xattrs_list(struct xattrs *x, char *list, size_t size);
int xattrs_remove(struct xattrs *x, const char *name);

#endif
