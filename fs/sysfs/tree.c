/* SPDX-License-Identifier: MIT */
/*
 * The nodes of sysfs that have a place of their own: made at boot, never removed, so never locked.
 */
#include <lib/string.h>
#include <mm/slab.h>

#include "sysfs.h"

struct sys_node sys_root = { .name = "" };

static struct sys_node *child(struct sys_node *dir, const char *name, size_t len)
{
	struct sys_node **link = &dir->children, *n;

	for (; (n = *link); link = &n->next)
		if (n->len == len && !memcmp(n->name, name, len))
			return n;
	n = kzalloc(sizeof(*n), ALLOC_NORMAL);
	if (!n)
		return NULL;
	n->name = name;
	n->len = len;
	/* Release: readers see a complete node. */
	__atomic_store_n(link, n, __ATOMIC_RELEASE);
	return n;
}

struct sys_node *sys_node_add(const char *path,
			      ssize_t (*show)(const void *priv, char *buf, size_t size),
			      const void *priv)
{
	struct sys_node *n = &sys_root;
	const char *slash;

	while (n && (slash = strchr(path, '/'))) {
		n = child(n, path, (size_t)(slash - path));
		path = slash + 1;
	}
	n = n ? child(n, path, strlen(path)) : NULL;
	if (n) {
		n->show = show;
		n->priv = priv;
	}
	return n;
}
