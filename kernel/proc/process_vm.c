/* SPDX-License-Identifier: MIT */
/* process_vm_readv and process_vm_writev: memory of another process, by the rules of ptrace. */
#include <generated/syscall_protos.h>
#include <kernel/ptrace.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include "proc.h"

/* Two vectors, walked together; each is a kernel copy. */
struct transfer {
	struct aspace *as;
	struct iovec *local, *remote;
	unsigned long nr_local, nr_remote;
	bool write;
};

/* The vector at @uvec, checked; NULL in *@out when it is empty. */
static int copy_vector(struct iovec **out, uaddr_t uvec, unsigned long nr)
{
	uint64_t total = 0;
	struct iovec *v;

	*out = NULL;
	if (!nr)
		return 0;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	v = kmalloc(nr * sizeof(*v), ALLOC_NORMAL);
	if (!v)
		return -ENOMEM;
	if (copy_from_user(v, uvec, nr * sizeof(*v))) {
		kfree(v);
		return -EFAULT;
	}
	for (unsigned long i = 0; i < nr; i++) {
		if (v[i].iov_len > INT64_MAX || total + v[i].iov_len > INT64_MAX) {
			kfree(v);
			return -EINVAL;
		}
		total += v[i].iov_len;
	}
	*out = v;
	return 0;
}

/* At most a page: bytes done, short at the first that cannot be reached on either side. */
static size_t move_some(const struct transfer *x, uint64_t local, uint64_t remote, size_t len,
			char *page)
{
	size_t left, n;

	if (x->write) {
		left = copy_from_user_partial(page, UADDR(local), len);
		return aspace_access(x->as, remote, page, len - left, true, false);
	}
	n = aspace_access(x->as, remote, page, len, false, false);
	return n - copy_to_user_partial(UADDR(local), page, n);
}

static long move_all(const struct transfer *x, char *page)
{
	unsigned long l = 0, r = 0;
	uint64_t l_off = 0, r_off = 0;
	long done = 0;

	while (l < x->nr_local && r < x->nr_remote) {
		uint64_t len = min(x->local[l].iov_len - l_off, x->remote[r].iov_len - r_off);
		size_t want = (size_t)min(len, (uint64_t)PAGE_SIZE), n = 0;

		if (want)
			n = move_some(x, x->local[l].iov_base + l_off,
				      x->remote[r].iov_base + r_off, want, page);
		done += (long)n;
		if (n < want || signal_is_fatal_pending())
			break;
		l_off += n;
		r_off += n;
		if (l_off == x->local[l].iov_len)
			l++, l_off = 0;
		if (r_off == x->remote[r].iov_len)
			r++, r_off = 0;
	}
	return done;
}

static bool is_empty(const struct iovec *v, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++)
		if (v[i].iov_len)
			return false;
	return true;
}

/* The address space of @pid's process, for as long as it has one: counted; error pointer. */
static struct aspace *target_get(int pid)
{
	struct thread *t = thread_get(pid);
	struct aspace *as;

	if (!t)
		return ERR_PTR(-ESRCH);
	as = ptrace_aspace_get(t, PTRACE_REACH_ATTACH);
	thread_put(t);
	return as ? as : ERR_PTR(-ESRCH);
}

static long transfer(struct transfer *x, int pid)
{
	char *page;
	long done;

	if (is_empty(x->local, x->nr_local) || is_empty(x->remote, x->nr_remote))
		return 0;
	x->as = target_get(pid);
	if (IS_ERR(x->as))
		return PTR_ERR(x->as);
	page = kmalloc(PAGE_SIZE, ALLOC_NORMAL);
	done = page ? move_all(x, page) : -ENOMEM;
	kfree(page);
	aspace_put(x->as);
	return done ? done : -EFAULT;
}

static long process_vm(struct transfer *x, int pid, uaddr_t lvec, uaddr_t rvec,
		       unsigned long flags)
{
	long result;

	if (flags)
		return -EINVAL;
	result = copy_vector(&x->local, lvec, x->nr_local);
	if (!result)
		result = copy_vector(&x->remote, rvec, x->nr_remote);
	if (!result)
		result = transfer(x, pid);
	kfree(x->local);
	kfree(x->remote);
	return result;
}

long sys_process_vm_readv(int pid, uaddr_t lvec, unsigned long liovcnt, uaddr_t rvec,
			  unsigned long riovcnt, unsigned long flags)
{
	struct transfer x = { .nr_local = liovcnt, .nr_remote = riovcnt };

	return process_vm(&x, pid, lvec, rvec, flags);
}

long sys_process_vm_writev(int pid, uaddr_t lvec, unsigned long liovcnt, uaddr_t rvec,
			   unsigned long riovcnt, unsigned long flags)
{
	struct transfer x = { .nr_local = liovcnt, .nr_remote = riovcnt, .write = true };

	return process_vm(&x, pid, lvec, rvec, flags);
}
