/* SPDX-License-Identifier: MIT */
/*
 * What directories hold, asked of the device model each time: nothing is built before somebody
 * looks, and nothing has to be taken down.
 *
 * The shape is Linux's: a device's directory lies in its parent's; a class device whose parent is
 * of no class lies in a directory named after the class; /sys/bus and /sys/class hold links.
 */
#include <lib/printf.h>
#include <lib/string.h>
#include <uapi/limits.h>

#include "sysfs.h"

/* Visit the devices that fit; true: stop. */
typedef bool (*fits_fn)(const struct device *dev, const struct sys_entry *dir);

static bool emit(struct sys_visit *v, enum sys_kind kind, struct device *dev, const void *object,
		 const char *name)
{
	return v->emit(v, &(struct sys_entry){ kind, dev, object, name });
}

static bool emit_devices(struct sys_visit *v, const struct sys_entry *dir, enum sys_kind as,
			 fits_fn fits)
{
	for (struct device *d = device_next(NULL); d; d = device_next(d))
		if (fits(d, dir) && emit(v, as, d, NULL, d->name)) {
			device_put(d);
			return true;
		}
	return false;
}

static bool is_root(const struct device *d, const struct sys_entry *dir)
{
	return !d->parent && d->bus != &platform_bus;
}

static bool is_platform_root(const struct device *d, const struct sys_entry *dir)
{
	return !d->parent && d->bus == &platform_bus;
}

/* Does @d lie in a directory named after its class? */
static bool has_glue(const struct device *d)
{
	return d->class && d->parent && !d->parent->class;
}

static bool is_direct_child(const struct device *d, const struct sys_entry *dir)
{
	return d->parent == dir->dev && !has_glue(d);
}

static bool is_glued(const struct device *d, const struct sys_entry *dir)
{
	return d->parent == dir->dev && d->class == dir->object && has_glue(d);
}

static bool is_on_bus(const struct device *d, const struct sys_entry *dir)
{
	return d->bus == dir->object;
}

static bool is_of_class(const struct device *d, const struct sys_entry *dir)
{
	return d->class == dir->object;
}

static bool is_driven(const struct device *d, const struct sys_entry *dir)
{
	return d->driver == dir->object && d->state == DEVICE_BOUND;
}

static bool is_disk_class(const struct device *d)
{
	return d->class && str_eq(d->class->name, "block");
}

static bool is_whole_disk(const struct device *d, const struct sys_entry *dir)
{
	return is_disk_class(d) && !(d->parent && is_disk_class(d->parent));
}

/* Is @d the first device of its class (among children of @parent, if given)? */
static bool is_first_of_class(const struct device *d, const struct device *parent)
{
	for (struct device *e = device_next(NULL); e; e = device_next(e)) {
		bool found = e->class == d->class &&
			(!parent || (e->parent == parent && has_glue(e)));

		if (!found)
			continue;
		device_put(e);
		return e == d;
	}
	return false;
}

static bool emit_glue(struct sys_visit *v, struct device *parent)
{
	for (struct device *d = device_next(NULL); d; d = device_next(d))
		if (d->parent == parent && has_glue(d) && is_first_of_class(d, parent) &&
		    emit(v, SYS_GLUE, parent, d->class, d->class->name)) {
			device_put(d);
			return true;
		}
	return false;
}

static bool emit_attrs(struct sys_visit *v, struct device *dev, const struct device_attr *a)
{
	for (; a && a->name; a++)
		if ((!a->is_present || a->is_present(dev)) &&
		    emit(v, SYS_ATTR, dev, a, a->name))
			return true;
	return false;
}

static void visit_device(const struct sys_entry *dir, struct sys_visit *v)
{
	struct device *dev = dir->dev;

	if (emit(v, SYS_UEVENT, dev, NULL, "uevent"))
		return;
	if (dev->devnum && emit(v, SYS_DEVNUM, dev, NULL, "dev"))
		return;
	if ((dev->bus || dev->class) && emit(v, SYS_LINK_SUBSYSTEM, dev, NULL, "subsystem"))
		return;
	if (dev->state == DEVICE_BOUND && emit(v, SYS_LINK_DRIVER, dev, NULL, "driver"))
		return;
	if (dev->class && dev->parent && !dev->parent->class &&
	    emit(v, SYS_LINK_DEVICE, dev->parent, NULL, "device"))
		return;
	if (emit_attrs(v, dev, dev->bus ? dev->bus->attrs : NULL) ||
	    emit_attrs(v, dev, dev->class ? dev->class->attrs : NULL) ||
	    emit_attrs(v, dev, dev->attrs))
		return;
	if (!emit_devices(v, dir, SYS_DEVICE, is_direct_child))
		(void)emit_glue(v, dev);
}

/* All buses: those of the drivers, each once. */
static bool emit_buses(struct sys_visit *v)
{
	const struct driver *drv;

	for (unsigned int i = 0; (drv = device_driver_at(i)); i++) {
		unsigned int j = 0;

		while (driver_bus(device_driver_at(j)) != driver_bus(drv))
			j++;
		if (j == i && emit(v, SYS_BUS, NULL, driver_bus(drv), driver_bus(drv)->name))
			return true;
	}
	return false;
}

static bool emit_drivers(struct sys_visit *v, const struct bus *bus)
{
	const struct driver *drv;

	for (unsigned int i = 0; (drv = device_driver_at(i)); i++)
		if (driver_bus(drv) == bus && emit(v, SYS_DRIVER, NULL, drv, drv->name))
			return true;
	return false;
}

static bool emit_classes(struct sys_visit *v)
{
	for (struct device *d = device_next(NULL); d; d = device_next(d))
		if (d->class && is_first_of_class(d, NULL) &&
		    emit(v, SYS_CLASS, NULL, d->class, d->class->name)) {
			device_put(d);
			return true;
		}
	return false;
}

/* Links by number, MAJOR:MINOR. */
static bool emit_numbers(struct sys_visit *v, bool disks)
{
	char name[24];

	for (struct device *d = device_next(NULL); d; d = device_next(d)) {
		if (!d->devnum || is_disk_class(d) != disks)
			continue;
		snprintf(name, sizeof(name), "%u:%u", DEV_MAJOR(d->devnum), DEV_MINOR(d->devnum));
		if (emit(v, SYS_LINK_DEVICE, d, NULL, name)) {
			device_put(d);
			return true;
		}
	}
	return false;
}

static void visit_node(const struct sys_entry *dir, struct sys_visit *v)
{
	const struct sys_node *at = dir->object, *n;

	for (n = __atomic_load_n(&at->children, __ATOMIC_ACQUIRE); n;
	     n = __atomic_load_n(&n->next, __ATOMIC_ACQUIRE)) {
		char name[NAME_LEN_MAX + 1];

		str_copy_cut(name, n->name, n->len < NAME_LEN_MAX ? n->len + 1 : sizeof(name));
		if (emit(v, n->show ? SYS_NODE_FILE : SYS_NODE_DIR, NULL, n, name))
			return;
	}
	switch (at->extra) {
	case SYS_PLAIN:
		return;
	case SYS_ROOT_DEVICES:
		(void)emit_devices(v, dir, SYS_DEVICE, is_root);
		return;
	case SYS_PLATFORM_DEVICES:
		(void)emit_devices(v, dir, SYS_DEVICE, is_platform_root);
		return;
	case SYS_ALL_BUSES:
		(void)emit_buses(v);
		return;
	case SYS_ALL_CLASSES:
		(void)emit_classes(v);
		return;
	case SYS_WHOLE_DISKS:
		(void)emit_devices(v, dir, SYS_LINK_DEVICE, is_whole_disk);
		return;
	case SYS_CHAR_NUMBERS:
		(void)emit_numbers(v, false);
		return;
	case SYS_BLOCK_NUMBERS:
		(void)emit_numbers(v, true);
		return;
	}
}

void sys_visit_dir(const struct sys_entry *dir, struct sys_visit *v)
{
	switch (dir->kind) {
	case SYS_NODE_DIR:
		visit_node(dir, v);
		return;
	case SYS_DEVICE:
		visit_device(dir, v);
		return;
	case SYS_GLUE:
		(void)emit_devices(v, dir, SYS_DEVICE, is_glued);
		return;
	case SYS_BUS:
		if (!emit(v, SYS_BUS_DEVICES, NULL, dir->object, "devices"))
			(void)emit(v, SYS_BUS_DRIVERS, NULL, dir->object, "drivers");
		return;
	case SYS_BUS_DEVICES:
		(void)emit_devices(v, dir, SYS_LINK_DEVICE, is_on_bus);
		return;
	case SYS_BUS_DRIVERS:
		(void)emit_drivers(v, dir->object);
		return;
	case SYS_DRIVER:
		if (!emit(v, SYS_BIND, NULL, dir->object, "bind") &&
		    !emit(v, SYS_UNBIND, NULL, dir->object, "unbind"))
			(void)emit_devices(v, dir, SYS_LINK_DEVICE, is_driven);
		return;
	case SYS_CLASS:
		(void)emit_devices(v, dir, SYS_LINK_DEVICE, is_of_class);
		return;
	default:
		return;
	}
}
