/* SPDX-License-Identifier: MIT */
/*
 * trace ROUNDS: tracers do random requests to processes that fork, make threads, execute,
 * signal each other and die; some tracers are killed. In the end everything must be gone, and the
 * memory be there again. For tests/system/robust.py.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define VICTIMS		4
#define TRACERS		3
#define REQUESTS	400
#define KNOWN		32

static const char *self;
static uint64_t state;

static uint32_t below(uint32_t limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 32) % limit;
}

static void nothing(int sig)
{
	(void)sig;
}

static void *short_thread(void *arg)
{
	for (int i = 0; i < 200; i++)
		getppid();
	return arg;
}

static void fork_one(void)
{
	pid_t pid = below(2) ? fork() : vfork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void thread_one(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, short_thread, NULL) == 0)
		pthread_join(t, NULL);
}

/* A process that never stands still for long. */
static void victim(uint64_t seed)
{
	char word[32];

	state = seed;
	signal(SIGUSR1, nothing);
	for (;;) {
		switch (below(12)) {
		case 0: fork_one(); break;
		case 1: case 2: thread_one(); break;
		case 3: raise(SIGUSR1); break;
		case 4: kill(getppid(), SIGCONT); break;
		case 5: usleep(100); break;
		case 6: kill(0, SIGUSR1); break;
		case 7: sched_yield(); break;
		case 8:
			if (below(4))
				break;
			snprintf(word, sizeof(word), "%llu",
				 (unsigned long long)seed + below(1000));
			execl(self, self, "victim", word, NULL);
			_exit(1);
		case 9:
			if (below(20) == 0)
				raise(SIGSTOP);
			break;
		default:
			short_thread(NULL);
		}
	}
}

static pid_t known[KNOWN];

static void learn(pid_t tid)
{
	known[below(KNOWN)] = tid;
}

static void take_stops(void)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		unsigned long message = 0;

		if (!WIFSTOPPED(status))
			continue;
		learn(tid);
		if (status >> 16 && ptrace(PTRACE_GETEVENTMSG, tid, 0, &message) == 0)
			learn((pid_t)message);
		if (below(3))
			ptrace(below(2) ? PTRACE_CONT : PTRACE_SYSCALL, tid, 0,
			       WSTOPSIG(status) == SIGUSR1 ? SIGUSR1 : 0);
	}
}

static void change_registers(pid_t tid)
{
	char regs[4096];
	struct iovec iov = { regs, sizeof(regs) };
	static const int notes[] = { NT_PRSTATUS, NT_PRFPREG, 0x202, 0x401, 0x402, 0x403, 0x404 };
	long note = notes[below(7)];

	if (ptrace(PTRACE_GETREGSET, tid, note, &iov) == 0)
		ptrace(PTRACE_SETREGSET, tid, note, &iov);
}

static void request(pid_t tid)
{
	static const int how[] = { PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP, PTRACE_DETACH,
				   PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP, 31 };
	siginfo_t info;
	long options = (long)below(0x80) | (below(4) ? 0 : PTRACE_O_EXITKILL);

	switch (below(12)) {
	case 0: ptrace(PTRACE_ATTACH, tid, 0, 0); break;
	case 1: case 2: ptrace(PTRACE_SEIZE, tid, 0, options); break;
	case 3: case 4: ptrace(PTRACE_INTERRUPT, tid, 0, 0); break;
	case 5: ptrace(PTRACE_LISTEN, tid, 0, 0); break;
	case 6: change_registers(tid); break;
	case 7: ptrace(PTRACE_GETSIGINFO, tid, 0, &info); break;
	case 8: ptrace(PTRACE_SETOPTIONS, tid, 0, options); break;
	case 9:
		if (below(30) == 0)
			kill(tid, below(2) ? SIGKILL : SIGSTOP);
		break;
	default:
		ptrace(how[below(8)], tid, 0, below(8) ? 0 : SIGUSR1);
	}
}

static void tracer(uint64_t seed, const pid_t *victims)
{
	state = seed;
	signal(SIGUSR1, SIG_IGN);
	for (int i = 0; i < KNOWN; i++)
		known[i] = victims[i % VICTIMS];
	for (int i = 0; i < REQUESTS; i++) {
		take_stops();
		request(known[below(KNOWN)]);
		if (below(10) == 0)
			usleep(200);
		if (below(300) == 0)
			learn(victims[below(VICTIMS)]);
	}
	_exit(0);
}

static pid_t start(uint64_t seed, const pid_t *victims, pid_t group)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, group);
		if (victims)
			tracer(seed, victims);
		victim(seed);
	}
	setpgid(pid, group ? group : pid);
	return pid;
}

/* Whatever is left of the group dies, stopped or not, and is reaped. */
static int clean_up(pid_t group)
{
	for (int i = 0; i < 500; i++) {
		kill(-group, SIGKILL);
		while (waitpid(-1, NULL, __WALL | WNOHANG) > 0)
			;
		if (waitpid(-1, NULL, __WALL | WNOHANG) < 0 && errno == ECHILD)
			return 0;
		usleep(10000);
	}
	return 1;
}

static int round_of(uint64_t seed)
{
	pid_t victims[VICTIMS] = { 0 }, tracers[TRACERS];

	for (int i = 0; i < VICTIMS; i++)
		victims[i] = start(seed + (uint64_t)i, NULL, victims[0]);
	for (int i = 0; i < TRACERS; i++)
		tracers[i] = start(seed + 10 + (uint64_t)i, victims, victims[0]);
	usleep(20000);
	kill(tracers[0], SIGKILL);
	for (int i = 0; i < 300 && kill(tracers[1], 0) == 0; i++) {
		usleep(10000);
		waitpid(tracers[1], NULL, WNOHANG);
	}
	return clean_up(victims[0]);
}

static long free_kib(void)
{
	char line[128];
	long kib = -1, most = 0;

	for (int i = 0; i < 20; i++, usleep(50000)) {
		FILE *f = fopen("/proc/meminfo", "r");

		while (f && fgets(line, sizeof(line), f))
			sscanf(line, "MemFree: %ld", &kib);
		if (f)
			fclose(f);
		most = kib > most ? kib : most;
	}
	return most;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 1, before, after, left = 0;

	self = argv[0];
	if (argc > 2 && !strcmp(argv[1], "victim"))
		victim(strtoull(argv[2], NULL, 10));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	left += round_of(77);			/* what is kept for good is kept now */
	before = free_kib();
	for (long i = 1; i < rounds; i++)
		left += round_of(1000 * (uint64_t)i);
	after = free_kib();
	printf("%ld rounds, %ld with survivors, %ld KiB less free\n", rounds, left, before - after);
	return left || before - after > 2048;
}
