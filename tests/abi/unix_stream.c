/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX streams and sequenced packets: connections, reads and writes in all their flags, ends,
 * time-outs, readiness.
 */
#include "abi.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <linux/sockios.h>

static char buf[65536];

static struct sockaddr_un path_address(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return a;
}

static int listener(int type, const char *path, int backlog)
{
	struct sockaddr_un a = path_address(path);
	int s = socket(AF_UNIX, type, 0);

	if (bind(s, (void *)&a, sizeof(a)) || listen(s, backlog))
		say("listener: %s", errno_name(errno));
	return s;
}

static int connected(int type, const char *path)
{
	struct sockaddr_un a = path_address(path);
	int s = socket(AF_UNIX, type, 0);

	if (connect(s, (void *)&a, sizeof(a)))
		say("connect: %s", errno_name(errno));
	return s;
}

static void show_poll(const char *what, int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0 };

	poll(&p, 1, 0);
	say("%s:%s%s%s%s%s%s", what, p.revents & POLLIN ? " IN" : "",
	    p.revents & POLLOUT ? " OUT" : "", p.revents & POLLRDHUP ? " RDHUP" : "",
	    p.revents & POLLHUP ? " HUP" : "", p.revents & POLLERR ? " ERR" : "",
	    p.revents & POLLPRI ? " PRI" : "");
}

static void no_sigpipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

ABI_TEST(unix_stream, create)
{
	int sv[2];

	TRY_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	TRY_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	TRY_OK(socket(AF_UNIX, SOCK_SEQPACKET, 0));
	TRY_OK(socket(AF_UNIX, SOCK_RAW, 0));
	TRY_OK(socket(AF_UNIX, SOCK_STREAM, AF_UNIX));
	TRY(socket(AF_UNIX, SOCK_STREAM, 2));
	TRY(socket(AF_UNIX, SOCK_RDM, 0));
	TRY(socket(AF_UNIX, 0, 0));
	TRY(socket(AF_UNIX, 11, 0));
	TRY(socket(AF_UNIX, 0x10 | SOCK_STREAM, 0));
	TRY(socket(AF_UNSPEC, SOCK_STREAM, 0));
	TRY(socket(9999, SOCK_STREAM, 0));
	TRY(socket(-1, SOCK_STREAM, 0));
	TRY(socketpair(AF_UNIX, SOCK_STREAM | 0x10, 0, sv));
	TRY(socketpair(AF_UNIX, SOCK_RDM, 0, sv));
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 5, sv));
	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)16));
	TRY(socketpair(-1, SOCK_STREAM, 0, sv));
}

ABI_TEST(unix_stream, create_flags)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), sv[2];

	say("cloexec %d nonblock %d rdwr %d", fcntl(s, F_GETFD), !!(fcntl(s, F_GETFL) & O_NONBLOCK),
	    (fcntl(s, F_GETFL) & O_ACCMODE) == O_RDWR);
	TRY(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv));
	say("cloexec %d %d nonblock %d", fcntl(sv[0], F_GETFD), fcntl(sv[1], F_GETFD),
	    !!(fcntl(sv[1], F_GETFL) & O_NONBLOCK));
	TRY(read(sv[0], buf, 1));
	TRY(fcntl(sv[0], F_SETFL, O_RDWR));
	TRY(ioctl(sv[0], FIONBIO, &(int){ 1 }));
	TRY(recv(sv[0], buf, 1, 0));
	TRY(ioctl(sv[0], FIONBIO, &(int){ 0 }));
	TRY(recv(sv[0], buf, 1, MSG_DONTWAIT));
}

ABI_TEST(unix_stream, not_a_socket)
{
	struct sockaddr_un a = path_address("x");
	socklen_t len = sizeof(a);
	struct msghdr m = { 0 };
	struct mmsghdr mm = { 0 };
	int p[2], n;

	pipe(p);
	for (int i = 0; i < 2; i++) {
		int fd = i ? p[0] : 77;

		TRY(bind(fd, (void *)&a, sizeof(a)));
		TRY(listen(fd, 1));
		TRY(accept(fd, NULL, NULL));
		TRY(connect(fd, (void *)&a, sizeof(a)));
		TRY(getsockname(fd, (void *)&a, &len));
		TRY(getpeername(fd, (void *)&a, &len));
		TRY(send(fd, buf, 1, 0));
		TRY(recv(fd, buf, 1, 0));
		TRY(sendmsg(fd, &m, 0));
		TRY(recvmsg(fd, &m, 0));
		TRY(sendmmsg(fd, &mm, 1, 0));
		TRY(recvmmsg(fd, &mm, 1, 0, NULL));
		TRY(shutdown(fd, 0));
		TRY(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &n, 4));
		TRY(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &n, &len));
	}
}

ABI_TEST(unix_stream, pair_moves_bytes)
{
	struct iovec v[3] = { { "ab", 2 }, { "", 0 }, { "cde", 3 } };
	int sv[2], n = -1;

	TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	TRY(writev(sv[0], v, 3));
	TRY(send(sv[0], "fg", 2, 0));
	TRY(ioctl(sv[1], FIONREAD, &n));
	say("FIONREAD %d", n);
	TRY(read(sv[1], buf, 0));
	TRY(read(sv[1], buf, 3));
	TRY(recv(sv[1], buf + 3, 100, 0));
	say("%.7s", buf);
	TRY(ioctl(sv[1], FIONREAD, &n));
	say("FIONREAD %d", n);
	TRY(ioctl(sv[0], SIOCOUTQ, &n));
	say("SIOCOUTQ %d", n);
	TRY(send(sv[0], "x", 1, 0));
	TRY(ioctl(sv[0], SIOCOUTQ, &n));
	say("SIOCOUTQ %s", n > 0 ? "used" : "empty");
	TRY(ioctl(sv[0], FIONREAD, (void *)16));
	TRY(ioctl(sv[0], 0x5401, buf));
	TRY(lseek(sv[0], 0, SEEK_SET));
	TRY(pread(sv[0], buf, 1, 0));
	TRY(pwrite(sv[0], buf, 1, 0));
	TRY(fsync(sv[0]));
	TRY(ftruncate(sv[0], 0));
}

ABI_TEST(unix_stream, stat)
{
	struct stat st;
	char link[64], text[64];
	int sv[2];
	long n;

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	TRY(fstat(sv[0], &st));
	say("mode %o nlink %d size %d", st.st_mode, (int)st.st_nlink, (int)st.st_size);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sv[0]);
	n = readlink(link, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	snprintf(link, sizeof(link), "socket:[%lu]", (unsigned long)st.st_ino);
	say("%s", strcmp(link, text) ? text : "socket:[INO]");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", sv[0]);
	TRY(open(link, O_RDWR));
	TRY(stat(link, &st));
	say("mode %o", st.st_mode);
}

ABI_TEST(unix_stream, peek_and_waitall)
{
	int sv[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	send(sv[0], "abc", 3, 0);
	send(sv[0], "def", 3, 0);
	memset(buf, 0, 10);
	TRY(recv(sv[1], buf, 2, MSG_PEEK));
	say("%s", buf);
	TRY(recv(sv[1], buf, 10, MSG_PEEK));
	say("%s", buf);
	TRY(recv(sv[1], buf, 5, MSG_WAITALL));
	say("%.5s", buf);
	TRY(recv(sv[1], buf, 5, MSG_WAITALL | MSG_DONTWAIT));
	TRY(recv(sv[1], buf, 5, MSG_PEEK | MSG_DONTWAIT));
	TRY(recv(sv[1], buf, 0, MSG_DONTWAIT));
	TRY(recv(sv[1], buf, 1, MSG_DONTWAIT | MSG_TRUNC));
	send(sv[0], "xyz", 3, MSG_EOR | MSG_MORE | MSG_CONFIRM);
	TRY(recv(sv[1], NULL, 3, MSG_TRUNC));
	TRY(recv(sv[1], buf, 3, MSG_TRUNC));
}

static int late_writer(void *arg)
{
	int fd = *(int *)arg;

	sleep_ms(30);
	if (write(fd, "abc", 3) != 3)
		return 1;
	sleep_ms(30);
	return write(fd, "def", 3) == 3 ? 0 : 1;
}

ABI_TEST(unix_stream, waitall_waits)
{
	int sv[2], status;
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pid = spawn(late_writer, &sv[0]);
	TRY(recv(sv[1], buf, 6, MSG_WAITALL));
	waitpid(pid, &status, 0);
	pid = spawn(late_writer, &sv[0]);
	TRY(setsockopt(sv[1], SOL_SOCKET, SO_RCVLOWAT, &(int){ 6 }, 4));
	TRY(recv(sv[1], buf, 100, 0));
	waitpid(pid, &status, 0);
	pid = spawn(late_writer, &sv[0]);
	TRY(setsockopt(sv[1], SOL_SOCKET, SO_RCVLOWAT, &(int){ 0 }, 4));
	TRY(recv(sv[1], buf, 100, 0));
	waitpid(pid, &status, 0);
	show_status("writer", status);
}

ABI_TEST(unix_stream, unconnected)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), q = socket(AF_UNIX, SOCK_SEQPACKET, 0), n;
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	no_sigpipe();
	TRY(read(s, buf, 1));
	TRY(write(s, buf, 1));
	TRY(write(s, buf, 0));
	TRY(recv(s, buf, 1, MSG_DONTWAIT));
	TRY(getpeername(s, (void *)&a, &len));
	TRY(getsockname(s, (void *)&a, &len));
	say("len %d family %d", (int)len, a.sun_family);
	TRY(shutdown(s, SHUT_RD));
	TRY(accept(s, NULL, NULL));
	TRY(listen(s, 1));
	show_poll("stream", s);
	TRY(read(q, buf, 1));
	TRY(write(q, buf, 1));
	TRY(accept(q, NULL, NULL));
	show_poll("seqpacket", q);
	TRY(ioctl(s, FIONREAD, &n));
	TRY(shutdown(s, 3));
	TRY(shutdown(s, -1));
	TRY(accept4(s, NULL, NULL, 1));
}

ABI_TEST(unix_stream, connect_and_accept)
{
	struct sockaddr_un a;
	socklen_t len;
	int l = listener(SOCK_STREAM, "s", 5), c, s;

	show_poll("listener", l);
	c = connected(SOCK_STREAM, "s");
	show_poll("listener", l);
	TRY(write(c, "early", 5));
	len = sizeof(a);
	memset(&a, 0, sizeof(a));
	s = accept4(l, (void *)&a, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	say("accepted %d len %d cloexec %d nonblock %d", s >= 0, (int)len, fcntl(s, F_GETFD),
	    !!(fcntl(s, F_GETFL) & O_NONBLOCK));
	TRY(read(s, buf, 100));
	len = sizeof(a);
	TRY(getsockname(s, (void *)&a, &len));
	say("%d %s", (int)len, a.sun_path);
	len = sizeof(a);
	TRY(getpeername(c, (void *)&a, &len));
	say("%d %s", (int)len, a.sun_path);
	len = sizeof(a);
	TRY(getpeername(s, (void *)&a, &len));
	say("%d", (int)len);
	a = path_address("s");
	TRY(connect(c, (void *)&a, sizeof(a)));
	TRY(connect(l, (void *)&a, sizeof(a)));
	TRY(listen(c, 5));
	TRY(bind(l, (void *)&a, sizeof(a)));
	TRY(read(l, buf, 1));
	TRY(write(l, buf, 1));
	TRY(ioctl(l, FIONREAD, buf));
	TRY(ioctl(l, SIOCOUTQ, buf));
	TRY(fcntl(l, F_SETFL, O_NONBLOCK));
	TRY(accept(l, NULL, NULL));
	show_poll("client", c);
	show_poll("server", s);
	unlink("s");
}

ABI_TEST(unix_stream, backlog)
{
	struct sockaddr_un a = path_address("s");
	int l = listener(SOCK_STREAM, "s", 1), made = 0, s = -1;
	struct timeval tv = { 0, 40000 };

	for (int i = 0; i < 10; i++) {
		s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(s, (void *)&a, sizeof(a)))
			break;
		made++;
	}
	say("made %d, then %s", made, errno_name(errno));
	show_poll("refused", s);
	TRY(fcntl(s, F_SETFL, 0));
	TRY(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	TRY(connect(s, (void *)&a, sizeof(a)));
	TRY(listen(l, 2));
	TRY(connect(s, (void *)&a, sizeof(a)));
	TRY_OK(accept(l, NULL, NULL));
	close(l);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	TRY(connect(s, (void *)&a, sizeof(a)));
	TRY(unlink("s"));
	TRY(connect(s, (void *)&a, sizeof(a)));
}

static int late_accepter(void *arg)
{
	sleep_ms(40);
	return accept(*(int *)arg, NULL, NULL) >= 0 ? 0 : 1;
}

ABI_TEST(unix_stream, connect_waits_for_room)
{
	struct sockaddr_un a = path_address("s");
	int l = listener(SOCK_STREAM, "s", 0), c = connected(SOCK_STREAM, "s"), status = 0;
	int d = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid = spawn(late_accepter, &l);

	TRY(connect(d, (void *)&a, sizeof(a)));
	waitpid(pid, &status, 0);
	show_status("accepter", status);
	close(c);
	unlink("s");
}

static int late_shutdown(void *arg)
{
	sleep_ms(40);
	return shutdown(*(int *)arg, SHUT_RDWR);
}

ABI_TEST(unix_stream, shutdown_of_a_listener)
{
	struct sockaddr_un a = path_address("s");
	int l = listener(SOCK_STREAM, "s", 5), c, status;
	pid_t pid = spawn(late_shutdown, &l);

	TRY(accept(l, NULL, NULL));
	waitpid(pid, &status, 0);
	show_poll("listener", l);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	TRY(connect(c, (void *)&a, sizeof(a)));
	unlink("s");
}

ABI_TEST(unix_stream, embryo_is_reset)
{
	int l = listener(SOCK_STREAM, "s", 5), c = connected(SOCK_STREAM, "s");

	no_sigpipe();
	TRY(write(c, "x", 1));
	close(l);
	show_poll("client", c);
	TRY(write(c, "x", 1));
	TRY(read(c, buf, 1));
	TRY(read(c, buf, 1));
	unlink("s");
}

ABI_TEST(unix_stream, client_leaves_early)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);
	int l = listener(SOCK_STREAM, "s", 5), c = connected(SOCK_STREAM, "s"), s;

	no_sigpipe();
	TRY(write(c, "bye", 3));
	close(c);
	s = accept(l, (void *)&a, &len);
	say("len %d", (int)len);
	show_poll("server", s);
	TRY(read(s, buf, 100));
	TRY(read(s, buf, 100));
	TRY(write(s, "x", 1));
	unlink("s");
}

ABI_TEST(unix_stream, ends)
{
	int sv[2], err;
	socklen_t len = sizeof(err);

	no_sigpipe();
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	show_poll("fresh", sv[0]);
	TRY(shutdown(sv[0], SHUT_WR));
	show_poll("writer", sv[0]);
	show_poll("reader", sv[1]);
	TRY(read(sv[1], buf, 1));
	TRY(write(sv[0], "x", 1));
	TRY(write(sv[1], "back", 4));
	TRY(read(sv[0], buf, 10));
	TRY(shutdown(sv[0], SHUT_RD));
	show_poll("both", sv[0]);
	TRY(write(sv[1], "x", 1));
	show_poll("peer", sv[1]);

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	TRY(shutdown(sv[0], SHUT_RD));
	show_poll("rd", sv[0]);
	TRY(read(sv[0], buf, 1));
	TRY(send(sv[1], "x", 1, MSG_NOSIGNAL));
	TRY(send(sv[0], "x", 1, MSG_NOSIGNAL));

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	TRY(write(sv[1], "unread", 6));
	TRY(write(sv[0], "left", 4));
	close(sv[0]);
	show_poll("reset", sv[1]);
	TRY(getsockopt(sv[1], SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %s", errno_name(err));
	TRY(read(sv[1], buf, 10));
	TRY(read(sv[1], buf, 10));
	TRY(write(sv[1], "x", 1));

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	TRY(write(sv[1], "unread", 6));
	close(sv[0]);
	TRY(write(sv[1], "x", 1));
	TRY(read(sv[1], buf, 10));
	TRY(read(sv[1], buf, 10));
}

static int writes_to_nobody(void *arg)
{
	int sv[2];

	(void)arg;
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	close(sv[1]);
	say("nosignal %s", send(sv[0], "x", 1, MSG_NOSIGNAL) < 0 ? errno_name(errno) : "sent");
	write(sv[0], "x", 1);
	return 0;
}

static int sends_packet_to_nobody(void *arg)
{
	int sv[2];

	(void)arg;
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
	close(sv[1]);
	say("%s", write(sv[0], "x", 1) < 0 ? errno_name(errno) : "sent");
	return 0;
}

ABI_TEST(unix_stream, sigpipe)
{
	run_child("stream", writes_to_nobody, NULL);
	run_child("seqpacket", sends_packet_to_nobody, NULL);
}

ABI_TEST(unix_stream, timeouts)
{
	struct timeval tv = { 0, 40000 }, got = { 9, 9 };
	socklen_t len = sizeof(got);
	int sv[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	TRY(getsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	say("%d: %ld.%06ld", (int)len, (long)got.tv_sec, (long)got.tv_usec);
	TRY(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	TRY(getsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &got, &len));
	say("%ld.%06ld", (long)got.tv_sec, (long)got.tv_usec);
	TRY(read(sv[0], buf, 1));
	TRY(write(sv[1], "ab", 2));
	TRY(recv(sv[0], buf, 5, MSG_WAITALL));
	TRY(setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
	TRY(fcntl(sv[0], F_SETFL, O_NONBLOCK));
	while (write(sv[0], buf, sizeof(buf)) > 0)
		;
	TRY(fcntl(sv[0], F_SETFL, 0));
	TRY(write(sv[0], buf, 1));
	tv.tv_usec = 1000000;
	TRY(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	tv.tv_usec = -1;
	TRY(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	tv = (struct timeval){ -1, 0 };
	TRY(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	TRY(read(sv[0], buf, 1));
	TRY(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, 8));
	TRY(setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, (void *)16, sizeof(tv)));
}

/* Returns when the thread or process of @stat sleeps: it waits in the call that it was to make. */
static void await_sleep(const char *stat)
{
	char line[256];

	for (int seen = 0; seen < 3;) {
		FILE *f = fopen(stat, "r");
		bool sleeps = f && fgets(line, sizeof(line), f) && strstr(line, ") S ");

		if (f)
			fclose(f);
		seen = sleeps ? seen + 1 : 0;
		sleep_ms(10);
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

static int alarms(int flags, int timeout)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct timeval tv = { 5, 0 };
	int sv[2], status;
	pid_t pid;

	sigaction(SIGALRM, &sa, NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	if (timeout)
		setsockopt(sv[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	pid = fork();
	if (!pid) {
		char parent[40];

		snprintf(parent, sizeof(parent), "/proc/%d/stat", (int)getppid());
		await_sleep(parent);
		kill(getppid(), SIGALRM);
		sleep_ms(40);
		write(sv[1], "x", 1);
		_exit(0);
	}
	TRY(read(sv[0], buf, 1));
	waitpid(pid, &status, 0);
	return 0;
}

ABI_TEST(unix_stream, signals_interrupt)
{
	alarms(0, 0);
	alarms(SA_RESTART, 0);
	alarms(SA_RESTART, 1);
}

ABI_TEST(unix_stream, full_buffer)
{
	int sv[2], size = 8192;
	socklen_t len = sizeof(size);
	long total = 0, n;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv);
	TRY(getsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &size, &len));
	say("SO_SNDBUF %d", size);
	while ((n = write(sv[0], buf, 1000)) > 0)
		total += n;
	say("full: %s, some %d", errno_name(errno), total > 20000 && total < 400000);
	show_poll("full", sv[0]);
	for (int i = 0; i < 3; i++)
		read(sv[1], buf, 1000);
	show_poll("little room", sv[0]);
	while ((n = read(sv[1], buf, sizeof(buf))) > 0)
		total -= n;
	say("left %ld", total - 3000);
	show_poll("empty", sv[0]);
	n = write(sv[0], buf, sizeof(buf));
	say("wrote all %d", n == sizeof(buf));
}

static int drains(void *arg)
{
	size_t at = 0;
	long n;

	while (at < 3000000 && (n = read(*(int *)arg, buf, sizeof(buf))) > 0)
		for (long i = 0; i < n; i++, at++)
			if (buf[i] != (char)(at * at >> 7))
				return 1;
	return at == 3000000 ? 0 : 2;
}

ABI_TEST(unix_stream, bulk_keeps_order)
{
	static char data[3000000];
	int sv[2], status;
	pid_t pid;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * i >> 7);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pid = spawn(drains, &sv[1]);
	TRY(write(sv[0], data, sizeof(data)));
	waitpid(pid, &status, 0);
	show_status("reader", status);
}

ABI_TEST(unix_stream, addresses_in_messages)
{
	struct sockaddr_un a = path_address("s");
	socklen_t len;
	int l = listener(SOCK_STREAM, "s", 5), c, s, sv[2];

	c = connected(SOCK_STREAM, "s");
	s = accept(l, NULL, NULL);
	TRY(sendto(c, "a", 1, 0, (void *)&a, sizeof(a)));
	TRY(sendto(c, "a", 1, 0, (void *)&a, 0));
	TRY(sendto(c, "a", 1, 0, (void *)16, sizeof(a)));
	TRY(sendto(c, "a", 1, 0, (void *)&a, 200));
	TRY(sendto(c, "a", 1, 0, (void *)&a, -1));
	memset(&a, 0, sizeof(a));
	len = sizeof(a);
	TRY(recvfrom(s, buf, 1, 0, (void *)&a, &len));
	say("from client: %d", (int)len);
	write(s, "xyz", 3);
	len = sizeof(a);
	TRY(recvfrom(c, buf, 1, 0, (void *)&a, &len));
	say("from server: %d %s", (int)len, a.sun_path);
	len = 3;
	TRY(recvfrom(c, buf, 1, 0, (void *)&a, &len));
	say("cut: %d", (int)len);
	len = -1;
	TRY(recvfrom(c, buf, 1, 0, (void *)&a, &len));
	write(s, "x", 1);
	len = sizeof(a);
	TRY(recvfrom(c, buf, 1, 0, (void *)16, &len));
	write(s, "x", 1);
	TRY(recvfrom(c, buf, 1, 0, (void *)&a, NULL));
	TRY(recv(c, buf, 1, MSG_DONTWAIT));
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	a = path_address("s");
	TRY(sendto(socket(AF_UNIX, SOCK_STREAM, 0), "a", 1, 0, (void *)&a, sizeof(a)));
	write(sv[0], "x", 1);
	len = 77;
	TRY(recvfrom(sv[1], buf, 1, 0, (void *)&a, &len));
	say("pair: %d", (int)len);
	unlink("s");
}

ABI_TEST(unix_stream, seqpacket)
{
	struct iovec v = { buf, 2 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int sv[2], n;

	no_sigpipe();
	socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv);
	TRY(write(sv[0], "abc", 3));
	TRY(send(sv[0], "", 0, 0));
	TRY(send(sv[0], "defgh", 5, MSG_EOR));
	TRY(ioctl(sv[1], FIONREAD, &n));
	say("FIONREAD %d", n);
	TRY(recvmsg(sv[1], &m, 0));
	say("flags %#x", m.msg_flags);
	TRY(recvmsg(sv[1], &m, 0));
	say("flags %#x", m.msg_flags);
	TRY(recvmsg(sv[1], &m, MSG_PEEK | MSG_TRUNC));
	say("flags %#x", m.msg_flags);
	TRY(recv(sv[1], buf, 100, MSG_WAITALL));
	TRY(recv(sv[1], buf, 100, MSG_DONTWAIT));
	TRY(shutdown(sv[0], SHUT_WR));
	TRY(write(sv[0], "x", 1));
	TRY(recv(sv[1], buf, 100, 0));
	TRY(recv(sv[1], buf, 100, MSG_DONTWAIT));
	show_poll("half", sv[1]);
	TRY(write(sv[1], "unread", 6));
	close(sv[0]);
	show_poll("reset", sv[1]);
	TRY(recv(sv[1], buf, 100, 0));
	TRY(recv(sv[1], buf, 100, 0));
	TRY(write(sv[1], "x", 1));
}

ABI_TEST(unix_stream, seqpacket_connection)
{
	struct sockaddr_un a = path_address("s");
	int l = listener(SOCK_SEQPACKET, "s", 2), c = connected(SOCK_SEQPACKET, "s"), s;

	TRY(write(c, "one", 3));
	TRY(write(c, "two", 3));
	s = accept(l, NULL, NULL);
	TRY(read(s, buf, 100));
	TRY(sendto(s, "xx", 2, 0, (void *)&a, sizeof(a)));
	TRY(read(c, buf, 100));
	TRY(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof(a)));
	TRY(connect(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&a, sizeof(a)));
	show_poll("listener", l);
	TRY(recv(l, buf, 1, MSG_DONTWAIT));
	TRY(send(l, buf, 1, MSG_DONTWAIT));
	unlink("s");
}

static void show_events(int ep)
{
	struct epoll_event ev[4];
	int n = epoll_wait(ep, ev, 4, 0);

	if (n <= 0)
		say("epoll: %d", n);
	for (int i = 0; i < n; i++)
		say("epoll: %#x", ev[i].events);
}

ABI_TEST(unix_stream, epoll_edges)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int ep = epoll_create1(0), sv[2];

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv);
	TRY(epoll_ctl(ep, EPOLL_CTL_ADD, sv[0], &ev));
	show_events(ep);
	show_events(ep);
	write(sv[1], "a", 1);
	show_events(ep);
	show_events(ep);
	write(sv[1], "b", 1);
	show_events(ep);
	read(sv[0], buf, 1);
	show_events(ep);
	while (write(sv[0], buf, 4096) > 0)
		;
	show_events(ep);
	while (read(sv[1], buf, sizeof(buf)) > 0)
		;
	show_events(ep);
	shutdown(sv[1], SHUT_WR);
	show_events(ep);
	close(sv[1]);
	show_events(ep);
	show_events(ep);
}

static void *closes_later(void *arg)
{
	char other[60];		/* the main thread */

	snprintf(other, sizeof(other), "/proc/self/task/%d/stat", (int)getpid());
	await_sleep(other);
	close(*(int *)arg);
	return NULL;
}

ABI_TEST(unix_stream, peer_close_wakes)
{
	struct pollfd p;
	pthread_t t;
	int sv[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pthread_create(&t, NULL, closes_later, &sv[1]);
	TRY(read(sv[0], buf, 1));
	pthread_join(t, NULL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pthread_create(&t, NULL, closes_later, &sv[1]);
	p = (struct pollfd){ sv[0], POLLRDHUP, 0 };
	TRY(poll(&p, 1, 5000));
	say("%#x", p.revents);
	pthread_join(t, NULL);
	no_sigpipe();
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	while (write(sv[0], buf, sizeof(buf)) > 0)
		;
	fcntl(sv[0], F_SETFL, 0);
	pthread_create(&t, NULL, closes_later, &sv[1]);
	TRY(write(sv[0], buf, 1));
	pthread_join(t, NULL);
}

ABI_TEST(unix_stream, sendfile)
{
	int sv[2], fd = open("file", O_RDWR | O_CREAT, 0600);

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	for (int i = 0; i < 30000; i++)
		buf[i] = (char)(i % 251);
	TRY(write(fd, buf, 30000));
	TRY(lseek(fd, 100, SEEK_SET));
	TRY(sendfile(sv[0], fd, NULL, 20000));
	TRY(lseek(fd, 0, SEEK_CUR));
	memset(buf, 0, sizeof(buf));
	TRY(recv(sv[1], buf, 20000, MSG_WAITALL));
	say("%d %d", buf[0] == 100, buf[19999] == (char)(20099 % 251));
	TRY(sendfile(fd, sv[0], NULL, 10));
	unlink("file");
}

ABI_TEST(unix_stream, splice)
{
	int sv[2], p[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	pipe(p);
	TRY(write(p[1], "hello", 5));
	TRY(splice(p[0], NULL, sv[0], NULL, 100, 0));
	TRY(read(sv[1], buf, 10));
	TRY(write(sv[0], "world", 5));
	TRY(splice(sv[1], NULL, p[1], NULL, 100, 0));
	TRY(read(p[0], buf, 10));
	say("%.5s", buf);
	TRY(fcntl(sv[1], F_SETFL, O_NONBLOCK));
	TRY(splice(sv[1], NULL, p[1], NULL, 100, 0));
	TRY(shutdown(sv[0], SHUT_WR));
	TRY(splice(sv[1], NULL, p[1], NULL, 100, 0));
}

ABI_TEST(unix_stream, faults)
{
	struct iovec v[2] = { { buf, 2 }, { (void *)16, 2 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	int sv[2];

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv);
	TRY(write(sv[0], (void *)16, 1));
	TRY(send(sv[0], (void *)-8L, 1, 0));
	TRY(sendmsg(sv[0], &m, 0));
	TRY(read(sv[1], buf, 10));
	write(sv[0], "abcd", 4);
	TRY(read(sv[1], (void *)16, 4));
	TRY(recvmsg(sv[1], &m, 0));
	TRY(read(sv[1], buf, 10));
	m.msg_iovlen = 1025;
	TRY(sendmsg(sv[0], &m, 0));
	TRY(recvmsg(sv[1], &m, 0));
	m.msg_iov = (void *)16;
	m.msg_iovlen = 2;
	TRY(sendmsg(sv[0], &m, 0));
	TRY(sendmsg(sv[0], (void *)16, 0));
	TRY(recvmsg(sv[1], (void *)16, 0));
	v[0].iov_len = (size_t)-1;
	m.msg_iov = v;
	m.msg_iovlen = 1;
	TRY(sendmsg(sv[0], &m, 0));
	m = (struct msghdr){ .msg_name = buf, .msg_namelen = (socklen_t)-1 };
	TRY(sendmsg(sv[0], &m, 0));
}
