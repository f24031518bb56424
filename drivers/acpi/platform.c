/* SPDX-License-Identifier: MIT */
/*
 * What single tables say: CPUs and I/O APICs (MADT), power registers and PM timer (FADT), HPET,
 * ECAM (MCFG). Offsets are from ACPI 6.4, chapter 5.2.
 */
#include <drivers/acpi.h>
#include <lib/err.h>
#include <lib/string.h>

enum fadt_offset {
	FADT_PM1A_CONTROL	= 64,
	FADT_PM1B_CONTROL	= 68,
	FADT_PM_TIMER		= 76,
	FADT_PM_TIMER_LENGTH	= 91,
	FADT_FLAGS		= 112,
	FADT_RESET		= 116,
	FADT_RESET_VALUE	= 128,
	FADT_X_PM_TIMER		= 208,
	FADT_SLEEP_CONTROL	= 244,
};

#define FADT_TIMER_32BIT	(1u << 8)
#define FADT_HAS_RESET		(1u << 10)

enum { GAS_SIZE = 12, MADT_FIRST = 44, HPET_ADDRESS = 40, MCFG_FIRST = 44, MCFG_SIZE = 16 };

/* Fields beyond an older table's end read as 0. */
static uint64_t field(const struct acpi_table *t, uint32_t offset, uint32_t size)
{
	uint64_t v = 0;

	if (offset + size <= t->length)
		memcpy(&v, (const char *)t + offset, size);
	return v;
}

static struct acpi_register gas(const struct acpi_table *t, uint32_t offset)
{
	struct acpi_register r = {
		.space = (enum acpi_space)field(t, offset, 1),
		.bits = (uint32_t)field(t, offset + 1, 1),
		.address = field(t, offset + 4, 8),
	};

	if (offset + GAS_SIZE > t->length || !r.address ||
	    (r.space != ACPI_SPACE_MEMORY && r.space != ACPI_SPACE_IO))
		r = (struct acpi_register){ .space = ACPI_SPACE_NONE };
	return r;
}

static uint32_t needed_size(uint8_t type)
{
	switch (type) {
	case ACPI_MADT_LOCAL_APIC:	return 8;
	case ACPI_MADT_IO_APIC:		return 12;
	case ACPI_MADT_OVERRIDE:	return 10;
	case ACPI_MADT_LOCAL_X2APIC:	return 16;
	}
	return 2;
}

bool acpi_madt_next(uint32_t *cursor, struct acpi_madt_entry *entry)
{
	const struct acpi_table *t = acpi_find("APIC", 0);
	uint32_t at = *cursor ? *cursor : MADT_FIRST;

	while (t && at + 2 <= t->length) {
		const uint8_t *p = (const uint8_t *)t + at;
		uint32_t len = p[1];

		if (len < 2 || len > t->length - at)
			return false;
		at += len;
		if (len < needed_size(p[0]))
			continue;
		memset(entry, 0, sizeof(*entry));
		memcpy(entry, p, len < sizeof(*entry) ? len : sizeof(*entry));
		*cursor = at;
		return true;
	}
	return false;
}

/* One element of the package: ZeroOp, OneOp or a byte constant. */
static bool package_byte(const uint8_t **p, const uint8_t *end, uint8_t *v)
{
	if (*p >= end)
		return false;
	switch (*(*p)++) {
	case 0x00:
		*v = 0;
		return true;
	case 0x01:
		*v = 1;
		return true;
	case 0x0a:
		if (*p >= end)
			return false;
		*v = *(*p)++;
		return true;
	}
	return false;
}

/*
 * Name (_S5, Package () { a, b, ... }) is bytes that no compiler varies: 08 "_S5_" 12 length count
 * elements. Without it the types stay 0, which is what most emulators use.
 */
static void find_s5(struct acpi_power *out)
{
	const struct acpi_table *t = acpi_find("DSDT", 0);
	const uint8_t *p, *end;

	if (!t)
		return;
	end = (const uint8_t *)t + t->length;
	for (p = (const uint8_t *)(t + 1); p + 8 < end; p++) {
		uint8_t a, b;

		if (p[0] != '_' || memcmp(p, "_S5_\x12", 5))
			continue;
		p += 5;
		p += (*p >> 6) + 1;		/* package length: 1 to 4 bytes */
		if (p >= end)
			return;
		p++;				/* number of elements */
		if (package_byte(&p, end, &a) && package_byte(&p, end, &b)) {
			out->s5_type_a = a & 7;
			out->s5_type_b = b & 7;
		}
		return;
	}
}

int acpi_power_info(struct acpi_power *out)
{
	const struct acpi_table *t = acpi_find("FACP", 0);

	if (!t)
		return -ENOENT;
	*out = (struct acpi_power){
		.pm1a_control = (uint16_t)field(t, FADT_PM1A_CONTROL, 4),
		.pm1b_control = (uint16_t)field(t, FADT_PM1B_CONTROL, 4),
		.sleep_control = gas(t, FADT_SLEEP_CONTROL),
		.reset = gas(t, FADT_RESET),
		.reset_value = (uint8_t)field(t, FADT_RESET_VALUE, 1),
	};
	out->has_reset = field(t, FADT_FLAGS, 4) & FADT_HAS_RESET &&
			 out->reset.space != ACPI_SPACE_NONE;
	find_s5(out);
	return 0;
}

int acpi_pm_timer(struct acpi_register *out, bool *is_32_bit)
{
	const struct acpi_table *t = acpi_find("FACP", 0);
	uint32_t port;

	if (!t)
		return -ENOENT;
	port = (uint32_t)field(t, FADT_PM_TIMER, 4);
	*out = gas(t, FADT_X_PM_TIMER);
	if (out->space == ACPI_SPACE_NONE && port && field(t, FADT_PM_TIMER_LENGTH, 1) == 4)
		*out = (struct acpi_register){ ACPI_SPACE_IO, port, 32 };
	*is_32_bit = field(t, FADT_FLAGS, 4) & FADT_TIMER_32BIT;
	return out->space == ACPI_SPACE_NONE ? -ENOENT : 0;
}

int acpi_hpet(paddr_t *base)
{
	const struct acpi_table *t = acpi_find("HPET", 0);
	struct acpi_register r;

	if (!t)
		return -ENOENT;
	r = gas(t, HPET_ADDRESS);
	if (r.space != ACPI_SPACE_MEMORY)
		return -ENOENT;
	*base = PADDR(r.address);
	return 0;
}

int acpi_mcfg(unsigned int nth, struct acpi_ecam *out)
{
	const struct acpi_table *t = acpi_find("MCFG", 0);
	uint64_t at = MCFG_FIRST + (uint64_t)nth * MCFG_SIZE;

	if (!t || at + MCFG_SIZE > t->length)
		return -ENOENT;
	*out = (struct acpi_ecam){
		.base = PADDR(field(t, (uint32_t)at, 8)),
		.segment = (uint16_t)field(t, (uint32_t)at + 8, 2),
		.first_bus = (uint8_t)field(t, (uint32_t)at + 10, 1),
		.last_bus = (uint8_t)field(t, (uint32_t)at + 11, 1),
	};
	return out->first_bus <= out->last_bus ? 0 : -ENOENT;
}
