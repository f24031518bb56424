/* SPDX-License-Identifier: MIT */
/*
 * The file layer's part of boot: caches, types, the root.
 */
#include <arch/boot.h>
#include <fs/initramfs.h>
#include <fs/pseudo.h>
#include <fs/vfs.h>
#include <kernel/init.h>
#include <mm/page.h>

#include "devtmpfs/devtmpfs.h"
#include "internal.h"
#include "tmpfs/tmpfs.h"

void vfs_init(void)
{
	file_init();
	dcache_init();
	pseudo_init();
	tmpfs_init();
	memfd_init();
}

static int fs_core_init(void)
{
	vfs_init();
	return 0;
}
INITCALL(INIT_CORE, fs_core_init);

static int fs_registry_init(void)
{
	devtmpfs_init();
	return mem_devices_init();
}
INITCALL(INIT_REGISTRY, fs_registry_init);

/*
 * /dev is there before PID 1, whose standard files are /dev/console; mounting it again does no
 * harm.
 */
static int fs_root_init(void)
{
	int err = 0, dev;

	vfs_mount_root();
	if (boot_info.initrd_size)
		err = initramfs_unpack(boot_info.initrd, boot_info.initrd_size);
	dev = devtmpfs_mount_at("/dev");
	return err ? err : dev;
}
INITCALL(INIT_FS, fs_root_init);
