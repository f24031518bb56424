/* SPDX-License-Identifier: MIT */
/*
 * Loads that a kernel must survive, for tests/system/robust.py. Each prints one line of what it saw
 * and exits with 0 if that is what must be seen. Seeds are fixed, so every run is the same run.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

#define MUTANT	"/tmp/stress-mutant"

static uint64_t random_state;

/* xorshift64* */
static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 32) % limit;
}

static long free_kib(void)
{
	char line[128];
	long kib = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && kib < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "MemFree: %ld", &kib);
	if (f)
		fclose(f);
	return kib;
}

long settled_free_kib(void)
{
	long most = 0;

	for (int i = 0; i < 20; i++) {
		long now = free_kib();

		most = now > most ? now : most;
		usleep(50000);
	}
	return most;
}

/* --- exact counts -------------------------------------------------------------------- */

/*
 * Every object that a process has of its own must be back when it is gone: the counts of these
 * caches are compared exactly. Left out are the caches of names, of what names lead to, and of the
 * maps below them (dentry, tmpfs_inode, map_node) and of kernel stacks (vmalloc_area), which keep
 * what may be used again, and the magazines, which each CPU makes when it first needs one. Other
 * kernels have other caches and count less exactly.
 */
static const char *const inexact[] = {
	"dentry", "tmpfs_inode", "map_node", "vmalloc_area", "slab_magazine",
};

#define CACHES_MAX 64

struct counts {
	int nr;
	struct count { char name[32]; long objects; } of[CACHES_MAX];
};

static bool is_inexact(const char *name)
{
	for (size_t i = 0; i < sizeof(inexact) / sizeof(inexact[0]); i++)
		if (!strcmp(name, inexact[i]))
			return true;
	return false;
}

static bool is_exact_kernel(void)
{
	char text[64] = "";
	int fd = open("/proc/version", O_RDONLY);

	(void)!read(fd, text, sizeof(text) - 1);
	close(fd);
	return strstr(text, "aegis");
}

static void read_counts(struct counts *c)
{
	char line[256];
	FILE *f = fopen("/proc/slabinfo", "r");

	c->nr = 0;
	while (f && c->nr < CACHES_MAX && fgets(line, sizeof(line), f)) {
		struct count *one = &c->of[c->nr];

		if (sscanf(line, "%31s %ld", one->name, &one->objects) == 2 &&
		    !is_inexact(one->name))
			c->nr++;
	}
	if (f)
		fclose(f);
}

/* The first cache with more objects in @now than in @before; NULL: none. */
static const struct count *more_than(const struct counts *before, const struct counts *now)
{
	for (int i = 0; i < before->nr; i++)
		if (now->of[i].objects > before->of[i].objects)
			return &now->of[i];
	return NULL;
}

/*
 * Wait until nothing is left over: what is freed after a grace period, or by a thread that is still
 * on its way out, needs a moment, on a slow machine a long one. A leak waits in vain.
 */
static bool counts_return(const struct counts *before)
{
	const struct count *more = NULL;
	struct counts now;

	for (int i = 0; i < 600; i++) {
		read_counts(&now);
		more = more_than(before, &now);
		if (!more)
			return true;
		usleep(50000);
	}
	for (int i = 0; i < before->nr; i++)
		if (now.of[i].objects > before->of[i].objects)
			printf("%s: %ld objects more; ", now.of[i].name,
			       now.of[i].objects - before->of[i].objects);
	return false;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

static void no_core(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

/* --- crash: each way to die of a fault ------------------------------------------------ */

static void crash(int way)
{
	/* Volatile, or the compiler sees what is coming. */
	volatile uintptr_t null_page = 8, kernel_page = ~0UL << 40;
	volatile char *page;

	switch (way % 6) {
	case 0:
		*(volatile int *)null_page = 1;
		break;
	case 1:
		*(volatile int *)kernel_page = 1;
		break;
	case 2:
		page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		page[0] = 1;
		break;
	case 3:
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		((void (*)(void))(uintptr_t)page)();
		break;
	case 4:
		__builtin_trap();
		break;
	default:
		abort();
	}
}

static int crash_one(int way)
{
	pid_t pid = fork();

	if (pid == 0) {
		no_core();
		crash(way);
		_exit(0);
	}
	return pid < 0 ? -1 : wait_for(pid);
}

static long crash_many(long count)
{
	long killed = 0;

	for (long i = 0; i < count; i++)
		killed += WIFSIGNALED(crash_one((int)i));
	return killed;
}

/* --- fork, exec, exit ----------------------------------------------------------------- */

/* By its own path: names below /proc/PID stay cached for a while, and keep the number. */
static const char *self_path;

static int exec_self(const char *word)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(self_path, "stress", word, (char *)NULL);
		_exit(127);
	}
	return pid < 0 ? -1 : wait_for(pid);
}

static long exec_many(long count)
{
	long good = 0;

	for (long i = 0; i < count; i++) {
		int status = exec_self("exit7");

		good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
	}
	return good;
}

/* --- many processes at once ------------------------------------------------------------- */

/* Starts all before the first may end; returns how many of them ended well. */
static long alive_many(long count)
{
	long started = 0, ended = 0;
	int gate[2], status;
	char c;

	if (pipe(gate))
		return -1;
	while (started < count) {
		pid_t pid = fork();

		if (pid < 0)
			break;
		if (pid == 0) {
			close(gate[1]);
			_exit(read(gate[0], &c, 1) != 0);
		}
		started++;
	}
	close(gate[1]);
	for (long i = 0; i < started; i++)
		ended += wait(&status) > 0 && status == 0;
	close(gate[0]);
	return ended;
}

#define ROUNDS 4

/*
 * Runs a load @first times, so that the kernel has what it keeps for reuse, then in full, up to
 * four times. No object may be left over after any of them. Pages are compared less strictly,
 * around each: 64 bytes a process or more would be missing every time; what lies in the caches of
 * another processor this time comes back the next.
 */
static int leak_test(long (*load)(long count), long count, long first)
{
	long good = load(first) == first ? count : 0, allowed = 64 + count / 16, lost = allowed + 1,
		before, after;
	static struct counts counts;
	bool is_exact = is_exact_kernel(), all_back = true;
	int round;

	before = settled_free_kib();
	if (is_exact)
		read_counts(&counts);
	for (round = 1; round <= ROUNDS && lost > allowed && good == count; round++) {
		good = load(count);
		after = settled_free_kib();
		lost = before - after;
		before = after;
		all_back = all_back && (!is_exact || counts_return(&counts));
	}
	printf("%ld of %ld as expected; %ld KiB less free in round %d; objects %s\n", good, count,
	       lost, round - 1, !is_exact ? "not counted" : all_back ? "all back" : "lost");
	return good != count || lost > allowed || !all_back;
}

static int cmd_crash(long count)
{
	return leak_test(crash_many, count, count < 1000 ? count : 1000);
}

static int cmd_forkexec(long count)
{
	return leak_test(exec_many, count, count < 1000 ? count : 1000);
}

static int cmd_alive(long count)
{
	return leak_test(alive_many, count, count);
}

/* --- a fork bomb under RLIMIT_NPROC ------------------------------------------------------- */

/* Every process forks as often as it may; ends when the pipe's other end closes. */
static void bomb(int fd)
{
	char c;

	for (int i = 0; i < 1000; i++)
		if (fork() < 0)
			usleep(1000);
	_exit(read(fd, &c, 1) < 0);
}

static int start_bomb(long limit, int fd)
{
	const struct rlimit rl = { (rlim_t)limit, (rlim_t)limit };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	/* The limit does not bind uid 0. */
	if (setpgid(0, 0) || setrlimit(RLIMIT_NPROC, &rl) || setgid(1000) || setuid(1000))
		_exit(2);
	bomb(fd);
	return 0;
}

static int cmd_bomb(long limit)
{
	int gate[2];
	pid_t leader;
	int good = 0;

	if (pipe(gate))
		return 2;
	leader = start_bomb(limit, gate[0]);
	sleep(3);
	/* The others must be able to live beside it. */
	for (int i = 0; i < 20; i++) {
		int status = exec_self("exit7");

		good += WIFEXITED(status) && WEXITSTATUS(status) == 7;
	}
	for (int i = 0; i < 50; i++) {
		if (kill(-leader, SIGKILL) && errno == ESRCH)
			break;
		usleep(20000);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	printf("%d of 20 programs ran beside the bomb\n", good);
	return good != 20;
}

/* --- malformed programs --------------------------------------------------------------------- */

static uint8_t *read_self(size_t *size)
{
	struct stat st;
	uint8_t *data;
	int fd = open("/proc/self/exe", O_RDONLY);

	if (fd < 0 || fstat(fd, &st) || !(data = malloc((size_t)st.st_size)))
		return NULL;
	for (*size = 0; *size < (size_t)st.st_size;) {
		ssize_t n = read(fd, data + *size, (size_t)st.st_size - *size);

		if (n <= 0)
			return NULL;
		*size += (size_t)n;
	}
	close(fd);
	return data;
}

/* Changes one to four values of the headers (mostly) or cuts the file; returns the new size. */
static size_t mutate(uint8_t *data, size_t size)
{
	static const uint64_t edges[] = { 0, 1, 2, 0x7f, 0xfff, 0x1000, 0x7fffffff, 0x80000000,
					  0xffffffff,
		0x7ffffffff000, 0x800000000000, 0xffff800000000000, ~0ULL, ~0xfffULL };
	uint32_t headers = sizeof(Elf64_Ehdr) + 8 * sizeof(Elf64_Phdr);

	for (uint32_t i = 0, n = 1 + random_below(4); i < n; i++) {
		uint32_t limit = random_below(8) ? headers : (uint32_t)size - 8;
		uint32_t width = 1U << random_below(4), at = random_below(limit) & ~(width - 1);
		uint64_t value = edges[random_below(sizeof(edges) / sizeof(edges[0]))];

		if (random_below(3) == 0)
			value = ((uint64_t)random_below(~0U) << 32) | random_below(~0U);
		memcpy(data + at, &value, width);
	}
	return random_below(16) ? size : random_below((uint32_t)size);
}

static int write_mutant(const uint8_t *data, size_t size)
{
	int fd = open(MUTANT, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (fd < 0)
		return -1;
	if (write(fd, data, size) != (ssize_t)size) {
		close(fd);
		return -1;
	}
	return close(fd);
}

/* As a user without rights, and for a second at most: it may do anything. */
static int run_mutant(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		const struct rlimit procs = { 32, 32 }, memory = { 64 << 20, 64 << 20 };

		no_core();
		setrlimit(RLIMIT_NPROC, &procs);
		setrlimit(RLIMIT_AS, &memory);
		setpgid(0, 0);
		if (setgid(1000) || setuid(1000))
			_exit(126);
		alarm(1);
		execl(MUTANT, MUTANT, "exit7", (char *)NULL);
		_exit(100 + (errno == ENOEXEC) + 2 * (errno == ENOMEM) + 4 * (errno == EINVAL));
	}
	return pid < 0 ? -1 : wait_for(pid);
}

static int cmd_elf(long count)
{
	size_t size;
	uint8_t *self = read_self(&size), *work = self ? malloc(size) : NULL;
	long refused = 0, killed = 0, ran = 0, lost = 0;

	if (!work)
		return 2;
	random_state = 0x9e3779b97f4a7c15;
	for (long i = 0; i < count; i++) {
		int status;

		memcpy(work, self, size);
		if (write_mutant(work, mutate(work, size)))
			return 2;
		status = run_mutant();
		if (status == -1)
			lost++;
		else if (WIFSIGNALED(status))
			killed++;
		else if (WEXITSTATUS(status) >= 100 && WEXITSTATUS(status) < 108)
			refused++;
		else
			ran++;
	}
	unlink(MUTANT);
	printf("%ld mutants: %ld refused, %ld killed, %ld ran, %ld lost\n", count, refused, killed,
	       ran, lost);
	return lost != 0 || refused + killed + ran != count;
}

/* --- one process that wants too much --------------------------------------------------- */

static int hog_memory(void)
{
	for (;;) {
		char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		if (p == MAP_FAILED)
			return 1;
		memset(p, 1, 1 << 20);
	}
}

static volatile bool is_deep_enough;

static int recurse(volatile char *above)
{
	volatile char here[256];

	here[0] = above ? above[0] : 1;
	if (is_deep_enough)
		return 0;
	return recurse(here) + here[0];
}

static int dig(void)
{
	return recurse(NULL);
}

/* Returns 0 if the limit of descriptors is met with EMFILE and all can be had again. */
static int exhaust_descriptors(void)
{
	const struct rlimit limit = { 500, 500 };

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int round = 0; round < 3; round++) {
		int fd;

		while ((fd = open("/dev/null", O_RDONLY)) >= 0)
			if (fd >= 500)
				return 1;
		if (errno != EMFILE || pipe((int[2]){ 0 }) == 0)
			return 2;
		for (fd = 3; fd < 500; fd++)
			close(fd);
	}
	return 0;
}

static int run_greedy(int (*want)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		no_core();
		_exit(want());
	}
	return pid < 0 ? -1 : wait_for(pid);
}

static int cmd_greedy(long count)
{
	long good = 0;

	for (long i = 0; i < count; i++) {
		int hog = run_greedy(hog_memory), deep = run_greedy(dig),
			files = run_greedy(exhaust_descriptors);
		bool fine = WIFSIGNALED(hog) && WTERMSIG(hog) == SIGKILL && WIFSIGNALED(deep) &&
			    WTERMSIG(deep) == SIGSEGV && files == 0;

		if (!fine)
			printf("memory %#x, stack %#x, descriptors %#x; ", hog, deep, files);
		good += fine;
	}
	printf("%ld of %ld as expected\n", good, count);
	return good != count;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(long count);
	} commands[] = {
		{ "crash", cmd_crash }, { "forkexec", cmd_forkexec }, { "alive", cmd_alive },
		{ "bomb", cmd_bomb }, { "elf", cmd_elf }, { "greedy", cmd_greedy },
		{ "sockets", cmd_sockets },
	};

	if (argc == 2 && !strcmp(argv[1], "exit7"))
		return 7;
	self_path = *argv[0] == '/' ? argv[0] : "/proc/self/exe";
	for (size_t i = 0; argc == 3 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(atol(argv[2]));
	fprintf(stderr, "usage: stress crash|forkexec|alive|bomb|elf|greedy|sockets COUNT\n");
	return 2;
}
