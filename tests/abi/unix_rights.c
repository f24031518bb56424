/* SPDX-License-Identifier: MIT */
/*
 * What goes along with messages of AF_UNIX sockets: open files, credentials, and what becomes of
 * files that nobody can receive any more.
 */
#include "abi.h"

#include <grp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static char buf[4096];

/* A sender's control messages. */
struct control {
	size_t len;
	char bytes[2200] __attribute__((aligned(8)));
};

static void add(struct control *c, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *h = (void *)(c->bytes + c->len);

	memset(h, 0, CMSG_SPACE(len));
	h->cmsg_len = CMSG_LEN(len);
	h->cmsg_level = level;
	h->cmsg_type = type;
	memcpy(CMSG_DATA(h), data, len);
	c->len += CMSG_SPACE(len);
}

static long send_control(int s, const char *text, struct control *c)
{
	struct iovec v = { (void *)text, strlen(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = c->bytes,
			    .msg_controllen = c->len };

	return sendmsg(s, &m, MSG_DONTWAIT);
}

static long send_fds(int s, const char *text, const int *fds, size_t nr)
{
	struct control c = { .len = 0 };

	add(&c, SOL_SOCKET, SCM_RIGHTS, fds, nr * sizeof(int));
	return send_control(s, text, &c);
}

static long send_fd(int s, int fd)
{
	return send_fds(s, "f", &fd, 1);
}

/* Receives at most @room bytes of control messages and tells about them; fds go to @fds. */
static int receive(int s, size_t len, size_t room, int flags, int *fds)
{
	char control[1200] __attribute__((aligned(8)));
	struct iovec v = { buf, len };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = room };
	long n = recvmsg(s, &m, flags | MSG_DONTWAIT);
	int nr = 0;

	if (n < 0) {
		say("received: %s", errno_name(errno));
		return 0;
	}
	say("received %ld flags %#x control %d", n, m.msg_flags, (int)m.msg_controllen);
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		say("  level %d type %d len %d", h->cmsg_level, h->cmsg_type, (int)h->cmsg_len);
		if (h->cmsg_type == SCM_RIGHTS) {
			nr = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			if (fds)
				memcpy(fds, CMSG_DATA(h), (size_t)nr * sizeof(int));
		}
		if (h->cmsg_type == SCM_CREDENTIALS && h->cmsg_len == CMSG_LEN(12)) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(h), sizeof(u));
			say("  creds %s uid %d gid %d",
			    u.pid == getpid() ? "me" : u.pid == getppid() ? "parent" :
			    u.pid ? "other" : "0", (int)u.uid, (int)u.gid);
		}
	}
	return nr;
}

static void pair(int type, int sv[2])
{
	if (socketpair(AF_UNIX, type, 0, sv))
		say("socketpair: %s", errno_name(errno));
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Is the writing end of @p closed everywhere?  It may take a moment. */
static void show_closed(const char *what, int p)
{
	struct pollfd f = { p, POLLIN, 0 };

	say("%s: %s", what, poll(&f, 1, 5000) == 1 && (f.revents & POLLHUP) ? "closed" : "open");
}

ABI_TEST(unix_rights, pass_a_file)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	for (int i = 0; i < 3; i++) {
		int sv[2], p[2], got[4], before;

		pair(types[i], sv);
		pipe(p);
		TRY(send_fd(sv[0], p[1]));
		close(p[1]);
		before = open_fds();
		say("nr %d", receive(sv[1], 10, 200, 0, got));
		say("new descriptors %d cloexec %d", open_fds() - before, fcntl(got[0], F_GETFD));
		TRY(write(got[0], "x", 1));
		TRY(read(p[0], buf, 1));
		close(got[0]);
		show_closed("pipe", p[0]);
	}
}

ABI_TEST(unix_rights, flags)
{
	int sv[2], fds[3] = { 0, 1, 2 }, got[4];

	pair(SOCK_DGRAM, sv);
	send_fds(sv[0], "three", fds, 3);
	receive(sv[1], 10, 200, MSG_CMSG_CLOEXEC, got);
	say("cloexec %d", fcntl(got[2], F_GETFD));
	send_fds(sv[0], "three", fds, 3);
	receive(sv[1], 10, CMSG_SPACE(4), 0, got);
	send_fds(sv[0], "three", fds, 3);
	receive(sv[1], 10, CMSG_LEN(4), 0, got);
	send_fds(sv[0], "three", fds, 3);
	receive(sv[1], 10, CMSG_LEN(0), 0, got);
	send_fds(sv[0], "three", fds, 3);
	receive(sv[1], 10, 3, 0, got);
	send_fds(sv[0], "three", fds, 3);
	receive(sv[1], 10, 0, 0, got);
	send_fds(sv[0], "three", fds, 3);
	TRY(recv(sv[1], buf, 10, 0));
	say("descriptors %d", open_fds());
}

ABI_TEST(unix_rights, peek)
{
	int sv[2], p[2], got[2], again[2];

	for (int i = 0; i < 2; i++) {
		pair(i ? SOCK_STREAM : SOCK_DGRAM, sv);
		pipe(p);
		send_fd(sv[0], p[1]);
		close(p[1]);
		receive(sv[1], 10, 200, MSG_PEEK, got);
		receive(sv[1], 10, 200, 0, again);
		say("two %d", got[0] != again[0]);
		close(got[0]);
		TRY(write(again[0], "x", 1));
		close(again[0]);
		show_closed("pipe", p[0]);
	}
}

ABI_TEST(unix_rights, stream_boundaries)
{
	int sv[2], got[4];

	pair(SOCK_STREAM, sv);
	send(sv[0], "plain", 5, 0);
	send_fds(sv[0], "first", (int[]){ 1 }, 1);
	send_fds(sv[0], "second", (int[]){ 1, 2 }, 2);
	send(sv[0], "tail", 4, 0);
	receive(sv[1], 3, 200, 0, got);
	receive(sv[1], 4, 200, 0, got);
	receive(sv[1], 2, 200, 0, got);
	receive(sv[1], 100, 200, 0, got);
	receive(sv[1], 100, 200, 0, got);
	receive(sv[1], 100, 200, 0, got);
}

ABI_TEST(unix_rights, bad_control)
{
	struct control c = { .len = 0 };
	struct cmsghdr *h = (void *)c.bytes;
	struct msghdr m = { .msg_control = c.bytes };
	struct iovec v = { "x", 1 };
	int sv[2], many[300], bad = 77, zero = 0;

	pair(SOCK_DGRAM, sv);
	TRY(send_fd(sv[0], -1));
	TRY(send_fd(sv[0], 77));
	TRY(send_fds(sv[0], "x", (int[]){ 0, bad }, 2));
	for (int i = 0; i < 300; i++)
		many[i] = 0;
	TRY(send_fds(sv[0], "x", many, 253));
	TRY(send_fds(sv[0], "x", many, 254));
	TRY(send_fds(sv[0], "x", many, 0));
	add(&c, SOL_SOCKET, SCM_RIGHTS, many, 200 * 4);
	add(&c, SOL_SOCKET, SCM_RIGHTS, many, 53 * 4);
	TRY(send_control(sv[0], "x", &c));
	c.len = CMSG_SPACE(200 * 4);
	add(&c, SOL_SOCKET, SCM_RIGHTS, many, 54 * 4);
	TRY(send_control(sv[0], "x", &c));
	c.len = 0;
	add(&c, SOL_SOCKET, 77, &zero, 4);
	TRY(send_control(sv[0], "x", &c));
	c.len = 0;
	add(&c, 41, SCM_RIGHTS, &bad, 4);
	TRY(send_control(sv[0], "x", &c));
	c.len = 0;
	add(&c, SOL_SOCKET, SCM_RIGHTS, &zero, 4);
	h->cmsg_len = 4;
	TRY(send_control(sv[0], "x", &c));
	h->cmsg_len = 1000;
	TRY(send_control(sv[0], "x", &c));
	h->cmsg_len = CMSG_LEN(3);
	TRY(send_control(sv[0], "x", &c));
	c.len = 10;
	TRY(send_control(sv[0], "x", &c));
	m.msg_iov = &v;
	m.msg_iovlen = 1;
	m.msg_control = (void *)16;
	m.msg_controllen = 32;
	TRY(sendmsg(sv[0], &m, 0));
	m.msg_controllen = (size_t)-1;
	TRY(sendmsg(sv[0], &m, 0));
	say("descriptors %d", open_fds());
}

ABI_TEST(unix_rights, descriptor_limit)
{
	struct rlimit r;
	int sv[2], fds[3] = { 0, 1, 2 }, got[4], n;

	pair(SOCK_DGRAM, sv);
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = (rlim_t)sv[1] + 3;
	setrlimit(RLIMIT_NOFILE, &r);
	send_fds(sv[0], "three", fds, 3);
	n = receive(sv[1], 10, 200, 0, got);
	say("got %d", n);
}

ABI_TEST(unix_rights, path_descriptors)
{
	int sv[2], fd = open(".", O_PATH), got[2];

	pair(SOCK_STREAM, sv);
	TRY(send_fd(sv[0], fd));
	receive(sv[1], 10, 200, 0, got);
	say("path %d", !!(fcntl(got[0], F_GETFL) & O_PATH));
	TRY(read(got[0], buf, 1));
}

ABI_TEST(unix_rights, lost_with_the_socket)
{
	int sv[2], p[2];

	for (int i = 0; i < 2; i++) {
		pair(i ? SOCK_STREAM : SOCK_DGRAM, sv);
		pipe(p);
		send_fd(sv[0], p[1]);
		close(p[1]);
		close(sv[1]);
		show_closed("receiver closed", p[0]);
		close(sv[0]);
	}
}

ABI_TEST(unix_rights, unread_control)
{
	int sv[2], p[2];

	pair(SOCK_STREAM, sv);
	pipe(p);
	send_fd(sv[0], p[1]);
	close(p[1]);
	TRY(read(sv[1], buf, 1));
	show_closed("read", p[0]);
}

/* A pipe's end in the queue of a socket that only its own queue, or a circle, refers to. */
static void cycle(const char *what, int nr, int type)
{
	int sv[8][2], p[2];

	pipe(p);
	for (int i = 0; i < nr; i++)
		pair(type, sv[i]);
	for (int i = 0; i < nr; i++) {
		int next = (i + 1) % nr;

		/* What sv[i][1] may read: the next one, the pipe, both ends of itself. */
		send_fd(sv[i][0], sv[next][1]);
		send_fd(sv[i][0], p[1]);
		send_fd(sv[i][0], sv[i][0]);
	}
	close(p[1]);
	for (int i = 0; i < nr; i++) {
		close(sv[i][0]);
		close(sv[i][1]);
	}
	close(socket(AF_UNIX, SOCK_DGRAM, 0));	/* Linux collects when one is closed */
	show_closed(what, p[0]);
	close(p[0]);
}

ABI_TEST(unix_rights, cycles)
{
	cycle("self, stream", 1, SOCK_STREAM);
	cycle("self, dgram", 1, SOCK_DGRAM);
	cycle("two", 2, SOCK_STREAM);
	cycle("two, seqpacket", 2, SOCK_SEQPACKET);
	cycle("eight", 8, SOCK_DGRAM);
}

ABI_TEST(unix_rights, cycle_of_a_listener)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "s" };
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), p[2];

	pipe(p);
	bind(l, (void *)&a, sizeof(a));
	listen(l, 5);
	TRY(connect(c, (void *)&a, sizeof(a)));
	TRY(send_fd(c, l));
	TRY(send_fd(c, p[1]));
	close(p[1]);
	close(l);
	close(c);
	show_closed("embryo holds its listener", p[0]);
	unlink("s");
}

ABI_TEST(unix_rights, reachable_survives)
{
	int a[2], b[2], p[2], got[2];

	pair(SOCK_STREAM, a);
	pair(SOCK_STREAM, b);
	pipe(p);
	/* b[1], with a pipe and itself in its queue, is reachable through a[1]. */
	send_fd(b[0], p[1]);
	send_fd(b[0], b[1]);
	send_fd(a[0], b[1]);
	close(p[1]);
	close(b[0]);
	close(b[1]);
	cycle("another", 1, SOCK_STREAM);
	sleep_ms(50);
	say("nr %d", receive(a[1], 1, 200, 0, got));
	b[1] = got[0];
	say("nr %d", receive(b[1], 1, 200, 0, got));
	TRY(write(got[0], "alive", 5));
	TRY(read(p[0], buf, 10));
	close(got[0]);
	show_closed("pipe", p[0]);
	close(b[1]);
}

ABI_TEST(unix_rights, deep_chain)
{
	int p[2], sv[2], held;

	/* Each socket's queue holds the next: 2,000 deep, given up by one close. */
	pipe(p);
	held = p[1];
	for (int i = 0; i < 2000; i++) {
		pair(SOCK_DGRAM, sv);
		if (send_fd(sv[0], held) != 1)
			say("%d: %s", i, errno_name(errno));
		close(held);
		close(sv[0]);
		held = sv[1];
	}
	close(held);
	show_closed("pipe", p[0]);
}

static int sends_many(void *arg)
{
	struct rlimit r = { 20, 20 };
	int sv[2], n = 0;

	(void)arg;
	if (setresuid(1234, 1234, 1234))
		return 1;
	setrlimit(RLIMIT_NOFILE, &r);
	pair(SOCK_STREAM, sv);
	while (n < 100 && send_fd(sv[0], 0) == 1)
		n++;
	say("sent %d, then %s", n, errno_name(errno));
	while (n-- && recv(sv[1], buf, 1, MSG_DONTWAIT) == 1)
		;
	TRY(send_fd(sv[0], 0));
	return 0;
}

ABI_TEST(unix_rights, limit_in_flight)
{
	run_child("user", sends_many, NULL);
}

/* Credentials. */

static long send_creds(int s, pid_t pid, uid_t uid, gid_t gid)
{
	struct control c = { .len = 0 };
	struct ucred u = { pid, uid, gid };

	add(&c, SOL_SOCKET, SCM_CREDENTIALS, &u, sizeof(u));
	return send_control(s, "c", &c);
}

ABI_TEST(unix_creds, passed)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	int sv[2], on = 1;

	for (int i = 0; i < 3; i++) {
		pair(types[i], sv);
		TRY(send(sv[0], "before", 6, 0));
		TRY(setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, 4));
		receive(sv[1], 10, 200, 0, NULL);
		TRY(send(sv[0], "after", 5, 0));
		receive(sv[1], 10, 200, 0, NULL);
		TRY(send_creds(sv[0], getpid(), getuid(), getgid()));
		receive(sv[1], 10, 200, 0, NULL);
		TRY(send(sv[0], "x", 1, 0));
		receive(sv[1], 10, CMSG_LEN(4), 0, NULL);
		TRY(send(sv[0], "x", 1, 0));
		receive(sv[1], 10, 0, 0, NULL);
		TRY(send_fd(sv[0], 0));
		receive(sv[1], 10, 200, 0, (int[4]){ 0 });
		close(sv[0]);
		receive(sv[1], 10, 200, 0, NULL);
	}
}

ABI_TEST(unix_creds, claimed)
{
	struct control c = { .len = 0 };
	int sv[2], on = 1;

	pair(SOCK_DGRAM, sv);
	setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, 4);
	TRY(send_creds(sv[0], getppid(), 5, 6));
	receive(sv[1], 10, 200, 0, NULL);
	TRY(send_creds(sv[0], 4000000, 5, 6));
	TRY(send_creds(sv[0], getpid(), (uid_t)-1, 6));
	add(&c, SOL_SOCKET, SCM_CREDENTIALS, buf, 11);
	TRY(send_control(sv[0], "x", &c));
}

static int claims(void *arg)
{
	int *sv = arg;

	if (setresgid(2000, 2001, 2002) || setresuid(1000, 1001, 1002))
		return 1;
	TRY(send_creds(sv[0], getpid(), 1000, 2000));
	TRY(send_creds(sv[0], getpid(), 1001, 2001));
	TRY(send_creds(sv[0], getpid(), 1002, 2002));
	TRY(send_creds(sv[0], getpid(), 1003, 2000));
	TRY(send_creds(sv[0], getpid(), 1000, 0));
	TRY(send_creds(sv[0], getppid(), 1000, 2000));
	TRY(send(sv[0], "plain", 5, 0));
	return 0;
}

ABI_TEST(unix_creds, claimed_by_others)
{
	int sv[2], on = 1;

	pair(SOCK_DGRAM, sv);
	setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, 4);
	run_child("child", claims, sv);
	for (int i = 0; i < 5; i++)
		receive(sv[1], 10, 200, 0, NULL);
}

static int writes_once(void *arg)
{
	return write(*(int *)arg, "child", 5) == 5 ? 0 : 1;
}

ABI_TEST(unix_creds, stream_keeps_senders_apart)
{
	int sv[2], on = 1;

	pair(SOCK_STREAM, sv);
	setsockopt(sv[1], SOL_SOCKET, SO_PASSCRED, &on, 4);
	send(sv[0], "me", 2, 0);
	send(sv[0], "too", 3, 0);
	run_child("child", writes_once, &sv[0]);
	send(sv[0], "again", 5, 0);
	receive(sv[1], 100, 200, MSG_PEEK, NULL);
	receive(sv[1], 100, 200, 0, NULL);
	receive(sv[1], 100, 200, 0, NULL);
	receive(sv[1], 100, 200, 0, NULL);
}

static void show_peer(const char *what, int s)
{
	struct ucred u = { 9, 9, 9 };
	socklen_t len = sizeof(u);

	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &len))
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: %d %s %d %d", what, (int)len, u.pid == getpid() ? "me" :
		    u.pid == getppid() ? "parent" : u.pid ? "other" : "0", (int)u.uid,
		    (int)u.gid);
}

static int connects(void *arg)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "s" };
	int c = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)arg;
	chmod("s", 0777);
	chmod(".", 0755);
	if (setresgid(2000, 2001, 2002) || setresuid(1000, 1001, 1002))
		return 1;
	if (connect(c, (void *)&a, sizeof(a)))
		return 2;
	show_peer("client", c);
	return 0;
}

ABI_TEST(unix_creds, peer)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "s" };
	int sv[2], l = socket(AF_UNIX, SOCK_STREAM, 0), s;
	socklen_t len = 4;
	gid_t groups[16];
	struct ucred u;

	pair(SOCK_STREAM, sv);
	show_peer("pair", sv[0]);
	show_peer("unconnected", l);
	bind(l, (void *)&a, sizeof(a));
	show_peer("bound", l);
	listen(l, 5);
	show_peer("listening", l);
	run_child("client", connects, NULL);
	s = accept(l, NULL, NULL);
	show_peer("accepted", s);
	TRY(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &len));
	say("short %d", (int)len);
	setgroups(3, (gid_t[]){ 30, 10, 20 });
	pair(SOCK_STREAM, sv);
	len = 8;
	TRY(getsockopt(sv[0], SOL_SOCKET, SO_PEERGROUPS, groups, &len));
	say("needs %d", (int)len);
	TRY(getsockopt(sv[0], SOL_SOCKET, SO_PEERGROUPS, groups, &len));
	say("%d: %d %d %d", (int)len, (int)groups[0], (int)groups[1], (int)groups[2]);
	TRY(getsockopt(socket(AF_UNIX, SOCK_DGRAM, 0), SOL_SOCKET, SO_PEERGROUPS, groups, &len));
	TRY(setsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, sizeof(u)));
	unlink("s");
}
