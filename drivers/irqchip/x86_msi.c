/* SPDX-License-Identifier: MIT */
/*
 * Messages to local APICs: each is a vector of one CPU (Intel SDM vol. 3, 11.11).
 *
 * A message may be under way while it is aimed elsewhere, and an edge that is lost is lost for
 * good.  So the old vector stays ours until the next move: what was sent to it still arrives.
 */
#include <arch_impl/platform.h>
#include <drivers/msi.h>
#include <kernel/init.h>
#include <kernel/mutex.h>
#include <kernel/spinlock.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>

static struct mutex table_mutex = MUTEX_INIT(table_mutex, REGISTRY);	/* who grows and fills */
static struct spinlock table_lock = SPINLOCK_INIT(IRQ_CHIP);
static struct msi_vector **table;	/* [R] table_lock: by hardware number; NULL: free */
static uint32_t table_size;		/* [R] the same */

static struct msi_vector *vector_find(uint32_t hwirq)
{
	unsigned long flags = spin_lock_irqsave(&table_lock);
	struct msi_vector *v = hwirq < table_size ? table[hwirq] : NULL;

	spin_unlock_irqrestore(&table_lock, flags);
	return v;
}

static void msi_chip_mask(struct irq_domain *d, uint32_t hwirq)
{
	struct msi_vector *v = vector_find(hwirq);

	if (v && v->mask)
		v->mask(v);
}

static void msi_chip_unmask(struct irq_domain *d, uint32_t hwirq)
{
	struct msi_vector *v = vector_find(hwirq);

	if (v && v->unmask)
		v->unmask(v);
}

/* Take a vector of @cpu and write the message. */
static int aim(struct irq_domain *d, struct msi_vector *v, unsigned int cpu)
{
	struct msi_message m;
	int vector = vector_alloc(cpu, d, v->hwirq), err;

	if (vector < 0)
		return vector;
	err = msi_compose(cpu, (unsigned int)vector, &m.address, &m.data);
	if (err) {
		vector_free(cpu, (unsigned int)vector);
		return err;
	}
	v->old_cpu = v->cpu;
	v->old_vector = v->vector;
	v->cpu = cpu;
	v->vector = (uint32_t)vector;
	v->write(v, &m);
	return 0;
}

static int msi_chip_set_affinity(struct irq_domain *d, uint32_t hwirq, unsigned int cpu)
{
	struct msi_vector *v = vector_find(hwirq);
	uint32_t old_cpu, old_vector;
	int err;

	if (!v)
		return -ENXIO;
	if (v->cpu == cpu)
		return 0;
	old_cpu = v->old_cpu;
	old_vector = v->old_vector;
	err = aim(d, v, cpu);
	if (!err && old_vector)
		vector_free(old_cpu, old_vector);
	return err;
}

static const struct irq_chip_ops msi_chip_ops = {
	.mask = msi_chip_mask, .unmask = msi_chip_unmask, .set_affinity = msi_chip_set_affinity,
};

static struct irq_domain msi_domain = { .name = "msi", .ops = &msi_chip_ops, .fwnode = ~0ULL };

/* Room for one more; table_mutex held. */
static int table_grow(void)
{
	uint32_t size = table_size ? table_size * 2 : 16;
	struct msi_vector **bigger = kzalloc(size * sizeof(bigger[0]), ALLOC_NORMAL), **old = table;
	unsigned long flags;

	if (!bigger)
		return -ENOMEM;
	flags = spin_lock_irqsave(&table_lock);
	if (old)
		memcpy(bigger, old, table_size * sizeof(bigger[0]));
	table = bigger;
	table_size = size;
	spin_unlock_irqrestore(&table_lock, flags);
	kfree(old);
	return 0;
}

static void table_set(uint32_t hwirq, struct msi_vector *v)
{
	unsigned long flags = spin_lock_irqsave(&table_lock);

	table[hwirq] = v;
	spin_unlock_irqrestore(&table_lock, flags);
}

static int table_add(struct msi_vector *v)
{
	uint32_t i = 0;
	int err;

	mutex_lock(&table_mutex);
	while (i < table_size && table[i])
		i++;
	err = i == table_size ? table_grow() : 0;
	if (!err) {
		v->hwirq = i;
		table_set(i, v);
	}
	mutex_unlock(&table_mutex);
	return err;
}

/* Numbers are used again, with the kernel's number that they once got. */
static int msi_alloc(struct msi_parent *p, struct msi_vector *v)
{
	int err = table_add(v), irq;

	if (err)
		return err;
	v->vector = v->old_vector = 0;
	irq = irq_map(&msi_domain, v->hwirq, IRQ_EDGE_RISING);
	err = irq < 0 ? irq : aim(&msi_domain, v, 0);
	if (err) {
		table_set(v->hwirq, NULL);
		return err;
	}
	v->irq = (unsigned int)irq;
	return 0;
}

static void msi_free(struct msi_parent *p, struct msi_vector *v)
{
	table_set(v->hwirq, NULL);
	vector_free(v->cpu, v->vector);
	if (v->old_vector)
		vector_free(v->old_cpu, v->old_vector);
}

static struct msi_parent x86_msi = { .name = "lapic", .alloc = msi_alloc, .free = msi_free };

static int x86_msi_init(void)
{
	irq_domain_register(&msi_domain);
	msi_parent_register(&x86_msi);
	return 0;
}
INITCALL(INIT_SUBSYSTEM, x86_msi_init);
