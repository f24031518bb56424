/* SPDX-License-Identifier: MIT */
/*
 * What a disk driver sees of the block layer.
 *
 *	d = disk_create(&args);		requests, tags and queues are there; nobody knows the disk
 *	... set d->queues[i].priv ...
 *	err = disk_register(d);		partitions are read, nodes appear, I/O comes
 *	disk_remove(d);			no I/O any more, the disk is gone for its holders (-ENODEV)
 *
 * D1 queue_request() is never entered twice at once for one queue; it runs with preemption off and
 *    holds no lock.  Interrupts may be masked or not.  commit() follows after the last of a series.
 * D2 each request that queue_request() took is ended by exactly one block_request_done(), in any
 *    context, perhaps from inside queue_request(), with no lock held that queue_request() or a
 *    bio's done() takes.
 * D3 until then, and from timeout() on until a request is ended, its memory belongs to the device:
 *    a driver ends a request only when the device cannot touch its pages any more.
 */
#ifndef DRIVERS_DISK_H
#define DRIVERS_DISK_H

#include <drivers/block.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <kernel/waitq.h>

struct device;
struct disk_flush;
struct disk_queue;

struct request_seg {
	paddr_t phys;
	dma_addr_t dma;			/* after request_map() */
	uint32_t len;
};

/* IDLE to STARTED to IDLE; STARTED to TIMING and back, or to DONE; REQUEUED to STARTED. */
enum request_state {
	REQUEST_IDLE,			/* a free tag */
	REQUEST_STARTED,		/* the driver's */
	REQUEST_TIMING,			/* timeout() is running for it */
	REQUEST_DONE,			/* ended, while timeout() is running */
	REQUEST_REQUEUED,		/* to be given to the driver again */
};

struct request {
	struct disk_queue *queue;	/* [I] */
	uint32_t tag;			/* [I] below the queue's depth */
	enum bio_op op;
	uint32_t flags;			/* BIO_FUA, BIO_META, ... */
	uint64_t sector;		/* of 512 bytes, on the disk */
	uint32_t nr_sectors;
	uint32_t nr_segs;
	struct request_seg *segs;
	/* what follows is the block layer's own */
	uint32_t state;			/* [A] enum request_state */
	int status;
	uint32_t busy_count;		/* how often the driver had no room for it */
	bool mapped;
	struct bio *first, *last;	/* linked by bio.node.next */
	int64_t deadline_ns;
	struct list node;		/* [R] queue: free or requeued */
	struct request_seg *big_segs;	/* borrowed from the queue, NULL: inline */
#define REQUEST_INLINE_SEGS 16
	struct request_seg inline_segs[REQUEST_INLINE_SEGS];
};

/* The driver's part of a request: disk_args.request_size bytes, zeroed once. */
static inline void *request_priv(struct request *rq) { return rq + 1; }

struct disk_ops {
	/* 0; -EBUSY: no room now, try again later; -errno: ended with that.  See D1. */
	int (*queue_request)(struct request *rq);
	void (*commit)(struct disk_queue *q);		/* ring the doorbell; optional */
	/*
	 * The request has been with the device for too long.  Thread context, may sleep; it
	 * may end any requests, or put all back with disk_quiesce() and disk_requeue_started();
	 * a request that it does not end gets as much time again.  Without it there are no
	 * timeouts.
	 */
	void (*timeout)(struct request *rq);
	/* After disk_recover(): thread context, never beside timeout().  Optional. */
	void (*recover)(struct disk *d);
	/* From disk_remove(): on return the device does not touch memory any more.  May sleep. */
	void (*stop)(struct disk *d);
	/* The last holder is gone: free what disk->priv means. */
	void (*release)(struct disk *d);
};

struct disk_queue {
	struct disk *disk;		/* [I] */
	unsigned int index;		/* [I] */
	void *priv;			/* [I] the driver's */
	/* what follows is the block layer's own */
	struct spinlock lock;		/* class BLOCK_QUEUE */
	struct list pending;		/* [L] bios that wait for a tag */
	struct list requeued;		/* [L] requests that the driver gets again */
	struct list free;		/* [L] requests */
	unsigned int nr_free;		/* [L] */
	uint32_t stopped;		/* [L] quiesced so many times */
	bool dispatching;		/* [L] a CPU is handing requests to the driver */
	bool busy;			/* [L] wait for a completion or the timer */
	bool timer_armed;		/* [L] */
	struct timer timer;		/* requests' deadlines */
	struct timer retry;		/* after -EBUSY with nothing in flight */
	struct request_seg *big_free;	/* [L] chain of large arrays, linked through phys */
	void *requests, *big_arrays;	/* [I] */
	size_t request_stride;		/* [I] */
} __aligned(64);

enum disk_state { DISK_NEW, DISK_LIVE, DISK_GONE };

struct disk {
	const struct disk_ops *ops;	/* [I] */
	void *priv;			/* [I] the driver's */
	struct device *dma_dev;		/* [I] who does DMA; NULL: nobody */
	struct block_limits limits;
	struct block_device *whole;	/* [I] */
	struct list parts;		/* [R] BLOCK_REGISTRY */
	unsigned int nr_queues, queue_depth;	/* [I] */
	uint32_t minors;		/* [I] */
	int64_t timeout_ns;		/* [I] */
	char serial[64];		/* [I] "" when there is none */
	/* what follows is the block layer's own */
	uint32_t state;			/* [A] enum disk_state */
	refcount_t refs;
	struct disk_flush *flush;	/* [I] */
	struct waitq idle;		/* a queue stopped dispatching, or a tag came back */
	struct list timeout_node;	/* [R] timeout_lock */
	bool timeout_busy;		/* [R] timeout_lock */
	bool wants_recovery;		/* [A] */
	struct disk_queue queues[];
};

struct disk_args {
	const char *name;		/* "vda": disk_letter_name(), snprintf */
	const struct disk_ops *ops;
	void *priv;
	struct device *dma_dev;
	struct block_limits limits;
	uint64_t nr_sectors;
	unsigned int nr_queues, queue_depth;	/* 0: one for each CPU; 64 */
	size_t request_size;		/* bytes of request_priv() */
	uint32_t major, first_minor;	/* both 0: the next of major 259 */
	uint32_t minors;		/* of the whole and its first partitions; others: 259 */
	int64_t timeout_ns;		/* 0: 30 s */
	const char *serial;
};

/* Error pointer: -ENOMEM, -EINVAL for senseless limits.  The driver's reference. */
struct disk *disk_create(const struct disk_args *args);
/* Make it known.  0, -EEXIST, -ENOMEM.  Thread context, may do I/O. */
__must_check int disk_register(struct disk *d);
/*
 * Take it away, registered or not: new and waiting bios fail with -ENODEV, then ops->stop(), then
 * what is in flight fails, then listeners hear; drops the driver's reference.
 */
void disk_remove(struct disk *d);
/*
 * Its first half, up to the end of all I/O: what requests use may be freed then.  Names stay until
 * disk_remove().
 */
void disk_stop(struct disk *d);
/* The medium's size changed. */
void disk_resize(struct disk *d, uint64_t nr_sectors);

/*
 * Tear down all I/O but leave the names: the device is dead and nobody will take it away.  Thread
 * context; disk_remove() may follow.
 */
void disk_fail(struct disk *d);

/* Have ops->recover() called soon.  Any context. */
void disk_recover(struct disk *d);

/*
 * Bus addresses for rq->segs[].dma: 0, or -EBUSY when bounce memory is short (return it from
 * queue_request()).  Undone by block_request_done().
 */
__must_check int request_map(struct request *rq);
/* End a request: 0 or -errno.  D2, D3. */
void block_request_done(struct request *rq, int status);
/* What the device calls @tag: NULL unless it is in flight.  Devices are not to be trusted. */
struct request *disk_request_find(struct disk_queue *q, uint32_t tag);

/* No request reaches the driver from its return on until disk_resume(); nests.  Sleeps. */
void disk_quiesce(struct disk *d);
void disk_resume(struct disk *d);
/* The device forgot everything (reset): give all that is in flight to it again.  Quiesced. */
void disk_requeue_started(struct disk *d);
/* Or end all that with @status.  Quiesced, or stopped for good. */
void disk_fail_started(struct disk *d, int status);

/* The first letter name that no disk has to @buf, and its index. */
unsigned int disk_free_index(const char *prefix, char *buf, size_t size);
/* "vd", 27 -> "vdab". */
void disk_letter_name(char *buf, size_t size, const char *prefix, unsigned int index);

#endif
