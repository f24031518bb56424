/* SPDX-License-Identifier: MIT */
/*
 * The root file system from a disk, by boot arguments:
 *
 *	root=/dev/vda2 | PARTUUID=... | PARTLABEL=... | LABEL=... | UUID=... | MAJOR:MINOR
 *	rootfstype=ext4,ext2	types to try (all that live on devices)
 *	rootflags=...		options for the file system
 *	ro, rw			ro unless rw is given
 *	rootwait, rootdelay=N	wait for the device: for ever, N seconds (some for slow probing)
 *
 * An initial root file system with a program /init is in charge itself: then nothing is mounted
 * here. Else the disk covers the initial root and becomes the root of PID 1.
 */
#include <fs/bdev.h>
#include <fs/namei.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/mount.h>

#include "devtmpfs/devtmpfs.h"
#include "internal.h"

#define DEFAULT_WAIT_NS	(3 * NSEC_PER_SEC)

static int64_t wait_deadline(void)
{
	const char *text = boot_arg("rootdelay");
	int64_t seconds = 0;

	if (boot_arg("rootwait"))
		return WAIT_FOREVER;
	for (; text && char_is_digit(*text) && seconds < 3600; text++)
		seconds = seconds * 10 + (*text - '0');
	return clock_deadline(DEFAULT_WAIT_NS + seconds * NSEC_PER_SEC);
}

/* 0 when there is a device of that name. */
static int wait_for(const char *name)
{
	int64_t deadline = wait_deadline();
	bool said = false;

	for (;;) {
		struct block_device *dev = bdev_lookup(name);

		if (!IS_ERR(dev)) {
			block_put(dev);
			return 0;
		}
		if (clock_ns() >= deadline)
			return (int)PTR_ERR(dev);
		if (!said)
			log_info("root: waiting for %s", name);
		said = true;
		sleep_ns(10 * NSEC_PER_MSEC);
	}
}

static struct super_block *try_type(const struct fs_type *type, const char *source, uint32_t flags)
{
	const char *options = boot_arg("rootflags");
	char *data = kstrdup(options ? options : "", 0);
	struct mount_args args = { .source = source, .data = data, .flags = flags };
	struct super_block *sb = data ? type->mount(type, &args) : ERR_PTR(-ENOMEM);

	kfree(data);
	/* A disk that cannot be written is still a root. */
	if (IS_ERR(sb) && (PTR_ERR(sb) == -EACCES || PTR_ERR(sb) == -EROFS) &&
	    !(flags & MS_RDONLY))
		return try_type(type, source, flags | MS_RDONLY);
	return sb;
}

static bool is_listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
		if (!strncmp(list, name, len) && (!list[len] || list[len] == ','))
			return true;
	return false;
}

static struct super_block *mount_root_super(const char *source, uint32_t flags)
{
	const char *types = boot_arg("rootfstype");
	struct super_block *sb = ERR_PTR(-ENODEV);
	const struct fs_type *type = NULL;

	while ((type = fs_type_next(type))) {
		if (!(type->flags & FS_NEEDS_DEVICE) || (types && !is_listed(types, type->name)))
			continue;
		sb = try_type(type, source, flags);
		if (!IS_ERR(sb) || PTR_ERR(sb) == -EBUSY)
			break;
	}
	return sb;
}

static bool has_own_init(void)
{
	struct path p;

	if (path_lookup_kernel("/init", LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}

static int cover_root(struct super_block *sb, const char *source)
{
	struct fs_context *fs = current_thread()->fs;
	struct mount *m = mount_create(sb, source, MOUNT_RELATIME);
	struct path where = { root_mount, root_mount->root }, root;
	int err;

	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	err = mount_at(m, &where);
	if (err) {
		mount_put(m);
		return err;
	}
	root = (struct path){ m, m->root };
	fs_context_set(fs, &fs->root, &root);
	fs_context_set(fs, &fs->cwd, &root);
	return devtmpfs_mount_at("/dev");
}

static int root_from_disk(void)
{
	const char *source = boot_arg("root");
	struct super_block *sb;
	int err;

	if (!source || !*source || has_own_init())
		return 0;
	err = wait_for(source);
	sb = err ? ERR_PTR(err) : mount_root_super(source, boot_arg("rw") ? 0 : MS_RDONLY);
	if (IS_ERR(sb)) {
		log_err("root: cannot mount %s: error %ld", source, -PTR_ERR(sb));
		return (int)PTR_ERR(sb);
	}
	log_info("root: %s, %s, %s", source, sb->type->name,
		 sb->flags & MS_RDONLY ? "read-only" : "read-write");
	return cover_root(sb, source);
}
INITCALL(INIT_LATE, root_from_disk);
