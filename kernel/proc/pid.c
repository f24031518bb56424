/* SPDX-License-Identifier: MIT */
/*
 * Numbers of threads, processes, groups and sessions.
 *
 * A struct pid stays in the map as long as anything refers to it, so a number that
 * still names a group or session is not given out again.
 */
#include <kernel/panic.h>
#include <lib/err.h>
#include <lib/idmap.h>
#include <mm/slab.h>
#include "proc.h"

#define PID_MAX 4194304

static struct slab_cache *pid_cache, *node_cache;
static struct spinlock pid_lock = SPINLOCK_INIT(HASH);

static struct map_node *node_alloc(struct map *map)
{
	return slab_alloc(node_cache, ALLOC_ATOMIC);
}

/*
 * The first word of a node that nobody can reach any more holds the callback; readers may still
 * walk the rest.
 */
struct dead_node {
	struct rcu_head rcu;
	struct map_node *node;
};

static void node_free_rcu(struct rcu_head *head)
{
	struct dead_node *d = container_of(head, struct dead_node, rcu);

	slab_free(node_cache, d->node);
	kfree(d);
}

static void node_free(struct map *map, struct map_node *node)
{
	struct dead_node *d = kmalloc(sizeof(*d), ALLOC_ATOMIC);

	if (!d)
		return;		/* Out of memory: one node stays allocated, which is safe. */
	d->node = node;
	rcu_call(&d->rcu, node_free_rcu);
}

static const struct map_ops pid_map_ops = { node_alloc, node_free };
static struct idmap pids = { .map = MAP_INIT(&pid_map_ops) };	/* [R] pid_lock; RCU readers */

void pid_init(void)
{
	pid_cache = slab_cache_create(&(struct slab_cache_args){ .name = "pid",
								 .size = sizeof(struct pid) });
	node_cache = slab_cache_create(&(struct slab_cache_args){
		.name = "map_node", .size = sizeof(struct map_node) });
	if (IS_ERR(pid_cache) || IS_ERR(node_cache))
		panic("pid: no memory");
}

struct pid *pid_alloc(void)
{
	struct pid *p = slab_alloc(pid_cache, ALLOC_NORMAL | ALLOC_ZERO);
	uint64_t nr;
	int err;

	if (!p)
		return ERR_PTR(-ENOMEM);
	refcount_set(&p->refs, 1);
	for (unsigned int i = 0; i < PID_TYPES; i++)
		list_init(&p->members[i]);
	waitq_init(&p->exit_waitq);
	spin_lock(&pid_lock);
	err = idmap_alloc_cyclic(&pids, 1, PID_MAX - 1, p, &nr);
	if (!err)
		p->nr = (int32_t)nr;
	spin_unlock(&pid_lock);
	if (err) {
		slab_free(pid_cache, p);
		return ERR_PTR(err);
	}
	return p;
}

static void pid_free_rcu(struct rcu_head *head)
{
	slab_free(pid_cache, container_of(head, struct pid, rcu));
}

void pid_ref(struct pid *p)
{
	refcount_inc(&p->refs);
}

void pid_put(struct pid *p)
{
	if (!p || !refcount_dec_and_test(&p->refs))
		return;
	spin_lock(&pid_lock);
	(void)idmap_remove(&pids, (uint64_t)p->nr);
	spin_unlock(&pid_lock);
	rcu_call(&p->rcu, pid_free_rcu);
}

struct pid *pid_find(int nr)
{
	return nr > 0 ? idmap_find(&pids, (uint64_t)nr) : NULL;
}

struct pid *pid_get(int nr)
{
	struct pid *p;

	rcu_read_lock();
	p = pid_find(nr);
	if (p && !refcount_inc_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct thread *thread_find(int tid)
{
	struct pid *p = pid_find(tid);

	return p ? rcu_dereference(p->thread) : NULL;
}

struct process *process_find(int pid)
{
	struct pid *p = pid_find(pid);

	return p ? rcu_dereference(p->process) : NULL;
}

struct thread *thread_get(int tid)
{
	struct thread *t;

	rcu_read_lock();
	t = thread_find(tid);
	if (t && !refcount_inc_not_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct process *process_get(int pid)
{
	struct process *p;

	rcu_read_lock();
	p = process_find(pid);
	if (p && !refcount_inc_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

/* The first process with a number of at least @nr: for /proc.  A reference or NULL. */
struct process *process_get_next(int nr)
{
	uint64_t index = (uint64_t)(nr < 1 ? 1 : nr);
	struct process *found = NULL;
	struct pid *p;

	rcu_read_lock();
	while (!found && (p = map_find(&pids.map, &index, PID_MAX))) {
		struct process *proc = rcu_dereference(p->process);

		if (proc && refcount_inc_not_zero(&proc->refs))
			found = proc;
		index++;
	}
	rcu_read_unlock();
	return found;
}
