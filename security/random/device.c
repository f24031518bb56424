/* SPDX-License-Identifier: MIT */
/* The generator as user programs see it: getrandom(2), and what /dev/random and /dev/urandom do. */
#include <fs/poll.h>
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <mm/uaccess.h>
#include <security/random.h>
#include <uapi/fcntl.h>
#include <uapi/ioctl.h>
#include <uapi/random.h>
#include "random_internal.h"

#define CHUNK		256u
#define JITTER_STEP_NS	(50 * NSEC_PER_USEC)

/*
 * A machine without any source still has interrupts that come a little early or late: sleep for
 * short times and take the least significant digits.  One bit for a wake-up whose delay differs
 * from the one before.
 */
int random_wait_seeded(void)
{
	int64_t last = 0;

	while (!random_is_seeded()) {
		int64_t start = clock_ns(), late;
		int err = wait_event_timeout(&random_waitq, random_is_seeded(),
					     start + JITTER_STEP_NS);

		if (!err)
			break;
		if (err != -ETIMEDOUT)
			return err;
		late = clock_ns() - start;
		add_entropy(&(int64_t[2]){ start, late }, 16, late != last);
		last = late;
	}
	return 0;
}

/* To user memory in pieces; a signal ends a long one.  Bytes, or -EFAULT. */
static ssize_t copy_out(struct iov_iter *to)
{
	uint8_t block[CHUNK];
	size_t done = 0;

	while (to->count) {
		size_t n = min(to->count, sizeof(block)), copied;

		random_bytes(block, n);
		copied = iov_copy_to(to, block, n);
		done += copied;
		if (copied < n || (done % 4096 == 0 && signal_is_pending()))
			break;
	}
	memzero_explicit(block, sizeof(block));
	return done ? (ssize_t)done : -EFAULT;
}

long sys_getrandom(uaddr_t buf, size_t len, unsigned int flags)
{
	struct iov_iter to;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	if (unlikely(!random_is_seeded()) && !(flags & GRND_INSECURE)) {
		int err = flags & GRND_NONBLOCK ? -EAGAIN : random_wait_seeded();

		if (err)
			return err;
	}
	if (!len)
		return 0;
	if (len <= 64) {			/* keys, cookies, hash seeds: no iterator */
		uint8_t small[64];
		int err;

		random_bytes(small, len);
		err = copy_to_user(buf, small, len);
		memzero_explicit(small, sizeof(small));
		return err ? err : (long)len;
	}
	iov_iter_user(&to, buf, min(len, (size_t)INT32_MAX));
	return copy_out(&to);
}

ssize_t random_read(struct file *f, struct iov_iter *to, enum random_wait wait)
{
	if (!to->count)
		return 0;
	if (wait == RANDOM_WAIT_SEEDED && !random_is_seeded()) {
		int err = f->flags & O_NONBLOCK ? -EAGAIN : random_wait_seeded();

		if (err)
			return err;
	}
	return copy_out(to);
}

/* Anybody may add to the pool; nothing is credited for it. */
ssize_t random_write(struct iov_iter *from)
{
	uint8_t block[CHUNK];
	size_t done = 0;

	while (from->count) {
		size_t n = min(from->count, sizeof(block)), copied = iov_copy_from(from, block, n);

		add_entropy(block, copied, 0);
		done += copied;
		if (copied < n || signal_is_pending())
			break;
	}
	memzero_explicit(block, sizeof(block));
	return done ? (ssize_t)done : -EFAULT;
}

static bool may_administer(void)
{
	return current_cred()->euid == 0;
}

/* RNDADDENTROPY: { bits, bytes, data }. */
static long add_credited(uint64_t arg)
{
	int32_t head[2];
	struct iov_iter from;
	ssize_t n;

	if (copy_from_user(head, UADDR(arg), sizeof(head)))
		return -EFAULT;
	if (head[0] < 0 || head[1] < 0)
		return -EINVAL;
	if (!head[1])
		return 0;
	iov_iter_user(&from, UADDR(arg + sizeof(head)), (size_t)head[1]);
	n = random_write(&from);
	if (n != head[1])
		return n < 0 ? n : -EFAULT;
	add_entropy(head, sizeof(head), min((unsigned int)head[0], (unsigned int)head[1] * 8));
	return 0;
}

long random_ioctl(unsigned int cmd, uint64_t arg)
{
	uint32_t bits;

	if (cmd == RNDGETENTCNT)
		return put_user((uint32_t)(random_is_seeded() ? 256 : 0), UADDR(arg));
	if (cmd != RNDADDTOENTCNT && cmd != RNDADDENTROPY && cmd != RNDZAPENTCNT &&
	    cmd != RNDCLEARPOOL && cmd != RNDRESEEDCRNG)
		return -EINVAL;
	if (!may_administer())
		return -EPERM;
	switch (cmd) {
	case RNDADDTOENTCNT:
		if (get_user(&bits, UADDR(arg)))
			return -EFAULT;
		if ((int32_t)bits < 0)
			return -EINVAL;
		add_entropy(NULL, 0, min(bits, 256U));
		return 0;
	case RNDADDENTROPY:
		return add_credited(arg);
	case RNDRESEEDCRNG:
		if (!random_is_seeded())
			return -ENODATA;
		random_reseed();
		return 0;
	}
	return 0;				/* the two that clear do nothing on Linux either */
}

uint32_t random_poll(struct file *f, struct poll_table *pt)
{
	poll_wait(f, &random_waitq, pt);
	return random_is_seeded() ? POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM :
		POLLOUT | POLLWRNORM;
}
