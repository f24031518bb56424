/* SPDX-License-Identifier: MIT */
/* ptrace: signals, group stops, system calls, events, steps. */
#include "ptrace.h"
#include <sched.h>
#include <sys/prctl.h>

static int got;

static void note(int sig) { got = sig; }

static int raise_usr1(void *arg)
{
	signal(SIGUSR1, note);
	raise(SIGUSR1);
	return got;
}

static int raise_term(void *arg)
{
	raise(SIGTERM);
	return 3;
}

static int sleep_long(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static int spin(void *arg)
{
	for (;;)
		getppid();
	return 0;
}

/* A signal is shown first: passed on, taken away, exchanged. */
ABI_TEST(ptrace_stop, signals)
{
	static const int answers[] = { SIGUSR1, 0, SIGTERM };

	for (int i = 0; i < 3; i++) {
		pid_t pid = traced(raise_usr1, NULL);
		siginfo_t info;

		ptrace(PTRACE_CONT, pid, 0, 0);
		next_stop("shown", pid);
		TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
		say("signo %d code %d from %s", info.si_signo, info.si_code,
		    info.si_pid == pid ? "itself" : "another");
		TRY(ptrace(PTRACE_CONT, pid, 0, answers[i]));
		if (WIFSTOPPED(next_stop("then", pid)))
			finish(pid);
	}
}

/* One that kills by default, an ignored one, and a blocked one are shown as well. */
static int ignored(void *arg)
{
	sigset_t set;

	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR2);
	raise(SIGCHLD);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGUSR1, note);
	raise(SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return got;
}

ABI_TEST(ptrace_stop, all_signals_are_shown)
{
	pid_t pid = traced(ignored, NULL);
	int status = -1;

	for (int i = 0; i < 6; i++) {
		ptrace(PTRACE_CONT, pid, 0, i ? WSTOPSIG(status) : 0);
		status = next_stop("next", pid);
		if (!WIFSTOPPED(status))
			break;
	}
	pid = traced(raise_term, NULL);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("SIGTERM", pid);
	ptrace(PTRACE_CONT, pid, 0, SIGTERM);
	next_stop("end", pid);
}

static siginfo_t seen;

static void handler(int sig, siginfo_t *info, void *context)
{
	seen = *info;
}

static int show_info(void *arg)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	say("the handler got code %d value %d", seen.si_code, seen.si_value.sival_int);
	return 0;
}

ABI_TEST(ptrace_stop, siginfo)
{
	pid_t pid = traced(show_info, NULL);
	siginfo_t info;

	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("shown", pid);
	ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
	info.si_code = SI_QUEUE;
	info.si_value.sival_int = 99;
	TRY(ptrace(PTRACE_SETSIGINFO, pid, 0, &info));
	ptrace(PTRACE_CONT, pid, 0, SIGUSR1);
	next_stop("end", pid);
}

struct peek_args { uint64_t off; uint32_t flags; int32_t nr; };

ABI_TEST(ptrace_stop, peeksiginfo_and_mask)
{
	pid_t pid = traced(sleep_long, NULL);
	struct peek_args args = { 0, 0, 10 };
	siginfo_t infos[10];
	uint64_t mask = 0;
	union sigval value = { .sival_int = 1 };

	TRY(ptrace(PTRACE_GETSIGMASK, pid, 8, &mask));
	say("mask %lx", (unsigned long)mask);
	mask = ~0UL;
	TRY(ptrace(PTRACE_SETSIGMASK, pid, 8, &mask));
	TRY(ptrace(PTRACE_GETSIGMASK, pid, 8, &mask));
	say("mask %lx", (unsigned long)mask);
	for (int i = 0; i < 3; i++) {
		value.sival_int = i;
		sigqueue(pid, SIGRTMIN, value);
	}
	TRY(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos));
	args.flags = 1;
	TRY(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos));
	say("values %d %d %d", infos[0].si_value.sival_int, infos[1].si_value.sival_int,
	    infos[2].si_value.sival_int);
	args.off = 2;
	TRY(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos));
	args.off = 9;
	TRY(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos));
	args.nr = -1;
	TRY(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos));
	args.flags = 2;
	TRY(ptrace(PTRACE_PEEKSIGINFO, pid, &args, infos));
	finish(pid);
}

/* Group stops: without PTRACE_SEIZE they look like signals that have no siginfo. */
ABI_TEST(ptrace_stop, group_stop)
{
	pid_t pid = traced(sleep_long, NULL);
	siginfo_t info;

	ptrace(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGTSTP);
	next_stop("the signal", pid);
	TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	ptrace(PTRACE_CONT, pid, 0, SIGTSTP);
	next_stop("the group", pid);
	TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	sleep_ms(10);
	TRY(waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGCONT);
	next_stop("SIGCONT", pid);
	ptrace(PTRACE_CONT, pid, 0, SIGCONT);
	finish(pid);
}

ABI_TEST(ptrace_stop, seized_group_stop)
{
	pid_t pid = spawn(sleep_long, NULL);
	siginfo_t info;
	int status;

	TRY(ptrace(PTRACE_SEIZE, pid, 0, 0));
	TRY(waitpid(pid, NULL, WNOHANG));
	kill(pid, SIGSTOP);
	next_stop("the signal", pid);
	ptrace(PTRACE_CONT, pid, 0, SIGSTOP);
	next_stop("the group", pid);
	TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	say("signo %d code %x", info.si_signo, info.si_code);
	TRY(ptrace(PTRACE_LISTEN, pid, 0, 0));
	TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	TRY(waitpid(pid, &status, WNOHANG));
	kill(pid, SIGCONT);
	next_stop("its end", pid);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("SIGCONT", pid);
	ptrace(PTRACE_CONT, pid, 0, SIGCONT);
	finish(pid);
}

ABI_TEST(ptrace_stop, interrupt)
{
	pid_t pid = spawn(sleep_long, NULL);
	siginfo_t info;

	TRY(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
	sleep_ms(5);
	TRY(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	next_stop("interrupted", pid);
	TRY(ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	say("signo %d code %x from %s", info.si_signo, info.si_code,
	    info.si_pid == pid ? "itself" : "another");
	TRY(ptrace(PTRACE_LISTEN, pid, 0, 0));
	TRY(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	next_stop("again", pid);
	TRY(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	TRY(ptrace(PTRACE_CONT, pid, 0, 0));
	next_stop("asked while stopped", pid);
	TRY(ptrace(PTRACE_DETACH, pid, 0, 0));
	sleep_ms(10);
	TRY(waitpid(pid, NULL, WNOHANG | WUNTRACED));
	finish(pid);
}

/* Detaching from a stopped group leaves it stopped. */
ABI_TEST(ptrace_stop, detach_into_group_stop)
{
	pid_t pid = spawn(sleep_long, NULL);
	int status;

	ptrace(PTRACE_SEIZE, pid, 0, 0);
	kill(pid, SIGSTOP);
	next_stop("the signal", pid);
	ptrace(PTRACE_CONT, pid, 0, SIGSTOP);
	next_stop("the group", pid);
	TRY(ptrace(PTRACE_DETACH, pid, 0, 0));
	sleep_ms(20);
	TRY(waitpid(pid, &status, WNOHANG) == 0);
	kill(pid, SIGCONT);
	TRY(waitpid(pid, &status, WCONTINUED) == pid);
	show_stop("continued", status);
	finish(pid);
}

/* Calls. */

static int three_calls(void *arg)
{
	getppid();
	close(-1);
	return getpid() == (pid_t)syscall(SYS_getpid) ? 0 : 1;
}

static void show_call(pid_t pid)
{
	struct ptrace_syscall_info_ {
		uint8_t op, pad[3];
		uint32_t arch;
		uint64_t ip, sp;
		union {
			struct { uint64_t nr, args[6]; } entry;
			struct { int64_t rval; uint8_t is_error; } exit;
		};
	} i;
	long n = ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), &i);

	if (i.op == 1)
		say("info %ld: entry %s", n,
		    i.entry.nr == SYS_getppid ? "getppid" : i.entry.nr == SYS_close ? "close" :
		    i.entry.nr == SYS_getpid ? "getpid" : i.entry.nr == SYS_exit_group ?
		    "exit_group" : "?");
	else if (i.op == 2)
		say("info %ld: exit %s", n, i.exit.is_error ? errno_name((int)-i.exit.rval) :
		    "good");
	else
		say("info %ld: op %d", n, i.op);
}

ABI_TEST(ptrace_stop, calls)
{
	pid_t pid = traced(three_calls, NULL);
	unsigned long message;
	siginfo_t info;
	int status;

	show_call(pid);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	for (int i = 0; i < 20; i++) {
		TRY(ptrace(PTRACE_SYSCALL, pid, 0, 0));
		status = next_stop("call", pid);
		if (!WIFSTOPPED(status))
			break;
		show_call(pid);
		ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
		ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
		say("message %lu code %x", message, info.si_code);
	}
}

ABI_TEST(ptrace_stop, calls_without_sysgood)
{
	pid_t pid = traced(three_calls, NULL);
	siginfo_t info;
	int status;

	for (int i = 0; i < 20; i++) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		status = next_stop("call", pid);
		if (!WIFSTOPPED(status))
			break;
		ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
		say("code %x", info.si_code);
	}
}

#ifdef __x86_64__
#define SET_CALL(pid, r, nr)	((r).orig_rax = (unsigned long)(nr), set_regs(pid, &(r)))
#else
static int set_call(pid_t pid, int nr)
{
	struct iovec iov = { &nr, sizeof(nr) };

	return (int)ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov);
}
#define SET_CALL(pid, r, nr)	((void)(r), set_call(pid, nr))
#endif

static int report_getppid(void *arg)
{
	errno = 0;
	return (int)syscall(SYS_getppid) == -1 ? errno : 100;
}

/* The tracer skips the call and gives its result, makes another call of it, changes an argument. */
ABI_TEST(ptrace_stop, change_call)
{
	pid_t pid = traced(report_getppid, NULL);
	struct user_regs_struct r;

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next_stop("entry", pid);
	get_regs(pid, &r);
	TRY(SET_CALL(pid, r, -1));
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next_stop("exit", pid);
	get_regs(pid, &r);
	REG_RESULT(r) = (unsigned long)-EXDEV;
	set_regs(pid, &r);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);

	pid = traced(report_getppid, NULL);
	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next_stop("entry", pid);
	get_regs(pid, &r);
	REG_ARG0(r) = (unsigned long)-1;
	set_regs(pid, &r);
	TRY(SET_CALL(pid, r, SYS_close));
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
	next_stop("exit", pid);
	get_regs(pid, &r);
	say("result %ld", (long)REG_RESULT(r));
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);
}

ABI_TEST(ptrace_stop, emulate)
{
	pid_t pid = traced(report_getppid, NULL);
	struct user_regs_struct r;

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	TRY(ptrace(31 /* PTRACE_SYSEMU */, pid, 0, 0));
	next_stop("entry", pid);
	get_regs(pid, &r);
	REG_RESULT(r) = (unsigned long)-EISDIR;
	set_regs(pid, &r);
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);
}

/* A call that a stop interrupts goes on afterwards. */
static int wait_byte(void *arg)
{
	char c = 0;
	long n = read(((int *)arg)[0], &c, 1);

	return n == 1 ? c : errno;
}

ABI_TEST(ptrace_stop, restart)
{
	int fds[2];
	pid_t pid;

	(void)!pipe(fds);
	pid = spawn(wait_byte, fds);
	ptrace(PTRACE_SEIZE, pid, 0, 0);
	for (int i = 0; i < 3; i++) {
		sleep_ms(5);
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		next_stop("interrupted", pid);
		ptrace(PTRACE_CONT, pid, 0, 0);
	}
	(void)!write(fds[1], "A", 1);
	next_stop("end", pid);
}

/* Steps. */

static void code_at(pid_t pid, const char *what)
{
	siginfo_t info;

	ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
	say("%s code %d", what, info.si_code);
}

ABI_TEST(ptrace_stop, steps)
{
	pid_t pid = traced(spin, NULL);
	unsigned long last = 0;
	bool moved = true;
	struct user_regs_struct r;
	int status, codes[6] = { 0 };

	for (int i = 0; i < 300; i++) {
		siginfo_t info;

		if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0) || waitpid(pid, &status, 0) < 0 ||
		    !WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
			say("step %d: %x", i, status);
			break;
		}
		get_regs(pid, &r);
		moved = moved && REG_PC(r) != last;
		last = REG_PC(r);
		ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
		if (info.si_code >= 0 && info.si_code < 6)
			codes[info.si_code]++;
	}
#ifndef __x86_64__
	moved = true;			/* Linux reports twice behind a call */
#endif
	say("each moved: %d; traces %s; calls %s", moved, codes[TRAP_TRACE] > 100 ? "many" : "few",
	    codes[0] + codes[TRAP_BRKPT] > 10 ? "many" : "few");
	finish(pid);
}

/* A step into a handler stops at its first instruction. */
ABI_TEST(ptrace_stop, step_into_handler)
{
	pid_t pid = traced(raise_usr1, NULL);
	struct user_regs_struct r;

	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("shown", pid);
	ptrace(PTRACE_SINGLESTEP, pid, 0, SIGUSR1);
	next_stop("step", pid);
	get_regs(pid, &r);
	say("%s", REG_PC(r) == (unsigned long)note ? "at the handler" : "elsewhere");
	code_at(pid, "there");
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);
}

static int breakpoint(void *arg)
{
#ifdef __x86_64__
	__asm__ volatile("int3");
#else
	__asm__ volatile("brk #0");
#endif
	return 5;
}

ABI_TEST(ptrace_stop, breakpoint)
{
	pid_t pid = traced(breakpoint, NULL);
	struct user_regs_struct r;

	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("trap", pid);
	code_at(pid, "trap");
	get_regs(pid, &r);
#ifndef __x86_64__
	r.pc += 4;
	set_regs(pid, &r);
#endif
	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("end", pid);
}

#ifdef __x86_64__
/* POPF and PUSHF under a step: the trap flag is not left to the program. */
static int flags_child(void *arg)
{
	unsigned long flags;

	raise(SIGUSR2);
	__asm__ volatile("pushf; popf; nop; nop; pushf; pop %0" : "=r"(flags));
	return 0;
}

ABI_TEST(ptrace_stop, popf)
{
	pid_t pid = traced(flags_child, NULL);
	int status = 0, n = 0;
	struct user_regs_struct r;

	ptrace(PTRACE_CONT, pid, 0, 0);
	next_stop("shown", pid);
	for (; n < 2000; n++) {
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
		if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		get_regs(pid, &r);
		if (r.eflags & 0x100) {
			say("TF is shown");
			break;
		}
	}
	show_status("end", status);
	say("%s steps", n > 10 ? "many" : "few");
	if (WIFSTOPPED(status))
		finish(pid);
}
#endif

/* Watchpoints and breakpoints in hardware. */

static volatile long watched[4];

__attribute__((noinline)) static void target(void)
{
	__asm__ volatile("nop");
}

static int touch(void *arg)
{
	watched[1] = 1;
	watched[2] = 2;
	target();
	watched[1] = 3;
	return 0;
}

#ifdef __x86_64__
static long set_debug(pid_t pid, int n, unsigned long value)
{
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + (size_t)n * 8,
		      value);
}

static long get_debug(pid_t pid, int n)
{
	return ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + (size_t)n * 8, 0);
}

ABI_TEST(ptrace_stop, hardware)
{
	pid_t pid = traced(touch, NULL);

	TRY(set_debug(pid, 0, (unsigned long)&watched[1]));
	TRY(set_debug(pid, 1, (unsigned long)target));
	TRY(set_debug(pid, 2, -1UL));
	TRY(set_debug(pid, 4, 0));
	TRY(set_debug(pid, 7, 2UL << 28 | 1 << 6));
	TRY(set_debug(pid, 7, 0x90000 | 1 | 4));
	say("dr7 %lx", get_debug(pid, 7));
	for (int i = 0; i < 5; i++) {
		ptrace(PTRACE_CONT, pid, 0, 0);
		if (!WIFSTOPPED(next_stop("next", pid)))
			break;
		code_at(pid, "trap");
		say("dr6 %lx value %ld", get_debug(pid, 6),
		    ptrace(PTRACE_PEEKDATA, pid, &watched[1], 0));
		set_debug(pid, 6, 0);
	}
}
#else
static int set_hw(pid_t pid, int note, unsigned long addr, uint32_t ctrl)
{
	struct { uint32_t info, pad; struct { uint64_t addr; uint32_t ctrl, pad; } r[1]; } s =
		{ 0 };
	struct iovec iov = { &s, sizeof(s) };

	s.r[0].addr = addr;
	s.r[0].ctrl = ctrl;
	return (int)ptrace(PTRACE_SETREGSET, pid, note, &iov);
}

ABI_TEST(ptrace_stop, hardware)
{
	pid_t pid = traced(touch, NULL);
	struct { uint32_t info, pad; struct { uint64_t addr; uint32_t ctrl, pad; } r[16]; } s;
	struct iovec iov = { &s, sizeof(s) };
	struct user_regs_struct r;

	TRY(ptrace(PTRACE_GETREGSET, pid, NT_ARM_HW_WATCH, &iov));
	say("length %zu, slots %s", iov.iov_len, (s.info & 0xff) >= 2 ? "some" : "none");
	TRY(set_hw(pid, NT_ARM_HW_WATCH, (unsigned long)&watched[1], 0xff << 5 | 2 << 3 | 1));
	TRY(set_hw(pid, NT_ARM_HW_WATCH, -8UL, 0xff << 5 | 2 << 3 | 1));
	TRY(set_hw(pid, NT_ARM_HW_BREAK, (unsigned long)target, 0xf << 5 | 1));
	TRY(set_hw(pid, NT_ARM_HW_BREAK, (unsigned long)target, 0xf << 5 | 1 << 3 | 1));
	for (int i = 0; i < 5; i++) {
		siginfo_t info;

		ptrace(PTRACE_CONT, pid, 0, 0);
		if (!WIFSTOPPED(next_stop("next", pid)))
			break;
		ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
		get_regs(pid, &r);
		say("code %d %s value %ld", info.si_code,
		    info.si_addr == (void *)&watched[1] ? "watched" :
		    info.si_addr == (void *)target ? "target" : "elsewhere",
		    ptrace(PTRACE_PEEKDATA, pid, &watched[1], 0));
		/* The instruction has not run: take the trap away for one step. */
		set_hw(pid, NT_ARM_HW_WATCH, 0, 0);
		set_hw(pid, NT_ARM_HW_BREAK, 0, 0);
		ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
		next_stop("step", pid);
		set_hw(pid, NT_ARM_HW_WATCH, (unsigned long)&watched[1], 0xff << 5 | 2 << 3 | 1);
		set_hw(pid, NT_ARM_HW_BREAK, (unsigned long)target, 0xf << 5 | 1);
	}
}
#endif
