/* SPDX-License-Identifier: MIT */
/*
 * Pairs of queues: a ring of commands for the device and a ring of its answers.
 *
 * A completion is new when its phase bit is what we wait for; the bit turns with each round.  The
 * device may not be trusted: numbers of commands are looked up, never used as they are.
 */
#include <lib/atomic.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>

#include "nvme.h"

static uint32_t doorbell(const struct nvme_queue *q, unsigned int is_completion)
{
	return NVME_DOORBELLS + (2 * q->id + is_completion) * CAP_STRIDE(q->ctrl->cap);
}

int nvme_queue_create(struct nvme *n, struct nvme_queue *q, unsigned int id, uint32_t entries)
{
	q->ctrl = n;
	q->id = id;
	q->entries = min(entries, CAP_ENTRIES(n->cap));
	spinlock_init(&q->lock, DEVICE);
	q->sq = dma_alloc(n->dev, q->entries * sizeof(*q->sq), &q->sq_dma);
	q->cq = dma_alloc(n->dev, q->entries * sizeof(*q->cq), &q->cq_dma);
	nvme_queue_reset(q);
	return q->sq && q->cq ? 0 : -ENOMEM;
}

void nvme_queue_destroy(struct nvme_queue *q)
{
	if (!q->ctrl)
		return;
	dma_free(q->ctrl->dev, q->entries * sizeof(*q->sq), q->sq, q->sq_dma);
	dma_free(q->ctrl->dev, q->entries * sizeof(*q->cq), (void *)q->cq, q->cq_dma);
}

void nvme_queue_reset(struct nvme_queue *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	if (q->cq)
		memset((void *)q->cq, 0, q->entries * sizeof(*q->cq));
	q->tail = q->head = q->in_flight = q->rung = 0;
	q->phase = 1;
	q->is_live = false;
	spin_unlock_irqrestore(&q->lock, flags);
}

bool nvme_queue_has_room(const struct nvme_queue *q)
{
	return q->in_flight < q->entries - 1;
}

void nvme_queue_put_locked(struct nvme_queue *q, const struct nvme_command *cmd)
{
	q->sq[q->tail] = *cmd;
	q->tail = q->tail + 1 == q->entries ? 0 : q->tail + 1;
	q->in_flight++;
}

void nvme_queue_ring_locked(struct nvme_queue *q)
{
	if (q->rung == q->tail || !q->is_live)
		return;
	q->rung = q->tail;
	/* mmio_write32() is ordered behind the writes to the ring. */
	mmio_write32(&q->ctrl->regs, doorbell(q, 0), q->tail);
}

static void take_locked(struct nvme_queue *q, uint32_t status, uint32_t result, struct list *done)
{
	uint32_t number = status & 0xffff;

	if (q->in_flight)
		q->in_flight--;
	if (q->id)
		nvme_io_done(q, number, status >> 17, done);
	else
		nvme_admin_answer(q->ctrl, number, status >> 17, result);
}

bool nvme_queue_poll(struct nvme_queue *q)
{
	LIST_HEAD(done);
	unsigned long flags = spin_lock_irqsave(&q->lock);
	uint32_t seen = 0;

	while (q->is_live && seen < q->entries) {
		uint32_t status = le32_to_cpu(q->cq[q->head].status);

		if ((status >> 16 & 1) != q->phase)
			break;
		smp_rmb();		/* the rest of it was written before the phase */
		take_locked(q, status, le32_to_cpu(q->cq[q->head].result), &done);
		if (++q->head == q->entries) {
			q->head = 0;
			q->phase ^= 1;
		}
		seen++;
	}
	if (seen)
		mmio_write32(&q->ctrl->regs, doorbell(q, 1), q->head);
	spin_unlock_irqrestore(&q->lock, flags);
	nvme_end_requests(&done);
	return seen;
}

enum irq_result nvme_interrupt(unsigned int irq, void *ctx)
{
	struct nvme_vector *v = ctx;
	bool any = false;

	(void)irq;
	for (unsigned int i = 0; i <= v->ctrl->nr_queues; i++)
		if (v->ctrl->queues[i].vector == v->index)
			any |= nvme_queue_poll(&v->ctrl->queues[i]);
	return any ? IRQ_HANDLED : IRQ_NONE;
}
