/* SPDX-License-Identifier: MIT */
/*
 * The kernel log: a ring of records, read by /dev/kmsg and syslog(2), and printed
 * on the console at or above a level.
 *
 *	log_info("smp: %u CPUs", nr_cpus);
 *
 * Any context.  A message names its area first and ends without a newline.
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <lib/compiler.h>
#include <lib/types.h>

enum log_level {			/* as syslog(3) */
	LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG,
};

__printf(2, 3) void log_print(enum log_level level, const char *fmt, ...);

#define log_emerg(...)	log_print(LOG_EMERG, __VA_ARGS__)
#define log_err(...)	log_print(LOG_ERR, __VA_ARGS__)
#define log_warn(...)	log_print(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	log_print(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)	log_print(LOG_INFO, __VA_ARGS__)
#ifdef CONFIG_DEBUG
#define log_debug(...)	log_print(LOG_DEBUG, __VA_ARGS__)
#else
#define log_debug(...)	do { if (0) log_print(LOG_DEBUG, __VA_ARGS__); } while (0)
#endif

/*
 * Where records go besides the ring.  write() is called with interrupts masked and must not sleep
 * or log.
 */
struct log_sink {
	const char *name;
	void (*write)(struct log_sink *s, const char *text, size_t len);
	struct log_sink *next;
};

/* Replaces the port's early console when the first one registers. */
void log_sink_register(struct log_sink *s);

extern int log_console_level;		/* messages below this number are printed */

/*
 * Records for readers.  @seq is the next wanted; on return the number of the record
 * given (later when older ones were overwritten).  The bytes written to @buf as "text" without
 * a newline, 0 when there is none yet.
 */
struct log_record {
	uint64_t seq;
	int64_t time_ns;
	uint8_t level, facility;
	uint16_t len;
};
size_t log_read(uint64_t seq, struct log_record *rec, char *buf, size_t size);
uint64_t log_first_seq(void);
uint64_t log_next_seq(void);
/* Append a line from user space (/dev/kmsg). */
void log_append(enum log_level level, unsigned int facility, const char *text, size_t len);
struct waitq;
extern struct waitq log_waitq;

void log_init(void);			/* read the boot arguments */
/* Print those of the last @max records that the console did not show. */
void log_panic_tail(unsigned int max);
void log_panic_begin(void);		/* from now on one CPU logs, and everything is printed */

#endif
