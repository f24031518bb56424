/* SPDX-License-Identifier: MIT */
/*
 * User memory for system calls: checked, faultable, never trusted twice.
 */
#ifndef MM_UACCESS_H
#define MM_UACCESS_H

#include <arch/mmu.h>
#include <arch/uaccess.h>
#include <kernel/thread.h>
#include <uapi/uio.h>
#include <lib/err.h>
#include <lib/minmax.h>

static inline bool user_range_ok(uaddr_t p, size_t len)
{
	return range_within(p.v, len, USER_TOP);
}

/* All or nothing as far as the caller can tell: 0 or -EFAULT. */
static inline __must_check int copy_from_user(void *dst, uaddr_t src, size_t len)
{
	if (unlikely(!user_range_ok(src, len)) || unlikely(arch_copy_from_user(dst, src, len)))
		return -EFAULT;
	return 0;
}

static inline __must_check int copy_to_user(uaddr_t dst, const void *src, size_t len)
{
	if (unlikely(!user_range_ok(dst, len)) || unlikely(arch_copy_to_user(dst, src, len)))
		return -EFAULT;
	return 0;
}

static inline __must_check int clear_user(uaddr_t dst, size_t len)
{
	if (unlikely(!user_range_ok(dst, len)) || unlikely(arch_clear_user(dst, len)))
		return -EFAULT;
	return 0;
}

/* As much as can be: bytes not copied. */
static inline size_t copy_from_user_partial(void *dst, uaddr_t src, size_t len)
{
	return user_range_ok(src, len) ? arch_copy_from_user(dst, src, len) : len;
}

static inline size_t copy_to_user_partial(uaddr_t dst, const void *src, size_t len)
{
	return user_range_ok(dst, len) ? arch_copy_to_user(dst, src, len) : len;
}

/* Length without the NUL, -EFAULT, or -ENAMETOOLONG when no NUL is within @size bytes. */
__must_check long copy_string_from_user(char *dst, uaddr_t src, size_t size);

/*
 * One word, by type: get_user(&v, p) and put_user(v, p); 0 or -EFAULT.  v is 8, 32 or 64 bits wide.
 */
#define get_user(v, p) ({								\
	uaddr_t gu_p_ = (p);								\
	!user_range_ok(gu_p_, sizeof(*(v))) ? -EFAULT :					\
	sizeof(*(v)) == 1 ? arch_get_user8((uint8_t *)(v), gu_p_) :			\
	sizeof(*(v)) == 4 ? arch_get_user32((uint32_t *)(v), gu_p_) :			\
			    arch_get_user64((uint64_t *)(v), gu_p_); })
#define put_user(v, p) ({								\
	uaddr_t pu_p_ = (p);								\
	!user_range_ok(pu_p_, sizeof(v)) ? -EFAULT :					\
	sizeof(v) == 1 ? arch_put_user8((uint8_t)(v), pu_p_) :				\
	sizeof(v) == 4 ? arch_put_user32((uint32_t)(v), pu_p_) :			\
			 arch_put_user64((uint64_t)(v), pu_p_); })

/*
 * A structure whose size user space names (clone3, sched_setattr): missing bytes are zero, extra
 * ones must be. 0, -EFAULT, -E2BIG.
 */
__must_check int copy_struct_from_user(void *dst, size_t dst_size, uaddr_t src, size_t src_size);

/* Faults on user memory end in EFAULT at once while disabled. */
static inline void pagefault_disable(void) { current_thread()->pagefault_disabled++; barrier(); }
static inline void pagefault_enable(void) { barrier(); current_thread()->pagefault_disabled--; }

/*
 * References to the pages behind the caller's [@start, @start + @nr pages), faulted in for reading
 * or, @for_write, for somebody (a device) to write them; the caller marks file pages dirty
 * afterwards. How many there are from the first on, or -EFAULT.
 */
struct page;
__must_check int user_pages_pin(uaddr_t start, unsigned int nr, bool for_write,
				struct page **pages);

/*
 * An iterator over the buffers of a read or write: user vectors, or kernel memory
 * (KERNEL: sendfile, splice, tests).
 */
struct iov_iter {
	bool kernel;
	unsigned int nr_segments;
	size_t count;			/* bytes left in all segments */
	size_t segment_offset;
	/* kernel copy of the vector; iov_base is a user or kernel address */
	const struct iovec *segments;
	struct iovec single;		/* storage for the usual one-segment case */
};

void iov_iter_user(struct iov_iter *it, uaddr_t base, size_t len);
void iov_iter_kernel(struct iov_iter *it, void *base, size_t len);
/*
 * @segments: a kernel copy whose lengths were checked to sum within SSIZE_MAX; it stays while the
 * iterator is used.
 */
void iov_iter_user_vector(struct iov_iter *it, const struct iovec *segments, unsigned int nr);
/* Bytes copied (short on a fault); the iterator advances by as many. */
size_t iov_copy_to(struct iov_iter *it, const void *src, size_t len);
size_t iov_copy_from(struct iov_iter *it, void *dst, size_t len);
size_t iov_clear(struct iov_iter *it, size_t len);
void iov_advance(struct iov_iter *it, size_t len);

#endif
