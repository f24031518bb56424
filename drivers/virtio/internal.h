/* SPDX-License-Identifier: MIT */
/*
 * What the virtio core, its two ring formats and its transports share.  Numbers are from virtio
 * 1.2: 2.1 (status), 2.7 (split rings), 2.8 (packed rings).
 */
#ifndef DRIVERS_VIRTIO_INTERNAL_H
#define DRIVERS_VIRTIO_INTERNAL_H

#include <drivers/virtio.h>
#include <lib/endian.h>

enum virtio_status {
	VIRTIO_ACKNOWLEDGE	= 1,
	VIRTIO_DRIVER		= 2,
	VIRTIO_DRIVER_OK	= 4,
	VIRTIO_FEATURES_OK	= 8,
	VIRTIO_NEEDS_RESET	= 0x40,
	VIRTIO_FAILED		= 0x80,
};

/* A way to reach a virtio device.  Thread context, serialised by the device's lock. */
struct virtio_transport {
	const char *name;
	uint8_t (*status)(struct virtio_device *vd);	/* any context; 0xff: gone */
	void (*set_status)(struct virtio_device *vd, uint8_t status);
	uint64_t (*offered)(struct virtio_device *vd);
	void (*accept)(struct virtio_device *vd, uint64_t features);
	/* Configuration space; any context. */
	struct mmio (*config)(struct virtio_device *vd);
	uint32_t (*generation)(struct virtio_device *vd);
	uint32_t (*queue_max)(struct virtio_device *vd, unsigned int index);	/* 0: no such */
	/*
	 * Interrupts for the queues of vd->queues; sets q->irq where one has its own.  Handlers
	 * call virtq_interrupt() and virtio_config_interrupt() once queues are open.
	 */
	int (*irqs_open)(struct virtio_device *vd);
	void (*irqs_close)(struct virtio_device *vd);
	/* Tell the device where the queue lies, enable it; sets q->notify and its value. */
	int (*queue_open)(struct virtio_device *vd, struct virtq *q);
	void (*notify)(struct virtq *q);		/* any context */
};

/* Make @vd, filled but for the bus's part, known below @parent; the transport's probe calls it. */
__must_check int virtio_device_add(struct virtio_device *vd, struct device *parent);

/* For the transports' interrupt handlers. */
void virtq_interrupt(struct virtq *q);
void virtq_interrupt_all(struct virtio_device *vd);
void virtio_config_interrupt(struct virtio_device *vd);

/* A request in flight, or a free place for one. */
struct virtq_slot {
	void *cookie;			/* NULL: free */
	uint32_t in_len;		/* bytes that the device may write */
	uint16_t nr;			/* entries of the ring that it takes */
	uint16_t next;			/* the chain's or the free list's next */
	struct virtq_desc *table;	/* indirect descriptors, kept for the next request */
	uint32_t table_size;
};

enum virtq_desc_flags {
	VIRTQ_NEXT	= 1 << 0,
	VIRTQ_WRITE	= 1 << 1,	/* the device's to write */
	VIRTQ_INDIRECT	= 1 << 2,
	VIRTQ_AVAIL	= 1 << 7,	/* packed */
	VIRTQ_USED	= 1 << 15,	/* packed */
};

struct virtq_desc {
	le64_t addr;
	le32_t len;
	le16_t flags;			/* packed: buffer id in the place of flags, then flags */
	le16_t next;
};

struct virtq_ops {
	int (*add)(struct virtq *q, const struct virtq_piece *pieces, unsigned int nr_out,
		   unsigned int nr_in, void *cookie);
	bool (*kick_prepare)(struct virtq *q);
	void *(*pop)(struct virtq *q, uint32_t *len);
	bool (*has_done)(struct virtq *q);
	void (*irq_disable)(struct virtq *q);
	void (*irq_enable)(struct virtq *q);
	void *(*take_unused)(struct virtq *q);
	void (*free)(struct virtq *q);
};

/* A queue in its format, of @size entries; not yet known to the device.  NULL: out of memory. */
struct virtq *virtq_split_alloc(struct virtio_device *vd, uint32_t size);
struct virtq *virtq_packed_alloc(struct virtio_device *vd, uint32_t size);

static inline bool virtq_is_broken(const struct virtq *q)
{
	return __atomic_load_n(&q->vd->is_broken, __ATOMIC_RELAXED);
}

static inline bool virtq_has_event_index(const struct virtq *q)
{
	return virtio_has_feature(q->vd, VIRTIO_F_EVENT_IDX);
}

/* 2.7.10: does moving from @old to @new pass @event? */
static inline bool virtq_need_event(uint16_t event, uint16_t new, uint16_t old)
{
	return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
}

/*
 * The slot's indirect table with room for @nr pieces, or NULL.  Tables are reached by plain
 * physical addresses, so they are used only where that is what the device sees.
 */
struct virtq_desc *virtq_table_get(struct virtq *q, struct virtq_slot *s, unsigned int nr);
/* Bytes of the pieces that the device writes, at most 4 GiB - 1. */
uint32_t virtq_in_len(const struct virtq_piece *in, unsigned int nr_in);
void virtq_slots_free(struct virtq_slot *slots, uint32_t size);

#endif
