/* SPDX-License-Identifier: MIT */
/* Pipes, poll, select, epoll, eventfd, timerfd, signalfd. */
#include "abi.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

ABI_TEST(poll, pipe_events)
{
	struct pollfd fds[3];
	int p[2];

	(void)!pipe(p);
	fds[0] = (struct pollfd){ p[0], POLLIN, 0 };
	fds[1] = (struct pollfd){ p[1], POLLOUT, 0 };
	fds[2] = (struct pollfd){ -1, POLLIN, 77 };
	TRY(poll(fds, 3, 0));
	say("%#x %#x %#x", fds[0].revents, fds[1].revents, fds[2].revents);
	(void)!write(p[1], "x", 1);
	TRY(poll(fds, 2, -1));
	say("%#x %#x", fds[0].revents, fds[1].revents);
	close(p[1]);
	fds[1].fd = 99;
	TRY(poll(fds, 2, -1));
	say("%#x %#x", fds[0].revents, fds[1].revents);
	(void)!read(p[0], &p[1], 1);
	TRY(poll(fds, 1, -1));
	say("%#x", fds[0].revents);
	(void)!pipe(p);
	close(p[0]);
	fds[0] = (struct pollfd){ p[1], POLLOUT, 0 };
	TRY(poll(fds, 1, 0));
	say("%#x", fds[0].revents);
	TRY(poll(NULL, 0, 10));
	TRY(poll(fds, 0x7fffffff, 0));
}

ABI_TEST(poll, pipe_capacity)
{
	static char buf[200000];
	int p[2];

	(void)!pipe2(p, O_NONBLOCK);
	TRY(write(p[1], buf, sizeof(buf)));
	TRY(write(p[1], buf, 1));
	TRY(read(p[0], buf, 4096));
	TRY(write(p[1], buf, 4096));
	TRY(write(p[1], buf, 4096));
	TRY(fcntl(p[0], 1032));
	close(p[1]);
	TRY(read(p[0], buf, sizeof(buf)));
	TRY(read(p[0], buf, sizeof(buf)));
}

ABI_TEST(poll, select)
{
	struct timeval now = { 0, 0 };
	fd_set in, out;
	int p[2];

	(void)!pipe(p);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	TRY(select(p[1] + 1, &in, &out, NULL, &now));
	say("in %d out %d", !!FD_ISSET(p[0], &in), !!FD_ISSET(p[1], &out));
	FD_ZERO(&in);
	FD_SET(900, &in);
	TRY(select(901, &in, NULL, NULL, &now));
	TRY(select(-1, NULL, NULL, NULL, &now));
	now.tv_usec = 2000;
	TRY(select(0, NULL, NULL, NULL, &now));
}

static void epoll_show(int ep)
{
	struct epoll_event got[4];
	int n = epoll_wait(ep, got, 4, 0);

	say("epoll_wait %d", n);
	for (int i = 0; i < n; i++)
		say("  events %#x data %llx", got[i].events, (unsigned long long)got[i].data.u64);
}

ABI_TEST(poll, epoll)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x1122334455667788 };
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2], fd = open("file", O_RDWR | O_CREAT, 0600);

	(void)!pipe(p);
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev));
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &ev));
	TRY(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
	TRY(epoll_ctl(ep, 9, p[1], &ev));
	TRY(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &ev));
	epoll_show(ep);
	(void)!write(p[1], "xy", 2);
	epoll_show(ep);
	epoll_show(ep);
	ev.events = EPOLLIN | EPOLLET;
	TRY(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev));
	epoll_show(ep);
	epoll_show(ep);
	(void)!write(p[1], "z", 1);
	epoll_show(ep);
	ev.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev);
	epoll_show(ep);
	epoll_show(ep);
	ev.events = EPOLLOUT;
	epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev);
	close(p[1]);
	epoll_show(ep);
	close(p[0]);
	epoll_show(ep);
	TRY(epoll_create1(0x7));
	TRY(epoll_wait(ep, &ev, 0, 0));
	TRY(epoll_wait(1, &ev, 1, 0));
	unlink("file");
}

ABI_TEST(poll, eventfd)
{
	uint64_t v = 3;
	int fd = eventfd(5, EFD_NONBLOCK), sem = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);

	TRY(write(fd, &v, 8));
	TRY(read(fd, &v, 8));
	say("value %llu", (unsigned long long)v);
	TRY(read(fd, &v, 8));
	TRY(read(fd, &v, 4));
	v = ~0ULL;
	TRY(write(fd, &v, 8));
	v--;
	TRY(write(fd, &v, 8));
	v = 1;
	TRY(write(fd, &v, 8));
	TRY(read(sem, &v, 8));
	say("value %llu", (unsigned long long)v);
	TRY(read(sem, &v, 8));
	TRY(read(sem, &v, 8));
	TRY(eventfd(0, 0x100));
}

ABI_TEST(poll, timerfd)
{
	struct itimerspec once = { .it_value = { 0, 5000000 } }, now;
	struct itimerspec many = { { 0, 1000000 }, { 0, 1000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t v = 0;

	TRY(read(fd, &v, 8));
	TRY(timerfd_settime(fd, 0, &once, NULL));
	TRY(poll(&p, 1, 1000));
	TRY(read(fd, &v, 8));
	say("expired %llu", (unsigned long long)v);
	TRY(timerfd_gettime(fd, &now));
	say("disarmed %d", now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
	TRY(timerfd_settime(fd, 0, &many, NULL));
	sleep_ms(20);
	TRY(read(fd, &v, 8));
	say("several %d", v >= 10);
	once.it_value.tv_nsec = 1000000000;
	TRY(timerfd_settime(fd, 0, &once, NULL));
	TRY(timerfd_create(77, 0));
	TRY(timerfd_create(CLOCK_MONOTONIC, 0x4));
	TRY(timerfd_settime(1, 0, &many, NULL));
}

ABI_TEST(poll, signalfd)
{
	struct signalfd_siginfo info;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK);
	TRY(read(fd, &info, sizeof(info)));
	kill(getpid(), SIGUSR1);
	TRY(read(fd, &info, sizeof(info)));
	say("signo %u code %d pid %d", info.ssi_signo, info.ssi_code,
	    (pid_t)info.ssi_pid == getpid());
	TRY(read(fd, &info, 8));
	TRY(signalfd(1, &set, 0));
	TRY(signalfd(-1, &set, 0x4));
}

ABI_TEST(poll, ppoll_mask)
{
	sigset_t none, set;
	struct timespec second = { 1, 0 };

	signal(SIGUSR1, (void (*)(int))abs);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	TRY(ppoll(NULL, 0, &second, &none));
	sigprocmask(SIG_BLOCK, NULL, &set);
	say("mask is back %d", sigismember(&set, SIGUSR1));
	TRY(pselect(0, NULL, NULL, NULL, &(struct timespec){ 0, 1000 }, &none));
}

/* A chain built from its upper end must end somewhere. */
ABI_TEST(poll, epoll_chain)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int upper = epoll_create1(0), n;

	for (n = 0; n < 40; n++) {
		int lower = epoll_create1(0);

		if (epoll_ctl(upper, EPOLL_CTL_ADD, lower, &ev))
			break;
		upper = lower;
	}
	say("%s, errno %d", n < 10 ? "bounded" : "unbounded", errno);
}

/* The set outlives the process whose signals were watched. */
ABI_TEST(poll, epoll_signalfd_child)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int set = epoll_create1(0), status;
	pid_t pid = fork();

	if (!pid) {
		sigset_t mask;
		int fd;

		sigemptyset(&mask);
		sigaddset(&mask, SIGUSR1);
		sigprocmask(SIG_BLOCK, &mask, NULL);
		fd = signalfd(-1, &mask, 0);
		if (fork()) {
			_exit(epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev));
		}
		usleep(100000);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	usleep(300000);
	TRY(epoll_wait(set, &ev, 1, 0));
	TRY(close(set));
}

/* As many expirations as there may be: the machine stays usable. */
ABI_TEST(poll, timerfd_tiny_interval)
{
	struct itimerspec its = { .it_interval = { 0, 1 }, .it_value = { 0, 1 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t n = 0;

	TRY(timerfd_settime(fd, 0, &its, NULL));
	usleep(20000);
	TRY(read(fd, &n, sizeof(n)));
	say("%s", n > 1000000 ? "many" : "few");
	usleep(1000);
	TRY(read(fd, &n, sizeof(n)));
	TRY(close(fd));
}

/* Opens meet the last close. */
ABI_TEST(poll, fifo_open_close_race)
{
	char name[] = "/tmp/abi-fifo-XXXXXX";
	int fd, status;
	pid_t pid;

	(void)!mkdtemp(name);
	rmdir(name);
	(void)!mkfifo(name, 0600);
	pid = fork();
	for (int i = 0; i < 5000; i++) {
		fd = open(name, O_RDWR);
		if (fd < 0)
			break;
		close(fd);
	}
	if (!pid)
		_exit(0);
	waitpid(pid, &status, 0);
	say("%#x", status);
	unlink(name);
}
