/* SPDX-License-Identifier: MIT */
/*
 * Reading a flattened device tree, which is untrusted: the whole blob is checked once, every
 * property is checked for its length when it is read, and walks are bounded. Nodes are offsets (>=
 * 0) into the blob; functions that return one return a negative error otherwise (-ENOENT, -EINVAL).
 * A wrapper of libfdt; nothing else in the kernel sees libfdt.
 */
#ifndef LIB_FDT_H
#define LIB_FDT_H

#include <lib/types.h>

struct fdt {
	const void *blob;
	uint32_t size;		/* totalsize of the blob */
};

#define FDT_ROOT	0
#define FDT_CELLS_MAX	8

/*
 * Magic number and size at @blob, whose first @mapped bytes may be read; 0 if it is no device tree.
 */
uint32_t fdt_blob_size(const void *blob, size_t mapped);

/* Checks everything. -EINVAL: not a well-formed tree within @size bytes at @blob (aligned to 8). */
int fdt_init(struct fdt *fdt, const void *blob, size_t size) __must_check;

/* The node at an absolute path or alias. */
int fdt_find_path(const struct fdt *fdt, const char *path);
/* The node that the phandle names. */
int fdt_find_phandle(const struct fdt *fdt, uint32_t phandle);
/* The first node behind @after (-1: from the start) whose `compatible` list has @compatible. */
int fdt_find_compatible(const struct fdt *fdt, int after, const char *compatible);
int fdt_find_device_type(const struct fdt *fdt, int after, const char *type);

int fdt_child_first(const struct fdt *fdt, int node);
int fdt_child_next(const struct fdt *fdt, int child);
int fdt_parent(const struct fdt *fdt, int node);
/* The next node of the whole tree in depth-first order; FDT_ROOT comes first. */
int fdt_node_next(const struct fdt *fdt, int node);
/* With its unit address ("uart@9000000"); "" for the root or a bad offset. */
const char *fdt_node_name(const struct fdt *fdt, int node);

#define fdt_for_each_child(child, fdt, node)				\
	for ((child) = fdt_child_first(fdt, node); (child) >= 0; \
	     (child) = fdt_child_next(fdt, child))
#define fdt_for_each_node(node, fdt)					\
	for ((node) = FDT_ROOT; (node) >= 0; (node) = fdt_node_next(fdt, node))
#define fdt_for_each_compatible(node, fdt, compat)			\
	for ((node) = fdt_find_compatible(fdt, -1, compat); (node) >= 0;	\
	     (node) = fdt_find_compatible(fdt, node, compat))

/* The property's bytes (unaligned, big-endian) and length; NULL if absent. */
const void *fdt_prop(const struct fdt *fdt, int node, const char *name, uint32_t *len);
static inline bool fdt_has_prop(const struct fdt *fdt, int node, const char *name)
{
	uint32_t len;

	return fdt_prop(fdt, node, name, &len);
}

/* -ENOENT: absent; -EINVAL: too short, or a string without its terminator. */
int fdt_u32(const struct fdt *fdt, int node, const char *name, uint32_t *value) __must_check;
/* Cell @index of a list of u32. */
int fdt_u32_at(const struct fdt *fdt, int node, const char *name, unsigned int index,
	       uint32_t *value) __must_check;
/* A number in one or two cells, by the property's length (initrd-start). */
int fdt_number(const struct fdt *fdt, int node, const char *name, uint64_t *value) __must_check;
/* String @index of a list; points into the blob. NULL if absent or malformed. */
const char *fdt_prop_string(const struct fdt *fdt, int node, const char *name, unsigned int index);

bool fdt_is_compatible(const struct fdt *fdt, int node, const char *compatible);
/* `status` is absent, "okay" or "ok". */
bool fdt_is_available(const struct fdt *fdt, int node);

/* Window @index of `reg`, translated through the `ranges` of all parents to a CPU address. */
int fdt_reg(const struct fdt *fdt, int node, unsigned int index, uint64_t *addr, uint64_t *size)
	__must_check;

/* The same for a caller who knows the parent, which is expensive to find. */
int fdt_reg_below(const struct fdt *fdt, int parent, int node, unsigned int index, uint64_t *addr,
		  uint64_t *size) __must_check;

/*
 * Interrupt @index, from `interrupts` or `interrupts-extended`: the controller's node, and its
 * specifier in @cells, of which *@count are used.
 */
int fdt_interrupt(const struct fdt *fdt, int node, unsigned int index, int *controller,
		  uint32_t cells[FDT_CELLS_MAX], unsigned int *count) __must_check;

/* Entry @index of the memory reservation block. */
int fdt_reservation(const struct fdt *fdt, unsigned int index, uint64_t *addr, uint64_t *size)
	__must_check;

#endif
