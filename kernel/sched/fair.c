/* SPDX-License-Identifier: MIT */
/*
 * The fair class: earliest eligible virtual deadline first.
 *
 * The problem: share a CPU in proportion to weights, and let a thread that asks for
 * short slices run soon without getting more than its share.
 *
 * Each thread has a vruntime: nanoseconds run, divided by weight.  The weighted average V of all
 * queued threads' vruntimes is where a thread with exactly its share would be.
 *
 * I1  A thread is eligible while vruntime <= V: it has not had more than its share.
 * I2  When a thread (re)enters the competition it asks for a slice: deadline = vruntime + slice /
 *     weight.
 * I3  Among eligible threads the one with the earliest deadline runs.  There is always one: the
 *     average is not below the least vruntime.
 * I4  weighted_sum and weight count exactly the queued threads, the running one included.
 *
 * A sleeper keeps its lag (V - vruntime) in .vruntime while it is off the queue, bounded by one
 * slice, so that sleeping neither earns nor loses CPU time.
 *
 * The tree is ordered by deadline; each node knows the least vruntime of its subtree, so the search
 * for I3 goes down one path.
 */
#include "runqueue.h"
#include <lib/assert.h>
#include <lib/minmax.h>

/* Weight of each nice level: 10 % of CPU time for each step between two competing threads. */
static const uint32_t weights[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
	110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
};

uint32_t nice_to_weight(int nice)
{
	return weights[nice + 20];
}

static struct thread *node_thread(struct rb_node *n)
{
	return container_of(n, struct thread, sched.node);
}

static int64_t scale(int64_t ns, uint32_t weight)
{
	return weight == NICE_0_WEIGHT ? ns : ns * NICE_0_WEIGHT / weight;
}

static int64_t least(struct rb_node *n)
{
	return n ? node_thread(n)->sched.min_vruntime : INT64_MAX;
}

static bool least_update(struct rb_node *n)
{
	struct thread *t = node_thread(n);
	int64_t v = min(t->sched.vruntime, min(least(n->left), least(n->right)));
	bool changed = v != t->sched.min_vruntime;

	t->sched.min_vruntime = v;
	return changed;
}

/* Is vruntime @v at or below the average?  v <= base + sum / weight, without the division. */
static bool eligible(const struct fair_queue *q, int64_t v)
{
	return (v - q->base) * q->weight <= q->weighted_sum;
}

bool fair_is_eligible(const struct runqueue *rq, const struct thread *t)
{
	return eligible(&rq->fair, t->sched.vruntime);
}

static int64_t average(const struct fair_queue *q)
{
	int64_t sum = q->weighted_sum;

	if (!q->weight)
		return q->base;
	if (sum < 0)
		sum -= q->weight - 1;	/* round down, so that the result is eligible */
	return q->base + sum / q->weight;
}

/* Bring the base near the average, so that the products stay small. */
static void rebase(struct fair_queue *q)
{
	int64_t delta = average(q) - q->base;

	q->weighted_sum -= delta * q->weight;
	q->base += delta;
}

static void sum_add(struct fair_queue *q, const struct thread *t)
{
	q->weighted_sum += (t->sched.vruntime - q->base) * t->sched.weight;
	q->weight += t->sched.weight;
}

static void sum_remove(struct fair_queue *q, const struct thread *t)
{
	q->weighted_sum -= (t->sched.vruntime - q->base) * t->sched.weight;
	q->weight -= t->sched.weight;
	if (!q->weight)
		q->base = max(q->base, t->sched.vruntime), q->weighted_sum = 0;
}

/*
 * The usual tree has one node: the other of two threads that alternate.  It is looked at without a
 * search.
 */
static bool is_alone(const struct rb_node *root)
{
	return !root->left && !root->right;
}

static void tree_insert(struct fair_queue *q, struct thread *t)
{
	struct rb_node **link = &q->tree.root, *parent = NULL;

	while (*link) {
		struct thread *at = node_thread(*link);

		parent = *link;
		at->sched.min_vruntime = min(at->sched.min_vruntime, t->sched.vruntime);
		link = t->sched.deadline < at->sched.deadline ? &parent->left : &parent->right;
	}
	t->sched.min_vruntime = t->sched.vruntime;
	rb_link(&t->sched.node, parent, link);
	if (!parent)
		rb_insert(&q->tree, &t->sched.node);	/* alone: its summary is its own vruntime */
	else
		rb_insert_augmented(&q->tree, &t->sched.node, least_update);
}

static void tree_remove(struct fair_queue *q, struct thread *t)
{
	if (q->tree.root == &t->sched.node && is_alone(q->tree.root))
		q->tree.root = NULL;
	else
		rb_erase_augmented(&q->tree, &t->sched.node, least_update);
}

static void new_slice(struct thread *t)
{
	t->sched.slice_ns = FAIR_SLICE_NS;
	t->sched.deadline = t->sched.vruntime + scale(FAIR_SLICE_NS, t->sched.weight);
}

void fair_init_thread(struct thread *t)
{
	t->sched.vruntime = 0;		/* lag */
	t->sched.slice_ns = FAIR_SLICE_NS;
}

void fair_enqueue(struct runqueue *rq, struct thread *t)
{
	struct fair_queue *q = &rq->fair;

	t->sched.vruntime = average(q) - t->sched.vruntime;
	new_slice(t);
	sum_add(q, t);
	q->nr++;
	if (rq->current != t)
		tree_insert(q, t);
}

void fair_dequeue(struct runqueue *rq, struct thread *t)
{
	struct fair_queue *q = &rq->fair;
	int64_t bound = scale(FAIR_SLICE_NS, t->sched.weight), lag = average(q) - t->sched.vruntime;

	if (rq->current != t)
		tree_remove(q, t);
	sum_remove(q, t);
	q->nr--;
	t->sched.vruntime = clamp(lag, -bound, bound);
}

/* I3: the leftmost node of the tree that is eligible; NULL when only the running thread is. */
struct thread *fair_pick(struct runqueue *rq)
{
	struct fair_queue *q = &rq->fair;
	struct rb_node *n = q->tree.root;
	struct thread *best = NULL;

	if (!n || is_alone(n))
		return n ? node_thread(n) : NULL;
	while (n) {
		struct thread *t = node_thread(n);

		if (n->left && eligible(q, least(n->left))) {
			n = n->left;
			continue;
		}
		if (eligible(q, t->sched.vruntime)) {
			best = t;
			break;
		}
		n = n->right;
	}
	return best ? best : node_thread(rb_first(&q->tree));
}

/* The running thread goes back among the waiting ones, or out of the tree when it is to run. */
void fair_put_prev(struct runqueue *rq, struct thread *t)
{
	tree_insert(&rq->fair, t);
}

void fair_set_next(struct runqueue *rq, struct thread *t)
{
	tree_remove(&rq->fair, t);
}

/* @next leaves the tree to run and @prev goes there: into its place, when there is no other. */
void fair_swap(struct runqueue *rq, struct thread *prev, struct thread *next)
{
	struct rb_tree *tree = &rq->fair.tree;

	if (tree->root != &next->sched.node || !is_alone(tree->root)) {
		fair_put_prev(rq, prev);
		fair_set_next(rq, next);
		return;
	}
	prev->sched.min_vruntime = prev->sched.vruntime;
	prev->sched.node = next->sched.node;
	tree->root = &prev->sched.node;
}

void fair_charge(struct runqueue *rq, struct thread *t, int64_t delta_ns)
{
	struct fair_queue *q = &rq->fair;
	int64_t delta = scale(delta_ns, t->sched.weight);

	t->sched.vruntime += delta;
	q->weighted_sum += delta * t->sched.weight;
	t->sched.slice_ns -= delta_ns;
	if (t->sched.slice_ns <= 0) {
		new_slice(t);
		rebase(q);
		if (q->nr > 1)
			rq_resched(rq);
	}
}

/* Give up the rest of the slice: the deadline moves behind the others'. */
void fair_yield(struct runqueue *rq, struct thread *t)
{
	t->sched.deadline += scale(FAIR_SLICE_NS, t->sched.weight);
}

bool fair_preempts(struct runqueue *rq, const struct thread *woken, const struct thread *running)
{
	return eligible(&rq->fair, woken->sched.vruntime) &&
	       woken->sched.deadline < running->sched.deadline;
}

void fair_set_weight(struct runqueue *rq, struct thread *t, uint32_t weight)
{
	bool queued = t->sched.on_queue;

	if (queued)
		fair_dequeue(rq, t);
	t->sched.weight = weight;
	if (queued)
		fair_enqueue(rq, t);
}

/*
 * A waiting thread that may run on @cpu: the one with the latest deadline loses least by the move.
 */
struct thread *fair_steal_candidate(struct runqueue *rq, unsigned int cpu)
{
	for (struct rb_node *n = rb_last(&rq->fair.tree); n; n = rb_prev(n)) {
		struct thread *t = node_thread(n);

		if (!t->sched.pinned && cpumask_has(&t->affinity, cpu) &&
		    !__atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
			return t;
	}
	return NULL;
}
