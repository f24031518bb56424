/* SPDX-License-Identifier: MIT */
/* Fuzzes the device-tree reader: every reader on every node of what fdt_init() accepts. */
#include <lib/fdt.h>
#include <lib/string.h>

#include "fuzz.h"

static uint8_t blob[64 * 1024] __aligned(8);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t cells[FDT_CELLS_MAX], value, size;
	unsigned int count;
	uint64_t a, b;
	int node, controller;
	struct fdt fdt;

	if (len > sizeof(blob))
		return 0;
	memcpy(blob, data, len);
	if (fdt_init(&fdt, blob, len))
		return 0;
	fdt_for_each_node(node, &fdt) {
		for (unsigned int i = 0; i < 3; i++) {
			(void)!fdt_reg(&fdt, node, i, &a, &b);
			(void)!fdt_interrupt(&fdt, node, i, &controller, cells, &count);
			(void)!fdt_u32_at(&fdt, node, "reg", i, &value);
			(void)fdt_prop_string(&fdt, node, "compatible", i);
		}
		(void)fdt_prop(&fdt, node, "reg", &size);
		(void)!fdt_number(&fdt, node, "linux,initrd-start", &a);
		(void)fdt_is_available(&fdt, node);
		(void)strlen(fdt_node_name(&fdt, node));
		(void)fdt_is_compatible(&fdt, node, "arm,pl011");
	}
	(void)fdt_find_path(&fdt, "/chosen");
	(void)fdt_find_path(&fdt, "serial0");
	for (unsigned int i = 0; !fdt_reservation(&fdt, i, &a, &b); i++)
		;
	return 0;
}
