/* SPDX-License-Identifier: MIT */
/*
 * ptrace: whom a process traces, and how that begins and ends.  Stops are in ptrace_stop.c, what a
 * tracer does with a stopped thread in ptrace_request.c, register sets in the port.
 *
 * The problem: one thread is held still and changed by another process, while signals, stops of the
 * whole group, exec, exit and the death of either side go on around them, and a thread that nobody
 * traces must not pay for it.
 *
 * P1  thread.tracer is the tracing process, which is alive; process.traced is the list of its
 *     tracees, each entry one reference to the thread.  Both change together under tasklist_lock.
 *     The real parent does not change.
 * P2  thread.ptrace exists since the thread was first traced and stays until its memory goes, so
 *     the thread reads its own without a lock.  What is in it is under the sighand's lock.
 * P3  A tracee stops itself, in ptrace_stop(): it sets phase and thread state under the signal
 *     lock, tells the tracer under tasklist_lock, and sleeps as THREAD_TRACED until the phase is
 *     RUNS again.  Who moves the phase wakes it.
 * P4  A request freezes the tracee first (STOPPED to FROZEN), waits until it is off its CPU, and
 *     thaws what it froze itself at the end.  Between the two nothing wakes it, SIGKILL included:
 *     so registers, FP state and address space stay where they are.  A SIGKILL meanwhile is
 *     remembered.
 * P5  A dead tracee's thread struct, number and process stay until its tracer has waited for it: it
 *     is ENDED then.  A process is not reported to its parent before all such threads are gone
 *     (process.nr_traced_dead) and, if its leader is traced, before the tracer took the report.
 * P6  Nothing here is looked at on the way through a system call but the work word: WORK_PTRACE is
 *     set only while the tracer wants calls or steps.
 *
 * Phases (moves are asserted in set_phase()):
 *
 *	RUNS -> STOPPED		the tracee, at a stop
 *	STOPPED -> FROZEN	the tracer, for the length of a request; back, or to RUNS
 *	FROZEN -> LISTENS	PTRACE_LISTEN
 *	STOPPED, LISTENS -> RUNS	SIGKILL, the end of the tracer; LISTENS: news of the group
 *					stop
 *	RUNS -> ENDED		exit; ENDED -> RUNS when it is no tracee any more
 *
 * A group stop of tracees is a stop like others: the thread takes part in the count (signal_stop.c)
 * and then sleeps as THREAD_TRACED instead of THREAD_STOPPED; the tracer may let it go on though
 * the group is stopped.  Threads that were attached with PTRACE_SEIZE say what it is with
 * PTRACE_EVENT_STOP, and are told of its begin and end (trap_notify).
 *
 * Who may: P1's tracer needs PROC:trace and the same ids as the target, which must be dumpable, or
 * be user 0.  TRACEME needs nothing, since it gives authority over the caller alone.
 *
 * Road not taken: Linux moves a tracee to the tracer as a child.  Here it keeps its parent, and
 * wait looks through both lists.
 */
#include <arch/ptrace.h>
#include <generated/syscall_protos.h>
#include <kernel/sched.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <mm/slab.h>
#include <security/cap.h>
#include <uapi/ptrace.h>
#include <uapi/wait.h>
#include "ptrace_internal.h"

/* The ids of a thread that may be changing them. */
static bool ids_match(uint32_t uid, uint32_t gid, const struct cred *c)
{
	return uid == c->uid && uid == c->euid && uid == c->suid && gid == c->gid &&
	       gid == c->egid && gid == c->sgid;
}

static bool may_access(const struct cred *me, uint32_t uid, uint32_t gid, const struct thread *t)
{
	bool may;

	if (cred_overrides_files(me))
		return true;
	rcu_read_lock();
	may = ids_match(uid, gid, rcu_dereference(t->cred));
	smp_rmb();	/* new ids, then the old dumpable: pairs with cred_commit()'s release */
	may = may &&
	      __atomic_load_n(&t->process->dumpable, __ATOMIC_RELAXED) == 1;
	rcu_read_unlock();
	return may;
}

bool ptrace_may_inspect(const struct cred *me, const struct thread *t)
{
	return (t->process == current_process() && me == current_cred()) ||
	       may_access(me, me->fsuid, me->fsgid, t);
}

/* PROC:trace is held by every process until policies say otherwise: see <security/cap.h>. */
int ptrace_may_attach(const struct thread *t)
{
	const struct cred *me = current_cred();

	if (t->process == current_process())
		return 0;
	if (!thread_is_user(t) && t->process == &kernel_process)
		return -EPERM;
	return may_access(me, me->uid, me->gid, t) ? 0 : -EPERM;
}

struct aspace *ptrace_aspace_get(struct thread *t, enum ptrace_reach reach)
{
	struct aspace *as;
	bool may;

	mutex_lock(&t->process->reach_lock);
	may = reach == PTRACE_REACH_ATTACH ? !ptrace_may_attach(t) :
	      ptrace_may_inspect(current_cred(), t);
	as = may ? thread_aspace_get(t) : ERR_PTR(-EPERM);
	mutex_unlock(&t->process->reach_lock);
	return as;
}

bool ptrace_is_mine(const struct thread *t)
{
	return __atomic_load_n(&t->tracer, __ATOMIC_RELAXED) == current_process();
}

/* Memory for being traced.  -ENOMEM. */
static int make_state(struct thread *t)
{
	struct ptrace_state *pt, *none = NULL;

	if (t->ptrace)
		return 0;
	pt = kmalloc(sizeof(*pt), ALLOC_NORMAL | ALLOC_ZERO);
	if (!pt)
		return -ENOMEM;
	pt->thread = t;
	list_init(&pt->node);
	if (!__atomic_compare_exchange_n(&t->ptrace, &none, pt, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE))
		kfree(pt);		/* another one was quicker */
	return 0;
}

/* P1.  tasklist_lock and @t's sighand lock held. */
static void link_tracee(struct thread *t, struct process *tracer, struct thread *by,
			uint32_t options, bool seized)
{
	struct ptrace_state *pt = t->ptrace;

	ASSERT(!t->tracer && pt->phase == PTRACE_RUNS);
	pt->tracer_thread = by;
	pt->options = options;
	pt->seized = seized;
	pt->trap_stop = pt->trap_notify = pt->killed = pt->attaching = pt->has_info = false;
	pt->code = pt->signal = 0;
	pt->message = 0;
	pt->resume = PTRACE_GO_ON;
	thread_ref(t);
	list_add_tail(&pt->node, &tracer->traced);
	__atomic_store_n(&t->tracer, tracer, __ATOMIC_RELEASE);
}

/*
 * @t has no tracer any more and goes on: into the group stop if there is one.  tasklist_lock held;
 * the caller drops the list's reference.
 */
void ptrace_unlink(struct thread *t)
{
	struct ptrace_state *pt = t->ptrace;
	unsigned long flags;
	struct sighand *s = sighand_lock(t->process, &flags);

	list_del_init(&pt->node);
	__atomic_store_n(&t->tracer, NULL, __ATOMIC_RELEASE);
	pt->tracer_thread = NULL;
	pt->options = 0;
	pt->seized = pt->trap_stop = pt->trap_notify = pt->attaching = false;
	pt->resume = PTRACE_GO_ON;
	thread_clear_work(t, WORK_PTRACE);
	if (!thread_is_leaving(t)) {
		stop_rejoin(t);
		thread_set_work(t, WORK_SIGNAL);
	}
	if (pt->phase != PTRACE_RUNS) {
		ptrace_set_phase(pt, PTRACE_RUNS);
		(void)thread_wake_states(t, THREAD_TRACED);
	}
	sighand_unlock(s, flags);
}

long ptrace_traceme(void)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	unsigned long flags;
	struct sighand *s;
	int err = make_state(t);

	if (err)
		return err;
	spin_lock(&tasklist_lock);
	if (t->tracer || p->parent == &kernel_process || p->parent->state != PROCESS_ALIVE) {
		err = -EPERM;
	} else {
		s = sighand_lock_own(&flags);
		link_tracee(t, p->parent, NULL, 0, false);
		sighand_unlock(s, flags);
	}
	spin_unlock(&tasklist_lock);
	return err;
}

/* One that sleeps in a group stop becomes a tracee's stop; the tracer can wait for it at once. */
static void convert_stop(struct thread *t)
{
	if (t->state != THREAD_STOPPED)
		return;
	t->ptrace->trap_stop = t->ptrace->attaching = true;
	thread_set_work(t, WORK_SIGNAL);
	(void)thread_wake_states(t, THREAD_STOPPED);
}

static int attach_locked(struct thread *t, uint32_t options, bool seize)
{
	unsigned long flags;
	struct sighand *s;
	int err = 0;

	if (t->tracer || rcu_dereference(t->pid->thread) != t)
		return -EPERM;
	s = sighand_lock(t->process, &flags);
	if (thread_is_leaving(t) || t->process->state != PROCESS_ALIVE) {
		err = -EPERM;
	} else {
		link_tracee(t, current_process(), current_thread(), options, seize);
		if (!seize)
			(void)!signal_send_locked(t->process, t, SIGSTOP, NULL);
		convert_stop(t);
	}
	sighand_unlock(s, flags);
	return err;
}

static int attach(struct thread *t, uint32_t options, bool seize)
{
	struct process *me = current_process();
	int err = mutex_lock_killable(&t->process->exec_lock);

	if (err)
		return -ERESTARTNOINTR;
	/* No exec is between choosing ids and having them. */
	err = ptrace_may_attach(t);
	if (!err)
		err = make_state(t);
	if (!err) {
		spin_lock(&tasklist_lock);
		err = attach_locked(t, options, seize);
		spin_unlock(&tasklist_lock);
	}
	mutex_unlock(&t->process->exec_lock);
	if (!err)	/* killed meanwhile: then there is nobody to tell */
		(void)!wait_event_killable(&me->child_waitq,
					   !__atomic_load_n(&t->ptrace->attaching,
							    __ATOMIC_ACQUIRE));
	return err;
}

long ptrace_attach(int tid, long request, uint64_t addr, uint64_t data)
{
	bool seize = request == PTRACE_SEIZE;
	struct thread *t;
	long err;

	if (seize && (addr || data & ~PTRACE_OPTIONS))
		return -EIO;
	t = thread_get(tid);
	if (!t)
		return -ESRCH;
	if (t->process == current_process() || !thread_is_user(t))
		err = -EPERM;
	else
		err = attach(t, seize ? (uint32_t)data : 0, seize);
	thread_put(t);
	return err;
}

/* Which PTRACE_EVENT_ a clone with these flags is to the tracer; 0: none that it wants. */
int ptrace_fork_event(uint64_t flags, int exit_signal)
{
	int event = flags & CLONE_VFORK ? PTRACE_EVENT_VFORK :
		    exit_signal != SIGCHLD ? PTRACE_EVENT_CLONE : PTRACE_EVENT_FORK;

	return !(flags & CLONE_UNTRACED) && ptrace_wants(event) ? event : 0;
}

int ptrace_fork_prepare(struct thread *child, uint64_t flags, int event)
{
	if (!thread_is_traced(current_thread()) || !(event || (flags & CLONE_PTRACE)))
		return 0;
	return make_state(child);
}

/* @child, not yet visible, is traced by whom we are; it stops before its first instruction. */
void ptrace_fork_link(struct thread *child)
{
	struct thread *me = current_thread();
	struct ptrace_state *pt = me->ptrace;

	if (!child->ptrace || !me->tracer)
		return;
	link_tracee(child, me->tracer, pt->tracer_thread, pt->options, pt->seized);
	if (pt->seized)
		child->ptrace->trap_stop = true;
	else
		child->pending_set.v |= sig_bit(SIGSTOP);
	thread_set_work(child, WORK_SIGNAL);
}

/*
 * The caller, which is leaving, is a tracee: it stays for its tracer (P5).  False: nobody cares.
 * tasklist_lock held.
 */
bool ptrace_thread_ends(struct thread *t)
{
	unsigned long flags;
	struct sighand *s;

	if (!t->tracer)
		return false;
	s = sighand_lock_own(&flags);
	ptrace_set_phase(t->ptrace, PTRACE_ENDED);
	t->ptrace->attaching = false;
	thread_clear_work(t, WORK_PTRACE);
	sighand_unlock(s, flags);
	if (t == t->process->leader) {	/* told with the process's end: exit.c */
		waitq_wake_all(&t->tracer->child_waitq, 0);
		return true;
	}
	process_ref(t->process);
	t->process->nr_traced_dead++;
	notify_end(t->tracer, t, SIGCHLD, t->exit_code);
	return true;
}

/*
 * A thread that is ENDED and not the leader has been waited for, or nobody will: it goes to
 * @released.  True: its process may be reported now.  tasklist_lock held.
 */
bool ptrace_reap_thread(struct thread *t, struct list *released)
{
	struct process *p = t->process;

	ASSERT(t->ptrace->phase == PTRACE_ENDED && t != p->leader);
	ptrace_unlink(t);
	list_add_tail(&t->ptrace->node, released);
	return --p->nr_traced_dead == 0 && p->state == PROCESS_ZOMBIE;
}

/* What ptrace_reap_thread() gathered goes; tasklist_lock is not held. */
void ptrace_release(struct list *released)
{
	struct ptrace_state *pt, *next;

	list_for_each_entry_safe(pt, next, released, node) {
		struct thread *t = pt->thread;

		list_del_init(&pt->node);
		cred_leave(t->cred);
		process_put(t->process);
		thread_put(t);
	}
}

/* @c's tracer ends.  True: its process has to be reported to the real parent. */
static bool abandon(struct thread *c, struct list *released)
{
	struct ptrace_state *pt = c->ptrace;
	bool ended = pt->phase == PTRACE_ENDED, leader = c == c->process->leader;

	if (pt->options & PTRACE_O_EXITKILL)
		(void)!signal_send_thread(c, SIGKILL, NULL);
	if (ended && !leader)
		return ptrace_reap_thread(c, released);
	if (!pt->code)		/* a stop that was reported: its signal is gone, as on Linux */
		pt->signal = 0;
	ptrace_unlink(c);
	thread_put(c);
	return ended && c->process->state == PROCESS_ZOMBIE && !c->process->nr_traced_dead;
}

/*
 * The calling thread ends: what it traces goes on alone.  @last: with its process, so also what
 * asked the process to trace it.  Zombies whose parent may hear of them now are given to @report.
 * tasklist_lock held.
 */
void ptrace_tracer_ends(struct thread *t, bool last, struct list *released,
			void (*report)(struct process *p, void *arg), void *arg)
{
	struct ptrace_state *pt, *next;

	list_for_each_entry_safe(pt, next, &t->process->traced, node) {
		struct process *p = pt->thread->process;

		if ((last || pt->tracer_thread == t) && abandon(pt->thread, released))
			report(p, arg);
	}
}

/* exec by another thread takes the place of the dead leader @old; tasklist_lock held. */
void ptrace_leader_replaced(struct thread *old)
{
	struct process *tracer = old->tracer;

	if (!tracer)
		return;
	ptrace_unlink(old);
	waitq_wake_all(&tracer->child_waitq, 0);
	thread_put(old);
}

/* A tracer that is not privileged must not get hold of a set-id program. */
bool ptrace_forbids_set_id(void)
{
	struct thread *t = current_thread();
	bool forbids = false;

	if (!thread_is_traced(t))
		return false;
	spin_lock(&tasklist_lock);
	if (t->tracer) {
		rcu_read_lock();
		forbids = !cred_overrides_files(rcu_dereference(t->tracer->leader->cred));
		rcu_read_unlock();
	}
	spin_unlock(&tasklist_lock);
	return forbids;
}
