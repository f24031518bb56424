/* SPDX-License-Identifier: MIT */
/*
 * Text files made when they are read.
 */
#include <fs/seq_file.h>
#include <fs/vfs.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>

#define FIRST_SIZE 1024u

void seq_write(struct seq_file *m, const void *data, size_t len)
{
	if (m->used < m->size && len <= m->size - m->used)
		memcpy(m->text + m->used, data, len);
	m->used += len;
}

void seq_puts(struct seq_file *m, const char *text)
{
	seq_write(m, text, strlen(text));
}

void seq_putc(struct seq_file *m, char c)
{
	seq_write(m, &c, 1);
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	size_t room = m->used < m->size ? m->size - m->used : 0;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(room ? m->text + m->used : NULL, room, fmt, ap);
	va_end(ap);
	m->used += (size_t)len;
	if (room && (size_t)len >= room)
		m->used = max(m->used, m->size + 1);	/* the terminator took the last byte */
}

void seq_escape(struct seq_file *m, const char *text, const char *escape)
{
	for (; *text; text++) {
		if (strchr(escape, *text) || *text == '\n')
			seq_printf(m, "\\%03o", (unsigned char)*text);
		else
			seq_putc(m, *text);
	}
}

void seq_pad(struct seq_file *m, size_t start, size_t width)
{
	while (m->used - start < width)
		seq_putc(m, ' ');
}

int seq_open(struct file *f, int (*show)(struct seq_file *m), void *priv)
{
	struct seq_file *m = kzalloc(sizeof(*m), 0);

	if (!m)
		return -ENOMEM;
	mutex_init(&m->lock, SEQ_FILE);
	m->show = show;
	m->file = f;
	m->priv = priv;
	f->priv = m;
	f->mode |= FMODE_SEEK;
	return 0;
}

/* Make the text, in a buffer that grows until it fits. */
static int seq_make(struct seq_file *m)
{
	size_t size = m->size ? m->size : FIRST_SIZE;
	int err;

	m->made = false;	/* a failure leaves nothing to be read */
	m->used = 0;
	for (;;) {
		if (m->size < size) {
			if (m->text)
				kvfree(m->text);
			m->size = 0;
			m->text = kvmalloc(size, 0);
			if (!m->text)
				return -ENOMEM;
			m->size = size;
		}
		m->used = 0;
		err = m->show(m);
		if (err)
			return err;
		if (m->used <= m->size)
			break;
		size = max((size_t)roundup_pow2(m->used + 1), m->size * 2);
	}
	m->made = true;
	return 0;
}

ssize_t seq_read(struct file *f, struct iov_iter *to, int64_t *offset)
{
	struct seq_file *m = f->priv;
	ssize_t n = 0;
	size_t left;

	mutex_lock(&m->lock);
	if (!m->made || *offset == 0)
		n = seq_make(m);
	if (!n && *offset < (int64_t)m->used) {
		left = m->used - (size_t)*offset;
		n = (ssize_t)iov_copy_to(to, m->text + *offset, min(left, to->count));
		if (!n && to->count)
			n = -EFAULT;
		if (n > 0)
			*offset += n;
	}
	mutex_unlock(&m->lock);
	return n;
}

int64_t seq_seek(struct file *f, int64_t offset, int whence)
{
	if (whence == SEEK_CUR && __builtin_add_overflow(offset, f->position, &offset))
		return -EOVERFLOW;
	if (whence != SEEK_CUR && whence != SEEK_SET)
		return -EINVAL;
	return offset < 0 ? -EINVAL : (f->position = offset);
}

void seq_release(struct file *f)
{
	struct seq_file *m = f->priv;

	if (m->release)
		m->release(m);
	if (m->text)
		kvfree(m->text);
	kfree(m);
}
