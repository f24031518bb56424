# SPDX-License-Identifier: MIT
obj-y += fs/chardev.o fs/dcache.o fs/epoll.o fs/eventfd.o fs/init.o fs/initramfs.o fs/inode.o fs/inotify.o fs/inotify_queue.o fs/locks.o fs/mount.o fs/namei.o \
	fs/notify.o fs/open.o fs/path.o fs/pipe.o fs/pseudo.o fs/seq_file.o fs/splice.o fs/super.o fs/walk.o
obj-y += fs/sys_attr.o fs/sys_dir.o fs/sys_fd.o fs/sys_mount.o fs/sys_names.o fs/sys_poll.o fs/sys_rw.o fs/sys_stat.o fs/sys_sync.o fs/timerfd.o
obj-y += fs/devpts/devpts.o fs/devtmpfs/devtmpfs.o fs/devtmpfs/mem.o
obj-y += fs/tmpfs/file.o fs/tmpfs/memfd.o fs/tmpfs/tmpfs.o fs/tmpfs/xattr.o
obj-y += fs/proc/core.o fs/proc/pid.o fs/proc/pid_maps.o fs/proc/pid_show.o fs/proc/system.o fs/signalfd.o
obj-y += fs/open_exec.o fs/icache.o
obj-y += fs/sysfs/core.o fs/sysfs/dirs.o fs/sysfs/files.o fs/sysfs/system.o fs/sysfs/tree.o
obj-$(CONFIG_BLOCK) += fs/root.o fs/proc/vm.o fs/bdev.o fs/blkdev.o fs/buffer.o fs/probe.o fs/writeback.o
obj-$(CONFIG_BLOCK) += fs/iomap/direct.o fs/iomap/done.o fs/iomap/read.o fs/iomap/report.o fs/iomap/write.o fs/iomap/writeback.o
obj-$(CONFIG_KTEST) += fs/vfs_test.o
ifeq ($(CONFIG_BLK_RAM),y)
obj-$(CONFIG_KTEST) += fs/iomap/iomap_test.o
endif
