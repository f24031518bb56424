/* SPDX-License-Identifier: MIT */
/*
 * Access control lists: what getxattr() and setxattr() show (version 2, entries of 8 bytes) is not
 * what ext4 stores (version 1, entries without an id where none is needed take 4).
 */
#include <lib/endian.h>
#include <lib/err.h>

#include "ext4.h"

#define USER_VERSION	2u
#define DISK_VERSION	1u

enum acl_tag { ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 16,
	ACL_OTHER = 32 };

static bool has_id(uint16_t tag) { return tag == ACL_USER || tag == ACL_GROUP; }

static bool tag_ok(uint16_t tag)
{
	return tag == ACL_USER_OBJ || tag == ACL_USER || tag == ACL_GROUP_OBJ || tag == ACL_GROUP ||
	       tag == ACL_MASK || tag == ACL_OTHER;
}

/* Each of the three owners once, a mask when somebody is named, in order.  -EINVAL. */
static int check_user(const uint8_t *p, size_t n)
{
	uint32_t seen = 0;
	uint16_t last = 0;

	for (size_t i = 0; i < n; i++, p += 8) {
		uint16_t tag = get_le16(p);

		if (!tag_ok(tag) || get_le16(p + 2) > 7 || tag < last ||
		    (!has_id(tag) && (seen & tag)))
			return -EINVAL;
		seen |= tag;
		last = tag;
	}
	if ((seen & (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER)) !=
	    (ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER))
		return -EINVAL;
	return (seen & (ACL_USER | ACL_GROUP)) && !(seen & ACL_MASK) ? -EINVAL : 0;
}

ssize_t ext4_acl_to_disk(const void *value, size_t size, void *out, size_t out_size)
{
	const uint8_t *p = value;
	uint8_t *o = out, *start = out;
	size_t n;

	if (size < 4 || get_le32(p) != USER_VERSION || (size - 4) % 8)
		return size >= 4 && get_le32(p) != USER_VERSION ? -EOPNOTSUPP : -EINVAL;
	n = (size - 4) / 8;
	p += 4;
	if (check_user(p, n) || out_size < size)
		return -EINVAL;
	put_le32(o, DISK_VERSION);
	o += 4;
	for (size_t i = 0; i < n; i++, p += 8) {
		put_le16(o, get_le16(p));
		put_le16(o + 2, get_le16(p + 2));
		o += 4;
		if (has_id(get_le16(p))) {
			put_le32(o, get_le32(p + 4));
			o += 4;
		}
	}
	return o - start;
}

/* Length, also when @out_size is 0; -ERANGE, -EUCLEAN. */
ssize_t ext4_acl_from_disk(const void *disk, size_t size, void *out, size_t out_size)
{
	const uint8_t *p = disk, *end = p + size;
	uint8_t *o = out;
	size_t used = 4;

	if (size < 4 || get_le32(p) != DISK_VERSION)
		return -EUCLEAN;
	if (out_size >= 4)
		put_le32(o, USER_VERSION);
	for (p += 4; p < end; used += 8) {
		size_t len = end - p >= 4 && has_id(get_le16(p)) ? 8 : 4;

		if ((size_t)(end - p) < len)
			return -EUCLEAN;
		if (used + 8 <= out_size) {
			put_le16(o + used, get_le16(p));
			put_le16(o + used + 2, get_le16(p + 2));
			put_le32(o + used + 4, len == 8 ? get_le32(p + 4) : UINT32_MAX);
		}
		p += len;
	}
	return out_size && out_size < used ? -ERANGE : (ssize_t)used;
}

/* A list that is inherited grants no more than @mode, and @mode no more than the list. */
void ext4_acl_mask(void *disk, size_t size, uint32_t *mode)
{
	uint8_t *p = disk, *end = p + size, *group = NULL, *mask = NULL;
	uint32_t perm = *mode & 0777;

	for (p += 4; end - p >= 4; p += has_id(get_le16(p)) ? 8 : 4) {
		uint16_t have = get_le16(p + 2);

		switch (get_le16(p)) {
		case ACL_USER_OBJ:
			put_le16(p + 2, have & (uint16_t)(perm >> 6));
			perm &= ~0700u | (uint32_t)have << 6;
			break;
		case ACL_GROUP_OBJ:
			group = p;
			break;
		case ACL_MASK:
			mask = p;
			break;
		case ACL_OTHER:
			put_le16(p + 2, have & (uint16_t)perm);
			perm &= ~7u | have;
			break;
		}
	}
	p = mask ? mask : group;
	if (p) {
		uint16_t have = get_le16(p + 2);

		put_le16(p + 2, have & (uint16_t)(perm >> 3));
		perm &= ~070u | (uint32_t)have << 3;
	}
	*mode = (*mode & ~0777u) | perm;
}
