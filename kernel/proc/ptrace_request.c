/* SPDX-License-Identifier: MIT */
/*
 * ptrace(2): what a tracer does with a thread that it has stopped.  Each request runs with the
 * tracee frozen (P4 of ptrace.c), so its registers, memory and signal state are nobody else's.
 */
#include <arch/ptrace.h>
#include <arch/regs.h>
#include <generated/syscall_protos.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/elf.h>
#include <uapi/rseq.h>
#include <uapi/uio.h>
#include "ptrace_internal.h"

static long peek(struct thread *t, uint64_t addr, uaddr_t out)
{
	uint64_t word;

	if (aspace_access(t->aspace, addr, &word, sizeof(word), false, true) != sizeof(word))
		return -EIO;
	return put_user(word, out);
}

static long poke(struct thread *t, uint64_t addr, uint64_t word)
{
	size_t n = aspace_access(t->aspace, addr, &word, sizeof(word), true, true);

	return n == sizeof(word) ? 0 : -EIO;
}

/* Register sets. */

static const struct regset *regset_find(const struct thread *t, uint64_t note)
{
	for (const struct regset *r = arch_regsets; r->note; r++)
		if (r->note == note && r->size(t))
			return r;
	return NULL;
}

static int regset_to_user(struct thread *t, const struct regset *r, uaddr_t out, size_t len)
{
	void *buf = kmalloc(r->size(t), ALLOC_NORMAL | ALLOC_ZERO);
	int err;

	if (!buf)
		return -ENOMEM;
	err = r->get(t, buf);
	if (!err)
		err = copy_to_user(out, buf, len);
	kfree(buf);
	return err;
}

/* The debugger's part over what is there; the set's own function judges the whole. */
static int regset_from_user(struct thread *t, const struct regset *r, uaddr_t in, size_t len)
{
	void *buf;
	int err;

	if (!r->set)
		return -EINVAL;
	buf = kmalloc(r->size(t), ALLOC_NORMAL | ALLOC_ZERO);
	if (!buf)
		return -ENOMEM;
	err = r->get(t, buf);
	if (!err)
		err = copy_from_user(buf, in, len);
	if (!err)
		err = r->set(t, buf);
	kfree(buf);
	return err;
}

static long regset_request(struct thread *t, long request, uint64_t note, uaddr_t uiov)
{
	const struct regset *r;
	struct iovec iov;
	int err;

	if (copy_from_user(&iov, uiov, sizeof(iov)))
		return -EFAULT;
	r = regset_find(t, (uint32_t)note);
	if (!r || iov.iov_len % r->unit)
		return -EINVAL;
	iov.iov_len = min(iov.iov_len, (uint64_t)r->size(t));
	err = request == PTRACE_GETREGSET ? regset_to_user(t, r, UADDR(iov.iov_base), iov.iov_len) :
					    regset_from_user(t, r, UADDR(iov.iov_base),
							     iov.iov_len);
	return err ? err : put_user(iov.iov_len, uaddr_add(uiov, offset_of(struct iovec, iov_len)));
}

/* Signals. */

static long get_info(struct thread *t, uaddr_t out)
{
	return t->ptrace->has_info ? copy_to_user(out, &t->ptrace->info, sizeof(struct siginfo)) :
				     -EINVAL;
}

static long set_info(struct thread *t, uaddr_t in)
{
	struct siginfo info;

	if (copy_from_user(&info, in, sizeof(info)))
		return -EFAULT;
	if (!t->ptrace->has_info)
		return -EINVAL;
	t->ptrace->info = info;
	return 0;
}

/* The siginfo at @index of the queue; false: there are fewer. */
static bool peek_queue(struct thread *t, bool shared, uint64_t index, struct siginfo *info)
{
	const struct list *queue = shared ? &t->process->pending : &t->pending;
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);
	struct sigqueue *q;
	bool found = false;

	list_for_each_entry(q, queue, node) {
		if (index--)
			continue;
		*info = q->info;
		found = true;
		break;
	}
	sighand_unlock(s, flags);
	return found;
}

static long peek_info(struct thread *t, uaddr_t uargs, uaddr_t out)
{
	struct ptrace_peeksiginfo_args a;
	struct siginfo info;
	int32_t n = 0;

	if (copy_from_user(&a, uargs, sizeof(a)))
		return -EFAULT;
	if (a.flags & ~(uint32_t)PTRACE_PEEKSIGINFO_SHARED || a.nr < 0)
		return -EINVAL;
	for (; n < a.nr && !signal_is_pending(); n++) {
		if (a.off + (uint64_t)n < a.off ||
		    !peek_queue(t, a.flags & PTRACE_PEEKSIGINFO_SHARED, a.off + (uint64_t)n, &info))
			break;
		if (copy_to_user(uaddr_add(out, (uint64_t)n * sizeof(info)), &info, sizeof(info)))
			return n ? n : -EFAULT;
	}
	return n;
}

static long get_mask(struct thread *t, uint64_t size, uaddr_t out)
{
	if (size != sizeof(sigset_t))
		return -EINVAL;
	return put_user(t->core.work & WORK_MASK ? t->saved_mask.v : t->blocked.v, out);
}

static long set_mask(struct thread *t, uint64_t size, uaddr_t in)
{
	unsigned long flags;
	struct sighand *s;
	sigset_t mask;

	if (size != sizeof(sigset_t))
		return -EINVAL;
	if (get_user(&mask.v, in))
		return -EFAULT;
	s = sighand_lock(t->process, &flags);
	t->blocked.v = mask.v & ~(sig_bit(SIGKILL) | sig_bit(SIGSTOP));
	thread_clear_work(t, WORK_MASK);
	signal_recompute_locked(t);
	sighand_unlock(s, flags);
	return 0;
}

/* Calls. */

static size_t describe_call(struct thread *t, struct ptrace_syscall_info *i)
{
	const struct regs *r = arch_user_regs(t);
	int64_t result = regs_return(r);

	if (t->ptrace->message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
		i->op = PTRACE_SYSCALL_INFO_ENTRY;
		i->entry.nr = regs_syscall_nr(r);
		for (unsigned int n = 0; n < 6; n++)
			i->entry.args[n] = regs_syscall_arg(r, n);
		return offset_of(struct ptrace_syscall_info, entry) + sizeof(i->entry);
	}
	i->op = PTRACE_SYSCALL_INFO_EXIT;
	i->exit.rval = result;
	i->exit.is_error = (uint64_t)result >= (uint64_t)-4095;
	return offset_of(struct ptrace_syscall_info, exit.is_error) + sizeof(i->exit.is_error);
}

static long syscall_info(struct thread *t, uint64_t size, uaddr_t out)
{
	const struct regs *r = arch_user_regs(t);
	struct ptrace_syscall_info i = {
		.arch = arch_audit, .instruction_pointer = regs_pc(r), .stack_pointer = regs_sp(r),
	};
	size_t n = offset_of(struct ptrace_syscall_info, entry);

	if (t->ptrace->has_info && t->ptrace->info.si_code == (SIGTRAP | 0x80))
		n = describe_call(t, &i);
	return copy_to_user(out, &i, min((uint64_t)n, size)) ? -EFAULT : (long)n;
}

static long rseq_info(struct thread *t, uint64_t size, uaddr_t out)
{
	struct ptrace_rseq_configuration c = {
		.rseq_abi_pointer = t->rseq, .rseq_abi_size = t->rseq_len,
		.signature = t->rseq_signature,
	};

	return copy_to_user(out, &c, min((uint64_t)sizeof(c), size)) ? -EFAULT : (long)sizeof(c);
}

/* Going on. */

static long resume(struct thread *t, enum ptrace_resume how, uint64_t sig)
{
	if (sig > NSIG_MAX)
		return -EIO;
	ptrace_resume(t, how, (int)sig);
	return 0;
}

static long detach(struct thread *t, uint64_t sig)
{
	bool was_traced;

	if (sig > NSIG_MAX)
		return -EIO;
	spin_lock(&tasklist_lock);
	was_traced = t->tracer != NULL;
	if (was_traced) {
		t->ptrace->signal = (int)sig;
		ptrace_unlink(t);
	}
	spin_unlock(&tasklist_lock);
	if (was_traced)
		thread_put(t);
	return 0;
}

static long set_options(struct thread *t, uint64_t options)
{
	if (options & ~(uint64_t)PTRACE_OPTIONS)
		return -EINVAL;
	t->ptrace->options = (uint32_t)options;
	return 0;
}

/* Stay in a stop that PTRACE_EVENT_STOP reported, and hear how it goes on. */
static long listen(struct thread *t)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s;
	long err = -EIO;

	if (!pt->seized)
		return err;
	s = sighand_lock(t->process, &flags);
	if (pt->has_info && pt->info.si_code >> 8 == PTRACE_EVENT_STOP) {
		bool news = pt->trap_notify || pt->killed;

		ptrace_set_phase(pt, news ? PTRACE_RUNS : PTRACE_LISTENS);
		if (news)
			(void)thread_wake_states(t, THREAD_TRACED);
		err = 0;
	}
	sighand_unlock(s, flags);
	return err;
}

/* Requests that do not let it go.  -EIO: none of them. */
static long inspect(struct thread *t, long request, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, addr, UADDR(data));
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(t, addr, data);
	case PTRACE_SETOPTIONS:
		return set_options(t, data);
	case PTRACE_GETEVENTMSG:
		return put_user(t->ptrace->message, UADDR(data));
	case PTRACE_GETSIGINFO:
		return get_info(t, UADDR(data));
	case PTRACE_SETSIGINFO:
		return set_info(t, UADDR(data));
	case PTRACE_PEEKSIGINFO:
		return peek_info(t, UADDR(addr), UADDR(data));
	case PTRACE_GETSIGMASK:
		return get_mask(t, addr, UADDR(data));
	case PTRACE_SETSIGMASK:
		return set_mask(t, addr, UADDR(data));
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return regset_request(t, request, addr, UADDR(data));
	case PTRACE_GET_SYSCALL_INFO:
		return syscall_info(t, addr, UADDR(data));
	case PTRACE_GET_RSEQ_CONFIGURATION:
		return rseq_info(t, addr, UADDR(data));
	}
	return arch_ptrace(t, request, addr, data);
}

static long frozen_request(struct thread *t, long request, uint64_t addr, uint64_t data)
{
	switch (request) {
	case PTRACE_CONT:
		return resume(t, PTRACE_GO_ON, data);
	case PTRACE_SYSCALL:
		return resume(t, PTRACE_TO_CALL, data);
	case PTRACE_SINGLESTEP:
		return resume(t, PTRACE_STEP, data);
	case PTRACE_SYSEMU:
		return resume(t, PTRACE_EMULATE, data);
	case PTRACE_SYSEMU_SINGLESTEP:
		return resume(t, PTRACE_EMULATE_STEP, data);
	case PTRACE_DETACH:
		return detach(t, data);
	case PTRACE_LISTEN:
		return listen(t);
	}
	return inspect(t, request, addr, data);
}

static long interrupt(struct thread *t)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);
	long err = -EIO;

	if (t->tracer && pt->seized) {
		pt->trap_stop = true;
		signal_wake(t);
		if (pt->phase == PTRACE_LISTENS) {
			ptrace_set_phase(pt, PTRACE_RUNS);
			(void)thread_wake_states(t, THREAD_TRACED);
		}
		err = 0;
	}
	sighand_unlock(s, flags);
	return err;
}

/* Are the caller's requests about @t taken? */
static bool is_my_tracee(struct thread *t)
{
	bool mine;

	spin_lock(&tasklist_lock);
	mine = t->tracer == current_process() &&
	       (!t->ptrace->tracer_thread || t->ptrace->tracer_thread == current_thread());
	spin_unlock(&tasklist_lock);
	return mine;
}

static long request_on(struct thread *t, long request, uint64_t addr, uint64_t data)
{
	long result;

	if (!is_my_tracee(t))
		return -ESRCH;
	if (request == PTRACE_INTERRUPT)
		return interrupt(t);
	if (request == PTRACE_KILL) {
		(void)!signal_send_thread(t, SIGKILL, NULL);
		return 0;
	}
	result = ptrace_freeze(t);
	if (!result) {
		result = frozen_request(t, request, addr, data);
		ptrace_thaw(t);
	}
	return result;
}

long sys_ptrace(int request, int pid, unsigned long addr, unsigned long data)
{
	struct thread *t;
	long result;

	if (request == PTRACE_TRACEME)
		return ptrace_traceme();
	if (request == PTRACE_ATTACH || request == PTRACE_SEIZE)
		return ptrace_attach(pid, request, addr, data);
	t = thread_get(pid);
	if (!t)
		return -ESRCH;
	result = request_on(t, request, addr, data);
	thread_put(t);
	return result;
}

bool thread_syscall_view(struct thread *t, struct syscall_view *v)
{
	const struct regs *r = arch_user_regs(t);

	if (READ_ONCE(t->state) == THREAD_RUNNING || t->state == THREAD_DEAD)
		return false;
	v->nr = regs_is_syscall(r) ? (int64_t)regs_syscall_nr(r) : -1;
	for (unsigned int i = 0; i < 6; i++)
		v->args[i] = regs_syscall_arg(r, i);
	v->sp = regs_sp(r);
	v->pc = regs_pc(r);
	return true;
}
