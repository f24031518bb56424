/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: a ring of variable-sized records in a static buffer, so that it works before
 * memory does.
 *
 * I1  Records lie between first and next (byte positions that only grow; modulo the size they are
 *     offsets); a record is contiguous: one that would wrap is preceded by a filler.
 * I2  Everything is under log_lock with interrupts masked, sinks included, so that lines do not
 *     mix.
 *
 * A record that is overwritten is simply gone: readers learn it from the sequence number.
 */
#include <arch/boot.h>
#include <arch/irq.h>
#include <kernel/clock.h>
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/spinlock.h>
#include <kernel/waitq.h>
#include <lib/minmax.h>
#include <lib/parse.h>
#include <lib/printf.h>
#include <lib/string.h>

#define LOG_SIZE	(1u << CONFIG_LOG_SHIFT)
#define LOG_LINE_MAX	400u

struct log_entry {
	uint64_t seq;			/* of a filler: of the record after it */
	int64_t time_ns;
	uint16_t len;			/* of the text */
	uint16_t size;			/* of the whole entry */
	uint8_t level, facility;
	bool filler;
	char text[];
};

static struct {
	struct spinlock lock;
	char buffer[LOG_SIZE] __aligned(8);
	uint64_t first, next;		/* [L] byte positions */
	uint64_t next_seq;		/* [L] */
	struct log_sink *sinks;		/* [L] */
} ring = { .lock = SPINLOCK_INIT(LOG) };

struct waitq log_waitq = WAITQ_INIT(log_waitq);
int log_console_level = LOG_DEBUG;
static uint64_t panic_seq;		/* the first record of a panic's report */
static int shown_level;			/* log_console_level before it */

static struct log_entry *entry_at(uint64_t position)
{
	return (struct log_entry *)(ring.buffer + position % LOG_SIZE);
}

/* Room for @size bytes at next, contiguous: the oldest entries go. */
static struct log_entry *make_room(uint32_t size)
{
	uint32_t tail = LOG_SIZE - (uint32_t)(ring.next % LOG_SIZE);
	uint32_t need = tail < size ? tail + size : size;

	while (ring.next + need - ring.first > LOG_SIZE)
		ring.first += entry_at(ring.first)->size;
	if (tail < size) {
		if (tail >= sizeof(struct log_entry))
			*entry_at(ring.next) = (struct log_entry){ .size = (uint16_t)tail,
								   .filler = true };
		ring.next += tail;
	}
	return entry_at(ring.next);
}

static void console_write(const char *text, size_t len)
{
	if (!ring.sinks)
		for (size_t i = 0; i < len; i++)
			arch_early_putc(text[i]);
	for (struct log_sink *s = ring.sinks; s; s = s->next)
		s->write(s, text, len);
}

static void sinks_write(const struct log_entry *e)
{
	char head[40];
	size_t n = (size_t)scnprintf(head, sizeof(head), "[%5lld.%06lld] ",
				     (long long)(e->time_ns / NSEC_PER_SEC),
				     (long long)(e->time_ns % NSEC_PER_SEC / 1000));

	console_write(head, n);
	console_write(e->text, e->len);
	console_write("\n", 1);
}

/*
 * The lock is held.  Entries keep 8-byte alignment, and a tail too small for a header cannot occur.
 */
static void append_locked(enum log_level level, unsigned int facility, const char *text, size_t len)
{
	uint32_t size = (uint32_t)align_up(sizeof(struct log_entry) + len, 32);
	struct log_entry *e = make_room(size);

	e->seq = ring.next_seq++;
	e->time_ns = clock_ns();
	e->len = (uint16_t)len;
	e->size = (uint16_t)size;
	e->level = (uint8_t)level;
	e->facility = (uint8_t)facility;
	e->filler = false;
	memcpy(e->text, text, len);
	ring.next += size;
	if ((int)level < log_console_level)
		sinks_write(e);
}

void log_append(enum log_level level, unsigned int facility, const char *text, size_t len)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);

	append_locked(level, facility, text, min(len, (size_t)LOG_LINE_MAX));
	spin_unlock_irqrestore(&ring.lock, flags);
}

/* A waiter's lock may be what the caller holds, so readers are woken only where that cannot be. */
static void wake_readers(void)
{
	if (!list_empty(&log_waitq.entries) && !in_atomic() && arch_irq_is_enabled())
		waitq_wake_all(&log_waitq, 0);
}

void log_print(enum log_level level, const char *fmt, ...)
{
	char text[LOG_LINE_MAX];
	va_list args;
	size_t len;

	va_start(args, fmt);
	len = (size_t)vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_append(level, 0, text, len);
	wake_readers();
}

/* The CPU that held the lock may be stopped for good now: break it. */
void log_panic_begin(void)
{
	ring.lock.owner = ring.lock.next;
	panic_seq = ring.next_seq;
	shown_level = log_console_level;
	log_console_level = LOG_DEBUG + 1;
	/*
	 * A program's unfinished line may stand on the console: the report starts a line of its
	 * own.
	 */
	console_write("\n", 1);
}

void log_panic_tail(unsigned int max)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);
	uint64_t from = panic_seq > max ? panic_seq - max : 0;

	for (uint64_t at = ring.first; at < ring.next; at += entry_at(at)->size) {
		struct log_entry *e = entry_at(at);

		if (!e->filler && e->seq >= from && e->seq < panic_seq && e->level >= shown_level)
			sinks_write(e);
	}
	spin_unlock_irqrestore(&ring.lock, flags);
}

void log_sink_register(struct log_sink *s)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);

	s->next = ring.sinks;
	ring.sinks = s;
	spin_unlock_irqrestore(&ring.lock, flags);
}

/*
 * The position of record @seq, or of the oldest when that is gone.  Linear: readers are few and the
 * ring is small.
 */
static struct log_entry *find_locked(uint64_t seq)
{
	for (uint64_t at = ring.first; at < ring.next; at += entry_at(at)->size) {
		struct log_entry *e = entry_at(at);

		if (!e->filler && e->seq >= seq)
			return e;
	}
	return NULL;
}

size_t log_read(uint64_t seq, struct log_record *rec, char *buf, size_t size)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);
	struct log_entry *e = find_locked(seq);
	size_t n = 0;

	if (e) {
		*rec = (struct log_record){ .seq = e->seq, .time_ns = e->time_ns, .level = e->level,
					    .facility = e->facility, .len = e->len };
		n = min((size_t)e->len, size);
		memcpy(buf, e->text, n);
	}
	spin_unlock_irqrestore(&ring.lock, flags);
	return e ? max(n, (size_t)1) : 0;
}

uint64_t log_first_seq(void)
{
	unsigned long flags = spin_lock_irqsave(&ring.lock);
	struct log_entry *e = find_locked(0);
	uint64_t seq = e ? e->seq : ring.next_seq;

	spin_unlock_irqrestore(&ring.lock, flags);
	return seq;
}

uint64_t log_next_seq(void)
{
	return __atomic_load_n(&ring.next_seq, __ATOMIC_RELAXED);
}

/* Boot arguments: loglevel=N, quiet, debug. */
void log_init(void)
{
	const char *level = boot_arg("loglevel");
	uint64_t n;

	log_console_level = LOG_DEBUG;
	if (boot_arg("quiet"))
		log_console_level = LOG_WARNING;
	if (boot_arg("debug"))
		log_console_level = LOG_DEBUG + 1;
	if (level && !parse_u64(level, 10, &n) && n <= 8)
		log_console_level = (int)n;
}
