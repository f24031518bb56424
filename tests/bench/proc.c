/* SPDX-License-Identifier: MIT */
/* Making and ending processes. */
#include "osbench.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* fork_exit_wait: fork a child that leaves at once, and reap it. */
static double b_fork(long n)
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		pid_t kid = need_fork();

		if (kid == 0)
			_exit(0);
		reap(kid);
	}
	return (double)(now() - t0);
}

/* fork_1m_exit_wait: the same with 1 MiB of dirty private memory to share
 * copy-on-write (page-table copying cost). */
static double b_fork_1m(long n)
{
	char *p = need_map(MIB, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1);
	double ns;

	madvise(p, MIB, MADV_NOHUGEPAGE);
	memset(p, 1, MIB);
	ns = b_fork(n);
	munmap(p, MIB);
	return ns;
}

static double run_exec(long n, int use_vfork, char *const argv[])
{
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		pid_t kid = use_vfork ? vfork() : fork();

		if (kid < 0)
			give_up("fork");
		if (kid == 0) {
			execve(argv[0], argv, environ);
			_exit(127);
		}
		int st;
		if (waitpid(kid, &st, 0) != kid || st != 0)
			give_up("exec of %s: status %x", argv[0], st);
	}
	return (double)(now() - t0);
}

/* fork_exec_wait: fork + execve of this static binary, which exits at once. */
static double b_fork_exec(long n)
{
	char *argv[] = { (char *)self_path, "--exit", NULL };

	return run_exec(n, 0, argv);
}

/* vfork_exec_wait: the same with vfork. */
static double b_vfork_exec(long n)
{
	char *argv[] = { (char *)self_path, "--exit", NULL };

	return run_exec(n, 1, argv);
}

/* spawn_wait: posix_spawn of this binary (CLONE_VM|CLONE_VFORK in most libcs). */
static double b_spawn(long n)
{
	char *argv[] = { (char *)self_path, "--exit", NULL };
	uint64_t t0 = now();

	for (long i = 0; i < n; i++) {
		pid_t kid;
		int e = posix_spawn(&kid, argv[0], NULL, NULL, argv, environ);

		if (e) {
			errno = e;
			give_up("posix_spawn");
		}
		reap(kid);
	}
	return (double)(now() - t0);
}

/* sh_true_10: /bin/sh running a loop of ten external /bin/true, as shell
 * scripts do; op = one script. */
static double b_sh(long n)
{
	char *argv[] = { "/bin/sh", "-c",
		"i=0; while [ $i -lt 10 ]; do /bin/true; i=$((i+1)); done; exit 0",
		NULL };

	if (access("/bin/sh", X_OK) || access("/bin/true", X_OK))
		give_up("/bin/sh or /bin/true");
	return run_exec(n, 1, argv);
}

const struct bench proc_rows[] = {
	{ .name = "fork_exit_wait", .iters = 200, .fn = b_fork },
	{ .name = "fork_1m_exit_wait", .iters = 200, .fn = b_fork_1m },
	{ .name = "fork_exec_wait", .iters = 100, .fn = b_fork_exec },
	{ .name = "vfork_exec_wait", .iters = 100, .fn = b_vfork_exec },
	{ .name = "spawn_wait", .iters = 100, .fn = b_spawn },
	{ .name = "sh_true_10", .iters = 10, .fn = b_sh },
	{ .name = NULL },
};
