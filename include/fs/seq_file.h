/* SPDX-License-Identifier: MIT */
/*
 * Files whose text is made when they are read: /proc and its like.
 *
 * A show() that prints everything at once is the usual form: the text is made at the first read (or
 * a read at offset 0) and kept until the file is closed.  show() may sleep and may take locks; it
 * runs again with a larger buffer when the text did not fit, so it must have no side effects.
 */
#ifndef FS_SEQ_FILE_H
#define FS_SEQ_FILE_H

#include <kernel/file.h>
#include <kernel/mutex.h>

struct seq_file {
	char *text;			/* [L] */
	size_t size, used;		/* [L] of text; used > size: did not fit */
	bool made;			/* [L] */
	struct mutex lock;		/* class SEQ_FILE */
	int (*show)(struct seq_file *m);	/* [I] 0 or -errno */
	struct file *file;		/* [I] borrowed */
	void *priv;			/* [I] the opener's */
	void (*release)(struct seq_file *m);	/* [I] or NULL */
};

__printf(2, 3) void seq_printf(struct seq_file *m, const char *fmt, ...);
void seq_puts(struct seq_file *m, const char *text);
void seq_putc(struct seq_file *m, char c);
void seq_write(struct seq_file *m, const void *data, size_t len);
/* Text with the characters of @escape, and control characters, as \ooo. */
void seq_escape(struct seq_file *m, const char *text, const char *escape);
/* Pad with spaces up to column @width counted from @start of m->used. */
void seq_pad(struct seq_file *m, size_t start, size_t width);
/* The path from the reader's root, escaped; "(unreachable)" style as Linux. */
void seq_path(struct seq_file *m, const struct path *p, const char *escape);

/* For use in file_ops.open: makes f->priv a seq_file. */
__must_check int seq_open(struct file *f, int (*show)(struct seq_file *m), void *priv);
ssize_t seq_read(struct file *f, struct iov_iter *to, int64_t *offset);
int64_t seq_seek(struct file *f, int64_t offset, int whence);
void seq_release(struct file *f);
static inline struct seq_file *seq_of(struct file *f) { return f->priv; }

#endif
