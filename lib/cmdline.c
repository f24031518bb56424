/* SPDX-License-Identifier: MIT */
/*
 * Boot arguments. One scanner finds the extent of a word; quotes are dropped while copying.
 */
#include <lib/cmdline.h>
#include <lib/err.h>
#include <lib/string.h>

/* Length of the word at @s, quotes included. An unclosed quote reaches to the end. */
static size_t word_length(const char *s)
{
	bool quoted = false;
	size_t n = 0;

	for (; s[n] && (quoted || !char_is_space(s[n])); n++)
		quoted ^= s[n] == '"';
	return n;
}

static const char *skip_blanks(const char *s)
{
	while (char_is_space(*s))
		s++;
	return s;
}

bool cmdline_next(char **cursor, struct cmdline_arg *arg)
{
	char *word = (char *)skip_blanks(*cursor), *to = word, *value = NULL;
	size_t len = word_length(word);
	bool last = !word[len];

	*cursor = word + len;
	if (!len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '"')
			continue;
		if (word[i] == '=' && !value) {
			*to++ = '\0';
			value = to;
		} else {
			*to++ = word[i];
		}
	}
	/*
	 * @to moved at most @len, so this ends at the blank that is cut away, or at the terminator.
	 */
	*to = '\0';
	if (!last)
		(*cursor)++;
	arg->name = word;
	arg->value = value;
	return true;
}

/*
 * If the word of @len at @word has the name @name: where its value starts (maybe its end), or NULL.
 */
static const char *match_name(const char *word, size_t len, const char *name)
{
	const char *end = word + len;

	for (; word < end; word++) {
		if (*word == '"')
			continue;
		if (!*name)
			return *word == '=' ? word + 1 : NULL;
		if (*word != *name++)
			return NULL;
	}
	return *name ? NULL : end;
}

/* The last match in the kernel's part: its value and the end of its word; or NULL. */
static const char *find_last(const char *cmdline, const char *name, const char **end)
{
	const char *found = NULL;

	for (const char *word = skip_blanks(cmdline); *word; ) {
		size_t len = word_length(word);
		const char *value = match_name(word, len, name);

		if (len == 2 && word[0] == '-' && word[1] == '-')
			break;
		if (value) {
			found = value;
			*end = word + len;
		}
		word = skip_blanks(word + len);
	}
	return found;
}

ssize_type cmdline_get(const char *cmdline, const char *name, char *buf, size_t size)
{
	const char *end = NULL, *value = find_last(cmdline, name, &end);
	size_t len = 0, kept = 0;

	if (!value)
		return -ENOENT;
	for (; value < end; value++) {
		if (*value == '"')
			continue;
		if (len + 1 < size)
			buf[kept++] = *value;
		len++;
	}
	if (size)
		buf[kept] = '\0';
	return len < size ? (ssize_type)len : -E2BIG;
}

bool cmdline_has(const char *cmdline, const char *name)
{
	const char *end;

	return find_last(cmdline, name, &end);
}
