/* SPDX-License-Identifier: MIT */
/* The list of controllers that take message interrupts. */
#include <drivers/msi.h>
#include <kernel/spinlock.h>

static struct msi_parent *parents;	/* [R] parents_lock; never leave */
static struct spinlock parents_lock = SPINLOCK_INIT(DEVICE_LIST);

void msi_parent_register(struct msi_parent *p)
{
	spin_lock(&parents_lock);
	p->next = parents;
	parents = p;
	spin_unlock(&parents_lock);
}

struct msi_parent *msi_parent_find(uint64_t fwnode)
{
	struct msi_parent *p;

	spin_lock(&parents_lock);
	for (p = parents; p && p->fwnode != fwnode; p = p->next)
		;
	spin_unlock(&parents_lock);
	return p;
}
