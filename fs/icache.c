/* SPDX-License-Identifier: MIT */
/*
 * Inodes by number.  Rules: <fs/vfs.h>, IC1-IC3.
 *
 * States: NEW -> (ready) -> FREEING -> gone; a failed one goes from NEW to FREEING.  References go
 * from 0 to 1 and from 1 to 0 under sb->inodes_lock alone.  An inode without references is on
 * unused_inodes, or dirty (and comes there when it has been written), or FREEING.  It stays in the
 * map until evict() is over, so that nobody reads from the medium what evict() still changes; who
 * finds it FREEING waits and looks again.
 */
#include <fs/notify.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <mm/memobj.h>
#include <mm/slab.h>

#include "icache.h"
#include "internal.h"
#include "writeback.h"

static struct slab_cache *node_slab;
static struct spinlock supers_lock = SPINLOCK_INIT(CACHES);
static LIST_HEAD(supers);		/* [R] supers_lock: super_block.cache_node */

static struct map_node *node_alloc(struct map *m)
{
	return slab_alloc(node_slab, ALLOC_ATOMIC);
}

static void node_free(struct map *m, struct map_node *n)
{
	slab_free(node_slab, n);
}

static const struct map_ops inode_map_ops = { .node_alloc = node_alloc, .node_free = node_free };

void icache_init_super(struct super_block *sb)
{
	spinlock_init(&sb->inodes_lock, INODE_CACHE);
	map_init(&sb->inode_map, &inode_map_ops);
	list_init(&sb->inodes);
	list_init(&sb->unused_inodes);
	list_init(&sb->dirty_inodes);
	list_init(&sb->writeback_node);
	list_init(&sb->cache_node);
	waitq_init(&sb->inodes_waitq);
}

void icache_enable(struct super_block *sb)
{
	spin_lock(&supers_lock);
	list_add_tail(&sb->cache_node, &supers);
	spin_unlock(&supers_lock);
}

void icache_ref_locked(struct inode *inode)
{
	if (refcount_read(&inode->refs)) {
		refcount_inc(&inode->refs);
		return;
	}
	refcount_set(&inode->refs, 1);
	if (inode->state & INODE_ON_LRU) {
		inode->state &= ~(uint32_t)INODE_ON_LRU;
		list_del_init(&inode->lru_node);
	}
}

/* Is @inode, which may be gone, still in the way of its number? */
static bool is_in_the_way(struct super_block *sb, uint64_t ino, const struct inode *inode)
{
	bool busy;

	spin_lock(&sb->inodes_lock);
	busy = map_load(&sb->inode_map, ino) == inode && inode->state & INODE_FREEING;
	spin_unlock(&sb->inodes_lock);
	return busy;
}

/* The inode in memory, ready: a reference; NULL: none.  Waits for those that come and go. */
static struct inode *lookup(struct super_block *sb, uint64_t ino)
{
	struct inode *inode;

	for (;;) {
		bool is_leaving;

		spin_lock(&sb->inodes_lock);
		inode = map_load(&sb->inode_map, ino);
		is_leaving = inode && inode->state & INODE_FREEING;
		if (inode && !is_leaving)
			icache_ref_locked(inode);
		spin_unlock(&sb->inodes_lock);
		if (!inode)
			return NULL;
		if (!is_leaving) {
			if (READ_ONCE(inode->state) & INODE_NEW)
				wait_event(&sb->inodes_waitq,
					   !(READ_ONCE(inode->state) & INODE_NEW));
			if (!(READ_ONCE(inode->state) & INODE_FREEING))
				return inode;
			inode_put(inode);
		}
		wait_event(&sb->inodes_waitq, !is_in_the_way(sb, ino, inode));
	}
}

struct inode *inode_find_get(struct super_block *sb, uint64_t ino)
{
	return lookup(sb, ino);
}

struct inode *inode_create_cached(struct super_block *sb, uint64_t ino)
{
	struct inode *inode = sb->ops->alloc_inode(sb);
	int err;

	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode_init(inode, sb, 0);
	inode->ino = ino;
	inode->state = INODE_NEW | INODE_CACHED;
	list_init(&inode->lru_node);
	list_init(&inode->dirty_node);
	spin_lock(&sb->inodes_lock);
	err = map_insert(&sb->inode_map, ino, inode);
	if (!err)
		list_add_tail(&inode->sb_node, &sb->inodes);
	spin_unlock(&sb->inodes_lock);
	if (!err)
		return inode;
	if (sb->ops->free_inode)
		sb->ops->free_inode(inode);
	else
		kfree(inode);
	return ERR_PTR(err);
}

struct inode *inode_get_cached(struct super_block *sb, uint64_t ino)
{
	for (;;) {
		struct inode *inode = lookup(sb, ino);

		if (inode)
			return inode;
		inode = inode_create_cached(sb, ino);
		if (!IS_ERR(inode) || PTR_ERR(inode) != -EEXIST)
			return inode;
	}
}

void inode_ready(struct inode *inode)
{
	struct super_block *sb = inode->sb;

	spin_lock(&sb->inodes_lock);
	inode->state &= ~(uint32_t)INODE_NEW;
	spin_unlock(&sb->inodes_lock);
	waitq_wake_all(&sb->inodes_waitq, 0);
}

void inode_fail(struct inode *inode)
{
	struct super_block *sb = inode->sb;

	spin_lock(&sb->inodes_lock);
	inode->state &= ~(uint32_t)INODE_NEW;
	inode->state |= INODE_FREEING | INODE_FAILED;
	spin_unlock(&sb->inodes_lock);
	waitq_wake_all(&sb->inodes_waitq, 0);
	inode_put(inode);
}

/* The end. */

static void free_rcu(struct rcu_head *head)
{
	struct inode *inode = container_of(head, struct inode, rcu);

	kfree(inode->marks);
	if (inode->sb->ops->free_inode)
		inode->sb->ops->free_inode(inode);
	else
		kfree(inode);
}

/* Nobody refers to it and nobody will: off all lists but the map and sb->inodes. */
static void start_freeing_locked(struct inode *inode)
{
	inode->state = (inode->state | INODE_FREEING) &
		       ~(uint32_t)(INODE_DIRTY_ANY | INODE_ON_LRU);
	list_del_init(&inode->lru_node);
	list_del_init(&inode->dirty_node);
}

static void evict(struct inode *inode)
{
	struct super_block *sb = inode->sb;

	if (inode->mapping)
		memobj_drop_all(inode->mapping);
	if (sb->ops->evict && !(inode->state & INODE_FAILED))
		sb->ops->evict(inode);
	if (inode->locks)
		locks_free(inode);
	if (inode->marks)
		notify_unlist_marks(inode);
	spin_lock(&sb->inodes_lock);
	list_del_init(&inode->dirty_node);	/* evict() may have touched it */
	map_erase(&sb->inode_map, inode->ino);
	list_del(&inode->sb_node);
	rcu_call(&inode->rcu, free_rcu);
	/* Within the lock: icache_evict_all() takes it last, and then the superblock goes. */
	waitq_wake_all(&sb->inodes_waitq, 0);
	spin_unlock(&sb->inodes_lock);
}

void icache_put(struct inode *inode)
{
	struct super_block *sb = inode->sb;
	bool dead = false;

	if (refcount_dec_not_one(&inode->refs))
		return;
	spin_lock(&sb->inodes_lock);
	if (!refcount_dec_and_test(&inode->refs)) {
		spin_unlock(&sb->inodes_lock);
		return;
	}
	if (!inode->nlink || inode->state & INODE_FREEING) {
		start_freeing_locked(inode);
		dead = true;
	} else if (!(inode->state & (INODE_DIRTY_ANY | INODE_ON_LRU))) {
		inode->state |= INODE_ON_LRU;
		list_add_tail(&inode->lru_node, &sb->unused_inodes);
	}
	spin_unlock(&sb->inodes_lock);
	if (dead)
		evict(inode);
}

void icache_evict_all(struct super_block *sb)
{
	struct inode *inode, *found;
	bool is_busy;

	spin_lock(&supers_lock);
	list_del_init(&sb->cache_node);
	spin_unlock(&supers_lock);
	do {
		found = NULL;
		is_busy = false;
		spin_lock(&sb->inodes_lock);
		list_for_each_entry(inode, &sb->inodes, sb_node) {
			if (inode->state & INODE_FREEING)
				continue;
			if (!refcount_read(&inode->refs)) {
				found = inode;
				break;
			}
			is_busy = true;
		}
		if (found)
			start_freeing_locked(found);
		spin_unlock(&sb->inodes_lock);
		if (found)
			evict(found);
	} while (found);
	if (is_busy)
		log_err("fs: an inode of %s is in use after its last mount went", sb->type->name);
	else
		wait_event(&sb->inodes_waitq, list_empty(&sb->inodes));
	/* Reclaim may have woken us a moment before its last look at the lock. */
	spin_lock(&sb->inodes_lock);
	spin_unlock(&sb->inodes_lock);
}

/* Reclaim. */

/*
 * The oldest unused inode that goes before others: one without pages, which would have to be read
 * again; or any when there are none.
 */
static struct inode *pick_locked(struct super_block *sb)
{
	struct inode *inode, *next;
	unsigned int looked = 0;

	list_for_each_entry_safe(inode, next, &sb->unused_inodes, lru_node) {
		if (!inode->mapping || !inode->mapping->nr_pages)
			return inode;
		if (++looked == 16)
			break;
		list_move_tail(&inode->lru_node, &sb->unused_inodes);
	}
	return NULL;
}

/* One inode of the first superblock that has one to give, ours to evict. */
static struct inode *take_unused(void)
{
	struct super_block *sb, *next;
	struct inode *inode = NULL;
	struct list *end;

	spin_lock(&supers_lock);
	end = supers.prev;
	list_for_each_entry_safe(sb, next, &supers, cache_node) {
		bool is_end = &sb->cache_node == end;

		spin_lock(&sb->inodes_lock);
		inode = pick_locked(sb);
		if (inode)
			start_freeing_locked(inode);
		spin_unlock(&sb->inodes_lock);
		list_move_tail(&sb->cache_node, &supers);
		if (inode || is_end)
			break;
	}
	spin_unlock(&supers_lock);
	return inode;
}

static uint64_t icache_shrink(struct reclaimer *r, uint64_t want, bool may_sleep)
{
	uint64_t most = max(want, 16ULL) * (PAGE_SIZE / sizeof(struct inode) / 2), n = 0;
	struct inode *inode;

	while (want && may_sleep && n < most && (inode = take_unused())) {
		evict(inode);
		n++;
	}
	return n * sizeof(struct inode) / PAGE_SIZE;
}

static struct reclaimer inode_reclaimer = { .name = "inodes", .shrink = icache_shrink };

static int icache_init(void)
{
	node_slab = slab_cache_create(&(struct slab_cache_args){
		.name = "inode_node", .size = sizeof(struct map_node) });
	if (IS_ERR(node_slab))
		panic("fs: no memory for the inode cache");
	reclaim_register(&inode_reclaimer);
	return 0;
}
INITCALL(INIT_CORE, icache_init);
