/* SPDX-License-Identifier: MIT */
/* What osbench does as process 1: mounts, device nodes, the loopback interface. */
#include "osbench.h"

#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What pid 1 must do before anything else works. */
void init_setup(void)
{
	struct ifreq ifr;
	int fd, s;

	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/tmp", 01777);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5));
	mknod("/dev/console", S_IFCHR | 0600, makedev(5, 1));
	if (fcntl(0, F_GETFD) < 0) {
		fd = open("/dev/console", O_RDWR);
		if (fd >= 0)
			for (int i = 0; i < 3; i++)
				dup2(fd, i);
	}
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	if (s >= 0) {
		memset(&ifr, 0, sizeof ifr);
		strcpy(ifr.ifr_name, "lo");
		ifr.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
		ioctl(s, SIOCSIFFLAGS, &ifr);
		close(s);
	}
}
