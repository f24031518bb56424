/* SPDX-License-Identifier: MIT */
/*
 * The parts of sysfs that are no devices of the model: processors, huge pages, terminals, and the
 * directories that programs expect.
 */
#include <drivers/tty.h>
#include <kernel/log.h>
#include <kernel/percpu.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/major.h>

#include "sysfs.h"

static ssize_t text_show(const void *priv, char *buf, size_t size)
{
	return snprintf(buf, size, "%s", (const char *)priv);
}

static ssize_t cpus_show(const void *priv, char *buf, size_t size)
{
	return nr_cpus > 1 ? snprintf(buf, size, "0-%u\n", nr_cpus - 1) :
		snprintf(buf, size, "0\n");
}

static ssize_t consoles_show(const void *priv, char *buf, size_t size)
{
	tty_console_names(buf, size);
	return (ssize_t)strlen(buf);
}

static ssize_t number_show(const void *priv, char *buf, size_t size)
{
	dev_t dev = (dev_t)(uintptr_t)priv;

	return snprintf(buf, size, "%u:%u\n", DEV_MAJOR(dev), DEV_MINOR(dev));
}

static bool add(const char *path, ssize_t (*show)(const void *priv, char *buf, size_t size),
		const void *priv)
{
	return sys_node_add(path, show, priv);
}

static bool add_dir(const char *path, enum sys_extra extra)
{
	struct sys_node *n = sys_node_add(path, NULL, NULL);

	if (n)
		n->extra = extra;
	return n;
}

/* Its path is kept for ever, as nodes are. */
static bool add_tty(const char *name, dev_t dev)
{
	char *path = kmalloc(48, ALLOC_NORMAL);

	if (!path)
		return false;
	snprintf(path, 48, "class/tty/%s/dev", name);
	return add(path, number_show, (const void *)(uintptr_t)dev);
}

static void note_tty(struct tty *tty, void *ctx)
{
	bool *good = ctx;

	*good = *good && add_tty(tty->name, tty->dev);
}

static bool add_ttys(void)
{
	bool good = add_tty("tty", DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_TTY)) &&
		    add_tty("console", DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_CONSOLE)) &&
		    add_tty("ptmx", DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_PTMX)) &&
		    add("class/tty/console/active", consoles_show, NULL);

	tty_for_each(note_tty, &good);
	return good;
}

static bool add_cpus(void)
{
	bool good = add("devices/system/cpu/online", cpus_show, NULL) &&
		    add("devices/system/cpu/possible", cpus_show, NULL) &&
		    add("devices/system/cpu/present", cpus_show, NULL);

	for (unsigned int i = 0; i < nr_cpus && good; i++) {
		char *path = kmalloc(40, ALLOC_NORMAL);

		if (!path)
			return false;
		snprintf(path, 40, "devices/system/cpu/cpu%u", i);
		good = add_dir(path, SYS_PLAIN);
	}
	return good;
}

static bool add_directories(void)
{
	return add_dir("block", SYS_WHOLE_DISKS) && add_dir("bus", SYS_ALL_BUSES) &&
	       add_dir("class", SYS_ALL_CLASSES) && add_dir("dev/block", SYS_BLOCK_NUMBERS) &&
	       add_dir("dev/char", SYS_CHAR_NUMBERS) && add_dir("devices", SYS_ROOT_DEVICES) &&
	       add_dir("devices/platform", SYS_PLATFORM_DEVICES) &&
	       add_dir("fs/cgroup", SYS_PLAIN) && add_dir("module", SYS_PLAIN);
}

void sys_system_init(void)
{
	bool good = add_directories() && add_cpus() && add_ttys() &&
		    add("kernel/mm/transparent_hugepage/enabled", text_show,
			"always madvise [never]\n") &&
		    add("kernel/mm/transparent_hugepage/hpage_pmd_size", text_show, "2097152\n");

	if (!good)
		log_err("sysfs: no memory for all of it");
}
