/* SPDX-License-Identifier: MIT */
/* Signals, readiness, timers. */
#include "osbench.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t sig_seen;
static void on_signal(int s) { (void)s; sig_seen++; }

/* sig_install: sigaction. */
static double b_sig_install(long n)
{
	struct sigaction sa = { .sa_handler = on_signal };
	uint64_t t0 = now();

	for (long i = 0; i < n; i++)
		sigaction(SIGUSR1, &sa, NULL);
	return (double)(now() - t0);
}

/* sig_deliver: kill(self) through handler entry and sigreturn. */
static double b_sig_deliver(long n)
{
	struct sigaction sa = { .sa_handler = on_signal };
	long me = getpid();
	uint64_t t0;

	sigaction(SIGUSR1, &sa, NULL);
	sig_seen = 0;
	t0 = now();
	for (long i = 0; i < n; i++)
		raw3(SYS_kill, me, SIGUSR1, 0);
	t0 = now() - t0;
	if (sig_seen != n)
		give_up("saw %ld of %ld signals", (long)sig_seen, n);
	return (double)t0;
}

static char *seg_page;
static void on_segv(int s)
{
	(void)s;
	mprotect(seg_page, PAGE, PROT_READ | PROT_WRITE);
}

/* sig_segv: write to a read-only page, handler unprotects it, write is
 * restarted, page is protected again (how a GC write barrier works). */
static double b_sig_segv(long n)
{
	struct sigaction sa = { .sa_handler = on_segv };
	uint64_t t0;

	seg_page = need_map(PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1);
	sigaction(SIGSEGV, &sa, NULL);
	t0 = now();
	for (long i = 0; i < n; i++) {
		mprotect(seg_page, PAGE, PROT_READ);
		*(volatile char *)seg_page = 1;
	}
	return (double)(now() - t0);
}

static void fd_set_of_pipes(int fds[100], int *writer)
{
	int p[2];

	for (int i = 0; i < 100; i++) {
		if (pipe(p))
			give_up("pipe");
		fds[i] = p[0];
		*writer = p[1];	/* the last one makes the last fd readable */
	}
	if (write(*writer, "x", 1) != 1)
		give_up("write");
}

/* poll_100: poll 100 pipe ends, the last one readable. */
static double b_poll(long n)
{
	int fds[100], w;
	struct pollfd pf[100];
	uint64_t t0;

	fd_set_of_pipes(fds, &w);
	for (int i = 0; i < 100; i++)
		pf[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	t0 = now();
	for (long i = 0; i < n; i++)
		if (poll(pf, 100, -1) != 1)
			give_up("poll");
	return (double)(now() - t0);
}

/* epoll_100: epoll_wait on 100 pipe ends, one readable (level triggered). */
static double b_epoll(long n)
{
	int fds[100], w;
	int ep = need_fd(epoll_create1(0), "epoll_create1");
	struct epoll_event ev[16];
	uint64_t t0;

	fd_set_of_pipes(fds, &w);
	for (int i = 0; i < 100; i++) {
		ev[0].events = EPOLLIN;
		ev[0].data.fd = fds[i];
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev[0]))
			give_up("epoll_ctl");
	}
	t0 = now();
	for (long i = 0; i < n; i++)
		if (epoll_wait(ep, ev, 16, -1) != 1)
			give_up("epoll_wait");
	return (double)(now() - t0);
}

/* nanosleep_100us: how much later than asked a 100 us sleep returns; op = one
 * sleep, ns = mean lateness, max= the worst. */
static double b_nanosleep(long n)
{
	struct timespec req = { 0, 100000 };
	uint64_t late = 0, worst = 0;

	for (long i = 0; i < n; i++) {
		uint64_t t0 = now(), d;

		if (clock_nanosleep(CLOCK_MONOTONIC, 0, &req, NULL))
			give_up("clock_nanosleep");
		d = now() - t0;
		if (d < 100000)
			give_up("woke %ld ns early", (long)(100000 - d));
		d -= 100000;
		late += d;
		if (d > worst)
			worst = d;
	}
	snprintf(extra, sizeof extra, "max=%llu", (unsigned long long)worst);
	return (double)late;
}

const struct bench event_rows[] = {
	{ .name = "sig_install", .iters = 50000, .fn = b_sig_install },
	{ .name = "sig_deliver", .iters = 10000, .fn = b_sig_deliver },
	{ .name = "sig_segv", .iters = 4000, .fn = b_sig_segv },
	{ .name = "poll_100", .iters = 1000, .fn = b_poll },
	{ .name = "epoll_100", .iters = 10000, .fn = b_epoll },
	{ .name = "nanosleep_100us", .iters = 200, .fn = b_nanosleep },
	{ .name = NULL },
};
