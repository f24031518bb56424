/* SPDX-License-Identifier: MIT */
/* Mappings and page faults. */
#include "osbench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* mmap_munmap: map and unmap 64 KiB without touching it. */
static double b_mmap(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		munmap(need_map(64 * KIB, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1), 64 * KIB);
	return (double)(now() - t0);
}

/* mprotect: flip the protection of one page in the middle of a mapping. */
static double b_mprotect(long n)
{
	char *p = need_map(16 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t t0;

	memset(p, 1, 16 * PAGE);
	t0 = now();
	for (long i = 0; i < n; i++)
		if (mprotect(p + 4 * PAGE, PAGE,
			     i & 1 ? PROT_READ | PROT_WRITE : PROT_READ))
			give_up("mprotect");
	t0 = now() - t0;
	munmap(p, 16 * PAGE);
	return (double)t0;
}

static double touch_fresh(long pages, int nohuge)
{
	const long chunk = 1024;	/* 4 MiB at a time */
	double total = 0;

	for (long done = 0; done < pages; done += chunk) {
		volatile char *p = need_map((size_t)(chunk * PAGE),
					    PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1);
		uint64_t t0;

		if (nohuge)
			madvise((void *)p, (size_t)(chunk * PAGE), MADV_NOHUGEPAGE);
		t0 = now();
		for (long i = 0; i < chunk; i++)
			p[i * PAGE] = 1;
		total += (double)(now() - t0);
		munmap((void *)p, (size_t)(chunk * PAGE));
	}
	return total;
}

/* fault_anon: first write to a fresh anonymous 4 KiB page (huge pages off);
 * op = one page. */
static double b_fault(long n) { return touch_fresh(n, 1); }

/* fault_anon_any: the same under the kernel's default huge-page policy. */
static double b_fault_any(long n) { return touch_fresh(n, 0); }

/* map_touch_unmap_64k: the cycle an allocator causes: mmap 64 KiB, write all
 * 16 pages, munmap; op = whole cycle. */
static double b_map_touch(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		volatile char *p = need_map(64 * KIB, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1);

		for (long k = 0; k < 16; k++)
			p[k * PAGE] = 1;
		munmap((void *)p, 64 * KIB);
	}
	return (double)(now() - t0);
}

/* fault_file: first read of a page-cached file page through mmap. */
static double b_fault_file(long n)
{
	const long pages = 256;
	const char *path = make_file("ob_mapped", (size_t)(pages * PAGE));
	int fd = need_fd(open(path, O_RDONLY), path);
	double total = 0;

	for (long done = 0; done < n; done += pages) {
		volatile char *p = need_map((size_t)(pages * PAGE), PROT_READ,
					    MAP_PRIVATE, fd);
		uint64_t t0 = now();

		for (long i = 0; i < pages; i++)
			(void)p[i * PAGE];
		total += (double)(now() - t0);
		munmap((void *)p, (size_t)(pages * PAGE));
	}
	close(fd);
	unlink(path);
	return total;
}

/* fault_cow: in a forked child, first write to a page shared copy-on-write
 * with its parent; op = one page. */
static double b_cow(long n)
{
	const long pages = 512;
	size_t len = (size_t)(pages * PAGE);
	volatile char *p = need_map(len, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t *out = shared_mem(PAGE);
	double total = 0;

	madvise((void *)p, len, MADV_NOHUGEPAGE);
	memset((void *)p, 1, len);
	for (long done = 0; done < n; done += pages) {
		pid_t kid = need_fork();

		if (kid == 0) {
			uint64_t t0 = now();

			for (long i = 0; i < pages; i++)
				p[i * PAGE] = 2;
			*out = now() - t0;
			_exit(0);
		}
		reap(kid);
		total += (double)*out;
	}
	munmap((void *)p, len);
	munmap(out, PAGE);
	return total;
}

const struct bench mem_rows[] = {
	{ .name = "mmap_munmap", .iters = 10000, .fn = b_mmap },
	{ .name = "mprotect", .iters = 10000, .fn = b_mprotect },
	{ .name = "fault_anon", .iters = 8192, .fn = b_fault },
	{ .name = "fault_anon_any", .iters = 8192, .fn = b_fault_any },
	{ .name = "fault_file", .iters = 8192, .fn = b_fault_file },
	{ .name = "fault_cow", .iters = 4096, .fn = b_cow },
	{ .name = "map_touch_unmap_64k", .iters = 500, .fn = b_map_touch },
	{ .name = NULL },
};
