/* SPDX-License-Identifier: MIT */
/*
 * ASSERT for the debug configuration; ENSURE and BUG_ON for invariants that guard memory safety and
 * stay on in release. None is for input, exhaustion or a device's misbehaviour: those are errors.
 */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

#include <lib/compiler.h>

/* Defined by the kernel (prints, then stops the machine) and by the host test runner (aborts). */
__noreturn __cold __printf(1, 2) void panic(const char *fmt, ...);

#define ENSURE(cond)							\
do {									\
	if (unlikely(!(cond)))						\
		panic("%s:%d: %s: broken invariant: %s", __FILE__, __LINE__, __func__, #cond);	\
} while (0)

/* As ENSURE, with a message that shows the values. */
#define ENSURE_MSG(cond, fmt, ...)					\
do {									\
	if (unlikely(!(cond)))						\
		panic("%s:%d: %s: broken invariant: %s: " fmt, __FILE__, __LINE__, __func__,	\
		      #cond, ##__VA_ARGS__);				\
} while (0)

#define BUG_ON(cond)							\
do {									\
	if (unlikely(cond))						\
		panic("%s:%d: %s: bug: %s", __FILE__, __LINE__, __func__, #cond);	\
} while (0)

#define BUG()	panic("%s:%d: %s: unreachable", __FILE__, __LINE__, __func__)

/* In release the condition is still compiled, never evaluated. */
#define ASSERT(cond)							\
do {									\
	if (IS_ENABLED(CONFIG_DEBUG_ASSERT))				\
		ENSURE(cond);						\
	else								\
		(void)sizeof(!(cond));					\
} while (0)

#endif
