/* SPDX-License-Identifier: MIT */
/* splice, tee, vmsplice. */
#include "abi.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

static int file_with(const char *name, const char *text)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	(void)!write(fd, text, strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void drain(int fd, const char *what)
{
	char buf[200] = "";
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	say("%s: %zd \"%s\"", what, n, n > 0 ? buf : "");
}

ABI_TEST(splice, errors)
{
	int f = file_with("file", "0123456789"), p[2], q[2], dir = open(".", O_RDONLY);
	int app = open("file", O_WRONLY | O_APPEND);
	loff_t off = 0, bad = -1;

	pipe(p);
	pipe(q);
	TRY(splice(99, NULL, p[1], NULL, 0, 0));
	TRY(splice(99, NULL, p[1], NULL, 1, 0));
	TRY(splice(f, NULL, 99, NULL, 1, 0));
	TRY(splice(f, NULL, p[1], NULL, 1, 0x100));
	TRY(splice(f, NULL, f, NULL, 1, 0));
	TRY(splice(p[0], &off, f, NULL, 1, 0));
	TRY(splice(f, NULL, p[1], &off, 1, 0));
	TRY(splice(p[0], NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK));
	TRY(splice(p[1], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK));
	TRY(splice(p[0], NULL, q[0], NULL, 1, SPLICE_F_NONBLOCK));
	TRY(splice(f, &bad, p[1], NULL, 1, 0));
	TRY(splice(f, (loff_t *)8, p[1], NULL, 1, 0));
	TRY(splice(dir, NULL, p[1], NULL, 1, 0));
	TRY(splice(p[0], NULL, f, NULL, 1, SPLICE_F_NONBLOCK));
	TRY(write(p[1], "x", 1));
	TRY(splice(p[0], NULL, app, NULL, 1, 0));
	TRY(splice(p[0], NULL, f, &bad, 1, 0));
	TRY(splice(p[0], NULL, p[1], NULL, 1, 0));
	drain(p[0], "nothing was taken");
	unlink("file");
}

ABI_TEST(splice, file_to_pipe)
{
	int f = file_with("file", "0123456789"), p[2];
	loff_t off = 3;

	pipe(p);
	TRY(splice(f, NULL, p[1], NULL, 4, 0));
	TRY(lseek(f, 0, SEEK_CUR));
	drain(p[0], "first four");
	TRY(splice(f, &off, p[1], NULL, 100, SPLICE_F_MOVE));
	say("offset %d position %d", (int)off, (int)lseek(f, 0, SEEK_CUR));
	drain(p[0], "from three");
	TRY(splice(f, &off, p[1], NULL, 100, 0));
	off = 100;
	TRY(splice(f, &off, p[1], NULL, 100, 0));
	TRY(lseek(f, 0, SEEK_SET));
	TRY(splice(f, NULL, p[1], NULL, 5, 0));
	TRY(write(p[1], "more", 4));
	drain(p[0], "then a write");
	unlink("file");
}

/* What a pipe holds belongs to nobody else when it is written to. */
ABI_TEST(splice, pages_stay_whole)
{
	int f = file_with("file", "abcdef"), p[2];
	char buf[8] = "";

	pipe(p);
	splice(f, NULL, p[1], NULL, 3, 0);
	TRY(write(p[1], "XYZ", 3));
	TRY(pread(f, buf, 6, 0));
	say("the file %s", buf);
	drain(p[0], "the pipe");
	TRY(write(p[1], "again", 5));
	TRY(pread(f, buf, 6, 0));
	say("the file %s", buf);
	drain(p[0], "the pipe");
	unlink("file");
}

ABI_TEST(splice, holes_and_sizes)
{
	int f = file_with("file", ""), out = file_with("out", ""), p[2];
	char buf[16] = "x";
	long n, total = 0;

	pipe(p);
	ftruncate(f, 100000);
	pwrite(f, "end", 3, 99997);
	while ((n = splice(f, NULL, p[1], NULL, 1 << 20, 0)) > 0) {
		long m, left = n;

		while (left > 0 && (m = splice(p[0], NULL, out, NULL, (size_t)left, 0)) > 0)
			left -= m;
		total += n;
	}
	say("total %ld, at the end %ld", total, n);
	TRY(lseek(out, 0, SEEK_END));
	TRY(pread(out, buf, 3, 99997));
	say("%s %d", buf, (pread(out, buf, 1, 50000), buf[0]));
	unlink("file");
	unlink("out");
}

ABI_TEST(splice, pipe_to_file)
{
	int f = file_with("file", "..........."), p[2];
	char buf[16] = "";
	loff_t off = 5;

	pipe(p);
	TRY(write(p[1], "abcdef", 6));
	TRY(splice(p[0], NULL, f, NULL, 2, 0));
	TRY(splice(p[0], NULL, f, &off, 3, 0));
	say("offset %d position %d", (int)off, (int)lseek(f, 0, SEEK_CUR));
	TRY(pread(f, buf, 11, 0));
	say("%s", buf);
	TRY(splice(p[0], NULL, f, NULL, 100, 0));
	close(p[1]);
	TRY(splice(p[0], NULL, f, NULL, 100, 0));
	unlink("file");
}

ABI_TEST(splice, pipe_to_pipe)
{
	int p[2], q[2];

	pipe(p);
	pipe(q);
	TRY(write(p[1], "0123456789", 10));
	TRY(splice(p[0], NULL, q[1], NULL, 4, 0));
	TRY(write(q[1], "-", 1));
	TRY(splice(p[0], NULL, q[1], NULL, 100, 0));
	drain(q[0], "moved");
	TRY(splice(p[0], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK));
	close(p[1]);
	TRY(splice(p[0], NULL, q[1], NULL, 1, 0));
}

ABI_TEST(splice, full_and_broken)
{
	int f = file_with("file", "text"), p[2], n = 0;
	char page[4096] = "";

	signal(SIGPIPE, SIG_IGN);
	pipe(p);
	while (n < 16 && write(p[1], page, sizeof(page)) == (ssize_t)sizeof(page))
		n++;
	say("pages %d", n);
	TRY(splice(f, NULL, p[1], NULL, 4, SPLICE_F_NONBLOCK));
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	TRY(splice(f, NULL, p[1], NULL, 4, 0));
	TRY(read(p[0], page, sizeof(page)));
	TRY(splice(f, NULL, p[1], NULL, 4, 0));
	close(p[0]);
	TRY(splice(f, NULL, p[1], NULL, 4, 0));
	unlink("file");
}

static int late_write(void *arg)
{
	sleep_ms(30);
	return write(*(int *)arg, "late", 4) != 4;
}

ABI_TEST(splice, waits)
{
	int f = file_with("file", ""), p[2], pid;
	char buf[8] = "";

	pipe(p);
	pid = spawn(late_write, &p[1]);
	TRY(splice(p[0], NULL, f, NULL, 100, 0));
	waitpid(pid, NULL, 0);
	TRY(pread(f, buf, 8, 0));
	say("%s", buf);
	unlink("file");
}

ABI_TEST(splice, tee)
{
	int p[2], q[2], f = file_with("file", ""), bytes = 0;

	pipe(p);
	pipe(q);
	TRY(tee(p[0], q[1], 10, SPLICE_F_NONBLOCK));
	TRY(write(p[1], "0123456789", 10));
	TRY(tee(p[0], q[1], 4, 0));
	TRY(tee(p[0], q[1], 100, 0));
	drain(q[0], "copied");
	TRY(ioctl(p[0], FIONREAD, &bytes));
	say("still there %d", bytes);
	TRY(write(p[1], "abc", 3));
	drain(p[0], "the original");
	TRY(tee(p[0], f, 1, 0));
	TRY(tee(p[0], p[1], 1, 0));
	TRY(tee(p[1], q[1], 1, 0));
	TRY(tee(p[0], q[0], 1, 0));
	TRY(tee(99, q[1], 1, 0));
	TRY(tee(p[0], q[1], 1, 0x80));
	TRY(tee(p[0], q[1], 0, 0));
	close(p[1]);
	TRY(tee(p[0], q[1], 10, 0));
	unlink("file");
}

ABI_TEST(splice, vmsplice)
{
	struct iovec out[2] = { { "hello ", 6 }, { "world", 5 } };
	char a[4] = "", b[16] = "";
	struct iovec in[2] = { { a, 3 }, { b, 15 } };
	struct iovec bad = { (void *)8, 10 };
	int p[2], f = file_with("file", "");

	pipe(p);
	TRY(vmsplice(p[1], out, 2, 0));
	TRY(vmsplice(p[0], in, 2, 0));
	say("%s|%s", a, b);
	TRY(vmsplice(p[0], in, 2, SPLICE_F_NONBLOCK));
	TRY(vmsplice(p[1], out, 1, SPLICE_F_GIFT));
	drain(p[0], "gift");
	TRY(vmsplice(p[1], out, 0, 0));
	TRY(vmsplice(p[1], out, 2000, 0));
	TRY(vmsplice(p[1], (void *)8, 1, 0));
	TRY(vmsplice(p[1], &bad, 1, 0));
	TRY(vmsplice(f, out, 1, 0));
	TRY(vmsplice(99, out, 1, 0));
	TRY(vmsplice(p[1], out, 1, 0x80));
	close(p[1]);
	TRY(vmsplice(p[0], in, 2, 0));
	unlink("file");
}

ABI_TEST(splice, readiness)
{
	int f = file_with("file", "text"), p[2];
	struct pollfd r, w;

	pipe(p);
	r = (struct pollfd){ p[0], POLLIN, 0 };
	w = (struct pollfd){ p[1], POLLOUT, 0 };
	TRY(poll(&r, 1, 0));
	splice(f, NULL, p[1], NULL, 4, 0);
	TRY(poll(&r, 1, 0));
	TRY(poll(&w, 1, 0));
	unlink("file");
}

ABI_TEST(splice, other_files)
{
	int null = open("/dev/null", O_RDWR), p[2];

	pipe(p);
	TRY(write(p[1], "gone", 4));
	TRY(splice(p[0], NULL, null, NULL, 100, 0));
	TRY(splice(p[0], NULL, null, NULL, 100, SPLICE_F_NONBLOCK));
}
