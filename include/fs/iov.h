/* SPDX-License-Identifier: MIT */
/*
 * Vectors of buffers from user space: for readv and writev, and for messages of sockets.
 */
#ifndef FS_IOV_H
#define FS_IOV_H

#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/uio.h>

#define RW_MAX	0x7ffff000UL		/* as Linux: the most that one call moves */

/* A kernel copy of a vector, which the iterator refers to. */
struct user_vector {
	struct iovec few[UIO_FASTIOV];
	struct iovec *all;
};

/* 0, -EINVAL, -EFAULT, -ENOMEM; user_vector_put() in any case. */
__must_check int iov_import(struct user_vector *v, struct iov_iter *it, uaddr_t iov,
			    unsigned long count);

static inline void user_vector_put(struct user_vector *v)
{
	if (unlikely(v->all != v->few))
		kfree(v->all);
}

#endif
