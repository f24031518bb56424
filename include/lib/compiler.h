/* SPDX-License-Identifier: MIT */
/*
 * Compiler vocabulary: attributes, volatile accesses, container_of, IS_ENABLED. Includes nothing,
 * so every header may include it.
 */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)

#undef __always_inline
#define __always_inline		inline __attribute__((__always_inline__))
#define __noinline		__attribute__((__noinline__))
#define __must_check		__attribute__((__warn_unused_result__))
#define __noreturn		__attribute__((__noreturn__))
#define __printf(fmt, args)	__attribute__((__format__(__printf__, fmt, args)))
#define __aligned(n)		__attribute__((__aligned__(n)))
#define __packed		__attribute__((__packed__))
#define __section(name)		__attribute__((__section__(name)))
#define __used			__attribute__((__used__))
#define __weak			__attribute__((__weak__))
#define __cold			__attribute__((__cold__))
#define __maybe_unused		__attribute__((__unused__))
#define __pure			__attribute__((__pure__))
#define __const_fn		__attribute__((__const__))
#define __malloc_like		__attribute__((__malloc__))
#define fallthrough		__attribute__((__fallthrough__))

/* The compiler must not turn the loops of memcpy and friends into calls of themselves. */
#ifdef __clang__
#define __no_loop_idioms	__attribute__((no_builtin))
#else
#define __no_loop_idioms	__attribute__((__optimize__("no-tree-loop-distribute-patterns")))
#endif

/* Keeps the compiler (not the CPU) from moving memory accesses across this point. */
#define barrier()		__asm__ volatile("" ::: "memory")

/* Hides where a value came from, so that nothing is assumed about it. */
#define opaque_value(x)							\
({									\
	__typeof__(x) ov_value = (x);					\
	__asm__("" : "+r"(ov_value));					\
	ov_value;							\
})

/* One access, neither torn, repeated nor invented. For machine-word-sized objects only. */
#define READ_ONCE(x)							\
({									\
	_Static_assert(sizeof(x) <= sizeof(long), "READ_ONCE: not a machine word");	\
	*(const volatile __typeof__(x) *)&(x);				\
})
#define WRITE_ONCE(x, value)						\
do {									\
	_Static_assert(sizeof(x) <= sizeof(long), "WRITE_ONCE: not a machine word");	\
	*(volatile __typeof__(x) *)&(x) = (value);			\
} while (0)

#define offset_of(type, member)	__builtin_offsetof(type, member)
#define size_of_member(type, member)	sizeof(((type *)0)->member)

/* The structure of @type whose @member is at @ptr. A @ptr of another type does not compile. */
#define container_of(ptr, type, member)					\
({									\
	_Static_assert(__builtin_types_compatible_p(__typeof__(*(ptr)),	\
			__typeof__(((type *)0)->member)) ||		\
			__builtin_types_compatible_p(__typeof__(*(ptr)), void),	\
			"container_of: wrong pointer type");		\
	(type *)((char *)(ptr) - __builtin_offsetof(type, member));	\
})

/* Elements of an array; a pointer does not compile. */
#define ARRAY_SIZE(a)							\
	(sizeof(a) / sizeof((a)[0]) +					\
	 0 * sizeof(struct { int is_array : __builtin_types_compatible_p(	\
			__typeof__(a), __typeof__(&(a)[0])) ? -1 : 1; }))

#define LIB_PASTE_(a, b)	a##b
#define LIB_PASTE(a, b)		LIB_PASTE_(a, b)
#define UNIQUE_NAME(prefix)	LIB_PASTE(prefix, __COUNTER__)
#define LIB_STRINGIFY_(x)	#x
#define STRINGIFY(x)		LIB_STRINGIFY_(x)

/*
 * IS_ENABLED(CONFIG_X): 1 if X is y in the configuration, else 0, usable in C and in #if.
 * A set symbol is the macro 1, which makes kconfig_pick_1 a comma and moves the 1 into second
 * place.
 */
#define kconfig_pick_1		0,
#define kconfig_second(skip, value, ...) value
#define kconfig_is_set3(comma_or_junk)	kconfig_second(comma_or_junk 1, 0, 0)
#define kconfig_is_set2(value)	kconfig_is_set3(kconfig_pick_##value)
#define kconfig_is_set1(value)	kconfig_is_set2(value)
#define IS_ENABLED(option)	kconfig_is_set1(option)

#endif
