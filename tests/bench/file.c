/* SPDX-License-Identifier: MIT */
/* Files in the scratch directory (a tmpfs when run as init). */
#include "osbench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* create_delete: create an empty file, close it, unlink it. */
static double b_create(long n)
{
	const char *path = scratch_path("ob_created");
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

		if (fd < 0)
			give_up("create");
		close(fd);
		if (unlink(path))
			give_up("unlink");
	}
	return (double)(now() - t0);
}

/* create_delete_4k: the same with 4 KiB written in between. */
static double b_create_4k(long n)
{
	static char buf[PAGE];
	const char *path = scratch_path("ob_created");
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

		if (fd < 0 || write(fd, buf, sizeof buf) != sizeof buf)
			give_up("create");
		close(fd);
		if (unlink(path))
			give_up("unlink");
	}
	return (double)(now() - t0);
}

static double file_1m(long n, int writing)
{
	static char buf[BLOCK];
	const char *path = make_file("ob_mib", MIB);
	int fd = need_fd(open(path, O_RDWR), path);
	uint64_t t0;

	memset(buf, 1, sizeof buf);
	t0 = now();
	for (long i = 0; i < n; i++)
		for (long off = 0; off < MIB; off += BLOCK) {
			ssize_t r = writing ? pwrite(fd, buf, BLOCK, off)
					    : pread(fd, buf, BLOCK, off);

			if (r != BLOCK)
				give_up("file i/o");
		}
	t0 = now() - t0;
	close(fd);
	unlink(path);
	return (double)t0;
}

/* file_read_1m / file_write_1m: 1 MiB of cached file in 64 KiB calls. */
static double b_file_read(long n) { return file_1m(n, 0); }
static double b_file_write(long n) { return file_1m(n, 1); }

/* pread_4k: 4 KiB of cached file per call. */
static double b_pread_4k(long n)
{
	static char buf[PAGE];
	const char *path = make_file("ob_pread", 64 * KIB);
	int fd = need_fd(open(path, O_RDONLY), path);
	uint64_t t0;

	memset(buf, 1, sizeof buf);
	t0 = now();
	for (long i = 0; i < n; i++)
		if (pread(fd, buf, PAGE, (i & 15) * PAGE) != PAGE)
			give_up("pread");
	t0 = now() - t0;
	close(fd);
	unlink(path);
	return (double)t0;
}

/* readdir_100: open, list and close a directory of 100 files. */
static double b_readdir(long n)
{
	char path[300];
	const char *dir = scratch_path("ob_dir");
	uint64_t t0;

	if (mkdir(dir, 0755) && errno != EEXIST)
		give_up("mkdir");
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "%s/f%d", dir, i);
		close(need_fd(open(path, O_CREAT | O_WRONLY, 0644), path));
	}
	t0 = now();
	for (long i = 0; i < n; i++) {
		DIR *d = opendir(dir);
		int count = 0;

		if (!d)
			give_up("opendir");
		while (readdir(d))
			count++;
		closedir(d);
		if (count != 102)
			give_up("readdir saw %d entries", count);
	}
	t0 = now() - t0;
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "%s/f%d", dir, i);
		unlink(path);
	}
	rmdir(dir);
	return (double)t0;
}

/* rename: a file back and forth between two names. */
static double b_rename(long n)
{
	const char *a = make_file("ob_name_a", 1);
	const char *b = scratch_path("ob_name_b");
	uint64_t t0 = now();

	n &= ~1L;
	for (long i = 0; i < n; i++)
		if (rename(i & 1 ? b : a, i & 1 ? a : b))
			give_up("rename");
	t0 = now() - t0;
	unlink(a);
	return (double)t0;
}

const struct bench file_rows[] = {
	{ .name = "create_delete", .iters = 4000, .fn = b_create },
	{ .name = "create_delete_4k", .iters = 3000, .fn = b_create_4k },
	{ .name = "file_write_1m", .iters = 16, .fn = b_file_write, .bytes = MIB },
	{ .name = "file_read_1m", .iters = 16, .fn = b_file_read, .bytes = MIB },
	{ .name = "pread_4k", .iters = 5000, .fn = b_pread_4k, .bytes = PAGE },
	{ .name = "readdir_100", .iters = 200, .fn = b_readdir },
	{ .name = "rename", .iters = 4000, .fn = b_rename },
	{ .name = NULL },
};
