/* SPDX-License-Identifier: MIT */
/* What every row uses: the clock, giving up, and calls that must succeed. */
#include "osbench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

const char *scratch = "/tmp";
const char *self_path = "/proc/self/exe";
char extra[128];
int report_fd = -1;

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void give_up(const char *fmt, ...)
{
	struct report r = { .ok = 0 };
	int err = errno;
	va_list ap;
	size_t k;

	va_start(ap, fmt);
	vsnprintf(r.text, sizeof r.text, fmt, ap);
	va_end(ap);
	k = strlen(r.text);
	snprintf(r.text + k, sizeof r.text - k, ": %s", strerror(err));
	if (report_fd >= 0)
		(void)!write(report_fd, &r, sizeof r);
	else
		printf("# gave up: %s\n", r.text);
	_exit(77);
}

void *need_map(size_t len, int prot, int flags, int fd)
{
	void *p = mmap(NULL, len, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		give_up("mmap %zu", len);
	return p;
}

void *shared_mem(size_t len)
{
	return need_map(len, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1);
}

int need_fd(int fd, const char *what)
{
	if (fd < 0)
		give_up("%s", what);
	return fd;
}

pid_t need_fork(void)
{
	pid_t p = fork();

	if (p < 0)
		give_up("fork");
	return p;
}

void reap(pid_t p)
{
	int st;

	if (waitpid(p, &st, 0) != p)
		give_up("waitpid");
}

const char *scratch_path(const char *leaf)
{
	static char buf[4][256];
	static int k;

	k = (k + 1) & 3;
	snprintf(buf[k], sizeof buf[k], "%s/%s", scratch, leaf);
	return buf[k];
}

/* Create a file of len bytes in the scratch directory and return its path. */
const char *make_file(const char *leaf, size_t len)
{
	static char block[64 * 1024];
	const char *path = scratch_path(leaf);
	int fd = need_fd(open(path, O_CREAT | O_RDWR | O_TRUNC, 0644), path);

	while (len > 0) {
		size_t part = len < sizeof block ? len : sizeof block;

		if (write(fd, block, part) != (ssize_t)part)
			give_up("write %s", path);
		len -= part;
	}
	close(fd);
	return path;
}

/* Read exactly len bytes; 0 on end of file or error. */
int read_full(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len > 0) {
		ssize_t r = read(fd, p, len);

		if (r <= 0)
			return 0;
		p += r;
		len -= (size_t)r;
	}
	return 1;
}

int write_full(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t r = write(fd, p, len);

		if (r <= 0)
			return 0;
		p += r;
		len -= (size_t)r;
	}
	return 1;
}
