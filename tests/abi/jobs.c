/* SPDX-License-Identifier: MIT */
/*
 * Where processes, threads and signals meet: exec among threads, waiting for signals, job control,
 * limits.
 */
#include "abi.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *exec_self(void *arg)
{
	static char *const env[] = { NULL };

	execle(abi_program, abi_program, "@args", "from a thread", NULL, env);
	return arg;
}

static void start_threads(int sleepers, void *(*last)(void *))
{
	pthread_t t;

	for (int i = 0; i < sleepers; i++)
		pthread_create(&t, NULL, sleep_for_ever, NULL);
	if (last)
		pthread_create(&t, NULL, last, NULL);
}

static void wait_and_show(const char *what, pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	show_status(what, status);
}

/* exec ends the other threads, not the process, and the caller gets the process's number. */
ABI_TEST(jobs, exec_among_threads)
{
	pid_t pid = fork();

	if (pid == 0) {
		start_threads(4, NULL);
		exec_self(NULL);
	}
	wait_and_show("by the leader", pid);
	pid = fork();
	if (pid == 0) {
		start_threads(4, exec_self);
		sleep_for_ever(NULL);
	}
	wait_and_show("by another", pid);
	pid = fork();
	if (pid == 0) {
		start_threads(0, exec_self);
		pthread_exit(NULL);
	}
	wait_and_show("after the leader left", pid);
}

/* What sigwait() waits for is taken, whatever its default action is. */
ABI_TEST(jobs, sigwait_defaults)
{
	sigset_t set;
	int sig = 0;
	pid_t pid, me = getpid();

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	pid = fork();
	if (pid == 0) {
		sleep_ms(20);
		kill(me, SIGTERM);
		sleep_ms(20);
		_exit(4);
	}
	sigwait(&set, &sig);
	say("first %d", sig);
	sigwait(&set, &sig);
	say("second %d", sig);
	wait_and_show("child", pid);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* The SIGCHLD of the child that is waited for does not interrupt the wait. */
ABI_TEST(jobs, wait_with_handler)
{
	struct sigaction a = { .sa_handler = on_signal };
	int good = 0;

	sigaction(SIGCHLD, &a, NULL);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			sleep_ms(2);
			_exit(0);
		}
		good += waitpid(pid, NULL, 0) == pid;
	}
	say("waited for %d of 20", good);
}

/* A stopped process dies of SIGKILL at once, of SIGTERM only when it goes on. */
ABI_TEST(jobs, signals_to_the_stopped)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		start_threads(3, NULL);
		sleep_for_ever(NULL);
	}
	sleep_ms(20);
	kill(pid, SIGSTOP);
	say("stopped %d", waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	kill(pid, SIGTERM);
	sleep_ms(20);
	say("still there %d", waitpid(pid, &status, WNOHANG) == 0);
	kill(pid, SIGCONT);
	wait_and_show("continued", pid);
	pid = fork();
	if (pid == 0)
		sleep_for_ever(NULL);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	wait_and_show("killed", pid);
}

/* Children of a parent that ignores SIGCHLD leave nothing; wait() lasts until the last is gone. */
ABI_TEST(jobs, children_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 1; i <= 3; i++)
		if (fork() == 0) {
			sleep_ms(10 * i);
			_exit(i);
		}
	TRY(wait(NULL));
}

static pid_t children[64];

static int fork_until_refused(void)
{
	int n = 0;

	while (n < 60 && (children[n] = fork()) > 0)
		n++;
	if (n < 60 && children[n] == 0)
		sleep_for_ever(NULL);
	return n;
}

static void end_children(int n)
{
	for (int i = 0; i < n; i++)
		kill(children[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

/* RLIMIT_NPROC counts down as well as up.  Only root can become a user with no other processes. */
ABI_TEST(jobs, process_limit)
{
	struct rlimit limit = { 12, 12 };
	int n;

	if (getuid() != 0 || setresuid(54321, 54321, 54321)) {
		say("not root");
		return;
	}
	setrlimit(RLIMIT_NPROC, &limit);
	for (int round = 0; round < 3; round++) {
		n = fork_until_refused();
		say("round %d: %d children, %s", round, n, errno_name(errno));
		end_children(n);
	}
}
