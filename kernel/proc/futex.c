/* SPDX-License-Identifier: MIT */
/*
 * Futexes: sleeping on user words.  Priority inheritance is in futex_pi.c, the end of a thread in
 * futex_exit.c.
 *
 * The problem: a waiter sleeps only if the word still has its value, and a waker that changed the
 * word first must find it; the usual wake-up finds nobody and has to cost nothing.
 *
 * I1  A waiter counts itself in bucket.nr, then reads the word, both under the bucket's lock.  A
 *     waker changed the word, then reads bucket.nr.  Full barriers stand between, so either the
 *     waiter sees the new word or the waker the waiter.
 * I2  waiter.bucket is NULL exactly when somebody else took the waiter off its queue; from that
 *     store on its memory is its thread's again, which may have ended.  A waker holds the bucket's
 *     lock from before it until after the wake-up, with preemption off, so the struct thread is
 *     still there (RCU).
 * I3  The word is read and changed under a bucket's lock without serving faults.  A fault drops the
 *     lock, is served, and the operation starts again from the key.
 *
 * Nothing is allocated: waiters are on stacks, buckets are made at boot by the number of CPUs and
 * the size of memory.
 */
#include <generated/syscall_protos.h>
#include <kernel/futex.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "futex_internal.h"
#include "proc.h"

#define BUCKETS_PER_CPU	64u

static struct futex_bucket *buckets;	/* [I] after boot */
static uint32_t bucket_mask;

struct futex_bucket *futex_bucket_of(const struct mem_key *key)
{
	uint64_t h = (key->offset >> 2 ^ key->object >> 4) * 0x9e3779b97f4a7c15ULL;

	return &buckets[(uint32_t)(h >> 32) & bucket_mask];
}

static inline int check_word(uaddr_t addr)
{
	if (unlikely(addr.v & 3))
		return -EINVAL;
	return likely(user_range_ok(addr, sizeof(uint32_t))) ? 0 : -EFAULT;
}

static __always_inline int key_of(uaddr_t addr, bool shared, struct mem_key *key)
{
	int err = check_word(addr);

	if (unlikely(err))
		return err;
	if (unlikely(shared))
		return aspace_key(addr, true, key);
	*key = (struct mem_key){ (uint64_t)(uintptr_t)current_thread()->aspace, addr.v, false };
	return 0;
}

int futex_key(uaddr_t addr, bool shared, struct mem_key *key)
{
	return key_of(addr, shared, key);
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a <= b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock(a <= b ? &b->lock : &a->lock);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a != b)
		spin_unlock(a <= b ? &b->lock : &a->lock);
	spin_unlock(a <= b ? &a->lock : &b->lock);
}

void futex_waiter_init(struct futex_waiter *w, enum futex_waiter_kind kind, uint32_t bitset)
{
	w->bucket = NULL;
	w->thread = current_thread();
	w->bitset = bitset;
	w->kind = kind;
	w->owner = NULL;
	w->orphaned = false;
}

static inline void count(struct futex_bucket *b, uint32_t change)
{
	__atomic_store_n(&b->nr, b->nr + change, __ATOMIC_RELAXED);
}

void futex_enqueue(struct futex_bucket *b, struct futex_waiter *w)
{
	count(b, 1);
	__atomic_store_n(&w->bucket, b, __ATOMIC_RELAXED);
	list_add_tail(&w->node, &b->waiters);
}

void futex_dequeue(struct futex_bucket *b, struct futex_waiter *w)
{
	list_del(&w->node);
	count(b, (uint32_t)-1);
}

void futex_wake_waiter(struct futex_bucket *b, struct futex_waiter *w, bool sync)
{
	struct thread *t = w->thread;

	futex_dequeue(b, w);
	/* I2; pairs with the load in futex_sleep() */
	__atomic_store_n(&w->bucket, NULL, __ATOMIC_RELEASE);
	if (sync)
		thread_wake_sync(t);
	else
		thread_wake(t);
}

int futex_wait_setup(struct futex_waiter *w, uaddr_t addr, bool shared, uint32_t val)
{
	struct futex_bucket *b;
	uint32_t found;
	int err;

	for (;;) {
		err = key_of(addr, shared, &w->key);
		if (unlikely(err))
			return err;
		b = futex_bucket_of(&w->key);
		spin_lock(&b->lock);
		futex_enqueue(b, w);
		/* I1: pairs with the one in wake() */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		err = futex_read_locked(addr, &found);
		if (likely(!err) && likely(found == val)) {
			spin_unlock(&b->lock);
			return 0;
		}
		futex_dequeue(b, w);
		spin_unlock(&b->lock);
		if (!err)
			return -EAGAIN;
		if (get_user(&found, addr))		/* I3 */
			return -EFAULT;
	}
}

bool futex_unqueue(struct futex_waiter *w)
{
	struct futex_bucket *b;

	/* A requeue may move it while we go for the lock. */
	while ((b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE))) {
		spin_lock(&b->lock);
		if (likely(b == w->bucket)) {
			futex_dequeue(b, w);
			w->bucket = NULL;
			spin_unlock(&b->lock);
			return true;
		}
		spin_unlock(&b->lock);
	}
	return false;
}

int futex_sleep(struct futex_waiter *w, struct deadline *d)
{
	int err = 0;

	deadline_begin(d);
	while (!err) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		/* Acquire pairs with futex_wake_waiter(). */
		if (!__atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE) ||
		    __atomic_load_n(&w->orphaned, __ATOMIC_ACQUIRE))
			break;
		err = deadline_wait(d);
	}
	thread_set_state(THREAD_RUNNING);
	deadline_end(d);
	return err && futex_unqueue(w) ? err : 0;
}

/*
 * Whoever blocked since its last wake-up here will probably block again soon: then the woken thread
 * takes over this CPU instead of being sent to another.
 */
static bool waker_will_block(void)
{
	struct thread *t = current_thread();
	uint64_t now = t->sched.switches_voluntary;
	bool blocked = now != t->futex_wake_mark;

	t->futex_wake_mark = now;
	return blocked;
}

static __noinline long wake_in(struct futex_bucket *b, const struct mem_key *key, int nr,
			       uint32_t bitset)
{
	struct futex_waiter *w, *next;
	long woken = 0;

	spin_lock(&b->lock);
	list_for_each_entry_safe(w, next, &b->waiters, node) {
		if (!futex_keys_equal(&w->key, key))
			continue;
		if (unlikely(w->kind != FUTEX_PLAIN)) {
			woken = -EINVAL;
			break;
		}
		if (!(w->bitset & bitset))
			continue;
		futex_wake_waiter(b, w, nr == 1 && waker_will_block());
		if (++woken >= nr)
			break;
	}
	spin_unlock(&b->lock);
	return woken;
}

static long wake(uaddr_t addr, bool shared, int nr, uint32_t bitset)
{
	struct futex_bucket *b;
	struct mem_key key;
	int err;

	if (!bitset)
		return -EINVAL;
	err = key_of(addr, shared, &key);
	if (unlikely(err))
		return err;
	b = futex_bucket_of(&key);
	/* I1: pairs with the one in futex_wait_setup() */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(&b->nr, __ATOMIC_RELAXED)))
		return 0;
	return wake_in(b, &key, nr, bitset);
}

void futex_wake_user(uaddr_t addr, unsigned int nr)
{
	(void)wake(addr, true, (int)nr, FUTEX_BITSET_MATCH_ANY);
}

struct wait_args {
	uaddr_t addr;
	uint32_t val, bitset;
	bool shared;
};

static long restart_wait(struct thread *t);

static long wait(const struct wait_args *a, struct deadline *d)
{
	struct thread *t = current_thread();
	struct futex_waiter w;
	int err;

	if (!a->bitset)
		return -EINVAL;
	futex_waiter_init(&w, FUTEX_PLAIN, a->bitset);
	err = futex_wait_setup(&w, a->addr, a->shared, a->val);
	if (!err)
		err = futex_sleep(&w, d);
	if (likely(err != -ERESTARTSYS) || d->ns == WAIT_FOREVER)
		return err;
	t->restart.fn = restart_wait;
	t->restart.arg[0] = a->addr.v;
	t->restart.arg[1] = (uint64_t)a->val << 32 | a->bitset;
	t->restart.arg[2] = (uint64_t)d->ns;
	t->restart.arg[3] = (uint64_t)a->shared | (uint64_t)d->realtime << 1;
	return -ERESTART_RESTARTBLOCK;
}

static long restart_wait(struct thread *t)
{
	struct wait_args a = {
		.addr = UADDR(t->restart.arg[0]), .val = (uint32_t)(t->restart.arg[1] >> 32),
		.bitset = (uint32_t)t->restart.arg[1], .shared = t->restart.arg[3] & 1,
	};
	struct deadline d = { .ns = (int64_t)t->restart.arg[2], .realtime = t->restart.arg[3] >> 1 &
			      1 };

	return wait(&a, &d);
}

static void requeue_waiter(struct futex_waiter *w, struct futex_bucket *from,
			   struct futex_bucket *to, const struct mem_key *key)
{
	w->key = *key;
	if (from == to)
		return;
	futex_dequeue(from, w);
	futex_enqueue(to, w);
}

struct requeue_args {
	uaddr_t from, to;
	int nr_wake, nr_requeue;
	bool shared, compare;
	uint32_t val;
};

/* Both buckets locked.  The number woken and moved, or -EINVAL. */
static long requeue_locked(const struct requeue_args *a, const struct mem_key key[2],
			   struct futex_bucket *const b[2])
{
	struct futex_waiter *w, *next;
	long done = 0;

	list_for_each_entry_safe(w, next, &b[0]->waiters, node) {
		if (!futex_keys_equal(&w->key, &key[0]))
			continue;
		if (w->kind != FUTEX_PLAIN)
			return -EINVAL;
		if (done >= (long)a->nr_wake + a->nr_requeue)
			break;
		if (done < a->nr_wake)
			futex_wake_waiter(b[0], w, false);
		else
			requeue_waiter(w, b[0], b[1], &key[1]);
		done++;
	}
	return done;
}

static long requeue(const struct requeue_args *a)
{
	struct futex_bucket *b[2];
	struct mem_key key[2];
	uint32_t found;
	long ret;
	int err;

	if (a->nr_wake < 0 || a->nr_requeue < 0)
		return -EINVAL;
	for (;;) {
		err = futex_key(a->from, a->shared, &key[0]);
		if (!err)
			err = futex_key(a->to, a->shared, &key[1]);
		if (err)
			return err;
		b[0] = futex_bucket_of(&key[0]);
		b[1] = futex_bucket_of(&key[1]);
		futex_lock_two(b[0], b[1]);
		err = a->compare ? futex_read_locked(a->from, &found) : 0;
		if (!err)
			ret = a->compare && found != a->val ? -EAGAIN : requeue_locked(a, key, b);
		futex_unlock_two(b[0], b[1]);
		if (!err)
			return ret;
		if (get_user(&found, a->from))		/* I3 */
			return -EFAULT;
	}
}

static int32_t sign_extend12(uint32_t v)
{
	return (int32_t)(v << 20) >> 20;
}

/*
 * The change that FUTEX_WAKE_OP encodes in @code, on the word at @addr; under locks.  -EFAULT,
 * -ENOSYS.
 */
static int change_word(uaddr_t addr, uint32_t code, uint32_t *old)
{
	static const enum user_atomic ops[] = { USER_XCHG, USER_ADD, USER_OR, USER_AND, USER_XOR };
	uint32_t op = code >> 28 & 7, arg = (uint32_t)sign_extend12(code >> 12 & 0xfff);
	int err;

	if (code >> 28 & FUTEX_OP_OPARG_SHIFT)
		arg = 1u << (arg & 31);
	if (op > FUTEX_OP_XOR)
		return -ENOSYS;
	if (op == FUTEX_OP_ANDN)
		arg = ~arg;
	pagefault_disable();
	err = arch_user_atomic32(ops[op], addr, arg, old);
	pagefault_enable();
	return err;
}

/* -1: an unknown comparison. */
static int compare_old(uint32_t code, uint32_t old_word)
{
	int32_t old = (int32_t)old_word, arg = sign_extend12(code & 0xfff);

	switch (code >> 24 & 15) {
	case FUTEX_OP_CMP_EQ: return old == arg;
	case FUTEX_OP_CMP_NE: return old != arg;
	case FUTEX_OP_CMP_LT: return old < arg;
	case FUTEX_OP_CMP_LE: return old <= arg;
	case FUTEX_OP_CMP_GT: return old > arg;
	case FUTEX_OP_CMP_GE: return old >= arg;
	}
	return -1;
}

static long wake_matching_locked(struct futex_bucket *b, const struct mem_key *key, int nr)
{
	struct futex_waiter *w, *next;
	long woken = 0;

	list_for_each_entry_safe(w, next, &b->waiters, node) {
		if (!futex_keys_equal(&w->key, key))
			continue;
		if (w->kind != FUTEX_PLAIN)
			return -EINVAL;
		futex_wake_waiter(b, w, false);
		if (++woken >= nr)
			break;
	}
	return woken;
}

/*
 * Change the second word; wake waiters of the first, and of the second if its old value compares.
 */
static long wake_op(const struct requeue_args *a)
{
	struct futex_bucket *b[2];
	struct mem_key key[2];
	long woken, more;
	uint32_t old;
	int err;

	if (compare_old(a->val, 0) < 0)
		return -ENOSYS;
	for (;;) {
		err = futex_key(a->from, a->shared, &key[0]);
		if (!err)
			err = futex_key(a->to, a->shared, &key[1]);
		if (err)
			return err;
		b[0] = futex_bucket_of(&key[0]);
		b[1] = futex_bucket_of(&key[1]);
		futex_lock_two(b[0], b[1]);
		err = change_word(a->to, a->val, &old);
		if (err != -EFAULT)
			break;
		futex_unlock_two(b[0], b[1]);
		if (futex_fault_in(a->to))		/* I3 */
			return -EFAULT;
	}
	woken = err ? err : wake_matching_locked(b[0], &key[0], a->nr_wake);
	if (woken >= 0 && compare_old(a->val, old)) {
		more = wake_matching_locked(b[1], &key[1], a->nr_requeue);
		woken = more < 0 ? more : woken + more;
	}
	futex_unlock_two(b[0], b[1]);
	return woken;
}

/* The caller's time limit for operation @cmd. */
static int read_deadline(uaddr_t timeout, unsigned int cmd, unsigned int op, struct deadline *d)
{
	struct timespec ts;
	int64_t ns;

	*d = (struct deadline)DEADLINE_MONOTONIC(WAIT_FOREVER);
	if (!timeout.v)
		return 0;
	if (copy_from_user(&ts, timeout, sizeof(ts)))
		return -EFAULT;
	if (!timespec_is_valid(ts))
		return -EINVAL;
	ns = timespec_to_ns(ts);
	if (cmd == FUTEX_WAIT) {
		d->ns = clock_ns_after(ns);
		return 0;
	}
	d->ns = ns;
	d->realtime = cmd == FUTEX_LOCK_PI || (op & FUTEX_CLOCK_REALTIME);
	return 0;
}

static __noinline long futex_rare(const struct requeue_args *a, unsigned int op, uaddr_t timeout)
{
	unsigned int cmd = op & (unsigned int)FUTEX_CMD_MASK;
	struct deadline d;
	int err;

	switch (cmd) {
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
		return requeue(a);
	case FUTEX_WAKE_OP:
		return wake_op(a);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(a->from, a->shared);
	case FUTEX_TRYLOCK_PI:
		return futex_trylock_pi(a->from, a->shared);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_cmp_requeue_pi(a->from, a->to, a->shared, a->nr_wake, a->nr_requeue,
					    a->val);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		break;
	default:
		return -ENOSYS;
	}
	err = read_deadline(timeout, cmd, op, &d);
	if (err)
		return err;
	if (cmd == FUTEX_WAIT_REQUEUE_PI)
		return futex_wait_requeue_pi(a->from, a->to, a->shared, (uint32_t)a->nr_wake, &d);
	return futex_lock_pi(a->from, a->shared, &d);
}

/* All but the plain FUTEX_WAKE, whose caller should not pay for their frame. */
static __noinline long futex_other(uaddr_t addr, unsigned int op, unsigned int val, uaddr_t timeout,
				   uaddr_t addr2, unsigned int val3)
{
	unsigned int cmd = op & (unsigned int)FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG);

	if (unlikely(op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET &&
	    cmd != FUTEX_WAIT_REQUEUE_PI && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET) {
		struct wait_args a = { addr, val, cmd == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : val3,
				       shared };
		struct deadline d;
		int err = read_deadline(timeout, cmd, op, &d);

		return err ? err : wait(&a, &d);
	}
	if (cmd == FUTEX_WAKE_BITSET)
		return wake(addr, shared, (int)val, val3);
	return futex_rare(&(struct requeue_args){
		.from = addr, .to = addr2, .nr_wake = (int)val, .nr_requeue = (int)timeout.v,
		.shared = shared,
		.compare = cmd == FUTEX_CMP_REQUEUE, .val = val3 }, op, timeout);
}

long sys_futex(uaddr_t addr, unsigned int op, unsigned int val, uaddr_t timeout, uaddr_t addr2,
	       unsigned int val3)
{
	if ((op & ~(unsigned int)FUTEX_PRIVATE_FLAG) == FUTEX_WAKE)
		return wake(addr, !(op & FUTEX_PRIVATE_FLAG), (int)val, FUTEX_BITSET_MATCH_ANY);
	return futex_other(addr, op, val, timeout, addr2, val3);
}

/* Memory for the table is at most a 4096th of what there is. */
static int futex_init(void)
{
	uint32_t nr = 16;
	struct page_stats mem;
	uint64_t limit;

	page_stats(&mem);
	limit = mem.total * PAGE_SIZE / 4096 / sizeof(struct futex_bucket);
	while (nr < BUCKETS_PER_CPU * nr_cpus && nr * 2 <= limit)
		nr *= 2;
	buckets = kvmalloc(nr * sizeof(*buckets), 0);
	if (!buckets)
		panic("futex: no memory");
	for (uint32_t i = 0; i < nr; i++) {
		spinlock_init(&buckets[i].lock, FUTEX);
		buckets[i].nr = 0;
		list_init(&buckets[i].waiters);
	}
	bucket_mask = nr - 1;
	return 0;
}
INITCALL(INIT_SUBSYSTEM, futex_init);
