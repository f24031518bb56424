/* SPDX-License-Identifier: MIT */
/*
 * PID 1: mounts what programs expect, keeps one child on the console (a shell, or the
 * agent that runs a single command for scripts/vm), reaps every orphan, and ends the
 * machine on request. It never exits. Read init.h for the kernel's command line and
 * the signals; mounts.c, console.c and shutdown.c do the work.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

/* A child that lives shorter than this is started again with a growing delay. */
#define SHORT_LIFE_S	2
#define MAX_DELAY_S	32

struct keeper {
	const struct child_spec *spec;
	pid_t pid;		/* 0: none is running */
	time_t started_s;
	unsigned int delay_s;	/* before the next start */
};

void say(const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text) - 1, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(text) - 2)
		n = sizeof(text) - 2;
	text[n++] = '\n';
	if (write(STDERR_FILENO, "init: ", 6) < 0 || write(STDERR_FILENO, text, n) < 0)
		return;		/* no console: nothing can be told to anybody */
}

time_t monotonic_s(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* A shell that was left with success after a while is nothing to speak of. */
static void describe_end(const struct child_spec *spec, int status, time_t lived_s)
{
	if (WIFSIGNALED(status))
		say("%s was killed by signal %d", spec->argv[0], WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0 || (lived_s < SHORT_LIFE_S && !spec->is_once))
		say("%s exited with status %d", spec->argv[0], WEXITSTATUS(status));
}

static void note_end(struct keeper *keeper, int status)
{
	time_t lived_s = monotonic_s() - keeper->started_s;

	keeper->pid = 0;
	describe_end(keeper->spec, status, lived_s);
	if (keeper->spec->is_once)
		shutdown_machine(SIGUSR2);
	if (lived_s >= SHORT_LIFE_S)
		keeper->delay_s = 0;
	else if (keeper->delay_s == 0)
		keeper->delay_s = 1;
	else if (keeper->delay_s < MAX_DELAY_S)
		keeper->delay_s *= 2;
}

static void reap(struct keeper *keeper)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == keeper->pid)
			note_end(keeper, status);
	}
}

static void start_child(struct keeper *keeper)
{
	keeper->pid = console_spawn(keeper->spec);
	keeper->started_s = monotonic_s();
	if (keeper->pid < 0) {
		say("cannot start %s: %s", keeper->spec->argv[0], strerror(-keeper->pid));
		keeper->pid = 0;
		keeper->delay_s = keeper->delay_s ? keeper->delay_s : 1;
	}
}

/* Blocks what the loop waits for; everything else is ignored by a PID 1 anyway. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (const struct request *r = shutdown_requests; r->signal; r++)
		sigaddset(set, r->signal);
	sigprocmask(SIG_BLOCK, set, NULL);
}

/* Waits for a signal, or at most delay_s seconds if that is not 0; returns 0 at a time-out. */
static int wait_signal(const sigset_t *set, unsigned int delay_s)
{
	struct timespec limit = { .tv_sec = delay_s };
	int signal;

	do {
		signal = sigtimedwait(set, NULL, delay_s ? &limit : NULL);
	} while (signal < 0 && errno == EINTR);
	return signal < 0 ? 0 : signal;
}

/* One turn: start the child if it is due, then serve one event. */
static void keep(struct keeper *keeper, const sigset_t *set)
{
	bool waiting = keeper->pid == 0 && keeper->delay_s != 0;
	time_t due_s = keeper->started_s + keeper->delay_s;
	time_t now_s = monotonic_s();
	unsigned int left_s = 0;
	int signal;

	if (waiting && now_s < due_s)
		left_s = due_s - now_s;
	if (keeper->pid == 0 && left_s == 0)
		start_child(keeper);
	if (keeper->pid == 0 && left_s == 0)
		left_s = keeper->delay_s;
	signal = wait_signal(set, left_s);
	if (signal == SIGCHLD)
		reap(keeper);
	else if (signal != 0)
		shutdown_machine(signal);
}

int main(int argc, char **argv)
{
	struct child_spec spec;
	struct keeper keeper = { .spec = &spec };
	sigset_t set;

	(void)argc;
	(void)argv;
	if (getpid() != 1) {
		fprintf(stderr, "init: this is process 1's program; it does nothing as another\n");
		return 2;
	}
	block_signals(&set);
	mounts_make();
	console_open();
	hostname_set();
	child_choose(&spec);
	for (;;)
		keep(&keeper, &set);
}
