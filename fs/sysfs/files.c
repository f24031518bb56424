/* SPDX-License-Identifier: MIT */
/* What files and links of sysfs say, and what writing to them does. */
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>

#include "sysfs.h"

static ssize_t uevent_show(struct device *dev, char *buf, size_t size)
{
	struct device_text t = { buf, size, 0 };

	device_uevent(dev, &t);
	return (ssize_t)t.len;
}

static ssize_t attr_show(const struct sys_entry *e, char *buf, size_t size)
{
	const struct device_attr *a = e->object;

	return a->show ? a->show(e->dev, buf, size) : -EIO;
}

ssize_t sys_file_show(const struct sys_entry *e, char *buf, size_t size)
{
	const struct sys_node *n = e->object;

	switch (e->kind) {
	case SYS_NODE_FILE:
		return n->show(n->priv, buf, size);
	case SYS_ATTR:
		return attr_show(e, buf, size);
	case SYS_UEVENT:
		return uevent_show(e->dev, buf, size);
	case SYS_DEVNUM:
		return snprintf(buf, size, "%u:%u\n", DEV_MAJOR(e->dev->devnum),
				DEV_MINOR(e->dev->devnum));
	default:
		return -EIO;
	}
}

/* The device called @name on @drv's bus: counted, or NULL. */
static struct device *find_device(const struct driver *drv, const char *name)
{
	struct device *d;

	for (d = device_next(NULL); d; d = device_next(d))
		if (d->bus == driver_bus(drv) && str_eq(d->name, name))
			return d;
	return NULL;
}

/* A device's name, with or without a newline. */
static int bind_store(const struct sys_entry *e, const char *text, size_t len)
{
	char name[64];
	struct device *d;
	int err;

	if (len && text[len - 1] == '\n')
		len--;
	if (!len || len >= sizeof(name))
		return -ENODEV;
	memcpy(name, text, len);
	name[len] = '\0';
	d = find_device(e->object, name);
	if (!d)
		return -ENODEV;
	if (e->kind == SYS_BIND)
		err = device_rebind(d);
	else
		err = d->driver == e->object ? device_unbind(d) : -ENODEV;
	device_put(d);
	return err;
}

int sys_file_store(const struct sys_entry *e, const char *text, size_t len)
{
	const struct device_attr *a = e->object;

	switch (e->kind) {
	case SYS_ATTR:
		return a->store ? a->store(e->dev, text, len) : -EIO;
	case SYS_UEVENT:
		return 0;		/* asks for an event again; nobody listens yet */
	case SYS_BIND:
	case SYS_UNBIND:
		return bind_store(e, text, len);
	default:
		return -EIO;
	}
}

uint32_t sys_file_mode(const struct sys_entry *e)
{
	const struct device_attr *a = e->object;

	switch (e->kind) {
	case SYS_ATTR:
		return a->mode ? a->mode : 0444;
	case SYS_UEVENT:
		return 0644;
	case SYS_BIND:
	case SYS_UNBIND:
		return 0200;
	default:
		return 0444;
	}
}

/* "/devices/..." of @dev, put together from its end; the length, or -ENAMETOOLONG. */
static ssize_t device_path(const struct device *dev, char *buf, size_t size)
{
	char *at = buf + size;

	for (; dev; dev = dev->parent) {
		bool glued = dev->class && dev->parent && !dev->parent->class;
		const char *parts[3] = { dev->name, glued ? dev->class->name : NULL, NULL };

		if (!dev->parent)
			parts[1] = dev->bus == &platform_bus ? "devices/platform" : "devices";
		for (unsigned int i = 0; parts[i]; i++) {
			size_t len = strlen(parts[i]);

			if (len + 1 > (size_t)(at - buf))
				return -ENAMETOOLONG;
			at -= len;
			memcpy(at, parts[i], len);
			*--at = '/';
		}
	}
	memmove(buf, at, (size_t)(buf + size - at));
	return buf + size - at;
}

ssize_t sys_link_text(const struct sys_entry *e, unsigned int depth, char *buf, size_t size)
{
	const struct device *d = e->dev;
	struct device_text t = { buf, size, 0 };
	ssize_t len;

	for (unsigned int i = 0; i < depth; i++)
		device_text_add(&t, i ? "/.." : "..");
	if (e->kind == SYS_LINK_DEVICE) {
		len = device_path(d, buf + t.len, size - t.len);
		return len < 0 ? len : (ssize_t)t.len + len;
	}
	if (e->kind == SYS_LINK_DRIVER && d->driver)
		device_text_add(&t, "/bus/%s/drivers/%s", d->bus->name, d->driver->name);
	else if (d->bus)
		device_text_add(&t, "/bus/%s", d->bus->name);
	else if (d->class)
		device_text_add(&t, "/class/%s", d->class->name);
	return t.len + 1 < size ? (ssize_t)t.len : -ENAMETOOLONG;
}
