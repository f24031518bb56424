/* SPDX-License-Identifier: MIT */
/*
 * Debug registers (Intel SDM vol. 3, 18.2): four addresses, what to watch for, what happened.
 *
 * They hold user addresses only, which x86_debug_set() checks, so the entry code never meets one.
 * A user copy in the kernel may: that is noted in DR6 and goes on, as on Linux.  While no thread
 * uses them DR7 is 0 on every CPU, and a switch costs two tests.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/ptrace.h>
#include <arch/regs.h>
#include <arch_impl/debug.h>
#include <arch_impl/msr.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>

#define DR7_GD		(1UL << 13)
#define DR7_FIXED	(1UL << 10)

enum watch_type { WATCH_EXEC = 0, WATCH_WRITE = 1, WATCH_IO = 2, WATCH_ACCESS = 3 };

static bool is_enabled(uint64_t dr7, unsigned int n)
{
	return dr7 >> (n * 2) & 3;
}

static enum watch_type type_of(uint64_t dr7, unsigned int n)
{
	return (enum watch_type)(dr7 >> (16 + n * 4) & 3);
}

static uint64_t length_of(uint64_t dr7, unsigned int n)
{
	static const uint8_t lengths[4] = { 1, 2, 8, 4 };

	return lengths[dr7 >> (18 + n * 4) & 3];
}

static bool slot_is_valid(const struct x86_debug *d, unsigned int n)
{
	uint64_t len = length_of(d->control, n);

	if (!is_enabled(d->control, n))
		return true;
	if (type_of(d->control, n) == WATCH_IO || d->address[n] & (len - 1))
		return false;
	return type_of(d->control, n) != WATCH_EXEC || len == 1;
}

static bool is_valid(const struct x86_debug *d)
{
	for (unsigned int n = 0; n < 4; n++)
		if (!slot_is_valid(d, n))
			return false;
	return true;
}

uint64_t x86_debug_get(struct thread *t, unsigned int n)
{
	const struct x86_debug *d = t->arch.debug;

	if (n == 6)
		return t->arch.dr6 ^ DR6_RESERVED;
	if (!d)
		return 0;
	return n < 4 ? d->address[n] : n == 7 ? d->control : 0;
}

static long set_checked(struct thread *t, unsigned int n, uint64_t value)
{
	struct x86_debug new = { 0 };

	if (t->arch.debug)
		new = *t->arch.debug;
	if (n < 4)
		new.address[n] = value;
	else
		new.control = value & 0xffffffff & ~DR7_GD;
	if ((n < 4 && value >= USER_TOP) || !is_valid(&new))
		return -EINVAL;
	if (!t->arch.debug)
		t->arch.debug = kmalloc(sizeof(new), ALLOC_NORMAL);
	if (!t->arch.debug)
		return -ENOMEM;
	*t->arch.debug = new;
	return 0;
}

long x86_debug_set(struct thread *t, unsigned int n, uint64_t value)
{
	if (n == 4 || n == 5)
		return -EIO;
	if (n == 6) {
		t->arch.dr6 = value ^ DR6_RESERVED;
		return 0;
	}
	return set_checked(t, n, value);
}

static void write_control(uint64_t dr7)
{
	__asm__ volatile("mov %0, %%db7" : : "r"(dr7 | DR7_FIXED));
}

void x86_debug_switch(const struct thread *prev, const struct thread *next)
{
	const struct x86_debug *d = next->arch.debug;

	if (prev->arch.debug)
		write_control(0);
	if (!d || !(d->control & 0xff))
		return;
	__asm__ volatile("mov %0, %%db0" : : "r"(d->address[0]));
	__asm__ volatile("mov %0, %%db1" : : "r"(d->address[1]));
	__asm__ volatile("mov %0, %%db2" : : "r"(d->address[2]));
	__asm__ volatile("mov %0, %%db3" : : "r"(d->address[3]));
	write_control(d->control);
}

void arch_debug_clear(struct thread *t)
{
	unsigned long flags = arch_irq_save();

	t->arch.dr6 = 0;
	if (t->arch.debug) {
		memset(t->arch.debug, 0, sizeof(*t->arch.debug));
		if (t == arch_current())
			write_control(0);
	}
	arch_irq_restore(flags);
}

/*
 * Reading DR6 also has to clear it: the processor only ever sets bits.  An instruction breakpoint
 * comes before its instruction; RF lets that run when the thread goes on.
 */
uint64_t x86_debug_status(struct regs *regs)
{
	struct thread *t = arch_current();
	const struct x86_debug *d = t->arch.debug;
	uint64_t dr6;

	__asm__ volatile("mov %%db6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%db6" : : "r"(DR6_RESERVED));
	dr6 &= DR6_TRAPS | DR6_STEP;
	for (unsigned int n = 0; d && n < 4; n++) {
		if (!is_enabled(d->control, n))
			dr6 &= ~(1UL << n);
		else if (dr6 >> n & 1 && type_of(d->control, n) == WATCH_EXEC)
			regs->flags |= RFLAGS_RF;
	}
	if (!d)
		dr6 &= ~DR6_TRAPS;
	t->arch.dr6 = regs_is_user(regs) ? dr6 : t->arch.dr6 | (dr6 & DR6_TRAPS);
	return dr6;
}
