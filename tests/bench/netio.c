/* SPDX-License-Identifier: MIT */
/*
 * netio - tiny TCP load generator for comparing guests under the same VMM.
 *
 *   netio serve PORT            three services, each forking per connection:
 *        PORT    sink    swallows bytes, answers the 8-byte total at end of input
 *        PORT+1  source  sends zeros until the peer closes
 *        PORT+2  echo    returns what it gets
 *      and PORT+3  http    keep-alive HTTP/1.1, fixed 1 KiB body, one process
 *                          and epoll (so no fork is timed, unlike busybox httpd)
 *   netio send|recv|rr HOST PORT SECONDS
 *        against sink, source, echo; prints MB/s, or round trips and their cost.
 * HOST is a dotted quad.  All data is written in 64 KiB calls.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char buf[64 * 1024];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void sink(int s)
{
	uint64_t total = 0;
	ssize_t r;

	while ((r = read(s, buf, sizeof buf)) > 0)
		total += (uint64_t)r;
	(void)!write(s, &total, sizeof total);
}

static void source(int s)
{
	while (write(s, buf, sizeof buf) > 0)
		;
}

static void echo(int s)
{
	ssize_t r;

	while ((r = read(s, buf, sizeof buf)) > 0)
		if (write(s, buf, (size_t)r) != r)
			break;
}

static int listener(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int one = 1, l = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((uint16_t)port);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (l < 0 || bind(l, (void *)&a, sizeof a) || listen(l, 64))
		die("listen");
	return l;
}

/* Answer every request head (ended by an empty line) with the same page. */
static void serve_http(int port)
{
	static char reply[1200];
	int l = listener(port), ep = epoll_create1(0), one = 1, len;
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = l }, got[32];

	len = snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\n"
		       "Content-Type: text/plain\r\nContent-Length: 1024\r\n\r\n");
	memset(reply + len, 'a', 1024);
	len += 1024;
	epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev);
	for (;;) {
		int n = epoll_wait(ep, got, 32, -1);

		for (int i = 0; i < n; i++) {
			int s = got[i].data.fd;
			ssize_t r;

			if (s == l) {
				s = accept(l, NULL, NULL);
				if (s < 0)
					continue;
				setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one,
					   sizeof one);
				ev.data.fd = s;
				epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev);
				continue;
			}
			r = read(s, buf, sizeof buf);
			if (r <= 0) {
				close(s);
				continue;
			}
			/* clients here send one small head per write */
			if (r >= 4 && !memcmp(buf + r - 4, "\r\n\r\n", 4) &&
			    write(s, reply, (size_t)len) != len)
				close(s);
		}
	}
}

static void serve_one(int port, void (*fn)(int))
{
	int one = 1, l = listener(port);

	for (;;) {
		int s = accept(l, NULL, NULL);

		if (s < 0)
			continue;
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		if (fork() == 0) {
			close(l);
			fn(s);
			_exit(0);
		}
		close(s);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	uint64_t total = 0;
	double t0, secs;
	int s, one = 1;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve")) {
		int port = atoi(argv[2]);

		if (fork() == 0)
			serve_one(port, sink);
		if (fork() == 0)
			serve_one(port + 1, source);
		if (fork() == 0)
			serve_http(port + 3);
		serve_one(port + 2, echo);
	}
	if (argc != 5) {
		fprintf(stderr, "see the head of netio.c\n");
		return 2;
	}
	a.sin_addr.s_addr = inet_addr(argv[2]);
	a.sin_port = htons((uint16_t)atoi(argv[3]));
	secs = atof(argv[4]);
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0 || connect(s, (void *)&a, sizeof a))
		die("connect");
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	t0 = now();
	if (!strcmp(argv[1], "send")) {
		while (now() - t0 < secs)
			if (write(s, buf, sizeof buf) <= 0)
				break;
		shutdown(s, SHUT_WR);
		if (read(s, &total, sizeof total) != sizeof total)
			die("total");
	} else if (!strcmp(argv[1], "recv")) {
		ssize_t r;

		while (now() - t0 < secs && (r = read(s, buf, sizeof buf)) > 0)
			total += (uint64_t)r;
	} else {
		long n = 0;

		while (now() - t0 < secs) {
			if (write(s, "x", 1) != 1 || read(s, buf, 1) != 1)
				die("rr");
			n++;
		}
		secs = now() - t0;
		printf("rr\t%ld\t%.1f us/round-trip\n", n, secs * 1e6 / (double)n);
		return 0;
	}
	secs = now() - t0;
	printf("%s\t%.1f MB/s\t(%llu bytes in %.2f s)\n", argv[1],
	       (double)total / secs * 1e-6, (unsigned long long)total, secs);
	return 0;
}
