/* SPDX-License-Identifier: MIT */
/*
 * The machine's one device tree, over the reader of <lib/fdt.h>: the same operations without naming
 * the tree each time, and nothing is found before of_init() has accepted one.
 */
#include <drivers/of.h>
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/fdt.h>
#include <lib/string.h>

_Static_assert(OF_IRQ_CELLS == FDT_CELLS_MAX, "one limit");

static struct fdt tree;
static bool is_ready;

static int node_or_none(int node)
{
	return node < 0 ? OF_NONE : node;
}

uint32_t of_blob_size(const void *blob)
{
	return fdt_blob_size(blob, 40);
}

int of_init(const void *blob, size_t size)
{
	int err = fdt_init(&tree, blob, size);

	is_ready = !err;
	return err;
}

int of_next(int node)
{
	if (!is_ready)
		return OF_NONE;
	return node < 0 ? FDT_ROOT : node_or_none(fdt_node_next(&tree, node));
}

int of_first_child(int node)
{
	return node < 0 ? OF_NONE : node_or_none(fdt_child_first(&tree, node));
}

int of_next_sibling(int node)
{
	return node < 0 ? OF_NONE : node_or_none(fdt_child_next(&tree, node));
}

int of_parent(int node)
{
	return node < 0 ? OF_NONE : node_or_none(fdt_parent(&tree, node));
}

int of_find_path(const char *path)
{
	char name[256];
	size_t len = strcspn(path, ":");

	if (!is_ready || len >= sizeof(name))
		return OF_NONE;
	memcpy(name, path, len);
	name[len] = 0;
	return node_or_none(fdt_find_path(&tree, name));
}

int of_find_phandle(uint32_t phandle)
{
	return is_ready ? node_or_none(fdt_find_phandle(&tree, phandle)) : OF_NONE;
}

int of_find_compatible(int after, const char *compatible)
{
	return is_ready ? node_or_none(fdt_find_compatible(&tree, after, compatible)) : OF_NONE;
}

const char *of_name(int node)
{
	return node < 0 ? "" : fdt_node_name(&tree, node);
}

bool of_is_compatible(int node, const char *compatible)
{
	return node >= 0 && fdt_is_compatible(&tree, node, compatible);
}

bool of_is_available(int node)
{
	return node >= 0 && fdt_is_available(&tree, node);
}

bool of_get(int node, const char *name, struct of_prop *p)
{
	if (node < 0)
		return false;
	p->data = fdt_prop(&tree, node, name, &p->len);
	return p->data;
}

const char *of_string(int node, const char *name)
{
	return node < 0 ? NULL : fdt_prop_string(&tree, node, name, 0);
}

bool of_u32(int node, const char *name, uint32_t *value)
{
	return node >= 0 && fdt_u32(&tree, node, name, value) == 0;
}

bool of_number(int node, const char *name, uint64_t *value)
{
	return node >= 0 && fdt_number(&tree, node, name, value) == 0;
}

uint64_t of_cells(const uint8_t *p, uint32_t cells)
{
	uint64_t v = 0;

	while (cells--) {
		v = v << 32 | get_be32(p);
		p += 4;
	}
	return v;
}

int of_reg(int node, unsigned int index, paddr_t *base, uint64_t *size)
{
	return node < 0 ? -ENOENT : fdt_reg(&tree, node, index, &base->v, size);
}

int of_reg_below(int parent, int node, unsigned int index, paddr_t *base, uint64_t *size)
{
	if (node < 0 || parent < 0)
		return -ENOENT;
	return fdt_reg_below(&tree, parent, node, index, &base->v, size);
}

int of_interrupt(int node, unsigned int index, struct of_irq *irq)
{
	if (node < 0)
		return -ENOENT;
	return fdt_interrupt(&tree, node, index, &irq->controller, irq->cells, &irq->nr_cells);
}

bool of_reservation(unsigned int index, uint64_t *base, uint64_t *size)
{
	return is_ready && fdt_reservation(&tree, index, base, size) == 0;
}
