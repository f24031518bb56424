/* SPDX-License-Identifier: MIT */
/*
 * The controller itself: admin commands, one at a time, and bringing it up, also after a reset.
 */
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>

#include "nvme.h"

#define ADMIN_TIMEOUT_NS	(10 * NSEC_PER_SEC)
#define POLL_NS			(100 * NSEC_PER_MSEC)	/* for an interrupt that got lost */
#define ANSWERED		(1u << 16)

void nvme_admin_answer(struct nvme *n, uint32_t number, uint32_t status, uint32_t result)
{
	if (number != READ_ONCE(n->admin_number))
		return;			/* of a command that was given up */
	n->admin_status = status;
	n->admin_result = result;
	__atomic_store_n(&n->admin_done, number | ANSWERED, __ATOMIC_RELEASE);
	waitq_wake_all(&n->admin_wait, 0);
}

static bool admin_is_answered(struct nvme *n)
{
	return __atomic_load_n(&n->admin_done, __ATOMIC_ACQUIRE) == (n->admin_number | ANSWERED);
}

static int admin_wait(struct nvme *n)
{
	int64_t deadline = clock_deadline(ADMIN_TIMEOUT_NS);

	while (!admin_is_answered(n)) {
		if (clock_ns() > deadline)
			return -ETIMEDOUT;
		if (mmio_read32(&n->regs, NVME_CSTS) == CSTS_NOBODY)
			return -ENODEV;
		if (wait_event_timeout_uninterruptible(&n->admin_wait, admin_is_answered(n),
						       clock_deadline(POLL_NS)))
			nvme_queue_poll(&n->queues[0]);
	}
	return 0;
}

int nvme_admin(struct nvme *n, struct nvme_command *cmd, uint32_t *result)
{
	struct nvme_queue *q = &n->queues[0];
	unsigned long flags;
	int err;

	if (!n->is_enabled)
		return -ENODEV;
	WRITE_ONCE(n->admin_number, (uint16_t)(n->admin_number + 1));
	cmd->head = cpu_to_le32(le32_to_cpu(cmd->head) | (uint32_t)n->admin_number << 16);
	flags = spin_lock_irqsave(&q->lock);
	err = nvme_queue_has_room(q) ? 0 : -EIO;
	if (!err) {
		nvme_queue_put_locked(q, cmd);
		nvme_queue_ring_locked(q);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	err = err ? err : admin_wait(n);
	if (err)
		return err;
	if (result)
		*result = n->admin_result;
	return n->admin_status & 0x7ff ? -EIO : 0;
}

int nvme_identify(struct nvme *n, enum nvme_identify what, uint32_t nsid)
{
	struct nvme_command cmd = {
		.head = cpu_to_le32(ADMIN_IDENTIFY), .nsid = cpu_to_le32(nsid),
		.prp1 = cpu_to_le64(n->buffer_dma.v), .cdw10 = cpu_to_le32(what),
	};

	return nvme_admin(n, &cmd, NULL);
}

static int wait_ready(struct nvme *n, uint32_t wanted)
{
	int64_t deadline = clock_deadline(max(CAP_TIMEOUT_NS(n->cap), NSEC_PER_SEC));

	for (;;) {
		uint32_t csts = mmio_read32(&n->regs, NVME_CSTS);

		if (csts == CSTS_NOBODY)
			return -ENODEV;
		if ((csts & CSTS_READY) == wanted)
			return 0;
		if (wanted && csts & CSTS_FATAL)
			return -EIO;
		if (clock_ns() > deadline)
			return -ETIMEDOUT;
		sleep_ns(NSEC_PER_MSEC);
	}
}

/* On return the device touches no memory, or is gone. */
void nvme_disable(struct nvme *n)
{
	int err;

	for (unsigned int i = 0; i <= n->nr_queues; i++) {
		unsigned long flags = spin_lock_irqsave(&n->queues[i].lock);

		n->queues[i].is_live = false;
		spin_unlock_irqrestore(&n->queues[i].lock, flags);
	}
	n->is_enabled = false;
	mmio_write32(&n->regs, NVME_CC, CC_ENTRY_SIZES);
	err = wait_ready(n, 0);
	if (err && err != -ENODEV)
		dev_err(n->dev, "does not stop: error %d", err);
}

static void queue_go_live(struct nvme_queue *q)
{
	unsigned long flags = spin_lock_irqsave(&q->lock);

	q->is_live = true;
	spin_unlock_irqrestore(&q->lock, flags);
}

static int enable(struct nvme *n)
{
	struct nvme_queue *q = &n->queues[0];
	int err;

	mmio_write32(&n->regs, NVME_AQA, (q->entries - 1) << 16 | (q->entries - 1));
	mmio_write64(&n->regs, NVME_ASQ, q->sq_dma.v);
	mmio_write64(&n->regs, NVME_ACQ, q->cq_dma.v);
	mmio_write32(&n->regs, NVME_CC, CC_ENTRY_SIZES | CC_ENABLE);
	err = wait_ready(n, CSTS_READY);
	if (err)
		return err;
	queue_go_live(q);
	n->is_enabled = true;
	return 0;
}

static int create_pair(struct nvme *n, struct nvme_queue *q)
{
	struct nvme_command cq = {
		.head = cpu_to_le32(ADMIN_CREATE_CQ), .prp1 = cpu_to_le64(q->cq_dma.v),
		.cdw10 = cpu_to_le32((q->entries - 1) << 16 | q->id),
		.cdw11 = cpu_to_le32(q->vector << 16 | QUEUE_INTERRUPTS | QUEUE_CONTIGUOUS),
	};
	struct nvme_command sq = {
		.head = cpu_to_le32(ADMIN_CREATE_SQ), .prp1 = cpu_to_le64(q->sq_dma.v),
		.cdw10 = cpu_to_le32((q->entries - 1) << 16 | q->id),
		.cdw11 = cpu_to_le32(q->id << 16 | QUEUE_CONTIGUOUS),
	};
	int err = nvme_admin(n, &cq, NULL);

	err = err ? err : nvme_admin(n, &sq, NULL);
	if (!err)
		queue_go_live(q);
	return err;
}

/* Ask for as many pairs as we have queues; fewer is an answer, too, at the first start. */
static int set_queue_count(struct nvme *n)
{
	uint32_t want = n->nr_queues - 1, got;
	struct nvme_command cmd = {
		.head = cpu_to_le32(ADMIN_SET_FEATURES), .cdw10 = cpu_to_le32(FEATURE_QUEUES),
		.cdw11 = cpu_to_le32(want << 16 | want),
	};
	int err = nvme_admin(n, &cmd, &got);

	if (err)
		return err;
	got = min(got & 0xffff, got >> 16) + 1;
	if (got >= n->nr_queues)
		return 0;
	if (n->nr_ns)
		return -EIO;		/* disks count on them */
	n->nr_queues = got;
	return 0;
}

int nvme_start(struct nvme *n)
{
	int err;

	nvme_disable(n);
	for (unsigned int i = 0; i <= n->nr_queues; i++)
		nvme_queue_reset(&n->queues[i]);
	err = enable(n);
	err = err ? err : set_queue_count(n);
	for (unsigned int i = 1; i <= n->nr_queues && !err; i++)
		err = create_pair(n, &n->queues[i]);
	return err;
}
