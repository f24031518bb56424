/* SPDX-License-Identifier: MIT */
/*
 * Devices, the buses they sit on, and drivers.
 *
 *	static const struct device_id foo_ids[] = {
 *		{ .compatible = "acme,foo" },
 *		{ 0 },
 *	};
 *
 *	DRIVER(foo) = { .name = "foo", .ids = foo_ids, .probe = foo_probe };
 *
 * A bus enumerates devices and says how they match; the core pairs each with the first driver whose
 * probe accepts it.  Drivers ask for register windows and interrupts by index; addresses, trees and
 * tables stay with the bus.
 *
 * Probing runs in thread context with the device's lock (class DRIVER) held.
 */
#ifndef DRIVERS_DEVICE_H
#define DRIVERS_DEVICE_H

#include <drivers/mmio.h>
#include <kernel/irq.h>
#include <kernel/mutex.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/types.h>

struct device;
struct driver;

/*
 * A probe that needs something (an interrupt controller, a clock) that has no driver yet; tried
 * again after each success.
 */
#define EPROBE_DEFER	517

/*
 * What a driver can drive.  A table ends with an all-zero entry; buses look at the members that are
 * theirs.
 */
struct device_id {
	const char *compatible;	/* device tree, and what the PC platform calls its devices */
	const char *acpi;		/* hardware id */
	uint32_t vendor, device;	/* PCI, virtio; DEVICE_ID_ANY */
	uint32_t class, class_mask;	/* PCI: base, sub, interface */
	uint64_t data;			/* the driver's own */
};
#define DEVICE_ID_ANY	0xffffffffu

struct driver {
	const char *name;
	const struct device_id *ids;
	const struct bus *bus;		/* NULL: the platform bus */
	/* 0, -ENODEV: not mine after all, -EPROBE_DEFER, -errno */
	int (*probe)(struct device *dev);
	/* the device is gone or the machine goes down; optional */
	void (*remove)(struct device *dev);
};

#define DRIVER(id)								\
	static const struct driver driver_##id;					\
	static const struct driver *const driver_ptr_##id			\
	__used __section(".drivers") = &driver_##id;				\
	static const struct driver driver_##id

/* What a kind of bus can do with its devices. */
struct bus {
	const char *name;
	/* The entry of @ids that fits @dev, or NULL. */
	const struct device_id *(*match)(const struct device *dev, const struct device_id *ids);
	/*
	 * Register window @index; mapped by the caller's request, for good.  -ENOENT, -EINVAL,
	 * -ENOMEM.
	 */
	int (*mmio)(struct device *dev, unsigned int index, struct mmio *out);
	/* Kernel interrupt number @index; -ENOENT, -EPROBE_DEFER. */
	int (*irq)(struct device *dev, unsigned int index);
	/* Switch it on before probe, off after remove; optional. */
	int (*enable)(struct device *dev);
	void (*disable)(struct device *dev);
	/* A number or a string that the firmware says about the device; optional. */
	bool (*property_u32)(const struct device *dev, const char *name, uint32_t *value);
	const char *(*property_string)(const struct device *dev, const char *name);
};

enum device_state {	/* NEW to BOUND or DEFERRED; DEFERRED to BOUND or NEW; BOUND to GONE */
	DEVICE_NEW,			/* no driver has taken it */
	DEVICE_DEFERRED,		/* a driver wants to be asked again */
	DEVICE_BOUND,
	DEVICE_GONE,
};

struct device {
	const char *name;		/* [I] kept by who adds it */
	const struct bus *bus;		/* [I] */
	struct device *parent;		/* [I] */
	const void *bus_data;		/* [I] the bus's */
	int node;			/* [I] device-tree node, OF_NONE without */
	struct mutex lock;		/* class DRIVER: state, driver, id */
	enum device_state state;	/* [L] */
	const struct driver *driver;	/* [L] NULL unless bound or being probed */
	const struct device_id *id;	/* [L] what matched */
	void *priv;			/* the driver's */
	struct list node_all;		/* [R] the device list */
};

/*
 * Make @dev known and look for a driver.  The caller filled name, bus, parent, bus_data, node; the
 * device lives on.
 */
void device_add(struct device *dev);
/* The device is gone: its driver lets go of it. */
void device_remove(struct device *dev);
/* Try all devices that wait for another one. */
void device_probe_deferred(void);
/* Let drivers quieten their devices before the machine goes down. */
void device_shutdown_all(void);

/* For probe: register window @index with at least @min_size bytes.  -ENOENT, -EINVAL, -ENOMEM. */
__must_check int device_mmio(struct device *dev, unsigned int index, uint64_t min_size,
			     struct mmio *out);
/* The kernel's interrupt number, for irq_request(); -ENOENT, -EPROBE_DEFER. */
__must_check int device_irq(struct device *dev, unsigned int index);
bool device_property_u32(const struct device *dev, const char *name, uint32_t *value);
const char *device_property_string(const struct device *dev, const char *name);

/* All devices, in order of discovery; @fn may sleep. */
void device_for_each(void (*fn)(struct device *dev, void *ctx), void *ctx);

/*
 * The platform bus: devices that are simply there.  For firmware descriptions (device tree, PC);
 * the arrays must live on.
 */
extern const struct bus platform_bus;

struct platform_window {
	bool is_port;
	uint64_t base, size;
};
struct platform_desc {
	const char *name;
	const char *compatible;
	const struct platform_window *windows;
	unsigned int nr_windows;
	const uint8_t *isa_irqs;	/* lines of a PC */
	unsigned int nr_isa_irqs;
	uint32_t clock_hz;		/* property "clock-frequency", 0: none */
};
/* -ENOMEM. */
__must_check int platform_device_add(const struct platform_desc *desc);

#endif
