/* SPDX-License-Identifier: MIT */
/*
 * Intel 6300ESB watchdog (300641-004, chapter 16), which QEMU has on all machines with PCI, as
 * /dev/watchdog: opened it runs, each write or WDIOC_KEEPALIVE restarts it, and closing it without
 * having written 'V' leaves it running, so that a daemon that died resets the machine.
 *
 * The timer has two stages of equal length; the first could interrupt and is left silent, the
 * second resets.  A register is written after the two bytes that unlock it.
 */
#include <drivers/pci.h>
#include <fs/chardev.h>
#include <kernel/mutex.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/major.h>
#include <uapi/watchdog.h>

enum esb_reg { ESB_TIMER1 = 0x00, ESB_TIMER2 = 0x04, ESB_STATUS = 0x08, ESB_RELOAD = 0x0c,
	       ESB_SIZE = 0x10 };
#define CONFIG_REG		0x60
#define LOCK_REG		0x68
#define CONFIG_NO_INTERRUPT	0x0003u		/* INT_TYPE: disabled */
#define LOCK_ENABLE		0x02u
#define RELOAD			0x0100u
#define TIMED_OUT		0x0200u
#define HEARTBEAT_DEFAULT	30u
#define HEARTBEAT_MAX		1023u		/* 20 bits of about a millisecond, two stages */
#define MINOR_WATCHDOG		130u

static struct esb {
	struct mutex lock;		/* class REGISTRY: all below */
	struct device *dev;		/* [L] NULL: none, or gone */
	struct mmio regs;		/* [L] */
	uint32_t heartbeat;		/* [L] seconds until the reset */
	bool is_open, may_stop;		/* [L] may_stop: 'V' was written last */
	bool caused_boot;		/* [I] after probe */
} esb = { .lock = MUTEX_INIT(esb.lock, REGISTRY), .heartbeat = HEARTBEAT_DEFAULT };

static void unlock_registers(void)
{
	mmio_write16(&esb.regs, ESB_RELOAD, 0x80);
	mmio_write16(&esb.regs, ESB_RELOAD, 0x86);
}

static void keep_alive_locked(void)
{
	if (!esb.dev)
		return;
	unlock_registers();
	mmio_write16(&esb.regs, ESB_RELOAD, RELOAD);
}

/* A stage is half the time, in units of 2^15 PCI clocks: about a millisecond. */
static void set_heartbeat_locked(uint32_t seconds)
{
	uint32_t stage = seconds << 9;

	esb.heartbeat = seconds;
	if (!esb.dev)
		return;
	unlock_registers();
	mmio_write32(&esb.regs, ESB_TIMER1, stage);
	unlock_registers();
	mmio_write32(&esb.regs, ESB_TIMER2, stage);
	keep_alive_locked();
}

static void run_locked(uint8_t lock_bits)
{
	if (!esb.dev)
		return;
	keep_alive_locked();
	pci_write8(pci_device_of(esb.dev), LOCK_REG, lock_bits);
}

static int esb_open(struct inode *inode, struct file *f)
{
	int err = 0;

	mutex_lock(&esb.lock);
	if (!esb.dev)
		err = -ENODEV;
	else if (esb.is_open)
		err = -EBUSY;
	if (!err) {
		esb.is_open = true;
		esb.may_stop = false;
		set_heartbeat_locked(esb.heartbeat);
		run_locked(LOCK_ENABLE);
	}
	mutex_unlock(&esb.lock);
	return err;
}

static void esb_release(struct file *f)
{
	mutex_lock(&esb.lock);
	if (esb.may_stop)
		run_locked(0);
	else
		keep_alive_locked();
	esb.is_open = false;
	mutex_unlock(&esb.lock);
}

static ssize_t esb_write(struct file *f, struct iov_iter *from, int64_t *offset)
{
	size_t len = from->count;
	bool magic = false;
	char chunk[64];

	while (from->count) {
		size_t n = iov_copy_from(from, chunk, min(from->count, sizeof(chunk)));

		if (!n)
			return -EFAULT;
		for (size_t i = 0; i < n; i++)
			magic |= chunk[i] == 'V';
	}
	if (!len)
		return 0;
	mutex_lock(&esb.lock);
	esb.may_stop = magic;
	keep_alive_locked();
	mutex_unlock(&esb.lock);
	return (ssize_t)len;
}

static long set_options(uint32_t options)
{
	if (options & ~(WDIOS_DISABLECARD | WDIOS_ENABLECARD) || !options)
		return -EINVAL;
	run_locked(options & WDIOS_ENABLECARD ? LOCK_ENABLE : 0);
	return 0;
}

static long set_timeout(uint32_t seconds)
{
	if (!seconds || seconds > HEARTBEAT_MAX)
		return -EINVAL;
	set_heartbeat_locked(seconds);
	return 0;
}

/* @value: what the call read from the user, and what it writes back. */
static long ioctl_locked(unsigned int cmd, uint32_t *value)
{
	long err = 0;

	if (!esb.dev)
		return -ENODEV;
	switch (cmd) {
	case WDIOC_GETSTATUS:
		*value = 0;
		return 0;
	case WDIOC_GETBOOTSTATUS:
		*value = esb.caused_boot ? WDIOF_CARDRESET : 0;
		return 0;
	case WDIOC_SETOPTIONS:
		return set_options(*value);
	case WDIOC_KEEPALIVE:
		keep_alive_locked();
		return 0;
	case WDIOC_SETTIMEOUT:
		err = set_timeout(*value);
		*value = esb.heartbeat;
		return err;
	case WDIOC_GETTIMEOUT:
		*value = esb.heartbeat;
		return 0;
	}
	return -ENOTTY;
}

static long esb_ioctl(struct file *f, unsigned int cmd, uint64_t arg)
{
	static const struct watchdog_info info = {
		.options = WDIOF_SETTIMEOUT | WDIOF_KEEPALIVEPING | WDIOF_MAGICCLOSE,
		.identity = "i6300ESB timer",
	};
	bool reads = cmd == WDIOC_SETOPTIONS || cmd == WDIOC_SETTIMEOUT;
	uint32_t value = 0;
	long err;

	if (cmd == WDIOC_GETSUPPORT)
		return copy_to_user(UADDR(arg), &info, sizeof(info));
	if (reads) {
		err = copy_from_user(&value, UADDR(arg), sizeof(value));
		if (err)
			return err;
	}
	mutex_lock(&esb.lock);
	err = ioctl_locked(cmd, &value);
	mutex_unlock(&esb.lock);
	if (err || cmd == WDIOC_SETOPTIONS || cmd == WDIOC_KEEPALIVE)
		return err;
	return copy_to_user(UADDR(arg), &value, sizeof(value));
}

static const struct file_ops esb_ops = {
	.open = esb_open, .release = esb_release, .write = esb_write, .ioctl = esb_ioctl,
	.seek = noop_seek,
};

/* One node for the life of the system, whether the device comes or goes. */
static int register_node(void)
{
	static bool is_done;		/* [A] */
	int err;

	if (__atomic_exchange_n(&is_done, true, __ATOMIC_RELAXED))
		return 0;
	err = chardev_register(&(struct chardev_args){
		.first = DEV_MAKE(MISC_MAJOR, MINOR_WATCHDOG), .count = 1, .ops = &esb_ops,
		.name = "watchdog", .flags = CHARDEV_PLAIN_NAME,
	});
	if (err)
		__atomic_store_n(&is_done, false, __ATOMIC_RELAXED);
	return err;
}

static int esb_probe(struct device *dev)
{
	struct pci_device *p = pci_device_of(dev);
	struct mmio regs;
	int err = device_mmio(dev, 0, ESB_SIZE, &regs);

	err = err ? err : register_node();
	if (err)
		return err;
	mutex_lock(&esb.lock);
	err = esb.dev ? -EBUSY : 0;
	if (!err) {
		esb.dev = dev;
		esb.regs = regs;
		pci_write16(p, CONFIG_REG, CONFIG_NO_INTERRUPT);
		pci_write8(p, LOCK_REG, 0);
		esb.caused_boot = mmio_read16(&regs, ESB_RELOAD) & TIMED_OUT;
		unlock_registers();
		mmio_write16(&regs, ESB_RELOAD, TIMED_OUT | RELOAD);
		set_heartbeat_locked(esb.heartbeat);
	}
	mutex_unlock(&esb.lock);
	return err;
}

static void esb_remove(struct device *dev)
{
	mutex_lock(&esb.lock);
	run_locked(0);
	esb.dev = NULL;
	mutex_unlock(&esb.lock);
}

static const struct device_id esb_ids[] = {
	{ .vendor = 0x8086, .device = 0x25ab },
	{ 0 },
};

DRIVER(i6300esb) = {
	.name	= "i6300esb",
	.bus	= &pci_bus_type,
	.ids	= esb_ids,
	.probe	= esb_probe,
	.remove	= esb_remove,
};
