/* SPDX-License-Identifier: MIT */
/*
 * signalfd: signals that are read.  What is pending is the reader's, not the opener's.
 *
 * Who polls queues on its own sighand, and an epoll item stays queued when that process is gone: so
 * the file keeps every sighand that was ever polled through it (usually one).
 */
#include <fs/poll.h>
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <generated/syscall_protos.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/signalfd.h>

struct polled {
	struct polled *next;		/* [I] */
	struct sighand *sighand;	/* counted */
};

struct signalfd {
	sigset_t mask;			/* [A] */
	struct polled *polled;		/* [A] only grows until the file is released */
};

static void fill(struct signalfd_siginfo *s, const struct siginfo *i)
{
	memset(s, 0, sizeof(*s));
	s->ssi_signo = (uint32_t)i->si_signo;
	s->ssi_errno = i->si_errno;
	s->ssi_code = i->si_code;
	if (i->si_code == SI_TIMER) {
		s->ssi_tid = (uint32_t)i->si_tid;
		s->ssi_overrun = (uint32_t)i->si_overrun;
		s->ssi_ptr = (uint64_t)(uintptr_t)i->_sifields._timer.sigval.sival_ptr;
		s->ssi_int = i->_sifields._timer.sigval.sival_int;
		return;
	}
	if (i->si_signo == SIGCHLD && i->si_code > 0) {
		s->ssi_pid = (uint32_t)i->si_pid;
		s->ssi_uid = i->si_uid;
		s->ssi_status = i->si_status;
		s->ssi_utime = (uint64_t)i->si_utime;
		s->ssi_stime = (uint64_t)i->si_stime;
		return;
	}
	if (i->si_code > 0 && i->si_code < SI_KERNEL && i->si_signo != SIGIO) {
		s->ssi_addr = (uint64_t)(uintptr_t)i->si_addr;
		s->ssi_trapno = (uint32_t)i->si_trapno;
		return;
	}
	s->ssi_pid = (uint32_t)i->si_pid;
	s->ssi_uid = i->si_uid;
	s->ssi_ptr = (uint64_t)(uintptr_t)i->si_ptr;
	s->ssi_int = i->si_int;
}

static bool is_pending(const sigset_t *mask)
{
	struct thread *t = current_thread();

	return (READ_ONCE(t->pending_set.v) | READ_ONCE(t->process->pending_set.v)) & mask->v;
}

static ssize_t signalfd_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct signalfd *s = f->priv;
	struct waitq *q = &current_process()->sighand->signalfd_waitq;
	struct signalfd_siginfo out;
	struct siginfo info;
	ssize_t done = 0;
	int err;

	if (to->count < sizeof(out))
		return -EINVAL;
	while (to->count >= sizeof(out)) {
		sigset_t mask = s->mask;

		if (!signal_dequeue(&mask, &info)) {
			if (done)
				break;
			if (f->flags & O_NONBLOCK)
				return -EAGAIN;
			err = wait_event_interruptible(q, is_pending(&mask));
			if (err)
				return err;
			continue;
		}
		fill(&out, &info);
		if (iov_copy_to(to, &out, sizeof(out)) != sizeof(out))
			return done ? done : -EFAULT;
		done += (ssize_t)sizeof(out);
	}
	return done;
}

/* False: out of memory. */
static bool keep_sighand(struct signalfd *s, struct sighand *sighand)
{
	struct polled *first = __atomic_load_n(&s->polled, __ATOMIC_ACQUIRE), *p;

	for (p = first; p; p = p->next)
		if (p->sighand == sighand)
			return true;
	p = kmalloc(sizeof(*p), 0);
	if (!p)
		return false;
	refcount_inc(&sighand->refs);
	p->sighand = sighand;
	/* Two threads at once may both add it: one reference more does no harm. */
	p->next = first;
	while (!__atomic_compare_exchange_n(&s->polled, &p->next, p, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE))
		;
	return true;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct sighand *sighand = current_process()->sighand;
	struct signalfd *s = f->priv;

	if (pt && !keep_sighand(s, sighand))
		return POLLERR;
	poll_wait(f, &sighand->signalfd_waitq, pt);
	return is_pending(&s->mask) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
	struct signalfd *s = f->priv;
	struct polled *p, *next;

	for (p = s->polled; p; p = next) {
		next = p->next;
		sighand_put(p->sighand);
		kfree(p);
	}
	kfree(s);
}

static void signalfd_fdinfo(struct file *f, struct seq_file *m)
{
	struct signalfd *s = f->priv;

	seq_printf(m, "sigmask:\t%016llx\n", (unsigned long long)s->mask.v);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read, .seek = noop_seek,
	.poll = signalfd_poll, .release = signalfd_release,
	.show_fdinfo = signalfd_fdinfo, .name = "[signalfd]",
};

static long signalfd_change(int fd, sigset_t set)
{
	struct fd_ref r = fd_get(fd);
	long ret = fd;

	if (!r.file)
		return -EBADF;
	if (r.file->ops == &signalfd_ops) {
		((struct signalfd *)r.file->priv)->mask = set;
		waitq_wake_all(&current_process()->sighand->signalfd_waitq, 0);
	} else {
		ret = -EINVAL;
	}
	fd_put(r);
	return ret;
}

long sys_signalfd4(int fd, uaddr_t mask, size_t sizemask, unsigned int flags)
{
	struct signalfd *s;
	struct file *f;
	sigset_t set;

	if (sizemask != sizeof(set) || (flags & ~(unsigned int)(SFD_CLOEXEC | SFD_NONBLOCK)))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	set.v &= ~(sigmask_bit(SIGKILL) | sigmask_bit(SIGSTOP));
	if (fd != -1)
		return signalfd_change(fd, set);
	s = kmalloc(sizeof(*s), 0);
	if (!s)
		return -ENOMEM;
	s->mask = set;
	s->polled = NULL;
	f = file_create_anonymous(&signalfd_ops, s, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(s);
		return PTR_ERR(f);
	}
	return fd_install_new(f, flags & O_CLOEXEC);
}

long sys_signalfd(int fd, uaddr_t mask, size_t sizemask)
{
	return sys_signalfd4(fd, mask, sizemask, 0);
}
