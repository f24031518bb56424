/* SPDX-License-Identifier: MIT */
/* Descriptors: dup, fcntl, locks, close-on-exec, seek, vectors, memfd. */
#include "abi.h"

#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

ABI_TEST(fd, dup)
{
	TRY(dup(99));
	TRY(dup2(1, 20));
	TRY(dup2(1, 1));
	TRY(dup2(99, 99));
	TRY(dup2(1, -1));
	TRY(dup3(1, 1, 0));
	TRY(dup3(1, 21, O_CLOEXEC));
	TRY(fcntl(21, F_GETFD));
	TRY(dup3(1, 22, O_NONBLOCK));
	TRY(fcntl(1, F_DUPFD, 40));
	TRY(fcntl(1, F_DUPFD, 40));
	TRY(fcntl(1, F_DUPFD_CLOEXEC, 40));
	TRY(fcntl(42, F_GETFD));
	TRY(fcntl(1, F_DUPFD, -1));
	TRY(close(20));
	TRY(close(20));
}

ABI_TEST(fd, lowest_number)
{
	int a = open("/dev/null", O_RDONLY), b = open("/dev/null", O_RDONLY),
		c = open("/dev/null", O_RDONLY);

	say("in a row %d %d", b - a, c - b);
	close(a);
	close(b);
	say("lowest first %d", open("/dev/null", O_RDONLY) == a);
}

ABI_TEST(fd, shared_offset)
{
	int a = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), b = dup(a),
		c = open("file", O_RDWR);

	TRY(write(a, "hello", 5));
	say("offsets %ld %ld %ld", (long)lseek(a, 0, SEEK_CUR), (long)lseek(b, 0, SEEK_CUR),
	    (long)lseek(c, 0, SEEK_CUR));
	if (fork() == 0) {
		lseek(a, 2, SEEK_SET);
		_exit(0);
	}
	wait(NULL);
	say("child moved it %ld", (long)lseek(b, 0, SEEK_CUR));
	unlink("file");
}

ABI_TEST(fd, flags)
{
	int fds[2], fd = open("file", O_WRONLY | O_CREAT | O_APPEND, 0600);
	char byte;

	say("mode %d append %d", fcntl(fd, F_GETFL) & O_ACCMODE, !!(fcntl(fd, F_GETFL) & O_APPEND));
	TRY(fcntl(fd, F_SETFL, O_NONBLOCK | O_RDWR));
	say("mode %d append %d nonblock %d", fcntl(fd, F_GETFL) & O_ACCMODE,
	    !!(fcntl(fd, F_GETFL) & O_APPEND), !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
	TRY(read(fd, &byte, 1));
	TRY(fcntl(fd, 9999));
	TRY(fcntl(99, F_GETFL));
	TRY(pipe2(fds, O_NONBLOCK | O_CLOEXEC));
	say("pipe flags %d %d", fcntl(fds[0], F_GETFD), !!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
	TRY(read(fds[0], &byte, 1));
	TRY(write(fds[0], "x", 1));
	TRY(read(fds[1], &byte, 1));
	TRY(pipe2(fds, 0x1));
	unlink("file");
}

ABI_TEST(fd, seek)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600), fds[2];
	char buf[8] = "";

	TRY(lseek(fd, -1, SEEK_SET));
	TRY(lseek(fd, 10000, SEEK_SET));
	TRY(read(fd, buf, 1));
	TRY(write(fd, "end", 3));
	TRY(lseek(fd, 0, SEEK_END));
	TRY(pread(fd, buf, 4, 5000));
	say("hole reads %d", buf[0]);
	TRY(pread(fd, buf, 4, -1));
	TRY(lseek(fd, 0, 77));
	TRY(lseek(fd, 20000, SEEK_DATA));
	TRY(lseek(fd, 10003, SEEK_HOLE));
	TRY(ftruncate(fd, 2));
	TRY(ftruncate(fd, -1));
	TRY(lseek(fd, 0, SEEK_END));
	TRY(pipe(fds));
	TRY(lseek(fds[0], 0, SEEK_SET));
	TRY(pread(fds[0], buf, 1, 0));
	unlink("file");
}

ABI_TEST(fd, vectors)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char a[3] = "", b[5] = "";
	struct iovec out[3] = { { "ab", 2 }, { "", 0 }, { "cdef", 4 } };
	struct iovec in[2] = { { a, 2 }, { b, 4 } };
	struct iovec many[1];

	TRY(writev(fd, out, 3));
	TRY(preadv(fd, in, 2, 0));
	say("read %s %s", a, b);
	TRY(pwritev(fd, out, 1, 10));
	TRY(writev(fd, out, -1));
	TRY(writev(fd, out, 0));
	TRY(writev(fd, many, 2000));
	out[0].iov_len = (size_t)-1;
	TRY(writev(fd, out, 1));
	unlink("file");
}

ABI_TEST(fd, record_locks)
{
	int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
	pid_t me = getpid();

	TRY(fcntl(fd, F_SETLK, &lock));
	if (fork() == 0) {
		struct flock ask = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 15,
				     .l_len = 1 };

		TRY(fcntl(fd, F_SETLK, &ask));
		TRY(fcntl(fd, F_GETLK, &ask));
		say("holder %d type %d range %ld %ld", ask.l_pid == me, ask.l_type,
		    (long)ask.l_start, (long)ask.l_len);
		ask.l_type = F_RDLCK;
		ask.l_start = 30;
		TRY(fcntl(fd, F_SETLK, &ask));
		_exit(0);
	}
	wait(NULL);
	close(dup(fd));
	lock.l_type = F_UNLCK;
	TRY(fcntl(fd, F_SETLK, &lock));
	lock.l_type = 77;
	TRY(fcntl(fd, F_SETLK, &lock));
	unlink("file");
}

ABI_TEST(fd, flock)
{
	int a = open("file", O_RDWR | O_CREAT, 0600), b = open("file", O_RDWR);

	TRY(flock(a, LOCK_SH));
	TRY(flock(b, LOCK_SH | LOCK_NB));
	TRY(flock(a, LOCK_EX | LOCK_NB));
	TRY(flock(b, LOCK_UN));
	TRY(flock(a, LOCK_EX | LOCK_NB));
	TRY(flock(b, LOCK_EX | LOCK_NB));
	TRY(flock(a, 0));
	TRY(flock(99, LOCK_EX));
	unlink("file");
}

ABI_TEST(fd, memfd_and_seals)
{
	int fd = (int)syscall(SYS_memfd_create, "x", 3);

	say("made %d", fd >= 0);
	TRY(ftruncate(fd, 100));
	TRY(fcntl(fd, 1034));
	TRY(fcntl(fd, 1033, 2));
	TRY(ftruncate(fd, 50));
	TRY(ftruncate(fd, 200));
	TRY(fcntl(fd, 1033, 8));
	TRY(write(fd, "x", 1));
	TRY(fcntl(fd, 1033, 1));
	TRY(fcntl(fd, 1033, 4));
}

ABI_TEST(fd, sendfile_and_copy)
{
	int in = open("in", O_RDWR | O_CREAT | O_TRUNC, 0600),
		out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	off_t at = 2;
	char buf[16] = "";

	(void)!write(in, "0123456789", 10);
	TRY(sendfile(out, in, &at, 5));
	say("offset %ld, the file's own %ld", (long)at, (long)lseek(in, 0, SEEK_CUR));
	lseek(in, 8, SEEK_SET);
	TRY(sendfile(out, in, NULL, 100));
	TRY(pread(out, buf, 15, 0));
	say("out %s", buf);
	TRY(sendfile(out, 99, NULL, 1));
	unlink("in");
	unlink("out");
}

ABI_TEST(fd, ioctl_common)
{
	int fds[2], fd = open("file", O_RDWR | O_CREAT, 0600), n = 0, on = 1;

	(void)!pipe(fds);
	(void)!write(fds[1], "abc", 3);
	TRY(ioctl(fds[0], FIONREAD, &n));
	say("waiting %d", n);
	TRY(ioctl(fds[0], FIONBIO, &on));
	say("nonblock %d", !!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
	TRY(ioctl(fds[0], FIOCLEX));
	TRY(fcntl(fds[0], F_GETFD));
	TRY(ioctl(fd, 0x5401, &n));
	TRY(ioctl(fd, 0x12345678, &n));
	TRY(ioctl(99, FIONREAD, &n));
	unlink("file");
}

/* An end of a pipe opened again by its name never waits for the other end. */
ABI_TEST(fd, pipe_opened_again)
{
	char name[40], buf[8] = "";
	int fds[2], again;

	TRY(pipe(fds));
	TRY(write(fds[1], "text", 4));
	close(fds[1]);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[0]);
	again = open(name, O_RDONLY);
	say("reader %d", again >= 0);
	TRY(read(again, buf, 2));
	TRY(read(fds[0], buf, 8));
	TRY(read(again, buf, 8));
	close(fds[0]);
	close(again);
	pipe(fds);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fds[1]);
	close(fds[0]);
	again = open(name, O_WRONLY | O_NONBLOCK);
	say("writer %d", again >= 0);
	signal(SIGPIPE, SIG_IGN);
	TRY(write(again, "x", 1));
}
