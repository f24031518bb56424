/* SPDX-License-Identifier: MIT */
/*
 * Writeback: who writes dirty pages, inodes and metadata buffers, and when.
 *
 * Each block device that is open has a flusher: a thread that serves the superblocks attached to it
 * (the file system mounted from it; and a small one of the device's own for what programs write to
 * /dev/vda) and the buffers of the device.  It sleeps without a timer while nothing is dirty.
 *
 * When things are written:
 *  - after dirty_expire (30 s), looked at each dirty_writeback (5 s);
 *  - everything, as fast as the device takes it, while more than dirty_background_ratio (10 %) of
 *    the memory that may be dirty is;
 *  - who makes pages dirty waits while more than dirty_ratio (20 %) is (writeback_throttle());
 *  - when memory is short, reclaim wakes the flushers and waits for what they have written;
 *  - when somebody asks: sync, syncfs, fsync (which does not go through the flusher).
 *
 * WB1 an inode with a dirty page or field has INODE_DIRTY_* set and is on its superblock's list
 *     (dirty_node), or is being written (INODE_SYNCING), after which it is looked at again.  The
 *     bit is cleared first and the pages are looked for afterwards; a page's mark is set first and
 *     the bit afterwards: so one of the two sees the other;
 * WB2 the list is in order of dirtied_ns: the time the inode became dirty, not of the last change,
 *     so that a file that is written all the time gets its turn;
 * WB3 who writes an inode holds a reference; nobody evicts it meanwhile;
 * WB4 flushers allocate only what cannot wait for a flusher: transfers come from the bio reserve.
 *
 * Roads not taken: a list of inodes by next deadline per cause (two orders, one list less);
 * bandwidth estimates for throttling (waiting for progress has been smooth enough).
 */
#include <fs/bdev.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/errseq.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/memobj.h>
#include <mm/slab.h>

#include "buffer.h"
#include "icache.h"
#include "writeback.h"

#define THROTTLE_PAGES	32u		/* a thread looks at the limits once in so many pages */

struct writeback_limits writeback_limits = {
	.dirty_ratio = 20, .background_ratio = 10,
	.expire_centisecs = 3000, .interval_centisecs = 500,
};

struct writeback {
	struct spinlock lock;		/* class WRITEBACK */
	struct list supers;		/* [L] super_block.writeback_node */
	struct list buffers;		/* [L] struct buf_cache, by buf_cache_node() */
	const void *working;		/* [L] the superblock or buffers it is at */
	struct waitq waitq;		/* the thread; who waits for it to leave something */
	bool is_dirty;			/* [A] something may be dirty: the timer runs */
	bool is_kicked;			/* [A] write everything now */
	bool stop;			/* [A] */
	struct completion stopped;
	struct list node;		/* [R] flushers_lock */
};

static struct spinlock flushers_lock = SPINLOCK_INIT(HASH);
static LIST_HEAD(flushers);		/* [R] flushers_lock: never removed while a walk holds it */
static struct waitq progress_waitq = WAITQ_INIT(progress_waitq);

/* Limits. */

struct dirty_state { uint64_t dirty, limit, background; };

static uint64_t limit_pages(uint64_t bytes, uint32_t ratio, uint64_t available)
{
	return bytes ? DIV_ROUND_UP(bytes, PAGE_SIZE) : available * ratio / 100;
}

static void dirty_state(struct dirty_state *d)
{
	const struct writeback_limits *l = &writeback_limits;
	struct page_stats s;
	uint64_t may;

	page_stats(&s);
	may = s.free + s.cache - min(s.cache, s.shmem);
	d->dirty = s.dirty + s.writeback;
	d->limit = max(limit_pages(l->dirty_bytes, l->dirty_ratio, may), 32ULL);
	d->background = limit_pages(l->background_bytes, l->background_ratio, may);
	if (d->background >= d->limit)
		d->background = d->limit / 2;
}

void writeback_kick(struct writeback *wb)
{
	WRITE_ONCE(wb->is_dirty, true);
	WRITE_ONCE(wb->is_kicked, true);
	waitq_wake_all(&wb->waitq, 0);
}

static void kick_all(void)
{
	struct writeback *wb;

	spin_lock(&flushers_lock);
	list_for_each_entry(wb, &flushers, node)
		writeback_kick(wb);
	spin_unlock(&flushers_lock);
}

void writeback_wake(struct writeback *wb)
{
	if (READ_ONCE(wb->is_dirty))
		return;
	WRITE_ONCE(wb->is_dirty, true);
	waitq_wake_all(&wb->waitq, 0);
}

void writeback_throttle(struct inode *inode, uint64_t bytes)
{
	struct thread *t = current_thread();
	struct dirty_state d;

	t->pages_dirtied += (uint32_t)DIV_ROUND_UP(bytes, PAGE_SIZE);
	if (likely(t->pages_dirtied < THROTTLE_PAGES) || !inode->sb->writeback)
		return;
	t->pages_dirtied = 0;
	dirty_state(&d);
	if (d.dirty > d.background && !READ_ONCE(inode->sb->writeback->is_kicked))
		writeback_kick(inode->sb->writeback);
	while (d.dirty > d.limit && !signal_is_fatal_pending()) {
		kick_all();
		(void)!wait_event_timeout_uninterruptible(&progress_waitq, false,
							  clock_deadline(10 * NSEC_PER_MSEC));
		dirty_state(&d);
	}
}

/* Inodes. */

void inode_mark_dirty_slow(struct inode *inode, uint32_t what)
{
	struct super_block *sb = inode->sb;
	bool is_first;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* WB1: the change, then the look */
	if ((READ_ONCE(inode->state) & what) == what)
		return;
	spin_lock(&sb->inodes_lock);
	is_first = !(inode->state & (INODE_DIRTY_ANY | INODE_SYNCING | INODE_FREEING));
	inode->state |= what;
	if (is_first) {
		inode->dirtied_ns = clock_ns();
		list_add_tail(&inode->dirty_node, &sb->dirty_inodes);
	}
	if (inode->state & INODE_ON_LRU) {
		inode->state &= ~(uint32_t)INODE_ON_LRU;
		list_del_init(&inode->lru_node);
	}
	spin_unlock(&sb->inodes_lock);
	if (is_first)
		writeback_wake(sb->writeback);
}

void inode_mark_clean(struct inode *inode)
{
	struct super_block *sb = inode->sb;

	if (!sb->writeback)
		return;
	spin_lock(&sb->inodes_lock);
	inode->state &= ~(uint32_t)(INODE_DIRTY_META | INODE_DIRTY_SIZE);
	if (!(inode->state & (INODE_DIRTY_ANY | INODE_SYNCING)))
		list_del_init(&inode->dirty_node);
	spin_unlock(&sb->inodes_lock);
}

void writeback_object_dirtied(struct memobj *o)
{
	inode_mark_dirty(o->inode, INODE_DIRTY_PAGES);
}

void writeback_forget(struct inode *inode)
{
	struct super_block *sb = inode->sb;

	spin_lock(&sb->inodes_lock);
	inode->state &= ~(uint32_t)INODE_DIRTY_ANY;
	list_del_init(&inode->dirty_node);
	spin_unlock(&sb->inodes_lock);
}

int inode_write(struct inode *inode, bool data_only, bool wait)
{
	struct super_block *sb = inode->sb;
	uint32_t was;
	int err;

	if (!sb->writeback)
		return 0;
	spin_lock(&sb->inodes_lock);
	was = inode->state & (INODE_DIRTY_META | INODE_DIRTY_SIZE);
	if (data_only && !(was & INODE_DIRTY_SIZE))
		was = 0;
	if (was)
		inode->state &= ~(uint32_t)(INODE_DIRTY_META | INODE_DIRTY_SIZE);
	if (!(inode->state & (INODE_DIRTY_ANY | INODE_SYNCING)))
		list_del_init(&inode->dirty_node);
	spin_unlock(&sb->inodes_lock);
	if (!was || !sb->ops->write_inode)
		return 0;
	err = sb->ops->write_inode(inode, wait);
	if (err)
		inode_mark_dirty(inode, was);
	return err;
}

/* The inode is ours to write (SYNCING, referenced). */
static int write_one_inode(struct inode *inode, bool wait)
{
	struct memobj *o = inode->mapping;
	int err = 0, e;

	if (o && o->ops->write_pages && memobj_is_dirty(o))
		err = o->ops->write_pages(o, 0, UINT64_MAX, wait);
	e = inode_write(inode, false, false);
	return err ? err : e;
}

/* Give back what write_one_inode() was for: dirty again, or clean. */
static void done_one_inode(struct super_block *sb, struct inode *inode, int err)
{
	bool still = inode->mapping && memobj_is_dirty(inode->mapping), again;

	spin_lock(&sb->inodes_lock);
	inode->state &= ~(uint32_t)INODE_SYNCING;
	if (still)
		inode->state |= INODE_DIRTY_PAGES;
	again = inode->state & INODE_DIRTY_ANY;
	if (again) {
		inode->dirtied_ns = clock_ns() + 1;	/* again, but not in this round */
		list_del_init(&inode->dirty_node);
		list_add_tail(&inode->dirty_node, &sb->dirty_inodes);
	}
	spin_unlock(&sb->inodes_lock);
	waitq_wake_all(&sb->inodes_waitq, 0);
	/* The flusher may have found the list empty, and who dirtied the inode did not wake it. */
	if (again)
		writeback_wake(sb->writeback);
	inode_put(inode);
}

/*
 * The first dirty inode that became dirty before @before, ours from then on: a reference; NULL.
 */
static struct inode *take_dirty(struct super_block *sb, int64_t before)
{
	struct inode *inode;

	spin_lock(&sb->inodes_lock);
	inode = list_first_entry_or_null(&sb->dirty_inodes, struct inode, dirty_node);
	if (inode && inode->dirtied_ns <= before) {
		icache_ref_locked(inode);
		inode->state |= INODE_SYNCING;
		inode->state &= ~(uint32_t)INODE_DIRTY_PAGES;
		list_del_init(&inode->dirty_node);
	} else {
		inode = NULL;
	}
	spin_unlock(&sb->inodes_lock);
	return inode;
}

static int write_inodes(struct super_block *sb, int64_t before, bool wait)
{
	struct inode *inode;
	int err = 0, e;

	before = min(before, clock_ns());
	while ((inode = take_dirty(sb, before))) {
		e = write_one_inode(inode, wait);
		done_one_inode(sb, inode, e);
		err = err ? err : e;
		waitq_wake_all(&progress_waitq, 0);
	}
	return err;
}

/* Wait for what is on its way of all inodes in memory, and for those that somebody else writes. */
static void wait_inodes(struct super_block *sb)
{
	struct inode *inode, *last = NULL;

	spin_lock(&sb->inodes_lock);
	list_for_each_entry(inode, &sb->inodes, sb_node) {
		struct memobj *o = inode->mapping;
		bool is_busy = inode->state & INODE_SYNCING;

		if ((inode->state & (INODE_FREEING | INODE_NEW)) ||
		    (!is_busy && (!o || !map_any_marked(&o->pages, MEMOBJ_MARK_WRITEBACK))))
			continue;
		icache_ref_locked(inode);
		spin_unlock(&sb->inodes_lock);
		if (last)
			inode_put(last);	/* only now: it kept our place in the list */
		last = inode;
		wait_event(&sb->inodes_waitq, !(READ_ONCE(inode->state) & INODE_SYNCING));
		if (o)
			memobj_wait_writeback(o, 0, UINT64_MAX);
		spin_lock(&sb->inodes_lock);
	}
	spin_unlock(&sb->inodes_lock);
	if (last)
		inode_put(last);
}

int writeback_super(struct super_block *sb, bool wait)
{
	int err;

	if (!sb->writeback)
		return 0;
	err = write_inodes(sb, INT64_MAX, false);
	if (wait) {
		wait_inodes(sb);
		/*
		 * Times and sizes that the end of transfers changed, and pages that were dirty when
		 * we came, but behind somebody who was writing the inode already.
		 */
		if (!err)
			err = write_inodes(sb, INT64_MAX, false);
		wait_inodes(sb);
	}
	return err;
}

/* The flusher. */

static void leave(struct writeback *wb)
{
	WRITE_ONCE(wb->working, NULL);
	waitq_wake_all(&wb->waitq, 0);
}

static void flush_supers(struct writeback *wb, int64_t before)
{
	struct super_block *sb;
	unsigned int nr = 0, i;

	for (;; nr++) {
		spin_lock(&wb->lock);
		i = 0;
		list_for_each_entry(sb, &wb->supers, writeback_node) {
			if (i++ == nr)
				break;
		}
		if (list_entry_is_head(sb, &wb->supers, writeback_node)) {
			spin_unlock(&wb->lock);
			return;
		}
		wb->working = sb;
		spin_unlock(&wb->lock);
		(void)!write_inodes(sb, before, false);
		leave(wb);
	}
}

static void flush_buffers(struct writeback *wb, int64_t before)
{
	struct buf_cache *c = NULL;

	spin_lock(&wb->lock);
	if (!list_empty(&wb->buffers)) {
		c = buf_cache_of(wb->buffers.next);
		wb->working = c;
	}
	spin_unlock(&wb->lock);
	if (!c)
		return;
	buf_cache_flush(c, before);
	leave(wb);
}

static bool has_dirty(struct writeback *wb)
{
	struct super_block *sb;
	bool dirty = false;

	spin_lock(&wb->lock);
	list_for_each_entry(sb, &wb->supers, writeback_node)
		dirty |= !list_empty(&sb->dirty_inodes);
	if (!list_empty(&wb->buffers))
		dirty |= buf_cache_is_dirty(buf_cache_of(wb->buffers.next));
	spin_unlock(&wb->lock);
	return dirty;
}

static void flush_round(struct writeback *wb)
{
	bool all = __atomic_exchange_n(&wb->is_kicked, false, __ATOMIC_ACQ_REL);
	struct dirty_state d;
	int64_t before;

	dirty_state(&d);
	all |= d.dirty > d.background;
	before = all ? INT64_MAX :
		clock_ns() - (int64_t)writeback_limits.expire_centisecs * 10 * NSEC_PER_MSEC;
	flush_supers(wb, before);
	flush_buffers(wb, before);
	waitq_wake_all(&progress_waitq, 0);
}

static void flusher(void *arg)
{
	struct writeback *wb = arg;

	current_thread()->is_cleaner = true;	/* WB4 */
	while (!READ_ONCE(wb->stop)) {
		uint32_t interval = READ_ONCE(writeback_limits.interval_centisecs);
		int64_t deadline = !READ_ONCE(wb->is_dirty) || !interval ? WAIT_FOREVER :
			clock_deadline((int64_t)interval * 10 * NSEC_PER_MSEC);

		(void)!wait_event_timeout_uninterruptible(&wb->waitq,
			READ_ONCE(wb->stop) || READ_ONCE(wb->is_kicked) ||
			(deadline == WAIT_FOREVER && READ_ONCE(wb->is_dirty) &&
			 READ_ONCE(writeback_limits.interval_centisecs)), deadline);
		if (READ_ONCE(wb->stop))
			break;
		if (deadline == WAIT_FOREVER && !READ_ONCE(wb->is_kicked))
			continue;	/* the timer begins to run */
		flush_round(wb);
		WRITE_ONCE(wb->is_dirty, false);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* pairs with writeback_wake() */
		if (has_dirty(wb))
			WRITE_ONCE(wb->is_dirty, true);
	}
	completion_signal(&wb->stopped);
}

struct writeback *writeback_create(const char *name)
{
	struct writeback *wb = kzalloc(sizeof(*wb), 0);
	char text[THREAD_NAME_MAX] = "wb-";
	struct thread *t;

	if (!wb)
		return ERR_PTR(-ENOMEM);
	spinlock_init(&wb->lock, WRITEBACK);
	list_init(&wb->supers);
	list_init(&wb->buffers);
	waitq_init(&wb->waitq);
	completion_init(&wb->stopped);
	str_copy_cut(text + 3, name, sizeof(text) - 3);
	t = kthread_create(flusher, wb, text);
	if (IS_ERR(t)) {
		kfree(wb);
		return ERR_CAST(t);
	}
	spin_lock(&flushers_lock);
	list_add_tail(&wb->node, &flushers);
	spin_unlock(&flushers_lock);
	return wb;
}

void writeback_destroy(struct writeback *wb)
{
	spin_lock(&flushers_lock);
	list_del(&wb->node);
	spin_unlock(&flushers_lock);
	WRITE_ONCE(wb->stop, true);
	waitq_wake_all(&wb->waitq, 0);
	completion_wait(&wb->stopped);
	kfree(wb);
}

void writeback_attach(struct writeback *wb, struct super_block *sb)
{
	sb->writeback = wb;
	spin_lock(&wb->lock);
	list_add_tail(&sb->writeback_node, &wb->supers);
	spin_unlock(&wb->lock);
}

void writeback_detach(struct super_block *sb)
{
	struct writeback *wb = sb->writeback;

	if (!wb)
		return;
	spin_lock(&wb->lock);
	list_del_init(&sb->writeback_node);
	spin_unlock(&wb->lock);
	wait_event(&wb->waitq, READ_ONCE(wb->working) != sb);
}

void writeback_attach_buffers(struct writeback *wb, struct buf_cache *c)
{
	spin_lock(&wb->lock);
	list_add_tail(buf_cache_node(c), &wb->buffers);
	spin_unlock(&wb->lock);
}

void writeback_detach_buffers(struct writeback *wb, struct buf_cache *c)
{
	spin_lock(&wb->lock);
	list_del_init(buf_cache_node(c));
	spin_unlock(&wb->lock);
	wait_event(&wb->waitq, READ_ONCE(wb->working) != c);
}

/*
 * Reclaim: pages cannot go while they are dirty.  What is reported is progress, not free pages: the
 * page cache gives them up when it is asked next.
 */
static uint64_t dirty_shrink(struct reclaimer *r, uint64_t want, bool may_sleep)
{
	struct page_stats before, now;

	page_stats(&before);
	if (!want || !may_sleep || !(before.dirty + before.writeback))
		return 0;
	kick_all();
	if (current_thread()->is_cleaner)
		return 0;
	(void)!wait_event_timeout_uninterruptible(&progress_waitq, false,
						  clock_deadline(10 * NSEC_PER_MSEC));
	page_stats(&now);
	return now.ever_written - min(before.ever_written, now.ever_written);
}

static struct reclaimer dirty_reclaimer = { .name = "dirty pages", .shrink = dirty_shrink };

static int writeback_init(void)
{
	reclaim_register(&dirty_reclaimer);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, writeback_init);
