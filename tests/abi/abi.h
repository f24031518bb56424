/* SPDX-License-Identifier: MIT */
/*
 * What the ABI tests are written with. A test prints lines that depend on the ABI alone (no
 * addresses, no times, no numbers of processes), so that its output is the same on every correct
 * kernel; nothing is judged here. tests/abi/run compares the columns.
 */
#ifndef ABI_H
#define ABI_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct abi_test {
	const char *name;
	void (*run)(void);
	struct abi_test *next;
};

void abi_register(struct abi_test *test);

/*
 * A test runs in a process, process group and empty directory of its own, for at most 20 seconds.
 */
#define ABI_TEST(group, test)							\
	static void abi_##group##_##test(void);					\
	static struct abi_test abi_desc_##group##_##test =			\
		{ #group "." #test, abi_##group##_##test, NULL };		\
	__attribute__((constructor)) static void abi_add_##group##_##test(void)	\
	{									\
		abi_register(&abi_desc_##group##_##test);			\
	}									\
	static void abi_##group##_##test(void)

/* The path of this program, for tests that execute it again as "PROGRAM @MODE ..." */
extern const char *abi_program;
/* A mode that such a test runs in: returns the exit status. */
int abi_exec_mode(int argc, char **argv);

/* One line, written at once. */
__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);
const char *errno_name(int err);
/* Prints what a call gave: the value, or -1 and the error's name. Returns the value. */
long show(const char *what, long value);
/* The same for results that differ from run to run: "ok" for any that is not negative. */
long show_ok(const char *what, long value);
/* How a child ended. */
void show_status(const char *what, int status);
/* Fork; the child runs @fn(arg) and exits with its result. */
pid_t spawn(int (*fn)(void *arg), void *arg);
/* Spawn, wait, show. */
void run_child(const char *what, int (*fn)(void *arg), void *arg);
void sleep_ms(long ms);
int64_t now_ns(clockid_t clock);

#define TRY(expr)	show(#expr, (long)(expr))
#define TRY_OK(expr)	show_ok(#expr, (long)(expr))

#endif
