/* SPDX-License-Identifier: MIT */
/*
 * fsx: random operations on one file, or block device, against a model in memory.
 *
 *	fsx SEED OPERATIONS PATH [SIZE]
 *
 * Reads, writes, stores and loads through a shared mapping, direct I/O, truncation, holes, fsync
 * and msync, in an order that depends on SEED alone, so that the same stream runs on Aegis and on
 * Linux.  Prints a hash of everything that was read; exits with 1 at the first byte that is not as
 * the model says.  What a file system does not offer (holes, direct I/O) is left out, but the
 * stream stays.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096

static uint64_t state, hash = 0xcbf29ce484222325ULL;
static unsigned char *model, *buf;
static size_t max_size, size;
static int fd, direct_fd = -1, is_device;
static long step;
static char last[8][96];

static uint64_t rnd(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void fail(const char *what, size_t at)
{
	fprintf(stderr, "fsx: step %ld: %s at %zu (size %zu): %s\n", step, what, at, size,
		strerror(errno));
	for (long i = step >= 7 ? step - 7 : 0; i <= step; i++)
		fprintf(stderr, "fsx:   %ld %s\n", i, last[i % 8]);
	exit(1);
}

static void check(const unsigned char *got, size_t at, size_t len, const char *how)
{
	for (size_t i = 0; i < len; i++) {
		if (got[i] != model[at + i]) {
			fprintf(stderr, "fsx: byte %zu is %#x, not %#x\n", at + i, got[i],
				model[at + i]);
			errno = 0;
			fail(how, at);
		}
		hash = (hash ^ got[i]) * 0x100000001b3ULL;
	}
}

/* New content for [at, at + len); a file grows by it. */
static void fill(size_t at, size_t len)
{
	uint64_t v = rnd();

	for (size_t i = 0; i < len; i++) {
		v = v * 6364136223846793005ULL + 1442695040888963407ULL;
		model[at + i] = (unsigned char)(v >> 56);
	}
	if (at + len > size)
		size = at + len;
}

static void do_write(int to, size_t at, size_t len, const char *how)
{
	fill(at, len);
	memcpy(buf, model + at, len);
	if (pwrite(to, buf, len, (off_t)at) != (ssize_t)len)
		fail(how, at);
}

static void do_read(int from, size_t at, size_t len, const char *how)
{
	size_t want = at >= size ? 0 : len < size - at ? len : size - at;
	ssize_t n = pread(from, buf, len, (off_t)at);

	if (n != (ssize_t)want)
		fail(how, at);
	check(buf, at, want, how);
}

static void do_map(size_t at, size_t len, int for_write)
{
	size_t skip = at % BLOCK;
	unsigned char *p;

	if (at >= size)
		return;
	if (len > size - at)
		len = size - at;
	p = mmap(NULL, skip + len, for_write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd,
		 (off_t)(at - skip));
	if (p == MAP_FAILED)
		fail("mmap", at);
	if (for_write) {
		fill(at, len);
		memcpy(p + skip, model + at, len);
		if (rnd() % 4 == 0 && msync(p, skip + len, MS_SYNC))
			fail("msync", at);
	} else {
		check(p + skip, at, len, "mapped read");
		/* Behind the end of the file its last page is zeros. */
		for (size_t i = skip + len; at + len == size && i % BLOCK && !is_device; i++)
			if (p[i])
				fail("bytes behind the end", at);
	}
	munmap(p, skip + len);
}

static void do_truncate(size_t to)
{
	if (is_device)
		return;
	if (ftruncate(fd, (off_t)to))
		fail("ftruncate", to);
	if (to < size)
		memset(model + to, 0, size - to);
	size = to;
}

static void do_punch(size_t at, size_t len)
{
	size_t end = at + len;

	if (is_device) {
		at = at / BLOCK * BLOCK;
		end = (end + BLOCK - 1) / BLOCK * BLOCK;
	}
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
		      (off_t)(end - at))) {
		if (errno == EOPNOTSUPP)
			return;
		fail("punch", at);
	}
	if (at < size)
		memset(model + at, 0, (end < size ? end : size) - at);
}

static void one_step(void)
{
	uint64_t r = rnd();
	size_t at = (size_t)(rnd() % max_size), len = (size_t)(rnd() % (r & 8 ? 65536 : 3000)) + 1,
	       block_at = at / BLOCK * BLOCK, block_len = (len + BLOCK - 1) / BLOCK * BLOCK;
	unsigned int what = (unsigned int)(r >> 8) % 20;

	if (len > max_size - at)
		len = max_size - at;
	if (block_len > max_size - block_at)
		block_len = max_size - block_at;
	snprintf(last[step % 8], sizeof(last[0]), "op %u at %zu len %zu size %zu", what, at, len,
		 size);
	if (what < 5)
		do_write(fd, at, len, "write");
	else if (what < 9)
		do_read(fd, at, len, "read");
	else if (what < 11)
		do_map(at, len, 1);
	else if (what < 13)
		do_map(at, len, 0);
	else if (what == 13)
		do_truncate(at);
	else if (what == 14)
		do_punch(at, len);
	else if (what == 15 && direct_fd >= 0)
		do_write(direct_fd, block_at, block_len, "direct write");
	else if (what == 16 && direct_fd >= 0)
		do_read(direct_fd, block_at, block_len, "direct read");
	else if (what == 17 && fsync(fd))
		fail("fsync", 0);
	else if (what == 18 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		fail("fadvise", 0);
	else if (what == 19 && sync_file_range(fd, (off_t)at, (off_t)len, 7))
		fail("sync_file_range", at);
	else if (what == 15)
		fill(at, 0);		/* the stream of random numbers stays the same */
}

int main(int argc, char **argv)
{
	long steps = argc > 2 ? atol(argv[2]) : 0;
	struct stat st;

	if (argc < 4)
		return fprintf(stderr, "usage: fsx SEED OPERATIONS PATH [SIZE]\n"), 2;
	state = strtoull(argv[1], NULL, 0);
	max_size = (argc > 4 ? strtoull(argv[4], NULL, 0) : 256 << 10) / BLOCK * BLOCK;
	model = calloc(1, max_size);
	if (posix_memalign((void **)&buf, BLOCK, max_size + BLOCK) || !model)
		return 2;
	fd = open(argv[3], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || fstat(fd, &st))
		return perror(argv[3]), 2;
	is_device = S_ISBLK(st.st_mode);
	if (is_device) {		/* begins with zeros, and keeps its size */
		memset(buf, 0, max_size);
		if (pwrite(fd, buf, max_size, 0) != (ssize_t)max_size)
			return perror(argv[3]), 2;
		size = max_size;
	} else if (ftruncate(fd, 0)) {
		return perror(argv[3]), 2;
	}
	direct_fd = open(argv[3], O_RDWR | O_DIRECT);
	for (step = 0; step < steps; step++)
		one_step();
	snprintf(last[step % 8], sizeof(last[0]), "the end");
	for (size_t at = 0; at < size; at += 1 << 16)
		do_read(fd, at, 1 << 16 < size - at ? 1 << 16 : size - at, "last read");
	if (fsync(fd))
		fail("last fsync", 0);
	printf("fsx: %ld operations, size %zu, hash %016llx\n", steps, size,
	       (unsigned long long)hash);
	return 0;
}
