/* SPDX-License-Identifier: MIT */
/*
 * Tests of the scheduler: shares by nice value, affinity, real-time preemption, sleeping and
 * waking.
 */
#include <arch/cpu.h>
#include <kernel/clock.h>
#include <kernel/cpumask.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/ktest.h>
#include <lib/minmax.h>

/* A thread that computes until it is told to stop. */
struct spinner {
	struct thread *thread;
	struct completion ended;
	int nice;
	uint32_t policy, rt_priority;
	struct cpumask cpus;
	bool stop;			/* [A] */
	uint64_t cpu_ns;		/* at its end */
	bool wandered;			/* ran outside of .cpus */
};

static void spinner_setup(struct spinner *s)
{
	struct sched_params p = { .policy = s->policy, .nice = s->nice,
				  .rt_priority = s->rt_priority };

	if (sched_set_affinity(current_thread(), &s->cpus) ||
	    sched_set_params(current_thread(), &p))
		s->stop = true;
}

static void spin(void *arg)
{
	struct spinner *s = arg;
	uint64_t start;

	spinner_setup(s);
	start = thread_cpu_ns(current_thread());
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		preempt_disable();
		if (!cpumask_has(&s->cpus, this_cpu_id()))
			s->wandered = true;
		preempt_enable();
	}
	s->cpu_ns = thread_cpu_ns(current_thread()) - start;
	completion_signal(&s->ended);
}

static bool spinner_start(struct spinner *s)
{
	completion_init(&s->ended);
	s->thread = kthread_create(spin, s, "ktest");
	return !IS_ERR(s->thread);
}

static void spinner_end(struct spinner *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	completion_wait(&s->ended);
}

static struct cpumask one_cpu(unsigned int cpu)
{
	struct cpumask m = { 0 };

	cpumask_set(&m, cpu);
	return m;
}

static unsigned int last_online(void)
{
	unsigned int last = 0;

	for_each_cpu_in(cpu, &cpus_online)
		last = cpu;
	return last;
}

/* Let two spinners share one CPU for @ns; their CPU times. */
static bool share(struct spinner pair[2], int64_t ns)
{
	if (!spinner_start(&pair[0]))
		return false;
	if (!spinner_start(&pair[1])) {
		spinner_end(&pair[0]);
		return false;
	}
	sleep_ns(ns);
	__atomic_store_n(&pair[0].stop, true, __ATOMIC_RELEASE);
	__atomic_store_n(&pair[1].stop, true, __ATOMIC_RELEASE);
	spinner_end(&pair[0]);
	spinner_end(&pair[1]);
	return true;
}

/*
 * Does the first one's share come to lie between @low and @high tenths of the second one's?  Shares
 * even out in time, but a host that is busy takes the CPU away for as long as it likes, and what it
 * took is charged to who was running: so more rounds where one was disturbed.
 */
static bool share_settles(const struct spinner pair[2], uint64_t low, uint64_t high)
{
	uint64_t first = 0, second = 0;

	for (unsigned int round = 0; round < 30; round++) {
		struct spinner s[2] = { pair[0], pair[1] };

		if (!share(s, 300 * NSEC_PER_MSEC))
			return false;
		first += s[0].cpu_ns;
		second += s[1].cpu_ns;
		if (first * 10 > second * low && first * 10 < second * high)
			return true;
	}
	return false;
}

KTEST(sched, equal_nice_shares_equally)
{
	struct spinner s[2] = { { .cpus = one_cpu(last_online()) },
				{ .cpus = one_cpu(last_online()) } };

	KEXPECT_TRUE(share_settles(s, 7, 15));
}

/* Five nice steps are a weight of about 3. */
KTEST(sched, nice_weighs_shares)
{
	struct spinner s[2] = { { .cpus = one_cpu(last_online()) },
				{ .cpus = one_cpu(last_online()), .nice = 5 } };

	KEXPECT_TRUE(share_settles(s, 20, 50));
}

/*
 * What is said in wall-clock time holds on a machine of its own.  An emulator's CPUs are threads of
 * a host that may be busy; with one of them, under icount, time is what the guest runs.
 */
static bool time_is_ours(void)
{
	return nr_cpus == 1;
}

#define TIME_REASON "wall-clock limits hold under scripts/vm --icount --smp 1 only"

KTEST(sched, idle_policy_gets_little)
{
	struct spinner s[2] = { { .cpus = one_cpu(last_online()) },
				{ .cpus = one_cpu(last_online()), .policy = SCHED_IDLE } };

	if (!time_is_ours())
		KSKIP(TIME_REASON);
	if (!share(s, 300 * NSEC_PER_MSEC))
		KSKIP("no memory for a thread");
	KEXPECT_GT(s[0].cpu_ns, s[1].cpu_ns * 10);
}

KTEST(sched, affinity_holds)
{
	struct spinner s[2] = { { .cpus = one_cpu(0) }, { .cpus = one_cpu(last_online()) } };

	if (!share(s, 50 * NSEC_PER_MSEC))
		KSKIP("no memory for a thread");
	KEXPECT_FALSE(s[0].wandered);
	KEXPECT_FALSE(s[1].wandered);
}

KTEST(sched, affinity_moves_the_caller)
{
	struct cpumask before = current_thread()->affinity, none = { 0 };

	for_each_cpu_in(cpu, &cpus_online) {
		struct cpumask m = one_cpu(cpu);

		KEXPECT_EQ(sched_set_affinity(current_thread(), &m), 0);
		preempt_disable();
		KEXPECT_EQ(this_cpu_id(), cpu);
		preempt_enable();
	}
	KEXPECT_EQ(sched_set_affinity(current_thread(), &none), -EINVAL);
	KEXPECT_EQ(sched_set_affinity(current_thread(), &before), 0);
}

/* A woken real-time thread runs at once, whatever else there is to do. */
#define PROMPT_NS	(5 * NSEC_PER_MSEC)

struct rt_latency {
	struct completion ended;
	struct cpumask cpus;
	int64_t worst_ns;
	unsigned int prompt;		/* wake-ups within PROMPT_NS */
};

static void rt_sleeper(void *arg)
{
	struct rt_latency *r = arg;
	struct sched_params p = { .policy = SCHED_FIFO, .rt_priority = 50 };

	(void)!sched_set_affinity(current_thread(), &r->cpus);
	(void)!sched_set_params(current_thread(), &p);
	for (unsigned int i = 0; i < 20; i++) {
		int64_t due = clock_ns() + 2 * NSEC_PER_MSEC, late;

		thread_set_state(THREAD_UNINTERRUPTIBLE);
		(void)!schedule_wait(due);
		thread_set_state(THREAD_RUNNING);
		late = clock_ns() - due;
		r->worst_ns = max(r->worst_ns, late);
		r->prompt += late < PROMPT_NS;
	}
	completion_signal(&r->ended);
}

KTEST(sched, realtime_preempts)
{
	struct spinner s = { .cpus = one_cpu(last_online()) };
	struct rt_latency r = { .cpus = s.cpus };

	if (!time_is_ours())
		KSKIP(TIME_REASON);
	completion_init(&r.ended);
	if (!spinner_start(&s))
		KSKIP("no memory for a thread");
	if (IS_ERR(kthread_create(rt_sleeper, &r, "ktest"))) {
		spinner_end(&s);
		KSKIP("no memory for a thread");
	}
	completion_wait(&r.ended);
	spinner_end(&s);
	ktest_note("worst wake-up latency %lld us", (long long)(r.worst_ns / NSEC_PER_USEC));
	/*
	 * A host with other work takes an emulated CPU away for tens of milliseconds; not each
	 * time.
	 */
	KEXPECT_GE(r.prompt, 5u);
}

KTEST(sched, parameters_are_checked)
{
	struct sched_params before, p;

	sched_get_params(current_thread(), &before);
	KEXPECT_EQ(sched_set_params(current_thread(),
				    &(struct sched_params){ .policy = SCHED_FIFO }), -EINVAL);
	KEXPECT_EQ(sched_set_params(current_thread(),
				    &(struct sched_params){ .policy = SCHED_OTHER, .nice = 20 }),
		   -EINVAL);
	KEXPECT_EQ(sched_set_params(current_thread(), &(struct sched_params){ .policy = 99 }),
		   -EINVAL);
	sched_get_params(current_thread(), &p);
	KEXPECT_EQ(p.policy, before.policy);
	KEXPECT_EQ(p.nice, before.nice);
}

static uint32_t short_threads;

static void count_me(void *arg)
{
	__atomic_fetch_add(&short_threads, 1, __ATOMIC_RELAXED);
}

KTEST(sched, many_short_threads)
{
	int64_t limit = clock_ns() + 5 * NSEC_PER_SEC;

	short_threads = 0;
	for (unsigned int i = 0; i < 200; i++)
		if (IS_ERR(kthread_create(count_me, NULL, "ktest")))
			KSKIP("no memory for a thread");
	while (__atomic_load_n(&short_threads, __ATOMIC_RELAXED) < 200 && clock_ns() < limit)
		sleep_ns(NSEC_PER_MSEC);
	KEXPECT_EQ(short_threads, 200u);
}

KTEST(sched, cpu_time_is_charged)
{
	uint64_t start = thread_cpu_ns(current_thread()), end, user, system;
	int64_t until = clock_ns() + 5 * NSEC_PER_MSEC;

	while (clock_ns() < until)
		arch_cpu_relax();
	end = thread_cpu_ns(current_thread());
	KEXPECT_GT(end - start, 0u);
	thread_cpu_split(current_thread(), &user, &system);
	KEXPECT_GE(user + system, end);
	start = thread_cpu_ns(current_thread());
	sleep_ns(20 * NSEC_PER_MSEC);
	KEXPECT_LT(thread_cpu_ns(current_thread()) - start, (uint64_t)(10 * NSEC_PER_MSEC));
}
