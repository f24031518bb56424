/* SPDX-License-Identifier: MIT */
/*
 * Every register holds a pattern while a call is made, a signal is handled or another program runs:
 * all but the ones that the ABI gives away must be the same afterwards. The assembly is in
 * registers_*.S.
 */
#include "abi.h"

#include <sched.h>
#include <sys/time.h>

#ifdef __x86_64__
enum { GENERAL = 16, UNUSED = 7, VECTORS = 16 };	/* rax rbx rcx rdx rsi rdi rbp - r8..r15 */
#else
enum { GENERAL = 32, UNUSED = 31, VECTORS = 32 };	/* x0..x30, the last unused */
#endif

struct registers {
	uint64_t general[GENERAL];
	uint64_t vector[VECTORS][2];
};

/* Load all from @in, make the system call that they say, store all in @out. */
long registers_syscall(const struct registers *in, struct registers *out);
/* Load all, count down from the pattern in the counting register's place, store all. */
void registers_spin(const struct registers *in, struct registers *out, uint64_t rounds);

static void fill(struct registers *r, uint64_t seed)
{
	uint64_t *word = (uint64_t *)r;

	for (size_t i = 0; i < sizeof(*r) / 8; i++)
		word[i] = (seed += 0x9e3779b97f4a7c15ULL) * (i + 1) | 1;
}

static void set_call(struct registers *r, long nr, uint64_t a0)
{
#ifdef __x86_64__
	r->general[0] = (uint64_t)nr;
	r->general[5] = a0;
#else
	r->general[8] = (uint64_t)nr;
	r->general[0] = a0;
#endif
}

/* Registers that a system call may change. */
static bool given_away(int i)
{
#ifdef __x86_64__
	return i == 0 || i == 2 || i == 7 || i == 11;
#else
	return i == 0 || i == 31;
#endif
}

static int differences(const struct registers *a, const struct registers *b)
{
	int count = memcmp(a->vector, b->vector, sizeof(a->vector)) != 0;

	for (int i = 0; i < GENERAL; i++) {
		if (!given_away(i))
			count += a->general[i] != b->general[i];
	}
	return count;
}

static int round_trip(long nr, uint64_t a0, uint64_t seed)
{
	struct registers in, out;

	fill(&in, seed);
	set_call(&in, nr, a0);
	registers_syscall(&in, &out);
	return differences(&in, &out);
}

ABI_TEST(registers, syscall)
{
	say("getpid: %d differ", round_trip(SYS_getpid, 1, 1));
	say("no such call: %d differ", round_trip(5000, 1, 2));
	say("sched_yield: %d differ", round_trip(SYS_sched_yield, 1, 3));
	say("failing close: %d differ", round_trip(SYS_close, 9999, 4));
}

#ifdef SYS_fork
#define FORK(seed) round_trip(SYS_fork, 0, seed)
#else
static int clone_round_trip(uint64_t seed)
{
	struct registers in, out;

	fill(&in, seed);
	in.general[0] = SIGCHLD;
	for (int i = 1; i < 5; i++)
		in.general[i] = 0;
	in.general[8] = SYS_clone;
	registers_syscall(&in, &out);
	return differences(&in, &out);
}
#define FORK(seed) clone_round_trip(seed)
#endif

ABI_TEST(registers, fork)
{
	pid_t me = getpid();
	int differ = FORK(7), status;

	if ((pid_t)syscall(SYS_getpid) != me)
		_exit(differ);
	say("parent: %d differ", differ);
	wait(&status);
	say("child: %d differ", WEXITSTATUS(status));
}

static volatile int signals;

static void trash(int sig)
{
	struct registers in, out;

	(void)sig;
	fill(&in, 0x55);
	set_call(&in, SYS_getppid, 0);
	registers_syscall(&in, &out);
	signals++;
}

static int spin_until(int wanted, uint64_t seed)
{
	struct registers in, out;
	int differ = 0;

	fill(&in, seed);
	out.general[UNUSED] = in.general[UNUSED];
	for (int i = 0; i < 2000 && (i < 3 || signals < wanted); i++) {
		registers_spin(&in, &out, 200000);
		differ += memcmp(&in, &out, sizeof(in)) != 0;
	}
	return differ;
}

ABI_TEST(registers, signals)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };

	signal(SIGALRM, trash);
	setitimer(ITIMER_REAL, &it, NULL);
	say("interrupted by handlers: %d differ", spin_until(20, 11));
	say("handled %d", signals >= 20);
}

static int spinner(void *arg)
{
	return spin_until(1 << 30, (uint64_t)(intptr_t)arg) != 0;
}

static int spin_some(void *arg)
{
	signals = 1 << 30;
	for (int i = 0; i < 40; i++) {
		if (spinner(arg))
			return 1;
		sched_yield();
	}
	return 0;
}

ABI_TEST(registers, between_processes)
{
	int status;

	for (long i = 0; i < 6; i++)
		spawn(spin_some, (void *)(i * 1000 + 1));
	while (wait(&status) > 0)
		show_status("spinner", status);
}
