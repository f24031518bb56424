/* SPDX-License-Identifier: MIT */
/*
 * Devices, the buses they sit on, drivers, and classes.
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
 *
 * Lifetime.  A device is counted: the model holds one reference from device_add() until
 * device_remove() has returned, a child holds its parent, and whoever else keeps a pointer takes
 * device_ref().  The last device_put() calls release().
 *
 *	NEW <-> DEFERRED -> BOUND -> GONE		NEW, DEFERRED -> GONE
 *
 * Removal.  device_remove() sets GONE first, so that device_is_gone() is true before the driver
 * hears of it; then the driver's remove() lets nothing new in, stops the hardware (which may be
 * pulled out already and read as all ones), ends what is in flight with -ENODEV, and releases what
 * probe took.  Children are removed by the driver that added them, or by the model before it.
 *
 * A class says what a device is to programs (tty, block, net, misc) as a bus says how it is
 * reached.  A class device has no driver; it is the child of the device that it stands on.
 */
#ifndef DRIVERS_DEVICE_H
#define DRIVERS_DEVICE_H

#include <drivers/mmio.h>
#include <kernel/devnum.h>
#include <kernel/irq.h>
#include <kernel/log.h>
#include <kernel/mutex.h>
#include <lib/atomic.h>
#include <lib/compiler.h>
#include <lib/list.h>
#include <lib/types.h>

struct device;
struct device_class;
struct dma_ops;
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

/*
 * A file that programs read about a device in /sys; thread context, the device is counted.  Arrays
 * end with a NULL name.
 */
struct device_attr {
	const char *name;
	uint32_t mode;			/* 0: 0444 */
	/* Text of at most @size bytes to @buf: its length, or -errno. */
	ssize_type (*show)(struct device *dev, char *buf, size_t size);
	/* A write of @len bytes of text, terminated: 0 or -errno. */
	int (*store)(struct device *dev, const char *text, size_t len);
	/* Instead of show and store: bytes at an offset; how many, or -errno. */
	ssize_type (*read)(struct device *dev, void *buf, size_t len, uint64_t offset);
	ssize_type (*write)(struct device *dev, const void *buf, size_t len, uint64_t offset);
	uint64_t (*size)(const struct device *dev);
	/* Not every device of the kind has it; optional. */
	bool (*is_present)(const struct device *dev);
};

/* Text under construction: what does not fit is cut, and the length stays within size. */
struct device_text {
	char *buf;
	size_t size, len;
};
__printf(2, 3) void device_text_add(struct device_text *t, const char *fmt, ...);

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
	/*
	 * Make up to @max interrupts that come independently of each other; how many there are
	 * then.  Optional: what the firmware says.
	 */
	int (*irq_vectors)(struct device *dev, unsigned int max);
	/* For programs: files in /sys, and lines KEY=value of uevent; optional. */
	const struct device_attr *attrs;
	void (*uevent)(const struct device *dev, struct device_text *t);
};

struct device_class {
	const char *name;		/* /sys/class/NAME */
	const struct device_attr *attrs;	/* optional */
	void (*uevent)(const struct device *dev, struct device_text *t);	/* optional */
};

enum device_state {
	DEVICE_NEW,			/* no driver has taken it */
	DEVICE_DEFERRED,		/* a driver wants to be asked again */
	DEVICE_BOUND,
	DEVICE_GONE,
};

/* How a device reaches memory; <drivers/dma.h> is what drivers call. */
struct device_dma {
	uint64_t mask;			/* [L] addresses it can send; 0 at device_add(): parent's */
	const struct dma_ops *ops;	/* [I] an IOMMU's; NULL: bus addresses are physical ones */
	bool is_noncoherent;		/* [I] caches must be cleaned by hand */
	uint32_t nr_bounces;		/* [A] mappings that go through a buffer of ours */
};

struct device {
	const char *name;		/* [I] kept by who adds it */
	const struct bus *bus;		/* [I] NULL: nothing to drive (a class device, a root) */
	const struct device_class *class;	/* [I] or NULL */
	dev_t devnum;			/* [I] of a class device with a node in /dev; 0: none */
	struct device *parent;		/* [I] counted */
	const void *bus_data;		/* [I] the bus's */
	int node;			/* [I] device-tree node, OF_NONE without */
	struct device_dma dma;
	const struct device_attr *attrs;	/* [I] its own, or NULL */
	/* [I] the last reference is gone: free it.  NULL: it is never freed. */
	void (*release)(struct device *dev);
	refcount_t refs;
	struct mutex lock;		/* class DRIVER: state, driver, id */
	enum device_state state;	/* [L] reads of single values without */
	const struct driver *driver;	/* [L] NULL unless bound or being probed */
	const struct device_id *id;	/* [L] what matched */
	void *priv;			/* the driver's */
	struct list node_all;		/* [R] the device list */
};

/*
 * Make @dev known and look for a driver.  The caller zeroed it and filled name, bus, parent, node,
 * and what else it needs; device_add() takes a reference to the parent.
 */
void device_add(struct device *dev);
/* The device is gone: its children go, its driver lets go of it, the model's reference falls. */
void device_remove(struct device *dev);
static inline bool device_is_gone(const struct device *dev)
{
	return __atomic_load_n(&dev->state, __ATOMIC_RELAXED) == DEVICE_GONE;
}
void device_ref(struct device *dev);
void device_put(struct device *dev);
/* Take the driver off a bound device, which is NEW then; -ENODEV when it has none. */
__must_check int device_unbind(struct device *dev);
/* Look for a driver again; 0 or -ENODEV when there is none that wants it. */
__must_check int device_rebind(struct device *dev);
/* Try all devices that wait for another one. */
void device_probe_deferred(void);
/* Let drivers quieten their devices before the machine goes down. */
void device_shutdown_all(void);

/* For probe: register window @index with at least @min_size bytes.  -ENOENT, -EINVAL, -ENOMEM. */
__must_check int device_mmio(struct device *dev, unsigned int index, uint64_t min_size,
			     struct mmio *out);
/* The kernel's interrupt number, for irq_request(); -ENOENT, -EPROBE_DEFER. */
__must_check int device_irq(struct device *dev, unsigned int index);
/*
 * For probe, before device_irq(): as many independent interrupts as the bus can give, at most @max,
 * for indices 0 to n - 1; n, which is 1 where there are only shared lines.  They are taken back
 * after remove.  irq_set_affinity() aims each at a CPU.
 */
__must_check int device_irq_vectors(struct device *dev, unsigned int max);
bool device_property_u32(const struct device *dev, const char *name, uint32_t *value);
const char *device_property_string(const struct device *dev, const char *name);

/* All devices but those that are gone, in order of discovery; @fn may sleep. */
void device_for_each(void (*fn)(struct device *dev, void *ctx), void *ctx);
/* The same as a walk: the device after @dev (NULL: the first), counted; drops @dev's reference. */
struct device *device_next(struct device *dev);
/* Is @child below @dev, at any depth? */
bool device_is_below(const struct device *child, const struct device *dev);
/* All drivers of the image, by index; NULL past the end. */
const struct driver *device_driver_at(unsigned int index);
const struct bus *driver_bus(const struct driver *drv);
/* KEY=value lines of @dev's uevent file. */
void device_uevent(struct device *dev, struct device_text *t);

/* Messages with the device's bus and name in front. */
#define dev_print(level, dev, fmt, ...)						\
	log_print(level, "%s %s: " fmt, device_kind(dev), (dev)->name, ##__VA_ARGS__)
#define dev_err(dev, ...)	dev_print(LOG_ERR, dev, __VA_ARGS__)
#define dev_warn(dev, ...)	dev_print(LOG_WARNING, dev, __VA_ARGS__)
#define dev_notice(dev, ...)	dev_print(LOG_NOTICE, dev, __VA_ARGS__)
#define dev_info(dev, ...)	dev_print(LOG_INFO, dev, __VA_ARGS__)
#ifdef CONFIG_DEBUG
#define dev_debug(dev, ...)	dev_print(LOG_DEBUG, dev, __VA_ARGS__)
#else
#define dev_debug(dev, ...)	do { if (0) dev_print(LOG_DEBUG, dev, __VA_ARGS__); } while (0)
#endif
/* Its driver's, its bus's or its class's name: for messages. */
const char *device_kind(const struct device *dev);

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
	bool has_gsi;			/* a PC's global interrupt, instead of ISA lines */
	uint32_t gsi;
	enum irq_trigger gsi_trigger;
	uint32_t clock_hz;		/* property "clock-frequency", 0: none */
};
/* -ENOMEM. */
__must_check int platform_device_add(const struct platform_desc *desc);

#endif
