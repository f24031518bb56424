/* SPDX-License-Identifier: MIT */
/*
 * Options of sockets, as AF_UNIX has them.
 */
#include "abi.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static int get(int s, int name)
{
	int v = -99;
	socklen_t len = sizeof(v);

	return getsockopt(s, SOL_SOCKET, name, &v, &len) ? -errno : v;
}

#define GET(s, name) say("%s = %d", #name, get(s, name))
#define SET(s, name, value) \
	say("%s %d: %s", #name, value, \
	    setsockopt(s, SOL_SOCKET, name, &(int){ value }, 4) ? errno_name(errno) : "ok")

ABI_TEST(unix_options, what_it_is)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW };

	for (int i = 0; i < 4; i++) {
		int s = socket(AF_UNIX, types[i], i == 1 ? AF_UNIX : 0);

		GET(s, SO_TYPE);
		GET(s, SO_DOMAIN);
		GET(s, SO_PROTOCOL);
		GET(s, SO_ACCEPTCONN);
		GET(s, SO_ERROR);
		SET(s, SO_TYPE, 1);
		SET(s, SO_DOMAIN, 1);
		SET(s, SO_PROTOCOL, 1);
		SET(s, SO_ACCEPTCONN, 1);
		SET(s, SO_ERROR, 1);
	}
}

ABI_TEST(unix_options, flags)
{
	static const int names[] = { SO_REUSEADDR, SO_DONTROUTE, SO_BROADCAST, SO_KEEPALIVE,
				     SO_OOBINLINE, SO_REUSEPORT, SO_PASSCRED, SO_PASSSEC,
				     SO_RXQ_OVFL, SO_TIMESTAMP, SO_TIMESTAMPNS,
				     SO_SELECT_ERR_QUEUE, SO_DEBUG };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int before = get(s, names[i]), err, on, off;

		err = setsockopt(s, SOL_SOCKET, names[i], &(int){ 5 }, 4) ? errno : 0;
		on = get(s, names[i]);
		setsockopt(s, SOL_SOCKET, names[i], &(int){ 0 }, 4);
		off = get(s, names[i]);
		say("option %d: %d, %s, %d, %d", names[i], before, err ? errno_name(err) : "ok",
		    on, off);
	}
}

ABI_TEST(unix_options, buffers)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	GET(s, SO_SNDBUF);
	GET(s, SO_RCVBUF);
	SET(s, SO_SNDBUF, 10000);
	GET(s, SO_SNDBUF);
	SET(s, SO_SNDBUF, 0);
	GET(s, SO_SNDBUF);
	SET(s, SO_SNDBUF, 100000000);
	GET(s, SO_SNDBUF);
	SET(s, SO_SNDBUF, -1);
	GET(s, SO_SNDBUF);
	SET(s, SO_RCVBUF, 10000);
	GET(s, SO_RCVBUF);
	SET(s, SO_RCVBUF, 0);
	GET(s, SO_RCVBUF);
	SET(s, SO_RCVBUF, 100000000);
	GET(s, SO_RCVBUF);
	SET(s, SO_SNDBUFFORCE, 1000000);
	GET(s, SO_SNDBUF);
	SET(s, SO_RCVBUFFORCE, 1000000);
	GET(s, SO_RCVBUF);
}

static int without_privilege(void *arg)
{
	int s = *(int *)arg;

	if (setresuid(1000, 1000, 1000))
		return 1;
	SET(s, SO_SNDBUFFORCE, 1000000);
	SET(s, SO_RCVBUFFORCE, 1000000);
	SET(s, SO_PRIORITY, 6);
	SET(s, SO_PRIORITY, 7);
	SET(s, SO_PRIORITY, -1);
	SET(s, SO_MARK, 1);
	SET(s, SO_DEBUG, 1);
	SET(s, SO_DEBUG, 0);
	return 0;
}

ABI_TEST(unix_options, privilege)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	SET(s, SO_PRIORITY, 7);
	GET(s, SO_PRIORITY);
	SET(s, SO_MARK, 1);
	GET(s, SO_MARK);
	run_child("user", without_privilege, &s);
	GET(s, SO_PRIORITY);
}

ABI_TEST(unix_options, numbers)
{
	struct linger l = { 9, 9 };
	socklen_t len = sizeof(l);
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	GET(s, SO_RCVLOWAT);
	SET(s, SO_RCVLOWAT, 0);
	GET(s, SO_RCVLOWAT);
	SET(s, SO_RCVLOWAT, 100);
	GET(s, SO_RCVLOWAT);
	SET(s, SO_RCVLOWAT, -1);
	GET(s, SO_RCVLOWAT);
	GET(s, SO_SNDLOWAT);
	SET(s, SO_SNDLOWAT, 1);
	TRY(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len));
	say("%d: %d", (int)len, l.l_onoff);
	l = (struct linger){ 5, 7 };
	TRY(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	TRY(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len));
	say("%d: %d %d", (int)len, l.l_onoff, l.l_linger);
	TRY(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, 4));
	GET(s, SO_BSDCOMPAT);
}

ABI_TEST(unix_options, bad_use)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0), v = 1;
	char big[64];
	socklen_t len;

	TRY(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, 3));
	TRY(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &v, -1));
	TRY(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (void *)16, 4));
	TRY(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, big, 64));
	TRY(setsockopt(s, SOL_SOCKET, 9999, &v, 4));
	TRY(setsockopt(s, 6, 1, &v, 4));
	TRY(setsockopt(s, 0, 1, &v, 4));
	TRY(setsockopt(s, 9999, 1, &v, 4));
	len = 4;
	TRY(getsockopt(s, SOL_SOCKET, 9999, &v, &len));
	TRY(getsockopt(s, 6, 1, &v, &len));
	TRY(getsockopt(s, SOL_SOCKET, SO_TYPE, (void *)16, &len));
	TRY(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, NULL));
	len = 0;
	TRY(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len));
	say("len %d", (int)len);
	len = 2;
	v = 0x11111111;
	TRY(getsockopt(s, SOL_SOCKET, SO_TYPE, &v, &len));
	say("len %d value %#x", (int)len, v);
	len = 64;
	TRY(getsockopt(s, SOL_SOCKET, SO_TYPE, big, &len));
	say("len %d", (int)len);
	len = (socklen_t)-1;
	TRY(getsockopt(s, SOL_SOCKET, SO_TYPE, big, &len));
}

ABI_TEST(unix_options, listening)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "s" }, got;
	socklen_t len = sizeof(a);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(s, (void *)&a, sizeof(a));
	listen(s, 1);
	GET(s, SO_ACCEPTCONN);
	connect(c, (void *)&a, sizeof(a));
	GET(c, SO_ACCEPTCONN);
	TRY(getsockopt(c, SOL_SOCKET, SO_PEERNAME, &got, &len));
	len = 4;
	TRY(getsockopt(c, SOL_SOCKET, SO_PEERNAME, &got, &len));
	say("family %d path %.2s", got.sun_family, got.sun_path);
	TRY(getsockopt(s, SOL_SOCKET, SO_PEERNAME, &got, &len));
	unlink("s");
}

ABI_TEST(unix_options, cookie)
{
	unsigned long long a = 0, b = 0, c = 0;
	socklen_t len = 8;
	int s = socket(AF_UNIX, SOCK_STREAM, 0), t = socket(AF_UNIX, SOCK_STREAM, 0);

	TRY(getsockopt(s, SOL_SOCKET, 57, &a, &len));
	TRY(getsockopt(s, SOL_SOCKET, 57, &b, &len));
	TRY(getsockopt(t, SOL_SOCKET, 57, &c, &len));
	say("same %d other %d", a && a == b, a != c);
	len = 4;
	TRY(getsockopt(s, SOL_SOCKET, 57, &a, &len));
}

ABI_TEST(unix_options, peek_offset)
{
	char buf[100];
	int sv[2];

	for (int i = 0; i < 2; i++) {
		socketpair(AF_UNIX, i ? SOCK_STREAM : SOCK_DGRAM, 0, sv);
		GET(sv[1], SO_PEEK_OFF);
		send(sv[0], "abcdef", 6, 0);
		send(sv[0], "ghij", 4, 0);
		SET(sv[1], SO_PEEK_OFF, 1);
		memset(buf, 0, sizeof(buf));
		TRY(recv(sv[1], buf, 3, MSG_PEEK | MSG_DONTWAIT));
		say("%s", buf);
		GET(sv[1], SO_PEEK_OFF);
		memset(buf, 0, sizeof(buf));
		TRY(recv(sv[1], buf, 4, MSG_PEEK | MSG_DONTWAIT));
		say("%s", buf);
		GET(sv[1], SO_PEEK_OFF);
		memset(buf, 0, sizeof(buf));
		TRY(recv(sv[1], buf, 2, MSG_DONTWAIT));
		say("%s", buf);
		GET(sv[1], SO_PEEK_OFF);
		SET(sv[1], SO_PEEK_OFF, -1);
	}
}
