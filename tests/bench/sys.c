/* SPDX-License-Identifier: MIT */
/*
 * The machine itself (cpu_*: equal on both kernels or the runs do not compare) and plain system
 * calls.
 */
#include "osbench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* cpu_loop: a dependent add/branch loop; op = 1 iteration.  Under icount the
 * result is the number of instructions in the loop body. */
static double b_cpu_loop(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		__asm__ volatile("" ::: "memory");
	return (double)(now() - t0);
}

/* cpu_memcpy_64k: libc memcpy of 64 KiB in user space; op = 64 KiB. */
static double b_cpu_memcpy(long n)
{
	static char a[64 * 1024], b[64 * 1024];
	uint64_t t0;

	memset(a, 1, sizeof a);
	memset(b, 2, sizeof b);
	t0 = now();
	for (long i = 0; i < n; i++) {
		memcpy(a, b, sizeof a);
		__asm__ volatile("" :: "r"(a) : "memory");
	}
	return (double)(now() - t0);
}

/* clock_vdso: clock_gettime(CLOCK_MONOTONIC) through libc, which takes the
 * vDSO when the kernel offers one. */
static double b_clock_vdso(long n)
{
	struct timespec t;
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(now() - t0);
}

/* sys_null: raw getppid, the cheapest real system call. */
static double b_sys_null(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		raw3(SYS_getppid, 0, 0, 0);
	return (double)(now() - t0);
}

/* sys_enosys: a call number no kernel implements; entry/exit cost only. */
static double b_sys_enosys(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		raw3(100000, 0, 0, 0);
	return (double)(now() - t0);
}

/* sys_clock: clock_gettime forced through the system call. */
static double b_sys_clock(long n)
{
	struct timespec t;
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		raw3(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0);
	return (double)(now() - t0);
}

/* read_zero_1: read one byte of /dev/zero. */
static double b_read_zero(long n)
{
	char c;
	int fd = need_fd(open("/dev/zero", O_RDONLY), "/dev/zero");
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		if (raw3(SYS_read, fd, (long)&c, 1) != 1)
			give_up("read /dev/zero");
	t0 = now() - t0;
	close(fd);
	return (double)t0;
}

/* write_null_1: write one byte to /dev/null. */
static double b_write_null(long n)
{
	char c = 0;
	int fd = need_fd(open("/dev/null", O_WRONLY), "/dev/null");
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		if (raw3(SYS_write, fd, (long)&c, 1) != 1)
			give_up("write /dev/null");
	t0 = now() - t0;
	close(fd);
	return (double)t0;
}

/* read_zero_64k: read 64 KiB of /dev/zero (kernel clear-user bandwidth). */
static double b_read_zero_64k(long n)
{
	static char buf[64 * 1024];
	int fd = need_fd(open("/dev/zero", O_RDONLY), "/dev/zero");
	uint64_t t0;

	memset(buf, 1, sizeof buf);
	t0 = now();
	for (long i = 0; i < n; i++)
		if (raw3(SYS_read, fd, (long)buf, sizeof buf) != sizeof buf)
			give_up("read /dev/zero");
	t0 = now() - t0;
	close(fd);
	return (double)t0;
}

/* open_close: openat + close of an existing file two directories deep. */
static double b_open_close(long n)
{
	const char *path = make_file("ob_open", 1);
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		int fd = open(path, O_RDONLY);

		if (fd < 0)
			give_up("open");
		close(fd);
	}
	t0 = now() - t0;
	unlink(path);
	return (double)t0;
}

/* stat: path lookup plus attribute copy-out. */
static double b_stat(long n)
{
	const char *path = make_file("ob_stat", 1);
	struct stat st;
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		if (stat(path, &st) != 0)
			give_up("stat");
	t0 = now() - t0;
	unlink(path);
	return (double)t0;
}

/* fstat: attribute copy-out without lookup. */
static double b_fstat(long n)
{
	const char *path = make_file("ob_fstat", 1);
	int fd = need_fd(open(path, O_RDONLY), path);
	struct stat st;
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		if (fstat(fd, &st) != 0)
			give_up("fstat");
	t0 = now() - t0;
	close(fd);
	unlink(path);
	return (double)t0;
}

/* dup_close: descriptor table work only. */
static double b_dup_close(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		int fd = dup(0);

		if (fd < 0)
			give_up("dup");
		close(fd);
	}
	return (double)(now() - t0);
}

const struct bench sys_rows[] = {
	{ .name = "cpu_loop", .iters = 5000000, .fn = b_cpu_loop },
	{ .name = "cpu_memcpy_64k", .iters = 500, .fn = b_cpu_memcpy, .bytes = BLOCK },
	{ .name = "clock_vdso", .iters = 50000, .fn = b_clock_vdso },
	{ .name = "sys_null", .iters = 100000, .fn = b_sys_null },
	{ .name = "sys_enosys", .iters = 100000, .fn = b_sys_enosys },
	{ .name = "sys_clock", .iters = 50000, .fn = b_sys_clock },
	{ .name = "read_zero_1", .iters = 50000, .fn = b_read_zero },
	{ .name = "write_null_1", .iters = 50000, .fn = b_write_null },
	{ .name = "read_zero_64k", .iters = 200, .fn = b_read_zero_64k, .bytes = BLOCK },
	{ .name = "open_close", .iters = 10000, .fn = b_open_close },
	{ .name = "stat", .iters = 20000, .fn = b_stat },
	{ .name = "fstat", .iters = 20000, .fn = b_fstat },
	{ .name = "dup_close", .iters = 20000, .fn = b_dup_close },
	{ .name = NULL },
};
