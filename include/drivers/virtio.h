/* SPDX-License-Identifier: MIT */
/*
 * Virtio 1.2 devices, whichever bus they sit on: what a driver of one is written against.
 *
 *	static int foo_probe(struct device *dev)
 *	{
 *		struct virtio_device *vd = virtio_device_of(dev);
 *		...
 *		err = virtio_negotiate(vd, VIRTIO_FEATURE(FOO_F_BAR));
 *		err = virtio_queues_create(vd, specs, 2);
 *		err = virtio_start(vd);			(DRIVER_OK: requests may run)
 *	}
 *
 *	DRIVER(virtio_foo) = { .name = "virtio_foo", .bus = &virtio_bus, .ids = foo_ids,
 *			       .probe = foo_probe, .remove = foo_remove };
 *	foo_ids[] = { { .device = VIRTIO_ID_FOO }, { 0 } };
 *
 * remove() calls virtio_reset(): on return the device reads and writes no memory, and no done() is
 * running or will run; then it takes back what was in flight with virtq_take_unused().  Queues are
 * freed by the core after remove() (and after a failed probe, which is reset too).
 *
 * V1 A queue's operations are serialised by its driver: one lock per queue, IRQ-safe if done()
 *    takes it.  Different queues are independent.
 * V2 Nothing that the device writes is trusted.  An id that is not in flight breaks the device:
 *    the queue answers NULL and -EIO from then on, one message is logged, and the driver ends what
 *    it has by its own time-out or at once (virtio_is_broken()).  A length is cut to what the
 *    request had room for.  Configuration space is the driver's to check.
 * V3 A piece of memory belongs to the device from virtq_add() until virtq_pop() returns its cookie,
 *    or virtq_take_unused() after a reset.
 * V4 virtq_pop() never returns the same addition twice, nor a cookie that was not added.
 */
#ifndef DRIVERS_VIRTIO_H
#define DRIVERS_VIRTIO_H

#include <drivers/device.h>
#include <drivers/dma.h>
#include <lib/compiler.h>
#include <lib/types.h>

struct virtio_device;
struct virtio_transport;
struct virtq;
struct virtq_ops;

enum virtio_id {			/* virtio 1.2, 5 */
	VIRTIO_ID_NET		= 1,
	VIRTIO_ID_BLOCK		= 2,
	VIRTIO_ID_CONSOLE	= 3,
	VIRTIO_ID_ENTROPY	= 4,
	VIRTIO_ID_BALLOON	= 5,
	VIRTIO_ID_SCSI		= 8,
	VIRTIO_ID_9P		= 9,
	VIRTIO_ID_GPU		= 16,
	VIRTIO_ID_INPUT		= 18,
	VIRTIO_ID_VSOCK		= 19,
	VIRTIO_ID_CRYPTO	= 20,
	VIRTIO_ID_FS		= 26,
};

/* Bits that the core negotiates by itself (virtio 1.2, 6); a driver asks for its own only. */
enum virtio_feature {
	VIRTIO_F_INDIRECT_DESC		= 28,
	VIRTIO_F_EVENT_IDX		= 29,
	VIRTIO_F_VERSION_1		= 32,
	VIRTIO_F_ACCESS_PLATFORM	= 33,
	VIRTIO_F_RING_PACKED		= 34,
	VIRTIO_F_IN_ORDER		= 35,
	VIRTIO_F_ORDER_PLATFORM		= 36,
	VIRTIO_F_NOTIFICATION_DATA	= 38,
	VIRTIO_F_RING_RESET		= 40,
};
#define VIRTIO_FEATURE(bit)	(1ULL << (bit))

struct virtio_device {
	struct device dev;			/* on virtio_bus; DMA is mapped for this one */
	const struct virtio_transport *transport;	/* [I] */
	uint32_t id;				/* [I] enum virtio_id */
	uint32_t vendor;			/* [I] */
	uint64_t features;			/* [I] after virtio_negotiate() */
	struct virtq **queues;			/* [I] after virtio_queues_create() */
	unsigned int nr_queues;
	bool is_broken;				/* [A] set once, cleared by a new probe */
	/* [I] set before virtio_start(); interrupt context: configuration space has changed */
	void (*config_changed)(struct virtio_device *vd);
	char name_buf[16];
};

extern const struct bus virtio_bus;

static inline struct virtio_device *virtio_device_of(struct device *dev)
{
	return container_of(dev, struct virtio_device, dev);
}

/*
 * Agree on features: those of @wanted that the device has, and the core's own.  -ENODEV: it does
 * not speak version 1, or refuses the choice.  Then configuration space may be read.
 */
__must_check int virtio_negotiate(struct virtio_device *vd, uint64_t wanted);
static inline bool virtio_has_feature(const struct virtio_device *vd, unsigned int bit)
{
	return vd->features >> bit & 1;
}
/* Before virtio_negotiate(): what the device offers. */
uint64_t virtio_offered(struct virtio_device *vd);

/*
 * Configuration space: @len bytes at @offset, all of one moment (read again while the device
 * changes it, a bounded number of times).  Little-endian, as the device has it.
 */
void virtio_config_read(struct virtio_device *vd, uint32_t offset, void *buf, size_t len);
void virtio_config_write(struct virtio_device *vd, uint32_t offset, const void *buf, size_t len);
uint8_t virtio_config_read8(struct virtio_device *vd, uint32_t offset);
uint16_t virtio_config_read16(struct virtio_device *vd, uint32_t offset);
uint32_t virtio_config_read32(struct virtio_device *vd, uint32_t offset);
uint64_t virtio_config_read64(struct virtio_device *vd, uint32_t offset);

#define VIRTQ_CPU_ANY		(~0u)
#define VIRTQ_SIZE_DEFAULT	256u

struct virtq_spec {
	const char *name;			/* for messages and /proc/interrupts; lives on */
	/*
	 * Something was completed; interrupt context.  Drain with virtq_pop(), or turn interrupts
	 * off and wake a thread.  NULL: the driver polls, the queue never interrupts.
	 */
	void (*done)(struct virtq *q);
	void *ctx;				/* q->ctx: the driver's */
	uint32_t size_max;			/* entries; 0: VIRTQ_SIZE_DEFAULT */
	unsigned int cpu;			/* whose interrupt it is, or VIRTQ_CPU_ANY */
};

/*
 * Make queues 0 to @nr - 1; a spec with neither name nor done leaves its queue unused (NULL in
 * vd->queues).  Once for each probe.  -ENOENT: the device has fewer; -ENOMEM, -EINVAL, -EIO.
 * Each gets an interrupt of its own where the bus has enough.
 */
__must_check int virtio_queues_create(struct virtio_device *vd, const struct virtq_spec *specs,
				      unsigned int nr);
/* DRIVER_OK: from here on the device works.  -EIO: it fell over. */
__must_check int virtio_start(struct virtio_device *vd);
/* Stop it: see above.  Thread context; waits for a bounded time. */
void virtio_reset(struct virtio_device *vd);

/* Broken, or gone (its status reads as nothing): no request will ever be answered. */
bool virtio_is_broken(struct virtio_device *vd);
/* Give up on it, with one message. */
__printf(2, 3) void virtio_break(struct virtio_device *vd, const char *fmt, ...);

struct virtq {
	struct virtio_device *vd;		/* [I] */
	const struct virtq_ops *ops;		/* [I] split or packed */
	const char *name;			/* [I] */
	void (*done)(struct virtq *q);		/* [I] */
	void *ctx;				/* [I] the driver's */
	uint32_t index, size;			/* [I] number on the device; entries */
	uint32_t nr_free;			/* [R] the driver's lock: descriptors left */
	struct mmio notify;			/* [I] the transport's doorbell */
	uint32_t notify_offset;			/* [I] */
	uint32_t notify_value;			/* [I] what is written there */
	unsigned int cpu;			/* [I] wished for */
	int irq;				/* [I] its own interrupt, or negative: shared */
	dma_addr_t desc, driver, device;	/* [I] the three areas, for the transport */
};

static inline struct virtq *virtio_queue(struct virtio_device *vd, unsigned int index)
{
	return vd->queues[index];
}

/* A piece of memory as the device sees it (dma_map(&vd->dev, ...)). */
struct virtq_piece {
	dma_addr_t addr;
	uint32_t len;
};

/*
 * Hand over a request: @nr_out pieces that the device reads, then @nr_in that it writes, in one
 * array.  @cookie, not NULL, comes back from virtq_pop().  Any context.  The device may not look
 * before virtq_kick().  -ENOSPC: the ring is full for now; -EIO: the device is broken; -EINVAL:
 * more pieces than any ring of this size takes.
 */
__must_check int virtq_add(struct virtq *q, const struct virtq_piece *pieces, unsigned int nr_out,
			   unsigned int nr_in, void *cookie);
/* The largest nr_out + nr_in that virtq_add() takes at all. */
uint32_t virtq_max_pieces(const struct virtq *q);

/* Tell the device of what was added, unless it asked not to be told. */
void virtq_kick(struct virtq *q);
/* The two halves, so that the doorbell (a slow access) may ring outside the driver's lock. */
__must_check bool virtq_kick_prepare(struct virtq *q);
void virtq_notify(struct virtq *q);

/* A completed request and how much the device wrote; NULL: none now.  @len may be NULL. */
void *virtq_pop(struct virtq *q, uint32_t *len);
/* Is there one? */
bool virtq_has_done(struct virtq *q);

/* Interrupts are a hint either way: done() may still come once after _disable. */
void virtq_irq_disable(struct virtq *q);
/* False: something was completed meanwhile, so look again first. */
__must_check bool virtq_irq_enable(struct virtq *q);

/* After virtio_reset(): a request that was never answered; NULL: no more. */
void *virtq_take_unused(struct virtq *q);

#endif
