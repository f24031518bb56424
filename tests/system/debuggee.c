/* SPDX-License-Identifier: MIT */
/*
 * What debuggers.py has strace and gdb look at: debuggee plain | thread | fork | crash | sleep |
 * calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int counter;
static int table[4];
static volatile double real = 0.5;

__attribute__((noinline)) static int leaf(int a)
{
	counter += a;
	real *= 2;
	return counter;
}

__attribute__((noinline)) static int middle(int a)
{
	int r = leaf(a * 2);

	table[a & 3] = r;
	return r + 1;
}

static int plain(void)
{
	int r = middle(1);

	r += middle(2);
	r += middle(3);
	return r == 23 ? 0 : 1;
}

static void *worker(void *arg)
{
	return (void *)(long)middle((int)(long)arg);
}

static int thread(void)
{
	pthread_t t;
	void *result;

	for (long i = 1; i < 4; i++) {
		pthread_create(&t, NULL, worker, (void *)i);
		pthread_join(t, &result);
	}
	return counter == 12 ? 0 : 1;
}

static int forking(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(middle(7) == 15 ? 5 : 6);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static pthread_barrier_t meet;

static void *idle(void *arg)
{
	pthread_barrier_wait(&meet);
	for (;;)
		pause();
	return arg;
}

__attribute__((noinline)) static int crash_at(int *p)
{
	*p = counter;
	return *p;
}

static int crash(void)
{
	pthread_t t;

	pthread_barrier_init(&meet, NULL, 4);
	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, idle, NULL);
	pthread_barrier_wait(&meet);
	table[2] = 1234;
	return crash_at((int *)16);
}

static int sleeping(void)
{
	while (!counter)
		usleep(10000);
	return counter;
}

static void note(int sig)
{
	counter = sig;
}

static int calls(void)
{
	int fds[2];
	char buf[8];

	if (open("/nonexistent/file", O_RDONLY) >= 0 || close(77) == 0 || pipe(fds))
		return 1;
	signal(SIGUSR1, note);
	kill(getpid(), SIGUSR1);
	if (write(fds[1], "hello\n", 6) != 6 || read(fds[0], buf, sizeof(buf)) != 6)
		return 1;
	dup2(fds[0], 9);
	unlink("/tmp/none");
	forking();
	return 3;
}

int main(int argc, char **argv)
{
	static const struct { const char *name; int (*run)(void); } modes[] = {
		{ "plain", plain }, { "thread", thread }, { "fork", forking }, { "crash", crash },
		{ "sleep", sleeping }, { "calls", calls },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(argv[1], modes[i].name))
			return modes[i].run();
	return 2;
}
