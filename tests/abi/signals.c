/* SPDX-License-Identifier: MIT */
/* Signals: delivery, masks, siginfo, alternate stacks, restarting, queues, faults. */
#include "abi.h"

#include <sys/time.h>

static volatile sig_atomic_t hits, last_sig, last_code, last_value;
static void *volatile last_addr;

static void count(int sig)
{
	hits++;
	last_sig = sig;
}

static void detail(int sig, siginfo_t *info, void *context)
{
	(void)context;
	hits++;
	last_sig = sig;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
	last_addr = info->si_addr;
}

static void handle(int sig, void (*fn)(int), int flags)
{
	struct sigaction act = { .sa_handler = fn, .sa_flags = flags };

	sigaction(sig, &act, NULL);
}

static void handle_info(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction act = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &act, NULL);
}

ABI_TEST(signals, raise_and_mask)
{
	sigset_t set, old, pending;

	handle(SIGUSR1, count, 0);
	raise(SIGUSR1);
	say("after raise: %d", (int)hits);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	TRY(sigprocmask(SIG_BLOCK, &set, &old));
	raise(SIGUSR1);
	raise(SIGUSR1);
	sigpending(&pending);
	say("blocked: %d, pending %d", (int)hits, sigismember(&pending, SIGUSR1));
	TRY(sigprocmask(SIG_SETMASK, &old, NULL));
	say("unblocked, sent twice: %d", (int)hits);
	TRY(sigprocmask(77, &set, NULL));
}

ABI_TEST(signals, action_rules)
{
	struct sigaction act = { .sa_handler = count }, old;

	TRY(sigaction(SIGKILL, &act, NULL));
	TRY(sigaction(SIGSTOP, &act, NULL));
	TRY(sigaction(0, &act, NULL));
	TRY(sigaction(65, &act, NULL));
	act.sa_flags = SA_RESTART | SA_NODEFER;
	sigaddset(&act.sa_mask, SIGHUP);
	sigaddset(&act.sa_mask, SIGKILL);
	sigaction(SIGUSR2, &act, NULL);
	sigaction(SIGUSR2, NULL, &old);
	say("kept: flags %d, HUP %d, KILL %d", (old.sa_flags & (SA_RESTART | SA_NODEFER)) ==
	    (SA_RESTART | SA_NODEFER), sigismember(&old.sa_mask, SIGHUP),
	    sigismember(&old.sa_mask, SIGKILL));
	TRY(syscall(SYS_rt_sigaction, SIGUSR2, NULL, NULL, 4));
}

ABI_TEST(signals, queue_and_order)
{
	union sigval value = { .sival_int = 5 };
	siginfo_t info;
	sigset_t set;

	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int i = 0; i < 3; i++) {
		value.sival_int = i;
		sigqueue(getpid(), SIGRTMIN + 2, value);
	}
	value.sival_int = 9;
	sigqueue(getpid(), SIGRTMIN + 1, value);
	kill(getpid(), SIGTERM);
	kill(getpid(), SIGTERM);
	while (sigtimedwait(&set, &info, &(struct timespec){ 0, 0 }) > 0)
		say("taken: %d code %d value %d", info.si_signo > SIGRTMIN ? info.si_signo -
		    SIGRTMIN + 1000 :
		    info.si_signo, info.si_code, info.si_signo >= SIGRTMIN ?
		    info.si_value.sival_int : 0);
	TRY(sigtimedwait(&set, &info, &(struct timespec){ 0, 1000000 }));
}

ABI_TEST(signals, nodefer_and_resethand)
{
	struct sigaction old;

	handle(SIGUSR1, count, SA_RESETHAND);
	raise(SIGUSR1);
	sigaction(SIGUSR1, NULL, &old);
	say("after one: hits %d, default again %d", (int)hits, old.sa_handler == SIG_DFL);
}

static void fault_handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("fault: signal %d code %d", sig, info->si_code);
	_exit(0);
}

static int fault_unmapped(void *arg)
{
	handle_info(SIGSEGV, fault_handler, 0);
	*(volatile int *)arg = 1;
	return 1;
}

static int fault_read_only(void *arg)
{
	void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	handle_info(SIGSEGV, fault_handler, 0);
	*(volatile int *)page = 1;
	return 1;
}

static int fault_no_exec(void *arg)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	handle_info(SIGSEGV, fault_handler, 0);
	((void (*)(void))page)();
	return 1;
}

static int fault_past_end(void *arg)
{
	int fd = open("bus", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	(void)arg;
	unlink("bus");
	handle_info(SIGBUS, fault_handler, 0);
	map[4096] = 1;
	return 1;
}

static int fault_illegal(void *arg)
{
	(void)arg;
	handle_info(SIGILL, fault_handler, 0);
#ifdef __x86_64__
	__asm__ volatile("ud2");
#else
	__asm__ volatile("udf #0");
#endif
	return 1;
}

static int fault_breakpoint(void *arg)
{
	(void)arg;
	handle(SIGTRAP, count, 0);
#ifdef __x86_64__
	__asm__ volatile("int3");
	say("breakpoint: hits %d, goes on behind it", (int)hits);
	return 0;
#else
	handle_info(SIGTRAP, fault_handler, 0);
	__asm__ volatile("brk #0");
	return 1;
#endif
}

static int fault_default(void *arg)
{
	*(volatile int *)arg = 1;
	return 1;
}

static int fault_blocked(void *arg)
{
	sigset_t set;

	handle_info(SIGSEGV, fault_handler, 0);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*(volatile int *)arg = 1;
	return 1;
}

ABI_TEST(signals, faults)
{
	run_child("unmapped", fault_unmapped, (void *)16);
	run_child("read-only", fault_read_only, NULL);
	run_child("no-exec", fault_no_exec, NULL);
	run_child("past the end of a file", fault_past_end, NULL);
	run_child("illegal instruction", fault_illegal, NULL);
	run_child("default action", fault_default, (void *)16);
	run_child("blocked", fault_blocked, (void *)16);
}

ABI_TEST(signals, breakpoint)
{
	run_child("breakpoint", fault_breakpoint, NULL);
}

static char alt_stack[65536] __attribute__((aligned(16)));
static volatile int on_alt;

static void alt_handler(int sig)
{
	char here;
	stack_t now;

	(void)sig;
	sigaltstack(NULL, &now);
	on_alt = &here >= alt_stack && &here < alt_stack + sizeof(alt_stack);
	say("in handler: on the alternate stack %d, SS_ONSTACK %d", on_alt,
	    now.ss_flags == SS_ONSTACK);
	show("changing it now", sigaltstack(&now, NULL));
}

ABI_TEST(signals, altstack)
{
	stack_t stack = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) }, old;
	stack_t small = { .ss_sp = alt_stack, .ss_size = 100 };

	sigaltstack(NULL, &old);
	say("at first: disabled %d", old.ss_flags == SS_DISABLE);
	TRY(sigaltstack(&small, NULL));
	TRY(sigaltstack(&stack, NULL));
	handle(SIGUSR1, alt_handler, SA_ONSTACK);
	raise(SIGUSR1);
	handle(SIGUSR1, alt_handler, 0);
	raise(SIGUSR1);
	stack.ss_flags = SS_DISABLE;
	TRY(sigaltstack(&stack, NULL));
	stack.ss_flags = 12345;
	TRY(sigaltstack(&stack, NULL));
}

static int overflow(void *arg)
{
	volatile char space[4096];

	space[0] = 1;
	return overflow(arg) + space[0];
}

static int stack_overflow(void *arg)
{
	stack_t stack = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) };

	sigaltstack(&stack, NULL);
	handle_info(SIGSEGV, fault_handler, SA_ONSTACK);
	return overflow(arg);
}

ABI_TEST(signals, stack_overflow)
{
	run_child("overflow on the alternate stack", stack_overflow, NULL);
	run_child("overflow without one", overflow, NULL);
}

static void interrupt_read(const char *what, int flags)
{
	struct itimerval once = { .it_value = { 0, 30000 } };
	int fds[2];
	char byte;
	ssize_t got;

	hits = 0;
	(void)!pipe(fds);
	handle(SIGALRM, count, flags);
	if (fork() == 0) {
		sleep_ms(600);
		_exit(write(fds[1], "x", 1) != 1);
	}
	setitimer(ITIMER_REAL, &once, NULL);
	got = read(fds[0], &byte, 1);
	say("%s: hits %d", what, (int)hits);
	show("read", got);
	wait(NULL);
	close(fds[0]);
	close(fds[1]);
}

ABI_TEST(signals, restart)
{
	struct itimerval once = { .it_value = { 0, 300000 } };
	struct timespec remaining = { 0, 0 }, ask = { 5, 0 };
	sigset_t none;

	interrupt_read("without SA_RESTART", 0);
	interrupt_read("with SA_RESTART", SA_RESTART);
	setitimer(ITIMER_REAL, &once, NULL);
	TRY(nanosleep(&ask, &remaining));
	say("remaining: %d", remaining.tv_sec == 4);
	setitimer(ITIMER_REAL, &once, NULL);
	TRY(pause());
	sigemptyset(&none);
	setitimer(ITIMER_REAL, &once, NULL);
	TRY(sigsuspend(&none));
}

ABI_TEST(signals, siginfo)
{
	union sigval value = { .sival_int = 77 };

	handle_info(SIGUSR1, detail, 0);
	kill(getpid(), SIGUSR1);
	say("kill: code %d", (int)last_code);
	sigqueue(getpid(), SIGUSR1, value);
	say("sigqueue: code %d value %d", (int)last_code, (int)last_value);
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	say("tgkill: code %d", (int)last_code);
	TRY(kill(getpid(), 0));
	TRY(kill(getpid(), 65));
	TRY(kill(getpid(), -1));
	TRY(kill(0x3fffffff, 0));
	TRY(syscall(SYS_tgkill, 1, 0, 0));
}

ABI_TEST(signals, ignored_and_exec_rules)
{
	handle(SIGUSR1, SIG_IGN, 0);
	raise(SIGUSR1);
	say("ignored: still here");
	handle(SIGCHLD, SIG_DFL, 0);
	raise(SIGCHLD);
	raise(SIGURG);
	raise(SIGWINCH);
	raise(SIGCONT);
	say("default-ignored: still here");
}

static int die_of(void *arg)
{
	raise((int)(intptr_t)arg);
	return 0;
}

ABI_TEST(signals, default_actions)
{
	static const int sigs[] = { SIGHUP, SIGINT, SIGQUIT, SIGABRT, SIGFPE, SIGKILL, SIGUSR1,
				    SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGSYS, SIGVTALRM, SIGPROF,
				    SIGIO, SIGPWR };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		run_child("child", die_of, (void *)(intptr_t)sigs[i]);
	run_child("real-time", die_of, (void *)40);
}

static void nested_outer(int sig)
{
	(void)sig;
	say("outer begins");
	raise(SIGUSR2);
	say("outer ends");
}

static void nested_inner(int sig)
{
	(void)sig;
	say("inner");
}

ABI_TEST(signals, nesting_and_sa_mask)
{
	struct sigaction act = { .sa_handler = nested_outer };

	handle(SIGUSR2, nested_inner, 0);
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	sigaddset(&act.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
}

ABI_TEST(signals, sigpipe)
{
	int fds[2];

	(void)!pipe(fds);
	close(fds[0]);
	handle(SIGPIPE, count, 0);
	TRY(write(fds[1], "x", 1));
	say("hits %d", (int)hits);
}
