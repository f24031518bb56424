/* SPDX-License-Identifier: MIT */
/*
 * timerfd: timers that are read.
 *
 * The timer's interrupt counts one expiration.  A periodic timer is armed again when that is read,
 * and those that were missed are counted then: an interval of a nanosecond must not keep a CPU in
 * interrupts.  A timer on the real-time clock with an absolute time keeps the wall-clock offset it
 * was set with.  When somebody steps the clock, such timers are found on a list: they move along,
 * and those with TFD_TIMER_CANCEL_ON_SET wake their readers, whose next read fails with ECANCELED.
 */
#include <fs/poll.h>
#include <fs/vfs.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/timerfd.h>

struct timerfd {
	struct timer timer;
	struct spinlock lock;		/* class TIMER_OWNER; taken with interrupts masked */
	uint64_t ticks;			/* [L] expirations not read yet */
	int64_t interval_ns;		/* [L] 0: once */
	int64_t next_ns;		/* [L] on clock_ns(); 0: disarmed */
	/* [L] wall-clock offset when set, or when the last step was reported */
	int64_t offset_ns;
	int64_t armed_offset_ns;	/* [L] wall-clock offset that next_ns was computed with */
	bool is_late;			/* [L] periodic, expired, and not armed again */
	bool realtime;			/* [I] */
	bool cancel_on_set;		/* [L] */
	struct waitq waitq;
	struct list node;	/* [R] absolute_lock; empty unless set to a wall-clock time */
};

static struct spinlock absolute_lock = SPINLOCK_INIT(FILE_STATE);
static struct list absolute = LIST_INIT(absolute);	/* [R] absolute_lock */

static void expired(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	unsigned long flags = spin_lock_irqsave(&t->lock);

	if (t->next_ns) {
		t->ticks++;
		if (t->interval_ns)
			t->is_late = true;
		else
			t->next_ns = 0;
	}
	spin_unlock_irqrestore(&t->lock, flags);
	waitq_wake(&t->waitq, POLLIN | POLLRDNORM);
}

/* Bring a periodic timer that expired up to date, and arm it. */
static void catch_up_locked(struct timerfd *t)
{
	int64_t missed;

	if (!t->is_late)
		return;
	t->is_late = false;
	missed = max(clock_ns() - t->next_ns, (int64_t)0) / t->interval_ns;
	t->ticks += (uint64_t)missed;
	t->next_ns += missed * t->interval_ns;
	if (__builtin_add_overflow(t->next_ns, t->interval_ns, &t->next_ns))
		t->next_ns = INT64_MAX - 1;
	timer_arm(&t->timer, t->next_ns);
}

static bool is_canceled(const struct timerfd *t)
{
	return t->cancel_on_set && t->offset_ns != clock_realtime_offset_ns();
}

/* The wall clock was set: what waits for a time on it comes nearer or goes farther. */
static void move_along(struct timerfd *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	int64_t offset = clock_realtime_offset_ns();

	if (t->next_ns) {
		t->next_ns = max(t->next_ns - (offset - t->armed_offset_ns), (int64_t)1);
		timer_arm(&t->timer, t->next_ns);
	}
	t->armed_offset_ns = offset;
	spin_unlock_irqrestore(&t->lock, flags);
	waitq_wake_all(&t->waitq, is_canceled(t) ? POLLIN | POLLRDNORM : 0);
}

static void realtime_stepped(void)
{
	struct timerfd *t;

	spin_lock(&absolute_lock);
	list_for_each_entry(t, &absolute, node)
		move_along(t);
	spin_unlock(&absolute_lock);
}

/* A released or changed timer leaves the list, one set to a wall-clock time joins it. */
static void list_absolute(struct timerfd *t, bool joins)
{
	if (!t->realtime)
		return;
	spin_lock(&absolute_lock);
	list_del_init(&t->node);
	if (joins)
		list_add_tail(&t->node, &absolute);
	spin_unlock(&absolute_lock);
}

/* Expirations to report, 0 for none, -ECANCELED. */
static int64_t take_ticks(struct timerfd *t)
{
	unsigned long flags = spin_lock_irqsave(&t->lock);
	int64_t n;

	catch_up_locked(t);
	n = (int64_t)t->ticks;
	t->ticks = 0;
	if (is_canceled(t)) {
		t->offset_ns = clock_realtime_offset_ns();
		n = -ECANCELED;
	}
	spin_unlock_irqrestore(&t->lock, flags);
	return n;
}

static ssize_t timerfd_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct timerfd *t = f->priv;
	int64_t n;
	int err;

	if (to->count < sizeof(n))
		return -EINVAL;
	while (!(n = take_ticks(t))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&t->waitq, READ_ONCE(t->ticks) || is_canceled(t));
		if (err)
			return err;
	}
	if (n < 0)
		return n;
	return iov_copy_to(to, &n, sizeof(n)) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->priv;

	poll_wait(f, &t->waitq, pt);
	return READ_ONCE(t->ticks) || is_canceled(t) ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->priv;
	unsigned long flags;

	list_absolute(t, false);
	flags = spin_lock_irqsave(&t->lock);
	t->next_ns = 0;
	t->interval_ns = 0;
	t->is_late = false;
	spin_unlock_irqrestore(&t->lock, flags);
	timer_cancel(&t->timer);
	kfree(t);
}

static long timerfd_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	struct timerfd *t = f->priv;
	unsigned long flags;
	uint64_t n;

	if (cmd != TFD_IOC_SET_TICKS)
		return -ENOTTY;
	if (get_user(&n, UADDR(arg)))
		return -EFAULT;
	if (!n)
		return -EINVAL;
	flags = spin_lock_irqsave(&t->lock);
	t->ticks = n;
	spin_unlock_irqrestore(&t->lock, flags);
	waitq_wake(&t->waitq, POLLIN | POLLRDNORM);
	return 0;
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read, .seek = noop_seek,
	.poll = timerfd_poll, .ioctl = timerfd_ioctl,
	.release = timerfd_release, .name = "[timerfd]",
};

long sys_timerfd_create(int clock, unsigned int flags)
{
	struct timerfd *t;
	struct file *f;

	if (flags & ~(unsigned int)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME &&
	    clock != CLOCK_REALTIME_ALARM && clock != CLOCK_BOOTTIME_ALARM)
		return -EINVAL;
	t = kzalloc(sizeof(*t), 0);
	if (!t)
		return -ENOMEM;
	timer_init(&t->timer, expired);
	spinlock_init(&t->lock, TIMER_OWNER);
	waitq_init(&t->waitq);
	list_init(&t->node);
	t->realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
	f = file_create_anonymous(&timerfd_ops, t, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(t);
		return PTR_ERR(f);
	}
	return fd_install_new(f, flags & O_CLOEXEC);
}

static struct itimerspec current_setting_locked(const struct timerfd *t)
{
	struct itimerspec s = { .it_interval = ns_to_timespec(t->interval_ns) };

	if (t->next_ns)
		s.it_value = ns_to_timespec(max(t->next_ns - clock_ns(), (int64_t)1));
	return s;
}

static int64_t first_expiry(const struct timerfd *t, const struct itimerspec *s, unsigned int flags)
{
	int64_t ns = timespec_to_ns(s->it_value), at;

	if (!ns)
		return 0;
	if (flags & TFD_TIMER_ABSTIME)
		at = t->realtime ? ns - clock_realtime_offset_ns() : ns;
	else if (__builtin_add_overflow(clock_ns(), ns, &at))
		at = INT64_MAX - 1;
	return max(at, (int64_t)1);
}

static void set_timer(struct timerfd *t, const struct itimerspec *s, unsigned int flags,
		      struct itimerspec *old)
{
	unsigned long irq;

	list_absolute(t, false);
	timer_cancel(&t->timer);
	irq = spin_lock_irqsave(&t->lock);
	catch_up_locked(t);
	*old = current_setting_locked(t);
	t->is_late = false;
	t->ticks = 0;
	t->interval_ns = timespec_to_ns(s->it_interval);
	t->next_ns = first_expiry(t, s, flags);
	t->offset_ns = t->armed_offset_ns = clock_realtime_offset_ns();
	t->cancel_on_set = t->realtime && (flags & TFD_TIMER_ABSTIME) &&
			   (flags & TFD_TIMER_CANCEL_ON_SET);
	if (t->next_ns)
		timer_arm(&t->timer, t->next_ns);
	spin_unlock_irqrestore(&t->lock, irq);
	list_absolute(t, flags & TFD_TIMER_ABSTIME);
}

long sys_timerfd_settime(int fd, unsigned int flags, uaddr_t new, uaddr_t old)
{
	struct itimerspec s, before;
	struct fd_ref r;
	long err = -EINVAL;

	if (flags & ~(unsigned int)(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	if (copy_from_user(&s, new, sizeof(s)))
		return -EFAULT;
	if (!timespec_is_valid(s.it_value) || !timespec_is_valid(s.it_interval))
		return -EINVAL;
	r = fd_get(fd);
	if (!r.file)
		return -EBADF;
	if (r.file->ops == &timerfd_ops) {
		set_timer(r.file->priv, &s, flags, &before);
		err = old.v ? copy_to_user(old, &before, sizeof(before)) : 0;
	}
	fd_put(r);
	return err;
}

long sys_timerfd_gettime(int fd, uaddr_t value)
{
	struct fd_ref r = fd_get(fd);
	struct itimerspec s;
	long err = -EINVAL;

	if (!r.file)
		return -EBADF;
	if (r.file->ops == &timerfd_ops) {
		struct timerfd *t = r.file->priv;
		unsigned long flags = spin_lock_irqsave(&t->lock);

		catch_up_locked(t);
		s = current_setting_locked(t);
		spin_unlock_irqrestore(&t->lock, flags);
		err = copy_to_user(value, &s, sizeof(s));
	}
	fd_put(r);
	return err;
}

static int timerfd_init(void)
{
	static struct clock_observer observer = { .stepped = realtime_stepped };

	clock_on_realtime_step(&observer);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, timerfd_init);
