/* SPDX-License-Identifier: MIT */
/*
 * What lies on a volume, by its first bytes.  Everything read is untrusted; nothing but these bytes
 * is looked at.
 */
#include "probe.h"

#include <lib/printf.h>
#include <lib/string.h>

/* Copy @len bytes of text without its trailing blanks. */
static void copy_text(char *to, size_t room, const uint8_t *from, size_t len)
{
	size_t n = 0;

	while (n < len && from[n])
		n++;
	while (n && from[n - 1] == ' ')
		n--;
	n = n < room - 1 ? n : room - 1;
	memcpy(to, from, n);
	to[n] = '\0';
}

static uint32_t get16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t get32(const uint8_t *p) { return get16(p) | get16(p + 2) << 16; }

static bool parse_ext(const uint8_t *sb, struct volume_id *id)
{
	const uint8_t *u = sb + 104;
	bool has_journal = get32(sb + 92) & 4, is_ext4 = get32(sb + 96) & ~6u;

	if (get16(sb + 56) != 0xef53)
		return false;
	str_copy_cut(id->type, is_ext4 ? "ext4" : has_journal ? "ext3" : "ext2",
		     sizeof(id->type));
	copy_text(id->label, sizeof(id->label), sb + 120, 16);
	snprintf(id->uuid, sizeof(id->uuid),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
		 u[13], u[14], u[15]);
	return true;
}

/* The extended boot record stands at 36 on FAT12 and FAT16 and at 64 on FAT32. */
static bool parse_fat(const uint8_t *b, struct volume_id *id)
{
	const uint8_t *e = get16(b + 22) ? b + 36 : b + 64;
	uint32_t sector = get16(b + 11), serial = get32(e + 3);

	if (get16(b + 510) != 0xaa55 || (b[0] != 0xeb && b[0] != 0xe9) || !b[16] || !b[13] ||
	    b[13] & (b[13] - 1) || sector < 512 || sector > 4096 || sector & (sector - 1) ||
	    !get16(b + 14) || (e[2] != 0x29 && e[2] != 0x28))
		return false;
	str_copy_cut(id->type, "vfat", sizeof(id->type));
	if (e[2] == 0x29 && memcmp(e + 7, "NO NAME    ", 11))
		copy_text(id->label, sizeof(id->label), e + 7, 11);
	snprintf(id->uuid, sizeof(id->uuid), "%04X-%04X", serial >> 16, serial & 0xffff);
	return true;
}

static bool parse_iso(const uint8_t *v, struct volume_id *id)
{
	const uint8_t *t = v + 813;	/* time of creation, 16 digits */

	if (memcmp(v + 1, "CD001", 5) || v[0] != 1)
		return false;
	str_copy_cut(id->type, "iso9660", sizeof(id->type));
	copy_text(id->label, sizeof(id->label), v + 40, 32);
	for (unsigned int i = 0; i < 16; i++)
		if (t[i] < '0' || t[i] > '9')
			return true;
	snprintf(id->uuid, sizeof(id->uuid), "%.4s-%.2s-%.2s-%.2s-%.2s-%.2s-%.2s", (const char *)t,
		 (const char *)t + 4, (const char *)t + 6, (const char *)t + 8,
		 (const char *)t + 10, (const char *)t + 12, (const char *)t + 14);
	return true;
}

bool volume_parse(const uint8_t *head, const uint8_t *iso, struct volume_id *id)
{
	memset(id, 0, sizeof(*id));
	return parse_ext(head + 1024, id) || (iso && parse_iso(iso, id)) || parse_fat(head, id);
}

#ifndef LIB_HOST
#include <drivers/block.h>
#include <lib/err.h>
#include <mm/slab.h>

int volume_identify(struct block_device *dev, struct volume_id *id)
{
	uint8_t *buf = kmalloc(VOLUME_HEAD + 4096, 0), *iso = NULL;
	int err = -ENOMEM;

	if (!buf)
		return err;
	err = block_read(dev, 0, buf, VOLUME_HEAD);
	if (!err && dev->nr_sectors >= (VOLUME_ISO + 4096) >> SECTOR_SHIFT &&
	    !block_read(dev, VOLUME_ISO >> SECTOR_SHIFT, buf + VOLUME_HEAD, 4096))
		iso = buf + VOLUME_HEAD;
	if (!err && !volume_parse(buf, iso, id))
		err = -ENOENT;
	kfree(buf);
	return err;
}
#endif
