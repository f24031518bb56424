/* SPDX-License-Identifier: MIT */
/*
 * clone in all its forms: processes and threads.
 *
 * Everything that can fail is made first, in copy_resources(); then the child is linked under
 * tasklist_lock, which cannot fail, and started.
 */
#include <arch/thread.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/file.h>
#include <kernel/pidfd.h>
#include <kernel/posix_timer.h>
#include <kernel/sched.h>
#include <kernel/systrace.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <security/cap.h>
#include <uapi/fcntl.h>
#include <uapi/sched.h>
#include "ptrace_internal.h"

#define CLONE_NAMESPACES (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
			  CLONE_NEWUSER | \
			  CLONE_NEWPID | CLONE_NEWNET)

struct fork_args {
	uint64_t flags;
	uint64_t stack;
	uint64_t tls;
	uaddr_t parent_tid, child_tid, pidfd;
	int exit_signal;
	int event;			/* PTRACE_EVENT_ that a tracer wants of this; 0: none */
};

static int check_flags(const struct fork_args *a)
{
	uint64_t f = a->flags;

	if (f & CLONE_NAMESPACES)
		return -EINVAL;		/* as a kernel built without namespaces */
	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_CLEAR_SIGHAND) && (f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & CLONE_THREAD))
		return -EINVAL;
	if ((f & CLONE_PARENT) && current_process() == init_process)
		return -EINVAL;
	if (a->exit_signal < 0 || a->exit_signal > NSIG_MAX)
		return -EINVAL;
	return 0;
}

static int copy_files(struct thread *child, uint64_t flags)
{
	struct thread *me = current_thread();

	if (flags & CLONE_FILES) {
		files_ref(me->files);
		child->files = me->files;
	} else {
		struct files *f = files_clone(me->files);

		if (IS_ERR(f))
			return (int)PTR_ERR(f);
		child->files = f;
	}
	if (flags & CLONE_FS) {
		fs_context_ref(me->fs);
		child->fs = me->fs;
	} else {
		struct fs_context *fs = fs_context_clone(me->fs);

		if (IS_ERR(fs))
			return (int)PTR_ERR(fs);
		child->fs = fs;
	}
	return 0;
}

static int copy_memory(struct thread *child, uint64_t flags)
{
	struct aspace *as = current_thread()->aspace;

	if (flags & CLONE_VM) {
		aspace_use(as);
		child->aspace = as;
		return 0;
	}
	as = aspace_fork(as);
	if (IS_ERR(as))
		return (int)PTR_ERR(as);
	child->aspace = as;
	return 0;
}

static struct sighand *copy_sighand(uint64_t flags)
{
	struct process *me = current_process();
	struct sighand *s;
	unsigned long irq;

	if (flags & CLONE_SIGHAND) {
		refcount_inc(&me->sighand->refs);
		return me->sighand;
	}
	s = sighand_alloc();
	if (!s)
		return NULL;
	irq = spin_lock_irqsave(&me->sighand->lock);
	memcpy(s->actions, me->sighand->actions, sizeof(s->actions));
	spin_unlock_irqrestore(&me->sighand->lock, irq);
	if (flags & CLONE_CLEAR_SIGHAND)
		for (unsigned int i = 0; i < SIGHAND_ACTIONS; i++)
			if (s->actions[i].sa_handler != SIG_IGN)
				s->actions[i] = (struct sigaction){ .sa_handler = SIG_DFL };
	return s;
}

/* A process of its own for the child.  -ENOMEM. */
static int make_process(struct thread *child, const struct fork_args *a)
{
	struct process *me = current_process(), *p = process_alloc();

	if (!p)
		return -ENOMEM;
	p->sighand = copy_sighand(a->flags);
	if (!p->sighand || cap_process_fork(p, me)) {
		process_put(p);
		return -ENOMEM;
	}
	spin_lock(&me->lock);
	memcpy(p->rlimits, me->rlimits, sizeof(p->rlimits));
	spin_unlock(&me->lock);
	p->no_new_privs = me->no_new_privs;
	p->dumpable = me->dumpable;
	p->coredump_filter = me->coredump_filter;
	p->personality = me->personality;
	p->oom_score_adj = me->oom_score_adj;
	p->leader = child;
	child->process = p;
	process_ref(p);
	return process_cpu_limit_set(p);
}

/*
 * The child's parts that the parent's can be copied to or shared with; undone by drop_resources().
 */
static int copy_resources(struct thread *child, const struct fork_args *a)
{
	struct thread *me = current_thread();
	int err = user_charge(me->cred->user, process_rlimit(me->process, RLIMIT_NPROC));

	/* First, so that a fork bomb is refused before it has cost anything. */
	if (err)
		return err;
	child->cred = me->cred;
	cred_ref(child->cred);
	err = copy_files(child, a->flags);
	if (!err)
		err = copy_memory(child, a->flags);
	if (!err && !(a->flags & CLONE_THREAD))
		err = make_process(child, a);
	if (err)
		return err;
	if (a->flags & CLONE_THREAD) {
		child->process = me->process;
		process_ref(me->process);
	}
	return 0;
}

static void drop_resources(struct thread *child)
{
	if (child->cred)
		cred_leave(child->cred);
	if (child->process != &kernel_process && child->process != current_process()) {
		process_timers_exit(child->process);
		process_put(child->process);
	}
	if (child->aspace)
		aspace_unuse(child->aspace);
	if (child->fs)
		fs_context_put(child->fs);
	if (child->files)
		files_put(child->files);
	child->aspace = NULL;
}

static void copy_signal_state(struct thread *child, const struct fork_args *a)
{
	struct thread *me = current_thread();

	child->blocked = me->blocked;
	/* A child with the same memory and another stack starts without the alternate one. */
	if (!(a->flags & CLONE_VM) || (a->flags & CLONE_VFORK))
		child->altstack = me->altstack;
	else
		child->altstack.ss_flags = SS_DISABLE;
	child->core.cap_word = me->core.cap_word;
	child->timer_slack_ns = me->timer_slack_ns;
	child->ioprio = me->ioprio;
	child->exit_signal = (a->flags & CLONE_THREAD) ? 0 : (uint32_t)a->exit_signal;
	if (!(a->flags & CLONE_VM)) {	/* the area was copied with the memory */
		child->rseq = me->rseq;
		child->rseq_len = me->rseq_len;
		child->rseq_signature = me->rseq_signature;
	}
	if (a->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = a->child_tid.v;
	memcpy(child->name, me->name, sizeof(child->name));
}

#define TIMER_SIGNALS (sig_bit(SIGALRM) | sig_bit(SIGVTALRM) | sig_bit(SIGPROF))

/*
 * A signal to the group that came while the child was being made would miss it: the parent takes it
 * first, and the fork starts again.  Timers hit the parent alone, and could keep a long fork from
 * ever succeeding.
 */
static bool signal_came(const struct thread *me)
{
	return me->process->pending_set.v & ~me->blocked.v & ~TIMER_SIGNALS;
}

/*
 * Link the child where others see it.  0, or -ERESTARTNOINTR when a signal comes first, the parent
 * is being killed or exec is ending its threads: then no child may appear.
 */
static int publish(struct thread *child, const struct fork_args *a)
{
	struct process *me = current_process(), *p = child->process;
	struct sighand *s;
	unsigned long irq;
	int err = 0;

	spin_lock(&tasklist_lock);
	s = sighand_lock(me, &irq);
	if (signal_is_fatal_pending() ||
	    (!(a->flags & CLONE_THREAD) && signal_came(current_thread()))) {
		/* the way out must see the restart */
		thread_set_work(current_thread(), WORK_SIGNAL);
		err = -ERESTARTNOINTR;
		goto unlock;
	}
	rcu_assign(child->pid->thread, child);
	/* Under the lock: a drop by another thread since the copy found no child to tell. */
	__atomic_store_n(&child->core.cap_word, cap_process_word(p), __ATOMIC_RELAXED);
	if (a->flags & CLONE_THREAD) {
		p->nr_threads++;
		list_add_tail_rcu(&child->process_node, &p->threads);
		stop_join(p, child);
		ptrace_fork_link(child);
		goto unlock;
	}
	p->nr_threads = 1;
	p->pid = child->pid;
	pid_ref(p->pid);
	list_add_tail(&child->process_node, &p->threads);
	process_link(p, (a->flags & CLONE_PARENT) ? me->parent : me);
	if (a->flags & CLONE_PARENT)
		child->exit_signal = me->leader->exit_signal;
	p->tty = process_tty_ref(me->tty);
	thread_ref(child);	/* the process's, as its leader */
	ptrace_fork_link(child);
unlock:
	sighand_unlock(s, irq);
	spin_unlock(&tasklist_lock);
	return err;
}

static int set_tids(struct thread *child, const struct fork_args *a)
{
	uint32_t tid = (uint32_t)child->pid->nr;

	if ((a->flags & CLONE_PARENT_SETTID) && put_user(tid, a->parent_tid))
		return -EFAULT;
	/* The child's own word is in its memory, which only it may write when memory was copied. */
	if (a->flags & CLONE_CHILD_SETTID) {
		size_t n = aspace_access(child->aspace, a->child_tid.v, &tid, sizeof(tid), true,
					 false);

		(void)n;	/* as on Linux, a bad address is the child's problem */
	}
	return 0;
}

static long wait_vfork(struct thread *child, struct completion *done, int tid)
{
	int err = wait_event_killable(&done->queue, __atomic_load_n(&done->done, __ATOMIC_ACQUIRE));
	unsigned long irq;

	if (!err) {
		completion_wait(done);
		return tid;
	}
	/*
	 * We are being killed and the completion is on our stack: take it back, or wait for who is
	 * signalling it.
	 */
	irq = spin_lock_irqsave(&child->lock);
	if (child->vfork_done) {
		child->vfork_done = NULL;
		spin_unlock_irqrestore(&child->lock, irq);
	} else {
		spin_unlock_irqrestore(&child->lock, irq);
		completion_wait(done);
	}
	return tid;
}

static int make_child(struct thread *child, struct regs *regs, const struct fork_args *a)
{
	struct arch_fork af = { .stack = a->stack, .tls = a->tls,
				.set_tls = a->flags & CLONE_SETTLS };
	struct pid *pid;
	int err = copy_resources(child, a);

	if (err)
		return err;
	sched_fork(child);
	copy_signal_state(child, a);
	err = arch_thread_fork(child, regs, &af);
	if (!err)
		err = ptrace_fork_prepare(child, a->flags, a->event);
	if (err)
		return err;
	pid = pid_alloc();
	if (IS_ERR(pid))
		return (int)PTR_ERR(pid);
	child->pid = pid;
	systrace_thread_created(child, current_thread());
	return 0;
}

static void discard_child(struct thread *child)
{
	drop_resources(child);
	thread_put(child);
}

static long do_fork(struct regs *regs, struct fork_args *a)
{
	struct completion vfork_done;
	struct thread *child;
	int err, tid, pidfd = -1;

	err = check_flags(a);
	if (err)
		return err;
	a->event = ptrace_fork_event(a->flags, a->exit_signal);
	child = thread_alloc(current_thread()->name);
	if (!child)
		return -ENOMEM;
	err = make_child(child, regs, a);
	if (!err && (a->flags & CLONE_PIDFD)) {
		pidfd = pidfd_create(child->pid, O_CLOEXEC);
		err = pidfd < 0 ? pidfd : put_user((uint32_t)pidfd, a->pidfd);
	}
	if (!err)
		err = set_tids(child, a);
	if (!err && (a->flags & CLONE_VFORK)) {
		completion_init(&vfork_done);
		child->vfork_done = &vfork_done;
	}
	if (!err)
		err = publish(child, a);
	if (err) {
		if (pidfd >= 0)
			(void)!fd_close(pidfd);
		discard_child(child);
		return err;
	}
	tid = child->pid->nr;
	if (!(a->flags & CLONE_VFORK)) {
		sched_start(child);
		if (unlikely(a->event))
			ptrace_event(a->event, (uint64_t)tid);
		return tid;
	}
	thread_ref(child);
	sched_start(child);
	if (unlikely(a->event))
		ptrace_event(a->event, (uint64_t)tid);
	wait_vfork(child, &vfork_done, tid);
	thread_put(child);
	ptrace_event(PTRACE_EVENT_VFORK_DONE, (uint64_t)tid);
	return tid;
}

long sys_fork(struct regs *regs)
{
	return do_fork(regs, &(struct fork_args){ .exit_signal = SIGCHLD });
}

long sys_vfork(struct regs *regs)
{
	return do_fork(regs, &(struct fork_args){ .flags = CLONE_VM | CLONE_VFORK,
						  .exit_signal = SIGCHLD });
}

long sys_clone(struct regs *regs, unsigned long flags, uaddr_t stack, uaddr_t parent_tid,
	       uaddr_t child_tid, unsigned long tls)
{
	struct fork_args a = {
		.flags = (uint32_t)flags & ~(uint64_t)CSIGNAL, .exit_signal = flags & CSIGNAL,
		.stack = stack.v, .tls = tls, .parent_tid = parent_tid, .child_tid = child_tid,
		.pidfd = parent_tid,
	};

	if ((a.flags & CLONE_PIDFD) && (a.flags & (CLONE_PARENT_SETTID | CLONE_DETACHED)))
		return -EINVAL;
	return do_fork(regs, &a);
}

long sys_clone3(struct regs *regs, uaddr_t uargs, size_t size)
{
	struct clone_args c;
	struct fork_args a;
	int err;

	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&c, sizeof(c), uargs, size);
	if (err)
		return err;
	if ((c.flags & (CSIGNAL | CLONE_DETACHED)) || c.exit_signal > NSIG_MAX ||
	    !c.stack != !c.stack_size)
		return -EINVAL;
	if ((c.flags & (CLONE_THREAD | CLONE_PARENT)) && c.exit_signal)
		return -EINVAL;
	if (c.set_tid_size || (c.flags & CLONE_INTO_CGROUP) || c.flags >> 34)
		return -EINVAL;
	if (c.stack && !user_range_ok(UADDR(c.stack), c.stack_size))
		return -EINVAL;
	a = (struct fork_args){
		.flags = c.flags, .exit_signal = (int)c.exit_signal,
		.stack = c.stack ? c.stack + c.stack_size : 0, .tls = c.tls,
		.parent_tid = UADDR(c.parent_tid), .child_tid = UADDR(c.child_tid),
		.pidfd = UADDR(c.pidfd),
	};
	return do_fork(regs, &a);
}

static int unshare_fs(void)
{
	struct thread *me = current_thread();
	struct fs_context *old = me->fs, *fs;
	unsigned long flags;

	if (refcount_read(&old->users) == 1)
		return 0;
	fs = fs_context_clone(old);
	if (IS_ERR(fs))
		return (int)PTR_ERR(fs);
	/* Readers of /proc take a reference under the lock. */
	flags = spin_lock_irqsave(&me->lock);
	me->fs = fs;
	spin_unlock_irqrestore(&me->lock, flags);
	fs_context_put(old);
	return 0;
}

/* Sharing ends for what can be unshared without namespaces. */
long sys_unshare(unsigned long flags)
{
	struct thread *me = current_thread();
	int err = 0;

	if (flags & ~(uint64_t)(CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | CLONE_VM | CLONE_SIGHAND |
				CLONE_THREAD | CLONE_NAMESPACES | CLONE_NEWTIME))
		return -EINVAL;
	if (flags & (CLONE_NAMESPACES | CLONE_NEWTIME))
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && me->process->nr_threads > 1)
		return -EINVAL;
	if (flags & CLONE_FILES)
		err = files_unshare();
	return !err && (flags & CLONE_FS) ? unshare_fs() : err;
}
