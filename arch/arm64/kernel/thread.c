/* SPDX-License-Identifier: MIT */
/*
 * Threads: their first frame, fork, exec, TLS, FP/SIMD, single step, backtraces.
 *
 * A running user thread's FP/SIMD registers and TPIDR_EL0 are live in the CPU; arch.fp and arch.tls
 * are stale until the next switch. FP areas are touched with interrupts masked where the live
 * registers must agree with them.
 */
#include <arch/irq.h>
#include <arch/ptrace.h>
#include <arch/thread.h>
#include <kernel/thread.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <arch_impl/arm64.h>

_Static_assert(offset_of(struct thread, arch) == THREAD_ARCH_OFFSET,
	       "arch_percpu_offset() counts on it");
_Static_assert(offset_of(struct thread, stack) == THREAD_ARCH_OFFSET + sizeof(struct arch_thread) &&
	       sizeof(struct regs) == ARM64_REGS_SIZE && THREAD_STACK_SIZE == ARM64_STACK_SIZE,
	       "arch_user_regs() counts on it");

/*
 * The frame stands at the top of every stack, kernel threads' too: one of them becomes the first
 * program.
 */
static void set_start(struct thread *t, void (*entry)(void *arg), void *arg)
{
	t->arch.x19_x30[0] = (uint64_t)entry;
	t->arch.x19_x30[1] = (uint64_t)arg;
	t->arch.x19_x30[10] = 0;
	t->arch.x19_x30[11] = (uint64_t)arm64_thread_trampoline;
	t->arch.sp = (uint64_t)arch_user_regs(t);
}

void arch_thread_init(struct thread *t, void (*entry)(void *arg), void *arg)
{
	memset(&t->arch, 0, sizeof(t->arch));
	set_start(t, entry, arg);
}

int arch_thread_fork(struct thread *child, const struct regs *regs, const struct arch_fork *args)
{
	struct regs *frame = arch_user_regs(child);
	struct thread *self = arch_current();
	unsigned long flags;

	memset(&child->arch, 0, sizeof(child->arch));
	set_start(child, NULL, NULL);
	*frame = *regs;
	regs_set_return(frame, 0);
	regs_no_restart(frame);
	if (args->stack)
		frame->sp = args->stack;
	child->arch.flags = ARM64_USER;
	frame->pstate &= ~PSTATE_SS;
	if (!(self->arch.flags & ARM64_USER))
		return 0;
	child->arch.tls = args->set_tls ? args->tls : sysreg_read(tpidr_el0);
	flags = arch_irq_save();
	arm64_fp_save(&child->arch.fp);
	arch_irq_restore(flags);
	return 0;
}

void arch_thread_free(struct thread *t)
{
	memzero_explicit(&t->arch.fp, sizeof(t->arch.fp));
	kfree(t->arch.debug);
	t->arch.debug = NULL;
}

int arch_thread_init_user(struct thread *t)
{
	memset(&t->arch.fp, 0, sizeof(t->arch.fp));
	t->arch.tls = 0;
	return 0;
}

void arch_thread_exec(struct regs *regs, uint64_t entry, uint64_t sp)
{
	struct thread *t = arch_current();
	unsigned long flags;

	memset(regs, 0, sizeof(*regs));
	regs->pc = entry;
	regs->sp = sp;
	regs_no_restart(regs);
	arch_single_step_disable(t, regs);
	arch_debug_clear(t);
	flags = arch_irq_save();
	memset(&t->arch.fp, 0, sizeof(t->arch.fp));
	t->arch.tls = 0;
	t->arch.flags = ARM64_USER;
	arm64_fp_load(&t->arch.fp);
	sysreg_write(tpidr_el0, 0);
	arch_irq_restore(flags);
}

void arch_set_tls(struct thread *t, uint64_t tls)
{
	t->arch.tls = tls;
	if (t == arch_current())
		sysreg_write(tpidr_el0, tls);
}

uint64_t arch_tls(const struct thread *t)
{
	return t == arch_current() ? sysreg_read(tpidr_el0) : t->arch.tls;
}

/* The calling thread's or a stopped one's debug flags changed. */
static void reload_debug(struct thread *t)
{
	unsigned long flags = arch_irq_save();

	if (t == arch_current())
		arm64_debug_load(t);
	arch_irq_restore(flags);
}

/* PSTATE.SS = 1: one instruction runs, then the step exception comes; MDSCR_EL1.SS lets it. */
void arch_single_step_enable(struct thread *t, struct regs *regs)
{
	t->arch.flags |= ARM64_STEP;
	regs->pstate |= PSTATE_SS;
	reload_debug(t);
}

bool arch_single_step_is_on(const struct thread *t)
{
	return t->arch.flags & ARM64_STEP;
}

void arch_single_step_disable(struct thread *t, struct regs *regs)
{
	bool was = t->arch.flags & ARM64_STEP;

	t->arch.flags &= ~(uint64_t)ARM64_STEP;
	regs->pstate &= ~PSTATE_SS;
	if (was)
		reload_debug(t);
}

/* A frame record {fp, lr} of the stack [lo, hi): 16-byte aligned here, and above the one before. */
static bool record_is_valid(uint64_t fp, uint64_t lo, uint64_t hi)
{
	return !(fp & 15) && fp >= lo && fp < hi && hi - fp >= 16;
}

unsigned int arch_backtrace(uint64_t fp, uint64_t *pcs, unsigned int max)
{
	const struct thread *t = arch_current();
	uint64_t lo, hi;
	unsigned int n = 0;

	if (!fp)
		fp = (uint64_t)__builtin_frame_address(0);
	lo = (uint64_t)t->stack;
	hi = lo + THREAD_STACK_SIZE;
	while (n < max && record_is_valid(fp, lo, hi)) {
		const uint64_t *record = (const uint64_t *)fp;

		if (!record[1])
			break;
		pcs[n++] = record[1];
		if (record[0] <= fp)
			break;
		lo = fp;
		fp = record[0];
	}
	return n;
}
