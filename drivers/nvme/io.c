/* SPDX-License-Identifier: MIT */
/*
 * Namespaces as disks: requests to commands, time-outs.
 *
 * A command's number says whose it is: namespace index * NVME_DEPTH + tag.  All namespaces share
 * the pairs of queues, hardware queue i of each disk being pair i + 1.
 *
 * A request that is late: the queue is looked at (an interrupt may have been lost), then the
 * command is aborted, then, late again, the controller is reset: the late request fails, all others
 * are given to it anew.  If it does not come up again its disks are dead.
 */
#include <kernel/clock.h>
#include <kernel/init.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>

#include "nvme.h"

static struct nvme_ns *ns_of(const struct request *rq)
{
	return rq->queue->disk->priv;
}

static struct nvme_queue *pair_of(const struct request *rq)
{
	return rq->queue->priv;
}

static uint64_t to_blocks(const struct nvme_ns *ns, uint64_t sectors)
{
	return sectors >> (ns->block_shift - SECTOR_SHIFT);
}

/*
 * Where the data lies: the first page's rest, and the second page or a list of all others (4.3).
 * gap_size makes all pieces but the first begin, and but the last end, at pages.
 */
static void set_pages(struct nvme_ns *ns, struct request *rq, struct nvme_command *cmd)
{
	struct nvme_slot *slot = &ns->slots[rq->queue->index][rq->tag];
	uint32_t nr = 0;
	uint64_t first = 0;

	for (uint32_t i = 0; i < rq->nr_segs; i++) {
		uint64_t at = rq->segs[i].dma.v, end = at + rq->segs[i].len;

		for (; at < end; at = align_down(at, NVME_PAGE) + NVME_PAGE, nr++) {
			if (!nr)
				first = at;
			else
				slot->list[nr - 1] = cpu_to_le64(at);
		}
	}
	cmd->prp1 = cpu_to_le64(first);
	if (nr == 2)
		cmd->prp2 = slot->list[0];
	else if (nr > 2)
		cmd->prp2 = cpu_to_le64(ns->slots_dma[rq->queue->index].v +
					rq->tag * sizeof(*slot));
}

static void set_dataset(struct nvme_ns *ns, struct request *rq, struct nvme_command *cmd)
{
	struct nvme_slot *slot = &ns->slots[rq->queue->index][rq->tag];

	slot->list[0] = cpu_to_le64(to_blocks(ns, rq->nr_sectors) << 32);
	slot->list[1] = cpu_to_le64(to_blocks(ns, rq->sector));
	cmd->prp1 = cpu_to_le64(ns->slots_dma[rq->queue->index].v + rq->tag * sizeof(*slot));
	cmd->cdw10 = cpu_to_le32(0);	/* one range */
	cmd->cdw11 = cpu_to_le32(DATASET_DEALLOCATE);
}

static void set_range(struct nvme_ns *ns, struct request *rq, struct nvme_command *cmd)
{
	uint64_t start = to_blocks(ns, rq->sector);

	cmd->cdw10 = cpu_to_le32((uint32_t)start);
	cmd->cdw11 = cpu_to_le32((uint32_t)(start >> 32));
	cmd->cdw12 = cpu_to_le32((uint32_t)(to_blocks(ns, rq->nr_sectors) - 1) |
				 (rq->flags & BIO_FUA && rq->op == BIO_WRITE ? RW_FUA : 0));
}

static void build(struct nvme_ns *ns, struct request *rq, struct nvme_command *cmd)
{
	uint32_t op = IO_FLUSH;

	*cmd = (struct nvme_command){ .nsid = cpu_to_le32(ns->nsid) };
	switch (rq->op) {
	case BIO_READ:
	case BIO_WRITE:
		op = rq->op == BIO_READ ? IO_READ : IO_WRITE;
		set_range(ns, rq, cmd);
		set_pages(ns, rq, cmd);
		break;
	case BIO_WRITE_ZEROES:
		op = IO_WRITE_ZEROES;
		set_range(ns, rq, cmd);
		break;
	case BIO_DISCARD:
		op = IO_DATASET;
		set_dataset(ns, rq, cmd);
		break;
	case BIO_FLUSH:
		break;
	}
	cmd->head = cpu_to_le32(op | (ns->index * NVME_DEPTH + rq->tag) << 16);
}

static uint32_t lose_number;		/* [A] nvme.lose=N: the N-th command from now on is lost */

/* For tests of time-outs: the command is ours to wait for, but the device never hears of it. */
static bool is_to_be_lost(void)
{
	return IS_ENABLED(CONFIG_KTEST) && READ_ONCE(lose_number) &&
	       __atomic_sub_fetch(&lose_number, 1, __ATOMIC_RELAXED) == 0;
}

static int nvme_queue_request(struct request *rq)
{
	struct nvme_request *nr = request_priv(rq);
	struct nvme_queue *q = pair_of(rq);
	struct nvme_command cmd;
	unsigned long flags;
	int err = request_map(rq);

	if (err)
		return err;
	build(ns_of(rq), rq, &cmd);
	flags = spin_lock_irqsave(&q->lock);
	if (!q->is_live) {
		err = -EIO;
	} else if (!nvme_queue_has_room(q)) {
		err = -EBUSY;
	} else {
		nr->issued = true;
		nr->aborted = false;
		if (!is_to_be_lost())
			nvme_queue_put_locked(q, &cmd);
	}
	spin_unlock_irqrestore(&q->lock, flags);
	return err;
}

static void nvme_commit(struct disk_queue *dq)
{
	struct nvme_queue *q = dq->priv;
	unsigned long flags = spin_lock_irqsave(&q->lock);

	nvme_queue_ring_locked(q);
	spin_unlock_irqrestore(&q->lock, flags);
}

/* The request that the device calls @number on this pair; queue lock held. */
static struct request *find_request(struct nvme_queue *q, uint32_t number)
{
	struct nvme *n = q->ctrl;
	struct nvme_ns *ns = number / NVME_DEPTH < READ_ONCE(n->nr_ns) ?
			     n->ns[number / NVME_DEPTH] : NULL;
	struct request *rq;

	if (!ns || !ns->disk)
		return NULL;
	rq = disk_request_find(&ns->disk->queues[q->id - 1], number % NVME_DEPTH);
	return rq && ((struct nvme_request *)request_priv(rq))->issued ? rq : NULL;
}

void nvme_io_done(struct nvme_queue *q, uint32_t number, uint32_t status, struct list *done)
{
	struct request *rq = find_request(q, number);
	struct nvme_request *nr;

	if (!rq) {
		dev_warn(q->ctrl->dev, "queue %u: command %u is not in flight", q->id, number);
		return;
	}
	nr = request_priv(rq);
	nr->issued = false;
	nr->status = (uint16_t)status;
	list_add_tail(&rq->node, done);
}

enum nvme_status {			/* type << 8 | code; 4.5 */
	STATUS_OK		= 0x000,
	STATUS_BAD_OPCODE	= 0x001,
	STATUS_ABORTED		= 0x007,
	STATUS_CAPACITY		= 0x081,
	STATUS_READ_ONLY	= 0x182,
};

static int status_error(uint32_t status)
{
	switch (status & 0x7ff) {
	case STATUS_OK:
		return 0;
	case STATUS_BAD_OPCODE:
		return -EOPNOTSUPP;
	case STATUS_ABORTED:
		return -ETIMEDOUT;
	case STATUS_CAPACITY:
		return -ENOSPC;
	case STATUS_READ_ONLY:
		return -EROFS;
	default:
		return -EIO;
	}
}

void nvme_end_requests(struct list *done)
{
	while (!list_empty(done)) {
		struct request *rq = list_first_entry(done, struct request, node);
		struct nvme_request *nr = request_priv(rq);

		list_del(&rq->node);
		block_request_done(rq, status_error(nr->status));
	}
}

/* The controller forgot all: nothing is issued any more.  Its queues are not live. */
static void forget_issued(struct disk *d)
{
	for (unsigned int i = 0; i < d->nr_queues; i++)
		for (unsigned int tag = 0; tag < d->queue_depth; tag++) {
			struct request *rq = disk_request_find(&d->queues[i], tag);

			if (rq)
				((struct nvme_request *)request_priv(rq))->issued = false;
		}
}

static int abort_command(struct nvme *n, struct request *rq)
{
	uint32_t number = ns_of(rq)->index * NVME_DEPTH + rq->tag;
	struct nvme_command cmd = {
		.head = cpu_to_le32(ADMIN_ABORT),
		.cdw10 = cpu_to_le32(number << 16 | pair_of(rq)->id),
	};
	int err;

	mutex_lock(&n->lock);
	err = nvme_admin(n, &cmd, NULL);
	mutex_unlock(&n->lock);
	return err;
}

/* Bring the controller back; @late fails, the others start again. */
static void reset(struct nvme *n, struct request *late)
{
	int err;

	dev_err(n->dev, "reset");
	for (unsigned int i = 0; i < n->nr_ns; i++)
		disk_quiesce(n->ns[i]->disk);
	mutex_lock(&n->lock);
	nvme_disable(n);
	/* Before its queues live again: it may not complete what it shall have forgotten. */
	for (unsigned int i = 0; i < n->nr_ns; i++)
		forget_issued(n->ns[i]->disk);
	err = nvme_start(n);
	mutex_unlock(&n->lock);
	block_request_done(late, -ETIMEDOUT);
	for (unsigned int i = 0; i < n->nr_ns; i++)
		disk_requeue_started(n->ns[i]->disk);
	if (err) {
		dev_err(n->dev, "does not come back: error %d", err);
		for (unsigned int i = 0; i < n->nr_ns; i++)
			disk_fail(n->ns[i]->disk);
	}
	for (unsigned int i = 0; i < n->nr_ns; i++)
		disk_resume(n->ns[i]->disk);
}

static void nvme_timeout(struct request *rq)
{
	struct nvme_request *nr = request_priv(rq);
	struct nvme *n = ns_of(rq)->ctrl;

	nvme_queue_poll(pair_of(rq));
	if (!READ_ONCE(nr->issued))
		return;
	if (!nr->aborted && !(mmio_read32(&n->regs, NVME_CSTS) & CSTS_FATAL)) {
		nr->aborted = true;
		dev_warn(n->dev, "queue %u: aborting request %u", pair_of(rq)->id, rq->tag);
		if (abort_command(n, rq) == 0)
			return;
	}
	reset(n, rq);
}

/* Of one disk of perhaps several: all stop with the controller, which is going. */
static void nvme_stop(struct disk *d)
{
	struct nvme_ns *ns = d->priv;
	struct nvme *n = ns->ctrl;

	mutex_lock(&n->lock);
	if (n->is_enabled)
		nvme_disable(n);
	mutex_unlock(&n->lock);
	forget_issued(d);
}

static void ns_free(struct nvme_ns *ns)
{
	struct nvme *n = ns->ctrl;

	kfree(ns->slots);
	kfree(ns->slots_dma);
	kfree(ns);
	nvme_put(n);
}

static void nvme_release(struct disk *d)
{
	ns_free(d->priv);
}

static const struct disk_ops nvme_ops = {
	.queue_request	= nvme_queue_request,
	.commit		= nvme_commit,
	.timeout	= nvme_timeout,
	.stop		= nvme_stop,
	.release	= nvme_release,
};

static void slots_free(struct nvme_ns *ns)
{
	for (unsigned int i = 0; ns->slots && i < ns->ctrl->nr_queues; i++)
		dma_free(ns->ctrl->dev, NVME_DEPTH * sizeof(struct nvme_slot), ns->slots[i],
			 ns->slots_dma[i]);
}

static int slots_alloc(struct nvme_ns *ns)
{
	unsigned int nr = ns->ctrl->nr_queues;

	ns->slots = kmalloc_array(nr, sizeof(*ns->slots), ALLOC_ZERO);
	ns->slots_dma = kmalloc_array(nr, sizeof(*ns->slots_dma), ALLOC_ZERO);
	if (!ns->slots || !ns->slots_dma)
		return -ENOMEM;
	for (unsigned int i = 0; i < nr; i++) {
		ns->slots[i] = dma_alloc(ns->ctrl->dev, NVME_DEPTH * sizeof(struct nvme_slot),
					 &ns->slots_dma[i]);
		if (!ns->slots[i])
			return -ENOMEM;
	}
	return 0;
}

/* nvme.timeout=SECONDS; 0: the block layer's default. */
static int64_t boot_timeout_ns(void)
{
	const char *text = boot_arg("nvme.timeout"), *lose = boot_arg("nvme.lose");
	uint32_t seconds = 0;

	if (text && parse_u32(text, 10, &seconds))
		log_warn("nvme: nvme.timeout=%s is no number of seconds", text);
	if (IS_ENABLED(CONFIG_KTEST) && lose && parse_u32(lose, 10, &lose_number))
		log_warn("nvme: nvme.lose=%s is no number", lose);
	return seconds * NSEC_PER_SEC;
}

static int make_disk(struct nvme_ns *ns, uint64_t nr_blocks)
{
	struct nvme *n = ns->ctrl;
	char name[24];
	struct disk_args args = {
		.name = name, .ops = &nvme_ops, .priv = ns, .dma_dev = n->dev,
		.nr_sectors = nr_blocks << (ns->block_shift - SECTOR_SHIFT),
		.nr_queues = n->nr_queues, .queue_depth = NVME_DEPTH,
		.request_size = sizeof(struct nvme_request), .minors = 1, .serial = n->serial,
		.timeout_ns = boot_timeout_ns(),
		.limits = {
			.logical_size = 1u << ns->block_shift, .dma_mask = ~0ULL,
			.max_sectors = n->max_sectors, .max_segments = NVME_LIST,
			.gap_size = NVME_PAGE, .has_cache = n->has_cache, .has_fua = n->has_cache,
			.max_discard_sectors = n->has_dataset ? 1u << 22 : 0,
			.max_zeroes_sectors = n->has_zeroes ? 65536u : 0,
		},
	};

	snprintf(name, sizeof(name), "nvme%un%u", n->number, ns->nsid);
	ns->disk = disk_create(&args);
	if (IS_ERR(ns->disk))
		return (int)PTR_ERR(ns->disk);
	for (unsigned int i = 0; i < n->nr_queues; i++)
		ns->disk->queues[i].priv = &n->queues[i + 1];
	return 0;
}

/* What the page of Identify says about the namespace.  -ENODEV: none, or not of our kind. */
static int read_format(struct nvme_ns *ns, uint64_t *nr_blocks)
{
	const uint8_t *page = ns->ctrl->buffer;
	uint32_t format = get_le32(page + 128 + 4 * (page[26] & 0xf));

	*nr_blocks = get_le64(page);
	ns->block_shift = format >> 16 & 0xff;
	if (!*nr_blocks)
		return -ENODEV;
	if (ns->block_shift < SECTOR_SHIFT || ns->block_shift > 12 || format & 0xffff ||
	    *nr_blocks > UINT64_MAX >> ns->block_shift) {
		dev_warn(ns->ctrl->dev, "namespace %u: blocks of 2^%u bytes and %u of metadata",
			 ns->nsid, ns->block_shift, format & 0xffff);
		return -ENODEV;
	}
	return 0;
}

static int ns_setup(struct nvme_ns *ns)
{
	struct nvme *n = ns->ctrl;
	uint64_t nr_blocks = 0;
	int err;

	mutex_lock(&n->lock);
	err = nvme_identify(n, IDENTIFY_NAMESPACE, ns->nsid);
	err = err ? err : read_format(ns, &nr_blocks);
	mutex_unlock(&n->lock);
	err = err ? err : slots_alloc(ns);
	return err ? err : make_disk(ns, nr_blocks);
}

int nvme_ns_create(struct nvme *n, uint32_t nsid)
{
	struct nvme_ns *ns = kzalloc(sizeof(*ns), 0), **list;
	int err;

	if (!ns)
		return -ENOMEM;
	ns->ctrl = n;
	ns->nsid = nsid;
	ns->index = n->nr_ns;
	refcount_inc(&n->refs);
	err = ns_setup(ns);
	list = err ? NULL : krealloc(n->ns, (n->nr_ns + 1) * sizeof(*list), 0);
	if (!list) {
		slots_free(ns);
		if (!err)
			disk_remove(ns->disk);
		else
			ns_free(ns);
		return err ? err : -ENOMEM;
	}
	n->ns = list;
	n->ns[n->nr_ns] = ns;
	smp_wmb();		/* interrupts look only at those that are counted */
	WRITE_ONCE(n->nr_ns, n->nr_ns + 1);
	return disk_register(ns->disk);
}

void nvme_ns_remove(struct nvme_ns *ns)
{
	disk_stop(ns->disk);
	slots_free(ns);
	disk_remove(ns->disk);		/* its last holder frees ns */
}
