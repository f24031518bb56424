/* SPDX-License-Identifier: MIT */
/*
 * The generic timer (Arm ARM D11): the virtual counter as clock source, each CPU's virtual
 * timer as one-shot event. At EL2 the boot code set the virtual offset to 0.
 */
#include <arch/time.h>
#include <arch_impl/device.h>
#include <drivers/of.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/assert.h>
#include <lib/err.h>
#include <arch_impl/arm64.h>

#define TIMER_ENABLE	1
#define VIRTUAL_PPI	27		/* what the base system architecture recommends */
#define OF_VIRTUAL	2		/* index of the virtual timer in "interrupts" */

static uint32_t frequency;
static uint32_t timer_irq = VIRTUAL_PPI;

static uint64_t counter_read(void)
{
	uint64_t v;

	/* The ISB keeps the read from going before earlier loads: clock readings stay ordered. */
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v) : : "memory");
	return v;
}

static struct clock_source counter = {
	.name = "arch_counter", .read = counter_read, .mask = (1UL << 56) - 1, .rating = 400,
	.vdso_mode = 1,
};

uint32_t arm64_timer_irq(void)
{
	return timer_irq;
}

static __init void read_device_tree(void)
{
	int node = of_find_path("/timer");
	struct of_irq irq;

	if (!of_is_compatible(node, "arm,armv8-timer") &&
	    !of_is_compatible(node, "arm,armv7-timer"))
		node = of_find_compatible(OF_NONE, "arm,armv8-timer");
	if (node < 0)
		node = of_find_compatible(OF_NONE, "arm,armv7-timer");
	/* GIC binding: type 1 is a private interrupt, numbered from 16. */
	if (of_interrupt(node, OF_VIRTUAL, &irq) == 0 && irq.nr_cells >= 3 && irq.cells[0] == 1 &&
	    irq.cells[1] < 16)
		timer_irq = irq.cells[1] + 16;
	(void)of_u32(node, "clock-frequency", &frequency);
}

void __init arch_time_init(void)
{
	frequency = (uint32_t)sysreg_read(cntfrq_el0);
	read_device_tree();
	if (!frequency)
		panic("time: the firmware did not set the counter's frequency");
	counter.frequency_hz = frequency;
	clock_source_register(&counter);
}

void arm64_timer_init_cpu(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	sysreg_write(cntkctl_el1, 1 << 1);	/* EL0 reads the virtual counter, nothing else */
	isb();
}

void arch_timer_set(int64_t deadline_ns)
{
	int64_t left = deadline_ns - clock_ns();
	uint64_t ticks = left > 0 ? clock_ns_to_ticks(left, frequency) + 1 : 0;

	if (ticks > INT64_MAX / 2)
		ticks = INT64_MAX / 2;
	sysreg_write(cntv_cval_el0, sysreg_read(cntvct_el0) + ticks);
	sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
	isb();
}

void arch_timer_stop(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	isb();
}
