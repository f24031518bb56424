/* SPDX-License-Identifier: MIT */
/*
 * The device list, the pairing of devices with drivers, and removal.
 *
 * I1  A device is probed, unbound and removed by one thread at a time: under its lock.
 * I2  A device leaves the list with its last reference, not when it is removed: whoever stands on
 *     one with a reference can always go on to the next.
 * I3  State changes only under the lock, and GONE is final.
 *
 * A probe may add child devices (a bus behind a bridge): parent before child is the order of class
 * DRIVER.  A driver that removes its children does so in its own remove(), in the same order.
 */
#include <drivers/device.h>
#include <lib/assert.h>
#include <lib/err.h>

extern const struct driver *const __drivers_start[], *const __drivers_end[];

static struct list devices = LIST_INIT(devices);		/* [R] devices_lock */
static struct spinlock devices_lock = SPINLOCK_INIT(DEVICE_LIST);
static bool deferred_pending;					/* [A] */

void device_ref(struct device *dev)
{
	refcount_inc(&dev->refs);
}

/* The last reference falls under the lock, so that nobody finds the device in the list again. */
void device_put(struct device *dev)
{
	while (dev && !refcount_dec_not_one(&dev->refs)) {
		struct device *parent = dev->parent;
		bool is_last;

		spin_lock(&devices_lock);
		is_last = refcount_dec_and_test(&dev->refs);
		if (is_last)
			list_del(&dev->node_all);
		spin_unlock(&devices_lock);
		if (!is_last)
			return;
		if (dev->release)
			dev->release(dev);
		dev = parent;
	}
}

/* The first device behind @at that is still counted, with a reference more. */
static struct device *next_counted_locked(struct list *at)
{
	for (at = at->next; at != &devices; at = at->next) {
		struct device *dev = container_of(at, struct device, node_all);

		if (refcount_inc_not_zero(&dev->refs))
			return dev;
	}
	return NULL;
}

/* I2 keeps @dev linked while we hold it. */
static struct device *next_any(struct device *dev)
{
	struct device *next;

	spin_lock(&devices_lock);
	next = next_counted_locked(dev ? &dev->node_all : &devices);
	spin_unlock(&devices_lock);
	if (dev)
		device_put(dev);
	return next;
}

struct device *device_next(struct device *dev)
{
	do
		dev = next_any(dev);
	while (dev && device_is_gone(dev));
	return dev;
}

static void set_state_locked(struct device *dev, enum device_state state)
{
	ASSERT(dev->state != DEVICE_GONE);
	__atomic_store_n(&dev->state, state, __ATOMIC_RELEASE);
}

const struct bus *driver_bus(const struct driver *drv)
{
	return drv->bus ? drv->bus : &platform_bus;
}

const struct driver *device_driver_at(unsigned int index)
{
	return index < (size_t)(__drivers_end - __drivers_start) ? __drivers_start[index] : NULL;
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
	const struct bus *bus = driver_bus(drv);
	int err;

	if (bus != dev->bus)
		return false;
	dev->id = bus->match(dev, drv->ids);
	if (!dev->id)
		return false;
	dev->driver = drv;
	err = enable_and_probe(dev, drv);
	if (!err) {
		set_state_locked(dev, DEVICE_BOUND);
		return true;
	}
	dev->driver = NULL;
	dev->priv = NULL;
	if (err == -EPROBE_DEFER) {
		set_state_locked(dev, DEVICE_DEFERRED);
		__atomic_store_n(&deferred_pending, true, __ATOMIC_RELEASE);
		return true;
	}
	if (err != -ENODEV)
		dev_err(dev, "driver %s: error %d", drv->name, err);
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
	set_state_locked(dev, DEVICE_NEW);
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
		for (struct device *d = device_next(NULL); d; d = device_next(d))
			if (d->state == DEVICE_DEFERRED)
				progress |= device_probe(d);
	}
}

void device_add(struct device *dev)
{
	mutex_init(&dev->lock, DRIVER);
	refcount_set(&dev->refs, 1);
	dev->state = DEVICE_NEW;
	if (dev->parent)
		device_ref(dev->parent);
	if (!dev->dma.mask) {
		dev->dma.mask = dev->parent ? dev->parent->dma.mask : 0xffffffff;
		dev->dma.is_noncoherent |= dev->parent && dev->parent->dma.is_noncoherent;
		dev->dma.ops = dev->dma.ops ? dev->dma.ops :
			       dev->parent ? dev->parent->dma.ops : NULL;
	}
	spin_lock(&devices_lock);
	list_add_tail(&dev->node_all, &devices);
	spin_unlock(&devices_lock);
	/*
	 * Inside a probe the parent is not bound yet; whoever waits is asked again at the end of
	 * boot's enumeration.
	 */
	if (dev->bus && device_probe(dev) && !dev->parent)
		device_probe_deferred();
}

/* Take the driver off.  Lock held. */
static void unbind_locked(struct device *dev)
{
	if (dev->driver->remove)
		dev->driver->remove(dev);
	if (dev->bus->disable)
		dev->bus->disable(dev);
	dev->driver = NULL;
	dev->priv = NULL;
}

bool device_is_below(const struct device *child, const struct device *dev)
{
	for (child = child->parent; child; child = child->parent)
		if (child == dev)
			return true;
	return false;
}

/* A driver's remove() takes its own children along; these are what a bus or nobody looks after. */
static struct device *last_child(struct device *dev)
{
	struct device *found = NULL;

	for (struct device *d = device_next(NULL); d; d = device_next(d)) {
		if (d->parent != dev)
			continue;
		if (found)
			device_put(found);
		found = d;
		device_ref(found);
	}
	return found;
}

/*
 * Depth is that of the device tree, which bus numbers bound.  The lock is taken after the state
 * changed hands, so that two removers do not both go on.
 */
void device_remove(struct device *dev)
{
	struct device *child;
	bool was_bound;

	mutex_lock(&dev->lock);
	if (dev->state == DEVICE_GONE) {
		mutex_unlock(&dev->lock);
		return;
	}
	was_bound = dev->state == DEVICE_BOUND;
	set_state_locked(dev, DEVICE_GONE);
	if (was_bound)
		unbind_locked(dev);
	mutex_unlock(&dev->lock);
	while ((child = last_child(dev))) {
		device_remove(child);
		device_put(child);
	}
	device_put(dev);
}

int device_unbind(struct device *dev)
{
	int err = -ENODEV;

	mutex_lock(&dev->lock);
	if (dev->state == DEVICE_BOUND) {
		unbind_locked(dev);
		set_state_locked(dev, DEVICE_NEW);
		err = 0;
	}
	mutex_unlock(&dev->lock);
	return err;
}

int device_rebind(struct device *dev)
{
	if (!dev->bus || !device_probe(dev))
		return -ENODEV;
	device_probe_deferred();
	return 0;
}

/* The last device found goes first: children before parents. */
void device_shutdown_all(void)
{
	struct device *last;

	do {
		last = NULL;
		for (struct device *d = device_next(NULL); d; d = device_next(d)) {
			if (d->state != DEVICE_BOUND)
				continue;
			if (last)
				device_put(last);
			last = d;
			device_ref(last);
		}
		if (last) {
			device_remove(last);
			device_put(last);
		}
	} while (last);
}

void device_for_each(void (*fn)(struct device *dev, void *ctx), void *ctx)
{
	for (struct device *d = device_next(NULL); d; d = device_next(d))
		fn(d, ctx);
}
