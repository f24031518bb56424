/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that nobody can predict.
 */
#ifndef SECURITY_RANDOM_H
#define SECURITY_RANDOM_H

#include <kernel/file.h>
#include <lib/types.h>

struct iov_iter;
struct poll_table;

/*
 * Fill @buf.  Any context; never fails or waits: before the generator is seeded the numbers are
 * only hard to guess.
 */
void random_bytes(void *buf, size_t len);

/* Boot CPU, before any other use; takes what the CPU and the boot loader give. */
void random_init(void);

/* 256 bits of entropy have come in. */
bool random_is_seeded(void);
/* Wait for that, gathering timing jitter meanwhile; 0 or -ERESTARTSYS.  Thread context. */
__must_check int random_wait_seeded(void);

/*
 * Mix @len bytes into the pool and count them as @bits of entropy, 0 when an adversary may know
 * them. Any context.
 */
void add_entropy(const void *data, size_t len, unsigned int bits);
/*
 * An event whose time is hard to foretell: an interrupt, a key.  Any context; cheap, and nothing
 * once seeded.
 */
void random_add_event(uint32_t what);

/* For /dev/random (which waits for the seed) and /dev/urandom (which does not). */
enum random_wait { RANDOM_WAIT_SEEDED, RANDOM_NO_WAIT };
ssize_t random_read(struct file *f, struct iov_iter *to, enum random_wait wait);
ssize_t random_write(struct iov_iter *from);
long random_ioctl(unsigned int cmd, uint64_t arg);
uint32_t random_poll(struct file *f, struct poll_table *pt);

#endif
