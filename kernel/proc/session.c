/* SPDX-License-Identifier: MIT */
/* Sessions and process groups. */
#include <generated/syscall_protos.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include "proc.h"

/*
 * No member has a parent in another group of the same session: nobody there can do job control for
 * it.
 */
static bool orphaned_without(struct pid *group, const struct process *leaving)
{
	struct process *p;

	list_for_each_entry(p, &group->members[PID_GROUP], pid_node[PID_GROUP]) {
		if (p == leaving || p->state != PROCESS_ALIVE || p->parent == init_process)
			continue;
		if (p->parent->group != group && p->parent->session == p->session)
			return false;
	}
	return true;
}

bool group_is_orphaned(struct pid *group)
{
	return orphaned_without(group, NULL);
}

static bool has_stopped(struct pid *group)
{
	struct process *p;

	list_for_each_entry(p, &group->members[PID_GROUP], pid_node[PID_GROUP])
		if (p->group_stop == GROUP_STOPPED)
			return true;
	return false;
}

static void hangup_group(struct pid *group)
{
	struct process *p;

	list_for_each_entry(p, &group->members[PID_GROUP], pid_node[PID_GROUP]) {
		(void)!signal_send_process(p, SIGHUP, NULL);
		(void)!signal_send_process(p, SIGCONT, NULL);
	}
}

/*
 * POSIX: a newly orphaned group with stopped members gets SIGHUP and SIGCONT.  @p is leaving: its
 * own group may lose its last link to the session.  tasklist_lock held, for the next one as well.
 */
void orphan_check_exit(struct process *p)
{
	if (p->parent != init_process && p->parent->group != p->group &&
	    p->parent->session == p->session && orphaned_without(p->group, p) &&
	    has_stopped(p->group))
		hangup_group(p->group);
}

/*
 * @child of the leaving @p gets @reaper for a parent, and its group may lose the link that @p was.
 * For a group with several children of @p, the last of them finds that no link is left.
 */
void orphan_check_child(struct process *p, struct process *child, struct process *reaper)
{
	struct pid *group = child->group;

	if (group == p->group || child->session != p->session || !has_stopped(group))
		return;
	child->parent = reaper;
	if (group_is_orphaned(group))
		hangup_group(group);
}

long sys_setsid(void)
{
	struct process *me = current_process();
	long err = -EPERM;

	spin_lock(&tasklist_lock);
	/* A group leader's number names its group: the session's would be the same. */
	if (!me->is_session_leader && list_empty(&me->pid->members[PID_GROUP])) {
		process_join_session(me, me->pid);
		process_join_group(me, me->pid);
		me->is_session_leader = true;
		err = me->pid->nr;
	}
	spin_unlock(&tasklist_lock);
	if (err > 0)
		process_tty_drop(me);
	return err;
}

static long setpgid_locked(struct process *p, int pgid)
{
	struct process *me = current_process();
	struct pid *group = pgid == p->pid->nr ? p->pid : pid_find(pgid);
	struct process *member;

	if (p != me && (p->parent != me || p->session != me->session))
		return p->parent == me ? -EPERM : -ESRCH;
	if (p != me && p->did_exec)
		return -EACCES;
	if (p->is_session_leader || !group)
		return -EPERM;
	if (group != p->pid) {
		if (list_empty(&group->members[PID_GROUP]))
			return -EPERM;
		member = list_first_entry(&group->members[PID_GROUP], struct process,
					  pid_node[PID_GROUP]);
		if (member->session != me->session)
			return -EPERM;
	}
	if (p->group != group)
		process_join_group(p, group);
	return 0;
}

long sys_setpgid(int pid, int pgid)
{
	struct process *p;
	long err;

	if (pgid < 0)
		return -EINVAL;
	spin_lock(&tasklist_lock);
	p = pid ? process_find(pid) : current_process();
	/*
	 * A zombie too: a shell builds a pipeline's group around its first process, which may be
	 * done already.
	 */
	err = p ? setpgid_locked(p, pgid ? pgid : p->pid->nr) : -ESRCH;
	spin_unlock(&tasklist_lock);
	return err;
}

static long query(int pid, enum pid_type type)
{
	struct process *p;
	long nr = -ESRCH;

	spin_lock(&tasklist_lock);
	p = pid ? process_find(pid) : current_process();
	if (p && p->group)
		nr = (type == PID_GROUP ? p->group : p->session)->nr;
	spin_unlock(&tasklist_lock);
	return nr;
}

long sys_getpgid(int pid) { return query(pid, PID_GROUP); }
long sys_getsid(int pid)  { return query(pid, PID_SESSION); }
long sys_getpgrp(void)	  { return query(0, PID_GROUP); }
