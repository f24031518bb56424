/* SPDX-License-Identifier: MIT */
/*
 * The driver: abi-tests [-l] [NAME or PREFIX...] runs each chosen test in a child and frames its
 * output: "## name" before, "-- exit N", "-- signal N" or "-- timeout" after. Exit status 0
 * whatever the tests did.
 */
#include "abi.h"

#define TEST_SECONDS 20

const char *abi_program;
static struct abi_test *tests;

void abi_register(struct abi_test *test)
{
	struct abi_test **at = &tests;

	while (*at && strcmp((*at)->name, test->name) < 0)
		at = &(*at)->next;
	test->next = *at;
	*at = test;
}

void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	line[len++] = '\n';
	if (write(1, line, (size_t)len) != len)
		_exit(99);
}

const char *errno_name(int err)
{
	static const struct { int number; const char *name; } names[] = {
#define N(e) { e, #e }
		N(EPERM), N(ENOENT), N(ESRCH), N(EINTR), N(EIO), N(ENXIO), N(E2BIG), N(ENOEXEC),
		N(EBADF), N(ECHILD), N(EAGAIN), N(ENOMEM), N(EACCES), N(EFAULT), N(EBUSY),
		N(EEXIST), N(EXDEV), N(ENODEV), N(ENOTDIR), N(EISDIR), N(EINVAL), N(ENFILE),
		N(EMFILE), N(ENOTTY), N(ETXTBSY), N(EFBIG), N(ENOSPC), N(ESPIPE), N(EROFS),
		N(EMLINK), N(EPIPE), N(EDOM), N(ERANGE), N(EDEADLK), N(ENAMETOOLONG), N(ENOSYS),
		N(ENOTEMPTY), N(ELOOP), N(EOVERFLOW), N(EILSEQ), N(ENOTSOCK), N(EDESTADDRREQ),
		N(EOPNOTSUPP), N(EAFNOSUPPORT), N(ENOTCONN), N(ETIMEDOUT),
		N(ECONNREFUSED), N(ECANCELED), N(EOWNERDEAD), N(ENODATA), N(EPROTONOSUPPORT),
#undef N
	};
	static char other[16];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == err)
			return names[i].name;
	}
	snprintf(other, sizeof(other), "E%d", err);
	return other;
}

long show(const char *what, long value)
{
	if (value == -1)
		say("%s = -1 %s", what, errno_name(errno));
	else
		say("%s = %ld", what, value);
	return value;
}

long show_ok(const char *what, long value)
{
	if (value == -1)
		say("%s = -1 %s", what, errno_name(errno));
	else
		say("%s ok", what);
	return value;
}

void show_status(const char *what, int status)
{
	if (WIFEXITED(status))
		say("%s: exit %d", what, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		say("%s: signal %d", what, WTERMSIG(status));
	else if (WIFSTOPPED(status))
		say("%s: stopped %d", what, WSTOPSIG(status));
	else if (WIFCONTINUED(status))
		say("%s: continued", what);
	else
		say("%s: status %#x", what, status);
}

pid_t spawn(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(arg));
	if (pid < 0)
		say("fork = -1 %s", errno_name(errno));
	return pid;
}

void run_child(const char *what, int (*fn)(void *arg), void *arg)
{
	int status = 0;
	pid_t pid = spawn(fn, arg);

	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		show_status(what, status);
}

void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void remove_tree(const char *dir)
{
	char command[300];

	/* Tests clean up after themselves; what is left is flat. */
	snprintf(command, sizeof(command), "%s", dir);
	(void)!rmdir(command);
}

static int child(struct abi_test *test, const char *dir)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	setpgid(0, 0);
	for (int sig = 1; sig < 32; sig++)
		sigaction(sig, &dfl, NULL);
	umask(022);
	if (mkdir(dir, 0755) < 0 || chdir(dir) < 0) {
		say("cannot make %s: %s", dir, errno_name(errno));
		return 98;
	}
	test->run();
	return 0;
}

static void run(struct abi_test *test)
{
	const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	int64_t deadline = now_ns(CLOCK_MONOTONIC) + TEST_SECONDS * 1000000000LL;
	char dir[256];
	int status;
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/abi.%d.%s", base, (int)getpid(), test->name);
	say("## %s", test->name);
	pid = fork();
	if (pid == 0)
		_exit(child(test, dir));
	setpgid(pid, pid);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ns(CLOCK_MONOTONIC) > deadline) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			say("-- timeout");
			remove_tree(dir);
			return;
		}
		sleep_ms(2);
	}
	kill(-pid, SIGKILL);
	remove_tree(dir);
	if (WIFSIGNALED(status))
		say("-- signal %d", WTERMSIG(status));
	else
		say("-- exit %d", WEXITSTATUS(status));
}

static bool chosen(const struct abi_test *test, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++) {
		if (strncmp(test->name, *names, strlen(*names)) == 0)
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	abi_program = argv[0];
	if (argc > 1 && argv[1][0] == '@')
		return abi_exec_mode(argc, argv);
	for (struct abi_test *t = tests; t; t = t->next) {
		if (argc > 1 && strcmp(argv[1], "-l") == 0)
			say("%s", t->name);
		else if (chosen(t, argv + 1))
			run(t);
	}
	return 0;
}
