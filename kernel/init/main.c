/* SPDX-License-Identifier: MIT */
/*
 * From the port's hand-over to PID 1: a list of calls, each with its reason to stand where it
 * stands.
 */
#include <arch/boot.h>
#include <arch/irq.h>
#include <arch/mmu.h>
#include <arch/time.h>
#include <arch/upcalls.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/lockdep.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/smp.h>
#include <kernel/timer.h>
#include <kernel/version.h>
#include <lib/err.h>
#include <mm/aspace.h>
#include <mm/early.h>
#include <mm/page.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include <security/random.h>

extern const struct initcall __initcalls_start[], __initcalls_end[];

static void run_initcalls(enum init_level level)
{
	for (const struct initcall *c = __initcalls_start; c < __initcalls_end; c++) {
		int err;

		if (c->level != level)
			continue;
		err = c->fn();
		if (err)
			log_err("init: %s: error %d", c->name, err);
	}
}

/*
 * The rest of boot runs in a thread, so that it can sleep; the boot thread becomes the idle thread.
 */
static void init_thread(void *arg)
{
	rcu_start_worker(0);
	run_initcalls(INIT_REGISTRY);
	run_initcalls(INIT_SUBSYSTEM);
	smp_start_all();
	run_initcalls(INIT_DRIVER);
	run_initcalls(INIT_FS);
	run_initcalls(INIT_LATE);
	page_free_init_memory();
	ktest_run_if_asked();
	process_start_init();
}

void kernel_main(void)
{
	struct thread *t;

	boot_args_init();
	log_init();
	panic_init();
	log_info("Aegis %s for %s, by %s", kernel_release, arch_name, boot_info.protocol);

	/* Memory first: nothing else can be made without it. */
	early_init();
	arch_mmu_init();
	page_init();
	slab_init();
	vmalloc_init();

	/* Then threads and time, still on one CPU with interrupts masked. */
	sched_init();
	arch_cpu_init(0);
	percpu_init();
	rcu_init_cpu(0);
	random_init();
	arch_time_init();
	clock_init();
	aspace_init();
	process_init();
	run_initcalls(INIT_CORE);

	t = kthread_create(init_thread, NULL, "init");
	if (IS_ERR(t))
		panic("init: no memory for the first thread");
	lockdep_boot_done();
	preempt_enable_no_resched();
	arch_irq_enable();
	sched_idle_loop();
}
