/* SPDX-License-Identifier: MIT */
/*
 * Host runner for the unit tests of lib: the same tests as in the kernel, under ASan and UBSan.
 * Usage: host-tests [suite[.name-prefix]]. Prints KTAP; exits with 1 if a test failed, 2 if none
 * ran.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <lib/assert.h>
#include <lib/ktest.h>

extern const struct ktest *const __start_ktests[];
extern const struct ktest *const __stop_ktests[];

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("panic: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	abort();
}

static void print_stdout(void *arg, const char *line)
{
	(void)arg;
	puts(line);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *filter = argc > 1 ? argv[1] : NULL;
	struct ktest_result result;

	result = ktest_run(__start_ktests, __stop_ktests, filter, print_stdout, NULL);
	if (!result.passed && !result.failed && !result.skipped)
		return 2;
	return result.failed ? 1 : 0;
}
