/* SPDX-License-Identifier: MIT */
/*
 * epoll: a set of watched files, and the list of those where something happened.
 *
 * An item is made for each (file, descriptor).  It queues itself on the file's wait queues once; a
 * wake-up there puts it on the ready list and wakes who waits for the set.  epoll_wait() takes
 * items off the list, asks their files, and puts level-triggered ones back at the end.
 *
 * E1  Items and the tree change under ep->lock; the ready list under ep->ready_lock, which wake-ups
 *     take.
 * E2  An item is taken off the ready list before its file is asked: an event that comes later lists
 *     it again.
 * E3  An item holds no reference of its file.  A file that is released removes its items first,
 *     under each set's lock; so under ep->lock every item's file is still whole.
 * E4  Sets may watch sets, no deeper than NEST_MAX and without a circle; nest_lock orders all
 *     additions of sets to sets.  ep->level is how many sets may stand above one; it never falls,
 *     so a chain cannot be made longer from its lower end either (polling one recurses, down as
 *     well as up).
 * E5  Items that a report has taken off the list are listed again, or gone, when it drops ep->lock:
 *     who finds the list empty while reporting is set waits for the lock and looks again.
 */
#include <fs/poll.h>
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/minmax.h>
#include <lib/rbtree.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/epoll.h>

#include "poll_internal.h"

#define NEST_MAX	5
#define PRIVATE_BITS	(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
#define EXCLUSIVE_OK	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | \
			 EPOLLEXCLUSIVE)

struct epoll {
	struct mutex lock;		/* class EPOLL */
	struct spinlock ready_lock;	/* class WAITQ: inside the watched files' queues */
	struct rb_tree items;		/* [L] by file, then descriptor */
	struct list ready;		/* [R] ready_lock */
	struct waitq waitq;		/* epoll_wait */
	struct waitq poll_waitq;	/* those who poll the set itself */
	bool reporting;			/* [R] ready_lock: E5 */
	unsigned int level;		/* [R] nest_lock: E4 */
	unsigned int seen_level;	/* [R] nest_lock: by the check numbered... */
	uint64_t seen_check;		/* [R] nest_lock: ...this */
	refcount_t refs;
};

struct epoll_hook {
	struct waitq_entry wait;
	struct waitq *queue;
	struct epoll_item *item;
	struct epoll_hook *next;
};

struct epoll_item {
	struct rb_node node;		/* [R] ep->lock */
	struct list ready_node;		/* [R] ready_lock; empty: not listed */
	struct list file_node;		/* [R] file->lock */
	struct file *file;		/* [I] E3 */
	struct epoll *ep;		/* [I] */
	int fd;				/* [I] */
	uint32_t events;		/* [R] ep->lock; only private bits: disabled by ONESHOT */
	uint64_t data;			/* [R] ep->lock */
	struct epoll_hook hook;		/* the usual one queue */
	struct epoll_hook *more;	/* further ones */
	bool hooked;
};

struct item_table {
	struct poll_table table;
	struct epoll_item *item;
	int error;
};

static struct mutex nest_lock = MUTEX_INIT(nest_lock, EPOLL);
static uint64_t next_check;		/* [R] nest_lock */
static const struct file_ops epoll_ops;

static void epoll_put(struct epoll *ep)
{
	if (refcount_dec_and_test(&ep->refs))
		kfree(ep);
}

static bool item_woken(struct waitq_entry *e, uint32_t events)
{
	struct epoll_item *item = container_of(e, struct epoll_hook, wait)->item;
	struct epoll *ep = item->ep;
	unsigned long flags;

	if (!(item->events & ~PRIVATE_BITS) || (events && !(events & item->events)))
		return false;
	flags = spin_lock_irqsave(&ep->ready_lock);
	if (list_empty(&item->ready_node))
		list_add_tail(&item->ready_node, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	waitq_wake(&ep->waitq, POLLIN);
	if (waitq_is_active(&ep->poll_waitq))
		waitq_wake_all(&ep->poll_waitq, POLLIN);
	return true;
}

static void item_queue(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct item_table *t = container_of(pt, struct item_table, table);
	struct epoll_item *item = t->item;
	struct epoll_hook *h = &item->hook;

	if (item->hooked) {
		h = kmalloc(sizeof(*h), 0);
		if (!h) {
			t->error = -ENOMEM;
			return;
		}
		h->next = item->more;
		item->more = h;
	}
	item->hooked = true;
	h->item = item;
	h->queue = q;
	waitq_entry_init(&h->wait, NULL, item->events & EPOLLEXCLUSIVE ? WAITQ_EXCLUSIVE : 0);
	h->wait.wake = item_woken;
	waitq_add(q, &h->wait);
}

static int item_compare(const struct epoll_item *item, const struct file *f, int fd)
{
	if (item->file != f)
		return (uintptr_t)f < (uintptr_t)item->file ? -1 : 1;
	return fd < item->fd ? -1 : fd > item->fd;
}

static struct epoll_item *item_find(struct epoll *ep, const struct file *f, int fd)
{
	struct rb_node *n = ep->items.root;

	while (n) {
		struct epoll_item *item = rb_entry(n, struct epoll_item, node);
		int c = item_compare(item, f, fd);

		if (!c)
			return item;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void item_link(struct epoll *ep, struct epoll_item *item)
{
	struct rb_node **link = &ep->items.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item_compare(rb_entry(parent, struct epoll_item, node), item->file,
				    item->fd) < 0 ?
		       &parent->left : &parent->right;
	}
	rb_link(&item->node, parent, link);
	rb_insert(&ep->items, &item->node);
}

/* ep->lock held. */
static void item_remove(struct epoll *ep, struct epoll_item *item)
{
	struct epoll_hook *h;
	unsigned long flags;

	if (item->hooked)
		waitq_remove(item->hook.queue, &item->hook.wait);
	while ((h = item->more)) {
		item->more = h->next;
		waitq_remove(h->queue, &h->wait);
		kfree(h);
	}
	flags = spin_lock_irqsave(&ep->ready_lock);
	if (!list_empty(&item->ready_node))
		list_del_init(&item->ready_node);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	rb_erase(&ep->items, &item->node);
	spin_lock(&item->file->lock);
	list_del(&item->file_node);
	spin_unlock(&item->file->lock);
	kfree(item);
}

void epoll_release_file(struct file *f)
{
	for (;;) {
		struct epoll_item *item = NULL;
		struct epoll *ep = NULL;

		spin_lock(&f->lock);
		if (!list_empty(&f->epoll_items)) {
			ep = list_first_entry(&f->epoll_items, struct epoll_item, file_node)->ep;
			refcount_inc(&ep->refs);
		}
		spin_unlock(&f->lock);
		if (!ep)
			return;
		mutex_lock(&ep->lock);
		spin_lock(&f->lock);
		if (!list_empty(&f->epoll_items))
			item = list_first_entry(&f->epoll_items, struct epoll_item, file_node);
		if (item && item->ep != ep)
			item = NULL;
		spin_unlock(&f->lock);
		if (item)
			item_remove(ep, item);
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->priv;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->items)))
		item_remove(ep, rb_entry(n, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

/* False: there is nothing to report.  Without a lock (E5). */
static bool may_have_events(struct epoll *ep)
{
	return !list_empty(&ep->ready) || READ_ONCE(ep->reporting);
}

/* What an item has to report now. */
static uint32_t item_poll(struct epoll_item *item)
{
	return file_poll(item->file, NULL) & item->events;
}

static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->priv;
	struct rb_node *n;
	uint32_t events = 0;

	poll_wait(f, &ep->poll_waitq, pt);
	if (!may_have_events(ep))
		return 0;
	/* Something may be listed that is ready no more. */
	mutex_lock(&ep->lock);
	for (n = rb_first(&ep->items); n && !events; n = rb_next(n)) {
		struct epoll_item *item = rb_entry(n, struct epoll_item, node);

		if (!list_empty(&item->ready_node) && item_poll(item))
			events = POLLIN | POLLRDNORM;
	}
	mutex_unlock(&ep->lock);
	return events;
}

static void epoll_fdinfo(struct file *f, struct seq_file *m)
{
	struct epoll *ep = f->priv;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	for (n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct epoll_item *item = rb_entry(n, struct epoll_item, node);

		seq_printf(m, "tfd: %8d events: %8x data: %16llx\n", item->fd, item->events,
			   (unsigned long long)item->data);
	}
	mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_ops = {
	.seek = noop_seek,
	.poll = epoll_poll, .release = epoll_release, .show_fdinfo = epoll_fdinfo,
	.name = "[eventpoll]",
};

long sys_epoll_create1(unsigned int flags)
{
	struct epoll *ep;
	struct file *f;

	if (flags & ~(unsigned int)EPOLL_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep), 0);
	if (!ep)
		return -ENOMEM;
	mutex_init(&ep->lock, EPOLL);
	spinlock_init(&ep->ready_lock, WAITQ);
	list_init(&ep->ready);
	waitq_init(&ep->waitq);
	waitq_init(&ep->poll_waitq);
	refcount_set(&ep->refs, 1);
	f = file_create_anonymous(&epoll_ops, ep, O_RDWR);
	if (IS_ERR(f)) {
		kfree(ep);
		return PTR_ERR(f);
	}
	return fd_install_new(f, flags);
}

long sys_epoll_create(int size)
{
	return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

/*
 * E4: may @inner stand below @level sets, @ep the nearest of them?  Recursion ends at NEST_MAX.
 * nest_lock held.
 */
static int check_nesting(struct epoll *ep, struct epoll *inner, unsigned int level)
{
	struct rb_node *n;
	int err = 0;

	if (inner == ep || level > NEST_MAX)
		return -ELOOP;
	if (inner->seen_check == next_check && inner->seen_level >= level)
		return 0;		/* came here by another way already */
	inner->seen_check = next_check;
	inner->seen_level = level;
	mutex_lock(&inner->lock);
	for (n = rb_first(&inner->items); n && !err; n = rb_next(n)) {
		struct file *f = rb_entry(n, struct epoll_item, node)->file;

		if (f->ops == &epoll_ops)
			err = check_nesting(ep, f->priv, level + 1);
	}
	mutex_unlock(&inner->lock);
	return err;
}

/* @inner now stands below @level sets, which check_nesting() allowed.  nest_lock held. */
static void raise_level(struct epoll *inner, unsigned int level)
{
	struct rb_node *n;

	if (inner->level >= level)
		return;
	inner->level = level;
	mutex_lock(&inner->lock);
	for (n = rb_first(&inner->items); n; n = rb_next(n)) {
		struct file *f = rb_entry(n, struct epoll_item, node)->file;

		if (f->ops == &epoll_ops)
			raise_level(f->priv, level + 1);
	}
	mutex_unlock(&inner->lock);
}

/* The item's file may be ready already. */
static void item_check(struct epoll *ep, struct epoll_item *item, uint32_t events)
{
	unsigned long flags;

	if (!(events & item->events))
		return;
	flags = spin_lock_irqsave(&ep->ready_lock);
	if (list_empty(&item->ready_node))
		list_add_tail(&item->ready_node, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	waitq_wake(&ep->waitq, POLLIN);
	if (waitq_is_active(&ep->poll_waitq))
		waitq_wake_all(&ep->poll_waitq, POLLIN);
}

static int item_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct epoll_item *item;
	struct item_table t = { .table.queue = item_queue };
	uint32_t events;

	if (item_find(ep, f, fd))
		return -EEXIST;
	item = kzalloc(sizeof(*item), 0);
	if (!item)
		return -ENOMEM;
	list_init(&item->ready_node);
	item->file = f;
	item->ep = ep;
	item->fd = fd;
	item->events = ev->events | EPOLLERR | EPOLLHUP;
	item->data = ev->data;
	item_link(ep, item);
	__atomic_fetch_or(&f->mode, FMODE_WATCHED, __ATOMIC_RELAXED);
	spin_lock(&f->lock);
	list_add_tail(&item->file_node, &f->epoll_items);
	spin_unlock(&f->lock);
	t.item = item;
	t.table.events = item->events;
	events = file_poll(f, &t.table);
	if (t.error) {
		item_remove(ep, item);
		return t.error;
	}
	item_check(ep, item, events);
	return 0;
}

static int item_modify(struct epoll *ep, struct epoll_item *item, const struct epoll_event *ev)
{
	if ((item->events | ev->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	WRITE_ONCE(item->events, ev->events | EPOLLERR | EPOLLHUP);
	item->data = ev->data;
	smp_mb();	/* a wake-up sees the new mask, or we see its event */
	item_check(ep, item, file_poll(item->file, NULL));
	return 0;
}

static int control(struct epoll *ep, int op, struct file *f, int fd, const struct epoll_event *ev)
{
	struct epoll_item *item;

	if (op == EPOLL_CTL_ADD)
		return item_add(ep, f, fd, ev);
	item = item_find(ep, f, fd);
	if (!item)
		return -ENOENT;
	if (op == EPOLL_CTL_MOD)
		return item_modify(ep, item, ev);
	item_remove(ep, item);
	return 0;
}

static int check_control(struct file *epf, struct file *f, int op, const struct epoll_event *ev)
{
	if (!f->ops->poll)
		return -EPERM;
	if (epf->ops != &epoll_ops || f == epf)
		return -EINVAL;
	if (op != EPOLL_CTL_ADD && op != EPOLL_CTL_MOD && op != EPOLL_CTL_DEL)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && (ev->events & EPOLLEXCLUSIVE) &&
	    (op == EPOLL_CTL_MOD || f->ops == &epoll_ops || (ev->events & ~EXCLUSIVE_OK)))
		return -EINVAL;
	return 0;
}

long sys_epoll_ctl(int epfd, int op, int fd, uaddr_t event)
{
	struct epoll_event ev = { 0 };
	struct fd_ref er, r;
	struct epoll *ep;
	bool nested;
	long err = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_from_user(&ev, event, sizeof(ev)))
		return -EFAULT;
	er = fd_get(epfd);
	r = fd_get(fd);
	if (!er.file || !r.file)
		goto put;
	err = check_control(er.file, r.file, op, &ev);
	if (err)
		goto put;
	ep = er.file->priv;
	nested = op == EPOLL_CTL_ADD && r.file->ops == &epoll_ops;
	if (nested) {
		mutex_lock(&nest_lock);
		next_check++;
		err = check_nesting(ep, r.file->priv, ep->level + 1);
		if (!err)
			raise_level(r.file->priv, ep->level + 1);
	}
	if (!err) {
		mutex_lock(&ep->lock);
		err = control(ep, op, r.file, fd, &ev);
		mutex_unlock(&ep->lock);
	}
	if (nested)
		mutex_unlock(&nest_lock);
put:
	if (er.file)
		fd_put(er);
	if (r.file)
		fd_put(r);
	return err;
}

/* The next listed item of @from, unlisted (E2); NULL: none. */
static struct epoll_item *next_ready(struct epoll *ep, struct list *from)
{
	struct epoll_item *item;
	unsigned long flags = spin_lock_irqsave(&ep->ready_lock);

	item = list_first_entry_or_null(from, struct epoll_item, ready_node);
	if (item)
		list_del_init(&item->ready_node);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	return item;
}

static void list_again(struct epoll *ep, struct epoll_item *item)
{
	unsigned long flags = spin_lock_irqsave(&ep->ready_lock);

	if (list_empty(&item->ready_node))
		list_add_tail(&item->ready_node, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
}

/* Report up to @max events; ep->lock held.  Events or -EFAULT. */
static long report_locked(struct epoll *ep, uaddr_t out, int max)
{
	struct epoll_item *item;
	LIST_HEAD(batch);
	unsigned long flags;
	bool more;
	long n = 0;

	/* Only what is listed now: level-triggered items go to the end again. */
	flags = spin_lock_irqsave(&ep->ready_lock);
	list_splice_init(&ep->ready, &batch);
	ep->reporting = true;
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	while (n < max && (item = next_ready(ep, &batch))) {
		struct epoll_event ev;

		ev.events = item_poll(item);
		if (!ev.events)
			continue;
		ev.data = item->data;
		if (copy_to_user(uaddr_add(out, (uint64_t)n * sizeof(ev)), &ev, sizeof(ev))) {
			list_again(ep, item);
			n = n ? n : -EFAULT;
			break;
		}
		n++;
		if (item->events & EPOLLONESHOT)
			item->events &= PRIVATE_BITS;
		else if (!(item->events & EPOLLET))
			list_again(ep, item);
	}
	flags = spin_lock_irqsave(&ep->ready_lock);
	list_splice_init(&batch, &ep->ready);
	ep->reporting = false;
	more = !list_empty(&ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	/* One wake-up wakes one waiter: what is left is the next one's. */
	if (more && waitq_is_active(&ep->waitq))
		waitq_wake(&ep->waitq, POLLIN);
	return n;
}

static long wait_for_events(struct epoll *ep, uaddr_t out, int max, int64_t deadline)
{
	long n;
	int err;

	for (;;) {
		if (may_have_events(ep)) {
			mutex_lock(&ep->lock);
			n = report_locked(ep, out, max);
			mutex_unlock(&ep->lock);
			if (n)
				return n;
		}
		if (!deadline)
			return 0;
		err = wait_event_common(&ep->waitq, may_have_events(ep), THREAD_INTERRUPTIBLE,
					WAITQ_EXCLUSIVE, deadline);
		if (err)
			return err == -ETIMEDOUT ? 0 : -EINTR;
	}
}

static long do_wait(int epfd, uaddr_t events, int max, int64_t deadline)
{
	struct fd_ref r;
	long n = -EINVAL;

	if (max <= 0 || max > (int)(INT32_MAX / sizeof(struct epoll_event)))
		return -EINVAL;
	if (!user_range_ok(events, (size_t)max * sizeof(struct epoll_event)))
		return -EFAULT;
	r = fd_get(epfd);
	if (!r.file)
		return -EBADF;
	if (r.file->ops == &epoll_ops)
		n = wait_for_events(r.file->priv, events, max, deadline);
	fd_put(r);
	return n;
}

static int64_t deadline_ms(int timeout)
{
	if (timeout < 0)
		return WAIT_FOREVER;
	return timeout ? clock_ns() + timeout * NSEC_PER_MSEC : 0;
}

long sys_epoll_wait(int epfd, uaddr_t events, int maxevents, int timeout)
{
	return do_wait(epfd, events, maxevents, deadline_ms(timeout));
}

long sys_epoll_pwait(int epfd, uaddr_t events, int maxevents, int timeout, uaddr_t sigmask,
		     size_t sigsetsize)
{
	long n = poll_set_mask(sigmask, sigsetsize);

	if (n)
		return n;
	n = do_wait(epfd, events, maxevents, deadline_ms(timeout));
	poll_restore_mask(sigmask, n);
	return n;
}

long sys_epoll_pwait2(int epfd, uaddr_t events, int maxevents, uaddr_t timeout, uaddr_t sigmask,
		      size_t sigsetsize)
{
	int64_t deadline;
	long n = poll_get_timespec(timeout, &deadline);

	if (n)
		return n;
	n = poll_set_mask(sigmask, sigsetsize);
	if (n)
		return n;
	n = do_wait(epfd, events, maxevents, deadline);
	poll_restore_mask(sigmask, n);
	return n;
}
