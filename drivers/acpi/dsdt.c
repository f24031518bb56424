/* SPDX-License-Identifier: MIT */
/*
 * Devices of a DSDT without an interpreter, as far as that is honest.
 *
 * microvm and its like describe their virtio-mmio devices by nothing but constants: Name(_HID, ...)
 * and Name(_CRS, ResourceTemplate () {...}), the bytes of which no compiler varies.  So a device is
 * found by its hardware id and by the two resource descriptors that follow it before the next
 * device starts (ACPI 6.4, 6.4.3.4 and 6.4.3.6).  Larger machines compute such things; this is not
 * for them, and the FADT tells which is which.
 */
#include <drivers/acpi.h>
#include <lib/endian.h>
#include <lib/string.h>

#define FADT_FLAGS		112
#define FADT_HW_REDUCED		(1u << 20)
#define MEMORY32_FIXED		0x86
#define EXTENDED_INTERRUPT	0x89
#define DEVICE_OP		"\x5b\x82"
#define REACH			512u	/* more than such a device takes */

static bool is_hardware_reduced(void)
{
	const struct acpi_table *t = acpi_find("FACP", 0);

	return t && t->length >= FADT_FLAGS + 4 &&
	       get_le32((const uint8_t *)t + FADT_FLAGS) & FADT_HW_REDUCED;
}

/* 86 09 00 info base(4) length(4), then 89 length(2) flags 01 number(4). */
static bool read_resources(const uint8_t *p, const uint8_t *end, struct acpi_device *out)
{
	bool has_window = false;

	for (; p + 12 <= end && memcmp(p, DEVICE_OP, 2); p++) {
		if (!has_window && p[0] == MEMORY32_FIXED && get_le16(p + 1) == 9) {
			out->base = PADDR(get_le32(p + 4));
			out->size = get_le32(p + 8);
			has_window = true;
			p += 11;
		} else if (has_window && p[0] == EXTENDED_INTERRUPT && get_le16(p + 1) == 6 &&
			   p[4] == 1) {
			out->is_level = !(p[3] & 2);
			out->is_low = p[3] & 4;
			out->gsi = get_le32(p + 5);
			return out->size;
		}
	}
	return false;
}

bool acpi_next_device(const char hid[8], uint32_t *cursor, struct acpi_device *out)
{
	const struct acpi_table *t = is_hardware_reduced() ? acpi_find("DSDT", 0) : NULL;
	uint32_t at = *cursor < sizeof(*t) ? (uint32_t)sizeof(*t) : *cursor;

	for (; t && at + 8 <= t->length; at++) {
		const uint8_t *p = (const uint8_t *)t + at;
		uint32_t left = t->length - at;

		if (memcmp(p, hid, 8))
			continue;
		*cursor = at + 8;
		if (read_resources(p + 8, p + (left < REACH ? left : REACH), out))
			return true;
	}
	return false;
}
