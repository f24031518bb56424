/* SPDX-License-Identifier: MIT */
/* mmap, munmap, mprotect, mremap, madvise, msync, brk. */
#include "abi.h"

#define PAGE 4096L

static char *map(long pages, int prot)
{
	return mmap(NULL, (size_t)(pages * PAGE), prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* A byte is readable if write(2) to a pipe does not fault. */
static bool readable(const void *p)
{
	static int fds[2] = { -1, -1 };
	char byte;

	if (fds[0] < 0)
		(void)!pipe(fds);
	return write(fds[1], p, 1) == 1 && read(fds[0], &byte, 1) == 1;
}

static bool writable(void *p)
{
	static int zero = -1;

	if (zero < 0)
		zero = open("/dev/zero", O_RDONLY);
	return read(zero, p, 1) == 1;
}

static long tell(const void *p)
{
	return p == MAP_FAILED ? -1 : 0;
}

ABI_TEST(memory, mmap_errors)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	int ro = open("file", O_RDONLY);

	TRY(tell(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	TRY(tell(mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0)));
	TRY(tell(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0)));
	TRY(tell(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1)));
	TRY(tell(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0)));
	TRY(tell(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0)));
	TRY(tell(mmap(NULL, ~0UL - 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
	TRY(tell(mmap((void *)4097, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		      0)));
	TRY(tell(mmap((void *)~(PAGE - 1), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		      -1, 0)));
	TRY(munmap((void *)1, PAGE));
	TRY(munmap((void *)(16 * PAGE), 0));
	unlink("file");
}

ABI_TEST(memory, fixed_and_noreplace)
{
	char *p = map(3, PROT_READ | PROT_WRITE);
	char *q;

	p[0] = p[PAGE] = p[2 * PAGE] = 7;
	q = mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0);
	say("fixed at the place %d, new page %d, neighbours %d %d", q == p + PAGE, q[0], p[0],
	    p[2 * PAGE]);
	TRY(tell(mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		      0)));
	TRY(munmap(p + PAGE, PAGE));
	say("hole: %d %d %d", readable(p), readable(p + PAGE), readable(p + 2 * PAGE));
	TRY(munmap(p, 3 * PAGE));
	q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("free hint taken %d", q == p);
}

ABI_TEST(memory, mprotect)
{
	char *p = map(3, PROT_READ | PROT_WRITE);

	TRY(mprotect(p + PAGE, PAGE, PROT_READ));
	say("writable %d %d %d", writable(p), writable(p + PAGE), writable(p + 2 * PAGE));
	TRY(mprotect(p, 3 * PAGE, PROT_NONE));
	say("readable %d", readable(p));
	TRY(mprotect(p, 3 * PAGE, PROT_READ | PROT_WRITE));
	say("writable %d %d %d", writable(p), writable(p + PAGE), writable(p + 2 * PAGE));
	TRY(mprotect(p + 1, PAGE, PROT_READ));
	munmap(p + PAGE, PAGE);
	TRY(mprotect(p, 3 * PAGE, PROT_READ));
	say("as far as the hole: %d %d", writable(p), writable(p + 2 * PAGE));
	TRY(mprotect(p, 0, PROT_READ));
}

ABI_TEST(memory, reserve_much)
{
	char *p = mmap(NULL, 1UL << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		       0);

	say("64 GiB reserved %d", p != MAP_FAILED);
	TRY(mprotect(p + (1UL << 35), PAGE, PROT_READ | PROT_WRITE));
	p[1UL << 35] = 1;
	say("one page used %d", p[1UL << 35]);
	TRY(munmap(p, 1UL << 36));
}

ABI_TEST(memory, mremap)
{
	char *p = map(2, PROT_READ | PROT_WRITE), *q, *r;

	memset(p, 'a', (size_t)(2 * PAGE));
	q = mremap(p, (size_t)(2 * PAGE), (size_t)(8 * PAGE), MREMAP_MAYMOVE);
	say("grown %d: %d %d", q != MAP_FAILED, q[2 * PAGE - 1], q[8 * PAGE - 1]);
	r = mremap(q, (size_t)(8 * PAGE), (size_t)PAGE, 0);
	say("shrunk in place %d, rest gone %d", r == q, !readable(q + PAGE));
	r = map(4, PROT_READ);
	q = mremap(q, (size_t)PAGE, (size_t)PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r + PAGE);
	say("moved to a place %d, content %d", q == r + PAGE, q[5]);
	TRY(tell(mremap(q, (size_t)PAGE, 0, MREMAP_MAYMOVE)));
	TRY(tell(mremap(q, (size_t)PAGE, (size_t)PAGE, MREMAP_FIXED, r)));
	TRY(tell(mremap(q + 1, (size_t)PAGE, (size_t)PAGE, MREMAP_MAYMOVE)));
	munmap(q, (size_t)PAGE);
	TRY(tell(mremap(q, (size_t)PAGE, (size_t)(2 * PAGE), MREMAP_MAYMOVE)));
}

ABI_TEST(memory, madvise)
{
	char *p = map(4, PROT_READ | PROT_WRITE);

	memset(p, 'x', (size_t)(4 * PAGE));
	TRY(madvise(p + PAGE, (size_t)PAGE, MADV_DONTNEED));
	say("after DONTNEED %d %d %d", p[0], p[PAGE], p[2 * PAGE]);
	TRY(madvise(p, (size_t)PAGE, MADV_WILLNEED));
	TRY(madvise(p, (size_t)PAGE, MADV_FREE));
	TRY(madvise(p + 1, (size_t)PAGE, MADV_DONTNEED));
	TRY(madvise(p, (size_t)PAGE, 9999));
	munmap(p + PAGE, (size_t)PAGE);
	TRY(madvise(p, (size_t)(4 * PAGE), MADV_DONTNEED));
	TRY(madvise(p + 2 * PAGE, (size_t)PAGE, MADV_DONTFORK));
}

ABI_TEST(memory, shared_and_private_files)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *s, *p, byte;

	(void)!ftruncate(fd, 2 * PAGE);
	(void)!pwrite(fd, "one", 3, 0);
	s = mmap(NULL, (size_t)(2 * PAGE), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	p = mmap(NULL, (size_t)(2 * PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	say("shared %.3s private %.3s", s, p);
	s[0] = 'O';
	(void)!pread(fd, &byte, 1, 0);
	say("file %c, private not yet copied %c", byte, p[0]);
	p[1] = 'P';
	say("shared %.3s private %.3s", s, p);
	(void)!pwrite(fd, "X", 1, 2);
	say("shared %.3s private %.3s", s, p);
	if (fork() == 0) {
		s[PAGE] = 's';
		p[PAGE] = 'p';
		_exit(0);
	}
	wait(NULL);
	say("child's store: shared %d private %d", s[PAGE], p[PAGE]);
	TRY(msync(s, (size_t)PAGE, MS_SYNC));
	TRY(msync(s, (size_t)PAGE, MS_SYNC | MS_ASYNC));
	TRY(msync(s + 1, (size_t)PAGE, MS_SYNC));
	munmap(p, (size_t)(2 * PAGE));
	TRY(msync(p, (size_t)PAGE, MS_SYNC));
	unlink("file");
	say("after unlink %.3s", s);
}

ABI_TEST(memory, brk)
{
	char *start = sbrk(0), *p;

	p = sbrk(3 * PAGE);
	say("grown where it ended %d", p == start);
	p[0] = p[3 * PAGE - 1] = 5;
	sbrk(-2 * PAGE);
	sbrk(2 * PAGE);
	say("kept %d, fresh %d", p[0], p[3 * PAGE - 1]);
	say("a mad brk changes nothing %d", (char *)syscall(SYS_brk, ~0UL) == (char *)sbrk(0));
}

ABI_TEST(memory, fork_cow_stress)
{
	enum { PAGES = 256 };
	char *p = map(PAGES, PROT_READ | PROT_WRITE);
	int status, bad = 0;

	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = (char)i;
	for (int round = 0; round < 8; round++) {
		if (fork() == 0) {
			for (int i = 0; i < PAGES; i++)
				bad |= p[i * PAGE] != (char)(i + round);
			for (int i = 0; i < PAGES; i += 3)
				p[i * PAGE] = 99;
			_exit(bad);
		}
		wait(&status);
		bad |= status;
		for (int i = 0; i < PAGES; i++)
			p[i * PAGE]++;
	}
	say("bad %d", bad);
}

ABI_TEST(memory, mincore_and_lock)
{
	unsigned char vec[4];
	char *p = map(4, PROT_READ | PROT_WRITE);

	p[0] = p[2 * PAGE] = 1;
	TRY(mincore(p, (size_t)(4 * PAGE), vec));
	say("resident %d %d %d %d", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
	TRY(mincore(p + 1, (size_t)PAGE, vec));
	TRY(mlock(p, (size_t)PAGE));
	TRY(munlock(p, (size_t)PAGE));
}
