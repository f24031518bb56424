/* SPDX-License-Identifier: MIT */
/*
 * A bad pointer is EFAULT in every call that reads or writes memory: unmapped, in the kernel's
 * half, and PROT_NONE. Each row is a call that is good but for the pointer, which stands at BAD.
 */
#include "abi.h"

#include <sys/socket.h>

#define BAD 0x0bad0badL

struct row {
	const char *name;
	long nr;
	long args[6];
};

static char path[] = "file", buffer[4096];
static struct timespec tiny = { 0, 1 };

#define ROW(call, ...) { #call, SYS_##call, { __VA_ARGS__ } }

static void run(struct row *rows, size_t count, long fd)
{
	void *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const long bad[] = { 16, (long)none, (long)0xffff800000001000UL, (long)0x7fffffffffff0000UL,
			     -1 };

	for (size_t i = 0; i < count; i++) {
		char line[200];
		size_t at = (size_t)snprintf(line, sizeof(line), "%s:", rows[i].name);

		for (size_t b = 0; b < sizeof(bad) / sizeof(bad[0]); b++) {
			long a[6];
			long got;

			for (int k = 0; k < 6; k++)
				a[k] = rows[i].args[k] == BAD ? bad[b] : rows[i].args[k] == -99 ?
					fd : rows[i].args[k];
			got = syscall(rows[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
			at += (size_t)snprintf(line + at, sizeof(line) - at, " %s",
					       got == -1 ? errno_name(errno) : "ok");
		}
		say("%s", line);
	}
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define FD (-99)

static int make_file(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	(void)!write(fd, buffer, sizeof(buffer));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

ABI_TEST(efault, files)
{
	struct row rows[] = {
		ROW(read, FD, BAD, 10), ROW(write, FD, BAD, 10), ROW(pread64, FD, BAD, 10, 0),
		ROW(pwrite64, FD, BAD, 10, 0), ROW(readv, FD, BAD, 1), ROW(writev, FD, BAD, 1),
		ROW(openat, AT_FDCWD, BAD, 0), ROW(newfstatat, AT_FDCWD, BAD, (long)buffer, 0),
		ROW(newfstatat, AT_FDCWD, (long)path, BAD, 0), ROW(fstat, FD, BAD),
		ROW(statx, AT_FDCWD, (long)path, 0, 0x7ff, BAD), ROW(statfs, BAD, (long)buffer),
		ROW(statfs, (long)path, BAD), ROW(fstatfs, FD, BAD),
		ROW(faccessat, AT_FDCWD, BAD, 0), ROW(mkdirat, AT_FDCWD, BAD, 0700),
		ROW(mknodat, AT_FDCWD, BAD, S_IFIFO | 0600, 0), ROW(unlinkat, AT_FDCWD, BAD, 0),
		ROW(linkat, AT_FDCWD, BAD, AT_FDCWD, (long)"x", 0),
		ROW(linkat, AT_FDCWD, (long)path, AT_FDCWD, BAD, 0),
		ROW(symlinkat, BAD, AT_FDCWD, (long)"x"), ROW(symlinkat, (long)"x", AT_FDCWD, BAD),
		ROW(readlinkat, AT_FDCWD, BAD, (long)buffer, 10),
		ROW(renameat2, AT_FDCWD, BAD, AT_FDCWD, (long)"x", 0),
		ROW(renameat2, AT_FDCWD, (long)path, AT_FDCWD, BAD, 0),
		ROW(fchmodat, AT_FDCWD, BAD, 0600), ROW(fchownat, AT_FDCWD, BAD, -1, -1, 0),
		ROW(utimensat, AT_FDCWD, BAD, 0, 0), ROW(utimensat, AT_FDCWD, (long)path, BAD, 0),
		ROW(truncate, BAD, 1), ROW(chdir, BAD), ROW(getcwd, BAD, 4096), ROW(pipe2, BAD, 0),
		ROW(sendfile, 1, FD, BAD, 0), ROW(fcntl, FD, F_GETLK, BAD),
		ROW(fcntl, FD, F_SETLK, BAD), ROW(memfd_create, BAD, 0),
	};
	int fd = make_file();

	run(rows, COUNT(rows), fd);
	unlink(path);
}

ABI_TEST(efault, process)
{
	struct row rows[] = {
		ROW(uname, BAD), ROW(sysinfo, BAD), ROW(getrusage, 0, BAD), ROW(times, BAD),
		ROW(prlimit64, 0, 7, 0, BAD), ROW(prlimit64, 0, 7, BAD, 0),
		ROW(getresuid, BAD, (long)buffer, (long)buffer),
		ROW(rt_sigaction, SIGUSR1, BAD, 0, 8), ROW(rt_sigaction, SIGUSR1, 0, BAD, 8),
		ROW(rt_sigprocmask, 0, BAD, 0, 8), ROW(rt_sigprocmask, 0, 0, BAD, 8),
		ROW(rt_sigpending, BAD, 8), ROW(rt_sigsuspend, BAD, 8),
		ROW(rt_sigtimedwait, BAD, 0, (long)&tiny, 8), ROW(sigaltstack, BAD, 0),
		ROW(sigaltstack, 0, BAD), ROW(execve, BAD, 0, 0),
		ROW(execve, (long)"/proc/self/exe", BAD, 0), ROW(clone3, BAD, 88),
		ROW(prctl, 15, BAD), ROW(prctl, 16, BAD), ROW(getrandom, BAD, 8, 0),
		ROW(futex, BAD, 0, 0, 0), ROW(set_robust_list, BAD, 23),
		ROW(sched_getaffinity, 0, 8, BAD), ROW(sched_getparam, 0, BAD),
	};

	run(rows, COUNT(rows), -1);
}

ABI_TEST(efault, time_and_poll)
{
	struct row rows[] = {
		ROW(nanosleep, BAD, 0), ROW(clock_nanosleep, 1, 0, BAD, 0),
		ROW(clock_gettime, 1, BAD), ROW(clock_getres, 1, BAD), ROW(gettimeofday, BAD, 0),
		ROW(getitimer, 0, BAD), ROW(setitimer, 0, BAD, 0), ROW(timer_create, 1, 0, BAD),
		ROW(ppoll, BAD, 1, (long)&tiny, 0, 8), ROW(ppoll, 0, 0, BAD, 0, 8),
		ROW(pselect6, 4, BAD, 0, 0, (long)&tiny, 0), ROW(epoll_ctl, FD, 1, 1, BAD),
		ROW(eventfd2, 0, 0x1000), ROW(signalfd4, -1, BAD, 8, 0),
		ROW(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD),
	};

	run(rows, COUNT(rows), (int)syscall(SYS_epoll_create1, 0));
}

ABI_TEST(efault, sockets)
{
	static char header[128];	/* an empty message */
	static socklen_t len = 16;
	struct row rows[] = {
		ROW(bind, FD, BAD, 16), ROW(connect, FD, BAD, 16),
		ROW(getsockname, FD, BAD, (long)&len), ROW(getsockname, FD, (long)buffer, BAD),
		ROW(getpeername, FD, BAD, (long)&len), ROW(getpeername, FD, (long)buffer, BAD),
		ROW(sendto, FD, BAD, 10, MSG_DONTWAIT, 0, 0),
		ROW(sendto, FD, (long)buffer, 10, MSG_DONTWAIT, BAD, 16),
		ROW(sendmsg, FD, BAD, MSG_DONTWAIT), ROW(recvmsg, FD, BAD, MSG_DONTWAIT),
		ROW(sendmmsg, FD, BAD, 1, MSG_DONTWAIT),
		ROW(recvmmsg, FD, BAD, 1, MSG_DONTWAIT, 0),
		ROW(recvmmsg, FD, (long)header, 1, MSG_DONTWAIT, BAD),
		ROW(setsockopt, FD, SOL_SOCKET, SO_REUSEADDR, BAD, 4),
		ROW(getsockopt, FD, SOL_SOCKET, SO_TYPE, BAD, (long)&len),
		ROW(getsockopt, FD, SOL_SOCKET, SO_TYPE, (long)buffer, BAD),
		ROW(socketpair, AF_UNIX, SOCK_DGRAM, 0, BAD),
		ROW(recvfrom, FD, BAD, 10, MSG_DONTWAIT, 0, 0),
	};
	int sv[2];

	(void)!socketpair(AF_UNIX, SOCK_DGRAM, 0, sv);
	(void)!write(sv[1], "x", 1);
	run(rows, COUNT(rows), sv[0]);
}

#ifdef SYS_open
ABI_TEST(efault, legacy)
{
	struct row rows[] = {
		ROW(open, BAD, 0), ROW(stat, BAD, (long)buffer), ROW(stat, (long)path, BAD),
		ROW(lstat, BAD, (long)buffer), ROW(access, BAD, 0), ROW(mkdir, BAD, 0700),
		ROW(rmdir, BAD), ROW(unlink, BAD), ROW(link, BAD, (long)"x"),
		ROW(symlink, BAD, (long)"x"), ROW(rename, BAD, (long)"x"),
		ROW(readlink, BAD, (long)buffer, 10), ROW(chmod, BAD, 0600),
		ROW(chown, BAD, -1, -1), ROW(creat, BAD, 0600), ROW(pipe, BAD),
		ROW(poll, BAD, 1, 0), ROW(select, 4, BAD, 0, 0, (long)&tiny), ROW(time, BAD),
		ROW(utime, BAD, 0), ROW(arch_prctl, 0x1003, BAD),
	};
	int fd = make_file();

	run(rows, COUNT(rows), fd);
	unlink(path);
}
#endif

ABI_TEST(efault, edge_of_a_mapping)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fds[2];

	munmap(p + 4096, 4096);
	(void)!pipe(fds);
	strcpy(p + 4096 - 5, "abcd");
	TRY(access(p + 4096 - 5, F_OK));
	memset(p + 4096 - 5, 'x', 5);
	TRY(access(p + 4096 - 5, F_OK));
	TRY(write(fds[1], p + 4096 - 3, 3));
	TRY(write(fds[1], p + 4096 - 3, 10));
	TRY(read(fds[0], p + 4096 - 3, 3));
	TRY(write(fds[1], buffer, 10));
	TRY(read(fds[0], p + 4096 - 3, 10));
}
