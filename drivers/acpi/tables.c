/* SPDX-License-Identifier: MIT */
/*
 * The list of tables: from the RSDP through XSDT or RSDT, each checked before it is listed.
 *
 * All of this runs before the page allocator, so the list is the root table itself: acpi_find()
 * walks it again.  A bad table is reported once, in acpi_init(), and skipped from then on by its
 * checksum.
 */
#include <arch/mmu.h>
#include <drivers/acpi.h>
#include <kernel/log.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/early.h>

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	/* Revision 2 and later. */
	uint32_t length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
} __packed;

#define RSDP_V1_SIZE	20
#define TABLE_MAX	(16UL << 20)	/* more than any real table */

static const struct acpi_table *root;	/* XSDT or RSDT */
static unsigned int entry_size;		/* 8 or 4 */
static uint64_t reach;			/* first address that boot tables do not map */
static paddr_t rsdp_place;

static uint8_t sum(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t s = 0;

	while (len--)
		s = (uint8_t)(s + *b++);
	return s;
}

static bool in_reach(uint64_t pa, uint64_t size)
{
	return pa && size <= reach && pa <= reach - size;
}

/* The table at @pa if all of it can be read and it is one; a message otherwise if @loud. */
static const struct acpi_table *check_table(uint64_t pa)
{
	const struct acpi_table *t = phys_to_virt(PADDR(pa));

	if (!in_reach(pa, sizeof(*t))) {
		log_warn("acpi: table at %#lx is out of reach", pa);
		return NULL;
	}
	if (t->length < sizeof(*t) || t->length > TABLE_MAX || !in_reach(pa, t->length)) {
		log_warn("acpi: %.4s at %#lx has length %u", t->signature, pa, t->length);
		return NULL;
	}
	if (sum(t, t->length)) {
		log_warn("acpi: %.4s at %#lx has a wrong checksum", t->signature, pa);
		return NULL;
	}
	return t;
}

static uint64_t entry_at(unsigned int i)
{
	const char *p = (const char *)(root + 1) + (size_t)i * entry_size;
	uint64_t pa = 0;

	memcpy(&pa, p, entry_size);
	return pa;
}

static unsigned int nr_entries(void)
{
	return root ? (root->length - (uint32_t)sizeof(*root)) / entry_size : 0;
}

/*
 * Good tables, by index in the root table.  A bit for each: firmware has some dozens; what comes
 * after the last bit is not used.
 */
static uint64_t good[4];

static bool is_good(unsigned int i)
{
	return i < 256 && good[i / 64] >> i % 64 & 1;
}

static void use_root(const struct rsdp *r)
{
	if (r->revision >= 2 && r->length >= sizeof(*r) && in_reach(rsdp_place.v, sizeof(*r)) &&
	    !sum(r, sizeof(*r)) && r->xsdt) {
		root = check_table(r->xsdt);
		entry_size = 8;
	}
	if (!root && r->rsdt) {
		root = check_table(r->rsdt);
		entry_size = 4;
	}
}

void acpi_init(paddr_t rsdp)
{
	const struct rsdp *r = phys_to_virt(rsdp);

	reach = arch_early_limit();
	rsdp_place = rsdp;
	if (!rsdp.v) {
		log_warn("acpi: the loader gave no RSDP");
		return;
	}
	if (!in_reach(rsdp.v, RSDP_V1_SIZE) || memcmp(r->signature, "RSD PTR ", 8) ||
	    sum(r, RSDP_V1_SIZE)) {
		log_warn("acpi: no valid RSDP at %#lx", rsdp.v);
		return;
	}
	use_root(r);
	for (unsigned int i = 0; i < nr_entries() && i < 256; i++)
		if (check_table(entry_at(i)))
			good[i / 64] |= 1ULL << i % 64;
	if (nr_entries() > 256)
		log_warn("acpi: only the first 256 of %u tables are used", nr_entries());
}

/* The DSDT is not in the root table, but power-off reads it. */
static const struct acpi_table *dsdt(void)
{
	const struct acpi_table *fadt = acpi_find("FACP", 0);
	uint32_t pa32 = 0;
	uint64_t pa = 0;

	if (!fadt || fadt->length < 44)
		return NULL;
	memcpy(&pa32, (const char *)fadt + 40, 4);
	if (fadt->length >= 148)
		memcpy(&pa, (const char *)fadt + 140, 8);
	if (!pa)
		pa = pa32;
	return pa ? check_table(pa) : NULL;
}

void acpi_for_each_table(void (*fn)(uint64_t pa, uint64_t size))
{
	const struct acpi_table *t;

	if (!root)
		return;
	fn(virt_to_phys(root).v, root->length);
	for (unsigned int i = 0; i < nr_entries(); i++) {
		if (!is_good(i))
			continue;
		t = phys_to_virt(PADDR(entry_at(i)));
		fn(entry_at(i), t->length);
	}
	t = dsdt();
	if (t)
		fn(virt_to_phys(t).v, t->length);
}

const struct acpi_table *acpi_find(const char signature[4], unsigned int nth)
{
	if (!memcmp(signature, "DSDT", 4))
		return nth ? NULL : dsdt();
	for (unsigned int i = 0; i < nr_entries(); i++) {
		const struct acpi_table *t;

		if (!is_good(i))
			continue;
		t = phys_to_virt(PADDR(entry_at(i)));
		if (!memcmp(t->signature, signature, 4) && !nth--)
			return t;
	}
	return NULL;
}
