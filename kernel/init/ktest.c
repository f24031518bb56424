/* SPDX-License-Identifier: MIT */
/*
 * Run the unit tests in the kernel when the boot argument ktest= asks, and end with their verdict.
 */
#include <arch/cpu.h>
#include <arch/boot.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <lib/ktest.h>
#include <lib/string.h>

extern const struct ktest *const __ktests_start[], *const __ktests_end[];

static void console_line(void *arg, const char *line)
{
	while (*line)
		arch_early_putc(*line++);
	arch_early_putc('\n');
}

void ktest_run_if_asked(void)
{
	const char *pattern = boot_arg("ktest");
	struct ktest_result r;

	if (!pattern)
		return;
	r = ktest_run(__ktests_start, __ktests_end, !strcmp(pattern, "all") ? NULL : pattern,
		      console_line, NULL);
	if (!(r.passed + r.failed + r.skipped))
		console_line(NULL, "# ktest: no test has a name that begins like this");
	arch_vm_exit(r.failed || !(r.passed + r.skipped) ? 1 : 0);
	arch_power_off();
}
