/* SPDX-License-Identifier: MIT */
/*
 * The test runner: walks a range of tests and prints KTAP version 1. The state is one global
 * because one run happens at a time; the failure count is atomic because a test may start threads.
 */
#include <lib/atomic.h>
#include <lib/ktest.h>
#include <lib/printf.h>

#define KTEST_LINE_MAX	240
#define KTEST_FAILURES_SHOWN	10

static struct {
	ktest_print_fn *print;
	void *arg;
	atomic_t failures;		/* [A] of the running test */
	const char *skip_reason;	/* of the running test, or NULL */
} current;

static void __printf(1, 0) print_args(const char *fmt, va_list ap)
{
	char line[KTEST_LINE_MAX];

	vscnprintf(line, sizeof(line), fmt, ap);
	current.print(current.arg, line);
}

static void __printf(1, 2) print_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_args(fmt, ap);
	va_end(ap);
}

void ktest_fail(const char *file, int line, const char *fmt, ...)
{
	char text[KTEST_LINE_MAX];
	va_list ap;

	if (atomic_inc_return(&current.failures) > KTEST_FAILURES_SHOWN)
		return;
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_line("# %s:%d: %s", file, line, text);
}

void ktest_skip(const char *reason)
{
	current.skip_reason = reason;
}

void ktest_note(const char *fmt, ...)
{
	char text[KTEST_LINE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_line("# %s", text);
}

static bool is_selected(const struct ktest *test, const char *filter)
{
	size_t suite_len;

	if (!filter)
		return true;
	suite_len = strlen(test->suite);
	if (strlen(filter) <= suite_len)
		return str_has_prefix(test->suite, filter) || !*filter;
	return str_has_prefix(filter, test->suite) && filter[suite_len] == '.' &&
	       strncmp(test->name, filter + suite_len + 1, strlen(filter + suite_len + 1)) == 0;
}

static void run_one(const struct ktest *test, unsigned int number, struct ktest_result *result)
{
	int failures;

	atomic_set(&current.failures, 0);
	current.skip_reason = NULL;
	test->run();
	failures = atomic_read(&current.failures);
	if (failures) {
		result->failed++;
		print_line("# %d checks failed", failures);
		print_line("not ok %u %s.%s", number, test->suite, test->name);
	} else if (current.skip_reason) {
		result->skipped++;
		print_line("ok %u %s.%s # SKIP %s", number, test->suite, test->name,
			   current.skip_reason);
	} else {
		result->passed++;
		print_line("ok %u %s.%s", number, test->suite, test->name);
	}
}

struct ktest_result ktest_run(const struct ktest *const *first, const struct ktest *const *end,
			      const char *filter, ktest_print_fn *print, void *arg)
{
	struct ktest_result result = { 0 };
	unsigned int selected = 0, number = 0;

	current.print = print;
	current.arg = arg;
	for (const struct ktest *const *t = first; t < end; t++)
		selected += is_selected(*t, filter);
	print_line("KTAP version 1");
	print_line("1..%u", selected);
	for (const struct ktest *const *t = first; t < end; t++) {
		if (is_selected(*t, filter))
			run_one(*t, ++number, &result);
	}
	print_line("# totals: pass:%u fail:%u skip:%u", result.passed, result.failed,
		   result.skipped);
	return result;
}
