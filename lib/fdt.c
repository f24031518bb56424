/* SPDX-License-Identifier: MIT */
/*
 * The device-tree reader over libfdt. fdt_init() runs fdt_check_full(), after which offsets that
 * come from libfdt are sound; numbers read from properties are not, and are checked here.
 */
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/fdt.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include <libfdt.h>

#define FDT_ADDRESS_CELLS_DEFAULT	2
#define FDT_SIZE_CELLS_DEFAULT		1
#define FDT_DEPTH_MAX			64
#define FDT_SIZE_MAX			(16U * 1024 * 1024)

/* libfdt's errors in ours: what is not there, or what is wrong. */
static int own_error(int err)
{
	if (err >= 0)
		return err;
	return err == -FDT_ERR_NOTFOUND ? -ENOENT : -EINVAL;
}

uint32_t fdt_blob_size(const void *blob, size_t mapped)
{
	uint32_t size;

	if (mapped < 40 || get_be32(blob) != FDT_MAGIC)
		return 0;
	size = get_be32((const uint8_t *)blob + 4);
	return size >= 40 && size <= FDT_SIZE_MAX ? size : 0;
}

int fdt_init(struct fdt *fdt, const void *blob, size_t size)
{
	uint32_t total = fdt_blob_size(blob, size);

	if (!total || total > size || ((uintptr_t)blob & 7) || fdt_check_full(blob, total))
		return -EINVAL;
	*fdt = (struct fdt){ .blob = blob, .size = total };
	return 0;
}

int fdt_find_path(const struct fdt *fdt, const char *path)
{
	return own_error(fdt_path_offset(fdt->blob, path));
}

int fdt_find_phandle(const struct fdt *fdt, uint32_t phandle)
{
	return own_error(fdt_node_offset_by_phandle(fdt->blob, phandle));
}

int fdt_find_compatible(const struct fdt *fdt, int after, const char *compatible)
{
	return own_error(fdt_node_offset_by_compatible(fdt->blob, after, compatible));
}

int fdt_find_device_type(const struct fdt *fdt, int after, const char *type)
{
	return own_error(fdt_node_offset_by_prop_value(fdt->blob, after, "device_type", type,
						       (int)strlen(type) + 1));
}

int fdt_child_first(const struct fdt *fdt, int node)
{
	return own_error(fdt_first_subnode(fdt->blob, node));
}

int fdt_child_next(const struct fdt *fdt, int child)
{
	return own_error(fdt_next_subnode(fdt->blob, child));
}

int fdt_parent(const struct fdt *fdt, int node)
{
	return own_error(fdt_parent_offset(fdt->blob, node));
}

int fdt_node_next(const struct fdt *fdt, int node)
{
	return own_error(fdt_next_node(fdt->blob, node, NULL));
}

const char *fdt_node_name(const struct fdt *fdt, int node)
{
	const char *name = fdt_get_name(fdt->blob, node, NULL);

	return name ? name : "";
}

const void *fdt_prop(const struct fdt *fdt, int node, const char *name, uint32_t *len)
{
	int length;
	const void *value = fdt_getprop(fdt->blob, node, name, &length);

	if (!value || length < 0)
		return NULL;
	*len = (uint32_t)length;
	return value;
}

int fdt_u32_at(const struct fdt *fdt, int node, const char *name, unsigned int index,
	       uint32_t *value)
{
	uint32_t len;
	const uint8_t *p = fdt_prop(fdt, node, name, &len);

	if (!p)
		return -ENOENT;
	if (!range_within(4ULL * index, 4, len))
		return -EINVAL;
	*value = get_be32(p + 4 * (size_t)index);
	return 0;
}

int fdt_u32(const struct fdt *fdt, int node, const char *name, uint32_t *value)
{
	return fdt_u32_at(fdt, node, name, 0, value);
}

int fdt_number(const struct fdt *fdt, int node, const char *name, uint64_t *value)
{
	uint32_t len;
	const uint8_t *p = fdt_prop(fdt, node, name, &len);

	if (!p)
		return -ENOENT;
	if (len != 4 && len != 8)
		return -EINVAL;
	*value = len == 4 ? get_be32(p) : get_be64(p);
	return 0;
}

const char *fdt_prop_string(const struct fdt *fdt, int node, const char *name, unsigned int index)
{
	uint32_t len;
	const char *p = fdt_prop(fdt, node, name, &len);

	while (p && len) {
		size_t n = strnlen(p, len);

		if (n == len)
			return NULL;
		if (!index--)
			return p;
		p += n + 1;
		len -= (uint32_t)n + 1;
	}
	return NULL;
}

bool fdt_is_compatible(const struct fdt *fdt, int node, const char *compatible)
{
	return fdt_node_check_compatible(fdt->blob, node, compatible) == 0;
}

bool fdt_is_available(const struct fdt *fdt, int node)
{
	const char *status;

	if (!fdt_has_prop(fdt, node, "status"))
		return true;
	status = fdt_prop_string(fdt, node, "status", 0);
	return status && (str_eq(status, "okay") || str_eq(status, "ok"));
}

/* How many cells @node's children use; at most 2 make sense in 64 bits, 3 is PCI's. */
static int cell_counts(const struct fdt *fdt, int node, uint32_t *addr_cells, uint32_t *size_cells)
{
	if (fdt_u32(fdt, node, "#address-cells", addr_cells))
		*addr_cells = FDT_ADDRESS_CELLS_DEFAULT;
	if (fdt_u32(fdt, node, "#size-cells", size_cells))
		*size_cells = FDT_SIZE_CELLS_DEFAULT;
	return *addr_cells && *addr_cells <= 3 && *size_cells <= 2 ? 0 : -EINVAL;
}

/* The number in @cells cells; the lowest 64 bits count. */
static uint64_t read_cells(const uint8_t *p, uint32_t cells)
{
	uint64_t n = 0;

	for (; cells; cells--, p += 4)
		n = n << 32 | get_be32(p);
	return n;
}

/*
 * Maps *@addr from @bus's children's space to its parent's, by `ranges`. Empty: the same address.
 */
static int translate(const struct fdt *fdt, int bus, int parent, uint64_t *addr, uint64_t size)
{
	uint32_t len, child_cells, size_cells, parent_cells, unused;
	const uint8_t *p = fdt_prop(fdt, bus, "ranges", &len);
	size_t entry;

	if (!p)
		return -ENOENT;
	if (!len)
		return 0;
	if (cell_counts(fdt, bus, &child_cells, &size_cells) ||
	    cell_counts(fdt, parent, &parent_cells, &unused))
		return -EINVAL;
	entry = 4 * (size_t)(child_cells + parent_cells + size_cells);
	for (; len >= entry; len -= (uint32_t)entry, p += entry) {
		uint64_t child = read_cells(p, child_cells);
		uint64_t to = read_cells(p + 4 * child_cells, parent_cells);
		uint64_t span = read_cells(p + 4 * (child_cells + parent_cells), size_cells);

		if (*addr < child || !range_within(*addr - child, size, span))
			continue;
		return check_add_overflow(to, *addr - child, addr) ? -EINVAL : 0;
	}
	return -ENOENT;
}

int fdt_reg_below(const struct fdt *fdt, int bus, int node, unsigned int index, uint64_t *addr,
		  uint64_t *size)
{
	int depth = 0;
	uint32_t len, addr_cells, size_cells;
	const uint8_t *p = fdt_prop(fdt, node, "reg", &len);
	uint64_t at, span, entry;

	if (!p || bus < 0)
		return -ENOENT;
	if (cell_counts(fdt, bus, &addr_cells, &size_cells))
		return -EINVAL;
	entry = 4ULL * (addr_cells + size_cells);
	if (!range_within(index * entry, entry, len))
		return -ENOENT;
	p += index * entry;
	at = read_cells(p, addr_cells);
	span = read_cells(p + 4 * addr_cells, size_cells);
	while (bus != FDT_ROOT) {
		int parent = fdt_parent(fdt, bus), err;

		if (parent < 0 || ++depth > FDT_DEPTH_MAX)
			return -EINVAL;
		err = translate(fdt, bus, parent, &at, span);
		if (err)
			return err;
		bus = parent;
	}
	if (span && at + (span - 1) < at)
		return -EINVAL;
	*addr = at;
	*size = span;
	return 0;
}

int fdt_reg(const struct fdt *fdt, int node, unsigned int index, uint64_t *addr, uint64_t *size)
{
	return fdt_reg_below(fdt, fdt_parent(fdt, node), node, index, addr, size);
}

/* The controller that @node's `interrupts` are for: its own interrupt-parent or an ancestor's. */
static int interrupt_parent(const struct fdt *fdt, int node)
{
	uint32_t phandle;

	for (int depth = 0; node >= 0 && depth < FDT_DEPTH_MAX; depth++) {
		if (!fdt_u32(fdt, node, "interrupt-parent", &phandle))
			return fdt_find_phandle(fdt, phandle);
		node = fdt_parent(fdt, node);
		if (node >= 0 && fdt_has_prop(fdt, node, "#interrupt-cells"))
			return node;
	}
	return -ENOENT;
}

static int specifier_cells(const struct fdt *fdt, int controller, uint32_t *count)
{
	if (controller < 0)
		return controller;
	if (fdt_u32(fdt, controller, "#interrupt-cells", count) || !*count ||
	    *count > FDT_CELLS_MAX)
		return -EINVAL;
	return 0;
}

static void read_specifier(const uint8_t *p, uint32_t count, uint32_t cells[FDT_CELLS_MAX])
{
	for (uint32_t i = 0; i < count; i++)
		cells[i] = get_be32(p + 4 * i);
}

static int interrupt_extended(const struct fdt *fdt, const uint8_t *p, uint32_t len,
			      unsigned int index, int *controller, uint32_t *count)
{
	uint32_t pos = 0;

	for (;; index--) {
		int err;

		if (!range_within(pos, 4, len))
			return -ENOENT;
		*controller = fdt_find_phandle(fdt, get_be32(p + pos));
		err = specifier_cells(fdt, *controller, count);
		if (err)
			return err;
		pos += 4;
		if (!range_within(pos, 4ULL * *count, len))
			return -EINVAL;
		if (!index)
			return (int)pos;
		pos += 4 * *count;
	}
}

int fdt_interrupt(const struct fdt *fdt, int node, unsigned int index, int *controller,
		  uint32_t cells[FDT_CELLS_MAX], unsigned int *count)
{
	uint32_t len, n;
	int from, pos, err;
	const uint8_t *p = fdt_prop(fdt, node, "interrupts-extended", &len);

	if (p) {
		pos = interrupt_extended(fdt, p, len, index, &from, &n);
		if (pos < 0)
			return pos;
		p += pos;
	} else {
		p = fdt_prop(fdt, node, "interrupts", &len);
		if (!p)
			return -ENOENT;
		from = interrupt_parent(fdt, node);
		err = specifier_cells(fdt, from, &n);
		if (err)
			return err;
		if (!range_within(4ULL * n * index, 4ULL * n, len))
			return -ENOENT;
		p += 4 * (size_t)n * index;
	}
	read_specifier(p, n, cells);
	*controller = from;
	*count = n;
	return 0;
}

int fdt_reservation(const struct fdt *fdt, unsigned int index, uint64_t *addr, uint64_t *size)
{
	if ((int)index < 0 || (int)index >= fdt_num_mem_rsv(fdt->blob))
		return -ENOENT;
	return fdt_get_mem_rsv(fdt->blob, (int)index, addr, size) ? -EINVAL : 0;
}
