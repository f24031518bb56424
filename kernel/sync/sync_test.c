/* SPDX-License-Identifier: MIT */
/*
 * Tests of sleeping locks, wait queues, completions and RCU with several threads on all CPUs.
 */
#include <arch/cpu.h>
#include <kernel/clock.h>
#include <kernel/mutex.h>
#include <kernel/percpu.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <mm/slab.h>

#define WORKERS	6u
/* Far beyond any machine that is merely slow: a member that hangs is what this finds. */
#define LIMIT_NS	(100 * NSEC_PER_SEC)

/* A group of threads that run one function and are waited for. */
struct crew {
	void (*work)(struct crew *c, unsigned int member);
	void *arg;
	uint32_t started, running;	/* [A] */
	struct waitq done;
};

static void crew_member(void *arg)
{
	struct crew *c = arg;

	c->work(c, __atomic_fetch_add(&c->started, 1, __ATOMIC_RELAXED));
	if (!__atomic_sub_fetch(&c->running, 1, __ATOMIC_RELEASE))
		waitq_wake_all(&c->done, 0);
}

/* The crew is static: a member that hangs must not find it gone. */
static bool crew_run(struct crew *c, unsigned int members)
{
	int err = 0;

	c->started = 0;
	c->running = members;
	waitq_init(&c->done);
	for (unsigned int i = 0; i < members; i++)
		if (IS_ERR(kthread_create(crew_member, c, "ktest")))
			__atomic_sub_fetch(&c->running, 1, __ATOMIC_RELEASE);
	err = wait_event_timeout_uninterruptible(&c->done,
						 !__atomic_load_n(&c->running, __ATOMIC_ACQUIRE),
						 clock_ns() + LIMIT_NS);
	/* Nobody is inside waitq_wake_all() any more once its lock can be had. */
	waitq_wake_all(&c->done, 0);
	sleep_ns(NSEC_PER_MSEC);
	return !err;
}

static struct mutex test_mutex = MUTEX_INIT(test_mutex, REGISTRY);
static uint64_t guarded;
static uint32_t inside;
static bool broken;

static void mutex_work(struct crew *c, unsigned int member)
{
	for (unsigned int i = 0; i < 2000; i++) {
		uint64_t v;

		mutex_lock(&test_mutex);
		if (__atomic_add_fetch(&inside, 1, __ATOMIC_RELAXED) != 1)
			broken = true;
		v = guarded;
		if (i % 64 == member)
			sched_yield_current();
		guarded = v + 1;
		__atomic_sub_fetch(&inside, 1, __ATOMIC_RELAXED);
		mutex_unlock(&test_mutex);
	}
}

KTEST(mutex, excludes)
{
	static struct crew crew = { .work = mutex_work };

	guarded = 0;
	broken = false;
	KASSERT_TRUE(crew_run(&crew, WORKERS));
	KEXPECT_EQ(guarded, 2000ull * WORKERS);
	KEXPECT_FALSE(broken);
	KEXPECT_FALSE(mutex_is_locked(&test_mutex));
}

KTEST(mutex, try_lock_fails_when_held)
{
	KASSERT_TRUE(mutex_try_lock(&test_mutex));
	KEXPECT_TRUE(mutex_is_locked(&test_mutex));
	mutex_unlock(&test_mutex);
	KASSERT_TRUE(mutex_try_lock(&test_mutex));
	mutex_unlock(&test_mutex);
}

static struct rwsem test_rwsem = RWSEM_INIT(test_rwsem, REGISTRY);
static int32_t readers, writers;
static uint32_t most_readers;

static void read_section(void)
{
	int32_t n;

	rwsem_lock_read(&test_rwsem);
	n = __atomic_add_fetch(&readers, 1, __ATOMIC_RELAXED);
	if ((uint32_t)n > __atomic_load_n(&most_readers, __ATOMIC_RELAXED))
		__atomic_store_n(&most_readers, (uint32_t)n, __ATOMIC_RELAXED);
	if (__atomic_load_n(&writers, __ATOMIC_RELAXED))
		broken = true;
	if (n == 1)
		sched_yield_current();
	__atomic_sub_fetch(&readers, 1, __ATOMIC_RELAXED);
	rwsem_unlock_read(&test_rwsem);
}

static void write_section(bool downgrade)
{
	rwsem_lock_write(&test_rwsem);
	if (__atomic_add_fetch(&writers, 1, __ATOMIC_RELAXED) != 1 ||
	    __atomic_load_n(&readers, __ATOMIC_RELAXED))
		broken = true;
	guarded++;
	__atomic_sub_fetch(&writers, 1, __ATOMIC_RELAXED);
	if (!downgrade) {
		rwsem_unlock_write(&test_rwsem);
		return;
	}
	rwsem_downgrade(&test_rwsem);
	if (__atomic_load_n(&writers, __ATOMIC_RELAXED))
		broken = true;
	rwsem_unlock_read(&test_rwsem);
}

static void rwsem_work(struct crew *c, unsigned int member)
{
	for (unsigned int i = 0; i < 1000; i++)
		if (i % 8 == member)
			write_section(i % 16 == member);
		else
			read_section();
}

KTEST(rwsem, readers_share_writers_exclude)
{
	static struct crew crew = { .work = rwsem_work };

	guarded = 0;
	broken = false;
	most_readers = 0;
	KASSERT_TRUE(crew_run(&crew, WORKERS));
	KEXPECT_EQ(guarded, 1000ull / 8 * WORKERS);
	KEXPECT_FALSE(broken);
	KEXPECT_GE(most_readers, 1u);
	KEXPECT_EQ(test_rwsem.count, 0);
}

/* A token goes round: each member waits for its turn and wakes all. */
static struct waitq ring_waitq = WAITQ_INIT(ring_waitq);
static uint32_t turn;

static void ring_work(struct crew *c, unsigned int member)
{
	for (unsigned int round = 0; round < 300; round++) {
		wait_event(&ring_waitq, __atomic_load_n(&turn, __ATOMIC_ACQUIRE) % WORKERS ==
			   member);
		__atomic_fetch_add(&turn, 1, __ATOMIC_RELEASE);
		waitq_wake_all(&ring_waitq, 0);
	}
}

KTEST(waitq, no_wake_up_is_lost)
{
	static struct crew crew = { .work = ring_work };

	turn = 0;
	KASSERT_TRUE(crew_run(&crew, WORKERS));
	KEXPECT_EQ(turn, 300u * WORKERS);
}

/* Exclusive waiters: each of @tokens wake-ups lets exactly one through. */
static uint32_t tokens, taken;

static bool take_token(void)
{
	uint32_t n = __atomic_load_n(&tokens, __ATOMIC_RELAXED);

	while (n)
		if (__atomic_compare_exchange_n(&tokens, &n, n - 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static void token_work(struct crew *c, unsigned int member)
{
	if (member) {
		for (unsigned int i = 0; i < 200; i++) {
			(void)!wait_event_exclusive(&ring_waitq, take_token());
			__atomic_fetch_add(&taken, 1, __ATOMIC_RELAXED);
		}
		return;
	}
	for (unsigned int i = 0; i < 200 * (WORKERS - 1); i++) {
		__atomic_fetch_add(&tokens, 1, __ATOMIC_RELEASE);
		if (i % 2)
			waitq_wake(&ring_waitq, 0);
		else
			waitq_wake_sync(&ring_waitq, 0);
		if (i % 16 == 0)
			sched_yield_current();
	}
}

KTEST(waitq, exclusive_waiters_all_get_through)
{
	static struct crew crew = { .work = token_work };

	tokens = taken = 0;
	KASSERT_TRUE(crew_run(&crew, WORKERS));
	KEXPECT_EQ(taken, 200u * (WORKERS - 1));
	KEXPECT_EQ(tokens, 0u);
}

KTEST(waitq, times_out)
{
	static struct waitq q = WAITQ_INIT(q);
	int64_t start = clock_ns(), took;

	KEXPECT_EQ(wait_event_timeout_uninterruptible(&q, false, start + 5 * NSEC_PER_MSEC),
		   -ETIMEDOUT);
	took = clock_ns() - start;
	KEXPECT_GE(took, 5 * NSEC_PER_MSEC);
	KEXPECT_EQ(wait_event_timeout_uninterruptible(&q, true, start), 0);
	KEXPECT_TRUE(list_empty(&q.entries));
}

static void signal_completion(void *arg)
{
	sleep_ns(NSEC_PER_MSEC);
	completion_signal(arg);
}

KTEST(completion, waits_and_may_go_at_once)
{
	for (unsigned int i = 0; i < 20; i++) {
		struct completion done;	/* on the stack: it goes as soon as the wait returns */

		completion_init(&done);
		if (IS_ERR(kthread_create(signal_completion, &done, "ktest")))
			KSKIP("no memory for a thread");
		completion_wait(&done);
		KEXPECT_TRUE(done.done);
	}
}

/* RCU: readers check an object that a writer replaces and poisons after a grace period. */
struct guarded_object {
	struct rcu_head rcu;
	uint64_t value, copy;		/* always equal while it can be reached */
};

static struct guarded_object *published;
static uint32_t freed;
static bool stop_readers;

static void object_free(struct rcu_head *head)
{
	struct guarded_object *o = container_of(head, struct guarded_object, rcu);

	o->value = 1;
	o->copy = 2;
	kfree(o);
	__atomic_fetch_add(&freed, 1, __ATOMIC_RELAXED);
}

static void rcu_replace(uint64_t value)
{
	struct guarded_object *new = kmalloc(sizeof(*new), 0), *old = published;

	if (!new)
		return;
	new->value = new->copy = value;
	rcu_assign(published, new);
	if (old)
		rcu_call(&old->rcu, object_free);
}

static void rcu_work(struct crew *c, unsigned int member)
{
	if (!member) {
		for (uint64_t i = 0; i < 1000; i++) {
			rcu_replace(i << 32 | i);
			if (i % 100 == 0)
				rcu_synchronize();
		}
		__atomic_store_n(&stop_readers, true, __ATOMIC_RELEASE);
		return;
	}
	while (!__atomic_load_n(&stop_readers, __ATOMIC_ACQUIRE)) {
		for (unsigned int i = 0; i < 100; i++) {
			struct guarded_object *o;

			rcu_read_lock();
			o = rcu_dereference(published);
			if (o && READ_ONCE(o->value) != READ_ONCE(o->copy))
				broken = true;
			rcu_read_unlock();
		}
		sched_yield_current();
	}
}

KTEST(rcu, readers_never_see_freed_objects)
{
	static struct crew crew = { .work = rcu_work };
	int64_t limit = clock_ns() + LIMIT_NS;

	broken = stop_readers = false;
	freed = 0;
	published = NULL;
	KASSERT_TRUE(crew_run(&crew, WORKERS));
	KEXPECT_FALSE(broken);
	rcu_call(&published->rcu, object_free);
	published = NULL;
	while (__atomic_load_n(&freed, __ATOMIC_RELAXED) < 1000 && clock_ns() < limit)
		rcu_synchronize();
	KEXPECT_EQ(freed, 1000u);
}

/* Callbacks that each CPU queues just before a barrier have all run after it. */
static struct rcu_head barrier_heads[CONFIG_MAX_CPUS];
static uint32_t barrier_queued, barrier_ran;	/* [A] */

static void barrier_callback(struct rcu_head *head)
{
	__atomic_fetch_add(&barrier_ran, 1, __ATOMIC_RELAXED);
}

static void barrier_queue_one(void *arg)
{
	rcu_call(&barrier_heads[this_cpu_id()], barrier_callback);
	__atomic_fetch_add(&barrier_queued, 1, __ATOMIC_RELAXED);
}

KTEST(rcu, barrier_waits_for_the_callbacks_of_all_cpus)
{
	barrier_queued = barrier_ran = 0;
	for (unsigned int round = 0; round < 20; round++) {
		smp_call(&cpus_online, barrier_queue_one, NULL);
		rcu_barrier();
		KEXPECT_EQ(barrier_ran, barrier_queued);
	}
	KEXPECT_GE(barrier_queued, 20u);
}
