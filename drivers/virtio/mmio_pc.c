/* SPDX-License-Identifier: MIT */
/*
 * Where a PC's virtio-mmio devices are: ACPI's LNRO0005 on machines like microvm, and boot
 * arguments virtio_mmio.device=SIZE@BASE:GSI[:ID] where a machine monitor gives those.
 */
#include <drivers/acpi.h>
#include <drivers/device.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/cmdline.h>
#include <lib/err.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

static int add(uint64_t base, uint64_t size, uint32_t gsi, enum irq_trigger trigger)
{
	struct {
		struct platform_window window;
		char name[32];
	} *keep = kzalloc(sizeof(*keep), ALLOC_NORMAL);		/* lives as long as the device */
	int err;

	if (!keep)
		return -ENOMEM;
	keep->window = (struct platform_window){ .base = base, .size = size };
	snprintf(keep->name, sizeof(keep->name), "%lx.virtio_mmio", base);
	err = platform_device_add(&(struct platform_desc){
		.name = keep->name, .compatible = "virtio,mmio", .windows = &keep->window,
		.nr_windows = 1, .has_gsi = true, .gsi = gsi, .gsi_trigger = trigger,
	});
	if (err)
		kfree(keep);
	return err;
}

static int add_acpi_devices(void)
{
	struct acpi_device d;
	uint32_t cursor = 0;
	int err = 0;

	while (!err && acpi_next_device("LNRO0005", &cursor, &d))
		err = add(d.base.v, d.size, d.gsi,
			  d.is_level ? (d.is_low ? IRQ_LEVEL_LOW : IRQ_LEVEL_HIGH) :
				       (d.is_low ? IRQ_EDGE_FALLING : IRQ_EDGE_RISING));
	return err;
}

/* SIZE@BASE:GSI, cut in place. */
static int parse(char *text, uint64_t *base, uint64_t *size, uint32_t *gsi)
{
	char *at = strchr(text, '@'), *colon = at ? strchr(at, ':') : NULL;
	char *more = colon ? strchr(colon + 1, ':') : NULL;
	int err;

	if (!colon)
		return -EINVAL;
	*at = *colon = '\0';
	if (more)
		*more = '\0';
	err = parse_size(text, size);
	err = err ? err : parse_u64(at + 1, 0, base);
	err = err ? err : parse_u32(colon + 1, 0, gsi);
	if (err || !*size || *base + *size < *base)
		return -EINVAL;
	return 0;
}

static int add_argument(const char *value)
{
	char *text = kstrdup(value, ALLOC_NORMAL);
	uint64_t base, size;
	uint32_t gsi;
	int err;

	if (!text)
		return -ENOMEM;
	err = parse(text, &base, &size, &gsi);
	kfree(text);
	if (!err)
		return add(base, size, gsi, IRQ_EDGE_RISING);
	log_err("virtio-mmio: '%s' is not SIZE@BASE:GSI", value);
	return 0;
}

static int add_boot_arguments(void)
{
	char *words, *cursor;
	struct cmdline_arg arg;
	int err = 0;

	if (!cmdline_has(boot_command_line(), "virtio_mmio.device"))
		return 0;
	words = cursor = kstrdup(boot_command_line(), ALLOC_NORMAL);
	if (!words)
		return -ENOMEM;
	while (!err && cmdline_next(&cursor, &arg) && strcmp(arg.name, "--"))
		if (arg.value && str_eq(arg.name, "virtio_mmio.device"))
			err = add_argument(arg.value);
	kfree(words);
	return err;
}

static int __init virtio_mmio_pc_init(void)
{
	int err = add_acpi_devices();

	return err ? err : add_boot_arguments();
}
INITCALL(INIT_DRIVER, virtio_mmio_pc_init);
