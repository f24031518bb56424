/* SPDX-License-Identifier: MIT */
/*
 * Priority-inheriting futexes.  Before: futex.c.
 *
 * The word holds the owner's thread id, FUTEX_WAITERS when unlocking must come to the kernel, and
 * FUTEX_OWNER_DIED.  The kernel hands ownership over: UNLOCK_PI writes the next owner's id and
 * wakes it, so a woken waiter owns the lock.
 *
 * P1  The word changes under its bucket's lock when the kernel changes it; user mode may change it
 *     at any time by compare-and-exchange, so the kernel does the same.
 * P2  Each queued waiter is in pi_waiters of the thread that its word named when it was queued or
 *     last handed over; an owner that ends orphans all of them, and each tries again.
 * P3  An owner with a waiter of a higher real-time priority runs as SCHED_FIFO with that priority
 *     until the waiter is gone.
 *
 * Not done: inheritance goes one step, not along a chain of owners; nice values are not inherited;
 * a change of the owner's policy while it is boosted is lost when the boost ends; a cycle of
 * several locks is not detected (a lock of one's own is); a child forked by a boosted thread starts
 * with the boost.
 */
#include <lib/err.h>

#include "futex_internal.h"
#include "proc.h"

#define TRIES 16	/* of a word that user mode keeps changing, before the lock is dropped */

static struct spinlock pi_lock = SPINLOCK_INIT(FUTEX_PI);

static bool is_rt(const struct thread *t)
{
	return t->sched.class == SCHED_CLASS_RT;
}

static uint8_t best_priority(const struct thread *owner)
{
	struct hlist_node *n;
	uint8_t best = 0;

	for (n = owner->pi_waiters.first; n; n = n->next) {
		const struct futex_waiter *w = container_of(n, struct futex_waiter, owner_node);

		if (is_rt(w->thread) && w->thread->sched.rt_priority > best)
			best = w->thread->sched.rt_priority;
	}
	return best;
}

/* P3: make @owner's priority what its waiters ask for.  pi_lock held. */
static void update_boost(struct thread *owner)
{
	uint8_t best = best_priority(owner);
	struct sched_params p;

	if (!best && !owner->pi_base.boosted)
		return;
	sched_get_params(owner, &p);
	if (!owner->pi_base.boosted) {
		owner->pi_base.policy = (uint8_t)p.policy;
		owner->pi_base.rt_priority = (uint8_t)p.rt_priority;
	}
	if (best > owner->pi_base.rt_priority) {
		owner->pi_base.boosted = true;
		p.policy = SCHED_FIFO;
		p.rt_priority = best;
	} else if (owner->pi_base.boosted) {
		owner->pi_base.boosted = false;
		p.policy = owner->pi_base.policy;
		p.rt_priority = owner->pi_base.rt_priority;
	} else {
		return;
	}
	(void)!sched_set_params(owner, &p);
}

static void detach_locked(struct futex_waiter *w)
{
	struct thread *owner = w->owner;

	if (!owner)
		return;
	hlist_del(&w->owner_node);
	w->owner = NULL;
	update_boost(owner);
}

static void detach(struct futex_waiter *w)
{
	spin_lock(&pi_lock);
	detach_locked(w);
	spin_unlock(&pi_lock);
}

static void attach_locked(struct futex_waiter *w, struct thread *owner)
{
	detach_locked(w);
	w->owner = owner;
	hlist_add_head(&w->owner_node, &owner->pi_waiters);
	update_boost(owner);
}

/* P2.  -EAGAIN: the owner is ending, look again.  -ESRCH: it has ended. */
static int attach(struct futex_waiter *w, struct thread *owner)
{
	uint32_t state;

	spin_lock(&pi_lock);
	/* Pairs with futex_thread_exit(): either it sees the waiter, or we its state. */
	attach_locked(w, owner);
	state = __atomic_load_n(&owner->futex_exit, __ATOMIC_SEQ_CST);
	if (state != FUTEX_ALIVE)
		detach_locked(w);
	spin_unlock(&pi_lock);
	return state == FUTEX_ALIVE ? 0 : state == FUTEX_EXITING ? -EAGAIN : -ESRCH;
}

void futex_pi_orphan_waiters(struct thread *t)
{
	struct futex_waiter *w;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!t->pi_waiters.first)
		return;
	spin_lock(&pi_lock);
	while (t->pi_waiters.first) {
		w = container_of(t->pi_waiters.first, struct futex_waiter, owner_node);
		detach_locked(w);
		/* It cannot end before it has had pi_lock, in detach(). */
		__atomic_store_n(&w->orphaned, true, __ATOMIC_RELEASE);
		thread_wake(w->thread);
	}
	spin_unlock(&pi_lock);
}

/*
 * The waiter of @key to go next: the highest real-time priority, else the one that waits longest.
 * @others: are there more?
 */
static struct futex_waiter *next_waiter(struct futex_bucket *b, const struct mem_key *key,
					bool *others)
{
	struct futex_waiter *w, *best = NULL;

	*others = false;
	list_for_each_entry(w, &b->waiters, node) {
		if (w->kind != FUTEX_PI || !futex_keys_equal(&w->key, key))
			continue;
		*others = best != NULL;
		if (!best || (is_rt(w->thread) && (!is_rt(best->thread) ||
						   w->thread->sched.rt_priority >
						   best->thread->sched.rt_priority)))
			best = w;
	}
	return best;
}

struct claim {
	uaddr_t addr;
	const struct mem_key *key;
	struct futex_bucket *bucket;	/* locked */
	struct thread *thread;		/* on whose behalf */
	bool from_dead;			/* an owner that has ended may be robbed */
	struct thread *owner;		/* out, with -EBUSY: counted */
	uint32_t owner_tid;		/* out, with -EBUSY and -ESRCH */
};

static struct thread *live_owner(uint32_t tid)
{
	struct thread *t = thread_get((int)tid);

	if (t && (!t->aspace || __atomic_load_n(&t->futex_exit, __ATOMIC_ACQUIRE) ==
		  FUTEX_EXITED)) {
		thread_put(t);
		t = NULL;
	}
	return t;
}

/*
 * Take a free word, or note in a taken one that somebody waits.  1: done; 0: it changed, try again.
 */
static int claim_word(struct claim *c, uint32_t v, bool is_free)
{
	uint32_t desired = v | FUTEX_WAITERS, found;
	bool others;

	if (is_free) {
		desired = (uint32_t)c->thread->pid->nr | (v & FUTEX_OWNER_DIED);
		if (v & FUTEX_TID_MASK)
			desired |= FUTEX_OWNER_DIED;
		if (next_waiter(c->bucket, c->key, &others))
			desired |= FUTEX_WAITERS;
	}
	if (desired == v)
		return 1;
	if (futex_cmpxchg_locked(c->addr, v, desired, &found))
		return -EFAULT;
	return found == v;
}

/*
 * 0: the word names c->thread now.  -EBUSY: c->owner has it and will find FUTEX_WAITERS.  -EDEADLK:
 * it is its own.  -ESRCH: the word names nobody.  -EAGAIN: it keeps changing.  -EFAULT: to be
 * served.
 */
static int claim(struct claim *c)
{
	for (unsigned int i = 0; i < TRIES; i++) {
		struct thread *owner = NULL;
		uint32_t v, tid;
		int done;

		if (futex_read_locked(c->addr, &v))
			return -EFAULT;
		tid = v & FUTEX_TID_MASK;
		if (tid == (uint32_t)c->thread->pid->nr)
			return -EDEADLK;
		c->owner_tid = tid;
		if (tid) {
			owner = live_owner(tid);
			if (!owner && !c->from_dead)
				return -ESRCH;
		}
		done = claim_word(c, v, !owner);
		if (done > 0 && owner) {
			c->owner = owner;
			return -EBUSY;
		}
		if (owner)
			thread_put(owner);
		if (done)
			return done < 0 ? done : 0;
	}
	return -EAGAIN;
}

enum lock_step { STEP_DONE, STEP_AGAIN, STEP_SLEEP };

struct pi_wait {
	struct futex_waiter w;
	struct claim claim;
	bool shared, try;
	/* an owner that was found ended once: the second time it is an error */
	uint32_t dead_tid;
};

/* What an attempt that failed with @err means; no lock held. */
static enum lock_step after_failure(struct pi_wait *p, int *err)
{
	if (*err == -EFAULT) {
		if (!futex_fault_in(p->claim.addr))
			return STEP_AGAIN;
	} else if (*err == -EAGAIN) {
		if (signal_is_pending()) {
			*err = -ERESTARTNOINTR;
			return STEP_DONE;
		}
		sched_yield_current();
		return STEP_AGAIN;
	} else if (*err == -ESRCH && p->dead_tid != p->claim.owner_tid) {
		/* Its end may have changed the word after we read it. */
		p->dead_tid = p->claim.owner_tid;
		return STEP_AGAIN;
	}
	return STEP_DONE;
}

/* One attempt: own it, queue for it, or find out why not. */
static enum lock_step try_lock_pi(struct pi_wait *p, int *err)
{
	struct claim *c = &p->claim;
	struct futex_bucket *b;

	*err = futex_key(c->addr, p->shared, &p->w.key);
	if (*err)
		return STEP_DONE;
	b = futex_bucket_of(&p->w.key);
	c->key = &p->w.key;
	c->bucket = b;
	spin_lock(&b->lock);
	*err = claim(c);
	if (*err == -EBUSY && !p->try) {
		futex_enqueue(b, &p->w);
		*err = attach(&p->w, c->owner);
		if (*err) {
			futex_dequeue(b, &p->w);
			p->w.bucket = NULL;
		}
		spin_unlock(&b->lock);
		thread_put(c->owner);
		return *err ? after_failure(p, err) : STEP_SLEEP;
	}
	spin_unlock(&b->lock);
	if (*err == -EBUSY) {
		thread_put(c->owner);
		*err = -EAGAIN;		/* trylock's answer */
		return STEP_DONE;
	}
	return *err ? after_failure(p, err) : STEP_DONE;
}

static long lock_pi(struct pi_wait *p, struct deadline *d)
{
	enum lock_step step;
	int err;

	for (;;) {
		while ((step = try_lock_pi(p, &err)) == STEP_AGAIN)
			;
		if (step == STEP_DONE)
			return err;
		err = futex_sleep(&p->w, d);
		/* Orphaned, it is still queued; handed over, it is not. */
		if (!err && !futex_unqueue(&p->w)) {
			detach(&p->w);
			return 0;
		}
		detach(&p->w);
		if (err)
			return err == -ERESTARTSYS ? -ERESTARTNOINTR : err;
		p->claim.from_dead = true;
		futex_waiter_init(&p->w, FUTEX_PI, FUTEX_BITSET_MATCH_ANY);
	}
}

long futex_lock_pi(uaddr_t addr, bool shared, struct deadline *d)
{
	struct pi_wait p = { .claim = { .addr = addr, .thread = current_thread() },
			     .shared = shared };

	futex_waiter_init(&p.w, FUTEX_PI, FUTEX_BITSET_MATCH_ANY);
	return lock_pi(&p, d);
}

long futex_trylock_pi(uaddr_t addr, bool shared)
{
	struct pi_wait p = { .claim = { .addr = addr, .thread = current_thread() },
			     .shared = shared, .try = true };
	struct deadline never = DEADLINE_MONOTONIC(WAIT_FOREVER);

	return lock_pi(&p, &never);
}

/* @to owns the word of @key now: those who go on waiting for it wait for @to.  Bucket locked. */
static void move_waiters(struct futex_bucket *b, const struct mem_key *key, struct futex_waiter *to)
{
	struct futex_waiter *w;

	spin_lock(&pi_lock);
	detach_locked(to);
	list_for_each_entry(w, &b->waiters, node)
		if (w != to && w->kind == FUTEX_PI && futex_keys_equal(&w->key, key))
			attach_locked(w, to->thread);
	spin_unlock(&pi_lock);
}

/* Bucket locked.  0, -EPERM (not the caller's), -EFAULT (to be served), -EAGAIN. */
static int hand_over(uaddr_t addr, const struct mem_key *key, struct futex_bucket *b)
{
	uint32_t tid = (uint32_t)current_thread()->pid->nr, v, found, desired;

	for (unsigned int i = 0; i < TRIES; i++) {
		struct futex_waiter *w;
		bool others;

		if (futex_read_locked(addr, &v))
			return -EFAULT;
		if ((v & FUTEX_TID_MASK) != tid)
			return -EPERM;
		w = next_waiter(b, key, &others);
		desired = w ? (uint32_t)w->thread->pid->nr | (others ? FUTEX_WAITERS : 0) : 0;
		if (futex_cmpxchg_locked(addr, v, desired, &found))
			return -EFAULT;
		if (found != v)
			continue;
		if (w) {
			move_waiters(b, key, w);
			futex_wake_waiter(b, w, false);
		}
		return 0;
	}
	return -EAGAIN;
}

long futex_unlock_pi(uaddr_t addr, bool shared)
{
	struct futex_bucket *b;
	struct mem_key key;
	int err;

	for (;;) {
		err = futex_key(addr, shared, &key);
		if (err)
			return err;
		b = futex_bucket_of(&key);
		spin_lock(&b->lock);
		err = hand_over(addr, &key, b);
		spin_unlock(&b->lock);
		if (err == -EFAULT && !futex_fault_in(addr))
			continue;
		if (err != -EAGAIN)
			return err;
		if (signal_is_pending())
			return -ERESTARTNOINTR;
	}
}

/* Conditions: wait on one word, come back as owner of another. */

long futex_wait_requeue_pi(uaddr_t addr, uaddr_t target, bool shared, uint32_t val,
			   struct deadline *d)
{
	struct pi_wait p = { .claim = { .addr = target, .thread = current_thread() },
			     .shared = shared };
	bool moved;
	int err;

	if (addr.v == target.v)
		return -EINVAL;
	futex_waiter_init(&p.w, FUTEX_REQUEUE_PI, FUTEX_BITSET_MATCH_ANY);
	err = futex_key(target, shared, &p.w.target);
	if (!err)
		err = futex_wait_setup(&p.w, addr, shared, val);
	if (err)
		return err;
	err = futex_sleep(&p.w, d);
	if (!err && !futex_unqueue(&p.w)) {
		detach(&p.w);
		return 0;
	}
	detach(&p.w);
	moved = p.w.kind == FUTEX_PI;
	if (err == -ERESTARTSYS)
		return moved ? -EAGAIN : -ERESTARTNOINTR;
	if (err)
		return err;
	/* Orphaned after it was moved. */
	p.claim.from_dead = true;
	futex_waiter_init(&p.w, FUTEX_PI, FUTEX_BITSET_MATCH_ANY);
	return lock_pi(&p, d);
}

struct requeue_pi {
	uaddr_t from, to;
	struct mem_key key[2];
	struct futex_bucket *b[2];
};

/*
 * Make @w the owner of the target, or a waiter for it.  Both buckets locked.  0 or claim()'s
 * errors.
 */
static int requeue_one(const struct requeue_pi *r, struct futex_waiter *w)
{
	struct claim c = { .addr = r->to, .key = &r->key[1], .bucket = r->b[1],
			   .thread = w->thread };
	int err = claim(&c);

	if (!err) {
		futex_wake_waiter(r->b[0], w, false);
		return 0;
	}
	if (err != -EBUSY)
		return err;
	err = attach(w, c.owner);
	thread_put(c.owner);
	if (err)
		return err;
	futex_dequeue(r->b[0], w);
	w->key = r->key[1];
	w->kind = FUTEX_PI;
	futex_enqueue(r->b[1], w);
	return 0;
}

/* The number of waiters moved or woken; *err says why it stopped early. */
static int requeue_all(const struct requeue_pi *r, int nr, int *err)
{
	struct futex_waiter *w, *next;
	int done = 0;

	list_for_each_entry_safe(w, next, &r->b[0]->waiters, node) {
		if (!futex_keys_equal(&w->key, &r->key[0]))
			continue;
		if (done >= nr)
			break;
		*err = w->kind == FUTEX_REQUEUE_PI && futex_keys_equal(&w->target, &r->key[1]) ?
		       requeue_one(r, w) : -EINVAL;
		if (*err)
			break;
		done++;
	}
	return done;
}

/* One attempt; 0 with *err -EFAULT or -EAGAIN: try again. */
static int requeue_attempt(struct requeue_pi *r, bool shared, int nr, uint32_t val, int *err)
{
	uint32_t found;
	int done = 0;

	*err = futex_key(r->from, shared, &r->key[0]);
	if (!*err)
		*err = futex_key(r->to, shared, &r->key[1]);
	if (*err)
		return *err;
	r->b[0] = futex_bucket_of(&r->key[0]);
	r->b[1] = futex_bucket_of(&r->key[1]);
	futex_lock_two(r->b[0], r->b[1]);
	*err = futex_read_locked(r->from, &found);
	if (!*err && found != val)
		done = -EAGAIN;
	else if (!*err)
		done = requeue_all(r, nr, err);
	futex_unlock_two(r->b[0], r->b[1]);
	return done;
}

long futex_cmp_requeue_pi(uaddr_t from, uaddr_t to, bool shared, int nr_wake, int nr_requeue,
			  uint32_t val)
{
	struct requeue_pi r = { .from = from, .to = to };
	uint32_t word;
	int done, err;

	if (nr_wake != 1 || nr_requeue < 0 || from.v == to.v)
		return -EINVAL;
	if (nr_requeue == INT32_MAX)
		nr_requeue--;
	for (;;) {
		done = requeue_attempt(&r, shared, nr_wake + nr_requeue, val, &err);
		if (done || !err)
			return done;
		if (err != -EFAULT && err != -EAGAIN)
			return err;
		if (err == -EFAULT && (get_user(&word, from) || futex_fault_in(to)))
			return -EFAULT;
		if (signal_is_pending())
			return -ERESTARTNOINTR;
		if (err == -EAGAIN)
			sched_yield_current();
	}
}
