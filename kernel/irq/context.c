/* SPDX-License-Identifier: MIT */
/* Entering and leaving interrupt context, IPIs, and the work at the door to user mode. */
#include <arch/regs.h>
#include <arch/upcalls.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/preempt.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/rseq.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/smp.h>
#include <kernel/timer.h>

static DEFINE_PERCPU(struct regs *, interrupted_regs);

struct regs *irq_regs(void)
{
	return this_cpu_read(interrupted_regs);
}

void irq_enter(struct regs *regs)
{
	current_core()->preempt_count += PREEMPT_IRQ;
	this_cpu_write(interrupted_regs, regs);
	rcu_irq_enter();
}

void irq_exit(struct regs *regs)
{
	struct thread_core *c = current_core();

	this_cpu_write(interrupted_regs, NULL);
	c->preempt_count -= PREEMPT_IRQ;
	/*
	 * Preemptible code is no reader: a long call in the kernel does not hold up a grace period.
	 */
	if (regs_is_user(regs) || (c->preempt_count == 0 && regs_irqs_on(regs)))
		rcu_quiescent();
	if (!regs_is_user(regs) && c->preempt_count == 0 && regs_irqs_on(regs) &&
	    (__atomic_load_n(&c->work, __ATOMIC_RELAXED) & WORK_RESCHED) && !sched_is_idle())
		preempt_schedule_irq();
}

void ipi_upcall(enum ipi kind)
{
	switch (kind) {
	/* the flag is set already; a remote timer may want the event earlier */
	case IPI_RESCHEDULE:
		timer_poke();
		break;
	case IPI_CALL:
		smp_call_take();
		break;
	case IPI_HALT:
		smp_halt_self();
	case IPI_NR:
		break;
	}
}

/* One turn of what is due; interrupts are unmasked around each. */
static void do_work(struct regs *regs, uint32_t work)
{
	arch_irq_enable();
	if (work & WORK_RESCHED)
		schedule();
	if (work & WORK_RSEQ)
		rseq_exit_to_user(regs);
	if (work & WORK_FRAME)
		thread_clear_work(current_thread(), WORK_FRAME);
	if (work & (WORK_SIGNAL | WORK_MASK))
		signal_deliver(regs);
	arch_irq_disable();
}

void exit_to_user_upcall(struct regs *regs)
{
	struct thread_core *c = current_core();
	uint32_t work;

	while ((work = __atomic_load_n(&c->work, __ATOMIC_RELAXED)) & WORK_EXIT_BITS)
		do_work(regs, work);
}
