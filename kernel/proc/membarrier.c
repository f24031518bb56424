/* SPDX-License-Identifier: MIT */
/*
 * membarrier(2): make all threads of some processes pass a full barrier, so that they need none
 * themselves.
 *
 * The expedited forms interrupt every CPU: the interrupt is a full barrier, and its return
 * synchronises the instruction stream.  A CPU in the middle of a switch has interrupts masked and
 * takes it afterwards, so no thread is missed and a switch needs no barrier for our sake.  The form
 * that is not expedited waits for a grace period.  The form for restartable sequences has the
 * threads that run look at theirs before they go on.
 */
#include <generated/syscall_protos.h>
#include <kernel/percpu.h>
#include <kernel/rcu.h>
#include <kernel/rseq.h>
#include <kernel/smp.h>
#include <lib/err.h>
#include <uapi/membarrier.h>

#include "proc.h"

#define COMMANDS (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | \
		  MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED | \
		  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
		  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | \
		  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | \
		  MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | \
		  MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)

static void barrier_here(void *arg)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* @process: whose threads begin their sequences anew.  On each CPU that is asked. */
static void restart_here(void *process)
{
	struct thread *t = current_thread();

	if (t->process == process)
		rseq_switched_in(t);
}

static bool is_registered(uint32_t registration)
{
	return __atomic_load_n(&current_process()->membarrier, __ATOMIC_RELAXED) & registration;
}

/* On all CPUs, or on @cpu alone if @flags says so. */
static long restart_sequences(unsigned int flags, int cpu)
{
	struct cpumask one = { 0 };

	if (flags & ~(unsigned int)MEMBARRIER_CMD_FLAG_CPU)
		return -EINVAL;
	if (!is_registered(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ))
		return -EPERM;
	if (!(flags & MEMBARRIER_CMD_FLAG_CPU)) {
		smp_call(&cpus_online, restart_here, current_process());
		return 0;
	}
	if (cpu >= 0 && (unsigned int)cpu < nr_cpus &&
	    cpumask_has(&cpus_online, (unsigned int)cpu)) {
		cpumask_set(&one, (unsigned int)cpu);
		smp_call(&one, restart_here, current_process());
	}
	return 0;
}

static long private_expedited(uint32_t registration)
{
	struct process *p = current_process();

	if (!is_registered(registration))
		return -EPERM;
	if (__atomic_load_n(&p->nr_threads, __ATOMIC_RELAXED) > 1)
		smp_call(&cpus_online, barrier_here, NULL);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return 0;
}

static long enlist(uint32_t registration)
{
	__atomic_fetch_or(&current_process()->membarrier, registration, __ATOMIC_SEQ_CST);
	return 0;
}

long sys_membarrier(int cmd, unsigned int flags, int cpu)
{
	if (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
		return restart_sequences(flags, cpu);
	if (flags)
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
		rcu_synchronize();
		return 0;
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		smp_call(&cpus_online, barrier_here, NULL);
		return 0;
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return private_expedited(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return private_expedited(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
		return enlist((uint32_t)cmd);
	}
	return -EINVAL;
}
