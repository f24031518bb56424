/* SPDX-License-Identifier: MIT */
/*
 * NVMe controllers on PCI: finding, starting, naming their namespaces, letting go.
 *
 * One pair of queues for each CPU and an interrupt for each pair where the bus has as many; fewer
 * interrupts are shared.  Read queue.c, admin.c, io.c in this order.
 */
#include <drivers/pci.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "nvme.h"

#define ADMIN_ENTRIES	32u
#define IO_ENTRIES	256u
#define CLASS_NVME	0x010802
#define NS_MAX		(65536 / NVME_DEPTH)	/* commands' numbers have 16 bits */

static unsigned int next_number;	/* [A] */

void nvme_put(struct nvme *n)
{
	if (!refcount_dec_and_test(&n->refs))
		return;
	kfree(n->ns);
	kfree(n->queues);
	kfree(n->vectors);
	kfree(n);
}

/* A text field: padded with blanks. */
static void text_field(char *out, const uint8_t *from, size_t len)
{
	while (len && (from[len - 1] == ' ' || !from[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++)
		out[i] = from[i] >= 0x20 && from[i] < 0x7f ? (char)from[i] : '?';
	out[len] = '\0';
}

static int identify_controller(struct nvme *n)
{
	const uint8_t *page = n->buffer;
	uint32_t most = NVME_LIST * NVME_PAGE / SECTOR_SIZE;
	int err = nvme_identify(n, IDENTIFY_CONTROLLER, 0);

	if (err)
		return err;
	text_field(n->serial, page + 4, 20);
	text_field(n->model, page + 24, 40);
	/* Limits are in units of the smallest page, a power of two. */
	n->max_sectors = page[77] && page[77] + CAP_PAGE_MIN(n->cap) < 12 ?
			 min(most, (uint32_t)8 << (page[77] + CAP_PAGE_MIN(n->cap))) : most;
	n->has_cache = page[525] & 1;
	n->has_dataset = get_le16(page + 520) & 1u << 2;
	n->has_zeroes = get_le16(page + 520) & 1u << 3;
	return 0;
}

static int release_vectors(struct nvme *n, int err)
{
	for (unsigned int i = 0; i < n->nr_vectors; i++) {
		if (n->vectors[i].irq >= 0)
			irq_release((unsigned int)n->vectors[i].irq, &n->vectors[i]);
		n->vectors[i].irq = -1;
	}
	return err;
}

static int request_vectors(struct nvme *n)
{
	int nr = device_irq_vectors(n->dev, n->nr_queues + 1);

	if (nr <= 0)
		return nr ? nr : -ENODEV;
	n->vectors = kmalloc_array((size_t)nr, sizeof(*n->vectors), ALLOC_ZERO);
	if (!n->vectors)
		return -ENOMEM;
	n->nr_vectors = (unsigned int)nr;
	for (unsigned int i = 0; i < n->nr_vectors; i++)
		n->vectors[i] = (struct nvme_vector){ n, i, -1 };
	for (unsigned int i = 0; i < n->nr_vectors; i++) {
		int irq = device_irq(n->dev, i);
		int err = irq < 0 ? irq : irq_request((unsigned int)irq, nvme_interrupt,
						      &n->vectors[i], "nvme");

		if (err)
			return release_vectors(n, err);
		n->vectors[i].irq = irq;
		if (i)			/* best effort: else it comes anywhere */
			(void)!irq_set_affinity((unsigned int)irq, (i - 1) % nr_cpus);
	}
	return 0;
}

static unsigned int vector_of(const struct nvme *n, unsigned int queue)
{
	if (!queue || n->nr_vectors == 1)
		return 0;
	return 1 + (queue - 1) % (n->nr_vectors - 1);
}

static int queues_create(struct nvme *n)
{
	int err = 0;

	n->queues = kmalloc_array(n->nr_queues + 1, sizeof(*n->queues), ALLOC_ZERO);
	if (!n->queues)
		return -ENOMEM;
	n->nr_made = n->nr_queues + 1;
	/* All, also after a failure: teardown() takes their locks. */
	for (unsigned int i = 0; i < n->nr_made; i++)
		if (nvme_queue_create(n, &n->queues[i], i, i ? IO_ENTRIES : ADMIN_ENTRIES))
			err = -ENOMEM;
	return err;
}

static int setup(struct nvme *n)
{
	int err = device_mmio(n->dev, 0, NVME_DOORBELLS + 8, &n->regs);

	if (err)
		return err;
	n->cap = mmio_read64(&n->regs, NVME_CAP);
	if (n->cap == ~0ULL || CAP_PAGE_MIN(n->cap) > 0)
		return -ENODEV;		/* gone, or pages of 4 KiB are too small for it */
	n->nr_queues = nr_cpus;
	if (n->regs.size < NVME_DOORBELLS + 2ull * (n->nr_queues + 1) * CAP_STRIDE(n->cap))
		n->nr_queues = 1;
	if (n->regs.size < NVME_DOORBELLS + 4ull * CAP_STRIDE(n->cap))
		return -EINVAL;
	err = dma_set_mask(n->dev, DMA_MASK(64));
	if (err)
		return err;
	n->buffer = dma_alloc(n->dev, NVME_PAGE, &n->buffer_dma);
	if (!n->buffer)
		return -ENOMEM;
	return queues_create(n);
}

static int start(struct nvme *n)
{
	int err;

	mutex_lock(&n->lock);
	nvme_disable(n);		/* no interrupt of its past before we listen */
	mutex_unlock(&n->lock);
	err = request_vectors(n);
	if (err)
		return err;
	for (unsigned int i = 0; i <= n->nr_queues; i++)
		n->queues[i].vector = vector_of(n, i);
	mutex_lock(&n->lock);
	err = nvme_start(n);
	err = err ? err : identify_controller(n);
	mutex_unlock(&n->lock);
	return err;
}

static void teardown(struct nvme *n)
{
	mutex_lock(&n->lock);
	if (n->queues)
		nvme_disable(n);
	mutex_unlock(&n->lock);
	release_vectors(n, 0);
	for (unsigned int i = 0; i < n->nr_made; i++)
		nvme_queue_destroy(&n->queues[i]);
	dma_free(n->dev, NVME_PAGE, n->buffer, n->buffer_dma);
	nvme_put(n);
}

/* The numbers of active namespaces, a page at a time, in rising order. */
static int find_namespaces(struct nvme *n)
{
	uint32_t *ids = kmalloc(NVME_PAGE, 0), last = 0;
	int err = ids ? 0 : -ENOMEM;

	while (!err && n->nr_ns < NS_MAX) {
		unsigned int i = 0;

		mutex_lock(&n->lock);
		err = nvme_identify(n, IDENTIFY_LIST, last);
		memcpy(ids, n->buffer, NVME_PAGE);
		mutex_unlock(&n->lock);
		for (; !err && i < NVME_PAGE / 4 && ids[i] > last && n->nr_ns < NS_MAX; i++) {
			last = ids[i];
			err = nvme_ns_create(n, last);
			err = err == -ENODEV ? 0 : err;
		}
		if (i < NVME_PAGE / 4)
			break;
	}
	kfree(ids);
	return err;
}

static void nvme_remove(struct device *dev)
{
	struct nvme *n = dev->priv;

	for (unsigned int i = 0; i < n->nr_ns; i++)
		nvme_ns_remove(n->ns[i]);
	WRITE_ONCE(n->nr_ns, 0);
	dev->priv = NULL;
	teardown(n);
}

static int nvme_probe(struct device *dev)
{
	struct nvme *n = kzalloc(sizeof(*n), 0);
	int err;

	if (!n)
		return -ENOMEM;
	n->dev = dev;
	refcount_set(&n->refs, 1);
	mutex_init(&n->lock, DISK_CONTROL);
	waitq_init(&n->admin_wait);
	n->number = __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
	err = setup(n);
	err = err ? err : start(n);
	if (err) {
		teardown(n);
		return err;
	}
	dev->priv = n;
	dev_info(dev, "%s, %u queues, %u interrupts", n->model, n->nr_queues, n->nr_vectors);
	err = find_namespaces(n);
	if (err)
		nvme_remove(dev);
	return err;
}

static const struct device_id nvme_ids[] = {
	{ .vendor = DEVICE_ID_ANY, .device = DEVICE_ID_ANY, .class = CLASS_NVME,
	  .class_mask = 0xffffff },
	{ 0 },
};

DRIVER(nvme) = {
	.name	= "nvme",
	.bus	= &pci_bus_type,
	.ids	= nvme_ids,
	.probe	= nvme_probe,
	.remove	= nvme_remove,
};
