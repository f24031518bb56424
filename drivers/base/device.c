/* SPDX-License-Identifier: MIT */
/*
 * The device list and the pairing of devices with drivers.
 *
 * I1  A device is probed by one thread at a time: under its lock.
 * I2  Devices are never freed; a removed one stays in the list as GONE.
 *
 * A probe may add child devices (a bus behind a bridge): parent before child is the order of class
 * DRIVER.
 */
#include <drivers/device.h>
#include <kernel/log.h>
#include <lib/err.h>

extern const struct driver *const __drivers_start[], *const __drivers_end[];

static struct list devices = LIST_INIT(devices);		/* [R] devices_lock; only grows */
static struct spinlock devices_lock = SPINLOCK_INIT(DEVICE_LIST);
static bool deferred_pending;					/* [A] */

/*
 * The device after @dev (NULL: the first).  Entries never leave, so no lock is needed to stand on
 * one.
 */
static struct device *next_device(struct device *dev)
{
	struct list *next;

	spin_lock(&devices_lock);
	next = dev ? dev->node_all.next : devices.next;
	spin_unlock(&devices_lock);
	return next == &devices ? NULL : container_of(next, struct device, node_all);
}

static int enable_and_probe(struct device *dev, const struct driver *drv)
{
	int err = dev->bus->enable ? dev->bus->enable(dev) : 0;

	if (err)
		return err;
	err = drv->probe(dev);
	if (err && dev->bus->disable)
		dev->bus->disable(dev);
	return err;
}

/* One driver's turn; true if @dev needs no other.  Lock held. */
static bool try_driver_locked(struct device *dev, const struct driver *drv)
{
	const struct bus *bus = drv->bus ? drv->bus : &platform_bus;
	int err;

	if (bus != dev->bus)
		return false;
	dev->id = bus->match(dev, drv->ids);
	if (!dev->id)
		return false;
	dev->driver = drv;
	err = enable_and_probe(dev, drv);
	if (!err) {
		dev->state = DEVICE_BOUND;
		return true;
	}
	dev->driver = NULL;
	dev->priv = NULL;
	if (err == -EPROBE_DEFER) {
		dev->state = DEVICE_DEFERRED;
		__atomic_store_n(&deferred_pending, true, __ATOMIC_RELEASE);
		return true;
	}
	if (err != -ENODEV)
		log_err("%s: driver %s: error %d", dev->name, drv->name, err);
	return false;
}

/* True: a driver took it just now. */
static bool device_probe(struct device *dev)
{
	bool bound;

	mutex_lock(&dev->lock);
	if (dev->state == DEVICE_BOUND || dev->state == DEVICE_GONE) {
		mutex_unlock(&dev->lock);
		return false;
	}
	dev->state = DEVICE_NEW;
	for (const struct driver *const *d = __drivers_start; d < __drivers_end; d++)
		if (try_driver_locked(dev, *d))
			break;
	bound = dev->state == DEVICE_BOUND;
	mutex_unlock(&dev->lock);
	return bound;
}

void device_probe_deferred(void)
{
	bool progress = true;

	while (progress && __atomic_exchange_n(&deferred_pending, false, __ATOMIC_ACQ_REL)) {
		progress = false;
		for (struct device *d = next_device(NULL); d; d = next_device(d))
			if (d->state == DEVICE_DEFERRED)
				progress |= device_probe(d);
	}
}

void device_add(struct device *dev)
{
	mutex_init(&dev->lock, DRIVER);
	dev->state = DEVICE_NEW;
	spin_lock(&devices_lock);
	list_add_tail(&dev->node_all, &devices);
	spin_unlock(&devices_lock);
	/*
	 * Inside a probe the parent is not bound yet; whoever waits is asked again at the end of
	 * boot's enumeration.
	 */
	if (device_probe(dev) && !dev->parent)
		device_probe_deferred();
}

void device_remove(struct device *dev)
{
	mutex_lock(&dev->lock);
	if (dev->state == DEVICE_BOUND) {
		if (dev->driver->remove)
			dev->driver->remove(dev);
		if (dev->bus->disable)
			dev->bus->disable(dev);
	}
	dev->driver = NULL;
	dev->state = DEVICE_GONE;
	mutex_unlock(&dev->lock);
}

void device_shutdown_all(void)
{
	for (struct device *d = next_device(NULL); d; d = next_device(d))
		device_remove(d);
}

void device_for_each(void (*fn)(struct device *dev, void *ctx), void *ctx)
{
	for (struct device *d = next_device(NULL); d; d = next_device(d))
		fn(d, ctx);
}

int device_mmio(struct device *dev, unsigned int index, uint64_t min_size, struct mmio *out)
{
	struct mmio m;
	int err = dev->bus->mmio(dev, index, &m);

	if (err)
		return err;
	if (m.size < min_size)
		return -EINVAL;
	*out = m;
	return 0;
}

int device_irq(struct device *dev, unsigned int index)
{
	return dev->bus->irq(dev, index);
}

bool device_property_u32(const struct device *dev, const char *name, uint32_t *value)
{
	return dev->bus->property_u32 && dev->bus->property_u32(dev, name, value);
}

const char *device_property_string(const struct device *dev, const char *name)
{
	return dev->bus->property_string ? dev->bus->property_string(dev, name) : NULL;
}
