/* SPDX-License-Identifier: MIT */
/*
 * /proc/sys/vm: the limits of writeback, and drop_caches.
 */
#include <fs/procfs.h>
#include <fs/seq_file.h>
#include <kernel/init.h>
#include <lib/err.h>
#include <lib/string.h>
#include <mm/page.h>

#include "../writeback.h"

static int parse(const char *text, uint64_t max, uint64_t *value)
{
	uint64_t n = 0;

	while (*text == ' ')
		text++;
	if (!char_is_digit(*text))
		return -EINVAL;
	for (; char_is_digit(*text); text++) {
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > max)
			return -EINVAL;
	}
	while (*text == ' ' || *text == '\n')
		text++;
	if (*text)
		return -EINVAL;
	*value = n;
	return 0;
}

/* A number and the one that it takes the place of: a ratio and an amount of bytes. */
struct setting {
	uint32_t *word;			/* or */
	uint64_t *bytes;
	uint32_t *other_word;
	uint64_t *other_bytes;
	uint64_t max;
};

static int setting_show(struct seq_file *m)
{
	const struct setting *s = m->priv;

	seq_printf(m, "%llu\n", (unsigned long long)(s->word ? *s->word : *s->bytes));
	return 0;
}

static int setting_write(void *priv, char *text, size_t len)
{
	const struct setting *s = priv;
	uint64_t value = 0;
	int err = parse(text, s->max, &value);

	if (err)
		return err;
	if (s->word)
		WRITE_ONCE(*s->word, (uint32_t)value);
	else
		WRITE_ONCE(*s->bytes, value);
	if (s->other_word)
		WRITE_ONCE(*s->other_word, 0);
	if (s->other_bytes)
		WRITE_ONCE(*s->other_bytes, 0);
	return 0;
}

#define LIMIT(name) (&writeback_limits.name)
static struct setting settings[] = {
	{ .word = LIMIT(dirty_ratio), .other_bytes = LIMIT(dirty_bytes), .max = 100 },
	{ .word = LIMIT(background_ratio), .other_bytes = LIMIT(background_bytes), .max = 100 },
	{ .bytes = LIMIT(dirty_bytes), .other_word = LIMIT(dirty_ratio), .max = INT64_MAX },
	{ .bytes = LIMIT(background_bytes), .other_word = LIMIT(background_ratio),
	  .max = INT64_MAX },
	{ .word = LIMIT(expire_centisecs), .max = INT32_MAX },
	{ .word = LIMIT(interval_centisecs), .max = INT32_MAX },
};
#undef LIMIT
static const char *const setting_names[] = {
	"sys/vm/dirty_ratio", "sys/vm/dirty_background_ratio", "sys/vm/dirty_bytes",
	"sys/vm/dirty_background_bytes", "sys/vm/dirty_expire_centisecs",
	"sys/vm/dirty_writeback_centisecs",
};

static int drop_show(struct seq_file *m)
{
	seq_puts(m, "0\n");
	return 0;
}

/* 1: pages, 2: names and inodes, 3: both.  Pages go with either: reclaim knows no difference. */
static int drop_write(void *priv, char *text, size_t len)
{
	uint64_t value = 0;
	int err = parse(text, 7, &value);

	if (err)
		return err;
	if (!(value & 7))
		return -EINVAL;
	for (unsigned int i = 0; i < 256 && reclaim_pages(1 << 14); i++)
		;
	return 0;
}

static int vm_init(void)
{
	int err = proc_register(&(struct proc_entry){
		.name = "sys/vm/drop_caches", .mode = 0200, .show = drop_show,
		.write = drop_write });

	for (unsigned int i = 0; i < ARRAY_SIZE(settings) && !err; i++)
		err = proc_register(&(struct proc_entry){
			.name = setting_names[i], .mode = 0644, .priv = &settings[i],
			.show = setting_show, .write = setting_write });
	return err;
}
INITCALL(INIT_SUBSYSTEM, vm_init);
