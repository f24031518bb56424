/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts: numbers, domains, handlers.
 *
 * A descriptor is reached by its number through an RCU-read map, so the interrupt path takes
 * only the descriptor's own lock, and that only to keep irq_release() honest.
 */
#include <arch/upcalls.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/mutex.h>
#include <kernel/percpu.h>
#include <kernel/rcu.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <security/random.h>

struct irq_action {
	struct irq_action *next;	/* [A] RCU readers */
	irq_handler_t handler;
	void *ctx;
	const char *name;
};

struct irq_desc {
	unsigned int irq;		/* [I] */
	uint32_t hwirq;			/* [I] */
	struct irq_domain *domain;	/* [I] */
	enum irq_trigger trigger;	/* [I] */
	struct spinlock lock;		/* class IRQ_DESC: actions, mask state */
	struct irq_action *actions;	/* [L]; interrupt path reads */
	struct list node;		/* [R] registry */
	uint64_t count, spurious;	/* [A] */
};

/*
 * Grown by doubling; readers are interrupt handlers, so an old array lives until a grace period is
 * over.
 */
struct irq_table {
	struct rcu_head rcu;
	unsigned int size;
	struct irq_desc *descs[];
};

static struct mutex registry = MUTEX_INIT(registry, REGISTRY);
static struct list domains = LIST_INIT(domains);	/* [R] registry */
static struct irq_table *table;			/* [A] RCU readers; replaced under registry */
static unsigned int next_irq;				/* [R] registry */
const struct irq_root *irq_root;

void irq_domain_register(struct irq_domain *d)
{
	list_init(&d->irqs);
	mutex_lock(&registry);
	list_add_tail(&d->node, &domains);
	mutex_unlock(&registry);
}

struct irq_domain *irq_domain_find(uint64_t fwnode)
{
	struct irq_domain *d, *found = NULL;

	mutex_lock(&registry);
	list_for_each_entry(d, &domains, node)
		if (d->fwnode == fwnode)
			found = d;
	mutex_unlock(&registry);
	return found;
}

static void table_free(struct rcu_head *head)
{
	kfree(container_of(head, struct irq_table, rcu));
}

static int table_grow(void)
{
	unsigned int size = table ? table->size * 2 : 32;
	struct irq_table *old = table, *t = kzalloc(sizeof(*t) + size * sizeof(t->descs[0]),
						    ALLOC_NORMAL);

	if (!t)
		return -ENOMEM;
	t->size = size;
	if (old)
		memcpy(t->descs, old->descs, old->size * sizeof(old->descs[0]));
	rcu_assign(table, t);
	if (old)
		rcu_call(&old->rcu, table_free);
	return 0;
}

static struct irq_desc *desc_find(unsigned int irq)
{
	struct irq_table *t = rcu_dereference(table);

	return t && irq < t->size ? __atomic_load_n(&t->descs[irq], __ATOMIC_ACQUIRE) : NULL;
}

static int desc_create(struct irq_domain *d, uint32_t hwirq, enum irq_trigger trigger)
{
	struct irq_desc *desc = kzalloc(sizeof(*desc), ALLOC_NORMAL);
	int err;

	if (!desc)
		return -ENOMEM;
	err = !table || next_irq == table->size ? table_grow() : 0;
	if (!err && d->ops->set_trigger)
		err = d->ops->set_trigger(d, hwirq, trigger);
	if (err) {
		kfree(desc);
		return err;
	}
	spinlock_init(&desc->lock, IRQ_DESC);
	desc->irq = next_irq;
	desc->hwirq = hwirq;
	desc->domain = d;
	desc->trigger = trigger;
	list_add_tail(&desc->node, &d->irqs);
	__atomic_store_n(&table->descs[next_irq], desc, __ATOMIC_RELEASE);
	return (int)next_irq++;
}

int irq_map(struct irq_domain *d, uint32_t hwirq, enum irq_trigger trigger)
{
	struct irq_desc *desc;
	int irq = -ENOENT;

	mutex_lock(&registry);
	list_for_each_entry(desc, &d->irqs, node)
		if (desc->hwirq == hwirq)
			irq = (int)desc->irq;
	if (irq < 0)
		irq = desc_create(d, hwirq, trigger);
	mutex_unlock(&registry);
	return irq;
}

/* Descriptors are never freed, and published complete: no lock. */
int irq_find(struct irq_domain *d, uint32_t hwirq)
{
	struct irq_table *t = rcu_dereference(table);

	for (unsigned int i = 0; t && i < t->size; i++) {
		struct irq_desc *desc = __atomic_load_n(&t->descs[i], __ATOMIC_ACQUIRE);

		if (!desc)
			break;
		if (desc->domain == d && desc->hwirq == hwirq)
			return (int)i;
	}
	return -ENOENT;
}

int irq_request(unsigned int irq, irq_handler_t handler, void *ctx, const char *name)
{
	struct irq_desc *desc = desc_find(irq);
	struct irq_action *a;
	unsigned long flags;
	bool first;

	if (!desc)
		return -ENXIO;
	a = kmalloc(sizeof(*a), ALLOC_NORMAL);
	if (!a)
		return -ENOMEM;
	*a = (struct irq_action){ .handler = handler, .ctx = ctx, .name = name };
	flags = spin_lock_irqsave(&desc->lock);
	first = !desc->actions;
	a->next = desc->actions;
	__atomic_store_n(&desc->actions, a, __ATOMIC_RELEASE);
	if (first)
		desc->domain->ops->unmask(desc->domain, desc->hwirq);
	spin_unlock_irqrestore(&desc->lock, flags);
	return 0;
}

static struct irq_action *action_unlink(struct irq_desc *desc, void *ctx)
{
	unsigned long flags = spin_lock_irqsave(&desc->lock);
	struct irq_action **link = &desc->actions, *a;

	while ((a = *link) && a->ctx != ctx)
		link = &a->next;
	if (a)
		__atomic_store_n(link, a->next, __ATOMIC_RELEASE);
	if (a && !desc->actions)
		desc->domain->ops->mask(desc->domain, desc->hwirq);
	spin_unlock_irqrestore(&desc->lock, flags);
	return a;
}

void irq_release(unsigned int irq, void *ctx)
{
	struct irq_desc *desc = desc_find(irq);
	struct irq_action *a = desc ? action_unlink(desc, ctx) : NULL;

	if (!a)
		return;
	/*
	 * A handler runs with preemption off: after a grace period none that saw the action is
	 * left.
	 */
	rcu_synchronize();
	kfree(a);
}

int irq_set_affinity(unsigned int irq, unsigned int cpu)
{
	struct irq_desc *desc = desc_find(irq);
	unsigned long flags;
	int err;

	if (!desc || cpu >= nr_cpus)
		return -ENXIO;
	if (!desc->domain->ops->set_affinity)
		return -ENOSYS;
	flags = spin_lock_irqsave(&desc->lock);
	err = desc->domain->ops->set_affinity(desc->domain, desc->hwirq, cpu);
	spin_unlock_irqrestore(&desc->lock, flags);
	return err;
}

/* A line that nobody answers for would interrupt for ever. */
static void spurious(struct irq_desc *desc)
{
	if (__atomic_add_fetch(&desc->spurious, 1, __ATOMIC_RELAXED) != 10000)
		return;
	log_err("irq %u (%s %u): nobody handles it; masked", desc->irq, desc->domain->name,
		desc->hwirq);
	spin_lock(&desc->lock);
	desc->domain->ops->mask(desc->domain, desc->hwirq);
	spin_unlock(&desc->lock);
}

void irq_upcall(unsigned int irq)
{
	struct irq_desc *desc = desc_find(irq);
	enum irq_result result = IRQ_NONE;
	struct irq_action *a;

	if (!desc)
		return;
	__atomic_fetch_add(&desc->count, 1, __ATOMIC_RELAXED);
	random_add_event(irq);
	for (a = __atomic_load_n(&desc->actions, __ATOMIC_ACQUIRE); a;
	     a = __atomic_load_n(&a->next, __ATOMIC_ACQUIRE))
		if (a->handler(irq, a->ctx) == IRQ_HANDLED)
			result = IRQ_HANDLED;
	if (result == IRQ_NONE)
		spurious(desc);
}

uint64_t irq_count_total(void)
{
	uint64_t n = 0;

	for (unsigned int irq = 0; irq < next_irq; irq++)
		n += desc_find(irq)->count;
	return n;
}

void irq_for_each(void (*fn)(const struct irq_info *info, void *ctx), void *ctx)
{
	for (unsigned int irq = 0; irq < next_irq; irq++) {
		struct irq_desc *d = desc_find(irq);

		fn(&(struct irq_info){ .irq = irq, .hwirq = d->hwirq, .count = d->count,
				       .domain = d->domain->name,
				       .name = d->actions ? d->actions->name : "" }, ctx);
	}
}
