/* SPDX-License-Identifier: MIT */
/* syslog(2): reading and controlling the kernel log, as dmesg does. */
#include <generated/syscall_protos.h>
#include <kernel/clock.h>
#include <kernel/log.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/syslog.h>

#define LINE_MAX 512

static uint64_t read_seq;		/* [A] next record for SYSLOG_ACTION_READ */
static uint64_t clear_seq;		/* [A] first record that READ_ALL shows */
static int saved_console_level = -1;	/* [A] while the console is off */

/* "<6>[    0.123456] text\n" */
static size_t format_line(const struct log_record *rec, const char *text, size_t len, char *out)
{
	return (size_t)scnprintf(out, LINE_MAX, "<%u>[%5lld.%06lld] %.*s\n",
				 rec->facility * 8u + rec->level,
				 (long long)(rec->time_ns / NSEC_PER_SEC),
				 (long long)(rec->time_ns % NSEC_PER_SEC / 1000), (int)len, text);
}

/* Copy whole lines from *@seq on while they fit; bytes or -errno. */
static long copy_lines(uint64_t *seq, uaddr_t buf, size_t size)
{
	char *scratch = kmalloc(2 * LINE_MAX, ALLOC_NORMAL);
	struct log_record rec;
	size_t done = 0, n;
	long err = 0;

	if (!scratch)
		return -ENOMEM;
	while ((n = log_read(*seq, &rec, scratch, LINE_MAX))) {
		size_t len = format_line(&rec, scratch, min(n, (size_t)rec.len),
					 scratch + LINE_MAX);

		if (len > size - done)
			break;
		err = copy_to_user(UADDR(buf.v + done), scratch + LINE_MAX, len);
		if (err)
			break;
		done += len;
		*seq = rec.seq + 1;
	}
	kfree(scratch);
	return done ? (long)done : err;
}

/* The last lines that fit into @size. */
static long read_all(uaddr_t buf, size_t size, bool clear)
{
	uint64_t end = log_next_seq(), from = max(clear_seq, log_first_seq());
	size_t total = 0;
	struct log_record rec;
	char c;
	long n;

	for (uint64_t seq = end; seq > from && total < size; seq--) {
		if (!log_read(seq - 1, &rec, &c, 1))
			continue;
		total += rec.len + 24u;
		if (total > size)
			from = seq;
	}
	n = copy_lines(&from, buf, size);
	if (clear && n >= 0)
		clear_seq = end;
	return n;
}

static long read_wait(uaddr_t buf, size_t size)
{
	int err = wait_event_interruptible(&log_waitq, read_seq < log_next_seq());

	return err ? err : copy_lines(&read_seq, buf, size);
}

static long console_control(int action, int level)
{
	switch (action) {
	case SYSLOG_ACTION_CONSOLE_OFF:
		if (saved_console_level < 0)
			saved_console_level = log_console_level;
		log_console_level = LOG_ALERT;
		return 0;
	case SYSLOG_ACTION_CONSOLE_ON:
		if (saved_console_level >= 0)
			log_console_level = saved_console_level;
		saved_console_level = -1;
		return 0;
	default:
		if (level < 1 || level > 8)
			return -EINVAL;
		log_console_level = level;
		saved_console_level = -1;
		return 0;
	}
}

long sys_syslog(int type, uaddr_t buf, int len)
{
	if (current_cred()->euid != 0 && type != SYSLOG_ACTION_READ_ALL &&
	    type != SYSLOG_ACTION_SIZE_BUFFER)
		return -EPERM;
	switch (type) {
	case SYSLOG_ACTION_CLOSE:
	case SYSLOG_ACTION_OPEN:
		return 0;
	case SYSLOG_ACTION_READ:
		return len < 0 || !buf.v ? -EINVAL : len ? read_wait(buf, (size_t)len) : 0;
	case SYSLOG_ACTION_READ_ALL:
	case SYSLOG_ACTION_READ_CLEAR:
		if (len < 0 || !buf.v)
			return -EINVAL;
		return read_all(buf, (size_t)len, type == SYSLOG_ACTION_READ_CLEAR);
	case SYSLOG_ACTION_CLEAR:
		clear_seq = log_next_seq();
		return 0;
	case SYSLOG_ACTION_CONSOLE_OFF:
	case SYSLOG_ACTION_CONSOLE_ON:
	case SYSLOG_ACTION_CONSOLE_LEVEL:
		return console_control(type, len);
	case SYSLOG_ACTION_SIZE_UNREAD:
		return (long)(log_next_seq() - max(read_seq, log_first_seq())) * 80;
	case SYSLOG_ACTION_SIZE_BUFFER:
		return 1L << CONFIG_LOG_SHIFT;
	}
	return -EINVAL;
}
