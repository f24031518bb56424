/* SPDX-License-Identifier: MIT */
/* fork, wait, groups and sessions, clone, limits, prctl. */
#include "abi.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>

static int exit_with(void *arg)
{
	return (int)(intptr_t)arg;
}

static int stop_then_exit(void *arg)
{
	(void)arg;
	raise(SIGSTOP);
	sleep_ms(200);	/* its continuation is to be seen before its end */
	return 5;
}

ABI_TEST(process, exit_status)
{
	run_child("0", exit_with, (void *)0);
	run_child("7", exit_with, (void *)7);
	run_child("256 + 3", exit_with, (void *)259);
	TRY(wait(NULL));
	TRY(waitpid(-1, NULL, 0));
	TRY(waitpid(1, NULL, WNOHANG));
	TRY(waitpid(-1, NULL, 0x1000));
}

ABI_TEST(process, stop_and_continue)
{
	int status;
	pid_t pid = spawn(stop_then_exit, NULL);

	say("wait %d", waitpid(pid, &status, WUNTRACED) == pid);
	show_status("child", status);
	kill(pid, SIGCONT);
	say("wait %d", waitpid(pid, &status, WCONTINUED) == pid);
	show_status("child", status);
	say("wait %d", waitpid(pid, &status, 0) == pid);
	show_status("child", status);
}

ABI_TEST(process, waitid)
{
	siginfo_t info;
	pid_t pid = spawn(exit_with, (void *)9);

	memset(&info, 0x55, sizeof(info));
	TRY(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	say("signo %d code %d status %d pid %d", info.si_signo, info.si_code, info.si_status,
	    info.si_pid == pid);
	TRY(waitid(P_PID, (id_t)pid, &info, WEXITED));
	TRY(waitid(P_PID, (id_t)pid, &info, WEXITED));
	TRY(waitid(P_ALL, 0, &info, 0));
	pid = spawn(stop_then_exit, NULL);
	TRY(waitid(P_ALL, 0, &info, WSTOPPED));
	say("code %d status %d", info.si_code, info.si_status);
	memset(&info, 0x55, sizeof(info));
	TRY(waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
	say("nothing yet: pid %d signo %d", info.si_pid, info.si_signo);
	kill(pid, SIGKILL);
	TRY(waitid(P_ALL, 0, &info, WEXITED));
	say("code %d status %d", info.si_code, info.si_status);
}

ABI_TEST(process, memory_is_private)
{
	static volatile int value = 1;
	pid_t pid = fork();

	if (pid == 0) {
		value = 2;
		_exit(value);
	}
	waitpid(pid, NULL, 0);
	say("parent sees %d", value);
}

ABI_TEST(process, groups_and_sessions)
{
	pid_t pid;
	int status;

	say("leader of its group: %d", getpgrp() == getpid());
	TRY(setsid());
	pid = fork();
	if (pid == 0) {
		say("child: setsid %d", setsid() == getpid());
		say("sid %d pgid %d", getsid(0) == getpid(), getpgid(0) == getpid());
		TRY(setpgid(0, 0));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	TRY(setpgid(pid, pid));
	say("child's group %d", getpgid(pid) == pid);
	TRY(setpgid(pid, 1));
	TRY(setpgid(1, 0));
	TRY(setpgid(pid, -1));
	TRY(getpgid(0x3fffffff));
	TRY(getsid(0x3fffffff));
	say("kill group %d", kill(-pid, SIGTERM));
	waitpid(pid, &status, 0);
	show_status("child", status);
}

static int orphan(void *arg)
{
	pid_t middle = getpid();
	int *fds = arg;

	if (fork() == 0) {
		char byte = 'x';

		while (getppid() == middle)
			sleep_ms(1);
		_exit(write(fds[1], &byte, 1) != 1);
	}
	return 0;
}

ABI_TEST(process, subreaper)
{
	int fds[2], status;
	char byte = 0;

	(void)!pipe(fds);
	TRY(prctl(PR_SET_CHILD_SUBREAPER, 1));
	run_child("middle", orphan, fds);
	say("grandchild speaks %zd", read(fds[0], &byte, 1));
	say("and is ours to wait for %d", wait(&status) > 0);
	show_status("grandchild", status);
}

static int clone_child(void *arg)
{
	*(volatile int *)arg = 42;
	_exit(3);
}

ABI_TEST(process, clone_vm_vfork)
{
	static char stack[65536] __attribute__((aligned(16)));
	volatile int value = 0;
	int status;
	pid_t pid = clone(clone_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
			  (void *)&value);

	say("clone %d, value %d when it returned", pid > 0, value);
	waitpid(pid, &status, 0);
	show_status("child", status);
	TRY(clone(clone_child, stack + sizeof(stack), CLONE_THREAD, (void *)&value));
	TRY(clone(clone_child, stack + sizeof(stack), CLONE_SIGHAND, (void *)&value));
	TRY(clone(clone_child, stack + sizeof(stack), CLONE_NEWNS | CLONE_FS, (void *)&value));
}

ABI_TEST(process, limits)
{
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = 10;
	TRY(setrlimit(RLIMIT_NOFILE, &lim));
	TRY(dup2(1, 10));
	TRY(dup2(1, 9));
	TRY(fcntl(1, F_DUPFD, 10));
	TRY(getrlimit(99, &lim));
	lim.rlim_cur = 20;
	lim.rlim_max = 10;
	TRY(setrlimit(RLIMIT_NOFILE, &lim));
	TRY(prlimit(0x3fffffff, RLIMIT_CORE, NULL, &lim));
}

/* Standard output may be a file: nothing is printed while the limit is in force. */
ABI_TEST(process, file_size_limit)
{
	int fd = open("big", O_RDWR | O_CREAT, 0600), err;
	struct rlimit lim;
	ssize_t part, over;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &lim);
	lim.rlim_cur = 4;
	setrlimit(RLIMIT_FSIZE, &lim);
	part = write(fd, "123456", 6);
	over = write(fd, "7", 1);
	err = errno;
	lim.rlim_cur = lim.rlim_max;
	setrlimit(RLIMIT_FSIZE, &lim);
	say("short write %zd, then %zd %s", part, over, errno_name(err));
	unlink("big");
}

ABI_TEST(process, prctl)
{
	char name[32];
	int value;

	TRY(prctl(PR_SET_NAME, "a-name-that-is-too-long"));
	memset(name, 'z', sizeof(name));
	TRY(prctl(PR_GET_NAME, name));
	say("name %s", name);
	TRY(prctl(PR_GET_DUMPABLE));
	TRY(prctl(PR_SET_DUMPABLE, 0));
	TRY(prctl(PR_GET_DUMPABLE));
	TRY(prctl(PR_SET_DUMPABLE, 5));
	TRY(prctl(PR_SET_PDEATHSIG, SIGTERM));
	TRY(prctl(PR_GET_PDEATHSIG, &value));
	say("pdeathsig %d", value);
	TRY(prctl(PR_SET_PDEATHSIG, 99));
	TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	TRY(prctl(0x7fffffff));
}

ABI_TEST(process, usage_and_priority)
{
	struct rusage usage;

	TRY(getrusage(RUSAGE_SELF, &usage));
	TRY(getrusage(RUSAGE_CHILDREN, &usage));
	TRY(getrusage(77, &usage));
	TRY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	TRY(setpriority(PRIO_PROCESS, 0, 5));
	TRY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	TRY(setpriority(PRIO_PROCESS, 0, 100));
	TRY(syscall(SYS_getpriority, PRIO_PROCESS, 0));
	TRY(syscall(SYS_getpriority, 9, 0));
	TRY(sched_yield());
}

ABI_TEST(process, uname)
{
	struct utsname uts;

	TRY(uname(&uts));
	say("machine is one of ours %d", !strcmp(uts.machine, "x86_64") ||
	    !strcmp(uts.machine, "aarch64"));
	say("release is 5.10 or later %d", atoi(uts.release) >= 5);
}

static volatile int in_children;

static void child_handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	in_children++;
	say("SIGCHLD: %d code %d status %d", sig == SIGCHLD, info->si_code, info->si_status);
}

ABI_TEST(process, sigchld)
{
	struct sigaction act = { .sa_sigaction = child_handler, .sa_flags = SA_SIGINFO |
				 SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGCHLD, &act, NULL);
	run_child("exits", exit_with, (void *)4);
	act.sa_flags |= SA_NOCLDWAIT;
	sigaction(SIGCHLD, &act, NULL);
	spawn(exit_with, (void *)6);
	while (in_children < 2)
		sleep_ms(1);
	TRY(wait(NULL));
	sigaction(SIGCHLD, &ignore, NULL);
	spawn(exit_with, (void *)6);
	TRY(wait(NULL));
}

static volatile int over_limit;

static void count_over_limit(int sig)
{
	(void)sig;
	over_limit++;
}

static int spin_under_limit(void *arg)
{
	const struct rlimit *limit = arg;

	if (limit->rlim_max > limit->rlim_cur)
		signal(SIGXCPU, count_over_limit);
	setrlimit(RLIMIT_CPU, limit);
	while (over_limit < 2)
		;
	return over_limit;
}

ABI_TEST(process, cpu_limit)
{
	struct rlimit twice = { 1, 100 }, soft = { 1, 1 };

	run_child("soft limit, twice", spin_under_limit, &twice);
	run_child("hard limit", spin_under_limit, &soft);
}

#define IOPRIO(class, level) ((class) << 13 | (level))

static int ioprio_child(void *arg)
{
	(void)arg;
	TRY(syscall(SYS_ioprio_get, 1, 0));
	return 0;
}

ABI_TEST(process, io_priority)
{
	TRY(syscall(SYS_ioprio_get, 1, 0));
	TRY(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 6)));
	TRY(syscall(SYS_ioprio_get, 1, 0));
	TRY(syscall(SYS_ioprio_get, 1, getpid()));
	run_child("inherited", ioprio_child, NULL);
	TRY(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 0)));
	TRY(syscall(SYS_ioprio_get, 1, 0));
	TRY(syscall(SYS_ioprio_set, 1, 0, IOPRIO(3, 0)));
	TRY(syscall(SYS_ioprio_get, 1, 0));
	TRY(syscall(SYS_ioprio_set, 2, 0, IOPRIO(2, 3)));
	TRY(syscall(SYS_ioprio_get, 2, 0));
	TRY(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 8)));
	TRY(syscall(SYS_ioprio_set, 1, 0, IOPRIO(0, 1)));
	TRY(syscall(SYS_ioprio_set, 1, 0, IOPRIO(4, 0)));
	TRY(syscall(SYS_ioprio_set, 0, 0, IOPRIO(2, 0)));
	TRY(syscall(SYS_ioprio_set, 4, 0, IOPRIO(2, 0)));
	TRY(syscall(SYS_ioprio_get, 4, 0));
	TRY(syscall(SYS_ioprio_get, 1, 999999));
	TRY(syscall(SYS_ioprio_set, 1, 0, 0));
	if (!setresuid(1000, 1000, 1000)) {
		TRY(syscall(SYS_ioprio_set, 1, 0, IOPRIO(1, 0)));
		TRY(syscall(SYS_ioprio_set, 1, 1, IOPRIO(2, 0)));
	}
}
