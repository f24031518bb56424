/* SPDX-License-Identifier: MIT */
/*
 * The one-shot timer of each CPU: TSC deadline where there is one, the local APIC's countdown
 * otherwise.
 */
#include <arch/time.h>
#include <arch/upcalls.h>
#include <arch_impl/cpu.h>
#include <arch_impl/msr.h>
#include <arch_impl/platform.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>

/* A countdown's longest stretch; longer waits are made of several. */
#define LONGEST_NS	(2 * NSEC_PER_SEC)

bool x86_timer_is_deadline;

/* 0: none. */
static DEFINE_PERCPU(int64_t, timer_deadline);

static void program(int64_t deadline_ns)
{
	int64_t delta = deadline_ns - clock_ns();
	uint64_t ticks;

	if (delta > LONGEST_NS)
		delta = LONGEST_NS;
	if (x86_timer_is_deadline) {
		/* A value that has passed raises the interrupt at once. */
		wrmsr(MSR_TSC_DEADLINE, rdtsc_ordered() + clock_ns_to_ticks(delta, x86_tsc_hz()));
		return;
	}
	ticks = delta > 0 ? clock_ns_to_ticks(delta, x86_apic_timer_hz) + 1 : 1;
	apic_timer_start(ticks > 0xffffffff ? 0xffffffff : (uint32_t)ticks);
}

void arch_timer_set(int64_t deadline_ns)
{
	this_cpu_write(timer_deadline, deadline_ns > 0 ? deadline_ns : 1);
	program(deadline_ns);
}

void arch_timer_stop(void)
{
	this_cpu_write(timer_deadline, 0);
	if (x86_timer_is_deadline)
		wrmsr(MSR_TSC_DEADLINE, 0);
	else
		apic_timer_start(0);
}

void x86_timer_upcall(void)
{
	int64_t deadline = this_cpu_read(timer_deadline);

	if (!deadline)
		return;			/* stopped while it was on its way */
	if (clock_ns() < deadline) {
		program(deadline);
		return;
	}
	this_cpu_write(timer_deadline, 0);
	timer_upcall();
}
