/* SPDX-License-Identifier: MIT */
/*
 * Processes: thread groups with an address space, children, signals and limits;
 * process groups, sessions and numbers.
 *
 * Locking: the tree (parents, children, groups, sessions, thread lists) is
 * written under tasklist_lock, and read under it or under RCU.  A process's
 * signal state is under its sighand's lock.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <kernel/mutex.h>
#include <kernel/thread.h>
#include <kernel/timer.h>
#include <uapi/resource.h>
#include <uapi/signal.h>

struct file;
struct tty;
struct user;
struct cap_table;

/*
 * A number and what it stands for.  It lives while anything refers to it, so a group or session
 * number is not given out again while members are left.
 */
enum pid_type { PID_THREAD, PID_PROCESS, PID_GROUP, PID_SESSION, PID_TYPES };

struct pid {
	refcount_t refs;
	int32_t nr;			/* [I] */
	struct hlist_node hash_node;	/* [R] HASH, RCU readers */
	struct thread *thread;		/* [R] TASKLIST, RCU readers; NULL once reaped */
	struct process *process;	/* [R] TASKLIST, RCU: whose leader has this number */
	struct list members[PID_TYPES];	/* [R] TASKLIST: processes of this group or session */
	struct waitq exit_waitq;	/* pidfds poll here */
	struct rcu_head rcu;
};

/* Who a thread acts as.  Immutable once published; changed by replacing. */
struct cred {
	refcount_t refs;
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint32_t nr_groups;
	uint32_t *groups;		/* sorted */
	struct user *user;		/* counts the threads of uid; NULL: of user 0, uncounted */
	struct rcu_head rcu;
};

enum process_state { PROCESS_ALIVE, PROCESS_EXITING, PROCESS_ZOMBIE, PROCESS_REAPED };

#define SIGHAND_ACTIONS 64
/* Signal actions, shared by CLONE_SIGHAND. */
struct sighand {
	refcount_t refs;
	struct spinlock lock;		/* class SIGNAL */
	struct waitq signalfd_waitq;	/* signalfds of anyone who shares this */
	struct sigaction actions[SIGHAND_ACTIONS];	/* [L] index: signal - 1 */
	struct rcu_head rcu;
};
void sighand_put(struct sighand *s);

struct cpu_usage {			/* for getrusage, wait4 */
	uint64_t user_ns, system_ns, min_faults, maj_faults, voluntary, forced, in_blocks,
		out_blocks;
	uint64_t max_rss_pages;
};

struct process {
	refcount_t refs;
	enum process_state state;	/* [R] TASKLIST */
	struct pid *pid;		/* [I] */
	struct thread *leader;		/* [R] TASKLIST; exec by another thread replaces it */
	struct list threads;		/* [R] TASKLIST */
	uint32_t nr_threads;		/* [R] TASKLIST: not yet exited */
	/*
	 * [R] TASKLIST: threads but the leader that exited and whose tracer has not waited for them
	 */
	uint32_t nr_traced_dead;
	/* [R] TASKLIST: it is in dead_threads, and stays in the list of threads */
	bool leader_ended;

	struct process *parent;		/* [R] TASKLIST: who wait()s for it */
	struct list children;		/* [R] TASKLIST */
	struct list sibling;		/* [R] TASKLIST */
	struct list traced;		/* [R] TASKLIST: threads this process traces */
	struct pid *group, *session;	/* [R] TASKLIST */
	struct list pid_node[PID_TYPES];	/* [R] TASKLIST: in group and session members */
	struct list all_node;		/* [R] TASKLIST: all processes */
	struct waitq child_waitq;	/* wait4: state changes of children */
	struct tty *tty;		/* [R] SIGNAL: controlling terminal; a counted reference */
	bool is_subreaper, is_session_leader, did_exec;	/* [R] TASKLIST */

	/* Signals. */
	struct sighand *sighand;	/* [R] its own lock; exec may unshare */
	struct list pending;		/* [R] SIGNAL: sent to the process */
	sigset_t pending_set;	/* [R] SIGNAL */
	uint32_t nr_pending;		/* [A] queued, against RLIMIT_SIGPENDING */
	/* [R] SIGNAL */
	enum group_stop { GROUP_RUN, GROUP_STOPPING, GROUP_STOPPED, GROUP_EXIT } group_stop;
	int group_exit_code;		/* [R] SIGNAL: the status all threads end with */
	int stop_signal;		/* [R] SIGNAL */
	uint32_t stop_count;		/* [R] SIGNAL: threads yet to stop */
	uint32_t stop_generation;	/* [R] SIGNAL */
	bool stop_dequeued;	/* [R] SIGNAL: a stop was taken, and no SIGCONT came since */
	/* [R] SIGNAL: stopped (1) or continued (2) and not yet waited for */
	uint32_t wait_flags;
	bool notify_continued;		/* [R] SIGNAL: the parent is to be told of a continuation */
	/* [R] SIGNAL: runs exec or writes a core file, and waits for the others to end */
	struct thread *exec_thread;
	struct core_dump *core;		/* [R] SIGNAL: being written; exec_thread writes it */
	int exit_code;			/* [R] TASKLIST: wait status */

	/* Limits, timers, accounting: class PROCESS. */
	struct spinlock lock;
	struct rlimit rlimits[RLIM_NLIMITS];	/* [L] */
	struct interval_timers *itimers;	/* [L] made at first use */
	struct list posix_timers;	/* [L] */
	struct cpu_usage dead_threads;	/* [L] of threads already gone */
	struct cpu_usage dead_children;	/* [L] of children waited for */
	int64_t start_ns;		/* [I] */

	struct mutex exec_lock;		/* class EXEC */
	struct mutex reach_lock;	/* class REACH: see ptrace_aspace_get() */
	struct cap_table *caps;		/* security/: shared by all threads */
	uint32_t no_new_privs, dumpable, personality, keep_caps;	/* [A] */
	int32_t oom_score_adj;		/* [A] */
	uint32_t coredump_filter;	/* [A] enum core_filter */
	/* [A] MEMBARRIER_CMD_REGISTER_* bits asked for; a new process has none */
	uint32_t membarrier;
	uint64_t cap_lineage;		/* security/ */
	struct rcu_head rcu;
};

extern struct cred kernel_cred;		/* everything is 0 */

/*
 * Terminals are drivers, above this layer: the tty core registers how to count references to a
 * process's controlling terminal, and what happens to it when the session's leader ends.
 */
struct tty_hooks {
	void (*ref)(struct tty *tty);
	void (*put)(struct tty *tty);
	/* hang up; tasklist_lock not held */
	void (*leader_exit)(struct tty *tty, struct process *leader);
};
void process_set_tty_hooks(const struct tty_hooks *hooks);
struct tty *process_tty_ref(struct tty *tty);	/* NULL stays NULL */
void process_tty_drop(struct process *p);

/* class TASKLIST; taken with interrupts on, never from them */
extern struct spinlock tasklist_lock;
extern struct list process_list;	/* [R] TASKLIST: all processes but the kernel's own */
extern struct process kernel_process;	/* number 0 */
extern struct process *init_process;	/* number 1 */

static inline struct process *current_process(void)
{
	return current_thread()->process;
}

static inline const struct cred *current_cred(void)
{
	return current_thread()->cred;
}

void cred_ref(const struct cred *c);
void cred_put(const struct cred *c);
struct cred *cred_copy(void);		/* a private copy of the caller's; NULL: out of memory */
bool cred_in_group(const struct cred *c, uint32_t gid);
/* May @c ignore permission bits?  The one place that knows what a privileged file user is. */
bool cred_overrides_files(const struct cred *c);

/*
 * Descriptors in flight in messages count against who sent them.  0, and @u (NULL: uncounted) is
 * kept until they are dropped; or -ETOOMANYREFS: more than @limit are in flight already.
 */
__must_check int user_add_in_flight(struct user *u, uint32_t nr, uint64_t limit);
void user_drop_in_flight(struct user *u, uint32_t nr);

/* Numbers.  _find: borrowed, under RCU or tasklist_lock.  _get: a reference or NULL. */
struct pid *pid_find(int nr);
struct pid *pid_get(int nr);
void pid_ref(struct pid *p);
void pid_put(struct pid *p);
struct thread *thread_find(int tid);		/* borrowed under RCU */
struct process *process_find(int pid);		/* borrowed under RCU */
struct thread *thread_get(int tid);		/* a reference or NULL */
struct process *process_get(int pid);
struct process *process_get_next(int nr);	/* the one with the lowest number >= @nr: /proc */
void process_ref(struct process *p);
void process_put(struct process *p);
void thread_drop_identity(struct thread *t);	/* for thread_put(): the last reference is gone */

/* The address space of @t, aspace_ref()ed; NULL when it has none (any more). */
struct aspace *thread_aspace_get(struct thread *t);

/* Effective limit now. */
static inline uint64_t process_rlimit(struct process *p, unsigned int resource)
{
	return __atomic_load_n(&p->rlimits[resource].rlim_cur, __ATOMIC_RELAXED);
}

void process_init(void);		/* caches; before any process */
/* Start PID 1; called once by kernel_main's last step. */
void process_start_init(void);

/* End the calling thread, or the whole process, with wait status @code. */
__noreturn void thread_exit(int code);
__noreturn void process_exit(int code);

#endif
