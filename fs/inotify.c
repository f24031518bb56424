/* SPDX-License-Identifier: MIT */
/*
 * inotify: descriptors that read what happens to files.  Reports come from fs/notify.c; the rules
 * of watches are in fs/notify_internal.h, instances in fs/inotify_queue.c.
 */
#include <fs/namei.h>
#include <fs/poll.h>
#include <fs/procfs.h>
#include <generated/syscall_protos.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/ioctl.h>
#include <uapi/termios.h>
#include <uapi/tty.h>

#include "notify_internal.h"

#define ALL_BITS (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | \
		  IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR | \
		  IN_ONESHOT)

/* The descriptor. */

/* The first event if it fits into @room: off the queue.  NULL: none; -EINVAL: does not fit. */
static struct queued_event *take_event(struct inotify *in, size_t room)
{
	struct queued_event *q = NULL;

	spin_lock(&in->lock);
	if (!list_empty(&in->events)) {
		q = list_first_entry(&in->events, struct queued_event, node);
		if (sizeof(q->event) + q->event.len > room) {
			q = ERR_PTR(-EINVAL);
		} else {
			list_del(&q->node);
			in->nr_events--;
			if (q == in->overflow)
				in->overflowed = false;
		}
	}
	spin_unlock(&in->lock);
	return q;
}

static ssize_t copy_event(struct inotify *in, struct queued_event *q, struct iov_iter *to)
{
	size_t len = sizeof(q->event) + q->event.len;
	bool copied;

	if (q == in->overflow) {	/* it may be queued again already */
		struct inotify_event e = { .wd = -1, .mask = IN_Q_OVERFLOW };

		return iov_copy_to(to, &e, sizeof(e)) == sizeof(e) ? (ssize_t)sizeof(e) : -EFAULT;
	}
	copied = iov_copy_to(to, &q->event, len) == len;
	kfree(q);
	return copied ? (ssize_t)len : -EFAULT;
}

static ssize_t inotify_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct inotify *in = f->priv;
	struct queued_event *q;
	ssize_t done = 0, n;
	int err;

	for (;;) {
		q = take_event(in, to->count);
		if (IS_ERR(q))
			return done ? done : PTR_ERR(q);
		if (q) {
			n = copy_event(in, q, to);
			if (n < 0)
				return n;
			done += n;
			continue;
		}
		if (done)
			return done;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_exclusive(&in->waitq, READ_ONCE(in->nr_events));
		if (err)
			return err;
	}
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *in = f->priv;

	poll_wait(f, &in->waitq, pt);
	return READ_ONCE(in->nr_events) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct inotify *in = f->priv;
	struct queued_event *q;
	uint32_t bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	spin_lock(&in->lock);
	list_for_each_entry(q, &in->events, node)
		bytes += (uint32_t)sizeof(q->event) + q->event.len;
	spin_unlock(&in->lock);
	return put_user(bytes, UADDR(arg));
}

/* The watch with the lowest number >= @wd: counted, NULL at the end. */
static struct watch *watch_from(struct inotify *in, int wd)
{
	struct watch *best = NULL;
	struct rb_node *n;

	spin_lock(&in->lock);
	n = in->watches.root;
	while (n) {
		struct watch *w = rb_entry(n, struct watch, tree_node);

		if (w->wd >= wd)
			best = w;
		n = w->wd >= wd ? n->left : n->right;
	}
	if (best)
		refcount_inc(&best->refs);
	spin_unlock(&in->lock);
	return best;
}

static void inotify_release(struct file *f)
{
	struct inotify *in = f->priv;
	struct watch *w;
	int wd = 0;

	/* What others are ending meanwhile is theirs (W1), and holds the instance (W2). */
	while ((w = watch_from(in, wd))) {
		wd = w->wd + 1;
		if (watch_detach(w))
			watch_end(w);
		watch_put(w);
		if (wd <= 0)
			break;
	}
	inotify_put(in);
}

static void inotify_fdinfo(struct file *f, struct seq_file *m)
{
	struct watch *w;
	int wd = 0;

	while (wd >= 0 && (w = watch_from(f->priv, wd))) {
		wd = w->wd == INT32_MAX ? -1 : w->wd + 1;
		seq_printf(m, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", w->wd,
			   (unsigned long long)w->inode->ino, dev_to_user(w->inode->sb->dev),
			   (w->mask & IN_ALL_EVENTS) |
			   (w->flags & WATCH_ONESHOT ? IN_ONESHOT : 0) |
			   (w->flags & WATCH_EXCL_UNLINK ? IN_EXCL_UNLINK : 0));
		watch_put(w);
	}
}

static const struct file_ops inotify_ops = {
	.read = inotify_read, .seek = noop_seek, .poll = inotify_poll, .ioctl = inotify_ioctl,
	.release = inotify_release, .show_fdinfo = inotify_fdinfo, .name = "inotify",
};

static struct inotify *instance_make(void)
{
	struct inotify *in = kzalloc(sizeof(*in), 0);
	struct queued_event *overflow = kzalloc(sizeof(*overflow), 0);
	struct account *a = in && overflow ? inotify_account_enter() : ERR_PTR(-ENOMEM);

	if (IS_ERR(a)) {
		kfree(in);
		kfree(overflow);
		return ERR_PTR(PTR_ERR(a));
	}
	refcount_set(&in->refs, 1);
	spinlock_init(&in->lock, RING);
	list_init(&in->events);
	mutex_init(&in->add_lock, EPOLL);
	waitq_init(&in->waitq);
	in->account = a;
	in->overflow = overflow;
	overflow->event.wd = -1;
	overflow->event.mask = IN_Q_OVERFLOW;
	return in;
}

long sys_inotify_init1(unsigned int flags)
{
	struct inotify *in;
	struct file *f;

	if (flags & ~(unsigned int)(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	in = instance_make();
	if (IS_ERR(in))
		return PTR_ERR(in);
	f = file_create_anonymous(&inotify_ops, in, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		inotify_put(in);
		return PTR_ERR(f);
	}
	return fd_install_new(f, flags & O_CLOEXEC);
}

long sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

/* Watches: add and remove. */

static uint32_t flags_of(uint32_t mask)
{
	return (mask & IN_ONESHOT ? WATCH_ONESHOT : 0U) |
	       (mask & IN_EXCL_UNLINK ? WATCH_EXCL_UNLINK : 0U);
}

/* This instance watches the inode already: its number, or -EEXIST, or -ENOENT when it does not. */
static int change_watch(const struct watch_request *r, struct inotify_marks *m)
{
	struct watch *w;
	int ret = -ENOENT;

	spin_lock(&r->inode->state_lock);
	list_for_each_entry(w, &m->watches, node) {
		if (w->instance != r->instance)
			continue;
		ret = r->mask & IN_MASK_CREATE ? -EEXIST : w->wd;
		if (ret < 0)
			break;
		if (!(r->mask & IN_MASK_ADD)) {
			w->mask = IN_UNMOUNT;
			w->flags = 0;
		}
		w->mask |= r->mask & IN_ALL_EVENTS;
		w->flags |= flags_of(r->mask);
		notify_marks_changed_locked(m);
		break;
	}
	spin_unlock(&r->inode->state_lock);
	return ret;
}

static int new_watch(const struct watch_request *r, struct inotify_marks *m)
{
	struct inotify *in = r->instance;
	struct watch *w = kzalloc(sizeof(*w), 0);
	int err, wd;

	if (!w)
		return -ENOMEM;
	err = inotify_charge_watch(in->account);
	if (err) {
		kfree(w);
		spin_lock(&in->lock);
		/* as Linux: the number is used up */
		in->last_wd = inotify_next_wd_locked(in);
		spin_unlock(&in->lock);
		return err;
	}
	refcount_set(&w->refs, 1);
	w->mask = (r->mask & IN_ALL_EVENTS) | IN_UNMOUNT;
	w->flags = flags_of(r->mask);
	w->inode = r->inode;
	inode_ref(w->inode);
	w->instance = in;
	refcount_inc(&in->refs);
	w->attached = true;
	/* Before it can be found, so that no event is missed by a look at the counter. */
	__atomic_fetch_add(&notify_watches, 1, __ATOMIC_SEQ_CST);
	spin_lock(&r->inode->state_lock);
	spin_lock(&in->lock);
	inotify_insert_locked(in, w);
	wd = w->wd;
	spin_unlock(&in->lock);
	list_add_tail(&w->node, &m->watches);
	notify_marks_changed_locked(m);
	spin_unlock(&r->inode->state_lock);
	return wd;
}

static long add_watch(const struct watch_request *r)
{
	struct inotify_marks *m = notify_get_marks(r->inode);
	int wd;

	if (!m)
		return -ENOMEM;
	mutex_lock(&r->instance->add_lock);
	wd = change_watch(r, m);
	if (wd == -ENOENT)
		wd = new_watch(r, m);
	mutex_unlock(&r->instance->add_lock);
	return wd;
}

static long add_watch_at(struct inotify *in, uaddr_t name, uint32_t mask)
{
	unsigned int lookup = (mask & IN_DONT_FOLLOW ? 0u : LOOKUP_FOLLOW) |
			      (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0u);
	struct path p;
	long ret = path_lookup_user(AT_FDCWD, name, lookup, &p);

	if (ret)
		return ret;
	ret = inode_permission(p.dentry->inode, MAY_READ);
	if (!ret)
		ret = add_watch(&(struct watch_request){ mask, in, p.dentry->inode });
	path_put(&p);
	return ret;
}

long sys_inotify_add_watch(int fd, uaddr_t path, unsigned int mask)
{
	struct fd_ref r;
	long ret;

	if (!(mask & ALL_BITS))
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	if (((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE)) || r.file->ops != &inotify_ops)
		ret = -EINVAL;
	else
		ret = add_watch_at(r.file->priv, path, mask);
	fd_put(r);
	return ret;
}

static long remove_watch(struct inotify *in, int wd)
{
	struct watch *w = wd < 0 ? NULL : watch_from(in, wd);
	long ret = -EINVAL;

	if (!w)
		return -EINVAL;
	if (w->wd == wd && watch_detach(w)) {
		watch_end(w);
		ret = 0;
	}
	watch_put(w);
	return ret;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct fd_ref r = fd_get(fd);
	long ret;

	if (!r.file)
		return -EBADF;
	ret = r.file->ops == &inotify_ops ? remove_watch(r.file->priv, wd) : -EINVAL;
	fd_put(r);
	return ret;
}

/* A watch costs about two inodes; they may take a hundredth of memory. */
static int inotify_setup(void)
{
	static const struct proc_value values[] = {
		{ "sys/fs/inotify/max_queued_events", PROC_INT, &inotify_max_events, 0, INT32_MAX,
		  0644 },
		{ "sys/fs/inotify/max_user_instances", PROC_INT, &inotify_max_instances, 0,
		  INT32_MAX, 0644 },
		{ "sys/fs/inotify/max_user_watches", PROC_INT, &inotify_max_watches, 0, INT32_MAX,
		  0644 },
	};
	struct page_stats mem;

	page_stats(&mem);
	inotify_max_watches = (int)clamp(mem.total * PAGE_SIZE / 100 / 1280, 8192ULL, 1048576ULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++)
		if (proc_register_value(&values[i]))
			log_err("inotify: no memory for %s", values[i].name);
	return 0;
}
INITCALL(INIT_FS, inotify_setup);
