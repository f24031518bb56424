/* SPDX-License-Identifier: MIT */
/*
 * Virtio block devices (virtio 1.2, 5.2): one virtqueue for each hardware queue, a slot of coherent
 * memory for each tag (header, discard range, status byte).
 *
 * Locking: vq->lock around everything that touches its ring; requests are ended outside of it.
 */
#include <drivers/disk.h>
#include <drivers/virtio.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <kernel/sched.h>
#include <lib/endian.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <uapi/major.h>

enum vblk_feature {
	VBLK_F_SIZE_MAX		= 1,
	VBLK_F_SEG_MAX		= 2,
	VBLK_F_RO		= 5,
	VBLK_F_BLK_SIZE		= 6,
	VBLK_F_FLUSH		= 9,
	VBLK_F_TOPOLOGY		= 10,
	VBLK_F_MQ		= 12,
	VBLK_F_DISCARD		= 13,
	VBLK_F_WRITE_ZEROES	= 14,
};

enum vblk_config {			/* 5.2.4 */
	VBLK_CAPACITY		= 0,
	VBLK_SIZE_MAX		= 8,
	VBLK_SEG_MAX		= 12,
	VBLK_BLK_SIZE		= 20,
	VBLK_PHYSICAL_EXP	= 24,
	VBLK_NUM_QUEUES		= 34,
	VBLK_MAX_DISCARD	= 36,
	VBLK_MAX_ZEROES		= 48,
};

enum vblk_type { VBLK_IN = 0, VBLK_OUT = 1, VBLK_FLUSH = 4, VBLK_GET_ID = 8, VBLK_DISCARD = 11,
		 VBLK_WRITE_ZEROES = 13 };
enum vblk_status { VBLK_OK = 0, VBLK_IOERR = 1, VBLK_UNSUPPORTED = 2, VBLK_NO_ANSWER = 0xff };

#define VBLK_FEATURES								\
	(VIRTIO_FEATURE(VBLK_F_SIZE_MAX) | VIRTIO_FEATURE(VBLK_F_SEG_MAX) |	\
	 VIRTIO_FEATURE(VBLK_F_RO) | VIRTIO_FEATURE(VBLK_F_BLK_SIZE) |		\
	 VIRTIO_FEATURE(VBLK_F_FLUSH) | VIRTIO_FEATURE(VBLK_F_TOPOLOGY) |	\
	 VIRTIO_FEATURE(VBLK_F_MQ) | VIRTIO_FEATURE(VBLK_F_DISCARD) |		\
	 VIRTIO_FEATURE(VBLK_F_WRITE_ZEROES))

#define VBLK_ID_SIZE	20
#define VBLK_DEPTH	128u
#define VBLK_SEGS_MAX	128u

/* What the device sees of a request besides data; 64 bytes. */
struct vblk_slot {
	struct {
		le32_t type, reserved;
		le64_t sector;
	} header;
	struct {
		le64_t sector;
		le32_t nr_sectors, flags;
	} range;
	uint8_t status;
	uint8_t pad[31];
};

struct vblk_queue {
	struct spinlock lock;		/* class DEVICE */
	struct virtq *vq;		/* [I] its ring is [L] */
	struct vblk_slot *slots;	/* [I] one for each tag, and one for GET_ID */
	dma_addr_t slots_dma;		/* [I] */
	struct virtq_piece *pieces;	/* own dispatcher: D1 of <drivers/disk.h> */
	char name[24];
};

struct vblk {
	struct virtio_device *vd;	/* [I] */
	struct disk *disk;		/* [I] */
	unsigned int nr_queues, depth;	/* [I] */
	uint32_t max_segs;		/* [I] */
	struct completion id_done;
	struct vblk_queue queues[];
};

static size_t slots_size(const struct vblk *vb)
{
	return (vb->depth + 1) * sizeof(struct vblk_slot);
}

static dma_addr_t slot_dma(const struct vblk_queue *q, const void *part)
{
	return dma_addr_add(q->slots_dma, (uint64_t)((const char *)part - (const char *)q->slots));
}

static uint32_t header_type(enum bio_op op)
{
	switch (op) {
	case BIO_READ:
		return VBLK_IN;
	case BIO_WRITE:
		return VBLK_OUT;
	case BIO_FLUSH:
		return VBLK_FLUSH;
	case BIO_DISCARD:
		return VBLK_DISCARD;
	case BIO_WRITE_ZEROES:
		return VBLK_WRITE_ZEROES;
	}
	return VBLK_FLUSH;
}

static bool has_range(enum bio_op op)
{
	return op == BIO_DISCARD || op == BIO_WRITE_ZEROES;
}

static struct virtq_piece piece_of(struct vblk_queue *q, const void *part, uint32_t len)
{
	return (struct virtq_piece){ slot_dma(q, part), len };
}

/* Header, data or range, status: how many pieces are the device's to read goes to *@nr_out. */
static unsigned int build_pieces(struct vblk_queue *q, struct request *rq, unsigned int *nr_out)
{
	struct vblk_slot *s = &q->slots[rq->tag];
	struct virtq_piece *p = q->pieces;
	unsigned int n = 0;

	s->header.type = cpu_to_le32(header_type(rq->op));
	s->header.reserved = cpu_to_le32(0);
	s->header.sector = cpu_to_le64(has_range(rq->op) ? 0 : rq->sector);
	s->status = VBLK_NO_ANSWER;
	p[n++] = piece_of(q, &s->header, sizeof(s->header));
	if (has_range(rq->op)) {
		s->range.sector = cpu_to_le64(rq->sector);
		s->range.nr_sectors = cpu_to_le32(rq->nr_sectors);
		s->range.flags = cpu_to_le32(0);
		p[n++] = piece_of(q, &s->range, sizeof(s->range));
	}
	for (uint32_t i = 0; i < rq->nr_segs; i++)
		p[n++] = (struct virtq_piece){ rq->segs[i].dma, rq->segs[i].len };
	*nr_out = rq->op == BIO_READ ? 1 : n;
	p[n++] = piece_of(q, &s->status, 1);
	return n;
}

static int vblk_queue_request(struct request *rq)
{
	struct vblk_queue *q = rq->queue->priv;
	unsigned int nr, nr_out;
	unsigned long flags;
	int err = request_map(rq);

	if (err)
		return err;
	nr = build_pieces(q, rq, &nr_out);
	flags = spin_lock_irqsave(&q->lock);
	err = virtq_add(q->vq, q->pieces, nr_out, nr - nr_out, rq);
	spin_unlock_irqrestore(&q->lock, flags);
	return err == -ENOSPC ? -EBUSY : err;
}

static void vblk_commit(struct disk_queue *dq)
{
	struct vblk_queue *q = dq->priv;
	unsigned long flags = spin_lock_irqsave(&q->lock);
	bool ring = virtq_kick_prepare(q->vq);

	spin_unlock_irqrestore(&q->lock, flags);
	if (ring)
		virtq_notify(q->vq);
}

static int slot_error(const struct vblk_slot *s)
{
	switch (*(const volatile uint8_t *)&s->status) {
	case VBLK_OK:
		return 0;
	case VBLK_UNSUPPORTED:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* Move what the device completed to @done; lock held. */
static void pop_all_locked(struct vblk *vb, struct vblk_queue *q, struct list *done)
{
	struct request *rq;

	do {
		virtq_irq_disable(q->vq);
		while ((rq = virtq_pop(q->vq, NULL))) {
			if ((void *)rq == vb)
				completion_signal(&vb->id_done);
			else
				list_add_tail(&rq->node, done);
		}
	} while (!virtq_irq_enable(q->vq) && !vb->vd->is_broken);
}

static void vblk_done(struct virtq *vq)
{
	struct vblk *vb = vq->ctx;
	struct vblk_queue *q = &vb->queues[vq->index];
	LIST_HEAD(done);
	unsigned long flags = spin_lock_irqsave(&q->lock);

	pop_all_locked(vb, q, &done);
	spin_unlock_irqrestore(&q->lock, flags);
	while (!list_empty(&done)) {
		struct request *rq = list_first_entry(&done, struct request, node);

		list_del(&rq->node);
		block_request_done(rq, slot_error(&q->slots[rq->tag]));
	}
}

/* There is no abort; a host that has stopped its disk may go on later. */
static void vblk_timeout(struct request *rq)
{
	struct vblk *vb = rq->queue->disk->priv;

	if (virtio_is_broken(vb->vd))
		disk_fail(vb->disk);
	else
		dev_warn(&vb->vd->dev, "a request has been waiting for the host for long");
}

static void vblk_stop(struct disk *d)
{
	struct vblk *vb = d->priv;

	virtio_reset(vb->vd);
	for (unsigned int i = 0; i < vb->nr_queues; i++)
		while (virtq_take_unused(vb->queues[i].vq))
			;		/* the block layer ends them */
}

static void vblk_release(struct disk *d)
{
	kfree(d->priv);
}

static const struct disk_ops vblk_ops = {
	.queue_request	= vblk_queue_request,
	.commit		= vblk_commit,
	.timeout	= vblk_timeout,
	.stop		= vblk_stop,
	.release	= vblk_release,
};

static void vblk_config_changed(struct virtio_device *vd)
{
	struct vblk *vb = vd->dev.priv;

	if (vb && vb->disk)
		disk_resize(vb->disk, virtio_config_read64(vd, VBLK_CAPACITY));
}

/* The first 20 bytes of the disk's serial number; "" when the device does not say. */
static void read_serial(struct vblk *vb, char *out)
{
	struct vblk_queue *q = &vb->queues[0];
	struct vblk_slot *s = &q->slots[vb->depth];
	int64_t deadline = clock_deadline(2 * NSEC_PER_SEC);
	unsigned long flags;
	int err;

	s->header.type = cpu_to_le32(VBLK_GET_ID);
	s->header.sector = cpu_to_le64(0);
	s->status = VBLK_NO_ANSWER;
	q->pieces[0] = piece_of(q, &s->header, sizeof(s->header));
	q->pieces[1] = piece_of(q, s->pad, VBLK_ID_SIZE);
	q->pieces[2] = piece_of(q, &s->status, 1);
	flags = spin_lock_irqsave(&q->lock);
	err = virtq_add(q->vq, q->pieces, 1, 2, vb);
	if (!err)
		virtq_kick(q->vq);
	spin_unlock_irqrestore(&q->lock, flags);
	if (!err)
		err = wait_event_timeout_uninterruptible(&vb->id_done.queue,
			__atomic_load_n(&vb->id_done.done, __ATOMIC_ACQUIRE), deadline);
	if (err || slot_error(s))
		return;
	for (unsigned int i = 0; i < VBLK_ID_SIZE && s->pad[i] > 0x20 && s->pad[i] < 0x7f; i++)
		out[i] = (char)s->pad[i];
}

static uint32_t config_or(struct virtio_device *vd, unsigned int feature, uint32_t offset,
			  uint32_t otherwise)
{
	uint32_t v = virtio_has_feature(vd, feature) ? virtio_config_read32(vd, offset) : 0;

	return v ? v : otherwise;
}

static void read_limits(struct vblk *vb, struct block_limits *lim)
{
	struct virtio_device *vd = vb->vd;
	uint32_t block = config_or(vd, VBLK_F_BLK_SIZE, VBLK_BLK_SIZE, SECTOR_SIZE);

	*lim = (struct block_limits){
		.logical_size = block,
		.physical_size = block,
		.max_sectors = 2048,
		.max_segments = vb->max_segs,
		.max_segment_size = config_or(vd, VBLK_F_SIZE_MAX, VBLK_SIZE_MAX, 1u << 20),
		.dma_mask = ~0ULL,
		.max_discard_sectors = config_or(vd, VBLK_F_DISCARD, VBLK_MAX_DISCARD, 0),
		.max_zeroes_sectors = config_or(vd, VBLK_F_WRITE_ZEROES, VBLK_MAX_ZEROES, 0),
		.has_cache = virtio_has_feature(vd, VBLK_F_FLUSH),
		.is_read_only = virtio_has_feature(vd, VBLK_F_RO),
	};
	if (virtio_has_feature(vd, VBLK_F_TOPOLOGY)) {
		uint32_t exp = virtio_config_read8(vd, VBLK_PHYSICAL_EXP);

		lim->physical_size = exp < 12 ? block << exp : block;
	}
}

static int queue_setup(struct vblk *vb, struct vblk_queue *q)
{
	q->slots = dma_alloc(&vb->vd->dev, slots_size(vb), &q->slots_dma);
	q->pieces = kmalloc_array(vb->max_segs + 3, sizeof(*q->pieces), 0);
	return q->slots && q->pieces ? 0 : -ENOMEM;
}

static void queues_free(struct vblk *vb)
{
	for (unsigned int i = 0; i < vb->nr_queues; i++) {
		struct vblk_queue *q = &vb->queues[i];

		dma_free(&vb->vd->dev, slots_size(vb), q->slots, q->slots_dma);
		kfree(q->pieces);
		q->slots = NULL;
		q->pieces = NULL;
	}
}

static int create_virtqs(struct vblk *vb)
{
	struct virtq_spec *specs = kmalloc_array(vb->nr_queues, sizeof(*specs), ALLOC_ZERO);
	int err;

	if (!specs)
		return -ENOMEM;
	for (unsigned int i = 0; i < vb->nr_queues; i++) {
		struct vblk_queue *q = &vb->queues[i];

		spinlock_init(&q->lock, DEVICE);
		snprintf(q->name, sizeof(q->name), "%s-req.%u", vb->vd->dev.name, i);
		specs[i] = (struct virtq_spec){ .name = q->name, .done = vblk_done, .ctx = vb,
						.cpu = i };
	}
	err = virtio_queues_create(vb->vd, specs, vb->nr_queues);
	kfree(specs);
	return err;
}

static int queues_create(struct vblk *vb)
{
	uint32_t seg_max = config_or(vb->vd, VBLK_F_SEG_MAX, VBLK_SEG_MAX, 1);
	int err = create_virtqs(vb);

	if (err)
		return err;
	for (unsigned int i = 0; i < vb->nr_queues; i++)
		vb->queues[i].vq = virtio_queue(vb->vd, i);
	/* Header or range and status besides the data. */
	vb->max_segs = min(seg_max, max(virtq_max_pieces(vb->queues[0].vq), 4u) - 3);
	vb->max_segs = clamp(vb->max_segs, 1u, VBLK_SEGS_MAX);
	vb->depth = min(vb->queues[0].vq->size, VBLK_DEPTH);
	for (unsigned int i = 0; i < vb->nr_queues && !err; i++)
		err = queue_setup(vb, &vb->queues[i]);
	return err;
}

static int make_disk(struct vblk *vb)
{
	char name[16], serial[VBLK_ID_SIZE + 1] = "";
	struct disk_args args = {
		.name = name, .ops = &vblk_ops, .priv = vb, .dma_dev = &vb->vd->dev,
		.nr_sectors = virtio_config_read64(vb->vd, VBLK_CAPACITY),
		.nr_queues = vb->nr_queues, .queue_depth = vb->depth,
		.major = VIRTBLK_MAJOR, .minors = 16, .serial = serial,
	};
	struct disk *disk;

	read_limits(vb, &args.limits);
	read_serial(vb, serial);
	args.first_minor = 16 * disk_free_index("vd", name, sizeof(name));
	disk = disk_create(&args);
	if (IS_ERR(disk))
		return (int)PTR_ERR(disk);
	for (unsigned int i = 0; i < vb->nr_queues; i++)
		disk->queues[i].priv = &vb->queues[i];
	WRITE_ONCE(vb->disk, disk);	/* for vblk_config_changed(), which may come any time */
	return 0;
}

static struct vblk *vblk_alloc(struct virtio_device *vd)
{
	unsigned int nr = virtio_has_feature(vd, VBLK_F_MQ) ?
			  virtio_config_read16(vd, VBLK_NUM_QUEUES) : 1;
	struct vblk *vb;

	nr = clamp(nr, 1u, nr_cpus);
	vb = kzalloc(sizeof(*vb) + nr * sizeof(vb->queues[0]), 0);
	if (!vb)
		return NULL;
	vb->vd = vd;
	vb->nr_queues = nr;
	completion_init(&vb->id_done);
	return vb;
}

static void vblk_remove(struct device *dev)
{
	struct vblk *vb = dev->priv;
	struct disk *d = vb->disk;

	dev->priv = NULL;
	disk_stop(d);
	queues_free(vb);
	disk_remove(d);
}

static int vblk_probe(struct device *dev)
{
	struct virtio_device *vd = virtio_device_of(dev);
	struct vblk *vb;
	int err = virtio_negotiate(vd, VBLK_FEATURES);

	if (err)
		return err;
	vb = vblk_alloc(vd);
	if (!vb)
		return -ENOMEM;
	dev->priv = vb;
	vd->config_changed = vblk_config_changed;
	err = queues_create(vb);
	err = err ? err : virtio_start(vd);
	err = err ? err : make_disk(vb);
	if (err)
		goto free;
	err = disk_register(vb->disk);
	if (err)
		vblk_remove(dev);
	return err;

free:
	virtio_reset(vd);
	queues_free(vb);
	kfree(vb);
	return err;
}

static const struct device_id vblk_ids[] = {
	{ .device = VIRTIO_ID_BLOCK },
	{ 0 },
};

DRIVER(virtio_blk) = {
	.name	= "virtio_blk",
	.bus	= &virtio_bus,
	.ids	= vblk_ids,
	.probe	= vblk_probe,
	.remove	= vblk_remove,
};
