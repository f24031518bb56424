/* SPDX-License-Identifier: MIT */
/*
 * Capability tables of processes: made for PID 1 and at fork, freed with the process.  No call into
 * kernel/proc: only struct process's own pointer is used.
 */
#include <generated/cap_classes.h>
#include <kernel/process.h>
#include <lib/err.h>
#include <mm/slab.h>
#include <security/cap.h>
#include <uapi/capability.h>

#include "table.h"

#define ALL_CLASSES	((1ULL << CAP_CLASS_COUNT) - 1)
#define ALL_LINUX	((2ULL << CAP_LAST_CAP) - 1)

/* Linux's numbers that stand for a class here.  The others guard nothing that has a class. */
static const struct {
	uint8_t number, class;
} linux_classes[] = {
	{ 6 /* CAP_SETGID */, CAP_CLASS_ID_SETGID },
	{ 14 /* CAP_IPC_LOCK */, CAP_CLASS_MEM_LOCK },
	{ 22 /* CAP_SYS_BOOT */, CAP_CLASS_POWER_ANY },
	{ 25 /* CAP_SYS_TIME */, CAP_CLASS_TIME_SET },
	{ 21 /* CAP_SYS_ADMIN */, CAP_CLASS_FS_MOUNT },
	{ 21 /* CAP_SYS_ADMIN */, CAP_CLASS_POWER_SETHOSTNAME },
};

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

int cap_process_init(struct process *p)
{
	struct cap_table *t = kmalloc(sizeof(*t), 0);

	if (!t)
		return -ENOMEM;
	*t = (struct cap_table){ .classes = ALL_CLASSES, .linux_permitted = ALL_LINUX,
				 .linux_effective = ALL_LINUX };
	p->caps = t;
	return 0;
}

int cap_process_fork(struct process *child, struct process *parent)
{
	const struct cap_table *from = parent->caps;
	struct cap_table *t = kmalloc(sizeof(*t), 0);

	if (!t)
		return -ENOMEM;
	*t = (struct cap_table){ 0 };
	if (from) {
		t->classes = load(&from->classes);
		t->linux_permitted = load(&from->linux_permitted);
		t->linux_effective = load(&from->linux_effective);
		t->linux_inheritable = load(&from->linux_inheritable);
	}
	child->caps = t;
	return 0;
}

void cap_process_exit(struct process *p)
{
	kfree(p->caps);
	p->caps = NULL;
}

/* A process without a table (the kernel's own) makes no system calls and holds nothing. */
uint64_t cap_process_word(const struct process *p)
{
	return p->caps ? load(&p->caps->classes) : 0;
}

void cap_process_drop(struct process *p, uint64_t classes)
{
	if (p->caps)
		__atomic_fetch_and(&p->caps->classes, ~classes, __ATOMIC_SEQ_CST);
}

/* The numbers whose classes are all held. */
static uint64_t linux_of_classes(uint64_t classes)
{
	uint64_t numbers = ALL_LINUX;

	for (unsigned int i = 0; i < ARRAY_SIZE(linux_classes); i++)
		if (!(classes >> linux_classes[i].class & 1))
			numbers &= ~(1ULL << linux_classes[i].number);
	return numbers;
}

void cap_linux_view_get(const struct process *p, bool superuser, struct cap_linux_view *view)
{
	*view = (struct cap_linux_view){ 0 };
	if (!superuser || !p->caps)
		return;
	view->permitted = load(&p->caps->linux_permitted) & linux_of_classes(cap_process_word(p));
	view->effective = load(&p->caps->linux_effective) & view->permitted;
	view->inheritable = load(&p->caps->linux_inheritable) & view->permitted;
}

int cap_linux_view_set(struct process *p, bool superuser, const struct cap_linux_view *view,
		       uint64_t *lost)
{
	struct cap_linux_view now;
	struct cap_table *t = p->caps;

	cap_linux_view_get(p, superuser, &now);
	if ((view->permitted & ~now.permitted) || (view->effective & ~view->permitted) ||
	    (view->inheritable & ~(now.permitted | now.inheritable)))
		return -EPERM;
	*lost = 0;
	if (!superuser || !t)
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(linux_classes); i++)
		if ((now.permitted & ~view->permitted) >> linux_classes[i].number & 1)
			*lost |= 1ULL << linux_classes[i].class;
	__atomic_fetch_and(&t->linux_permitted, view->permitted, __ATOMIC_RELAXED);
	__atomic_store_n(&t->linux_effective, view->effective, __ATOMIC_RELAXED);
	__atomic_store_n(&t->linux_inheritable, view->inheritable, __ATOMIC_RELAXED);
	return 0;
}
