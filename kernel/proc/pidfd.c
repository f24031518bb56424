/* SPDX-License-Identifier: MIT */
/*
 * pidfds: descriptors that stand for one process, whatever happens to its number.
 *
 * The file holds a reference to the struct pid, which outlives the process, so a pidfd never comes
 * to mean another process.  It polls readable once the process is a zombie.
 */
#include <fs/poll.h>
#include <fs/seq_file.h>
#include <generated/syscall_protos.h>
#include <kernel/file.h>
#include <kernel/pidfd.h>
#include <kernel/ptrace.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <uapi/fcntl.h>

#include "proc.h"

/* The process behind @pid, counted; NULL once it was waited for. */
static struct process *pid_get_process(struct pid *pid)
{
	struct process *p;

	rcu_read_lock();
	p = rcu_dereference(pid->process);
	if (p && !refcount_inc_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pid *pid = f->priv;
	struct process *p;
	bool ended;

	poll_wait(f, &pid->exit_waitq, pt);
	rcu_read_lock();
	p = rcu_dereference(pid->process);
	ended = !p || __atomic_load_n(&p->state, __ATOMIC_ACQUIRE) >= PROCESS_ZOMBIE;
	rcu_read_unlock();
	return ended ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
	pid_put(f->priv);
}

static void pidfd_show_fdinfo(struct file *f, struct seq_file *m)
{
	struct pid *pid = f->priv;
	int nr = rcu_dereference(pid->process) ? pid->nr : -1;

	seq_printf(m, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_ops pidfd_ops = {
	.name		= "[pidfd]",
	.poll		= pidfd_poll,
	.release	= pidfd_release,
	.show_fdinfo	= pidfd_show_fdinfo,
};

int pidfd_create(struct pid *pid, unsigned int flags)
{
	struct file *f;

	pid_ref(pid);
	f = file_create_anonymous(&pidfd_ops, pid, O_RDWR | (flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		pid_put(pid);
		return (int)PTR_ERR(f);
	}
	return fd_install_new(f, flags & O_CLOEXEC);
}

struct pid *pidfd_get_pid(int fd)
{
	struct fd_ref r = fd_get(fd);
	struct pid *pid = ERR_PTR(-EBADF);

	if (!r.file)
		return pid;
	if (r.file->ops == &pidfd_ops) {
		pid = r.file->priv;
		pid_ref(pid);
	}
	fd_put(r);
	return pid;
}

/* The living or dead, not yet reaped process of descriptor @fd, counted; error pointer. */
static struct process *pidfd_get_process(int fd)
{
	struct pid *pid = pidfd_get_pid(fd);
	struct process *p;

	if (IS_ERR(pid))
		return ERR_CAST(pid);
	p = pid_get_process(pid);
	pid_put(pid);
	return p ? p : ERR_PTR(-ESRCH);
}

long sys_pidfd_open(int nr, unsigned int flags)
{
	struct pid *pid;
	long fd;

	if (nr <= 0 || (flags & ~(unsigned int)O_NONBLOCK))
		return -EINVAL;
	pid = pid_get(nr);
	if (!pid)
		return -ESRCH;
	if (rcu_dereference(pid->process))
		fd = pidfd_create(pid, flags | O_CLOEXEC);
	else	/* a thread that is no leader, or a mere group */
		fd = rcu_dereference(pid->thread) ? -EINVAL : -ESRCH;
	pid_put(pid);
	return fd;
}

/*
 * The siginfo to send: the user's, which may not pretend to come from the kernel or from kill() of
 * another.
 */
static int send_info(struct process *p, int sig, uaddr_t uinfo, struct siginfo *info)
{
	if (!uinfo.v) {
		siginfo_init(info, sig, SI_USER);
		info->si_pid = current_process()->pid->nr;
		info->si_uid = current_cred()->uid;
		return 0;
	}
	if (copy_from_user(info, uinfo, sizeof(*info)))
		return -EFAULT;
	if (info->si_signo != sig)
		return -EINVAL;
	if (p != current_process() && (info->si_code >= 0 || info->si_code == SI_TKILL))
		return -EPERM;
	return 0;
}

long sys_pidfd_send_signal(int fd, int sig, uaddr_t uinfo, unsigned int flags)
{
	struct siginfo info;
	struct process *p;
	long err;

	if (flags || sig < 0 || sig > NSIG_MAX)
		return -EINVAL;
	p = pidfd_get_process(fd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	err = send_info(p, sig, uinfo, &info);
	if (!err)
		err = signal_permission(p, sig);
	if (!err && sig)
		err = signal_send_process(p, sig, &info);
	process_put(p);
	return err;
}

/*
 * The table of the process's leader, counted; NULL when it has none any more, and *@err says
 * whether it is not for the caller, by the rule of ptrace.
 */
static struct files *process_get_files(struct process *p, int *err)
{
	struct files *files;
	struct thread *t;
	unsigned long flags;

	*err = -ESRCH;
	spin_lock(&tasklist_lock);
	if (p->state == PROCESS_REAPED) {	/* the leader went with it */
		spin_unlock(&tasklist_lock);
		return NULL;
	}
	t = p->leader;
	thread_ref(t);
	spin_unlock(&tasklist_lock);
	flags = spin_lock_irqsave(&t->lock);
	files = t->files;
	if (files)
		files_ref(files);
	spin_unlock_irqrestore(&t->lock, flags);
	if (ptrace_may_attach(t)) {
		*err = -EPERM;
		if (files)
			files_put(files);
		files = NULL;
	}
	thread_put(t);
	return files;
}

long sys_pidfd_getfd(int pidfd, int target_fd, unsigned int flags)
{
	struct file *f = NULL;
	struct files *files;
	struct process *p;
	int err;

	if (flags)
		return -EINVAL;
	p = pidfd_get_process(pidfd);
	if (IS_ERR(p))
		return PTR_ERR(p);
	files = process_get_files(p, &err);
	process_put(p);
	if (!files)
		return err;
	if (target_fd >= 0)
		f = files_get_file(files, (unsigned int)target_fd);
	files_put(files);
	return f ? fd_install_new(f, O_CLOEXEC) : -EBADF;
}
