/* SPDX-License-Identifier: MIT */
/* NVM Express 1.4: registers, commands, and what the driver's files share. */
#ifndef DRIVERS_NVME_NVME_H
#define DRIVERS_NVME_NVME_H

#include <drivers/disk.h>
#include <drivers/device.h>
#include <drivers/dma.h>
#include <kernel/mutex.h>
#include <lib/endian.h>

enum nvme_reg {				/* 3.1 */
	NVME_CAP	= 0x00,		/* 64 bits */
	NVME_CC		= 0x14,
	NVME_CSTS	= 0x1c,
	NVME_AQA	= 0x24,
	NVME_ASQ	= 0x28,		/* 64 bits */
	NVME_ACQ	= 0x30,		/* 64 bits */
	NVME_DOORBELLS	= 0x1000,
};

#define CAP_ENTRIES(cap)	((uint32_t)((cap) & 0xffff) + 1)
#define CAP_TIMEOUT_NS(cap)	((int64_t)((cap) >> 24 & 0xff) * 500 * NSEC_PER_MSEC)
#define CAP_STRIDE(cap)		(4u << ((cap) >> 32 & 0xf))
#define CAP_PAGE_MIN(cap)	((cap) >> 48 & 0xf)

#define CC_ENABLE		(1u << 0)
#define CC_ENTRY_SIZES		(6u << 16 | 4u << 20)	/* 64 and 16 bytes; pages of 4 KiB */
#define CC_SHUTDOWN_NORMAL	(1u << 14)
#define CSTS_READY		(1u << 0)
#define CSTS_FATAL		(1u << 1)
#define CSTS_SHUTDOWN_MASK	(3u << 2)
#define CSTS_SHUTDOWN_DONE	(2u << 2)
#define CSTS_NOBODY		0xffffffffu		/* the device was pulled out */

enum nvme_admin_op { ADMIN_CREATE_SQ = 0x01, ADMIN_CREATE_CQ = 0x05, ADMIN_IDENTIFY = 0x06,
		     ADMIN_ABORT = 0x08, ADMIN_SET_FEATURES = 0x09 };
enum nvme_io_op { IO_FLUSH = 0x00, IO_WRITE = 0x01, IO_READ = 0x02, IO_WRITE_ZEROES = 0x08,
		  IO_DATASET = 0x09 };
enum nvme_identify { IDENTIFY_NAMESPACE = 0, IDENTIFY_CONTROLLER = 1, IDENTIFY_LIST = 2 };
#define FEATURE_QUEUES		0x07
#define QUEUE_CONTIGUOUS	(1u << 0)
#define QUEUE_INTERRUPTS	(1u << 1)
#define RW_FUA			(1u << 30)
#define DATASET_DEALLOCATE	(1u << 2)

struct nvme_command {
	le32_t head;			/* operation, command number << 16 */
	le32_t nsid;
	le32_t reserved[4];
	le64_t prp1, prp2;
	le32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "a command is 64 bytes");

struct nvme_completion {
	le32_t result, reserved, queue, status;	/* status: command number, phase << 16, ... */
};

#define NVME_DEPTH	64u		/* of one namespace's queue */
#define NVME_LIST	64u		/* entries of a request's PRP list: 260 KiB at most */
#define NVME_PAGE	4096u

/* Memory of a request that the device reads. */
struct nvme_slot {
	le64_t list[NVME_LIST];		/* PRP list, or a dataset range */
};

/* The driver's part of a request. */
struct nvme_request {
	bool issued;			/* [R] queue lock: the device has it */
	bool aborted;			/* an Abort was sent */
	uint16_t status;		/* what the device said */
};

struct nvme;

struct nvme_queue {
	struct spinlock lock;		/* class DEVICE */
	struct nvme *ctrl;		/* [I] */
	unsigned int id;		/* [I] 0: admin */
	unsigned int vector;		/* [I] */
	uint32_t entries;		/* [I] */
	struct nvme_command *sq;	/* [L] */
	const volatile struct nvme_completion *cq;
	dma_addr_t sq_dma, cq_dma;	/* [I] */
	uint32_t tail, head;		/* [L] next command, next completion */
	uint32_t in_flight;		/* [L] */
	uint32_t rung;			/* [L] tail that the device was told */
	uint32_t phase;			/* [L] of completions that are new */
	bool is_live;			/* [L] */
};

struct nvme_ns {
	struct nvme *ctrl;		/* [I] */
	uint32_t nsid;			/* [I] */
	unsigned int index;		/* [I] in ctrl->ns */
	unsigned int block_shift;	/* [I] 9 ... 12 */
	struct disk *disk;		/* [I] */
	struct nvme_slot **slots;	/* [I] by queue: an array by tag */
	dma_addr_t *slots_dma;		/* [I] */
};

struct nvme_vector {
	struct nvme *ctrl;
	unsigned int index;
	int irq;			/* negative: not requested */
};

/* One controller. */
struct nvme {
	struct device *dev;		/* [I] */
	struct mmio regs;		/* [I] */
	uint64_t cap;			/* [I] */
	unsigned int number;		/* [I] of its name */
	struct mutex lock;		/* class DISK_CONTROL: admin commands, reset */
	bool is_enabled;		/* [L] */
	bool is_dead;			/* [A] */
	unsigned int nr_vectors, nr_queues;	/* [I] queues without the admin one */
	unsigned int nr_made;		/* [I] queues that have memory, with it */
	struct nvme_vector *vectors;	/* [I] */
	struct nvme_queue *queues;	/* [I] nr_queues + 1 */
	/* The admin command in flight; there is one at a time. */
	uint16_t admin_number;		/* [L] */
	struct waitq admin_wait;
	uint32_t admin_done;		/* [A] number | 1 << 16 once it is answered */
	uint32_t admin_status, admin_result;
	void *buffer;			/* [L] a page for Identify */
	dma_addr_t buffer_dma;
	uint32_t max_sectors;		/* [I] */
	bool has_cache, has_dataset, has_zeroes;	/* [I] */
	char serial[21], model[41];	/* [I] */
	struct nvme_ns **ns;		/* [I] after probe */
	unsigned int nr_ns;
	refcount_t refs;		/* the device's, and one for each disk */
};

/* queue.c */
__must_check int nvme_queue_create(struct nvme *n, struct nvme_queue *q, unsigned int id,
				   uint32_t entries);
void nvme_queue_destroy(struct nvme_queue *q);
/* Empty, as after a reset of the controller. */
void nvme_queue_reset(struct nvme_queue *q);
/* Room for one more: lock held. */
bool nvme_queue_has_room(const struct nvme_queue *q);
void nvme_queue_put_locked(struct nvme_queue *q, const struct nvme_command *cmd);
void nvme_queue_ring_locked(struct nvme_queue *q);
/* Take what the device completed; any context. */
bool nvme_queue_poll(struct nvme_queue *q);
enum irq_result nvme_interrupt(unsigned int irq, void *vector);

/* admin.c: 0, -EIO, -ETIMEDOUT, -ENODEV; n->lock held. */
__must_check int nvme_admin(struct nvme *n, struct nvme_command *cmd, uint32_t *result);
void nvme_admin_answer(struct nvme *n, uint32_t number, uint32_t status, uint32_t result);
__must_check int nvme_identify(struct nvme *n, enum nvme_identify what, uint32_t nsid);
/* Reset it and bring it up with all queues; n->lock held. */
__must_check int nvme_start(struct nvme *n);
void nvme_disable(struct nvme *n);

/* io.c */
__must_check int nvme_ns_create(struct nvme *n, uint32_t nsid);
void nvme_ns_remove(struct nvme_ns *ns);
void nvme_io_done(struct nvme_queue *q, uint32_t number, uint32_t status, struct list *done);
void nvme_end_requests(struct list *done);
void nvme_put(struct nvme *n);

#endif
