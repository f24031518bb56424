/* SPDX-License-Identifier: MIT */
/* Restartable sequences, membarrier, and futex_waitv. */
#include "abi.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/rseq.h>
#include <sys/time.h>
#include <ucontext.h>

#define LEN 32

/* The area that libc registered for this thread. */
static struct rseq *libc_area(void)
{
	return (struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset);
}

static long reg(void *area, unsigned int len, int flags, unsigned int sig)
{
	return syscall(SYS_rseq, area, len, flags, sig);
}

/* Libc's area gives way to one of ours. */
static struct rseq *own_area(void)
{
	static struct rseq area __attribute__((aligned(32)));

	if (__rseq_size)
		reg(libc_area(), LEN, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
	memset(&area, 0, sizeof(area));
	area.cpu_id = (unsigned int)-1;
	return &area;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

ABI_TEST(rseq, registration)
{
	struct rseq *area;

	say("libc registered %d", __rseq_size != 0);
	TRY(reg(libc_area(), LEN, 0, RSEQ_SIG));
	TRY(reg(libc_area(), LEN, RSEQ_FLAG_UNREGISTER, 1));
	TRY(reg(libc_area(), 16, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
	TRY(reg((char *)libc_area() + 32, LEN, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
	area = own_area();
	say("libc's says %d", (int)libc_area()->cpu_id);
	TRY(reg(area, LEN, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
	TRY(reg(area, LEN, 2, RSEQ_SIG));
	TRY(reg(area, LEN, 3, RSEQ_SIG));
	TRY(reg(area, 31, 0, RSEQ_SIG));
	TRY(reg((char *)area + 8, LEN, 0, RSEQ_SIG));
	TRY(reg((void *)0xffffffffffffffe0, LEN, 0, RSEQ_SIG));
	TRY(reg(area, LEN, 0, 7));
	TRY(reg(area, LEN, 0, 7));
	TRY(reg(area, LEN, 0, 8));
	TRY(reg(area, 64, 0, 7));
	TRY(reg(area, LEN, RSEQ_FLAG_UNREGISTER, 8));
	TRY(reg(area, LEN, RSEQ_FLAG_UNREGISTER, 7));
	say("ended: cpu %d start %u", (int)area->cpu_id, area->cpu_id_start);
	TRY(reg(area, LEN, RSEQ_FLAG_UNREGISTER, 7));
}

static int in_child(void *arg)
{
	TRY(reg(arg, LEN, 0, RSEQ_SIG));
	return 0;
}

ABI_TEST(rseq, cpu_number)
{
	struct rseq *area = own_area();

	pin(0);
	TRY(reg(area, LEN, 0, RSEQ_SIG));
	say("on 0: %u %u", area->cpu_id, area->cpu_id_start);
	pin(1);
	say("on 1: %u %u", area->cpu_id, area->cpu_id_start);
	pin(0);
	say("on 0: %u %u", area->cpu_id, area->cpu_id_start);
	run_child("fork keeps it", in_child, area);
	reg(area, LEN, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static int clone_child(void *arg)
{
	long r = reg(arg, LEN, 0, RSEQ_SIG);

	return r ? errno : 0;
}

ABI_TEST(rseq, clone_vm)
{
	static struct rseq second __attribute__((aligned(32)));
	static char stack[65536] __attribute__((aligned(16)));
	struct rseq *area = own_area();
	int pid, status;

	TRY(reg(area, LEN, 0, RSEQ_SIG));
	pid = clone(clone_child, stack + sizeof(stack), CLONE_VM | SIGCHLD, &second);
	waitpid(pid, &status, 0);
	show_status("a child with the same memory has none", status);
	say("its number came %d", (int)second.cpu_id >= 0);
	reg(area, LEN, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

/* An endless sequence: only an abort leads out. */
extern struct rseq_cs abi_spin_cs;
static __attribute__((noinline)) int spin(struct rseq *area)
{
#ifdef __x86_64__
	asm goto(".pushsection .data\n.balign 32\n.globl abi_spin_cs\nabi_spin_cs:\n"
		 ".long 0, 0\n.quad 1f, 2f - 1f, 4f\n.popsection\n"
		 "leaq abi_spin_cs(%%rip), %%rax\nmovq %%rax, 8(%0)\n"
		 "1:\tjmp 1b\n"
		 "2:\tjmp %l[committed]\n"
		 ".byte 0x0f, 0xb9, 0x3d\n.long 0x53053053\n"
		 "4:\tjmp %l[aborted]\n" : : "r"(area) : "rax", "memory" : committed, aborted);
#else
	asm goto(".pushsection .data\n.balign 32\n.globl abi_spin_cs\nabi_spin_cs:\n"
		 ".long 0, 0\n.quad 1f, 2f - 1f, 4f\n.popsection\n"
		 "adrp x9, abi_spin_cs\nadd x9, x9, :lo12:abi_spin_cs\nstr x9, [%0, #8]\n"
		 "1:\tb 1b\n"
		 "2:\tb %l[committed]\n"
		 ".inst 0xd428bc00\n"
		 "4:\tb %l[aborted]\n" : : "r"(area) : "x9", "memory" : committed, aborted);
#endif
committed:
	return 1;
aborted:
	return 0;
}

static int spinner(void *arg)
{
	(void)arg;
	for (;;)
		asm volatile("");
	return 0;
}

ABI_TEST(rseq, preemption_aborts)
{
	struct rseq *area = own_area();
	int other;

	pin(0);
	TRY(reg(area, LEN, 0, RSEQ_SIG));
	other = spawn(spinner, NULL);
	for (int i = 0; i < 3; i++)
		TRY(spin(area));
	say("pointer cleared %d", area->rseq_cs == 0);
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	reg(area, LEN, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static volatile int handled, at_abort;
static struct rseq *handler_area;

static void on_alarm(int sig, siginfo_t *info, void *ucontext)
{
	ucontext_t *u = ucontext;
#ifdef __x86_64__
	uint64_t pc = (uint64_t)u->uc_mcontext.gregs[REG_RIP];
#else
	uint64_t pc = u->uc_mcontext.pc;
#endif
	(void)sig;
	(void)info;
	handled++;
	at_abort = pc == abi_spin_cs.abort_ip && handler_area->rseq_cs == 0;
}

ABI_TEST(rseq, signals_abort)
{
	struct sigaction sa = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO };
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct rseq *area = own_area();

	handler_area = area;
	sigaction(SIGALRM, &sa, NULL);
	TRY(reg(area, LEN, 0, RSEQ_SIG));
	setitimer(ITIMER_REAL, &soon, NULL);
	TRY(spin(area));
	/* A preemption may have come first; then the handler found nothing to do. */
	while (!handled)
		sleep_ms(1);
	say("handled %d", handled);
	reg(area, LEN, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}

static void nothing(int sig)
{
	(void)sig;
}

/* The area points to @arg when a signal comes. */
static int with_pointer(void *arg)
{
	struct rseq *area = own_area();

	signal(SIGUSR1, nothing);
	reg(area, LEN, 0, RSEQ_SIG);
	area->rseq_cs = (uint64_t)(uintptr_t)arg;
	raise(SIGUSR1);
	say("cleared %d", area->rseq_cs == 0);
	return 0;
}

static int bad_signature(void *arg)
{
	struct rseq *area = own_area();

	signal(SIGUSR1, nothing);
	reg(area, LEN, 0, 1234);
	area->rseq_cs = (uint64_t)(uintptr_t)arg;
	raise(SIGUSR1);
	return 0;
}

static int area_unmapped(void *arg)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	own_area();
	reg(page, LEN, 0, RSEQ_SIG);
	munmap(page, 4096);
	signal(SIGUSR1, nothing);
	raise(SIGUSR1);
	return 0;
}

ABI_TEST(rseq, bad_sequences)
{
	static struct rseq_cs cs __attribute__((aligned(32)));

	run_child("none", with_pointer, NULL);
	run_child("elsewhere", with_pointer, &abi_spin_cs);
	run_child("unmapped", with_pointer, (void *)8);
	cs = abi_spin_cs;
	cs.version = 1;
	run_child("version", with_pointer, &cs);
	cs = abi_spin_cs;
	cs.abort_ip = cs.start_ip;
	run_child("abort inside", with_pointer, &cs);
	cs = abi_spin_cs;
	cs.abort_ip++;
	run_child("no signature", with_pointer, &cs);
	cs = abi_spin_cs;
	cs.start_ip = (uint64_t)-1;
	run_child("not the user's", with_pointer, &cs);
	cs = abi_spin_cs;
	cs.flags = 1;
	run_child("flags, but not inside", with_pointer, &cs);
	run_child("another signature", bad_signature, &abi_spin_cs);
	run_child("area gone", area_unmapped, NULL);
}

#define MB(cmd, flags, cpu) syscall(SYS_membarrier, cmd, flags, cpu)

ABI_TEST(rseq, membarrier)
{
	say("commands %lx", MB(0, 0, 0) & 0x1ff);
	TRY(MB(1 << 7, 0, 0));		/* PRIVATE_EXPEDITED_RSEQ, not registered */
	TRY(MB(1 << 8, 1, 0));
	TRY(MB(1 << 8, 0, 0));
	TRY(MB(1 << 7, 0, 0));
	TRY(MB(1 << 7, 1, 0));
	TRY(MB(1 << 7, 1, 1000));
	TRY(MB(1 << 7, 1, -1));
	TRY(MB(1 << 7, 2, 0));
	TRY(MB(1 << 3, 0, 0));
	TRY(MB(1 << 4, 0, 0));
	TRY(MB(1 << 3, 0, 0));
	TRY(MB(1 << 5, 0, 0));
	TRY(MB(0, 1, 0));
	TRY(MB(1 << 20, 0, 0));
}

struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

static long waitv(struct waitv *w, unsigned int n, unsigned int flags, struct timespec *t,
		  int clock)
{
	return syscall(449, w, n, flags, t, clock);
}

static void fill(struct waitv *w, uint32_t *words, int n)
{
	for (int i = 0; i < n; i++)
		w[i] = (struct waitv){ words[i], (uintptr_t)&words[i], 2, 0 };
}

ABI_TEST(waitv, errors)
{
	struct timespec bad = { 0, 1000000000 }, past = { 1, 0 };
	uint32_t words[130] = { 1, 2, 3 };
	struct waitv w[130];

	fill(w, words, 130);
	TRY(waitv(w, 0, 0, NULL, 0));
	TRY(waitv(w, 129, 0, NULL, 0));
	TRY(waitv(w, 3, 1, NULL, 0));
	TRY(waitv(NULL, 3, 0, NULL, 0));
	TRY(waitv((void *)8, 3, 0, NULL, 0));
	TRY(waitv(w, 3, 0, &bad, CLOCK_MONOTONIC));
	TRY(waitv(w, 3, 0, &past, CLOCK_BOOTTIME));
	TRY(waitv(w, 3, 0, (void *)8, CLOCK_MONOTONIC));
	TRY(waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
	TRY(waitv(w, 3, 0, &past, CLOCK_REALTIME));
	TRY(waitv(w, 128, 0, &past, CLOCK_REALTIME));
	w[1].flags = 0;
	TRY(waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
	w[1].flags = 6;
	TRY(waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
	w[1].flags = 2;
	w[1].reserved = 1;
	TRY(waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
	w[1].reserved = 0;
	w[1].val = 7;
	TRY(waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
	w[2].uaddr += 1;
	TRY(waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
	w[2].uaddr = 8;
	TRY(waitv(w, 3, 0, &past, CLOCK_MONOTONIC));
}

static int wake_third(void *arg)
{
	uint32_t *words = arg;

	sleep_ms(30);
	while (syscall(SYS_futex, &words[2], FUTEX_WAKE, 1, NULL, NULL, 0) != 1)
		sleep_ms(1);
	return 0;
}

ABI_TEST(waitv, woken)
{
	uint32_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			       0);
	struct waitv w[5];
	int pid;

	fill(w, words, 5);
	pid = spawn(wake_third, words);
	TRY(waitv(w, 5, 0, NULL, 0));
	waitpid(pid, NULL, 0);
	say("nobody is left: %ld", syscall(SYS_futex, &words[1], FUTEX_WAKE, 1, NULL, NULL, 0));
}

ABI_TEST(waitv, private_words)
{
	uint32_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			       0);
	struct timespec soon;
	struct waitv w[3];
	int pid;

	fill(w, words, 3);
	for (int i = 0; i < 3; i++)
		w[i].flags |= FUTEX_PRIVATE_FLAG;
	pid = spawn(wake_third, words);
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_sec += 1;
	TRY(waitv(w, 3, 0, &soon, CLOCK_MONOTONIC));	/* another process's wake is not ours */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

ABI_TEST(waitv, interrupted)
{
	struct itimerval soon = { .it_value = { 0, 20000 } };
	struct sigaction sa = { .sa_handler = nothing };
	uint32_t words[2] = { 0 };
	struct waitv w[2];

	sigaction(SIGALRM, &sa, NULL);
	fill(w, words, 2);
	setitimer(ITIMER_REAL, &soon, NULL);
	TRY(waitv(w, 2, 0, NULL, 0));
}
