/* SPDX-License-Identifier: MIT */
/* Names of core files: the pattern of /proc/sys/kernel/core_pattern (core(5)). */
#include <kernel/version.h>
#include <kernel/clock.h>
#include <kernel/file.h>
#include <lib/err.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <mm/aspace.h>
#include <mm/slab.h>
#include <uapi/limits.h>
#include "core_internal.h"

static struct spinlock pattern_lock = SPINLOCK_INIT(FS_CONTEXT);
static char pattern[CORE_PATTERN_MAX] = "core";		/* [R] pattern_lock */
int core_uses_pid;

void core_pattern_get(char *buf)
{
	spin_lock(&pattern_lock);
	memcpy(buf, pattern, sizeof(pattern));
	spin_unlock(&pattern_lock);
}

int core_pattern_set(const char *text)
{
	size_t len = strcspn(text, "\n");

	if (len >= sizeof(pattern) || text[0] == '|')
		return -EINVAL;
	spin_lock(&pattern_lock);
	memset(pattern, 0, sizeof(pattern));
	memcpy(pattern, text, len);
	spin_unlock(&pattern_lock);
	return 0;
}

/* A name under construction: too long once len reaches size. */
struct name {
	char *text;
	size_t len, size;
};

static void put(struct name *n, const char *s, size_t len)
{
	for (size_t i = 0; i < len && n->len < n->size; i++)
		n->text[n->len++] = s[i];
}

static void put_number(struct name *n, uint64_t value)
{
	char text[24];

	put(n, text, (size_t)scnprintf(text, sizeof(text), "%llu", (unsigned long long)value));
}

/* Somebody else's words: no slashes, and no directory by name. */
static void put_safe(struct name *n, const char *s)
{
	size_t start = n->len;

	if (!strcmp(s, ".") || !strcmp(s, ".."))
		put(n, "!", 1), s++;
	put(n, s, strlen(s));
	for (; start < n->len; start++)
		if (n->text[start] == '/')
			n->text[start] = '!';
}

static void put_program(struct name *n, const struct core_dump *d, bool whole)
{
	struct file *exe = d->thread->aspace->exe;	/* stays: only exec changes it */
	char *buf = kmalloc(PATH_MAX, ALLOC_NORMAL), *path = buf;

	if (buf && exe)
		path = file_path_format(exe, buf, PATH_MAX);
	if (!buf || !exe || IS_ERR(path))
		put_safe(n, d->thread->name);
	else
		put_safe(n, whole || !strrchr(path, '/') ? path : strrchr(path, '/') + 1);
	kfree(buf);
}

/* %@c.  True: it was the process's number. */
static bool put_item(struct name *n, const struct core_dump *d, char c)
{
	const struct thread *t = d->thread;
	char host[SYSTEM_NAME_MAX + 1];

	switch (c) {
	case '%': put(n, "%", 1); break;
	case 'p': case 'P': put_number(n, (uint64_t)t->process->pid->nr); return true;
	case 'i': case 'I': put_number(n, (uint64_t)t->pid->nr); break;
	case 'u': put_number(n, t->cred->uid); break;
	case 'g': put_number(n, t->cred->gid); break;
	case 'd': put_number(n, t->process->dumpable); break;
	case 's': put_number(n, (uint64_t)d->info->si_signo); break;
	case 't': put_number(n, (uint64_t)(clock_realtime_ns() / NSEC_PER_SEC)); break;
	case 'h': system_name_get(SYSTEM_HOST_NAME, host); put_safe(n, host); break;
	case 'e': put_safe(n, t->name); break;
	case 'f': put_program(n, d, false); break;
	case 'E': put_program(n, d, true); break;
	case 'c': put_number(n, d->limit); break;
	case 'C': put_number(n, t->cpu); break;
	}
	return false;
}

char *core_make_name(const struct core_dump *d)
{
	struct name n = { .text = kmalloc(PATH_MAX, ALLOC_NORMAL), .size = PATH_MAX };
	char from[CORE_PATTERN_MAX];
	bool has_pid = false;

	if (!n.text)
		return NULL;
	core_pattern_get(from);
	for (const char *c = from; *c; c++) {
		if (*c != '%')
			put(&n, c, 1);
		else if (*++c)
			has_pid |= put_item(&n, d, *c);
		else
			break;
	}
	if (!has_pid && __atomic_load_n(&core_uses_pid, __ATOMIC_RELAXED)) {
		put(&n, ".", 1);
		put_number(&n, (uint64_t)d->thread->process->pid->nr);
	}
	if (!n.len || n.len == n.size) {
		kfree(n.text);
		return NULL;
	}
	n.text[n.len] = '\0';
	return n.text;
}
