/* SPDX-License-Identifier: MIT */
/* Networking over 127.0.0.1. */
#include "osbench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int tcp_listen(struct sockaddr_in *sa)
{
	socklen_t len = sizeof *sa;
	int s = need_fd(socket(AF_INET, SOCK_STREAM, 0), "socket");

	memset(sa, 0, sizeof *sa);
	sa->sin_family = AF_INET;
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(s, (void *)sa, sizeof *sa) || listen(s, 64) ||
	    getsockname(s, (void *)sa, &len))
		give_up("bind/listen");
	return s;
}

static int tcp_connect(const struct sockaddr_in *sa)
{
	int s = need_fd(socket(AF_INET, SOCK_STREAM, 0), "socket");

	if (connect(s, (const void *)sa, sizeof *sa))
		give_up("connect");
	return s;
}

static void nodelay(int s)
{
	int one = 1;

	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* tcp_pingpong: 1 byte there and back over 127.0.0.1, TCP_NODELAY. */
static double b_tcp_lat(long n)
{
	struct sockaddr_in sa;
	int l = tcp_listen(&sa), s;
	double ns;
	pid_t kid = need_fork();

	if (kid == 0) {
		s = accept(l, NULL, NULL);
		if (s < 0)
			_exit(1);
		nodelay(s);
		echo_loop(s, s);
	}
	close(l);
	s = tcp_connect(&sa);
	nodelay(s);
	ns = ping_loop(s, s, n);
	close(s);
	reap(kid);
	return ns;
}

/* tcp_bw_64k: bulk transfer over 127.0.0.1. */
static double b_tcp_bw(long n)
{
	struct sockaddr_in sa;
	int l = tcp_listen(&sa);
	int c = tcp_connect(&sa);
	int s = need_fd(accept(l, NULL, NULL), "accept");

	close(l);
	return stream_bw(s, c, n);
}

/* tcp_connect: connect + accept + close of both ends, one process. */
static double b_tcp_connect(long n)
{
	struct sockaddr_in sa;
	int l = tcp_listen(&sa);
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		int c = tcp_connect(&sa);
		int s = accept(l, NULL, NULL);

		if (s < 0)
			give_up("accept");
		close(c);
		close(s);
	}
	t0 = now() - t0;
	close(l);
	return (double)t0;
}

/* udp_pingpong: one-byte datagrams over 127.0.0.1, connected sockets. */
static double b_udp_lat(long n)
{
	struct sockaddr_in sa[2];
	int s[2];
	pid_t kid;
	double ns;

	for (int i = 0; i < 2; i++) {
		socklen_t len = sizeof sa[i];

		s[i] = need_fd(socket(AF_INET, SOCK_DGRAM, 0), "socket");
		memset(&sa[i], 0, sizeof sa[i]);
		sa[i].sin_family = AF_INET;
		sa[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		if (bind(s[i], (void *)&sa[i], sizeof sa[i]) ||
		    getsockname(s[i], (void *)&sa[i], &len))
			give_up("bind");
	}
	for (int i = 0; i < 2; i++)
		if (connect(s[i], (void *)&sa[!i], sizeof sa[0]))
			give_up("connect");
	kid = need_fork();
	if (kid == 0)
		echo_loop(s[1], s[1]);
	ns = ping_loop(s[0], s[0], n);
	kill(kid, SIGKILL);
	reap(kid);
	close(s[0]);
	close(s[1]);
	return ns;
}

const struct bench net_rows[] = {
	{ .name = "tcp_pingpong", .iters = 1500, .fn = b_tcp_lat },
	{ .name = "udp_pingpong", .iters = 2000, .fn = b_udp_lat },
	{ .name = "tcp_connect", .iters = 500, .fn = b_tcp_connect },
	{ .name = "tcp_bw_64k", .iters = 200, .fn = b_tcp_bw, .bytes = BLOCK },
	{ .name = NULL },
};
