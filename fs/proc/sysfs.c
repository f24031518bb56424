/* SPDX-License-Identifier: MIT */
/*
 * sysfs, the little of it that programs need to start: processors, huge pages, terminals.
 *
 * Its files never change, so it is a tmpfs that is filled once, when all processors run.
 */
#include <drivers/tty.h>
#include <fs/namei.h>
#include <kernel/cpumask.h>
#include <kernel/init.h>
#include <kernel/percpu.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/magic.h>
#include <uapi/major.h>

#include "../internal.h"
#include "../tmpfs/tmpfs.h"

static struct mount *sys_mount;

static struct super_block *sysfs_mount(const struct fs_type *type, const struct mount_args *args)
{
	super_ref(sys_mount->sb);
	return sys_mount->sb;
}

static struct fs_type sysfs_type = { .name = "sysfs", .mount = sysfs_mount };

/* Make @name (with its directories); @text NULL: a directory. */
static int add(const char *name, const char *text)
{
	struct path at = { sys_mount, sys_mount->root };
	struct file *f;
	int64_t offset = 0;
	int err = 0;

	path_ref(&at);
	while (!err) {
		const char *slash = strchr(name, '/');
		size_t len = slash ? (size_t)(slash - name) : strlen(name);
		struct name n = name_from(name, len);
		struct dentry *d;

		err = vfs_create_in(&at, &n, slash || !text ? S_IFDIR | 0555 : S_IFREG | 0444, 0);
		err = err == -EEXIST ? 0 : err;
		d = err ? NULL : dentry_lookup_cached(at.dentry, &n);
		if (!d)
			break;
		dentry_put(at.dentry);
		at.dentry = d;
		if (!slash)
			break;
		name = slash + 1;
	}
	if (!err && text) {
		f = file_open_path(&at, O_WRONLY);
		err = PTR_ERR_OR_ZERO(f);
		if (!err) {
			err = file_write_kernel(f, text, strlen(text), &offset) < 0 ? -ENOSPC : 0;
			file_put(f);
		}
	}
	path_put(&at);
	return err;
}

static void format_cpus(char *buf, size_t size)
{
	if (nr_cpus > 1)
		snprintf(buf, size, "0-%u\n", nr_cpus - 1);
	else
		snprintf(buf, size, "0\n");
}

static int add_tty(const char *name, dev_t dev)
{
	char path[48], text[24];

	snprintf(path, sizeof(path), "class/tty/%s/dev", name);
	snprintf(text, sizeof(text), "%u:%u\n", DEV_MAJOR(dev), DEV_MINOR(dev));
	return add(path, text);
}

struct tty_node {
	char name[TTY_NAME_MAX];
	dev_t dev;
};

/* Terminals that the drivers found, and which of them are consoles (what init asks for). */
struct tty_list {
	struct tty_node *names;
	size_t nr, room;
};

static void note_tty(struct tty *tty, void *ctx)
{
	struct tty_list *l = ctx;

	if (l->names && l->nr < l->room) {
		str_copy_cut(l->names[l->nr].name, tty->name, TTY_NAME_MAX);
		l->names[l->nr].dev = tty->dev;
	}
	l->nr++;
}

/* Files are made without the terminals' lock: it is inside those of file systems. */
static int add_registered_ttys(void)
{
	struct tty_list l = { 0 };
	int err = 0;

	tty_for_each(note_tty, &l);
	l.room = l.nr;
	l.nr = 0;
	l.names = kmalloc_array(l.room, sizeof(*l.names), 0);
	if (!l.names)
		return l.room ? -ENOMEM : 0;
	tty_for_each(note_tty, &l);
	for (size_t i = 0; i < min(l.nr, l.room) && !err; i++)
		err = add_tty(l.names[i].name, l.names[i].dev);
	kfree(l.names);
	return err;
}

static int add_ttys(void)
{
	char consoles[128];
	int err = add_tty("tty", DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_TTY));

	err = err ? err : add_tty("console", DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_CONSOLE));
	err = err ? err : add_tty("ptmx", DEV_MAKE(TTYAUX_MAJOR, TTYAUX_MINOR_PTMX));
	err = err ? err : add_registered_ttys();
	if (err)
		return err;
	tty_console_names(consoles, sizeof(consoles));
	return add("class/tty/console/active", consoles);
}

static int sysfs_init(void)
{
	static char options[] = "mode=555";
	struct super_block *sb = tmpfs_super_create(&sysfs_type, options);
	char cpus[24], name[48];
	int err;

	if (IS_ERR(sb))
		return (int)PTR_ERR(sb);
	sb->magic = SYSFS_MAGIC;
	sys_mount = mount_create(sb, "sysfs", MOUNT_INTERNAL);
	if (IS_ERR(sys_mount))
		return (int)PTR_ERR(sys_mount);
	format_cpus(cpus, sizeof(cpus));
	err = add("devices/system/cpu/online", cpus);
	err = err ? err : add("devices/system/cpu/possible", cpus);
	err = err ? err : add("devices/system/cpu/present", cpus);
	for (unsigned int i = 0; i < nr_cpus && !err; i++) {
		snprintf(name, sizeof(name), "devices/system/cpu/cpu%u", i);
		err = add(name, NULL);
	}
	err = err ? err : add("kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	err = err ? err : add("kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n");
	err = err ? err : add("fs/cgroup", NULL);
	err = err ? err : add_ttys();
	err = err ? err : add("block", NULL);
	err = err ? err : add("dev/block", NULL);
	if (!err)
		fs_register(&sysfs_type);
	return err;
}
INITCALL(INIT_FS, sysfs_init);
