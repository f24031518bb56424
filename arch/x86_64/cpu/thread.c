/* SPDX-License-Identifier: MIT */
/*
 * Threads as the CPU sees them: creation, fork, exec, and the switch.
 * The two ends in assembly are x86_switch_stacks and x86_thread_entry (entry.S).
 */
#include <arch/cpu.h>
#include <arch/ptrace.h>
#include <arch/regs.h>
#include <arch/thread.h>
#include <arch/upcalls.h>
#include <arch_impl/debug.h>
#include <arch_impl/descriptors.h>
#include <arch_impl/fpu.h>
#include <arch_impl/msr.h>
#include <kernel/percpu.h>
#include <kernel/ptrace.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>

DEFINE_PERCPU(struct thread *, x86_current) = &boot_thread;

_Static_assert(offset_of(struct thread, arch) == X86_THREAD_ARCH_OFFSET &&
	       offset_of(struct thread, stack) ==
	       X86_THREAD_ARCH_OFFSET + sizeof(struct arch_thread) &&
	       THREAD_STACK_SIZE == X86_THREAD_STACK_SIZE, "arch_user_regs() relies on these");

struct thread *x86_switch_stacks(struct thread *prev, struct thread *next);
extern char x86_thread_entry[], x86_exit_to_user[];

/* What x86_switch_stacks pops. */
struct switch_frame {
	uint64_t r15, r14, r13, r12, bx, bp;
	uint64_t ip;
};

static uint64_t stack_top(const struct thread *t)
{
	return (uint64_t)t->stack + THREAD_STACK_SIZE;
}

void arch_thread_init(struct thread *t, void (*entry)(void *arg), void *arg)
{
	struct regs *regs = arch_user_regs(t);
	struct switch_frame *f = (struct switch_frame *)regs - 1;

	memset(regs, 0, sizeof(*regs));
	*f = (struct switch_frame){
		.bx = (uint64_t)entry, .r12 = (uint64_t)arg, .ip = (uint64_t)x86_thread_entry,
	};
	t->arch = (struct arch_thread){ .sp = (uint64_t)f };
}

/* Live segment bases of the calling thread into its structure. */
static void save_bases(struct arch_thread *a)
{
	if (!x86_features.fsgsbase)
		return;			/* only arch_prctl changes them, and it keeps the copy */
	__asm__ volatile("rdfsbase %0\n"
			 "swapgs\n"
			 "rdgsbase %1\n"
			 "swapgs" : "=r"(a->fs_base), "=r"(a->gs_base) : : "memory");
}

/* Interrupts masked: between the two SWAPGS GS base is the user's. */
static void load_bases(const struct arch_thread *a)
{
	if (!x86_features.fsgsbase) {
		wrmsr(MSR_FS_BASE, a->fs_base);
		wrmsr(MSR_KERNEL_GS_BASE, a->gs_base);
		return;
	}
	__asm__ volatile("wrfsbase %0\n"
			 "swapgs\n"
			 "wrgsbase %1\n"
			 "swapgs" : : "r"(a->fs_base), "r"(a->gs_base) : "memory");
}

static void sync_own_bases(void)
{
	unsigned long flags = arch_irq_save();

	save_bases(&arch_current()->arch);
	arch_irq_restore(flags);
}

int arch_thread_fork(struct thread *child, const struct regs *regs, const struct arch_fork *args)
{
	struct thread *parent = arch_current();
	void *area = fpu_area_alloc();
	struct regs *r;

	if (!area)
		return -ENOMEM;
	sync_own_bases();
	arch_thread_init(child, NULL, NULL);
	child->arch.fpu = area;
	child->arch.fs_base = args->set_tls ? args->tls : parent->arch.fs_base;
	child->arch.gs_base = parent->arch.gs_base;
	memset(area, 0, fpu_area_size);
	fpu_save_full(area);
	r = arch_user_regs(child);
	*r = *regs;
	r->ax = 0;
	if (args->stack)
		r->sp = args->stack;
	if (parent->arch.single_step)
		r->flags &= ~RFLAGS_TF;		/* the tracer's, not inherited */
	regs_no_restart(r);
	return 0;
}

void arch_thread_free(struct thread *t)
{
	fpu_area_free(t->arch.fpu);
	kfree(t->arch.debug);
	t->arch.fpu = NULL;
	t->arch.debug = NULL;
}

int arch_thread_init_user(struct thread *t)
{
	void *area;

	if (t->arch.fpu)
		return 0;
	area = fpu_area_alloc();
	if (!area)
		return -ENOMEM;
	fpu_area_reset(area);
	t->arch.fpu = area;
	return 0;
}

void arch_thread_exec(struct regs *regs, uint64_t entry, uint64_t sp)
{
	struct thread *t = arch_current();
	uint64_t nr = regs->orig_ax;
	unsigned long flags;

	memset(regs, 0, sizeof(*regs));
	regs->ip = entry;
	regs->sp = sp;
	regs->cs = USER_CS;
	regs->ss = USER_DS;
	regs->flags = RFLAGS_FIXED | RFLAGS_IF;
	regs_no_restart(regs);
	if (thread_is_traced(t)) {	/* debuggers look for the call's number at its end */
		regs->orig_ax = nr;
		thread_set_work(t, WORK_FRAME);
	}
	arch_debug_clear(t);

	flags = arch_irq_save();
	t->arch.fs_base = t->arch.gs_base = 0;
	t->arch.single_step = false;
	fpu_area_reset(t->arch.fpu);
	fpu_restore(t->arch.fpu);
	/* Old selectors must not survive; a null one may change its base, so bases come last. */
	__asm__ volatile("movl %0, %%fs; movl %0, %%ds; movl %0, %%es" : : "r"(0));
	load_bases(&t->arch);
	arch_irq_restore(flags);
}

struct thread *arch_switch(struct thread *prev, struct thread *next)
{
	if (prev->arch.fpu) {
		fpu_save(prev->arch.fpu);
		save_bases(&prev->arch);
	}
	if (unlikely(prev->arch.debug) || unlikely(next->arch.debug))
		x86_debug_switch(prev, next);
	this_cpu_ptr(&x86_tss)->sp[0] = stack_top(next);
	arch_set_current(next);
	if (next->arch.fpu) {
		fpu_restore(next->arch.fpu);
		load_bases(&next->arch);
	}
	return x86_switch_stacks(prev, next);
}

void arch_set_tls(struct thread *t, uint64_t tls)
{
	unsigned long flags = arch_irq_save();

	if (t == arch_current()) {
		save_bases(&t->arch);
		t->arch.fs_base = tls;
		load_bases(&t->arch);
	} else {
		t->arch.fs_base = tls;
	}
	arch_irq_restore(flags);
}

uint64_t arch_tls(const struct thread *t)
{
	if (t == arch_current())
		sync_own_bases();
	return t->arch.fs_base;
}

/* The GS counterparts, for arch_prctl and ptrace. */
void x86_set_user_gs(struct thread *t, uint64_t base)
{
	unsigned long flags = arch_irq_save();

	if (t == arch_current()) {
		save_bases(&t->arch);
		t->arch.gs_base = base;
		load_bases(&t->arch);
	} else {
		t->arch.gs_base = base;
	}
	arch_irq_restore(flags);
}

uint64_t x86_user_gs(const struct thread *t)
{
	if (t == arch_current())
		sync_own_bases();
	return t->arch.gs_base;
}
