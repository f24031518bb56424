/* SPDX-License-Identifier: MIT */
/*
 * Boot arguments: words separated by blanks, each `name` or `name=value`; double quotes keep blanks
 * together and vanish; a word `--` ends the kernel's part, and what follows is for init.
 */
#ifndef LIB_CMDLINE_H
#define LIB_CMDLINE_H

#include <lib/types.h>

struct cmdline_arg {
	const char *name;
	const char *value;	/* NULL if there is no '=' */
};

/*
 * Cuts the next word off *@cursor, in place, and moves *@cursor behind it. False at the end. `--`
 * comes as a name like any other: the caller then has the rest for init in *@cursor.
 */
bool cmdline_next(char **cursor, struct cmdline_arg *arg) __must_check;

/*
 * Copies the value of the last @name=... in the kernel's part of @cmdline to @buf, unquoted and
 * terminated; a bare @name gives an empty value. Returns its length, -ENOENT, or -E2BIG (with as
 * much as fits).
 */
ssize_type cmdline_get(const char *cmdline, const char *name, char *buf, size_t size) __must_check;

/* True if @name, bare or with a value, is in the kernel's part. */
bool cmdline_has(const char *cmdline, const char *name);

#endif
