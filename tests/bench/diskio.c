/* SPDX-License-Identifier: MIT */
/*
 * diskio - tiny block and file I/O exerciser, one outstanding request.
 *
 *   diskio PATH MODE BLOCK_KIB SPAN_MIB SECONDS [direct]
 *     MODE  seqread seqwrite randread randwrite
 *     PATH  a block device, or a file (created and filled for the reads)
 *     direct  O_DIRECT; without it writes are followed by one timed fsync
 * Prints MB/s, operations per second and microseconds per operation.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	long bs, ops = 0, blocks, at = 0;
	double secs, limit, t0;
	int fd, wr, rnd, direct;
	uint64_t seed = 88172645463325252u;
	struct stat st;
	char *buf;

	if (argc < 6) {
		fprintf(stderr, "see the head of diskio.c\n");
		return 2;
	}
	wr = strstr(argv[2], "write") != NULL;
	rnd = strstr(argv[2], "rand") != NULL;
	bs = atol(argv[3]) * 1024;
	blocks = atol(argv[4]) * 1024 * 1024 / bs;
	limit = atof(argv[5]);
	direct = argc > 6 && !strcmp(argv[6], "direct");
	buf = mmap(NULL, (size_t)bs, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fd = open(argv[1], O_RDWR | O_CREAT | (direct ? O_DIRECT : 0), 0644);
	if (fd < 0 || buf == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	memset(buf, 0x5a, (size_t)bs);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !wr &&
	    st.st_size < blocks * bs) {
		for (long i = 0; i < blocks; i++)
			if (pwrite(fd, buf, (size_t)bs, i * bs) != bs) {
				perror("fill");
				return 1;
			}
		fsync(fd);
	}
	t0 = now();
	/* sequential runs make one pass over the span at most */
	while (now() - t0 < limit && (rnd || ops < blocks)) {
		ssize_t r;

		if (rnd) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			at = (long)(seed % (uint64_t)blocks);
		} else {
			at = ops;
		}
		r = wr ? pwrite(fd, buf, (size_t)bs, at * bs)
		       : pread(fd, buf, (size_t)bs, at * bs);
		if (r != bs) {
			perror("i/o");
			return 1;
		}
		ops++;
	}
	if (wr && !direct)
		fsync(fd);
	secs = now() - t0;
	printf("%s\t%s\tbs=%ldK%s\t%.1f MB/s\t%.0f IOPS\t%.1f us/op\n",
	       argv[1], argv[2], bs / 1024, direct ? "\tdirect" : "\tbuffered",
	       (double)(ops * bs) / secs * 1e-6, (double)ops / secs,
	       secs * 1e6 / (double)ops);
	return 0;
}
