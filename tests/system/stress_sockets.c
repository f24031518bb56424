/* SPDX-License-Identifier: MIT */
/*
 * The load "sockets" of stress.c: processes of four threads that share a table of sockets and, at
 * random, make pairs, bind, connect, accept, send descriptors of sockets over sockets (circles come
 * by themselves), peek, receive, shut and close. At the end nothing may be left of it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

#define SLOTS	64
#define THREADS	4

struct actor {
	uint64_t state;			/* of its random numbers */
	int *slots;			/* shared by the threads of a process; -1: empty */
	long count;
	int process;
};

static uint32_t below(struct actor *a, uint32_t limit)
{
	a->state ^= a->state >> 12;
	a->state ^= a->state << 25;
	a->state ^= a->state >> 27;
	return (uint32_t)((a->state * 0x2545f4914f6cdd1dULL) >> 32) % limit;
}

static int some(struct actor *a)
{
	return __atomic_load_n(&a->slots[below(a, SLOTS)], __ATOMIC_RELAXED);
}

/* A descriptor that is in no slot is closed: the table cannot overflow. */
static void keep(struct actor *a, int fd)
{
	int old;

	if (fd < 0)
		return;
	old = __atomic_exchange_n(&a->slots[below(a, SLOTS)], fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
}

static struct sockaddr_un name(struct actor *a)
{
	struct sockaddr_un n = { .sun_family = AF_UNIX };

	snprintf(n.sun_path + 1, 30, "stress-%d-%u", a->process, below(a, 4));
	return n;
}

static int random_type(struct actor *a)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	return types[below(a, 3)] | SOCK_NONBLOCK | SOCK_CLOEXEC;
}

static void make_pair(struct actor *a)
{
	int sv[2];

	if (socketpair(AF_UNIX, random_type(a), 0, sv))
		return;
	keep(a, sv[0]);
	keep(a, sv[1]);
}

static void make_bound(struct actor *a)
{
	struct sockaddr_un n = name(a);
	int s = socket(AF_UNIX, random_type(a), 0);

	if (!bind(s, (void *)&n, sizeof(n)))
		(void)!listen(s, (int)below(a, 5));
	keep(a, s);
}

static void make_connected(struct actor *a)
{
	struct sockaddr_un n = name(a);
	int s = socket(AF_UNIX, random_type(a), 0);

	(void)!connect(s, (void *)&n, sizeof(n));
	keep(a, s);
}

static void send_some(struct actor *a, bool with_files)
{
	char data[300] = "", control[CMSG_SPACE(3 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec v = { data, below(a, 300) + 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *h = (void *)control;
	uint32_t nr = below(a, 3) + 1;

	if (with_files) {
		for (uint32_t i = 0; i < nr; i++) {
			int fd = some(a);

			memcpy(CMSG_DATA(h) + i * sizeof(int), &fd, sizeof(int));
		}
		h->cmsg_len = CMSG_LEN(nr * sizeof(int));
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(nr * sizeof(int));
	}
	(void)!sendmsg(some(a), &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void receive_some(struct actor *a)
{
	char data[400], control[256] __attribute__((aligned(8)));
	struct iovec v = { data, below(a, 400) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = below(a, 256) };
	int flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (below(a, 4) ? 0 : MSG_PEEK);

	if (recvmsg(some(a), &m, flags) < 0)
		return;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		size_t nr = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; h->cmsg_type == SCM_RIGHTS && i < nr; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
			keep(a, fd);
		}
	}
}

static void ask_some(struct actor *a)
{
	struct pollfd p[4];
	struct ucred u;
	struct sockaddr_un n;
	socklen_t len = sizeof(u);

	for (int i = 0; i < 4; i++)
		p[i] = (struct pollfd){ some(a), POLLIN | POLLOUT, 0 };
	(void)!poll(p, 4, (int)below(a, 2));
	(void)!getsockopt(some(a), SOL_SOCKET, SO_PEERCRED, &u, &len);
	len = sizeof(n);
	(void)!getpeername(some(a), (void *)&n, &len);
}

static void close_some(struct actor *a)
{
	int fd = __atomic_exchange_n(&a->slots[below(a, SLOTS)], -1, __ATOMIC_RELAXED);

	if (fd >= 0)
		close(fd);
}

static void *act(void *arg)
{
	struct actor *a = arg;

	for (long i = 0; i < a->count; i++) {
		switch (below(a, 16)) {
		case 0: case 1: make_pair(a); break;
		case 2: make_bound(a); break;
		case 3: make_connected(a); break;
		case 4: keep(a, accept4(some(a), NULL, NULL, SOCK_NONBLOCK)); break;
		case 5: case 6: case 7: send_some(a, true); break;
		case 8: send_some(a, false); break;
		case 9: case 10: case 11: receive_some(a); break;
		case 12: ask_some(a); break;
		case 13: (void)!shutdown(some(a), (int)below(a, 3)); break;
		default: close_some(a); break;
		}
	}
	return NULL;
}

static int one_process(int number, long count)
{
	struct actor actors[THREADS];
	pthread_t threads[THREADS];
	int slots[SLOTS];

	for (int i = 0; i < SLOTS; i++)
		slots[i] = -1;
	for (int i = 0; i < THREADS; i++) {
		actors[i] = (struct actor){ .state = 77u + (uint64_t)(number * THREADS + i) * 7919,
					    .slots = slots, .count = count, .process = number };
		if (pthread_create(&threads[i], NULL, act, &actors[i]))
			return 1;
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static long sockets_left(void)
{
	FILE *f = fopen("/proc/net/unix", "r");
	char line[300];
	long n = -1;

	while (f && fgets(line, sizeof(line), f))
		n++;
	if (f)
		fclose(f);
	return n;
}

static long run_all(long count)
{
	int status, failed = 0;

	for (int p = 0; p < 3; p++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(one_process(p, count));
		failed += pid < 0;
	}
	while (wait(&status) > 0)
		failed += status != 0;
	for (int i = 0; i < 100 && sockets_left() > 0; i++)
		usleep(50000);
	return failed;
}

int cmd_sockets(long count)
{
	long failed = run_all(count / 10), left, before, after;

	before = settled_free_kib();
	failed += run_all(count);
	left = sockets_left();
	after = settled_free_kib();
	printf("%ld steps in %d threads, %ld failed, %ld sockets left, %ld KiB lost\n", count,
	       3 * THREADS, failed, left, before - after);
	return failed || left || before - after > 1024;
}
