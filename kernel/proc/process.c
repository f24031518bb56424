/* SPDX-License-Identifier: MIT */
/* Process structures: allocation, references, the tree of groups and sessions, PID 1. */
#include <arch/irq.h>
#include <arch/thread.h>
#include <kernel/clock.h>
#include <kernel/core_dump.h>
#include <kernel/file.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <kernel/systrace.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <security/cap.h>
#include <uapi/fcntl.h>
#include "ptrace_internal.h"

struct spinlock tasklist_lock = SPINLOCK_INIT(TASKLIST);
struct list process_list = LIST_INIT(process_list);
struct process *init_process;
static struct slab_cache *process_cache, *sighand_cache;

static struct pid kernel_pid = { .refs = REFCOUNT_INIT(1), .nr = 0 };

struct process kernel_process = {
	.refs = REFCOUNT_INIT(1),
	.pid = &kernel_pid,
	.threads = LIST_INIT(kernel_process.threads),
	.children = LIST_INIT(kernel_process.children),
	.sibling = LIST_INIT(kernel_process.sibling),
	.traced = LIST_INIT(kernel_process.traced),
	.pending = LIST_INIT(kernel_process.pending),
	.posix_timers = LIST_INIT(kernel_process.posix_timers),
	.child_waitq = WAITQ_INIT(kernel_process.child_waitq),
	.lock = SPINLOCK_INIT(PROCESS),
	.exec_lock = MUTEX_INIT(kernel_process.exec_lock, EXEC),
	.reach_lock = MUTEX_INIT(kernel_process.reach_lock, REACH),
};

static void limits_init(struct process *p)
{
	for (unsigned int i = 0; i < RLIM_NLIMITS; i++)
		p->rlimits[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	p->rlimits[RLIMIT_STACK].rlim_cur = 8 << 20;
	p->rlimits[RLIMIT_CORE].rlim_cur = 0;
	p->rlimits[RLIMIT_NOFILE] = (struct rlimit){ 1024, 1 << 20 };
	p->rlimits[RLIMIT_MEMLOCK] = (struct rlimit){ 8 << 20, 8 << 20 };
	p->rlimits[RLIMIT_MSGQUEUE] = (struct rlimit){ 819200, 819200 };
	p->rlimits[RLIMIT_NICE] = (struct rlimit){ 0, 0 };
	p->rlimits[RLIMIT_RTPRIO] = (struct rlimit){ 0, 0 };
	p->rlimits[RLIMIT_SIGPENDING] = (struct rlimit){ 32768, 32768 };
}

static void process_setup(struct process *p)
{
	memset(p, 0, sizeof(*p));
	refcount_set(&p->refs, 1);
	list_init(&p->threads);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->traced);
	list_init(&p->all_node);
	list_init(&p->pending);
	list_init(&p->posix_timers);
	for (unsigned int i = 0; i < PID_TYPES; i++)
		list_init(&p->pid_node[i]);
	waitq_init(&p->child_waitq);
	spinlock_init(&p->lock, PROCESS);
	mutex_init(&p->exec_lock, EXEC);
	mutex_init(&p->reach_lock, REACH);
	p->dumpable = 1;
	p->coredump_filter = CORE_FILTER_DEFAULT;
	p->start_ns = clock_ns();
}

struct process *process_alloc(void)
{
	struct process *p = slab_alloc(process_cache, ALLOC_NORMAL);

	if (p)
		process_setup(p);
	return p;
}

static void process_free_rcu(struct rcu_head *head)
{
	struct process *p = container_of(head, struct process, rcu);

	kfree(p->itimers);
	slab_free(process_cache, p);
}

void process_ref(struct process *p)
{
	refcount_inc(&p->refs);
}

void process_put(struct process *p)
{
	if (!refcount_dec_and_test(&p->refs))
		return;
	if (p->sighand)
		sighand_put(p->sighand);
	cap_process_exit(p);
	pid_put(p->pid);
	rcu_call(&p->rcu, process_free_rcu);
}

/*
 * The thread's memory goes.  Until now whoever held it could look at who it was: a reader of /proc
 * may have come just before the thread was reaped.
 */
void thread_drop_identity(struct thread *t)
{
	if (t->cred)
		cred_put(t->cred);
	pid_put(t->pid);
	if (t->process != &kernel_process)
		process_put(t->process);
}

struct sighand *sighand_alloc(void)
{
	struct sighand *s = slab_alloc(sighand_cache, ALLOC_NORMAL | ALLOC_ZERO);

	if (!s)
		return NULL;
	refcount_set(&s->refs, 1);
	spinlock_init(&s->lock, SIGNAL);
	waitq_init(&s->signalfd_waitq);
	return s;
}

static void sighand_free_rcu(struct rcu_head *head)
{
	slab_free(sighand_cache, container_of(head, struct sighand, rcu));
}

void sighand_put(struct sighand *s)
{
	if (refcount_dec_and_test(&s->refs))
		rcu_call(&s->rcu, sighand_free_rcu);
}

/*
 * exec may give the process another one: look again under the lock.  Memory stays while RCU holds
 * it.
 */
struct sighand *sighand_lock(struct process *p, unsigned long *flags)
{
	for (;;) {
		struct sighand *s;

		rcu_read_lock();
		s = rcu_dereference(p->sighand);
		*flags = spin_lock_irqsave(&s->lock);
		rcu_read_unlock();
		if (likely(s == p->sighand))
			return s;
		spin_unlock_irqrestore(&s->lock, *flags);
	}
}

struct aspace *thread_aspace_get(struct thread *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	struct aspace *as = t->aspace;

	if (as)
		aspace_ref(as);
	spin_unlock_irqrestore(&t->lock, flags);
	return as;
}

static const struct tty_hooks *tty_hooks;	/* [I] after boot */

void process_set_tty_hooks(const struct tty_hooks *hooks)
{
	tty_hooks = hooks;
}

struct tty *process_tty_ref(struct tty *tty)
{
	if (tty)
		tty_hooks->ref(tty);
	return tty;
}

/* The process's hold on its controlling terminal ends. */
void process_tty_drop(struct process *p)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);
	struct tty *tty = p->tty;

	p->tty = NULL;
	sighand_unlock(s, flags);
	if (tty)
		tty_hooks->put(tty);
}

/*
 * The process is a zombie, or reaped already: a session leader takes the terminal away from the
 * whole session.  A hang-up may take it from us at the same moment: the pointer is good under the
 * lock.
 */
void process_tty_exit(struct process *p)
{
	unsigned long flags;
	struct sighand *s = sighand_lock(p, &flags);
	struct tty *tty = p->is_session_leader ? process_tty_ref(p->tty) : NULL;

	sighand_unlock(s, flags);
	if (tty) {
		tty_hooks->leader_exit(tty, p);
		tty_hooks->put(tty);
	}
	process_tty_drop(p);
}

void process_join_group(struct process *p, struct pid *group)
{
	pid_ref(group);
	list_del_init(&p->pid_node[PID_GROUP]);
	pid_put(p->group);
	p->group = group;
	list_add_tail(&p->pid_node[PID_GROUP], &group->members[PID_GROUP]);
}

void process_join_session(struct process *p, struct pid *session)
{
	pid_ref(session);
	list_del_init(&p->pid_node[PID_SESSION]);
	pid_put(p->session);
	p->session = session;
	list_add_tail(&p->pid_node[PID_SESSION], &session->members[PID_SESSION]);
}

void process_unlink_groups(struct process *p)
{
	list_del_init(&p->pid_node[PID_GROUP]);
	list_del_init(&p->pid_node[PID_SESSION]);
	pid_put(p->group);
	pid_put(p->session);
	p->group = p->session = NULL;
}

void process_link(struct process *p, struct process *parent)
{
	p->parent = parent;
	list_add_tail(&p->sibling, &parent->children);
	list_add_tail(&p->all_node, &process_list);
	process_join_group(p, parent->group ? parent->group : p->pid);
	process_join_session(p, parent->session ? parent->session : p->pid);
	rcu_assign(p->pid->process, p);
}

static bool caches_init(void)
{
	process_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "process", .size = sizeof(struct process), .align = 64 });
	sighand_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "sighand", .size = sizeof(struct sighand) });
	return !IS_ERR(process_cache) && !IS_ERR(sighand_cache);
}

void process_init(void)
{
	if (!caches_init())
		panic("process: no memory");
	pid_init();
	signal_init();
	kernel_process.sighand = sighand_alloc();
	if (!kernel_process.sighand)
		panic("process: no memory");
	limits_init(&kernel_process);
	current_thread()->cred = &kernel_cred;
}

/*
 * Both numbers change hands under tasklist_lock; the old leader, dead already, goes with the number
 * of @t.
 */
void process_take_leadership(struct process *p, struct thread *t)
{
	struct thread *old = p->leader;
	struct pid *mine = t->pid;

	if (old == t)
		return;
	spin_lock(&tasklist_lock);
	rcu_assign(mine->thread, NULL);
	rcu_assign(p->pid->thread, t);
	t->pid = old->pid;		/* references go along */
	t->exit_signal = SIGCHLD;
	p->leader = t;
	p->leader_ended = false;
	old->pid = mine;
	list_del_rcu(&old->process_node);
	ptrace_leader_replaced(old);
	thread_ref(t);
	spin_unlock(&tasklist_lock);
	cred_leave(old->cred);
	thread_put(old);
}

static void console_fd(struct file *f)
{
	int fd = fd_reserve(0, 0);

	if (fd < 0)
		return;
	file_ref(f);
	fd_install(fd, f);
}

/* PID 1 starts with the console as its standard input, output and error. */
static void open_console(void)
{
	struct file *f = file_open("/dev/console", O_RDWR, 0);

	if (IS_ERR(f)) {
		log_warn("init: no /dev/console: error %ld", PTR_ERR(f));
		return;
	}
	for (unsigned int i = 0; i < 3; i++)
		console_fd(f);
	file_put(f);
}

/* The programs that may be PID 1, in the order in which they are tried; init= comes before all. */
static const char *const init_paths[] = { "/init", "/sbin/init", "/etc/init", "/bin/init",
					  "/bin/sh" };

static bool try_init(const char *path)
{
	int err = exec_kernel(path);

	if (err && err != -ENOENT)
		log_err("init: %s: error %d", path, err);
	return !err;
}

/* Runs in PID 1's only thread, still in the kernel. */
static void init_main(void *arg)
{
	const char *path = boot_arg("init");

	if (!path)
		path = boot_arg("rdinit");
	open_console();
	if (path && *path) {
		if (try_init(path))
			return;
		panic("init: cannot start %s, which the boot argument init= names", path);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(init_paths); i++)
		if (try_init(init_paths[i]))
			return;
	panic("init: no program for PID 1 was found "
	      "(tried /init /sbin/init /etc/init /bin/init /bin/sh)");
}

/* PID 1 is a process from the start: made by hand, since there is nobody to fork it from. */
void process_start_init(void)
{
	struct process *p = process_alloc();
	struct thread *t = thread_alloc("init");
	struct pid *pid = pid_alloc();

	if (!p || !t || IS_ERR(pid) || pid->nr != 1)
		panic("init: no memory for PID 1");
	p->pid = pid;
	p->leader = t;
	thread_ref(t);
	p->nr_threads = 1;
	p->is_subreaper = true;
	p->sighand = sighand_alloc();
	limits_init(p);
	p->rlimits[RLIMIT_NPROC] = (struct rlimit){ 0x7fffffff, 0x7fffffff };
	t->process = p;
	process_ref(p);
	t->pid = pid;
	pid_ref(pid);
	t->cred = &kernel_cred;
	cred_ref(t->cred);
	t->files = files_create();
	t->fs = current_thread()->fs;
	fs_context_ref(t->fs);
	if (!p->sighand || !t->files || cap_process_init(p))
		panic("init: no memory for PID 1");
	t->core.cap_word = cap_process_word(p);
	systrace_thread_created(t, t);
	rcu_assign(pid->thread, t);
	spin_lock(&tasklist_lock);
	list_add_tail(&t->process_node, &p->threads);
	process_link(p, &kernel_process);
	spin_unlock(&tasklist_lock);
	init_process = p;
	arch_thread_init(t, init_main, NULL);
	t->cpu = this_cpu_id();
	sched_start(t);
}
