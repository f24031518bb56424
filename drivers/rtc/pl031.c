/* SPDX-License-Identifier: MIT */
/* Arm PL031 (ARM DDI 0224): a counter of seconds since 1970. */
#include <drivers/device.h>
#include <kernel/clock.h>
#include <kernel/log.h>

enum pl031_reg {
	RTC_DATA	= 0x000,
	RTC_WINDOW	= 0x004,	/* size that the driver needs: the first register */
};

static int pl031_probe(struct device *dev)
{
	struct mmio regs;
	uint32_t seconds;
	int err = device_mmio(dev, 0, RTC_WINDOW, &regs);

	if (err)
		return err;
	seconds = mmio_read32(&regs, RTC_DATA);
	clock_set_realtime(seconds * NSEC_PER_SEC);
	log_info("%s: pl031, %u seconds since 1970", dev->name, seconds);
	return 0;
}

static const struct device_id pl031_ids[] = {
	{ .compatible = "arm,pl031" },
	{ 0 },
};

DRIVER(pl031) = {
	.name	= "pl031",
	.ids	= pl031_ids,
	.probe	= pl031_probe,
};
