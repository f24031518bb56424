/* SPDX-License-Identifier: MIT */
/*
 * Virtio entropy source (virtio 1.2, 5.4): gives the kernel's generator its seed at boot and fresh
 * entropy every few minutes.
 *
 * The host may be lying; so what it gives is mixed in with all the rest, as add_entropy() does.
 */
#include <drivers/virtio.h>
#include <kernel/clock.h>
#include <kernel/timer.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <security/random.h>

#define SEED_BYTES	64u
#define RESEED_NS	(300 * NSEC_PER_SEC)

struct rng {
	struct virtio_device *vd;	/* [I] */
	struct spinlock lock;		/* class DEVICE: the queue, asked */
	bool is_asked;			/* [L] the device has the buffer */
	struct timer reseed;
	dma_addr_t addr;		/* [I] of buffer */
	uint8_t *buffer;		/* [I] mapped for the device all the time */
};

/* Lend the buffer to the device unless it has it. */
static void rng_ask(struct rng *r)
{
	struct virtq *q = virtio_queue(r->vd, 0);
	struct virtq_piece piece = { r->addr, SEED_BYTES };
	unsigned long flags = spin_lock_irqsave(&r->lock);

	if (!r->is_asked)
		r->is_asked = !virtq_add(q, &piece, 0, 1, r);
	virtq_kick(q);
	spin_unlock_irqrestore(&r->lock, flags);
}

static void rng_timer(struct timer *t)
{
	rng_ask(container_of(t, struct rng, reseed));
}

static void rng_done(struct virtq *q)
{
	struct rng *r = q->ctx;
	unsigned long flags = spin_lock_irqsave(&r->lock);
	uint32_t len;

	while (virtq_pop(q, &len)) {
		dma_sync_for_cpu(&r->vd->dev, r->addr, SEED_BYTES, DMA_FROM_DEVICE);
		add_entropy(r->buffer, len, len * 8);
		memset(r->buffer, 0, SEED_BYTES);
		dma_sync_for_device(&r->vd->dev, r->addr, SEED_BYTES, DMA_FROM_DEVICE);
		r->is_asked = false;
	}
	if (!r->is_asked)
		timer_arm(&r->reseed, clock_deadline(RESEED_NS));
	spin_unlock_irqrestore(&r->lock, flags);
}

static int rng_setup(struct rng *r)
{
	struct virtq_spec spec = {
		.name = "virtio-rng", .done = rng_done, .ctx = r, .size_max = 4,
		.cpu = VIRTQ_CPU_ANY,
	};
	int err = virtio_negotiate(r->vd, 0);

	if (!err)
		err = virtio_queues_create(r->vd, &spec, 1);
	if (!err)
		err = dma_map(&r->vd->dev, r->buffer, SEED_BYTES, DMA_FROM_DEVICE, &r->addr);
	if (err)
		return err;
	err = virtio_start(r->vd);
	if (err)
		dma_unmap(&r->vd->dev, r->addr, SEED_BYTES, DMA_FROM_DEVICE);
	return err;
}

static int rng_probe(struct device *dev)
{
	struct rng *r = kzalloc(sizeof(*r), ALLOC_NORMAL);
	int err = -ENOMEM;

	if (!r)
		return -ENOMEM;
	r->vd = virtio_device_of(dev);
	spinlock_init(&r->lock, DEVICE);
	timer_init(&r->reseed, rng_timer);
	r->buffer = kzalloc(SEED_BYTES, ALLOC_NORMAL);
	if (r->buffer)
		err = rng_setup(r);
	if (err) {
		kfree(r->buffer);
		kfree(r);
		return err;
	}
	dev->priv = r;
	rng_ask(r);
	return 0;
}

static void rng_remove(struct device *dev)
{
	struct rng *r = dev->priv;

	/* After the reset no interrupt arms the timer; one that runs adds to a dead queue. */
	virtio_reset(r->vd);
	timer_cancel(&r->reseed);
	(void)virtq_take_unused(virtio_queue(r->vd, 0));
	dma_unmap(&r->vd->dev, r->addr, SEED_BYTES, DMA_FROM_DEVICE);
	kfree(r->buffer);
	kfree(r);
}

static const struct device_id rng_ids[] = {
	{ .device = VIRTIO_ID_ENTROPY },
	{ 0 },
};

DRIVER(virtio_rng) = {
	.name	= "virtio_rng",
	.bus	= &virtio_bus,
	.ids	= rng_ids,
	.probe	= rng_probe,
	.remove	= rng_remove,
};
