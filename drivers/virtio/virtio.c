/* SPDX-License-Identifier: MIT */
/*
 * The virtio bus: what happens between a transport, which knows how to reach a device, and a
 * driver, which knows what it is for.
 *
 * A device's way (virtio 1.2, 3.1): bus enable() resets it and says ACKNOWLEDGE and DRIVER; the
 * driver negotiates (FEATURES_OK), makes queues, and starts it (DRIVER_OK).  bus disable(), after
 * remove() or a failed probe, resets it and frees the queues: so no path leaves a device with
 * addresses of memory that is free again.
 */
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/bits.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include "internal.h"

#define RESET_TIMEOUT_NS	(1000 * NSEC_PER_MSEC)
#define CONFIG_TRIES		16

#define CORE_FEATURES							\
	(VIRTIO_FEATURE(VIRTIO_F_INDIRECT_DESC) | VIRTIO_FEATURE(VIRTIO_F_EVENT_IDX) |	\
	 VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTIO_FEATURE(VIRTIO_F_ACCESS_PLATFORM) |	\
	 VIRTIO_FEATURE(VIRTIO_F_RING_PACKED) | VIRTIO_FEATURE(VIRTIO_F_ORDER_PLATFORM))

bool virtio_is_broken(struct virtio_device *vd)
{
	if (__atomic_load_n(&vd->is_broken, __ATOMIC_RELAXED) || device_is_gone(&vd->dev))
		return true;
	return vd->transport->status(vd) & VIRTIO_NEEDS_RESET;
}

void virtio_break(struct virtio_device *vd, const char *fmt, ...)
{
	char text[96];
	va_list args;

	if (__atomic_exchange_n(&vd->is_broken, true, __ATOMIC_RELAXED))
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	dev_err(&vd->dev, "gave up: %s", text);
}

/* Status bits only grow; NEEDS_RESET is the device's to set. */
static void add_status(struct virtio_device *vd, uint8_t bits)
{
	vd->transport->set_status(vd, (uint8_t)(vd->transport->status(vd) | bits));
}

uint64_t virtio_offered(struct virtio_device *vd)
{
	return vd->transport->offered(vd);
}

/* Without ACCESS_PLATFORM the device uses physical addresses, whatever its bus could translate. */
static void choose_dma(struct virtio_device *vd)
{
	if (virtio_has_feature(vd, VIRTIO_F_ACCESS_PLATFORM))
		vd->dev.dma = vd->dev.parent->dma;
	else
		vd->dev.dma = (struct device_dma){ .mask = ~0ULL };
}

int virtio_negotiate(struct virtio_device *vd, uint64_t wanted)
{
	vd->features = virtio_offered(vd) & (wanted | CORE_FEATURES);
	if (!virtio_has_feature(vd, VIRTIO_F_VERSION_1)) {
		dev_warn(&vd->dev, "speaks only the old protocol, which is not supported");
		return -ENODEV;
	}
	choose_dma(vd);
	vd->transport->accept(vd, vd->features);
	add_status(vd, VIRTIO_FEATURES_OK);
	if (vd->transport->status(vd) & VIRTIO_FEATURES_OK)
		return 0;
	dev_err(&vd->dev, "refuses features %#lx", vd->features);
	return -ENODEV;
}

/* The widest accesses that alignment allows: 4.2.2.2 and 4.1.3.1 want the fields' own widths. */
static void read_once(struct virtio_device *vd, uint32_t offset, uint8_t *buf, size_t len)
{
	struct mmio m = vd->transport->config(vd);

	while (len) {
		size_t n = offset % 4 == 0 && len >= 4 ? 4 : offset % 2 == 0 && len >= 2 ? 2 : 1;

		if (offset + n > m.size)	/* what is not there reads as 0 */
			memset(buf, 0, n);
		else if (n == 4)
			put_le32(buf, mmio_read32(&m, offset));
		else if (n == 2)
			put_le16(buf, mmio_read16(&m, offset));
		else
			*buf = mmio_read8(&m, offset);
		offset += (uint32_t)n;
		buf += n;
		len -= n;
	}
}

void virtio_config_read(struct virtio_device *vd, uint32_t offset, void *buf, size_t len)
{
	for (unsigned int i = 0; i < CONFIG_TRIES; i++) {
		uint32_t before = vd->transport->generation(vd);

		read_once(vd, offset, buf, len);
		if (vd->transport->generation(vd) == before)
			return;
	}
}

void virtio_config_write(struct virtio_device *vd, uint32_t offset, const void *buf, size_t len)
{
	struct mmio m = vd->transport->config(vd);
	const uint8_t *b = buf;

	while (len) {
		size_t n = offset % 4 == 0 && len >= 4 ? 4 : offset % 2 == 0 && len >= 2 ? 2 : 1;

		if (offset + n > m.size)
			return;
		if (n == 4)
			mmio_write32(&m, offset, get_le32(b));
		else if (n == 2)
			mmio_write16(&m, offset, get_le16(b));
		else
			mmio_write8(&m, offset, *b);
		offset += (uint32_t)n;
		b += n;
		len -= n;
	}
}

#define CONFIG_READ(bits)								\
uint##bits##_t virtio_config_read##bits(struct virtio_device *vd, uint32_t offset)	\
{											\
	uint8_t bytes[bits / 8];							\
											\
	virtio_config_read(vd, offset, bytes, sizeof(bytes));				\
	return get_le##bits(bytes);							\
}
CONFIG_READ(16)
CONFIG_READ(32)
CONFIG_READ(64)

uint8_t virtio_config_read8(struct virtio_device *vd, uint32_t offset)
{
	uint8_t v;

	virtio_config_read(vd, offset, &v, 1);
	return v;
}

static void queues_free(struct virtio_device *vd)
{
	for (unsigned int i = 0; i < vd->nr_queues; i++)
		if (vd->queues[i])
			vd->queues[i]->ops->free(vd->queues[i]);
	kfree(vd->queues);
	vd->queues = NULL;
	vd->nr_queues = 0;
}

static struct virtq *queue_create(struct virtio_device *vd, unsigned int index,
				  const struct virtq_spec *spec)
{
	uint32_t size = vd->transport->queue_max(vd, index);
	struct virtq *q;

	if (!size)
		return ERR_PTR(-ENOENT);
	size = min(size, spec->size_max ? spec->size_max : VIRTQ_SIZE_DEFAULT);
	size = (uint32_t)rounddown_pow2(min(size, 32768u));
	q = virtio_has_feature(vd, VIRTIO_F_RING_PACKED) ? virtq_packed_alloc(vd, size) :
							   virtq_split_alloc(vd, size);
	if (!q)
		return ERR_PTR(-ENOMEM);
	q->name = spec->name;
	q->done = spec->done;
	q->ctx = spec->ctx;
	q->cpu = spec->cpu;
	q->index = index;
	q->irq = -1;
	if (!q->done)
		virtq_irq_disable(q);
	return q;
}

static int queues_create(struct virtio_device *vd, const struct virtq_spec *specs, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		struct virtq *q;

		if (!specs[i].name && !specs[i].done)
			continue;
		q = queue_create(vd, i, &specs[i]);
		if (IS_ERR(q))
			return (int)PTR_ERR(q);
		vd->queues[i] = q;
	}
	return 0;
}

static int queues_open(struct virtio_device *vd)
{
	int err = vd->transport->irqs_open(vd);

	for (unsigned int i = 0; i < vd->nr_queues && !err; i++)
		if (vd->queues[i])
			err = vd->transport->queue_open(vd, vd->queues[i]);
	return err;
}

/* On failure the probe fails, and the bus's disable() takes back what there is. */
int virtio_queues_create(struct virtio_device *vd, const struct virtq_spec *specs, unsigned int nr)
{
	int err;

	if (vd->queues || !nr)
		return -EINVAL;
	vd->queues = kzalloc(nr * sizeof(struct virtq *), ALLOC_NORMAL);
	if (!vd->queues)
		return -ENOMEM;
	vd->nr_queues = nr;
	err = queues_create(vd, specs, nr);
	if (!err)
		err = queues_open(vd);
	if (!err)
		return 0;
	virtio_reset(vd);
	queues_free(vd);
	return err;
}

int virtio_start(struct virtio_device *vd)
{
	add_status(vd, VIRTIO_DRIVER_OK);
	return vd->transport->status(vd) & VIRTIO_NEEDS_RESET ? -EIO : 0;
}

/* 4.1.4.3.2: the device is reset when its status reads 0; one that was pulled out reads 0xff. */
static void reset_and_wait(struct virtio_device *vd)
{
	int64_t deadline = clock_deadline(RESET_TIMEOUT_NS);
	uint8_t status;

	vd->transport->set_status(vd, 0);
	while ((status = vd->transport->status(vd)) && status != 0xff) {
		if (clock_ns() > deadline) {
			virtio_break(vd, "status stays %#x after a reset", status);
			return;
		}
		sleep_ns(NSEC_PER_MSEC);
	}
}

void virtio_reset(struct virtio_device *vd)
{
	reset_and_wait(vd);
	/* No interrupt is sent any more; on return none is being handled. */
	vd->transport->irqs_close(vd);
}

void virtio_config_interrupt(struct virtio_device *vd)
{
	if (vd->transport->status(vd) & VIRTIO_NEEDS_RESET)
		virtio_break(vd, "the device asks for a reset");
	if (vd->config_changed)
		vd->config_changed(vd);
}

static const struct device_id *virtio_match(const struct device *dev, const struct device_id *ids)
{
	const struct virtio_device *vd = container_of(dev, struct virtio_device, dev);

	for (; ids->device; ids++)
		if (ids->device == vd->id || ids->device == DEVICE_ID_ANY)
			return ids;
	return NULL;
}

static int virtio_enable(struct device *dev)
{
	struct virtio_device *vd = virtio_device_of(dev);

	vd->is_broken = false;
	vd->config_changed = NULL;
	vd->features = 0;
	reset_and_wait(vd);
	add_status(vd, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
	return vd->is_broken || vd->transport->status(vd) == 0xff ? -ENODEV : 0;
}

static void virtio_disable(struct device *dev)
{
	struct virtio_device *vd = virtio_device_of(dev);

	virtio_reset(vd);
	queues_free(vd);
	vd->config_changed = NULL;
}

static ssize_type vendor_show(struct device *dev, char *buf, size_t size)
{
	return snprintf(buf, size, "0x%04x\n", virtio_device_of(dev)->vendor);
}

static ssize_type device_show(struct device *dev, char *buf, size_t size)
{
	return snprintf(buf, size, "0x%04x\n", virtio_device_of(dev)->id);
}

static ssize_type status_show(struct device *dev, char *buf, size_t size)
{
	struct virtio_device *vd = virtio_device_of(dev);

	return snprintf(buf, size, "0x%08x\n", vd->transport->status(vd));
}

/* A digit for each bit, the first one first. */
static ssize_type features_show(struct device *dev, char *buf, size_t size)
{
	struct virtio_device *vd = virtio_device_of(dev);
	struct device_text t = { buf, size, 0 };

	for (unsigned int i = 0; i < 64; i++)
		device_text_add(&t, "%u", virtio_has_feature(vd, i));
	device_text_add(&t, "\n");
	return (ssize_type)t.len;
}

static ssize_type modalias_show(struct device *dev, char *buf, size_t size)
{
	struct virtio_device *vd = virtio_device_of(dev);

	return snprintf(buf, size, "virtio:d%08Xv%08X\n", vd->id, vd->vendor);
}

static const struct device_attr virtio_attrs[] = {
	{ .name = "vendor", .show = vendor_show },
	{ .name = "device", .show = device_show },
	{ .name = "status", .show = status_show },
	{ .name = "features", .show = features_show },
	{ .name = "modalias", .show = modalias_show },
	{ 0 },
};

static void virtio_uevent(const struct device *dev, struct device_text *t)
{
	const struct virtio_device *vd = container_of(dev, struct virtio_device, dev);

	device_text_add(t, "MODALIAS=virtio:d%08Xv%08X\n", vd->id, vd->vendor);
}

const struct bus virtio_bus = {
	.name = "virtio",
	.match = virtio_match,
	.enable = virtio_enable,
	.disable = virtio_disable,
	.attrs = virtio_attrs,
	.uevent = virtio_uevent,
};

int virtio_device_add(struct virtio_device *vd, struct device *parent)
{
	static uint32_t next_number;	/* [A] */
	uint32_t number;

	if (!vd->id)			/* a place without a device */
		return -ENODEV;
	number = __atomic_fetch_add(&next_number, 1, __ATOMIC_RELAXED);
	snprintf(vd->name_buf, sizeof(vd->name_buf), "virtio%u", number);
	vd->dev.name = vd->name_buf;
	vd->dev.bus = &virtio_bus;
	vd->dev.parent = parent;
	vd->dev.node = -1;
	vd->dev.dma.mask = ~0ULL;
	device_add(&vd->dev);
	return 0;
}
