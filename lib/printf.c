/* SPDX-License-Identifier: MIT */
/*
 * The formatter. One pass over the format; each conversion is parsed into struct spec and printed
 * straight to the sink, padding included, so there is no line-length limit and no buffer to
 * overrun.
 */
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>

enum spec_flags {
	SPEC_LEFT	= 1,
	SPEC_PLUS	= 2,
	SPEC_SPACE	= 4,
	SPEC_ALT	= 8,
	SPEC_ZERO	= 16,
};

enum spec_length { LEN_INT, LEN_CHAR, LEN_SHORT, LEN_LONG };	/* long covers ll, j, z and t */

struct spec {
	unsigned int flags;
	int width;
	int precision;		/* -1: none given */
	enum spec_length length;
	char conv;
};

struct out {
	format_sink_fn *sink;
	void *arg;
	size_t total;
};

printf_symbol_fn *printf_symbol_hook;

static void emit(struct out *o, const char *text, size_t len)
{
	if (!len)
		return;
	o->sink(o->arg, text, len);
	o->total += len;
}

static void emit_fill(struct out *o, char c, int count)
{
	static const char spaces[] = "                ", zeros[] = "0000000000000000";
	const char *fill = c == '0' ? zeros : spaces;

	for (; count > 0; count -= 16)
		emit(o, fill, (size_t)min(count, 16));
}

static int parse_number(const char **fmt)
{
	int n = 0;

	for (; char_is_digit(**fmt); (*fmt)++) {
		if (n < 100000000)
			n = n * 10 + (**fmt - '0');
	}
	return n;
}

static unsigned int parse_flags(const char **fmt)
{
	unsigned int flags = 0;

	for (;; (*fmt)++) {
		switch (**fmt) {
		case '-': flags |= SPEC_LEFT; break;
		case '+': flags |= SPEC_PLUS; break;
		case ' ': flags |= SPEC_SPACE; break;
		case '#': flags |= SPEC_ALT; break;
		case '0': flags |= SPEC_ZERO; break;
		default: return flags;
		}
	}
}

static enum spec_length parse_length(const char **fmt)
{
	switch (**fmt) {
	case 'h':
		if (*++*fmt != 'h')
			return LEN_SHORT;
		(*fmt)++;
		return LEN_CHAR;
	case 'l':
		if (*++*fmt == 'l')
			(*fmt)++;
		return LEN_LONG;
	case 'j':
	case 'z':
	case 't':
		(*fmt)++;
		return LEN_LONG;
	default:
		return LEN_INT;
	}
}

/* va_list may be an array type, so it travels inside a struct. */
struct args { va_list ap; };

static const char *parse_spec(struct spec *s, const char *fmt, struct args *args)
{
	s->flags = parse_flags(&fmt);
	s->precision = -1;
	if (*fmt == '*') {
		fmt++;
		s->width = va_arg(args->ap, int);
		if (s->width < 0) {
			s->flags |= SPEC_LEFT;
			s->width = s->width == INT32_MIN ? 0 : -s->width;
		}
	} else {
		s->width = parse_number(&fmt);
	}
	if (*fmt == '.') {
		fmt++;
		if (*fmt == '*') {
			fmt++;
			s->precision = max(va_arg(args->ap, int), -1);
		} else {
			s->precision = parse_number(&fmt);
		}
	}
	s->length = parse_length(&fmt);
	s->conv = *fmt;
	return *fmt ? fmt + 1 : fmt;
}

static void put_text(struct out *o, const struct spec *s, const char *text, size_t len)
{
	int pad = len < (size_t)s->width ? s->width - (int)len : 0;

	if (!(s->flags & SPEC_LEFT))
		emit_fill(o, ' ', pad);
	emit(o, text, len);
	if (s->flags & SPEC_LEFT)
		emit_fill(o, ' ', pad);
}

/* Writes @value backwards from @end; returns where the digits start. */
static char *digits_of(char *end, uint64_t value, unsigned int base, bool upper)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (; value; value /= base)
		*--end = set[value % base];
	return end;
}

static void put_number(struct out *o, const struct spec *s, uint64_t value, unsigned int base,
		       const char *prefix)
{
	char buf[24];
	char *end = buf + sizeof(buf);
	char *digits = digits_of(end, value, base, s->conv == 'X');
	int len = (int)(end - digits), prefix_len = (int)strlen(prefix);
	int zeros = s->precision < 0 ? (len ? 0 : 1) : max(s->precision - len, 0);
	int pad;

	if (base == 8 && (s->flags & SPEC_ALT) && !zeros)
		zeros = 1;
	pad = max(s->width - len - zeros - prefix_len, 0);
	if ((s->flags & SPEC_ZERO) && !(s->flags & SPEC_LEFT) && s->precision < 0) {
		zeros += pad;
		pad = 0;
	}
	if (!(s->flags & SPEC_LEFT))
		emit_fill(o, ' ', pad);
	emit(o, prefix, (size_t)prefix_len);
	emit_fill(o, '0', zeros);
	emit(o, digits, (size_t)len);
	if (s->flags & SPEC_LEFT)
		emit_fill(o, ' ', pad);
}

static void put_signed(struct out *o, const struct spec *s, struct args *args)
{
	int64_t n = s->length == LEN_LONG ? va_arg(args->ap, int64_t) : va_arg(args->ap, int);
	const char *prefix = s->flags & SPEC_PLUS ? "+" : s->flags & SPEC_SPACE ? " " : "";

	if (s->length == LEN_CHAR)
		n = (signed char)n;
	else if (s->length == LEN_SHORT)
		n = (short)n;
	put_number(o, s, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, n < 0 ? "-" : prefix);
}

static void put_unsigned(struct out *o, const struct spec *s, struct args *args)
{
	uint64_t n = s->length == LEN_LONG ? va_arg(args->ap, uint64_t)
					   : va_arg(args->ap, unsigned int);
	unsigned int base = s->conv == 'u' ? 10 : s->conv == 'o' ? 8 : 16;
	const char *prefix = "";

	if (s->length == LEN_CHAR)
		n = (uint8_t)n;
	else if (s->length == LEN_SHORT)
		n = (uint16_t)n;
	if (n && base == 16 && (s->flags & SPEC_ALT))
		prefix = s->conv == 'X' ? "0X" : "0x";
	put_number(o, s, n, base, prefix);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	if (!text)
		text = "(null)";
	put_text(o, s, text, s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision));
}

static void put_pointer(struct out *o, const struct spec *s, uintptr_t addr, bool symbolic)
{
	char name[128];

	if (symbolic && printf_symbol_hook && printf_symbol_hook(name, sizeof(name), addr))
		put_text(o, s, name, strnlen(name, sizeof(name)));
	else
		put_number(o, s, addr, 16, "0x");
}

/* Prints one conversion; returns where the format goes on. */
static const char *put_spec(struct out *o, const char *fmt, struct args *args)
{
	struct spec s;
	char c;

	fmt = parse_spec(&s, fmt, args);
	switch (s.conv) {
	case 'd':
	case 'i':
		put_signed(o, &s, args);
		break;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(o, &s, args);
		break;
	case 'c':
		c = (char)va_arg(args->ap, int);
		put_text(o, &s, &c, 1);
		break;
	case 's':
		put_string(o, &s, va_arg(args->ap, const char *));
		break;
	case 'p':
		put_pointer(o, &s, (uintptr_t)va_arg(args->ap, void *), *fmt == 'S');
		if (*fmt == 'S')
			fmt++;
		break;
	case '%':
		emit(o, "%", 1);
		break;
	/* unknown: show it; the arguments can no longer be trusted, but none is a %s */
	default:
		emit(o, "%?", 2);
	}
	return fmt;
}

size_t vformat(format_sink_fn *sink, void *arg, const char *fmt, va_list ap)
{
	struct out o = { .sink = sink, .arg = arg };
	struct args args;

	va_copy(args.ap, ap);
	while (*fmt) {
		const char *text = fmt;

		while (*fmt && *fmt != '%')
			fmt++;
		emit(&o, text, (size_t)(fmt - text));
		if (*fmt)
			fmt = put_spec(&o, fmt + 1, &args);
	}
	va_end(args.ap);
	return o.total;
}

size_t format(format_sink_fn *sink, void *arg, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = vformat(sink, arg, fmt, ap);
	va_end(ap);
	return len;
}

struct buffer {
	char *at;
	size_t room;		/* without the terminator */
};

static void buffer_sink(void *arg, const char *text, size_t len)
{
	struct buffer *b = arg;
	size_t n = min(len, b->room);

	if (!n)
		return;			/* a size of zero comes with a null buffer */
	memcpy(b->at, text, n);
	b->at += n;
	b->room -= n;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct buffer b = { .at = buf, .room = size ? size - 1 : 0 };
	size_t len = vformat(buffer_sink, &b, fmt, ap);

	if (size)
		*b.at = '\0';
	return (int)min(len, (size_t)INT32_MAX);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

size_t vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int len = vsnprintf(buf, size, fmt, ap);

	return size ? min((size_t)len, size - 1) : 0;
}

size_t scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	len = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
