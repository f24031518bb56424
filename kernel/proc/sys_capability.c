/* SPDX-License-Identifier: MIT */
/*
 * capget and capset: Linux's capability sets as a view of what the process holds.  Giving one up
 * that stands for a class of ours gives up the class, for the whole process (its threads share
 * authority).
 */
#include <generated/syscall_protos.h>
#include <lib/err.h>
#include <mm/uaccess.h>
#include <security/cap.h>
#include <uapi/capability.h>

#include "proc.h"

/*
 * Number of 32-bit parts for the caller's version; an unknown version is answered with ours and
 * -EINVAL.
 */
static int read_header(uaddr_t uheader, struct cap_user_header *h, unsigned int *parts)
{
	if (copy_from_user(h, uheader, sizeof(*h)))
		return -EFAULT;
	switch (h->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		*parts = _LINUX_CAPABILITY_U32S_1;
		return 0;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		*parts = _LINUX_CAPABILITY_U32S_3;
		return 0;
	}
	if (put_user((uint32_t)_LINUX_CAPABILITY_VERSION_3, uheader))
		return -EFAULT;
	return -EINVAL;
}

static void view_of(const struct process *p, const struct cred *c, struct cap_user_data data[2])
{
	struct cap_linux_view v;

	cap_linux_view_get(p, c->euid == 0, &v);
	for (unsigned int i = 0; i < 2; i++)
		data[i] = (struct cap_user_data){ (uint32_t)(v.effective >> 32 * i),
						  (uint32_t)(v.permitted >> 32 * i),
						  (uint32_t)(v.inheritable >> 32 * i) };
}

static int view_of_thread(int tid, struct cap_user_data data[2])
{
	struct thread *t;

	rcu_read_lock();
	t = tid ? thread_find(tid) : current_thread();
	if (t)
		view_of(t->process, rcu_dereference(t->cred), data);
	rcu_read_unlock();
	return t ? 0 : -ESRCH;
}

long sys_capget(uaddr_t uheader, uaddr_t udata)
{
	struct cap_user_data data[2];
	struct cap_user_header h;
	unsigned int parts;
	int err = read_header(uheader, &h, &parts);

	if (err)	/* asking with no place for an answer is how a program learns our version */
		return err == -EINVAL && !udata.v ? 0 : err;
	if (h.pid < 0)
		return -EINVAL;
	err = view_of_thread(h.pid, data);
	if (err)
		return err;
	return copy_to_user(udata, data, parts * sizeof(data[0]));
}

/* Every thread's word follows the table. */
static void drop_classes(struct process *p, uint64_t classes)
{
	struct thread *t;

	cap_process_drop(p, classes);
	spin_lock(&tasklist_lock);
	list_for_each_entry(t, &p->threads, process_node)
		__atomic_store_n(&t->core.cap_word, cap_process_word(p), __ATOMIC_RELAXED);
	spin_unlock(&tasklist_lock);
}

long sys_capset(uaddr_t uheader, uaddr_t udata)
{
	struct cap_user_data data[2] = { 0 };
	struct process *p = current_process();
	struct cap_user_header h;
	struct cap_linux_view v;
	uint64_t lost = 0;
	unsigned int parts;
	int err = read_header(uheader, &h, &parts);

	if (err)
		return err;
	if (h.pid && h.pid != current_thread()->pid->nr)
		return -EPERM;
	if (copy_from_user(data, udata, parts * sizeof(data[0])))
		return -EFAULT;
	v.effective = data[0].effective | (uint64_t)data[1].effective << 32;
	v.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	v.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	err = cap_linux_view_set(p, current_cred()->euid == 0, &v, &lost);
	if (!err && lost)
		drop_classes(p, lost);
	return err;
}
