/* SPDX-License-Identifier: MIT */
/*
 * ACPI's static tables, checked: RSDP, XSDT or RSDT, and what stands in MADT, FADT, HPET and MCFG.
 *
 * Tables are the firmware's and untrusted: a table is used only when its length lies within reach
 * and its sum is 0, and every record within it is bounds-checked as it is read.  There is no AML
 * interpreter.
 */
#ifndef DRIVERS_ACPI_H
#define DRIVERS_ACPI_H

#include <lib/compiler.h>
#include <lib/types.h>

struct acpi_table {			/* the header of every table */
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision, creator_id, creator_revision;
} __packed;

/*
 * Find and check the tables; called once by the port while its boot tables still map all of memory.
 * No RSDP or a bad one: a message, and all lookups below find nothing.
 */
void acpi_init(paddr_t rsdp);

/* Call @fn with the place of each good table, so that the port can map them for good. */
void acpi_for_each_table(void (*fn)(uint64_t pa, uint64_t size));

/* The @nth (from 0) table called @signature, or NULL; header.length bytes of it may be read. */
const struct acpi_table *acpi_find(const char signature[4], unsigned int nth);

enum acpi_madt_type {			/* ACPI 6.4, table 5.21 */
	ACPI_MADT_LOCAL_APIC	= 0,
	ACPI_MADT_IO_APIC	= 1,
	ACPI_MADT_OVERRIDE	= 2,
	ACPI_MADT_LOCAL_NMI	= 4,
	ACPI_MADT_LOCAL_X2APIC	= 9,
};

struct acpi_madt_entry {
	uint8_t type, length;
	union {
		struct {
			uint8_t processor, id;
			uint32_t flags;
		} __packed local_apic;
		struct {
			uint8_t id, reserved;
			uint32_t address, gsi_base;
		} __packed io_apic;
		struct {
			uint8_t bus, source;
			uint32_t gsi;
			uint16_t flags;
		} __packed override;
		struct {
			uint16_t reserved;
			uint32_t id, flags, processor;
		} __packed local_x2apic;
		uint8_t bytes[14];
	};
} __packed;

/* Walk the MADT; *@cursor starts at 0.  Records shorter than their type needs are skipped. */
bool acpi_madt_next(uint32_t *cursor, struct acpi_madt_entry *entry);

enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_NONE = 255 };

struct acpi_register {
	enum acpi_space space;		/* ACPI_SPACE_NONE: there is no such register */
	uint64_t address;
	uint32_t bits;
};

struct acpi_power {
	uint16_t pm1a_control, pm1b_control;	/* ports, 0: none */
	struct acpi_register sleep_control;	/* hardware-reduced machines */
	struct acpi_register reset;
	uint8_t reset_value;
	bool has_reset;
	uint8_t s5_type_a, s5_type_b;
};

/* -ENOENT: no FADT. */
__must_check int acpi_power_info(struct acpi_power *out);

/* The PM timer's register, and whether it has 32 bits; -ENOENT. */
__must_check int acpi_pm_timer(struct acpi_register *out, bool *is_32_bit);

/* The first HPET's registers; -ENOENT. */
__must_check int acpi_hpet(paddr_t *base);

struct acpi_ecam {			/* one PCI segment's configuration space */
	paddr_t base;			/* of bus 0, even where first_bus is another */
	uint16_t segment;
	uint8_t first_bus, last_bus;
};

/* The @nth record of the MCFG; -ENOENT. */
__must_check int acpi_mcfg(unsigned int nth, struct acpi_ecam *out);

/* A device that the DSDT describes by constants: its first window and its interrupt. */
struct acpi_device {
	paddr_t base;
	uint64_t size;
	uint32_t gsi;
	bool is_level, is_low;
};

/*
 * The next device in the DSDT with hardware id @hid (eight characters); *@cursor starts at 0.  Only
 * on machines of the hardware-reduced kind, whose small tables have nothing to evaluate.
 */
bool acpi_next_device(const char hid[8], uint32_t *cursor, struct acpi_device *out);

#endif
