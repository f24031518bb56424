/* SPDX-License-Identifier: MIT */
/*
 * rseq(2): restartable sequences.
 *
 * A thread registers an area in its memory.  The kernel keeps the CPU's number there, and when the
 * thread was preempted, migrated or takes a signal inside the sequence of instructions that the
 * area points to, it goes on at the sequence's abort address instead.
 *
 * Whatever switches to a thread with an area sets WORK_RSEQ, so the area is looked at once more
 * before the next user instruction; looking may sleep and set the bit again, which is one more turn
 * of the exit loop.  Nothing is done at system calls that did not switch.
 */
#include <arch/regs.h>
#include <generated/syscall_protos.h>
#include <kernel/percpu.h>
#include <kernel/rseq.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <mm/uaccess.h>
#include <uapi/rseq.h>

#include "proc.h"

#define FIELD(t, name)	UADDR((t)->rseq + offset_of(struct rseq, name))

/* The sequence that the area points to: 1, 0 (none), or an error. */
static int read_sequence(const struct thread *t, struct rseq_cs *cs)
{
	uint32_t signature;
	uint64_t at;

	if (get_user(&at, FIELD(t, rseq_cs)))
		return -EFAULT;
	if (!at)
		return 0;
	if (copy_from_user(cs, UADDR(at), sizeof(*cs)))
		return -EFAULT;
	if (cs->version || cs->start_ip >= USER_TOP || cs->abort_ip >= USER_TOP ||
	    cs->post_commit_offset >= USER_TOP - cs->start_ip ||
	    cs->abort_ip - cs->start_ip < cs->post_commit_offset)
		return -EINVAL;
	/* Only an address that carries the signature may be jumped to. */
	if (get_user(&signature, UADDR(cs->abort_ip - sizeof(signature))))
		return -EFAULT;
	return signature == t->rseq_signature ? 1 : -EINVAL;
}

static int end_sequence(const struct thread *t, struct regs *regs)
{
	struct rseq_cs cs;
	uint32_t flags;
	int found = read_sequence(t, &cs);

	if (found <= 0)
		return found;
	if (regs_pc(regs) - cs.start_ip < cs.post_commit_offset) {
		/* Flags that kept some events from aborting are no longer honoured anywhere. */
		if (cs.flags || get_user(&flags, FIELD(t, flags)) || flags)
			return -EINVAL;
		regs_set_pc(regs, cs.abort_ip);
	}
	return put_user((uint64_t)0, FIELD(t, rseq_cs));
}

static int write_cpu(const struct thread *t, uint32_t start, uint32_t cpu)
{
	if (put_user(start, FIELD(t, cpu_id_start)) || put_user(cpu, FIELD(t, cpu_id)))
		return -EFAULT;
	return 0;
}

void rseq_exit_to_user(struct regs *regs)
{
	struct thread *t = current_thread();
	uint32_t cpu;
	int err;

	thread_clear_work(t, WORK_RSEQ);
	if (!t->rseq)
		return;
	err = end_sequence(t, regs);
	/* A migration after this sets the bit again. */
	cpu = READ_ONCE(t->cpu);
	if (!err)
		err = write_cpu(t, cpu, cpu);
	if (err)
		signal_force(SIGSEGV, SI_KERNEL, 0);
}

static long unregister(struct thread *t, uaddr_t rseq, unsigned int len, unsigned int signature)
{
	if (!t->rseq || t->rseq != rseq.v || len != t->rseq_len)
		return -EINVAL;
	if (t->rseq_signature != signature)
		return -EPERM;
	if (write_cpu(t, 0, (uint32_t)RSEQ_CPU_ID_UNINITIALIZED))
		return -EFAULT;
	t->rseq = 0;
	return 0;
}

long sys_rseq(uaddr_t rseq, unsigned int len, unsigned int flags, unsigned int sig)
{
	struct thread *t = current_thread();

	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags == RSEQ_FLAG_UNREGISTER ? unregister(t, rseq, len, sig) : -EINVAL;
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != rseq.v || len != t->rseq_len)
			return -EINVAL;
		return t->rseq_signature == sig ? -EBUSY : -EPERM;
	}
	if (len != sizeof(struct rseq) || !is_aligned(rseq.v, sizeof(struct rseq)))
		return -EINVAL;
	if (!user_range_ok(rseq, len))
		return -EFAULT;
	t->rseq_len = len;
	t->rseq_signature = sig;
	t->rseq = rseq.v;
	thread_set_work(t, WORK_RSEQ);
	return 0;
}
