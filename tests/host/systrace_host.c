/* SPDX-License-Identifier: MIT */
/*
 * Runs the tracer's decoder on the host: each line is one call, put together from memory of this
 * process. Addresses below 64 KiB stand for memory that cannot be read. Built by test_systrace.py.
 */
#include <kernel/systrace.h>
#include <lib/string.h>
#include <uapi/fcntl.h>
#include <uapi/futex.h>
#include <uapi/in.h>
#include <uapi/mman.h>
#include <uapi/poll.h>
#include <uapi/sched.h>
#include <uapi/signal.h>
#include <uapi/stat.h>
#include <uapi/termios.h>
#include <uapi/time.h>
#include <uapi/un.h>
#include <uapi/wait.h>

int puts(const char *text);
int main(void);
void *mmap(void *addr, size_t len, int prot, int flags, int fd, long off);
int munmap(void *addr, size_t len);

static uint64_t no_page;

/* Reads whole pages as the kernel does, past the end of objects: not for the sanitizer's eyes. */
__attribute__((no_sanitize("address"))) bool trace_read_user(void *dst, uint64_t addr, size_t len)
{
	const volatile char *from = (const volatile char *)addr;

	if (addr < 65536 || (no_page && addr < no_page + 4096 && addr + len > no_page))
		return false;
	for (size_t i = 0; i < len; i++)
		((volatile char *)dst)[i] = from[i];
	return true;
}

#define P(x)	((uint64_t)(uintptr_t)(x))
#define SHOW(result, nr, ...) show(nr, result, (const uint64_t[6]){ __VA_ARGS__ })

static void show(uint64_t nr, long result, const uint64_t *args)
{
	struct trace_call call = { .nr = nr };
	struct trace_line line = { 0 };

	memcpy(call.args, args, sizeof(call.args));
	trace_format_call(&line, &call, true, result);
	trace_format_result(&line, nr, result);
	puts(line.text);
}

static void files(void)
{
	struct stat st = { .st_ino = 7, .st_mode = S_IFREG | 0644, .st_nlink = 1, .st_size = 11 };
	struct iovec iov[2] = { { 4096, 10 }, { 8192, 20 } };
	char long_text[100];

	memset(long_text, 'x', sizeof(long_text));
	long_text[99] = '\0';
	SHOW(3, __NR_openat, (uint64_t)AT_FDCWD, P("/etc/passwd"), O_RDONLY | O_CLOEXEC);
	SHOW(-ENOENT, __NR_openat, 5, P("a\"b\n"), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	SHOW(-EFAULT, __NR_openat, (uint64_t)AT_FDCWD, 16, O_RDWR | 1ULL << 30);
	SHOW(5, __NR_read, 0, P("hello, world"), 4096);
	SHOW(-EAGAIN, __NR_read, 0, P("hello"), 4096);
	SHOW(5, __NR_write, 1, P("a\0b\1\n"), 5);
	SHOW(99, __NR_write, 1, P(long_text), 99);
	SHOW(0, __NR_newfstatat, (uint64_t)AT_FDCWD, P(long_text), P(&st), AT_SYMLINK_NOFOLLOW);
	SHOW(30, __NR_writev, 1, P(iov), 2);
	SHOW(4, __NR_lseek, 3, (uint64_t)-4, SEEK_END);
	SHOW(-ENOTTY, __NR_ioctl, 0, TCGETS, 4096);
	SHOW(022, __NR_umask, 077);
	SHOW(0, __NR_pipe2, P(((int32_t[]){ 3, 4 })), O_CLOEXEC);
}

static void processes(void)
{
	const char *argv[] = { "sh", "-c", "exit 7", NULL };
	struct sigaction act = { .sa_handler = 0x401000, .sa_flags = SA_RESTART,
				 .sa_mask = { 0x4002 } };
	int32_t status = WAIT_EXITED(7);

	SHOW(0, __NR_execve, P("/bin/sh"), P(argv), 0);
	SHOW(42, __NR_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0x7000);
	SHOW(42, __NR_wait4, (uint64_t)-1, P(&status), 1, 0);
	SHOW(0, __NR_rt_sigaction, SIGINT, P(&act), 0, 8);
	SHOW(0, __NR_kill, 12, 34);
	SHOW(-ERESTARTSYS, __NR_wait4, (uint64_t)-1, 0, 0, 0);
}

static void others(void)
{
	struct timespec ts = { 1, -5 };
	struct pollfd fds[2] = { { 0, POLLIN, 0 }, { 4, POLLOUT, POLLERR | POLLHUP } };
	struct sockaddr_in in = { AF_INET, 0x5000, { 0x0100007f }, { 0 } };
	struct sockaddr_un un = { AF_UNIX, "/run/x" };
	uint32_t len = sizeof(in);

	SHOW(0x7f0000000000, __NR_mmap, 0, 8192, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1);
	SHOW(0, __NR_mprotect, 0x1000, 4096, 0);
	SHOW(0, __NR_clock_gettime, CLOCK_MONOTONIC, P(&ts));
	SHOW(1, __NR_ppoll, P(fds), 2, 0, 0, 8);
	SHOW(0, __NR_futex, 0x1000, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
	SHOW(0, __NR_connect, 3, P(&in), sizeof(in));
	SHOW(0, __NR_bind, 3, P(&un), sizeof(un));
	SHOW(4, __NR_accept, 3, P(&in), P(&len));
	SHOW(3, __NR_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SHOW(-ENOSYS, 499, 1, 2, 3);
}

/*
 * A string that ends in the last byte before a page that is not there, and one that runs into it.
 */
static void edges(void)
{
	char *map = mmap(NULL, 8192, 3, 0x22, -1, 0);

	no_page = P(map) + 4096;
	memcpy(map + 4096 - 5, "edge", 5);
	SHOW(0, __NR_chdir, P(map) + 4096 - 5);
	map[4095] = 'x';
	SHOW(-EFAULT, __NR_chdir, P(map) + 4096 - 5);
	munmap(map, 8192);
	no_page = 0;
}

/* A line has an end whatever the call says. */
static void limits(void)
{
	struct trace_line line = { .len = 470 };
	struct trace_call call = { .nr = __NR_openat,
				   .args = { 0, P("long enough to be cut"), 0 } };

	memset(line.text, '.', 470);
	trace_format_call(&line, &call, true, 0);
	trace_format_result(&line, call.nr, 0);
	puts(line.len == 479 && line.text[479] == '\0' ? "bounded" : "overrun");
}

int main(void)
{
	files();
	processes();
	others();
	edges();
	limits();
	return 0;
}
