/* SPDX-License-Identifier: MIT */
/*
 * Iterators over the buffers of reads and writes.  A fault ends a copy short; what was copied
 * before it counts and the iterator stands behind it.
 */
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/uaccess.h>

void iov_iter_user(struct iov_iter *it, uaddr_t base, size_t len)
{
	it->kernel = false;
	it->nr_segments = 1;
	it->count = len;
	it->segment_offset = 0;
	it->single = (struct iovec){ .iov_base = base.v, .iov_len = len };
	it->segments = &it->single;
}

void iov_iter_kernel(struct iov_iter *it, void *base, size_t len)
{
	iov_iter_user(it, UADDR(base), len);
	it->kernel = true;
}

void iov_iter_user_vector(struct iov_iter *it, const struct iovec *segments, unsigned int nr)
{
	it->kernel = false;
	it->nr_segments = nr;
	it->segment_offset = 0;
	it->segments = segments;
	it->count = 0;
	for (unsigned int i = 0; i < nr; i++)
		it->count += segments[i].iov_len;
}

enum iov_op { IOV_TO, IOV_FROM, IOV_CLEAR };

/* Bytes done of one piece. */
static __always_inline size_t piece(bool kernel, enum iov_op op, uint64_t at, void *buf, size_t len)
{
	if (unlikely(kernel)) {
		if (op == IOV_TO)
			memcpy((void *)at, buf, len);
		else if (op == IOV_FROM)
			memcpy(buf, (void *)at, len);
		else
			memset((void *)at, 0, len);
		return len;
	}
	if (op == IOV_TO)
		return len - copy_to_user_partial(UADDR(at), buf, len);
	if (op == IOV_FROM)
		return len - copy_from_user_partial(buf, UADDR(at), len);
	return user_range_ok(UADDR(at), len) ? len - arch_clear_user(UADDR(at), len) : 0;
}

/* The general way: @len bytes, which the segments have, may lie in several of them. */
static __noinline size_t walk_segments(struct iov_iter *it, enum iov_op op, void *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		const struct iovec *v = it->segments;
		size_t n = min(len - done, (size_t)v->iov_len - it->segment_offset), got;

		if (!n) {
			it->segments++;
			it->nr_segments--;
			it->segment_offset = 0;
			continue;
		}
		got = piece(it->kernel, op, v->iov_base + it->segment_offset, (char *)buf + done,
			    n);
		it->segment_offset += got;
		it->count -= got;
		done += got;
		if (got != n)
			break;
	}
	return done;
}

/* The usual way: all of it lies in the present segment. */
static __always_inline size_t walk(struct iov_iter *it, enum iov_op op, void *buf, size_t len)
{
	size_t got;

	len = min(len, it->count);
	if (unlikely(!len))		/* there may be no segment left to look at */
		return 0;
	if (unlikely(len > it->segments->iov_len - it->segment_offset))
		return walk_segments(it, op, buf, len);
	got = piece(it->kernel, op, it->segments->iov_base + it->segment_offset, buf, len);
	it->segment_offset += got;
	it->count -= got;
	return got;
}

size_t iov_copy_to(struct iov_iter *it, const void *src, size_t len)
{
	return walk(it, IOV_TO, (void *)src, len);
}

size_t iov_copy_from(struct iov_iter *it, void *dst, size_t len)
{
	return walk(it, IOV_FROM, dst, len);
}

size_t iov_clear(struct iov_iter *it, size_t len)
{
	return walk(it, IOV_CLEAR, NULL, len);
}

void iov_advance(struct iov_iter *it, size_t len)
{
	len = min(len, it->count);
	it->count -= len;
	while (len) {
		size_t n = min(len, (size_t)it->segments->iov_len - it->segment_offset);

		it->segment_offset += n;
		len -= n;
		if (it->segment_offset < it->segments->iov_len)
			break;
		if (len) {
			it->segments++;
			it->nr_segments--;
			it->segment_offset = 0;
		}
	}
}
