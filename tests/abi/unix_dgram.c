/* SPDX-License-Identifier: MIT */
/*
 * AF_UNIX datagrams and names: paths, abstract and automatic names, permissions, connected and
 * unconnected sending, several messages at once.
 */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static char buf[300000];

#define HEAD ((socklen_t)offsetof(struct sockaddr_un, sun_path))

/* An address and its length; "@x" is an abstract name. */
struct name {
	struct sockaddr_un a;
	socklen_t len;
};

static struct name name_of(const char *text)
{
	struct name n = { .a.sun_family = AF_UNIX };
	size_t len = strlen(text);

	memcpy(n.a.sun_path, text, len);
	n.len = HEAD + (socklen_t)len;
	if (text[0] == '@')
		n.a.sun_path[0] = 0;
	else
		n.len++;
	return n;
}

/* Abstract names are the whole machine's: one of this process. */
static struct name own_name(const char *text)
{
	char full[64];

	snprintf(full, sizeof(full), "@abi-%d-%s", (int)getpid(), text);
	return name_of(full);
}

static int do_bind(int s, struct name n) { return bind(s, (void *)&n.a, n.len); }
static int do_connect(int s, struct name n) { return connect(s, (void *)&n.a, n.len); }
static long send_to(int s, const char *text, struct name n)
{
	return sendto(s, text, strlen(text), MSG_DONTWAIT, (void *)&n.a, n.len);
}

static void show_own_name(const char *what, int s)
{
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	memset(&a, 0, sizeof(a));
	if (getsockname(s, (void *)&a, &len))
		say("%s: %s", what, errno_name(errno));
	else if (len > HEAD)
		say("%s: %d %c%s", what, (int)len, a.sun_path[0] ? a.sun_path[0] : '@',
		    a.sun_path + 1);
	else
		say("%s: %d", what, (int)len);
}

static void show_poll(const char *what, int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };

	poll(&p, 1, 0);
	say("%s:%s%s%s%s%s", what, p.revents & POLLIN ? " IN" : "", p.revents & POLLOUT ? " OUT" :
	    "",
	    p.revents & POLLRDHUP ? " RDHUP" : "", p.revents & POLLHUP ? " HUP" : "",
	    p.revents & POLLERR ? " ERR" : "");
}

static int dgram(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

ABI_TEST(unix_dgram, bind_paths)
{
	char longest[109];
	int s = dgram(), t = dgram();
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct stat st;

	TRY(do_bind(s, name_of("one")));
	TRY(stat("one", &st));
	say("mode %o", st.st_mode);
	show_own_name("one", s);
	TRY(do_bind(s, name_of("two")));
	TRY(stat("two", &st));
	TRY(do_bind(s, name_of("one")));
	TRY(do_bind(t, name_of("one")));
	TRY(do_bind(t, name_of("missing/x")));
	TRY(do_bind(t, name_of("one/x")));
	TRY(mkdir("dir", 0500));
	TRY(do_bind(t, name_of("dir")));
	TRY(do_bind(t, name_of("dir/")));
	TRY(bind(t, (void *)&a, 1));
	TRY(bind(t, (void *)&a, 0));
	TRY(bind(t, (void *)&a, -1));
	TRY(bind(t, (void *)&a, sizeof(a) + 1));
	TRY(bind(t, (void *)16, sizeof(a)));
	a.sun_family = AF_INET;
	TRY(bind(t, (void *)&a, sizeof(a)));
	memset(longest, 'l', sizeof(longest));
	a.sun_family = AF_UNIX;
	memcpy(a.sun_path, longest, sizeof(a.sun_path));
	TRY(bind(t, (void *)&a, sizeof(a)));
	show_own_name("longest", t);
	longest[sizeof(a.sun_path)] = 0;
	TRY(unlink(longest));
	umask(077);
	t = dgram();
	TRY(do_bind(t, name_of("three")));
	TRY(stat("three", &st));
	say("mode %o", st.st_mode);
	TRY(open("three", O_RDWR));
	TRY_OK(open("three", O_PATH));
	unlink("one");
	unlink("three");
	rmdir("dir");
}

ABI_TEST(unix_dgram, path_lifetime)
{
	int s = dgram(), t = dgram(), u;

	TRY(do_bind(s, name_of("x")));
	TRY(do_connect(t, name_of("x")));
	TRY(rename("x", "y"));
	TRY(do_connect(t, name_of("x")));
	TRY(do_connect(t, name_of("y")));
	TRY(link("y", "z"));
	TRY(send_to(dgram(), "via link", name_of("z")));
	TRY(symlink("z", "w"));
	TRY(send_to(dgram(), "via symlink", name_of("w")));
	TRY(recv(s, buf, 100, 0));
	TRY(recv(s, buf, 100, 0));
	unlink("w");
	unlink("z");
	unlink("y");
	TRY(send(t, "still", 5, 0));
	TRY(recv(s, buf, 100, 0));
	u = dgram();
	TRY(do_bind(u, name_of("x")));
	close(u);
	TRY(send_to(t, "stale", name_of("x")));
	TRY(do_bind(dgram(), name_of("x")));
	unlink("x");
	close(open("x", O_CREAT | O_RDWR, 0600));
	TRY(send_to(t, "a file", name_of("x")));
	unlink("x");
	TRY(send_to(t, "nothing", name_of("x")));
	TRY(send_to(t, "a directory", name_of(".")));
}

static int as_nobody(void *arg)
{
	(void)arg;
	if (setresuid(1000, 1000, 1000))
		return 1;
	TRY(send_to(dgram(), "closed", name_of("closed")));
	TRY(send_to(dgram(), "read only", name_of("ro")));
	TRY(send_to(dgram(), "open", name_of("open")));
	TRY(send_to(dgram(), "hidden", name_of("dir/s")));
	TRY(do_bind(dgram(), name_of("mine")));
	return 0;
}

ABI_TEST(unix_dgram, permissions)
{
	int s[4];

	for (int i = 0; i < 4; i++)
		s[i] = dgram();
	mkdir("dir", 0700);
	do_bind(s[0], name_of("closed"));
	do_bind(s[1], name_of("ro"));
	do_bind(s[2], name_of("open"));
	do_bind(s[3], name_of("dir/s"));
	chmod("closed", 0600);
	chmod("ro", 0644);
	chmod("open", 0622);
	chmod("dir/s", 0777);
	chmod(".", 0755);
	run_child("nobody", as_nobody, NULL);
	unlink("closed");
	unlink("ro");
	unlink("open");
	unlink("dir/s");
	rmdir("dir");
}

ABI_TEST(unix_dgram, abstract_names)
{
	int s = dgram(), t = dgram(), u = socket(AF_UNIX, SOCK_STREAM, 0);
	struct name n = own_name("a"), longer = n;
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	TRY(do_bind(s, n));
	TRY(do_bind(t, n));
	TRY(do_bind(u, n));
	TRY(do_bind(s, own_name("b")));
	longer.len++;
	TRY(do_bind(t, longer));
	TRY(send_to(t, "hello", n));
	TRY(recvfrom(s, buf, 100, 0, (void *)&a, &len));
	say("from a longer name: %d", len == longer.len && !memcmp(&a, &longer.a, len));
	TRY(send_to(s, "back", longer));
	TRY(send_to(s, "nobody", own_name("none")));
	close(t);
	TRY(send_to(s, "gone", longer));
	TRY(do_connect(u, n));
	TRY(listen(u, 1));
	t = socket(AF_UNIX, SOCK_STREAM, 0);
	TRY(do_connect(t, n));
	close(s);
	TRY(do_bind(dgram(), n));
	n.len = sizeof(n.a);
	TRY(do_bind(dgram(), n));
}

ABI_TEST(unix_dgram, autobind)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);
	int s = dgram(), t = dgram(), one = 1, hex = 1;

	show_own_name("unbound", s);
	TRY(bind(s, (void *)&a, HEAD));
	TRY(getsockname(s, (void *)&a, &len));
	for (int i = 1; i < 6; i++)
		hex &= strchr("0123456789abcdef", a.sun_path[i]) != NULL;
	say("len %d hex %d", (int)len, hex);
	TRY(bind(s, (void *)&a, HEAD));
	TRY(sendto(t, "x", 1, 0, (void *)&a, len));
	TRY(recv(s, buf, 10, 0));
	TRY(setsockopt(t, SOL_SOCKET, SO_PASSCRED, &one, 4));
	show_own_name("before", t);
	TRY(sendto(t, "x", 1, 0, (void *)&a, len));
	len = sizeof(a);
	TRY(getsockname(t, (void *)&a, &len));
	say("len %d", (int)len);
}

ABI_TEST(unix_dgram, messages)
{
	struct iovec v[2] = { { buf, 2 }, { buf + 10, 2 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	int sv[2], n;

	TRY(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	TRY(send(sv[0], "abcdef", 6, 0));
	TRY(write(sv[0], "", 0));
	TRY(send(sv[0], "ghi", 3, 0));
	TRY(ioctl(sv[1], FIONREAD, &n));
	say("FIONREAD %d", n);
	TRY(recvmsg(sv[1], &m, MSG_PEEK));
	say("flags %#x %.2s%.2s", m.msg_flags, buf, buf + 10);
	TRY(recv(sv[1], buf, 2, MSG_PEEK | MSG_TRUNC));
	TRY(recvmsg(sv[1], &m, MSG_TRUNC));
	say("flags %#x", m.msg_flags);
	TRY(recvmsg(sv[1], &m, 0));
	say("flags %#x", m.msg_flags);
	TRY(recv(sv[1], buf, 0, 0));
	TRY(recv(sv[1], buf, 1, MSG_DONTWAIT));
	TRY(send(sv[0], buf, sizeof(buf), MSG_DONTWAIT));
	TRY(send(sv[0], buf, 100000, MSG_DONTWAIT));
	TRY(recv(sv[1], buf, sizeof(buf), 0));
	TRY(send(sv[0], (void *)16, 10, 0));
	send(sv[0], "lost", 4, 0);
	TRY(recv(sv[1], (void *)16, 4, 0));
	TRY(recv(sv[1], buf, 4, MSG_DONTWAIT));
	TRY(send(sv[0], "x", 1, MSG_OOB));
	TRY(recv(sv[0], buf, 1, MSG_OOB));
	show_poll("pair", sv[0]);
	TRY(accept(sv[0], NULL, NULL));
	TRY(listen(sv[0], 1));
}

ABI_TEST(unix_dgram, connected)
{
	int s = dgram(), t = dgram(), u = dgram(), err;
	struct sockaddr_un a = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(err);

	do_bind(s, own_name("s"));
	do_bind(t, own_name("t"));
	TRY(send(t, "x", 1, 0));
	TRY(do_connect(t, own_name("s")));
	TRY(do_connect(u, own_name("none")));
	TRY(send(t, "x", 1, 0));
	TRY(do_connect(s, own_name("t")));
	TRY(send_to(u, "stranger", own_name("s")));
	TRY(do_connect(u, own_name("s")));
	TRY(recv(s, buf, 10, 0));
	TRY(send(s, "back", 4, 0));
	TRY(connect(t, (void *)&a, sizeof(a)));
	TRY(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %d", err);
	TRY(recv(t, buf, 10, MSG_DONTWAIT));
	TRY(getpeername(t, (void *)&a, &len));
	TRY(send(t, "x", 1, 0));
	TRY(send_to(u, "still a stranger", own_name("s")));
	TRY(send(s, "x", 1, 0));
	TRY(recv(t, buf, 10, 0));
	TRY(do_connect(t, own_name("s")));
	TRY(do_connect(t, own_name("t")));
	TRY(getsockopt(s, SOL_SOCKET, SO_ERROR, &err, &len));
	say("SO_ERROR %d", err);
	TRY(send(t, "self", 4, 0));
	TRY(recv(t, buf, 10, 0));
	TRY(connect(t, (void *)&a, 1));
}

ABI_TEST(unix_dgram, peer_goes)
{
	int sv[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
	TRY(send(sv[1], "before", 6, 0));
	TRY(send(sv[0], "unread", 6, 0));
	close(sv[1]);
	show_poll("left", sv[0]);
	TRY(recv(sv[0], buf, 10, MSG_DONTWAIT | MSG_PEEK));
	TRY(send(sv[0], "x", 1, 0));
	TRY(recv(sv[0], buf, 10, MSG_DONTWAIT));
	TRY(send(sv[0], "x", 1, 0));
	show_poll("alone", sv[0]);
}

ABI_TEST(unix_dgram, shut)
{
	int sv[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
	TRY(shutdown(sv[0], SHUT_WR));
	TRY(send(sv[0], "x", 1, 0));
	show_poll("wr", sv[0]);
	show_poll("peer", sv[1]);
	TRY(send(sv[1], "y", 1, 0));
	TRY(shutdown(sv[0], SHUT_RD));
	show_poll("both", sv[0]);
	TRY(recv(sv[0], buf, 1, 0));
	TRY(recv(sv[0], buf, 1, 0));
	TRY(recv(sv[0], buf, 1, MSG_DONTWAIT));
	TRY(send(sv[1], "y", 1, 0));
	TRY(recv(sv[1], buf, 1, MSG_DONTWAIT));
}

ABI_TEST(unix_dgram, queue_of_strangers)
{
	int s = dgram(), t = dgram(), n = 0;

	do_bind(s, own_name("s"));
	do_connect(t, own_name("s"));
	while (send(t, "x", 1, MSG_DONTWAIT) == 1)
		n++;
	say("%d messages, then %s", n, errno_name(errno));
	show_poll("full", t);
	TRY(send_to(dgram(), "x", own_name("s")));
	TRY(recv(s, buf, 1, 0));
	show_poll("room", t);
	TRY(send(t, "x", 1, MSG_DONTWAIT));
	TRY(send(t, "x", 1, MSG_DONTWAIT));
	close(s);
	show_poll("gone", t);
	TRY(send(t, "x", 1, MSG_DONTWAIT));
}

static int late_receiver(void *arg)
{
	sleep_ms(40);
	return recv(*(int *)arg, buf, 1, 0) == 1 ? 0 : 1;
}

ABI_TEST(unix_dgram, sender_waits)
{
	struct pollfd p = { -1, POLLOUT, 0 };
	int s = dgram(), t = dgram(), status;
	pid_t pid;

	do_bind(s, own_name("s"));
	do_connect(t, own_name("s"));
	while (send(t, "x", 1, MSG_DONTWAIT) == 1)
		;
	pid = spawn(late_receiver, &s);
	TRY(send(t, "x", 1, 0));
	waitpid(pid, &status, 0);
	show_status("receiver", status);
	pid = spawn(late_receiver, &s);
	p.fd = t;
	TRY(poll(&p, 1, 5000));
	waitpid(pid, &status, 0);
	show_status("receiver", status);
}

ABI_TEST(unix_dgram, several_at_once)
{
	struct iovec v[4] = { { "one", 3 }, { "two2", 4 }, { (void *)16, 3 }, { "four", 4 } };
	struct iovec w[4] = { { buf, 10 }, { buf + 10, 2 }, { buf + 20, 10 }, { buf + 30, 10 } };
	struct timespec ts = { 0, 30000000 };
	struct mmsghdr m[4];
	int sv[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
	memset(m, 0, sizeof(m));
	for (int i = 0; i < 4; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i], .msg_iovlen = 1 };
	TRY(sendmmsg(sv[0], m, 4, 0));
	say("%u %u %u", m[0].msg_len, m[1].msg_len, m[2].msg_len);
	TRY(sendmmsg(sv[0], m + 2, 2, 0));
	TRY(sendmmsg(sv[0], m, 0, 0));
	TRY(sendmmsg(sv[0], (void *)16, 1, 0));
	for (int i = 0; i < 4; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = &w[i], .msg_iovlen = 1 };
	TRY(recvmmsg(sv[1], m, 4, MSG_DONTWAIT, NULL));
	say("%u %u flags %#x %#x", m[0].msg_len, m[1].msg_len, m[0].msg_hdr.msg_flags,
	    m[1].msg_hdr.msg_flags);
	TRY(recvmmsg(sv[1], m, 4, MSG_DONTWAIT, NULL));
	send(sv[0], "a", 1, 0);
	send(sv[0], "b", 1, 0);
	TRY(recvmmsg(sv[1], m, 4, MSG_WAITFORONE, NULL));
	ts.tv_nsec = 1000000000;
	TRY(recvmmsg(sv[1], m, 4, 0, &ts));
	ts.tv_nsec = -1;
	TRY(recvmmsg(sv[1], m, 4, 0, &ts));
	TRY(recvmmsg(sv[1], m, 4, 0, (void *)16));
	ts = (struct timespec){ 0, 0 };
	send(sv[0], "a", 1, 0);
	send(sv[0], "b", 1, 0);
	TRY(recvmmsg(sv[1], m, 4, 0, &ts));
	say("left %ld.%09ld", (long)ts.tv_sec, ts.tv_nsec);
	TRY(recvmmsg(sv[1], (void *)16, 1, MSG_DONTWAIT, NULL));
}

ABI_TEST(unix_dgram, timestamps)
{
	char control[128];
	struct iovec v = { buf, 10 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control };
	static const int names[] = { SO_TIMESTAMP, SO_TIMESTAMPNS, 63, 64 };
	int sv[2], on = 1, off = 0;

	socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
	for (int i = 0; i < 4; i++) {
		struct cmsghdr *c = (void *)control;

		TRY(setsockopt(sv[1], SOL_SOCKET, names[i], &on, 4));
		send(sv[0], "x", 1, 0);
		m.msg_controllen = sizeof(control);
		TRY(recvmsg(sv[1], &m, 0));
		say("control %d: len %d level %d type %d recent %d", (int)m.msg_controllen,
		    (int)c->cmsg_len, c->cmsg_level, c->cmsg_type,
		    llabs((long long)time(NULL) - *(long long *)CMSG_DATA(c)) < 100);
		TRY(setsockopt(sv[1], SOL_SOCKET, names[i], &off, 4));
	}
	send(sv[0], "x", 1, 0);
	m.msg_controllen = sizeof(control);
	TRY(recvmsg(sv[1], &m, 0));
	say("control %d", (int)m.msg_controllen);
}

ABI_TEST(unix_dgram, proc_net_unix)
{
	struct name n = own_name("listed");
	char line[300], wanted[64];
	FILE *f;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	do_bind(s, n);
	listen(s, 1);
	fstat(s, &st);
	snprintf(wanted, sizeof(wanted), "abi-%d-listed", (int)getpid());
	f = fopen("/proc/net/unix", "r");
	if (!f || !fgets(line, sizeof(line), f))
		return;
	line[strcspn(line, "\n")] = 0;
	say("%s", line);
	while (fgets(line, sizeof(line), f)) {
		unsigned int refs, protocol, flags, type, state;
		unsigned long ino;
		char name[200] = "";

		if (!strstr(line, wanted))
			continue;
		sscanf(line, "%*s %x %x %x %x %x %lu %199s", &refs, &protocol, &flags, &type,
		       &state, &ino, name);
		say("refs %u protocol %u flags %#x type %u state %u ino %d name %c%s", refs,
		    protocol, flags, type, state, ino == st.st_ino, name[0],
		    strstr(name, "listed") ? "..." : name);
	}
	fclose(f);
}
