/* SPDX-License-Identifier: MIT */
/*
 * Runs the generated wrappers and kernel/syscall/syscall.c on the host. Every handler is a recorder
 * (made by the test's script); this prints what reached it. Built by test_gen_syscalls.py.
 */
#include <arch/regs.h>
#include <arch/upcalls.h>
#include <kernel/preempt.h>
#include <kernel/syscall.h>
#include <kernel/systrace.h>
#include <security/cap.h>

#include <generated/cap_classes.h>

int printf(const char *fmt, ...);
void record(const char *name, unsigned int count, const uint64_t *values);
int main(void);

static struct thread_core core = { .cap_word = ~0ULL };
struct thread *mock_thread = (struct thread *)&core;
static int cap_answer = -EPERM;

void record(const char *name, unsigned int count, const uint64_t *values)
{
	printf("%s", name);
	for (unsigned int i = 0; i < count; i++)
		printf(" %llx", (unsigned long long)values[i]);
	printf("\n");
}

int cap_check(uint64_t classes)
{
	printf("cap_check %llx\n", (unsigned long long)classes);
	return cap_answer;
}

void systrace_enter(struct trace_call *call, struct regs *regs, uint64_t nr)
{
	call->nr = nr;
	printf("enter %llu\n", (unsigned long long)nr);
}

void systrace_exit(const struct trace_call *call, long result)
{
	printf("exit %llu %ld\n", (unsigned long long)call->nr, result);
}

static bool stop_enter(struct regs *regs)
{
	printf("stop %llu\n", (unsigned long long)regs->nr);
	regs->result = -ENODEV;
	return false;
}

static void stop_exit(struct regs *regs)
{
	printf("stopped %lld\n", (long long)regs->result);
}

static void call(uint64_t nr)
{
	struct regs regs = { .nr = nr, .args = { ~0ULL, 2, 3, 4, 5, 6 } };

	regs_set_return(&regs, syscall_upcall(&regs));
	printf("= %lld\n", (long long)regs.result);
}

int main(void)
{
	static const struct syscall_stops stops = { stop_enter, stop_exit };

	call(__NR_read);
	call(__NR_clone);
	call(__NR_mmap);
	call(__NR_rt_sigreturn);
	call(SYSCALL_TABLE_SIZE - 1);
	call(SYSCALL_TABLE_SIZE);
	call(0xffffffffULL);
	call(~0ULL);
	call(1ULL << 32 | __NR_getpid);
	core.cap_word = ~(1ULL << CAP_CLASS_FS_CREATE);
	call(__NR_renameat2);
	call(__NR_getpid);
	cap_answer = 0;
	call(__NR_renameat2);
	core.work = WORK_TRACE;
	call(__NR_getpid);
	syscall_stops_register(&stops);
	core.work = WORK_PTRACE;
	call(__NR_getpid);
	return 0;
}
