/* SPDX-License-Identifier: MIT */
/*
 * The end of threads and processes.
 *
 * States of a process: ALIVE until its last thread starts to leave, then ZOMBIE until it is waited
 * for (or nobody will), then REAPED.  All moves are made under tasklist_lock.
 */
#include <arch/irq.h>
#include <arch/mmu.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/file.h>
#include <kernel/futex.h>
#include <kernel/posix_timer.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <mm/aspace.h>
#include <mm/uaccess.h>
#include <uapi/wait.h>
#include "ptrace_internal.h"

void process_add_usage(struct cpu_usage *to, const struct cpu_usage *from)
{
	to->user_ns += from->user_ns;
	to->system_ns += from->system_ns;
	to->min_faults += from->min_faults;
	to->maj_faults += from->maj_faults;
	to->voluntary += from->voluntary;
	to->forced += from->forced;
	to->in_blocks += from->in_blocks;
	to->out_blocks += from->out_blocks;
	to->max_rss_pages = max(to->max_rss_pages, from->max_rss_pages);
}

void thread_usage(struct thread *t, struct cpu_usage *u)
{
	*u = (struct cpu_usage){
		.min_faults = t->min_faults, .maj_faults = t->maj_faults,
		.voluntary = t->sched.switches_voluntary, .forced = t->sched.switches_forced,
	};
	thread_cpu_split(t, &u->user_ns, &u->system_ns);
}

void process_usage(struct process *p, struct cpu_usage *u)
{
	struct cpu_usage one;
	struct thread *t;

	spin_lock(&tasklist_lock);
	*u = p->dead_threads;
	list_for_each_entry(t, &p->threads, process_node) {
		if (t == p->leader && p->leader_ended)
			continue;
		thread_usage(t, &one);
		process_add_usage(u, &one);
	}
	spin_unlock(&tasklist_lock);
}

/* pthread_join and friends wait for the word to become zero. */
static void clear_tid(struct thread *t)
{
	uaddr_t word = UADDR(t->clear_child_tid);

	if (!t->clear_child_tid || !t->aspace)
		return;
	t->clear_child_tid = 0;
	if (!put_user((uint32_t)0, word))
		futex_wake_user(word, 1);
}

static void finish_vfork(struct thread *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	struct completion *done = t->vfork_done;

	t->vfork_done = NULL;
	spin_unlock_irqrestore(&t->lock, flags);
	if (done)
		completion_signal(done);
}

/*
 * The thread's hold on its address space ends; vfork parents and joiners learn of it.  Also at
 * exec, for the old one.
 */
void thread_release_aspace(struct thread *t, struct aspace *replacement)
{
	struct aspace *old = t->aspace;

	clear_tid(t);
	arch_irq_disable();
	/* Readers of /proc take a reference under the lock. */
	spin_lock(&t->lock);
	t->aspace = replacement;
	spin_unlock(&t->lock);
	t->region_hint = NULL;
	arch_aspace_switch(replacement);
	arch_irq_enable();
	finish_vfork(t);
	if (old)
		aspace_unuse(old);
}

static void release_resources(struct thread *t)
{
	struct fs_context *fs = t->fs;
	struct files *files = t->files;
	unsigned long flags;

	if (t->aspace)
		t->process->dead_threads.max_rss_pages =
			max(t->process->dead_threads.max_rss_pages, t->aspace->rss_max);
	thread_release_aspace(t, NULL);
	flags = spin_lock_irqsave(&t->lock);
	t->files = NULL;
	t->fs = NULL;
	spin_unlock_irqrestore(&t->lock, flags);
	if (files)
		files_put(files);
	if (fs)
		fs_context_put(fs);
}

/* Children get a new parent: the nearest ancestor that asked for it, or PID 1. */
static struct process *find_reaper(struct process *p)
{
	for (struct process *q = p->parent; q && q != &kernel_process; q = q->parent)
		if (q->is_subreaper && q->state == PROCESS_ALIVE)
			return q;
	return init_process;
}

static bool parent_ignores(struct process *p)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p->parent, &flags);
	struct sigaction *a = &s->actions[SIGCHLD - 1];
	bool ignores = p->leader->exit_signal == SIGCHLD &&
		       (a->sa_handler == SIG_IGN || (a->sa_flags & SA_NOCLDWAIT));

	sighand_unlock(s, flags);
	return ignores;
}

/* Out of the tree and every list; the numbers are free once nobody else holds them. */
void process_reap(struct process *p)
{
	struct thread *leader = p->leader;

	p->state = PROCESS_REAPED;
	list_del_init(&p->sibling);	/* from here on free for a list of the reaped */
	list_del_init(&p->all_node);
	process_unlink_groups(p);
	rcu_assign(p->pid->process, NULL);
	rcu_assign(leader->pid->thread, NULL);
	list_del_rcu(&leader->process_node);
	waitq_wake_all(&p->pid->exit_waitq, 0);
}

/* What process_reap() unlinked is given back outside of tasklist_lock. */
void process_release(struct process *p)
{
	struct thread *leader = p->leader;

	cred_leave(leader->cred);
	thread_put(leader);
	process_put(p);
}

/*
 * Tell the parent of the zombie @p, or the tracer if its leader has one (P5 of ptrace.c).  A parent
 * that ignores SIGCHLD wants no zombies: @p goes to @reaped, and its usage counts nowhere.  The
 * look at the parent's action goes before the signal, whose handler may change it.
 */
void report_end(struct process *p, struct list *reaped)
{
	struct process *parent = p->parent, *tracer = p->leader->tracer;
	bool ignores = parent_ignores(p);

	if (p->nr_traced_dead)
		return;
	if (tracer) {
		notify_end(tracer, p->leader,
			   tracer == parent ? (int)p->leader->exit_signal : SIGCHLD, p->exit_code);
		return;
	}
	notify_parent(p, 0, 0);
	if (!ignores)
		return;
	process_reap(p);
	list_add_tail(&p->sibling, reaped);
	waitq_wake_all(&parent->child_waitq, 0);
}

static void reparent_one(struct process *child, struct process *reaper, struct list *reaped)
{
	child->parent = reaper;
	list_move_tail(&child->sibling, &reaper->children);
	if (child->leader->pdeath_signal)
		(void)!signal_send_process(child, child->leader->pdeath_signal, NULL);
	child->leader->exit_signal = SIGCHLD;
	if (child->state == PROCESS_ZOMBIE && !child->leader->tracer)
		report_end(child, reaped);
}

static void reparent_children(struct process *p, struct list *reaped)
{
	struct process *child, *next, *reaper;

	if (list_empty(&p->children))
		return;
	reaper = find_reaper(p);
	list_for_each_entry_safe(child, next, &p->children, sibling) {
		orphan_check_child(p, child, reaper);
		reparent_one(child, reaper, reaped);
	}
	waitq_wake_all(&reaper->child_waitq, 0);
}

static void become_zombie(struct process *p, struct list *reaped)
{
	p->state = PROCESS_ZOMBIE;
	orphan_check_exit(p);
	reparent_children(p, reaped);
	waitq_wake_all(&p->pid->exit_waitq, 0);
	report_end(p, reaped);
}

void release_reaped(struct list *reaped)
{
	struct process *p, *next;

	list_for_each_entry_safe(p, next, reaped, sibling) {
		list_del_init(&p->sibling);
		process_release(p);
	}
}

/* A thread other than the leader leaves no zombie but for its tracer. */
static void unlink_thread(struct thread *t)
{
	list_del_rcu(&t->process_node);
	rcu_assign(t->pid->thread, NULL);
}

static void report_untraced(struct process *p, void *reaped)
{
	report_end(p, reaped);
}

static void flush_signals(struct thread *t, struct process *p, bool last)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);

	sigqueue_flush(&t->pending, &t->pending_set);
	if (last)
		sigqueue_flush(&p->pending, &p->pending_set);
	/*
	 * Under the signal lock: a signal queued after the flush would hold the process for ever.
	 */
	if (last)
		p->state = PROCESS_EXITING;
	sighand_unlock(s, flags);
}

void thread_exit(int code)
{
	struct thread *t = current_thread();
	struct process *p = t->process;
	struct list reaped = LIST_INIT(reaped), untraced = LIST_INIT(untraced);
	struct cpu_usage usage;
	bool last, is_leader, stays;

	if (p == &kernel_process)
		sched_exit();
	ptrace_event(PTRACE_EVENT_EXIT, (uint64_t)(uint32_t)code);
	if (p == init_process && p->nr_threads == 1)
		panic("init: PID 1 ended with status %#x", code);
	signal_thread_leaves(t);
	futex_thread_exit(t);
	release_resources(t);
	thread_usage(t, &usage);

	spin_lock(&tasklist_lock);
	last = --p->nr_threads == 0;
	is_leader = p->leader == t;
	t->exit_code = code;
	process_add_usage(&p->dead_threads, &usage);
	if (is_leader)
		p->leader_ended = true;
	flush_signals(t, p, last);
	if (is_leader)
		p->exit_code = code;
	else
		unlink_thread(t);
	if (p->group_stop == GROUP_EXIT)
		p->exit_code = t->exit_code = p->group_exit_code;
	stays = ptrace_thread_ends(t);
	ptrace_tracer_ends(t, last, &untraced, report_untraced, &reaped);
	if (last) {
		process_ref(p);		/* the parent may reap it as soon as the lock is free */
		become_zombie(p, &reaped);
	}
	if (!last && p->exec_thread && !p->core)
		thread_wake_states(p->exec_thread, THREAD_UNINTERRUPTIBLE | THREAD_KILLABLE);
	spin_unlock(&tasklist_lock);

	if (last) {
		process_timers_exit(p);
		process_tty_exit(p);
	}
	if (!is_leader && !stays)
		cred_leave(t->cred);
	ptrace_release(&untraced);
	release_reaped(&reaped);
	if (last)
		process_put(p);
	sched_exit();
}

void process_exit(int code)
{
	struct process *p = current_process();
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);

	if (p->group_stop == GROUP_EXIT)
		code = p->group_exit_code;
	else
		signal_group_exit_locked(p, code);
	sighand_unlock(s, flags);
	thread_exit(code);
}

__noreturn void sys_exit(int status)
{
	thread_exit(WAIT_EXITED(status));
}

__noreturn void sys_exit_group(int status)
{
	process_exit(WAIT_EXITED(status));
}
