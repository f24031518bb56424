/* SPDX-License-Identifier: MIT */
/*
 * The file systems that every program takes for granted. A kernel that lacks one
 * (ENODEV, ENOSYS) or has mounted it already (EBUSY) is no reason to stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

static const struct {
	const char *type, *target, *options;
	unsigned long flags;
	mode_t mode;		/* of the mount point, if it must be made */
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID, 0755 },
	{ "devpts", "/dev/pts", "gid=5,mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, 0755 },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV, 0755 },
};

/* Names that programs expect in /dev whoever made the rest of it. */
static const struct {
	const char *name, *content;
} dev_links[] = {
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

void mounts_make(void)
{
	umask(0);
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		(void)mkdir(mounts[i].target, mounts[i].mode);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags,
			  mounts[i].options) == 0)
			continue;
		if (errno != EBUSY && errno != ENODEV && errno != ENOSYS)
			say("cannot mount %s: %s", mounts[i].target, strerror(errno));
	}
	umask(022);
	for (size_t i = 0; i < sizeof(dev_links) / sizeof(dev_links[0]); i++)
		(void)!symlink(dev_links[i].content, dev_links[i].name);
}

void hostname_set(void)
{
	char name[65];
	int fd = open("/etc/hostname", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, name, sizeof(name) - 1);
	close(fd);
	while (n > 0 && (name[n - 1] == '\n' || name[n - 1] == ' '))
		n--;
	if (n > 0)
		(void)!sethostname(name, n);
}
