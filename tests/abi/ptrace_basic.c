/* SPDX-License-Identifier: MIT */
/* ptrace: beginnings and ends, memory, registers, errors. */
#include "ptrace.h"
#include <sys/prctl.h>

static int exit_7(void *arg) { return 7; }

static int spin(void *arg)
{
	for (;;)
		getppid();
	return 0;
}

static int sleep_long(void *arg)
{
	for (;;)
		pause();
	return 0;
}

ABI_TEST(ptrace, traceme)
{
	pid_t pid = traced(exit_7, NULL);

	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	next_stop("end", pid);
	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
}

ABI_TEST(ptrace, traceme_twice)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		TRY(ptrace(PTRACE_TRACEME, 0, 0, 0));
		TRY(ptrace(PTRACE_TRACEME, 0, 0, 0));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	show_status("child", status);
}

ABI_TEST(ptrace, errors)
{
	pid_t pid = traced(spin, NULL);
	struct iovec iov = { NULL, 8 };
	char buf[64];

	TRY(ptrace(PTRACE_CONT, 1, 0, 0));
	TRY(ptrace(PTRACE_ATTACH, getpid(), 0, 0));
	TRY(ptrace(PTRACE_ATTACH, 0x3fffff, 0, 0));
	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	TRY(ptrace(PTRACE_SEIZE, pid, 0, 0));
	TRY(ptrace(PTRACE_SEIZE, pid, 1, 0));
	TRY(ptrace(PTRACE_CONT, pid, 0, 65));
	TRY(ptrace(PTRACE_DETACH, pid, 0, 200));
	TRY(ptrace(12345, pid, 0, 0));
	TRY(ptrace(PTRACE_SETOPTIONS, pid, 0, 1 << 30));
	TRY(ptrace(PTRACE_SETOPTIONS, pid, 0, -1));
	TRY(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	TRY(ptrace(PTRACE_LISTEN, pid, 0, 0));
	TRY(syscall(SYS_ptrace, PTRACE_PEEKDATA, pid, 8, buf));
	TRY(ptrace(PTRACE_POKEDATA, pid, 8, 1));
	TRY(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, 8));
	TRY(ptrace(PTRACE_GETREGSET, pid, 0x7777, &iov));
	TRY(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	iov.iov_base = buf;
	iov.iov_len = 7;
	TRY(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	iov.iov_len = 16;
	TRY(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov));
	say("length %zu", iov.iov_len);
	TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, 8));
	TRY(ptrace(PTRACE_GETSIGMASK, pid, 4, buf));
	TRY(ptrace(PTRACE_GETEVENTMSG, pid, 0, 8));
	finish(pid);
}

ABI_TEST(ptrace, not_stopped)
{
	pid_t pid = traced(spin, NULL);
	struct user_regs_struct r;

	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	TRY(get_regs(pid, &r));
	TRY(ptrace(PTRACE_DETACH, pid, 0, 0));
	TRY(ptrace(PTRACE_KILL, pid, 0, 0));
	next_stop("end", pid);
}

static long word = 0x1122334455667788;
static const long constant = 42;

ABI_TEST(ptrace, memory)
{
	pid_t pid = traced(sleep_long, NULL);
	char path[64];
	long value = 0;
	int fd;

	say("peek %lx", ptrace(PTRACE_PEEKDATA, pid, &word, 0));
	TRY(ptrace(PTRACE_POKEDATA, pid, &word, 0x55aa));
	say("peek %lx, ours %lx", ptrace(PTRACE_PEEKTEXT, pid, &word, 0), word);
	TRY(ptrace(PTRACE_POKETEXT, pid, &constant, 43));
	say("read-only %ld, ours %ld", ptrace(PTRACE_PEEKTEXT, pid, &constant, 0),
	    *(volatile const long *)&constant);
	say("across %lx", ptrace(PTRACE_PEEKDATA, pid, (char *)&word + 1, 0));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	say("mem %s", fd >= 0 ? "opens" : errno_name(errno));
	TRY(pread(fd, &value, sizeof(value), (off_t)&constant));
	say("value %ld", value);
	value = 77;
	TRY(pwrite(fd, &value, sizeof(value), (off_t)&word));
	say("peek %ld", ptrace(PTRACE_PEEKDATA, pid, &word, 0));
	TRY(pread(fd, &value, sizeof(value), 8));
	TRY(pwrite(fd, &value, sizeof(value), 8));
	finish(pid);
	TRY(pread(fd, &value, sizeof(value), (off_t)&constant));
	close(fd);
}

ABI_TEST(ptrace, process_vm)
{
	pid_t pid = traced(sleep_long, NULL);
	char a[8] = "", b[8] = "";
	long zero = 0;
	struct iovec local[2] = { { a, 4 }, { b, 4 } };
	struct iovec remote[2] = { { &word, 8 }, { (void *)8, 8 } };

	TRY(process_vm_readv(pid, local, 2, remote, 1, 0));
	say("%02x %02x", a[0] & 0xff, b[0] & 0xff);
	TRY(process_vm_readv(pid, local, 2, remote, 2, 0));
	TRY(process_vm_readv(pid, local, 1, remote + 1, 1, 0));
	TRY(process_vm_readv(pid, local, 1, remote, 1, 1));
	TRY(process_vm_readv(pid, local, 0, remote, 1, 0));
	TRY(process_vm_readv(pid, local, 1, remote, 0, 0));
	TRY(process_vm_readv(pid, local, 1025, remote, 1, 0));
	TRY(process_vm_readv(pid, NULL, 1, remote, 1, 0));
	TRY(process_vm_readv(0x3fffff, local, 1, remote, 1, 0));
	local[0].iov_base = &zero;
	local[0].iov_len = 8;
	TRY(process_vm_writev(pid, local, 1, remote, 1, 0));
	say("peek %ld", ptrace(PTRACE_PEEKDATA, pid, &word, 0));
	remote[0].iov_base = (void *)&constant;
	TRY(process_vm_writev(pid, local, 1, remote, 1, 0));
	local[0].iov_base = (void *)8;
	TRY(process_vm_readv(pid, local, 1, remote, 1, 0));
	finish(pid);
}

static int show_args(void *arg)
{
	register long a = 5;

	a = syscall(SYS_getpid);
	say("the child sees %s", a == getpid() ? "itself" : "another");
	return 0;
}

/* Registers come back as they were, and a change arrives. */
ABI_TEST(ptrace, registers)
{
	pid_t pid = traced(show_args, NULL);
	struct user_regs_struct r, again;

	TRY(get_regs(pid, &r));
	TRY(set_regs(pid, &r));
	TRY(get_regs(pid, &again));
	say("%s", memcmp(&r, &again, sizeof(r)) ? "changed" : "the same");
	say("pc and sp %s", REG_PC(r) && REG_SP(r) ? "are set" : "are not");
#ifdef __x86_64__
	say("cs %llx ss %llx orig_rax %s", r.cs, r.ss, r.orig_rax == (unsigned long)-1 ? "-1" :
	    "call");
	r.cs = 0x10;
	TRY(set_regs(pid, &r));
	TRY(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rbx), 0x1234));
	say("rbx %lx", ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rbx), 0));
	TRY(ptrace(PTRACE_PEEKUSER, pid, 3, 0));
	TRY(ptrace(PTRACE_PEEKUSER, pid, sizeof(struct user), 0));
	TRY(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0x10));
	TRY(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), -1));
	TRY(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, start_code), 0));
#else
	r.pstate = 0x3c5;
	TRY(set_regs(pid, &r));
#endif
	finish(pid);
}

static int fp_child(void *arg)
{
	double volatile x = 1.5;

	raise(SIGUSR1);
	return x == 1.5 ? 0 : 1;
}

ABI_TEST(ptrace, fpregs)
{
	pid_t pid = traced(fp_child, NULL);
	struct user_fp_struct fp, again;
	struct iovec iov = { &fp, sizeof(fp) };

	TRY(ptrace(PTRACE_GETREGSET, pid, NT_PRFPREG, &iov));
	say("length %zu", iov.iov_len);
#ifdef __x86_64__
	say("cwd %x mxcsr %x", fp.cwd, fp.mxcsr);
	fp.xmm_space[60] = 0xabcd;
#else
	fp.vregs[15] = 0xabcd;
#endif
	TRY(ptrace(PTRACE_SETREGSET, pid, NT_PRFPREG, &iov));
	iov.iov_base = &again;
	TRY(ptrace(PTRACE_GETREGSET, pid, NT_PRFPREG, &iov));
	say("%s", memcmp(&fp, &again, sizeof(fp)) ? "another" : "the same");
#ifdef __x86_64__
	fp.mxcsr = 0xffffffff;
	iov.iov_base = &fp;
	TRY(ptrace(PTRACE_SETREGSET, pid, NT_PRFPREG, &iov));
	TRY(ptrace(PTRACE_GETFPREGS, pid, 0, &again));
	say("mxcsr %x", again.mxcsr);
#endif
	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	next_stop("signal", pid);
	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	next_stop("end", pid);
}

#ifdef __x86_64__
ABI_TEST(ptrace, xstate)
{
	pid_t pid = traced(fp_child, NULL);
	static char buf[4096];
	struct iovec iov = { buf, sizeof(buf) };
	unsigned long xcr0;

	TRY(ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov));
	memcpy(&xcr0, buf + 464, 8);
	say("legacy and header %s, xcr0 %s x87 and SSE", iov.iov_len >= 576 ? "fit" : "do not fit",
	    (xcr0 & 3) == 3 ? "has" : "lacks");
	TRY(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov));
	memset(buf + 512, 0xff, 8);
	TRY(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov));
	finish(pid);
}
#else
ABI_TEST(ptrace, arm_sets)
{
	pid_t pid = traced(fp_child, NULL);
	unsigned long tls[2];
	int nr;
	struct iovec iov = { tls, 8 };

	TRY(ptrace(PTRACE_GETREGSET, pid, NT_ARM_TLS, &iov));
	say("tls %s, length %zu", tls[0] ? "set" : "0", iov.iov_len);
	TRY(ptrace(PTRACE_SETREGSET, pid, NT_ARM_TLS, &iov));
	iov.iov_base = &nr;
	iov.iov_len = sizeof(nr);
	TRY(ptrace(PTRACE_GETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov));
	say("length %zu", iov.iov_len);
	finish(pid);
}
#endif

ABI_TEST(ptrace, attach)
{
	pid_t pid = spawn(spin, NULL);

	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	next_stop("attached", pid);
	TRY(ptrace(PTRACE_DETACH, pid, 0, 0));
	sleep_ms(20);
	TRY(waitpid(pid, NULL, WNOHANG));
	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	next_stop("again", pid);
	TRY(ptrace(PTRACE_DETACH, pid, 0, SIGTERM));
	next_stop("end", pid);
}

ABI_TEST(ptrace, attach_stopped)
{
	pid_t pid = spawn(sleep_long, NULL);
	siginfo_t info;
	int status;

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	show_stop("by job control", status);
	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	next_stop("attached", pid);
	TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	next_stop("the stop signal", pid);
	TRY(ptrace(PTRACE_DETACH, pid, 0, 0));
	sleep_ms(20);
	TRY(waitpid(pid, &status, WNOHANG | WUNTRACED));
	kill(pid, SIGCONT);
	kill(pid, SIGTERM);
	next_stop("end", pid);
}

/* Not a parent: the tracer has to wait and the parent sees the end after it. */
ABI_TEST(ptrace, foreign)
{
	int to[2];
	pid_t parent, pid;
	int status;

	(void)!pipe(to);
	parent = fork();
	if (parent == 0) {
		pid = spawn(spin, NULL);
		(void)!write(to[1], &pid, sizeof(pid));
		waitpid(pid, &status, 0);
		_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 99);
	}
	(void)!read(to[0], &pid, sizeof(pid));
	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	next_stop("attached", pid);
	kill(pid, SIGKILL);
	next_stop("the tracer sees", pid);
	waitpid(parent, &status, 0);
	show_status("the parent saw as a number", status);
	TRY(waitpid(pid, &status, 0));
}

static int tracer_of(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	ptrace(PTRACE_ATTACH, pid, 0, 0);
	waitpid(pid, NULL, __WALL);
	return 0;
}

static int killing_tracer(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL);
	return 0;
}

ABI_TEST(ptrace, tracer_dies)
{
	pid_t pid = spawn(spin, NULL);

	run_child("a tracer", tracer_of, &pid);
	sleep_ms(20);
	TRY(waitpid(pid, NULL, WNOHANG | WUNTRACED));
	run_child("with EXITKILL", killing_tracer, &pid);
	next_stop("the tracee", pid);
}

ABI_TEST(ptrace, dumpable)
{
	int ready[2];
	char c;
	pid_t pid;

	(void)!pipe(ready);
	pid = fork();
	if (pid == 0) {
		TRY(prctl(PR_SET_DUMPABLE, 0));
		TRY(prctl(PR_GET_DUMPABLE));
		TRY(prctl(PR_SET_DUMPABLE, 2));
		(void)!write(ready[1], "", 1);
		sleep_long(NULL);
	}
	(void)!read(ready[0], &c, 1);
	run_child("as root", tracer_of, &pid);
	finish(pid);
}

static int set_ids(void *arg)
{
	pid_t pid = *(pid_t *)arg;
	char path[64];
	struct iovec iov = { path, 1 };

	(void)!setgid(1000);
	(void)!setuid(1000);
	TRY(ptrace(PTRACE_ATTACH, pid, 0, 0));
	TRY(ptrace(PTRACE_SEIZE, pid, 0, 0));
	TRY(process_vm_readv(pid, &iov, 1, &iov, 1, 0));
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	say("mem %s", open(path, O_RDONLY) < 0 ? errno_name(errno) : "opens");
	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	say("syscall %s", open(path, O_RDONLY) < 0 ? errno_name(errno) : "opens");
	return 0;
}

ABI_TEST(ptrace, other_user)
{
	pid_t pid = spawn(sleep_long, NULL);

	run_child("another user", set_ids, &pid);
	finish(pid);
}

/* The tracer is a thread, not a process. */
ABI_TEST(ptrace, proc_files)
{
	pid_t pid = traced(sleep_long, NULL);
	char path[64], line[256], want[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	snprintf(want, sizeof(want), "TracerPid:\t%d\n", getpid());
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "TracerPid:", 10) == 0)
			say("TracerPid %s", strcmp(line, want) ? "is another" : "is ours");
		if (strncmp(line, "State:", 6) == 0)
			say("%.*s", (int)strcspn(line, "\n"), line);
	}
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/coredump_filter", pid);
	f = fopen(path, "r+");
	say("filter %s", fgets(line, sizeof(line), f) ? line : "?");
	finish(pid);
	fclose(f);
}
