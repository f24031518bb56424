/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine.
 *
 * One CPU prints: the first that comes.  Others that panic meanwhile stop; a second panic on the
 * same CPU (a fault while printing) prints one raw line and stops.
 */
#include <arch/cpu.h>
#include <arch/boot.h>
#include <arch/irq.h>
#include <arch/regs.h>
#include <arch/thread.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <lib/atomic.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/page.h>

#define BACKTRACE_MAX	32
#define LAST_LINES	20

bool panic_in_progress;
static uint32_t panic_owner;		/* [A] CPU number + 1 of the one that prints */

static void raw_line(const char *s)
{
	while (*s)
		arch_early_putc(*s++);
	arch_early_putc('\n');
}

static void print_pc(const char *mark, uint64_t pc)
{
	char name[96];

	symbol_format(pc, name, sizeof(name));
	log_emerg("  %s%s", mark, name);
}

/*
 * Where the stack that holds @sp ends, or 0: only the running thread's stack and this very page are
 * sure to be there.
 */
static uint64_t stack_end(uint64_t sp)
{
	uint64_t base = (uint64_t)current_thread()->stack,
		here = (uint64_t)__builtin_frame_address(0);

	if (sp >= base && sp < base + THREAD_STACK_SIZE)
		return base + THREAD_STACK_SIZE;
	if ((sp ^ here) < PAGE_SIZE)
		return (sp | (PAGE_SIZE - 1)) + 1;
	return 0;
}

/*
 * Every word of the stack that could be a return address: for when the chain of frames is broken or
 * not kept.
 */
static void scan_stack(uint64_t sp)
{
	uint64_t end = stack_end(sp & ~7ull);
	unsigned int n = 0;

	for (sp &= ~7ull; sp < end && n < BACKTRACE_MAX; sp += 8) {
		uint64_t word = *(const uint64_t *)sp;

		if (!symbol_is_text(word))
			continue;
		print_pc("? ", word);
		n++;
	}
}

/* By frame records from @fp; by guessing from @sp on when these lead nowhere. */
static void print_chain(uint64_t fp, uint64_t sp)
{
	uint64_t pcs[BACKTRACE_MAX];
	unsigned int n = arch_backtrace(fp, pcs, BACKTRACE_MAX);

	for (unsigned int i = 0; i < n; i++)
		print_pc("", pcs[i]);
	if (n < 2)
		scan_stack(sp);
}

void backtrace_print(uint64_t fp)
{
	print_chain(fp, fp ? fp : (uint64_t)__builtin_frame_address(0));
}

/* Of a stack that overflowed, the lowest words name the culprits. */
static uint64_t fault_stack(const struct regs *regs)
{
	uint64_t base = (uint64_t)current_thread()->stack, sp = regs_sp(regs);

	return sp < base && base - sp <= PAGE_SIZE ? base : sp;
}

static bool name_symbol(char *buf, size_t size, uintptr_t addr)
{
	if (!symbol_is_text(addr))
		return false;
	symbol_format(addr, buf, size);
	return true;
}

static void report_refcount(const refcount_t *r, const char *what)
{
	if (IS_ENABLED(CONFIG_DEBUG))
		panic("refcount: %p: %s", r, what);
	log_err("refcount: %p: %s, by %pS", r, what, __builtin_return_address(0));
}

void panic_init(void)
{
	printf_symbol_hook = name_symbol;
	refcount_misuse_hook = report_refcount;
}

static void print_thread(void)
{
	struct thread *t = current_thread();

	log_emerg("on CPU %u in thread %s (%d)%s", this_cpu_id(), t->name[0] ? t->name : "idle",
		  t->pid ? t->pid->nr : 0, in_interrupt() ? ", in an interrupt" : "");
}

static struct panic_hook *hooks;	/* [A] only grows */

void panic_hook_add(struct panic_hook *h)
{
	h->next = __atomic_load_n(&hooks, __ATOMIC_RELAXED);
	/* Release: a panic sees complete hooks. */
	while (!__atomic_compare_exchange_n(&hooks, &h->next, h, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
}

__noreturn static void end(void)
{
	const char *action = boot_arg("panic");

	log_panic_tail(LAST_LINES);
	for (struct panic_hook *h = __atomic_load_n(&hooks, __ATOMIC_ACQUIRE); h; h = h->next)
		h->fn(h);
	arch_vm_exit(3);
	if (action && !strcmp(action, "reboot"))
		arch_reboot();
	if (action && !strcmp(action, "poweroff"))
		arch_power_off();
	log_emerg("the machine is stopped");
	arch_halt();
}

/* Become the CPU that prints, or stop. */
static void claim(void)
{
	uint32_t expected = 0, self;

	arch_irq_disable();
	self = this_cpu_id() + 1;
	if (__atomic_compare_exchange_n(&panic_owner, &expected, self, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		panic_in_progress = true;
		smp_halt_others();
		log_panic_begin();
		return;
	}
	if (expected == self)
		raw_line("\npanic: another panic while printing");
	if (expected == self)
		arch_vm_exit(3);
	arch_halt();
}

void panic(const char *fmt, ...)
{
	char text[256];
	va_list args;

	claim();
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_emerg("panic: %s", text);
	print_thread();
	backtrace_print(0);
	end();
}

void panic_fault(struct regs *regs, const char *what, uint64_t address)
{
	char name[96];

	claim();
	symbol_format(regs_pc(regs), name, sizeof(name));
	log_emerg("panic: %s at %#llx, in %s", what, (unsigned long long)address, name);
	print_thread();
	regs_print(regs);
	print_pc("", regs_pc(regs));
	print_chain(regs_fp(regs), fault_stack(regs));
	end();
}
