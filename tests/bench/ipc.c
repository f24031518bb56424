/* SPDX-License-Identifier: MIT */
/* Inter-process communication on one machine: pipes, AF_UNIX, eventfd. */
#include "osbench.h"

#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Child side of every ping-pong: echo single bytes until end of file. */
void echo_loop(int in, int out)
{
	char c;

	while (read(in, &c, 1) == 1)
		if (write(out, &c, 1) != 1)
			break;
	_exit(0);
}

double ping_loop(int out, int in, long n)
{
	char c = 'x';
	uint64_t t0;

	/* one unmeasured round so that the peer is up */
	if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
		give_up("ping-pong");
	t0 = now();
	for (long i = 0; i < n; i++)
		if (write(out, &c, 1) != 1 || read(in, &c, 1) != 1)
			give_up("ping-pong");
	return (double)(now() - t0);
}

/* pipe_pingpong: 1 byte there and back between two processes; op = round trip
 * (two context switches on one CPU). */
static double b_pipe_lat(long n)
{
	int ab[2], ba[2];
	pid_t kid;
	double ns;

	if (pipe(ab) || pipe(ba))
		give_up("pipe");
	kid = need_fork();
	if (kid == 0) {
		close(ab[1]);
		close(ba[0]);
		echo_loop(ab[0], ba[1]);
	}
	close(ab[0]);
	close(ba[1]);
	ns = ping_loop(ab[1], ba[0], n);
	close(ab[1]);
	close(ba[0]);
	reap(kid);
	return ns;
}

static double socketpair_lat(int type, long n)
{
	int sv[2];
	pid_t kid;
	double ns;

	if (socketpair(AF_UNIX, type, 0, sv))
		give_up("socketpair");
	kid = need_fork();
	if (kid == 0) {
		close(sv[0]);
		echo_loop(sv[1], sv[1]);
	}
	close(sv[1]);
	ns = ping_loop(sv[0], sv[0], n);
	shutdown(sv[0], SHUT_RDWR);
	close(sv[0]);
	if (type == SOCK_DGRAM)
		kill(kid, SIGKILL);
	reap(kid);
	return ns;
}

/* unix_pingpong / unix_dgram_pingpong: the same over an AF_UNIX socketpair. */
static double b_unix_lat(long n) { return socketpair_lat(SOCK_STREAM, n); }
static double b_unix_dgram_lat(long n) { return socketpair_lat(SOCK_DGRAM, n); }

/* eventfd_pingpong: 8-byte counters instead of bytes. */
static double b_eventfd_lat(long n)
{
	int a = need_fd(eventfd(0, 0), "eventfd");
	int b = need_fd(eventfd(0, 0), "eventfd");
	uint64_t v = 1, t0;
	pid_t kid = need_fork();

	if (kid == 0) {
		for (long i = 0; i < n; i++)
			if (read(a, &v, 8) != 8 || write(b, &v, 8) != 8)
				break;
		_exit(0);
	}
	t0 = now();
	for (long i = 0; i < n; i++)
		if (write(a, &v, 8) != 8 || read(b, &v, 8) != 8)
			give_up("eventfd");
	t0 = now() - t0;
	reap(kid);
	close(a);
	close(b);
	return (double)t0;
}

/* Send n blocks of 64 KiB from a child to the caller; op = 64 KiB. */
double stream_bw(int rd, int wr, long n)
{
	static char buf[BLOCK];
	uint64_t t0;
	pid_t kid;

	memset(buf, 7, sizeof buf);
	kid = need_fork();
	if (kid == 0) {
		close(rd);
		for (long i = 0; i <= n; i++)
			if (!write_full(wr, buf, sizeof buf))
				break;
		close(wr);
		_exit(0);
	}
	close(wr);
	if (!read_full(rd, buf, sizeof buf))	/* peer is up */
		give_up("stream");
	t0 = now();
	for (long i = 0; i < n; i++)
		if (!read_full(rd, buf, sizeof buf))
			give_up("stream");
	t0 = now() - t0;
	close(rd);
	reap(kid);
	return (double)t0;
}

/* pipe_bw_64k: bulk transfer through a pipe. */
static double b_pipe_bw(long n)
{
	int p[2];

	if (pipe(p))
		give_up("pipe");
	return stream_bw(p[0], p[1], n);
}

/* unix_bw_64k: bulk transfer through an AF_UNIX stream socket. */
static double b_unix_bw(long n)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		give_up("socketpair");
	return stream_bw(sv[0], sv[1], n);
}

const struct bench ipc_rows[] = {
	{ .name = "pipe_pingpong", .iters = 4000, .fn = b_pipe_lat },
	{ .name = "unix_pingpong", .iters = 3000, .fn = b_unix_lat },
	{ .name = "unix_dgram_pingpong", .iters = 3000, .fn = b_unix_dgram_lat },
	{ .name = "eventfd_pingpong", .iters = 4000, .fn = b_eventfd_lat },
	{ .name = "pipe_bw_64k", .iters = 200, .fn = b_pipe_bw, .bytes = BLOCK },
	{ .name = "unix_bw_64k", .iters = 200, .fn = b_unix_bw, .bytes = BLOCK },
	{ .name = NULL },
};
