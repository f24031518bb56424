/* SPDX-License-Identifier: MIT */
/*
 * The random generator: one pool that entropy is hashed into, one base key drawn from it, and on
 * each CPU a key of its own that erases itself with every use ("fast key erasure").
 *
 *	add_entropy() -> pool (BLAKE2s) -> base key (ChaCha20) -> each CPU's key -> its batch
 *		-> random_bytes()
 *
 * R1  A key that made output is overwritten before the output is used, and bytes of a batch are
 *     zeroed as they leave: the kernel's memory tells nothing about numbers given out before.
 * R2  A CPU's key is valid for one generation of the base key.  Reseeding is a new generation; all
 *     CPUs follow at their next use.
 * R3  The per-CPU state is touched with interrupts masked, the pool and base key under random_lock
 *     (class RANDOM).
 *
 * Seeding counts entropy until 256 bits are in.  Before that, numbers come from what is there:
 * unknown to a remote attacker at best, which random_wait_seeded() is for.  After it, new entropy
 * is mixed in at every reseed.
 */
#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/clock.h>
#include <kernel/percpu.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <lib/blake2s.h>
#include <lib/chacha20.h>
#include <lib/minmax.h>
#include <lib/string.h>
#include <security/random.h>
#include <uapi/poll.h>
#include "random_internal.h"

#define KEY_BYTES	CHACHA20_KEY_BYTES
#define SEED_BITS	256u
#define RESEED_NS	(300 * NSEC_PER_SEC)
#define BATCH_BLOCKS	4
#define BATCH_BYTES	(BATCH_BLOCKS * CHACHA20_BLOCK - KEY_BYTES)

static struct {
	struct spinlock lock;		/* class RANDOM */
	struct blake2s pool;		/* [L] */
	uint8_t key[KEY_BYTES];		/* [L] the base key */
	uint64_t generation;		/* [A] written under lock; 0: never keyed */
	int64_t keyed_at_ns;		/* [L] */
	unsigned int bits;	/* [A] written under lock: entropy counted, up to SEED_BITS */
} base = { .lock = SPINLOCK_INIT(RANDOM) };

struct cpu_random {			/* [P] */
	uint64_t generation;
	uint32_t owner;		/* CPU number + 1: a copy of another CPU's state is not mine */
	uint32_t left;			/* bytes at the end of batch not given out */
	uint8_t key[KEY_BYTES];
	uint8_t batch[BATCH_BYTES];
};
static DEFINE_PERCPU(struct cpu_random, cpu_random);

struct waitq random_waitq = WAITQ_INIT(random_waitq);
static const uint8_t zero_nonce[CHACHA20_NONCE_BYTES];

bool random_is_seeded(void)
{
	return likely(__atomic_load_n(&base.bits, __ATOMIC_RELAXED) >= SEED_BITS);
}

/* Fill @out from @key, which becomes another key first (R1). */
static void expand_key(uint8_t key[KEY_BYTES], uint8_t *out, size_t len)
{
	uint8_t block[CHACHA20_BLOCK];
	struct chacha20 cipher;

	chacha20_init(&cipher, key, zero_nonce, 0);
	chacha20_block(&cipher, block);
	memcpy(key, block, KEY_BYTES);
	for (size_t at = KEY_BYTES; len; at = 0) {
		size_t n = min(len, sizeof(block) - at);

		memcpy(out, block + at, n);
		out += n;
		len -= n;
		if (len)
			chacha20_block(&cipher, block);
	}
	memzero_explicit(block, sizeof(block));
	memzero_explicit(&cipher, sizeof(cipher));
}

/* Draw a new base key from pool, old key and the CPU's source.  Lock held. */
static void reseed_locked(void)
{
	uint8_t seed[BLAKE2S_BYTES], fresh[32];
	struct blake2s mix;

	blake2s_final(&base.pool, seed);
	blake2s_init(&base.pool, BLAKE2S_BYTES, seed, sizeof(seed));
	blake2s_init(&mix, KEY_BYTES, base.key, sizeof(base.key));
	blake2s_update(&mix, seed, sizeof(seed));
	blake2s_update(&mix, fresh, arch_random_seed(fresh, sizeof(fresh)));
	blake2s_final(&mix, base.key);
	base.keyed_at_ns = clock_ns();
	__atomic_store_n(&base.generation, base.generation + 1, __ATOMIC_RELEASE);
	memzero_explicit(seed, sizeof(seed));
	memzero_explicit(fresh, sizeof(fresh));
}

void random_reseed(void)
{
	unsigned long flags = spin_lock_irqsave(&base.lock);

	reseed_locked();
	spin_unlock_irqrestore(&base.lock, flags);
}

/* This CPU needs a key of the present generation.  Interrupts masked. */
static void rekey(struct cpu_random *c)
{
	spin_lock(&base.lock);
	if (!base.generation || clock_ns() - base.keyed_at_ns > RESEED_NS)
		reseed_locked();
	expand_key(base.key, c->key, KEY_BYTES);
	c->generation = base.generation;
	spin_unlock(&base.lock);
	c->owner = this_cpu_id() + 1;
	c->left = 0;
}

/* At most BATCH_BYTES from this CPU's batch, which is renewed when it does not reach. */
static void take_small(uint8_t *buf, size_t len)
{
	unsigned long flags = arch_irq_save();
	struct cpu_random *c = this_cpu_ptr(&cpu_random);
	uint8_t *from;

	if (unlikely(c->generation != __atomic_load_n(&base.generation, __ATOMIC_ACQUIRE) ||
		     c->owner != this_cpu_id() + 1 || !c->generation))
		rekey(c);
	if (unlikely(c->left < len)) {
		expand_key(c->key, c->batch, BATCH_BYTES);
		c->left = BATCH_BYTES;
		if (clock_ns() - base.keyed_at_ns > RESEED_NS)
			c->generation = 0;		/* the next use reseeds */
	}
	from = c->batch + BATCH_BYTES - c->left;
	memcpy(buf, from, len);
	memset(from, 0, len);				/* R1 */
	c->left -= (uint32_t)len;
	arch_irq_restore(flags);
}

/* Much is wanted: a key for this call alone, expanded with interrupts as they are. */
static void take_large(uint8_t *buf, size_t len)
{
	uint8_t key[KEY_BYTES];

	take_small(key, sizeof(key));
	expand_key(key, buf, len);
	memzero_explicit(key, sizeof(key));
}

void random_bytes(void *buf, size_t len)
{
	if (likely(len <= 64))
		take_small(buf, len);
	else
		take_large(buf, len);
}

void add_entropy(const void *data, size_t len, unsigned int bits)
{
	unsigned long flags = spin_lock_irqsave(&base.lock);
	bool was_seeded = base.bits >= SEED_BITS;

	blake2s_update(&base.pool, data, len);
	__atomic_store_n(&base.bits, min(base.bits + bits, SEED_BITS), __ATOMIC_RELAXED);
	if (!was_seeded && base.bits >= SEED_BITS) {
		reseed_locked();
		was_seeded = true;
	} else {
		was_seeded = false;
	}
	spin_unlock_irqrestore(&base.lock, flags);
	if (was_seeded)
		waitq_wake_all(&random_waitq, POLLIN | POLLRDNORM);
}

/* One bit for two events: their distance is jitter, but not all of it is unknown to everybody. */
void random_add_event(uint32_t what)
{
	static uint32_t events;		/* [A] */
	struct { int64_t time_ns; uint32_t what, nr; } e;

	if (random_is_seeded())
		return;
	e.time_ns = clock_ns();
	e.what = what;
	e.nr = __atomic_fetch_add(&events, 1, __ATOMIC_RELAXED);
	add_entropy(&e, sizeof(e), e.nr & 1);
}

void random_init(void)
{
	uint8_t seed[64];
	size_t n;

	blake2s_init(&base.pool, BLAKE2S_BYTES, NULL, 0);
	/* Machines that run the same image differ at least in these. */
	add_entropy(boot_info.command_line, strlen(boot_info.command_line), 0);
	add_entropy(boot_info.memory, sizeof(boot_info.memory[0]) * boot_info.nr_memory, 0);
	n = arch_random_seed(seed, sizeof(seed));
	add_entropy(seed, n, (unsigned int)min(n * 8, (size_t)SEED_BITS));
	memzero_explicit(seed, sizeof(seed));
}
