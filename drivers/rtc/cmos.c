/* SPDX-License-Identifier: MIT */
/*
 * The PC's clock (MC146818 data sheet): a calendar in UTC behind an index and a data port.
 *
 * Once a second it updates itself, and reads meanwhile give anything.  So the calendar is read
 * between updates, and twice until both readings agree.  What does not make a date leaves the wall
 * clock alone.
 */
#include <drivers/device.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/string.h>

enum cmos_port { CMOS_INDEX, CMOS_DATA, CMOS_PORTS };

enum cmos_reg {
	CMOS_SECOND = 0, CMOS_MINUTE = 2, CMOS_HOUR = 4, CMOS_DAY = 7, CMOS_MONTH = 8,
	CMOS_YEAR = 9, CMOS_A = 0x0a, CMOS_B = 0x0b,
	CMOS_CENTURY = 0x32,		/* customary; not there on old machines */
};

#define A_UPDATING	0x80
#define B_24_HOURS	0x02
#define B_BINARY	0x04
#define HOUR_PM		0x80
#define TRIES		100
#define TRY_NS		(100 * NSEC_PER_USEC)

struct calendar {
	uint8_t second, minute, hour, day, month, year, century, mode;
};

static uint8_t cmos_read(const struct mmio *ports, uint8_t reg)
{
	mmio_write8(ports, CMOS_INDEX, reg);
	return mmio_read8(ports, CMOS_DATA);
}

static struct calendar read_once(const struct mmio *p)
{
	return (struct calendar){
		.second = cmos_read(p, CMOS_SECOND), .minute = cmos_read(p, CMOS_MINUTE),
		.hour = cmos_read(p, CMOS_HOUR), .day = cmos_read(p, CMOS_DAY),
		.month = cmos_read(p, CMOS_MONTH), .year = cmos_read(p, CMOS_YEAR),
		.century = cmos_read(p, CMOS_CENTURY), .mode = cmos_read(p, CMOS_B),
	};
}

/* -ENODEV: it is never done updating, or never the same twice. */
static int read_stable(const struct mmio *p, struct calendar *c)
{
	struct calendar again;

	for (unsigned int i = 0; i < TRIES; i++) {
		if (!(cmos_read(p, CMOS_A) & A_UPDATING)) {
			*c = read_once(p);
			again = read_once(p);
			if (!memcmp(c, &again, sizeof(again)))
				return 0;
		}
		sleep_ns(TRY_NS);
	}
	return -ENODEV;
}

static uint8_t from_bcd(uint8_t v)
{
	return (uint8_t)((v >> 4) * 10 + (v & 0xf));
}

static void decode(struct calendar *c)
{
	bool pm = c->hour & HOUR_PM;

	if (!(c->mode & B_24_HOURS))
		c->hour &= (uint8_t)~HOUR_PM;
	if (!(c->mode & B_BINARY)) {
		uint8_t *fields[] = { &c->second, &c->minute, &c->hour, &c->day, &c->month,
				      &c->year };

		for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++)
			*fields[i] = from_bcd(*fields[i]);
	}
	if (!(c->mode & B_24_HOURS))
		c->hour = (uint8_t)(c->hour % 12 + (pm ? 12 : 0));
	c->century = from_bcd(c->century);
	if (c->century < 19 || c->century > 21)
		c->century = c->year < 70 ? 20 : 19;
}

static bool is_date(const struct calendar *c)
{
	return c->second < 60 && c->minute < 60 && c->hour < 24 && c->day >= 1 && c->day <= 31 &&
	       c->month >= 1 && c->month <= 12 && c->year < 100;
}

/*
 * Days from 1970 in the Gregorian calendar; years begin in March, so that the leap day is the last.
 */
static int64_t days_of(const struct calendar *c)
{
	int64_t year = c->century * 100 + c->year - (c->month <= 2);
	int64_t month = (c->month + 9) % 12;

	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + c->day -
		1 - 719468;
}

static int cmos_probe(struct device *dev)
{
	struct calendar c;
	struct mmio ports;
	int err = device_mmio(dev, 0, CMOS_PORTS, &ports);

	if (!err)
		err = read_stable(&ports, &c);
	if (err)
		return err;
	decode(&c);
	if (!is_date(&c))
		return -ENODEV;
	clock_set_realtime((days_of(&c) * 86400 + c.hour * 3600 + c.minute * 60 +
			    c.second) * NSEC_PER_SEC);
	log_info("%s: %u-%02u-%02u %02u:%02u:%02u UTC", dev->name, c.century * 100u + c.year,
		 c.month, c.day, c.hour, c.minute, c.second);
	return 0;
}

static const struct device_id cmos_ids[] = {
	{ .compatible = "motorola,mc146818" },
	{ 0 },
};

DRIVER(cmos) = {
	.name	= "cmos",
	.ids	= cmos_ids,
	.probe	= cmos_probe,
};
