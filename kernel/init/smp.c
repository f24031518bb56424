/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs: start, function calls, halt.
 *
 * A function call is a node on the caller's stack, pushed on each target's lock-free stack; the
 * targets take theirs and count down the node's reference.
 */
#include <arch/cpu.h>
#include <arch/upcalls.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/timer.h>

#define CPU_START_TIMEOUT_NS (5 * NSEC_PER_SEC)

struct cpumask cpus_online, cpus_possible;

/*
 * [A] The CPU that is being started; 0 (the boot CPU) when there is none.  Whoever clears it
 * decides whether that CPU has come or is given up: one that comes after that stays out for good,
 * since nobody made it a worker or counts on it.
 */
static uint32_t awaited_cpu;

struct call {
	struct call *next;
	void (*fn)(void *arg);
	void *arg;
	uint32_t *pending;		/* [A] targets that have not run it */
};

/* [A] pushed by anyone, taken whole by the CPU */
static DEFINE_PERCPU(struct call *, call_queue);

static void push_call(unsigned int cpu, struct call *c)
{
	struct call **head = per_cpu_ptr(&call_queue, cpu);

	c->next = __atomic_load_n(head, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(head, &c->next, c, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	arch_ipi_send(cpu, IPI_CALL);
}

void smp_call_take(void)
{
	struct call *c = __atomic_exchange_n(this_cpu_ptr(&call_queue), NULL, __ATOMIC_ACQUIRE);

	while (c) {
		struct call *next = c->next;

		c->fn(c->arg);
		/* Release: the caller may reuse the node's memory from here on. */
		__atomic_sub_fetch(c->pending, 1, __ATOMIC_RELEASE);
		c = next;
	}
}

/* Targets are served one after another: calls are rare, and one node is enough. */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg)
{
	unsigned int self;

	preempt_disable();
	self = this_cpu_id();
	for_each_cpu_in(cpu, mask) {
		uint32_t pending = 1;
		struct call c = { .fn = fn, .arg = arg, .pending = &pending };

		if (cpu == self || !cpumask_has(&cpus_online, cpu))
			continue;
		push_call(cpu, &c);
		while (__atomic_load_n(&pending, __ATOMIC_ACQUIRE))
			arch_cpu_relax();
	}
	if (cpumask_has(mask, self))
		fn(arg);
	preempt_enable();
}

void smp_halt_others(void)
{
	unsigned int self = this_cpu_id();

	for_each_cpu_in(cpu, &cpus_online)
		if (cpu != self)
			arch_ipi_send(cpu, IPI_HALT);
}

void smp_halt_self(void)
{
	cpumask_clear(&cpus_online, this_cpu_id());
	arch_halt();
}

/* Clears awaited_cpu if @cpu is still in it. */
static bool settle_awaited(uint32_t cpu)
{
	return __atomic_compare_exchange_n(&awaited_cpu, &cpu, 0, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static bool wait_for_cpu(unsigned int cpu)
{
	int64_t deadline = clock_ns() + CPU_START_TIMEOUT_NS;

	while (__atomic_load_n(&awaited_cpu, __ATOMIC_ACQUIRE) && clock_ns() < deadline)
		arch_cpu_relax();
	if (settle_awaited(cpu))
		return false;
	/* It has come, and is two stores away from being online. */
	while (!cpumask_has(&cpus_online, cpu))
		arch_cpu_relax();
	return true;
}

static void start_cpu(unsigned int cpu)
{
	int err;

	rcu_init_cpu(cpu);
	timer_init_cpu(cpu);
	sched_init_cpu(cpu);
	__atomic_store_n(&awaited_cpu, cpu, __ATOMIC_SEQ_CST);
	err = arch_cpu_start(cpu, sched_idle_thread(cpu), percpu_offsets[cpu]);
	if (err) {
		log_err("smp: firmware does not start CPU %u: error %d", cpu, err);
		(void)settle_awaited(cpu);
		return;
	}
	if (wait_for_cpu(cpu))
		rcu_start_worker(cpu);
	else
		log_err("smp: CPU %u was started but did not arrive", cpu);
}

static unsigned int online_count(void)
{
	unsigned int n = 0;

	for_each_cpu_in(cpu, &cpus_online)
		n++;
	return n;
}

void smp_start_all(void)
{
	for (unsigned int cpu = 1; cpu < nr_cpus; cpu++)
		start_cpu(cpu);
	if (nr_cpus > 1)
		log_info("smp: %u of %u CPUs run", online_count(), nr_cpus);
}

void secondary_main(unsigned int cpu)
{
	arch_cpu_init(cpu);
	if (!settle_awaited(cpu))
		arch_halt();
	cpumask_set(&cpus_online, cpu);
	preempt_enable_no_resched();
	sched_idle_loop();
}
