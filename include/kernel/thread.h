/* SPDX-License-Identifier: MIT */
/*
 * struct thread: what the scheduler runs.  A user thread belongs to a process
 * (kernel/process.h); a kernel thread to the kernel's own process 0.
 */
#ifndef KERNEL_THREAD_H
#define KERNEL_THREAD_H

#include <arch/regs.h>
#include <arch/thread.h>
#include <kernel/cpumask.h>
#include <kernel/preempt.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <lib/list.h>
#include <lib/rbtree.h>
#include <uapi/signal.h>

#define THREAD_STACK_SIZE	16384u
#define THREAD_NAME_MAX		16	/* TASK_COMM_LEN, the NUL counted */

struct process;
struct aspace;
struct block_plug;
struct files;
struct fs_context;
struct cred;
struct pid;

/*
 * RUNNING covers running and waiting for a CPU.  Legal moves: RUNNING to any by the
 * thread itself (thread_set_state); any sleeping state to RUNNING by a
 * wake-up; RUNNING to DEAD at the end.
 */
enum thread_state {
	THREAD_RUNNING		= 0,
	THREAD_INTERRUPTIBLE	= 1,	/* any signal wakes */
	THREAD_UNINTERRUPTIBLE	= 2,	/* only the event wakes */
	THREAD_KILLABLE		= 4,	/* the event or a fatal signal */
	THREAD_STOPPED		= 8,	/* job control; SIGCONT or SIGKILL wakes */
	THREAD_TRACED		= 16,	/* ptrace stop */
	THREAD_DEAD		= 32,
};

/* Scheduling classes in order of precedence.  A lower number runs first. */
enum sched_class { SCHED_CLASS_RT, SCHED_CLASS_FAIR, SCHED_CLASS_IDLE };

/* The scheduler's own part; see kernel/sched/ for the rules. */
struct sched_entity {
	struct rb_node node;		/* [R] fair: in the run queue by deadline */
	struct list rt_node;		/* [R] RT: in the queue of its priority */
	int64_t vruntime;		/* [R] weighted nanoseconds run */
	int64_t deadline;		/* [R] virtual deadline of the present slice */
	int64_t min_vruntime;		/* [R] least vruntime of the subtree at node */
	int64_t exec_start_ns;		/* [R] when it was put on the CPU, or last accounted */
	int64_t slice_ns;		/* [R] left of the RR or fair slice */
	uint64_t sum_exec_ns;		/* [R] CPU time used */
	uint64_t prev_sum_exec_ns;
	uint64_t switches_voluntary, switches_forced;	/* [R] */
	uint32_t weight;		/* [L] from nice */
	uint8_t class;			/* [L] enum sched_class */
	uint8_t policy;			/* [L] SCHED_OTHER, ... as the user set it */
	uint8_t rt_priority;		/* [L] 1..99, RT only */
	int8_t nice;			/* [L] -20..19 */
	bool on_queue;			/* [R] queued (the running thread too) */
	bool reset_on_fork;		/* [L] */
	bool pinned;			/* [I] per-CPU kernel thread */
};

struct thread {
	struct thread_core core;	/* first: <kernel/preempt.h> */
	struct arch_thread arch;	/* the port's; own thread, or switched out */
	void *stack;			/* [I] THREAD_STACK_SIZE bytes, guarded */

	/* Scheduling. */
	uint32_t state;			/* [A] enum thread_state */
	uint32_t cpu;			/* [R] run queue it belongs to */
	uint32_t on_cpu;		/* [A] 1 while its context is live on a CPU */
	struct spinlock lock;		/* class THREAD: state changes, affinity, policy */
	struct sched_entity sched;
	struct cpumask affinity;	/* [L] */
	/* own thread: the exclusive entry it blocks on, for /proc wchan */
	struct waitq_entry *wait;

	/*
	 * Identity and resources.  Own thread reads without a lock; others: process tasklist rules.
	 */
	struct process *process;	/* [I] */
	/* own: NULL for kernel threads; exec and exit replace it under thread.lock */
	struct aspace *aspace;
	struct files *files;		/* own: replaced under thread.lock */
	struct fs_context *fs;		/* own: the same */
	const struct cred *cred;	/* own: the same */
	struct pid *pid;		/* [I] this thread's number */
	struct list process_node;	/* [R] TASKLIST: process.threads */
	char name[THREAD_NAME_MAX];	/* [A] comm; always terminated */
	refcount_t refs;		/* the thread itself holds one until it is reaped */
	struct rcu_head rcu;

	/* Signals: kernel/proc/signal.c. */
	sigset_t blocked;	/* own thread writes, under sighand lock; all ones: it is leaving */
	sigset_t saved_mask;	/* own: restored when WORK_MASK is acted on */
	struct list pending;		/* [R] SIGNAL: struct sigqueue, sent to this thread */
	sigset_t pending_set;	/* [R] SIGNAL */
	stack_t altstack;	/* own */
	struct {			/* own: the last fault, for sigcontext */
		uint64_t trapno, error, address;
	} fault;
	sigset_t waited;	/* [R] SIGNAL: sigtimedwait() waits for these, blocked or not */
	/* [R] SIGNAL: generation of the last stop it took part in */
	uint32_t group_stop_seen;
	bool stop_counted;	/* [R] SIGNAL: process.stop_count counts it */

	/* Restart of a call that a signal interrupted (-ERESTART_RESTARTBLOCK). */
	struct {
		long (*fn)(struct thread *t);
		uint64_t arg[5];
	} restart;

	/* Futexes, TLS words and robust lists; own. */
	uint64_t clear_child_tid;	/* user address, 0 = none */
	uint64_t robust_list;		/* user address of the head */
	/* [R] FUTEX_PI: who waits for PI futexes that this thread holds */
	struct hlist_head pi_waiters;
	struct {		/* [R] FUTEX_PI: what it was before it got a waiter's priority */
		uint8_t policy, rt_priority;
		bool boosted;
	} pi_base;
	uint32_t futex_exit;		/* [A] enum futex_exit */
	uint64_t futex_wake_mark;	/* own: switches_voluntary at its last futex wake-up */
	uint64_t rseq;			/* user address of struct rseq, 0 = none */
	uint32_t rseq_len, rseq_signature;

	/* Block I/O held back to be merged; own.  Sent before it sleeps: sched_set_sleep_hook(). */
	struct block_plug *plug;

	/* vfork parent waits on this. */
	struct completion *vfork_done;	/* own; signalled at exec or exit */

	/* Page-fault state; own. */
	uint32_t pagefault_disabled;	/* depth of pagefault_disable() */
	void *region_hint;		/* mm: last region that a fault hit */
	uint64_t min_faults, maj_faults;
	uint32_t pages_dirtied;		/* since it last looked at the limits of dirty memory */
	bool is_cleaner;	/* writes dirty pages: does not wait for them to be written */

	/* ptrace: kernel/proc/ptrace.c. */
	struct process *tracer;		/* [R] TASKLIST; NULL: not traced */
	struct ptrace_state *ptrace;	/* [R] SIGNAL: set once; NULL: never traced */
	int exit_code;			/* [R] TASKLIST: of this thread, as wait status */
	/* [I] what the parent gets when the leader dies; clone's low byte */
	uint32_t exit_signal;
	int32_t pdeath_signal;		/* own */
	uint16_t ioprio;		/* [A] class and level; 0: follows nice */
	uint64_t timer_slack_ns;	/* own */

	/* CPU time as sampled at ticks, scaled by sum_exec_ns when shown; [R] run queue */
	uint64_t user_ticks, system_ticks;
	int64_t start_ns;		/* [I] clock_ns() at creation */
	uint64_t trace_state;		/* systrace's */
	void *net_rights;	/* own: net/unix, while it gives up descriptors in messages */
#ifdef CONFIG_LOCK_CHECK
	struct lockdep_state lockdep;	/* own */
#endif
};

static inline struct thread *current_thread(void)
{
	return arch_current();
}

static inline void thread_set_work(struct thread *t, uint32_t bits)
{
	__atomic_fetch_or(&t->core.work, bits, __ATOMIC_SEQ_CST);
}

static inline void thread_clear_work(struct thread *t, uint32_t bits)
{
	__atomic_fetch_and(&t->core.work, ~bits, __ATOMIC_SEQ_CST);
}

/*
 * Set the caller's state; a full barrier, so that a wake-up condition looked at after it is not
 * missed.
 */
static inline void thread_set_state(enum thread_state state)
{
	__atomic_store_n(&current_thread()->state, (uint32_t)state, __ATOMIC_RELAXED);
	/*
	 * A store-release is not enough: the plain loads of the condition could go before it.
	 * Pairs with wake().
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline bool thread_is_user(const struct thread *t)
{
	return t->aspace != NULL;
}

/* Does the caller have a signal to act on?  _fatal: one that will kill it. */
static inline bool signal_is_pending(void)
{
	return __atomic_load_n(&current_core()->work, __ATOMIC_RELAXED) & WORK_SIGNAL;
}
bool signal_is_fatal_pending(void);

/*
 * Allocate a thread with a stack and scheduling defaults, belonging to nobody
 * yet, state UNINTERRUPTIBLE, not queued.  NULL: out of memory.
 */
struct thread *thread_alloc(const char *name);
void thread_ref(struct thread *t);
void thread_put(struct thread *t);

/* A kernel thread, started.  Ends when @fn returns.  Error pointer. */
struct thread *kthread_create(void (*fn)(void *), void *arg, const char *name);
/* The same, bound to one CPU. */
struct thread *kthread_create_on(unsigned int cpu, void (*fn)(void *), void *arg, const char *name);

#endif
