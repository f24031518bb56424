/* SPDX-License-Identifier: MIT */
/*
 * Boot arguments: the configured defaults, then the loader's; the last value of a name wins.
 */
#include <arch/boot.h>
#include <kernel/init.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>

static char joined[BOOT_COMMAND_LINE_MAX];
static char split[BOOT_COMMAND_LINE_MAX];	/* words, each ended by NUL */
static size_t split_len;


/* Cut @s into words; double quotes keep spaces together and vanish. */
static size_t split_words(const char *s, char *out)
{
	char *at = out;
	bool quoted = false, in_word = false;

	for (; *s; s++) {
		if (*s == '"') {
			quoted = !quoted;
			in_word = true;
		} else if (!quoted && (*s == ' ' || *s == '\t' || *s == '\n')) {
			if (in_word)
				*at++ = '\0';
			in_word = false;
		} else {
			*at++ = *s;
			in_word = true;
		}
	}
	if (in_word)
		*at++ = '\0';
	return (size_t)(at - out);
}

void boot_args_init(void)
{
	snprintf(joined, sizeof(joined), "%s%s%s", CONFIG_DEFAULT_COMMAND_LINE,
		 CONFIG_DEFAULT_COMMAND_LINE[0] ? " " : "", boot_info.command_line);
	split_len = split_words(joined, split);
}

const char *boot_command_line(void)
{
	return joined;
}

const char *boot_arg(const char *name)
{
	size_t len = strlen(name);
	const char *found = NULL;

	for (const char *w = split; w < split + split_len; w += strlen(w) + 1) {
		if (strncmp(w, name, len))
			continue;
		if (w[len] == '=')
			found = w + len + 1;
		else if (!w[len])
			found = w + len;
	}
	return found;
}

/*
 * The words that are nobody's boot argument ("single", "-s") and everything after "--" go to PID 1.
 */
const char *boot_word(size_t *cursor)
{
	const char *w = split + *cursor;

	if (*cursor >= split_len)
		return NULL;
	*cursor += strlen(w) + 1;
	return w;
}
