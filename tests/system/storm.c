/* SPDX-License-Identifier: MIT */
/*
 * Many processes and threads that do random things to the same few objects, for
 * tests/system/robust.py: names, mounts, descriptors, address spaces, processes, futexes, terminals
 * and /proc. What a call answers does not matter; that the kernel stays whole does. A storm ends by
 * itself: every call that could wait has a limit or is non-blocking.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PLACE		"/tmp/storm"
#define WORKERS		3		/* processes of each kind at once */
#define THREADS		4		/* of a process whose kind is threaded */

static _Thread_local uint64_t random_state;

/* xorshift64* */
static uint32_t below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)((random_state * 0x2545f4914f6cdd1dULL) >> 32) % limit;
}

static void seed(uint64_t n)
{
	random_state = 0x9e3779b97f4a7c15ULL * (n + 1);
}

/* --- names ------------------------------------------------------------------------------ */

/* One of some forty names, up to three deep; two buffers in turn. */
static const char *name(void)
{
	static _Thread_local char text[2][64];
	static _Thread_local int which;
	char *s = text[which ^= 1];
	int at = snprintf(s, 64, PLACE "/n");

	for (uint32_t depth = below(3) + 1; depth; depth--)
		at += snprintf(s + at, 64 - (size_t)at, "/%c", 'a' + (int)below(4));
	return s;
}

static void on_file(int fd)
{
	char buf[300] = { 1 };
	off_t off = below(9000);

	switch (below(9)) {
	case 0: (void)!write(fd, buf, below(sizeof(buf))); break;
	case 1: (void)!pwrite(fd, buf, sizeof(buf), off); break;
	case 2: (void)!read(fd, buf, sizeof(buf)); break;
	case 3: (void)!ftruncate(fd, off); break;
	case 4: (void)!fallocate(fd, below(2) ? 3 : 0, off, 5000); break;
	case 5: (void)!flock(fd, (below(2) ? LOCK_EX : LOCK_UN) | LOCK_NB); break;
	case 6: (void)!fchmod(fd, below(010000)); break;
	case 7: (void)!copy_file_range(fd, NULL, fd, &(off_t){ 20000 }, 4000, 0); break;
	default: (void)!fchown(fd, below(3), below(3)); break;
	}
}

static void list(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)))
		fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
	if (d)
		closedir(d);
}

static void storm_names(void)
{
	char buf[100];
	struct stat st;
	int fd;

	switch (below(14)) {
	case 0: case 1: mkdir(name(), 0755); break;
	case 2: rmdir(name()); break;
	case 3: unlink(name()); break;
	case 4: rename(name(), name()); break;
	case 5: (void)!link(name(), name()); break;
	case 6: (void)!symlink(name(), name()); break;
	case 7: (void)!readlink(name(), buf, sizeof(buf)); break;
	case 8: list(name()); break;
	case 9: stat(name(), &st); break;
	case 10: syscall(SYS_renameat2, -1, name(), -1, name(), 2 /* RENAME_EXCHANGE */); break;
	case 11:
		if (!chdir(name()))
			(void)!getcwd(buf, sizeof(buf));
		(void)!chdir("/");
		break;
	default:
		fd = open(name(), O_RDWR | O_NONBLOCK | (below(2) ? O_CREAT : 0) |
			  (below(8) ? 0 : O_TRUNC), 0644);
		if (fd < 0)
			break;
		for (int i = 0; i < 4; i++)
			on_file(fd);
		close(fd);
		break;
	}
}

/* --- mounts over those names ------------------------------------------------------------------ */

static void storm_mounts(void)
{
	switch (below(8)) {
	case 0: mount("none", name(), "tmpfs", 0, "size=1m"); break;
	case 1: mount("none", name(), below(2) ? "proc" : "devpts", 0, NULL); break;
	case 2: mount(name(), name(), NULL, MS_BIND | (below(2) ? MS_REC : 0), NULL); break;
	case 3: mount(name(), name(), NULL, MS_MOVE, NULL); break;
	case 4: mount(NULL, name(), NULL, MS_REMOUNT | (below(2) ? MS_RDONLY : 0), NULL); break;
	case 5: list("/proc/self/mountinfo"); break;
	default: umount2(name(), below(3) ? MNT_DETACH : 0); break;
	}
	if (!below(20))
		mkdir(name(), 0755);
}

/* --- descriptors that threads share ---------------------------------------------------------- */

#define FD_LOW	20
#define FDS	16

static int some_fd(void)
{
	return FD_LOW + (int)below(FDS);
}

/* Move a fresh descriptor into the range, over whatever is there. */
static void place_fd(int fd)
{
	if (fd < 0)
		return;
	dup2(fd, some_fd());
	close(fd);
}

static void make_fd(void)
{
	int pair[2];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	switch (below(7)) {
	case 0: place_fd(eventfd(below(2), EFD_NONBLOCK)); break;
	case 1: place_fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)); break;
	case 2: place_fd(epoll_create1(0)); break;
	case 3: place_fd(signalfd(-1, &set, SFD_NONBLOCK)); break;
	case 4: place_fd(open(name(), O_RDWR | O_CREAT | O_NONBLOCK, 0644)); break;
	case 5: place_fd(open("/proc/self/status", O_RDONLY)); break;
	default:
		if (pipe2(pair, O_NONBLOCK))
			break;
		place_fd(pair[0]);
		place_fd(pair[1]);
		break;
	}
}

static void use_fd(int fd)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1 + below(200000) };
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | (below(2) ? EPOLLET : 0) };
	char buf[64] = { 1 };

	switch (below(10)) {
	case 0: (void)!read(fd, buf, sizeof(buf)); break;
	case 1: (void)!write(fd, buf, 8 * below(8)); break;
	case 2: timerfd_settime(fd, 0, &soon, NULL); break;
	case 3: epoll_ctl(fd, EPOLL_CTL_ADD, some_fd(), &e); break;
	case 4: epoll_ctl(fd, EPOLL_CTL_DEL, some_fd(), &e); break;
	case 5: epoll_wait(fd, &e, 1, (int)below(2)); break;
	case 6: fcntl(fd, F_SETPIPE_SZ, 4096 << below(5)); break;
	case 7: lseek(fd, below(100), SEEK_SET); break;
	case 8: sendfile(fd, some_fd(), NULL, below(5000)); break;
	default: dup2(fd, some_fd()); break;
	}
}

static void storm_fds(void)
{
	struct timeval brief = { 0, 100 };
	fd_set set;

	switch (below(6)) {
	case 0: make_fd(); break;
	case 1: close(some_fd()); break;
	case 2:
		FD_ZERO(&set);
		FD_SET(some_fd(), &set);
		FD_SET(some_fd(), &set);
		select(FD_LOW + FDS, &set, NULL, NULL, &brief);
		break;
	default: use_fd(some_fd()); break;
	}
}

/*
 * --- one address space, changed and used by all its threads ------------------------------------
 */

#define ARENA_PAGES 64
#define ARENA_SPARE 16		/* no call reaches farther than this from the page it names */

static char *arena;

static char *some_page(void)
{
	return arena + 4096 * (size_t)below(ARENA_PAGES);
}

/* Touch through system calls, so that what is not there is EFAULT and no signal. */
static void touch(char *at)
{
	static int null = -1, zero = -1;
	struct iovec mine = { at, 4096 * (size_t)(1 + below(8)) }, theirs = { some_page(), 4096 };

	if (null < 0)
		null = open("/proc/self/mem", O_RDWR);
	if (zero < 0)
		zero = open("/dev/zero", O_RDONLY);
	switch (below(4)) {
	case 0: (void)!pread(zero, at, mine.iov_len, 0); break;
	case 1: (void)!pread(null, at, 4096, (off_t)(uintptr_t)some_page()); break;
	case 2: (void)!pwrite(null, at, 4096, (off_t)(uintptr_t)some_page()); break;
	default: process_vm_writev(getpid(), &mine, 1, &theirs, 1, 0); break;
	}
}

static void map_file(char *at, size_t len, int prot)
{
	int fd = open(name(), O_RDWR | O_CREAT | O_NONBLOCK, 0644);

	if (fd < 0)
		return;
	(void)!ftruncate(fd, below(40000));
	mmap(at, len, prot, MAP_FIXED | (below(2) ? MAP_SHARED : MAP_PRIVATE), fd,
	     4096 * (off_t)below(8));
	close(fd);
}

static void fork_and_touch(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 10; i++)
			touch(some_page());
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void storm_memory(void)
{
	static const int advice[] = { MADV_DONTNEED, MADV_WILLNEED, MADV_FREE, MADV_REMOVE };
	size_t len = 4096 * (size_t)(1 + below(12));
	char *at = some_page();
	int prot = below(4) ? PROT_READ | PROT_WRITE : (int)below(4);

	switch (below(12)) {
	case 0: case 1:
		mmap(at, len, prot, MAP_FIXED | MAP_ANONYMOUS |
		     (below(4) ? MAP_PRIVATE : MAP_SHARED), -1, 0);
		break;
	case 2: map_file(at, len, prot); break;
	case 3: munmap(at, len); break;
	case 4: mprotect(at, len, prot); break;
	case 5: madvise(at, len, advice[below(4)]); break;
	case 6: mremap(at, len, 4096 * (size_t)(1 + below(12)), MREMAP_MAYMOVE | MREMAP_FIXED,
		       some_page()); break;
	case 7:
		if (!below(4))
			fork_and_touch();
		break;
	case 8: msync(at, len, MS_SYNC); break;
	default: touch(at); break;
	}
}

/*
 * --- processes, signals, timers, scheduling ----------------------------------------------------
 */

static void child_life(void)
{
	for (int i = (int)below(4); i; i--) {
		if (!below(3))
			setpgid(0, 0);
		if (!below(6))
			setsid();
		if (!below(4) && fork() == 0)
			_exit(0);
		sched_yield();
	}
	if (!below(8))
		execl("/proc/self/exe", "storm", "end", (char *)NULL);
	if (!below(4))
		raise(below(2) ? SIGSEGV : SIGSTOP);
	_exit(0);
}

static void to_children(pid_t *children, int n)
{
	static const int signals[] = { SIGKILL, SIGSTOP, SIGCONT, SIGUSR1, SIGTERM, SIGHUP };
	pid_t pid = children[below((uint32_t)n)];

	switch (below(6)) {
	case 0: kill(pid, signals[below(6)]); break;
	case 1: kill(-pid, signals[below(6)]); break;
	case 2: setpgid(pid, children[below((uint32_t)n)]); break;
	case 3: syscall(SYS_pidfd_send_signal, -1, SIGCONT, NULL, 0); break;
	case 4: setpriority(PRIO_PROCESS, (id_t)pid, (int)below(20)); break;
	default: waitpid(pid, NULL, WNOHANG | WUNTRACED | WCONTINUED); break;
	}
}

static void storm_processes(void)
{
	pid_t children[6];
	int n = 0;

	while (n < 6) {
		pid_t pid = fork();

		if (pid == 0)
			child_life();
		if (pid < 0)
			break;
		children[n++] = pid;
	}
	for (int i = 0; n && i < 12; i++)
		to_children(children, n);
	for (int i = 0; i < n; i++)
		kill(children[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void ignore(int sig) { (void)sig; }

static void *short_life(void *arg)
{
	sched_yield();
	return arg;
}

static void storm_threads(void)
{
	static uint32_t words[4];
	const struct timespec brief = { 0, 1000 + below(100000) };
	struct itimerval timer = { .it_value.tv_usec = 1 + below(500) };
	uint32_t *word = &words[below(4)], *other = &words[below(4)];
	cpu_set_t set;
	pthread_t t;

	switch (below(10)) {
	case 0: syscall(SYS_futex, word, FUTEX_WAIT, *word, &brief); break;
	case 1: syscall(SYS_futex, word, FUTEX_WAKE, 2); break;
	case 2: syscall(SYS_futex, word, FUTEX_CMP_REQUEUE, 1, 2L, other, *word); break;
	case 3: ++*word; break;
	case 4: setitimer(ITIMER_REAL, &timer, NULL); break;
	case 5: sigqueue(getpid(), SIGRTMIN + 3, (union sigval){ .sival_int = 1 }); break;
	case 6:
		CPU_ZERO(&set);
		CPU_SET(below(4), &set);
		CPU_SET(below(4), &set);
		sched_setaffinity(0, sizeof(set), &set);
		break;
	case 7:
		sched_setscheduler(0, below(4) ? SCHED_OTHER : SCHED_RR, &(struct sched_param){
				   .sched_priority = 0 });
		break;
	case 8: clock_nanosleep(CLOCK_MONOTONIC, 0, &brief, NULL); break;
	default:
		if (!pthread_create(&t, NULL, short_life, NULL))
			pthread_join(t, NULL);
		break;
	}
}

/* --- terminals -------------------------------------------------------------------------------- */

static void terminal_child(const char *slave)
{
	char buf[20];
	int fd;

	setsid();
	fd = open(slave, O_RDWR | O_NONBLOCK);
	ioctl(fd, TIOCSCTTY, 0);
	for (int i = 0; i < 5; i++) {
		(void)!write(fd, "text\n", 5);
		(void)!read(fd, buf, sizeof(buf));
	}
	if (below(2))
		ioctl(fd, TIOCNOTTY);
	_exit(0);
}

static void storm_terminals(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), n;
	char slave[32], buf[40];
	struct termios t;
	pid_t pid;

	if (master < 0 || unlockpt(master) || ioctl(master, TIOCGPTN, &n)) {
		close(master);
		return;
	}
	snprintf(slave, sizeof(slave), "/dev/pts/%d", n);
	pid = fork();
	if (pid == 0)
		terminal_child(slave);
	(void)!write(master, "line\n\003", 6);
	(void)!read(master, buf, sizeof(buf));
	if (!tcgetattr(master, &t)) {
		t.c_lflag ^= ICANON;
		tcsetattr(master, TCSAFLUSH, &t);
	}
	list("/dev/pts");
	if (below(2))
		kill(pid, SIGKILL);
	close(master);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/*
 * --- /proc while all that goes on ----------------------------------------------------------------
 */

static void read_all(const char *path)
{
	char buf[2048];
	int fd = open(path, O_RDONLY | O_NONBLOCK);

	for (int i = 0; i < 8 && fd >= 0 && read(fd, buf, sizeof(buf)) > 0; i++)
		;
	close(fd);
}

static void storm_proc(void)
{
	static const char *const files[] = {
		"stat", "status", "maps", "smaps", "cmdline", "environ", "limits", "mounts",
		"mountinfo", "task", "fd", "fdinfo", "cwd", "exe", "root", "auxv", "wchan", "statm",
		"io", "sched", "comm", "oom_score", "syscall", "stack", "cgroup", "task/1/stat",
	};
	char path[300], to[100];
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%s/%s", e->d_name,
			 *e->d_name >= '1' && *e->d_name <= '9' ?
			 files[below(sizeof(files) / sizeof(*files))] : "");
		(void)!readlink(path, to, sizeof(to));
		if (!strstr(path, "kmsg"))
			read_all(path);
		list(path);
	}
	if (d)
		closedir(d);
}

/*
 * --- running them
 * ---------------------------------------------------------------------------------
 */

static const struct kind {
	const char *name;
	void (*once)(void);
	int factor;		/* how many times a round calls it */
	bool threaded;
} kinds[] = {
	{ "names", storm_names, 100, false },
	{ "mounts", storm_mounts, 40, false },
	{ "fds", storm_fds, 150, true },
	{ "memory", storm_memory, 60, true },
	{ "processes", storm_processes, 1, false },
	{ "threads", storm_threads, 60, true },
	{ "terminals", storm_terminals, 4, false },
	{ "proc", storm_proc, 1, false },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct job {
	const struct kind *kind;
	long rounds;
	uint64_t seed;
};

static void *run_job(void *arg)
{
	const struct job *j = arg;

	seed(j->seed);
	for (long i = 0; i < j->rounds * j->kind->factor; i++)
		j->kind->once();
	return NULL;
}

static void worker(const struct kind *kind, long rounds, uint64_t number)
{
	struct job jobs[THREADS];
	pthread_t threads[THREADS];

	setsid();		/* a group that gets orphaned while a member is stopped hangs up */
	signal(SIGHUP, ignore);
	signal(SIGALRM, ignore);
	signal(SIGRTMIN + 3, ignore);
	signal(SIGUSR2, ignore);
	signal(SIGPIPE, SIG_IGN);
	arena = mmap(NULL, (ARENA_PAGES + ARENA_SPARE) * 4096, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < THREADS; i++)
		jobs[i] = (struct job){ kind, rounds, number * THREADS + (uint64_t)i };
	for (int i = 1; kind->threaded && i < THREADS; i++)
		pthread_create(&threads[i], NULL, run_job, &jobs[i]);
	run_job(&jobs[0]);
	for (int i = 1; kind->threaded && i < THREADS; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static void clean_up(void)
{
	for (int i = 0; i < 3000; i++) {
		seed((uint64_t)i);
		umount2(name(), MNT_DETACH);
		if (unlink(name()))
			rmdir(name());
	}
	umount2(PLACE "/n", MNT_DETACH);
	umount2(PLACE, MNT_DETACH);
}

static long storm(const char *which, long rounds)
{
	long started = 0, ended = 0;
	int status;

	mkdir(PLACE, 0755);
	mount("none", PLACE, "tmpfs", 0, "size=32m");
	mkdir(PLACE "/n", 0755);
	for (size_t k = 0; k < KINDS; k++) {
		for (int i = 0; i < WORKERS && (!strcmp(which, "all") ||
						!strcmp(which, kinds[k].name)); i++) {
			pid_t pid = fork();

			if (pid == 0)
				worker(&kinds[k], rounds, k * WORKERS + (uint64_t)i);
			started += pid > 0;
		}
	}
	for (long i = 0; i < started; i++) {
		pid_t pid = wait(&status);

		if (pid > 0 && status)
			printf("worker %d: status %#x; ", (int)pid, (unsigned int)status);
		ended += pid > 0 && status == 0;
	}
	clean_up();
	printf("%ld of %ld workers ended well\n", ended, started);
	return started - ended;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return 0;
	if (argc != 3) {
		fprintf(stderr, "usage: storm all|KIND ROUNDS\n");
		return 2;
	}
	return storm(argv[1], atol(argv[2])) ? 1 : 0;
}
