/* SPDX-License-Identifier: MIT */
/*
 * Job control: controlling terminals, foreground groups, who may read and write, and what sessions
 * lose.
 *
 * J1  tty->session and process->tty of its members change together under tasklist_lock: a process
 *     has a tty only while the tty has the process's session.
 * J2  process->tty holds a reference.  It is dropped after tasklist_lock, since freeing may sleep.
 */
#include <kernel/rcu.h>
#include <kernel/signal.h>
#include <lib/err.h>
#include "tty_internal.h"

/*
 * Replace @p's controlling terminal; returns the old one with its reference.  exec may replace
 * sighand: look again.
 */
static struct tty *process_tty_exchange(struct process *p, struct tty *tty)
{
	for (;;) {
		struct sighand *s;
		unsigned long flags;
		struct tty *old;

		rcu_read_lock();
		s = rcu_dereference(p->sighand);
		flags = spin_lock_irqsave(&s->lock);
		rcu_read_unlock();
		if (s == p->sighand) {
			old = p->tty;
			p->tty = tty;
			spin_unlock_irqrestore(&s->lock, flags);
			return old;
		}
		spin_unlock_irqrestore(&s->lock, flags);
	}
}

static struct tty *process_tty(struct process *p)
{
	return __atomic_load_n(&p->tty, __ATOMIC_RELAXED);
}

/*
 * Another thread of the process may give the terminal up meanwhile: under J1 the tasklist lock
 * keeps it.
 */
struct tty *current_tty_get(void)
{
	struct tty *tty;

	spin_lock(&tasklist_lock);
	tty = process_tty(current_process());
	if (tty)
		tty_ref(tty);
	spin_unlock(&tasklist_lock);
	return tty;
}

/*
 * No member has a parent in the same session but another group: nobody could resume it.
 * tasklist_lock.
 */
static bool group_is_orphaned(const struct pid *group)
{
	struct process *p;

	list_for_each_entry(p, &group->members[PID_GROUP], pid_node[PID_GROUP]) {
		if (p->state >= PROCESS_ZOMBIE || p->parent == init_process)
			continue;
		if (p->parent->group != group && p->parent->session == p->session)
			return false;
	}
	return true;
}

/*
 * May the caller, a member of the tty's session, read (@sig SIGTTIN) or write and change (SIGTTOU)?
 * 0, -EIO, or -ERESTARTSYS with @sig sent to its group.
 */
int tty_check_change(struct tty *tty, int sig)
{
	struct process *me = current_process();
	struct pid *group;
	bool background, orphaned;
	int err = 0;

	/* A pointer compared, not followed: a stale answer is as good as a little earlier. */
	if (process_tty(me) != tty || __atomic_load_n(&tty->pgrp, __ATOMIC_RELAXED) == me->group)
		return 0;
	spin_lock(&tasklist_lock);
	group = me->group;
	pid_ref(group);
	background = tty->pgrp && tty->pgrp != group;
	orphaned = group_is_orphaned(group);
	spin_unlock(&tasklist_lock);

	if (background) {
		if (signal_is_ignored_or_blocked(sig)) {
			err = sig == SIGTTIN ? -EIO : 0;
		} else if (orphaned) {
			err = -EIO;
		} else {
			(void)signal_send_group(group, sig, NULL);
			err = -ERESTARTSYS;
		}
	}
	pid_put(group);
	return err;
}

/* To the foreground group, if there is one. */
void tty_signal_group(struct tty *tty, int sig)
{
	struct pid *group;

	spin_lock(&tasklist_lock);
	group = tty->pgrp;
	if (group)
		pid_ref(group);
	spin_unlock(&tasklist_lock);
	if (!group)
		return;
	(void)signal_send_group(group, sig, NULL);
	pid_put(group);
}

static void pid_replace(struct pid **slot, struct pid *value)
{
	struct pid *old = *slot;

	if (value)
		pid_ref(value);
	__atomic_store_n(slot, value, __ATOMIC_RELAXED);
	if (old)
		pid_put(old);
}

/* @p becomes the controlling process of @tty.  tasklist_lock held; J1. */
static void acquire_locked(struct tty *tty, struct process *p)
{
	pid_replace(&tty->session, p->session);
	pid_replace(&tty->pgrp, p->group);
	tty_ref(tty);
	(void)process_tty_exchange(p, tty);		/* it had none */
}

void tty_acquire_on_open(struct tty *tty, struct file *f)
{
	struct process *me = current_process();

	/* Who may only write must not get at the input by way of a controlling terminal. */
	if (!(f->mode & FMODE_READ) || !me->is_session_leader || process_tty(me))
		return;
	spin_lock(&tasklist_lock);
	if (me->is_session_leader && !process_tty(me) && !tty->session)
		acquire_locked(tty, me);
	spin_unlock(&tasklist_lock);
}

/*
 * Take the terminal from all processes of its session; the number of references to drop.
 * tasklist_lock held.
 */
static unsigned int session_clear_locked(struct tty *tty)
{
	struct process *p;
	unsigned int n = 0;

	if (!tty->session)
		return 0;
	list_for_each_entry(p, &tty->session->members[PID_SESSION], pid_node[PID_SESSION])
		if (process_tty(p) == tty) {
			(void)process_tty_exchange(p, NULL);
			n++;
		}
	pid_replace(&tty->session, NULL);
	pid_replace(&tty->pgrp, NULL);
	return n;
}

static struct process *session_leader_locked(const struct tty *tty)
{
	struct process *p = tty->session ? tty->session->process : NULL;

	return p && p->state < PROCESS_ZOMBIE && process_tty(p) == tty ? p : NULL;
}

void tty_session_end(struct tty *tty, enum session_end why)
{
	struct process *leader;
	struct pid *group;
	unsigned int refs;

	spin_lock(&tasklist_lock);
	leader = session_leader_locked(tty);
	if (leader)
		process_ref(leader);
	group = tty->pgrp;
	if (group)
		pid_ref(group);
	refs = session_clear_locked(tty);
	spin_unlock(&tasklist_lock);

	if (leader) {
		(void)signal_send_process(leader, SIGHUP, NULL);
		(void)signal_send_process(leader, SIGCONT, NULL);
		process_put(leader);
	}
	if (group) {
		if (why == SESSION_END_LEADER)
			(void)signal_send_group(group, SIGHUP, NULL);
		pid_put(group);
	}
	while (refs--)
		tty_put(tty);			/* the caller holds one more */
}

/*
 * The leader of the session ends: a line hangs up; a pty's session only loses it.  The caller holds
 * @tty.  The session's number is the leader's own: a reaped leader is in no session any more.
 */
static void leader_exit(struct tty *tty, struct process *leader)
{
	struct pid *group = NULL;
	unsigned int refs = 0;
	bool is_ours;

	spin_lock(&tasklist_lock);
	is_ours = tty->session == leader->pid;
	if (is_ours && tty->is_pty) {
		group = tty->pgrp;
		if (group)
			pid_ref(group);
		refs = session_clear_locked(tty);
	}
	spin_unlock(&tasklist_lock);
	if (is_ours && !tty->is_pty)
		tty_hangup_because(tty, SESSION_END_LEADER);
	if (group) {
		(void)signal_send_group(group, SIGHUP, NULL);
		pid_put(group);
	}
	while (refs--)
		tty_put(tty);
}

const struct tty_hooks tty_process_hooks = {
	.ref = tty_ref,
	.put = tty_put,
	.leader_exit = leader_exit,
};

/* TIOCNOTTY */
static long give_up(struct tty *tty)
{
	struct process *me = current_process();
	struct tty *old = NULL;
	unsigned int refs = 0;

	if (process_tty(me) != tty)
		return -ENOTTY;
	if (me->is_session_leader) {
		tty_signal_group(tty, SIGHUP);
		tty_signal_group(tty, SIGCONT);
	}
	spin_lock(&tasklist_lock);
	if (me->is_session_leader && tty->session == me->session)
		refs = session_clear_locked(tty);
	else if (process_tty(me) == tty)
		old = process_tty_exchange(me, NULL);
	spin_unlock(&tasklist_lock);
	if (old)
		tty_put(old);
	while (refs--)
		tty_put(tty);
	return 0;
}

/* TIOCSCTTY.  @steal 1: take it from another session, for who may. */
static long acquire(struct tty *tty, struct file *f, uint64_t steal)
{
	struct process *me = current_process();
	bool admin = tty_may_administer();
	unsigned int refs = 0;
	long err = 0;

	spin_lock(&tasklist_lock);
	if (me->is_session_leader && tty->session == me->session)
		;				/* it is ours already */
	else if (!me->is_session_leader || process_tty(me))
		err = -EPERM;
	else if ((tty->session && !(steal == 1 && admin)) || (!(f->mode & FMODE_READ) && !admin))
		err = -EPERM;
	else {
		refs = session_clear_locked(tty);
		acquire_locked(tty, me);
	}
	spin_unlock(&tasklist_lock);
	while (refs--)
		tty_put(tty);
	return err;
}

static struct pid *group_session(struct pid *group)
{
	struct process *p = list_first_entry_or_null(&group->members[PID_GROUP], struct process,
						     pid_node[PID_GROUP]);

	if (!p)
		p = group->process;
	return p ? p->session : NULL;
}

static long set_foreground(struct tty *tty, uint64_t arg)
{
	struct process *me = current_process();
	uint32_t nr;
	struct pid *group;
	long err = tty_check_change(tty, SIGTTOU);

	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (get_user(&nr, UADDR(arg)))
		return -EFAULT;
	if ((int32_t)nr < 0)
		return -EINVAL;
	group = pid_get((int)nr);
	spin_lock(&tasklist_lock);
	if (process_tty(me) != tty || tty->session != me->session)
		err = -ENOTTY;
	else if (!group)
		err = -ESRCH;
	else if (group_session(group) != me->session)
		err = -EPERM;
	else
		pid_replace(&tty->pgrp, group);
	spin_unlock(&tasklist_lock);
	if (group)
		pid_put(group);
	return err;
}

/*
 * TIOCGPGRP, TIOCGSID: the number, 0 for none.  Through a pty's master (@asked differs) anybody may
 * ask.
 */
static long get_number(struct tty *tty, struct tty *asked, bool session, uint64_t arg)
{
	struct pid *pid;
	uint32_t nr;

	if (asked == tty && process_tty(current_process()) != tty)
		return -ENOTTY;
	spin_lock(&tasklist_lock);
	pid = session ? tty->session : tty->pgrp;
	nr = pid ? (uint32_t)pid->nr : 0;
	spin_unlock(&tasklist_lock);
	if (session && !nr)
		return -ENOTTY;
	return put_user(nr, UADDR(arg));
}

/* For /proc/PID/stat. */
dev_t tty_device_number(struct tty *tty)
{
	return tty->dev;
}

/* Asked with a sighand's lock held, so without tasklist_lock: numbers are freed after RCU. */
int tty_foreground_number(struct tty *tty)
{
	struct pid *group;
	int nr;

	rcu_read_lock();
	group = rcu_dereference(tty->pgrp);
	nr = group ? group->nr : -1;
	rcu_read_unlock();
	return nr;
}

long tty_ioctl_jobctl(struct tty *tty, struct tty *asked, struct file *f, unsigned int cmd,
		      uint64_t arg)
{
	switch (cmd) {
	case TIOCSCTTY:
		return acquire(tty, f, arg);
	case TIOCNOTTY:
		return give_up(tty);
	case TIOCGPGRP:
		return get_number(tty, asked, false, arg);
	case TIOCGSID:
		return get_number(tty, asked, true, arg);
	case TIOCSPGRP:
		return set_foreground(tty, arg);
	}
	return -ENOIOCTLCMD;
}
