/* SPDX-License-Identifier: MIT */
/*
 * User memory in more than one word: strings and structures whose size user space names.
 */
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/uaccess.h>

long copy_string_from_user(char *dst, uaddr_t src, size_t size)
{
	size_t max = size;
	long len;

	if (src.v >= USER_TOP)
		return -EFAULT;
	max = min(max, (size_t)(USER_TOP - src.v));
	len = arch_copy_string_from_user(dst, src, max);
	if (len >= 0 && (size_t)len == max)
		return max == size ? -ENAMETOOLONG : -EFAULT;
	return len;
}

/* Is user memory [p, p + len) all zero?  0, -E2BIG, -EFAULT. */
static int check_zero_user(uaddr_t p, size_t len)
{
	uint8_t buf[64];

	while (len) {
		size_t n = min(len, sizeof(buf));

		if (copy_from_user(buf, p, n))
			return -EFAULT;
		if (mem_find_other(buf, 0, n))
			return -E2BIG;
		p = uaddr_add(p, n);
		len -= n;
	}
	return 0;
}

int copy_struct_from_user(void *dst, size_t dst_size, uaddr_t src, size_t src_size)
{
	size_t n = min(dst_size, src_size);
	int err = 0;

	if (src_size > PAGE_SIZE)
		return -E2BIG;
	if (src_size > dst_size)
		err = check_zero_user(uaddr_add(src, dst_size), src_size - dst_size);
	if (err)
		return err;
	memset((char *)dst + n, 0, dst_size - n);
	return copy_from_user(dst, src, n);
}
