/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes in memory, which nothing else bounds: an inode has at most TOTAL_MAX bytes of
 * them.
 */
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/xattr.h>

#include "xattr.h"

#define TOTAL_MAX	(128u * 1024)	/* as Linux's tmpfs */

struct xattr {
	struct list node;
	size_t size;
	char *value;
	char name[];
};

static struct xattr *find(struct xattrs *x, const char *name)
{
	struct xattr *a;

	if (x->list)
		list_for_each_entry(a, x->list, node)
			if (str_eq(a->name, name))
				return a;
	return NULL;
}

static void drop(struct xattr *a)
{
	list_del(&a->node);
	kfree(a->value);
	kfree(a);
}

void xattrs_free(struct xattrs *x)
{
	if (!x->list)
		return;
	while (!list_empty(x->list))
		drop(list_first_entry(x->list, struct xattr, node));
	kfree(x->list);
	x->list = NULL;
}

int64_t xattrs_get(struct xattrs *x, const char *name, void *value, size_t size)
{
	struct xattr *a = find(x, name);

	if (!a)
		return -ENODATA;
	if (size && size < a->size)
		return -ERANGE;
	if (size)
		memcpy(value, a->value, a->size);
	return (int64_t)a->size;
}

static struct xattr *make(const char *name)
{
	size_t len = strlen(name);
	struct xattr *a = kzalloc(sizeof(*a) + len + 1, 0);

	if (a)
		memcpy(a->name, name, len);
	return a;
}

static size_t total_size(const struct xattrs *x)
{
	struct xattr *a;
	size_t sum = 0;

	list_for_each_entry(a, x->list, node)
		sum += sizeof(*a) + strlen(a->name) + a->size;
	return sum;
}

int xattrs_set(struct xattrs *x, const struct xattr_args *args)
{
	struct xattr *a = find(x, args->name);
	char *value;

	if (a && (args->flags & XATTR_CREATE))
		return -EEXIST;
	if (!a && (args->flags & XATTR_REPLACE))
		return -ENODATA;
	if (!x->list) {
		x->list = kmalloc(sizeof(*x->list), 0);
		if (!x->list)
			return -ENOMEM;
		list_init(x->list);
	}
	if (total_size(x) - (a ? a->size : 0) + sizeof(*a) + strlen(args->name) + args->size >
	    TOTAL_MAX)
		return -ENOSPC;
	value = kmemdup(args->value, args->size, 0);
	if (!value && args->size)
		return -ENOMEM;
	if (!a) {
		a = make(args->name);
		if (!a) {
			kfree(value);
			return -ENOMEM;
		}
		list_add_tail(&a->node, x->list);
	}
	kfree(a->value);
	a->value = value;
	a->size = args->size;
	return 0;
}

int64_t xattrs_list(struct xattrs *x, char *list, size_t size)
{
	size_t used = 0;
	struct xattr *a;

	if (!x->list)
		return 0;
	list_for_each_entry(a, x->list, node) {
		size_t len = strlen(a->name) + 1;

		if (size) {
			if (len > size - used)
				return -ERANGE;
			memcpy(list + used, a->name, len);
		}
		used += len;
	}
	return (int64_t)used;
}

int xattrs_remove(struct xattrs *x, const char *name)
{
	struct xattr *a = find(x, name);

	if (!a)
		return -ENODATA;
	drop(a);
	return 0;
}
