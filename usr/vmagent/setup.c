/* SPDX-License-Identifier: MIT */
/*
 * The agent's surroundings: what process 1 must do before a command can run,
 * the request that scripts/vm left in /etc/vm, and turning the machine off.
 * Every mount and device is best effort: a kernel that lacks one still runs the rest.
 */
#define _GNU_SOURCE
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static void mount_at(const char *type, const char *dir, mode_t mode, const char *opts)
{
	mkdir(dir, mode);
	(void)!mount(type, dir, type, 0, opts);
}

static void setup_descriptors(void)
{
	int fd;

	if (fcntl(0, F_GETFD) >= 0)
		return;
	fd = open("/dev/console", O_RDWR | O_NOCTTY);
	for (int i = 0; fd >= 0 && i < 3; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static void setup_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo" };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return;
	ifr.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
	ioctl(s, SIOCSIFFLAGS, &ifr);
	close(s);
}

void setup_machine(void)
{
	mount_at("devtmpfs", "/dev", 0755, NULL);
	mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
	mknod("/dev/console", S_IFCHR | 0600, makedev(5, 1));
	mount_at("proc", "/proc", 0755, NULL);
	mount_at("sysfs", "/sys", 0755, NULL);
	mount_at("devpts", "/dev/pts", 0755, "mode=620,ptmxmode=666");
	mount_at("tmpfs", "/dev/shm", 01777, NULL);
	mount_at("tmpfs", "/tmp", 01777, NULL);
	mount_at("tmpfs", "/run", 0755, NULL);
	(void)!symlink("/proc/self/fd", "/dev/fd");
	(void)!symlink("/proc/self/fd/0", "/dev/stdin");
	(void)!symlink("/proc/self/fd/1", "/dev/stdout");
	(void)!symlink("/proc/self/fd/2", "/dev/stderr");
	setup_descriptors();
	setup_loopback();
}

/* Reads a whole file and appends a NUL; NULL with errno set on trouble. */
static char *slurp(const char *path, size_t *len)
{
	size_t size = 0, room = 4096;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf = NULL;
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	while (n > 0) {
		char *more = realloc(buf, room);

		if (!more) {
			free(buf);
			buf = NULL;
			break;
		}
		buf = more;
		n = read(fd, buf + size, room - size - 1);
		size += n > 0 ? (size_t)n : 0;
		if (size + 1 == room)
			room *= 2;
	}
	close(fd);
	if (!buf)
		return NULL;
	buf[size] = '\0';
	*len = size;
	return buf;
}

/* Splits NUL-terminated strings into a vector that points into them. */
static char **split_strings(char *text, size_t len)
{
	size_t count = 0, k = 0;
	char **vec;

	for (size_t i = 0; i < len; i++)
		count += text[i] == '\0';
	vec = calloc(count + 1, sizeof(*vec));
	for (char *p = text; vec && p < text + len && k < count; p += strlen(p) + 1)
		vec[k++] = p;
	return vec;
}

static void load_module(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		fprintf(stderr, "vmagent: %s: %s\n", path, strerror(errno));
	close(fd);
}

void setup_modules(void)
{
	size_t len;
	char *list = slurp("/etc/vm/modules", &len);
	char **names = list ? split_strings(list, len) : NULL;

	for (char **p = names; p && *p; p++)
		load_module(*p);
	free(names);
	free(list);
}

int setup_request(struct request *req)
{
	size_t len;
	char *text = slurp("/etc/vm/command", &len);

	if (!text)
		return -errno;
	req->argv = split_strings(text, len);
	if (!req->argv || !req->argv[0])
		return -EINVAL;
	text = slurp("/etc/vm/environ", &len);
	req->envp = text ? split_strings(text, len) : calloc(1, sizeof(char *));
	req->cwd = slurp("/etc/vm/cwd", &len);
	return req->envp ? 0 : -ENOMEM;
}

void setup_line(int tty)
{
	struct termios t;

	if (tcgetattr(tty, &t))
		return;
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tcsetattr(tty, TCSANOW, &t);
}

void power_off(void)
{
	reboot(RB_POWER_OFF);
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
