/* SPDX-License-Identifier: MIT */
/*
 * Unit tests that run in the kernel and, for lib, on the host. A test is a function in a linker
 * section; KEXPECT_* records a failure and goes on, KASSERT_* records it and returns.
 *
 *	KTEST(list, add_keeps_order)
 *	{
 *		KEXPECT_EQ(1, 1);
 *	}
 *
 * The linker script keeps `.ktests` (pointers, sorted or not) between __ktests_start and
 * __ktests_end.
 */
#ifndef LIB_KTEST_H
#define LIB_KTEST_H

#include <lib/string.h>
#include <lib/types.h>

struct ktest {
	const char *suite;
	const char *name;
	void (*run)(void);
};

#ifdef LIB_HOST
/* a C identifier: the host's linker then defines its bounds */
#define KTEST_SECTION	"ktests"
#else
#define KTEST_SECTION	".ktests"
#endif

#define KTEST(suite, name)							\
	static void ktest_##suite##_##name(void);				\
	static const struct ktest ktest_desc_##suite##_##name = {		\
		#suite, #name, ktest_##suite##_##name,				\
	};									\
	static const struct ktest *const ktest_ptr_##suite##_##name		\
		__used __section(KTEST_SECTION) = &ktest_desc_##suite##_##name;	\
	static void ktest_##suite##_##name(void)

/* Where results go: whole lines, without the newline. */
typedef void ktest_print_fn(void *arg, const char *line);

struct ktest_result {
	unsigned int passed;
	unsigned int failed;
	unsigned int skipped;
};

/*
 * Runs the tests in [first, end) whose "suite.name" starts with @filter (NULL: all) and prints
 * KTAP. One run at a time; thread context, may sleep if the tests do.
 */
struct ktest_result ktest_run(const struct ktest *const *first, const struct ktest *const *end,
			      const char *filter, ktest_print_fn *print, void *arg);

/* Used by the macros; callable from threads that a test started. */
void ktest_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4) __cold;
/* Marks the running test as skipped, with the reason. */
void ktest_skip(const char *reason);
/* A line of diagnostics under the running test. */
void ktest_note(const char *fmt, ...) __printf(1, 2);

#define KTEST_CHECK(on_failure, cond, fmt, ...)				\
do {									\
	if (unlikely(!(cond))) {					\
		ktest_fail(__FILE__, __LINE__, fmt, ##__VA_ARGS__);	\
		on_failure;						\
	}								\
} while (0)

/* In 128 bits every integer keeps its value, so signed and unsigned compare as numbers. */
#define KTEST_COMPARE(on_failure, a, op, b)				\
do {									\
	__int128 kt_a = (a);						\
	__int128 kt_b = (b);						\
									\
	KTEST_CHECK(on_failure, kt_a op kt_b, "%s " #op " %s: %lld (%#llx) against %lld (%#llx)", \
		    #a, #b, (long long)kt_a, (unsigned long long)kt_a,	\
		    (long long)kt_b, (unsigned long long)kt_b);		\
} while (0)

#define KTEST_PTR(on_failure, a, op, b)					\
do {									\
	const void *kt_a = (a);						\
	const void *kt_b = (b);						\
									\
	KTEST_CHECK(on_failure, kt_a op kt_b, "%s " #op " %s: %p against %p", #a, #b, kt_a, kt_b); \
} while (0)

#define KTEST_STR(on_failure, a, b)					\
do {									\
	const char *kt_a = (a);						\
	const char *kt_b = (b);						\
									\
	KTEST_CHECK(on_failure, strcmp(kt_a, kt_b) == 0, "%s == %s: \"%s\" against \"%s\"",	\
		    #a, #b, kt_a, kt_b);				\
} while (0)

#define KTEST_MEM(on_failure, a, b, len)				\
	KTEST_CHECK(on_failure, memcmp(a, b, len) == 0, "%s and %s differ within %zu bytes",	\
		    #a, #b, (size_t)(len))

#define KEXPECT_TRUE(cond)	KTEST_CHECK((void)0, cond, "%s is false", #cond)
#define KEXPECT_FALSE(cond)	KTEST_CHECK((void)0, !(cond), "%s is true", #cond)
#define KEXPECT_EQ(a, b)	KTEST_COMPARE((void)0, a, ==, b)
#define KEXPECT_NE(a, b)	KTEST_COMPARE((void)0, a, !=, b)
#define KEXPECT_LT(a, b)	KTEST_COMPARE((void)0, a, <, b)
#define KEXPECT_LE(a, b)	KTEST_COMPARE((void)0, a, <=, b)
#define KEXPECT_GT(a, b)	KTEST_COMPARE((void)0, a, >, b)
#define KEXPECT_GE(a, b)	KTEST_COMPARE((void)0, a, >=, b)
#define KEXPECT_PTR_EQ(a, b)	KTEST_PTR((void)0, a, ==, b)
#define KEXPECT_PTR_NE(a, b)	KTEST_PTR((void)0, a, !=, b)
#define KEXPECT_NULL(a)		KTEST_PTR((void)0, a, ==, NULL)
#define KEXPECT_NOT_NULL(a)	KTEST_PTR((void)0, a, !=, NULL)
#define KEXPECT_STREQ(a, b)	KTEST_STR((void)0, a, b)
#define KEXPECT_MEMEQ(a, b, len)	KTEST_MEM((void)0, a, b, len)

#define KASSERT_TRUE(cond)	KTEST_CHECK(return, cond, "%s is false", #cond)
#define KASSERT_FALSE(cond)	KTEST_CHECK(return, !(cond), "%s is true", #cond)
#define KASSERT_EQ(a, b)	KTEST_COMPARE(return, a, ==, b)
#define KASSERT_NE(a, b)	KTEST_COMPARE(return, a, !=, b)
#define KASSERT_NOT_NULL(a)	KTEST_PTR(return, a, !=, NULL)

#define KSKIP(reason)							\
do {									\
	ktest_skip(reason);						\
	return;								\
} while (0)

/* A small seeded generator, so that a random test repeats exactly (splitmix64). */
static inline uint64_t ktest_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#endif
