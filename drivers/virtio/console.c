/* SPDX-License-Identifier: MIT */
/*
 * Virtio console (virtio 1.2, 5.3), one port: the terminals hvc0, hvc1, ...
 *
 * Output goes into a ring under the tty's lock and from there, a buffer at a time, to the device;
 * input comes in fixed pieces of one page, which a worker hands to the line discipline and gives
 * back when they were taken, so a reader that stops holds the host up and loses nothing.
 *
 * A terminal that lost its device hangs up and stays, deaf and mute, for those who have it open;
 * a device that comes back is a new terminal.
 */
#include <drivers/tty.h>
#include <drivers/virtio.h>
#include <kernel/sched.h>
#include <kernel/thread.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/ringbuf.h>
#include <mm/slab.h>
#include <uapi/major.h>

#define F_SIZE		VIRTIO_FEATURE(0)
#define OUT_BYTES	4096u
#define IN_PIECES	4u
#define IN_BYTES	1024u

enum { QUEUE_IN, QUEUE_OUT };

struct piece {
	dma_addr_t addr;		/* [I] */
	uint8_t *data;			/* [I] */
	uint32_t len, taken;		/* the worker's */
};

struct hvc {
	struct tty tty;
	char name[TTY_NAME_MAX];
	struct virtio_device *vd;	/* [I] alive until is_gone */
	struct spinlock lock;		/* class DEVICE: queues, is_sending, tx's reading end */
	struct ringbuf tx;		/* filled under tty.lock, emptied under lock */
	uint8_t *tx_ring;		/* [I] */
	uint8_t *out;			/* [L] what the device is sending */
	dma_addr_t out_addr;		/* [I] */
	bool is_sending;		/* [L] */
	bool is_gone;			/* [L] the device is: queues are not touched any more */
	bool want_room;			/* [A] a writer waits */
	bool has_input, has_room;	/* [A] for the worker */
	struct waitq wait;		/* the worker's */
	struct completion ended;	/* the worker's end */
	uint8_t *in;			/* [I] IN_PIECES times IN_BYTES */
	struct piece pieces[IN_PIECES];
	struct piece *current;		/* the worker's: not all taken yet */
};

static struct hvc *hvc_of(struct tty *tty)
{
	return container_of(tty, struct hvc, tty);
}

static void send_locked(struct hvc *h)
{
	struct virtq_piece piece = { .addr = h->out_addr };

	if (h->is_sending || h->is_gone || h->tty.stopped)
		return;
	piece.len = (uint32_t)ringbuf_read(&h->tx, h->out, OUT_BYTES);
	if (!piece.len)
		return;
	dma_sync_for_device(&h->vd->dev, h->out_addr, piece.len, DMA_TO_DEVICE);
	h->is_sending = !virtq_add(virtio_queue(h->vd, QUEUE_OUT), &piece, 1, 0, h);
	virtq_kick(virtio_queue(h->vd, QUEUE_OUT));
}

static void hvc_start(struct tty *tty)
{
	struct hvc *h = hvc_of(tty);
	unsigned long flags = spin_lock_irqsave(&h->lock);

	send_locked(h);
	spin_unlock_irqrestore(&h->lock, flags);
}

/* Without a device output goes nowhere, as into a line that was cut. */
static size_t hvc_write(struct tty *tty, const uint8_t *buf, size_t len)
{
	struct hvc *h = hvc_of(tty);
	size_t n = __atomic_load_n(&h->is_gone, __ATOMIC_RELAXED) ? len :
		   ringbuf_write(&h->tx, buf, len);

	if (n < len)
		__atomic_store_n(&h->want_room, true, __ATOMIC_RELAXED);
	return n;
}

static size_t hvc_write_room(struct tty *tty)
{
	struct hvc *h = hvc_of(tty);
	size_t room = ringbuf_free(&h->tx);

	if (room < 256)
		__atomic_store_n(&h->want_room, true, __ATOMIC_RELAXED);
	return room;
}

static size_t hvc_chars_in_buffer(struct tty *tty)
{
	struct hvc *h = hvc_of(tty);
	size_t n = ringbuf_used(&h->tx);

	if (n)
		__atomic_store_n(&h->want_room, true, __ATOMIC_RELAXED);
	return n;
}

static void hvc_flush_output(struct tty *tty)
{
	struct hvc *h = hvc_of(tty);
	unsigned long flags = spin_lock_irqsave(&h->lock);

	ringbuf_clear(&h->tx);
	spin_unlock_irqrestore(&h->lock, flags);
}

static void raise(struct hvc *h, bool *event)
{
	__atomic_store_n(event, true, __ATOMIC_RELEASE);
	waitq_wake(&h->wait, 0);
}

static void hvc_unthrottle(struct tty *tty)
{
	raise(hvc_of(tty), &hvc_of(tty)->has_input);
}

static int hvc_open(struct tty *tty)
{
	return __atomic_load_n(&hvc_of(tty)->is_gone, __ATOMIC_RELAXED) ? -ENODEV : 0;
}

static void hvc_close(struct tty *tty)
{
}

static const struct tty_ops hvc_tty_ops = {
	.open = hvc_open, .close = hvc_close, .write = hvc_write, .write_room = hvc_write_room,
	.chars_in_buffer = hvc_chars_in_buffer, .flush_output = hvc_flush_output,
	.start = hvc_start, .unthrottle = hvc_unthrottle,
};

static void out_done(struct virtq *q)
{
	struct hvc *h = q->ctx;
	unsigned long flags = spin_lock_irqsave(&h->lock);
	bool room;

	while (virtq_pop(q, NULL))
		h->is_sending = false;
	send_locked(h);
	spin_unlock_irqrestore(&h->lock, flags);
	room = __atomic_exchange_n(&h->want_room, false, __ATOMIC_RELAXED);
	if (room)
		raise(h, &h->has_room);
}

static void in_done(struct virtq *q)
{
	struct hvc *h = q->ctx;

	raise(h, &h->has_input);
}

static void lend_piece(struct hvc *h, struct piece *p)
{
	struct virtq_piece piece = { p->addr, IN_BYTES };
	unsigned long flags = spin_lock_irqsave(&h->lock);

	if (!h->is_gone) {
		dma_sync_for_device(&h->vd->dev, p->addr, IN_BYTES, DMA_FROM_DEVICE);
		/* There are as many entries as pieces: it fails only on a broken device. */
		(void)!virtq_add(virtio_queue(h->vd, QUEUE_IN), &piece, 0, 1, p);
		virtq_kick(virtio_queue(h->vd, QUEUE_IN));
	}
	spin_unlock_irqrestore(&h->lock, flags);
}

static struct piece *next_piece(struct hvc *h)
{
	unsigned long flags = spin_lock_irqsave(&h->lock);
	struct piece *p = NULL;
	uint32_t len = 0;

	if (!h->is_gone)
		p = virtq_pop(virtio_queue(h->vd, QUEUE_IN), &len);
	if (p) {
		p->len = len;
		p->taken = 0;
		dma_sync_for_cpu(&h->vd->dev, p->addr, IN_BYTES, DMA_FROM_DEVICE);
	}
	spin_unlock_irqrestore(&h->lock, flags);
	return p;
}

/* Hand over what came; what the line discipline does not take waits for unthrottle(). */
static void receive(struct hvc *h)
{
	for (;;) {
		struct piece *p = h->current ? h->current : next_piece(h);

		h->current = p;
		if (!p)
			return;
		p->taken += (uint32_t)tty_receive(&h->tty, p->data + p->taken, NULL,
						  p->len - p->taken);
		if (p->taken < p->len)
			return;
		h->current = NULL;
		lend_piece(h, p);
	}
}

static bool is_due(struct hvc *h)
{
	return __atomic_load_n(&h->has_input, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&h->has_room, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&h->is_gone, __ATOMIC_ACQUIRE);
}

static void worker(void *arg)
{
	struct hvc *h = arg;

	while (!__atomic_load_n(&h->is_gone, __ATOMIC_ACQUIRE)) {
		wait_event(&h->wait, is_due(h));
		if (__atomic_exchange_n(&h->has_input, false, __ATOMIC_ACQ_REL))
			receive(h);
		if (__atomic_exchange_n(&h->has_room, false, __ATOMIC_ACQ_REL))
			tty_write_wakeup(&h->tty);
	}
	completion_signal(&h->ended);
}

/* Memory and mappings that live as long as the terminal, which is for ever. */
static int buffers_alloc(struct hvc *h)
{
	struct device *dev = &h->vd->dev;
	int err;

	h->tx_ring = kmalloc(OUT_BYTES, ALLOC_NORMAL);
	h->out = kmalloc(OUT_BYTES, ALLOC_NORMAL);
	h->in = kmalloc(IN_PIECES * IN_BYTES, ALLOC_NORMAL);
	if (!h->tx_ring || !h->out || !h->in)
		return -ENOMEM;
	ringbuf_init(&h->tx, h->tx_ring, OUT_BYTES);
	err = dma_map(dev, h->out, OUT_BYTES, DMA_TO_DEVICE, &h->out_addr);
	for (unsigned int i = 0; i < IN_PIECES && !err; i++) {
		h->pieces[i].data = h->in + i * IN_BYTES;
		err = dma_map(dev, h->pieces[i].data, IN_BYTES, DMA_FROM_DEVICE,
			      &h->pieces[i].addr);
	}
	return err;
}

static void buffers_free(struct hvc *h)
{
	kfree(h->tx_ring);
	kfree(h->out);
	kfree(h->in);
}

static int setup(struct hvc *h)
{
	struct virtq_spec specs[2] = {
		{ .name = "virtio-console-in", .done = in_done, .ctx = h, .size_max = IN_PIECES,
		  .cpu = VIRTQ_CPU_ANY },
		{ .name = "virtio-console-out", .done = out_done, .ctx = h, .size_max = 4,
		  .cpu = VIRTQ_CPU_ANY },
	};
	int err = virtio_negotiate(h->vd, F_SIZE);

	err = err ? err : virtio_queues_create(h->vd, specs, 2);
	err = err ? err : buffers_alloc(h);
	return err ? err : virtio_start(h->vd);
}

static void add_terminal(struct hvc *h)
{
	const char *options;
	struct thread *t;

	if (virtio_has_feature(h->vd, 0)) {
		h->tty.winsize.ws_col = virtio_config_read16(h->vd, 0);
		h->tty.winsize.ws_row = virtio_config_read16(h->vd, 2);
	}
	t = kthread_create(worker, h, h->name);
	if (IS_ERR(t))
		completion_signal(&h->ended);	/* output works, input does not */
	for (unsigned int i = 0; i < IN_PIECES; i++)
		lend_piece(h, &h->pieces[i]);
	if (tty_is_console_arg(h->name, &options))
		tty_set_console(&h->tty);
}

static int hvc_probe(struct device *dev)
{
	static uint32_t next_number;	/* [A] */
	struct hvc *h = kzalloc(sizeof(*h), ALLOC_NORMAL);
	uint32_t number;
	int err;

	if (!h)
		return -ENOMEM;
	h->vd = virtio_device_of(dev);
	spinlock_init(&h->lock, DEVICE);
	waitq_init(&h->wait);
	completion_init(&h->ended);
	err = setup(h);
	number = err ? 0 : __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
	snprintf(h->name, sizeof(h->name), "hvc%u", number);
	err = err ? err : tty_init(&h->tty, &hvc_tty_ops, h->name,
				   DEV_MAKE(VIRTIO_CONSOLE_MAJOR, number));
	err = err ? err : tty_register(&h->tty, 0);
	if (err) {
		virtio_reset(h->vd);
		buffers_free(h);
		kfree(h);
		return err;
	}
	dev->priv = h;
	add_terminal(h);
	dev_info(dev, "is %s", h->name);
	return 0;
}

static void hvc_remove(struct device *dev)
{
	struct hvc *h = dev->priv;
	unsigned long flags;

	virtio_reset(h->vd);
	flags = spin_lock_irqsave(&h->lock);
	__atomic_store_n(&h->is_gone, true, __ATOMIC_RELEASE);
	while (virtq_take_unused(virtio_queue(h->vd, QUEUE_IN)))
		;
	while (virtq_take_unused(virtio_queue(h->vd, QUEUE_OUT)))
		;
	spin_unlock_irqrestore(&h->lock, flags);
	waitq_wake(&h->wait, 0);
	completion_wait(&h->ended);
	for (unsigned int i = 0; i < IN_PIECES; i++)
		dma_unmap(dev, h->pieces[i].addr, IN_BYTES, DMA_FROM_DEVICE);
	dma_unmap(dev, h->out_addr, OUT_BYTES, DMA_TO_DEVICE);
	tty_hangup(&h->tty);
}

static const struct device_id hvc_ids[] = {
	{ .device = VIRTIO_ID_CONSOLE },
	{ 0 },
};

DRIVER(virtio_console) = {
	.name	= "virtio_console",
	.bus	= &virtio_bus,
	.ids	= hvc_ids,
	.probe	= hvc_probe,
	.remove	= hvc_remove,
};
