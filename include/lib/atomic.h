/* SPDX-License-Identifier: MIT */
/*
 * Atomic integers, memory barriers, and reference counts that saturate instead of wrapping.
 *
 * Order: atomic_read and atomic_set are relaxed; operations without a result (add, inc, or, ...)
 * are relaxed; operations with a result are full barriers unless their name ends in _acquire,
 * _release or _relaxed. Use an ordered name together with a comment that names the partner.
 */
#ifndef LIB_ATOMIC_H
#define LIB_ATOMIC_H

#include <lib/types.h>

typedef struct { int v; } atomic_t;
typedef struct { int64_t v; } atomic64_t;

#define ATOMIC_INIT(n)		{ .v = (n) }
#define ATOMIC64_INIT(n)	{ .v = (n) }

#define smp_mb()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()	__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()	__atomic_thread_fence(__ATOMIC_RELEASE)

#define smp_load_acquire(ptr)		__atomic_load_n(ptr, __ATOMIC_ACQUIRE)
#define smp_store_release(ptr, value)	__atomic_store_n(ptr, value, __ATOMIC_RELEASE)

/* Plain words and pointers; full barriers. cmpxchg returns what was found. */
#define xchg(ptr, value)	__atomic_exchange_n(ptr, value, __ATOMIC_SEQ_CST)
#define xchg_acquire(ptr, value)	__atomic_exchange_n(ptr, value, __ATOMIC_ACQUIRE)
#define xchg_release(ptr, value)	__atomic_exchange_n(ptr, value, __ATOMIC_RELEASE)

#define LIB_CMPXCHG(ptr, old, value, success, failure)			\
({									\
	__typeof__(*(ptr)) cx_old = (old);				\
	__atomic_compare_exchange_n(ptr, &cx_old, value, false, success, failure);	\
	cx_old;								\
})
#define cmpxchg(ptr, old, value)	\
	LIB_CMPXCHG(ptr, old, value, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define cmpxchg_acquire(ptr, old, value)	\
	LIB_CMPXCHG(ptr, old, value, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)
#define cmpxchg_release(ptr, old, value)	\
	LIB_CMPXCHG(ptr, old, value, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define cmpxchg_relaxed(ptr, old, value)	\
	LIB_CMPXCHG(ptr, old, value, __ATOMIC_RELAXED, __ATOMIC_RELAXED)

/* True if *@ptr was *@oldp and is now @value; else *@oldp holds what was found. Full barrier. */
#define try_cmpxchg(ptr, oldp, value)	\
	__atomic_compare_exchange_n(ptr, oldp, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* Operations that return the old (fetch_) and the new value, in one memory order. */
#define LIB_ATOMIC_ORDERED(prefix, type, word, suffix, order, fail_order)			\
static inline word prefix##_fetch_add##suffix(word n, type *a)					\
{ return __atomic_fetch_add(&a->v, n, order); }							\
static inline word prefix##_fetch_sub##suffix(word n, type *a)					\
{ return __atomic_fetch_sub(&a->v, n, order); }							\
static inline word prefix##_fetch_or##suffix(word n, type *a)					\
{ return __atomic_fetch_or(&a->v, n, order); }							\
static inline word prefix##_fetch_and##suffix(word n, type *a)					\
{ return __atomic_fetch_and(&a->v, n, order); }							\
static inline word prefix##_fetch_xor##suffix(word n, type *a)					\
{ return __atomic_fetch_xor(&a->v, n, order); }							\
static inline word prefix##_fetch_andnot##suffix(word n, type *a)				\
{ return __atomic_fetch_and(&a->v, ~n, order); }						\
static inline word prefix##_fetch_inc##suffix(type *a)						\
{ return __atomic_fetch_add(&a->v, 1, order); }							\
static inline word prefix##_fetch_dec##suffix(type *a)						\
{ return __atomic_fetch_sub(&a->v, 1, order); }							\
static inline word prefix##_add_return##suffix(word n, type *a)					\
{ return __atomic_add_fetch(&a->v, n, order); }							\
static inline word prefix##_sub_return##suffix(word n, type *a)					\
{ return __atomic_sub_fetch(&a->v, n, order); }							\
static inline word prefix##_inc_return##suffix(type *a)						\
{ return __atomic_add_fetch(&a->v, 1, order); }							\
static inline word prefix##_dec_return##suffix(type *a)						\
{ return __atomic_sub_fetch(&a->v, 1, order); }							\
static inline word prefix##_xchg##suffix(type *a, word n)					\
{ return __atomic_exchange_n(&a->v, n, order); }						\
static inline word prefix##_cmpxchg##suffix(type *a, word old, word n)				\
{ __atomic_compare_exchange_n(&a->v, &old, n, false, order, fail_order); return old; }		\
static inline bool prefix##_try_cmpxchg##suffix(type *a, word *old, word n)			\
{ return __atomic_compare_exchange_n(&a->v, old, n, false, order, fail_order); }

#define LIB_ATOMIC_TYPE(prefix, type, word)							\
LIB_ATOMIC_ORDERED(prefix, type, word, , __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)			\
LIB_ATOMIC_ORDERED(prefix, type, word, _acquire, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)		\
LIB_ATOMIC_ORDERED(prefix, type, word, _release, __ATOMIC_RELEASE, __ATOMIC_RELAXED)		\
LIB_ATOMIC_ORDERED(prefix, type, word, _relaxed, __ATOMIC_RELAXED, __ATOMIC_RELAXED)		\
static inline word prefix##_read(const type *a)							\
{ return __atomic_load_n(&a->v, __ATOMIC_RELAXED); }						\
static inline word prefix##_read_acquire(const type *a)						\
{ return __atomic_load_n(&a->v, __ATOMIC_ACQUIRE); }						\
static inline void prefix##_set(type *a, word n)						\
{ __atomic_store_n(&a->v, n, __ATOMIC_RELAXED); }						\
static inline void prefix##_set_release(type *a, word n)					\
{ __atomic_store_n(&a->v, n, __ATOMIC_RELEASE); }						\
static inline void prefix##_add(word n, type *a)						\
{ (void)__atomic_fetch_add(&a->v, n, __ATOMIC_RELAXED); }					\
static inline void prefix##_sub(word n, type *a)						\
{ (void)__atomic_fetch_sub(&a->v, n, __ATOMIC_RELAXED); }					\
static inline void prefix##_inc(type *a)							\
{ (void)__atomic_fetch_add(&a->v, 1, __ATOMIC_RELAXED); }					\
static inline void prefix##_dec(type *a)							\
{ (void)__atomic_fetch_sub(&a->v, 1, __ATOMIC_RELAXED); }					\
static inline void prefix##_or(word n, type *a)							\
{ (void)__atomic_fetch_or(&a->v, n, __ATOMIC_RELAXED); }					\
static inline void prefix##_and(word n, type *a)						\
{ (void)__atomic_fetch_and(&a->v, n, __ATOMIC_RELAXED); }					\
static inline void prefix##_andnot(word n, type *a)						\
{ (void)__atomic_fetch_and(&a->v, ~n, __ATOMIC_RELAXED); }					\
static inline bool prefix##_dec_and_test(type *a)						\
{ return __atomic_sub_fetch(&a->v, 1, __ATOMIC_SEQ_CST) == 0; }					\
static inline bool prefix##_sub_and_test(word n, type *a)					\
{ return __atomic_sub_fetch(&a->v, n, __ATOMIC_SEQ_CST) == 0; }					\
static inline bool prefix##_inc_and_test(type *a)						\
{ return __atomic_add_fetch(&a->v, 1, __ATOMIC_SEQ_CST) == 0; }					\
/* Adds @n unless the value is @bad; false if it was. */					\
static inline bool prefix##_add_unless(type *a, word n, word bad)				\
{												\
	word old = prefix##_read(a);								\
												\
	do {											\
		if (old == bad)									\
			return false;								\
	} while (!prefix##_try_cmpxchg(a, &old, old + n));					\
	return true;										\
}												\
static inline bool prefix##_inc_not_zero(type *a)						\
{ return prefix##_add_unless(a, 1, 0); }							\
/* Subtracts 1 if the result is not negative; the result either way. */				\
static inline word prefix##_dec_if_positive(type *a)						\
{												\
	word old = prefix##_read(a);								\
												\
	do {											\
		if (old - 1 < 0)								\
			break;									\
	} while (!prefix##_try_cmpxchg(a, &old, old - 1));					\
	return old - 1;										\
}

LIB_ATOMIC_TYPE(atomic, atomic_t, int)
LIB_ATOMIC_TYPE(atomic64, atomic64_t, int64_t)

/*
 * Reference counts. A count that would pass INT_MAX, or that is used after it reached 0, sticks at
 * REFCOUNT_SATURATED: the object leaks, which is safe, instead of being freed under its users.
 */
typedef struct { int v; } refcount_t;

#define REFCOUNT_INIT(n)	{ .v = (n) }
#define REFCOUNT_SATURATED	(INT32_MIN / 2)

/* Told of each misuse; the kernel points it at its logger. NULL: silent. */
extern void (*refcount_misuse_hook)(const refcount_t *r, const char *what);

void refcount_saturate(refcount_t *r, const char *what) __cold;

static inline void refcount_set(refcount_t *r, int n)
{
	__atomic_store_n(&r->v, n, __ATOMIC_RELAXED);
}

static inline int refcount_read(const refcount_t *r)
{
	return __atomic_load_n(&r->v, __ATOMIC_RELAXED);
}

/* The caller already holds a reference. */
static inline void refcount_add(int n, refcount_t *r)
{
	int old = __atomic_fetch_add(&r->v, n, __ATOMIC_RELAXED);

	if (unlikely(old <= 0 || old > INT32_MAX - n))
		refcount_saturate(r, old ? "overflow" : "use after free");
}

static inline void refcount_inc(refcount_t *r)
{
	refcount_add(1, r);
}

/* True if this dropped the last reference: the caller frees the object. */
static inline bool __must_check refcount_sub_and_test(int n, refcount_t *r)
{
	/* Release: our writes come before the free. Pairs with the acquire fence of who frees. */
	int old = __atomic_fetch_sub(&r->v, n, __ATOMIC_RELEASE);

	if (old == n) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		return true;
	}
	if (unlikely(old < n))
		refcount_saturate(r, "underflow");
	return false;
}

static inline bool __must_check refcount_dec_and_test(refcount_t *r)
{
	return refcount_sub_and_test(1, r);
}

/* For lookups without a lock: false if the object is already dying. */
static inline bool __must_check refcount_inc_not_zero(refcount_t *r)
{
	int old = refcount_read(r);

	do {
		if (!old)
			return false;
	} while (!__atomic_compare_exchange_n(&r->v, &old, old + 1, true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	if (unlikely(old < 0 || old == INT32_MAX))
		refcount_saturate(r, "overflow");
	return true;
}

/* Drops a reference unless it is the last: false means the caller still holds that one. */
static inline bool __must_check refcount_dec_not_one(refcount_t *r)
{
	int old = refcount_read(r);

	do {
		if (old == 1)
			return false;
	} while (!__atomic_compare_exchange_n(&r->v, &old, old - 1, true, __ATOMIC_RELEASE,
					      __ATOMIC_RELAXED));
	if (unlikely(old <= 0))
		refcount_saturate(r, "underflow");
	return true;
}

#endif
