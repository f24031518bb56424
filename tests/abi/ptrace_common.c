/* SPDX-License-Identifier: MIT */
/* Helpers of the ptrace tests. */
#include "ptrace.h"

static const char *event_name(int event)
{
	static const char *const names[] = { "", " FORK", " VFORK", " CLONE", " EXEC",
					     " VFORK_DONE",
					     " EXIT", " SECCOMP" };

	return event == 128 ? " STOP" : event < 8 ? names[event] : " ?";
}

void show_stop(const char *what, int status)
{
	if (WIFSTOPPED(status))
		say("%s: stopped %d%s%s", what, WSTOPSIG(status) & 0x7f,
		    WSTOPSIG(status) & 0x80 ? " CALL" : "", event_name(status >> 16));
	else
		show_status(what, status);
}

int next_stop(const char *what, pid_t pid)
{
	int status = -1;

	if (waitpid(pid, &status, __WALL) < 0) {
		say("%s: wait = -1 %s", what, errno_name(errno));
		return -1;
	}
	show_stop(what, status);
	return status;
}

pid_t traced(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(90);
		raise(SIGSTOP);
		_exit(fn(arg));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		say("the tracee did not stop");
	return pid;
}

int get_regs(pid_t pid, struct user_regs_struct *r)
{
	struct iovec iov = { r, sizeof(*r) };

	return (int)ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
}

int set_regs(pid_t pid, struct user_regs_struct *r)
{
	struct iovec iov = { r, sizeof(*r) };

	return (int)ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

void finish(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status))
		;
}
