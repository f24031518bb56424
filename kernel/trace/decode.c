/* SPDX-License-Identifier: MIT */
/*
 * Puts a system call into words, driven by the generated descriptions: no call has code of its own
 * here. All user memory comes through trace_read_user(), at most MAX_BYTES of a buffer and
 * MAX_ITEMS of an array, so a line is bounded whatever the arguments say. Also built on the host
 * for its test.
 */
#include <kernel/systrace.h>
#include <lib/bits.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <uapi/in.h>
#include <uapi/signal.h>
#include <uapi/un.h>

#define MAX_BYTES	32u
#define MAX_ITEMS	4u
#define MAX_STRUCT	512u
#define USER_PAGE	4096u

static void put(struct trace_line *line, const char *fmt, ...) __printf(2, 3);

static void put(struct trace_line *line, const char *fmt, ...)
{
	size_t space = sizeof(line->text) - line->len;
	va_list ap;

	va_start(ap, fmt);
	line->len += vscnprintf(line->text + line->len, space, fmt, ap);
	va_end(ap);
	if (line->len == sizeof(line->text) - 1)
		memcpy(line->text + line->len - 3, "...", 3);
}

/* Numbers by name. */

static const char *set_name(const struct flag_set *set, uint64_t value)
{
	for (unsigned int i = 0; i < set->count; i++) {
		if (set->names[i].value == value)
			return set->names[i].name;
	}
	return NULL;
}

static void put_enum(struct trace_line *line, uint8_t ref, uint64_t value)
{
	/*
	 * Enumerations are 32-bit arguments: half of them are signed in one place and not in
	 * another.
	 */
	const struct flag_set *set = &trace_sets[ref];

	for (unsigned int i = 0; i < set->count; i++) {
		if ((uint32_t)set->names[i].value == (uint32_t)value) {
			put(line, "%s", set->names[i].name);
			return;
		}
	}
	put(line, "%d", (int)value);
}

static bool put_field(struct trace_line *line, const struct flag_set *set, uint64_t value)
{
	uint64_t field = value & set->field_mask;

	for (unsigned int i = 0; i < set->field_count; i++) {
		if (set->names[i].value == field) {
			put(line, "%s", set->names[i].name);
			return true;
		}
	}
	if (field)
		put(line, "%#llx", (unsigned long long)field);
	return field != 0;
}

static void put_flags(struct trace_line *line, uint8_t ref, uint64_t value)
{
	const struct flag_set *set = &trace_sets[ref];
	bool any = put_field(line, set, value);
	uint64_t rest = value & ~set->field_mask;

	for (unsigned int i = set->field_count; i < set->count && rest; i++) {
		uint64_t bit = set->names[i].value;

		if (bit && (rest & bit) == bit) {
			put(line, "%s%s", any ? "|" : "", set->names[i].name);
			rest &= ~bit;
			any = true;
		}
	}
	if (rest || !any)
		put(line, any ? "|%#llx" : rest ? "%#llx" : "%llu", (unsigned long long)rest);
}

static void put_signal(struct trace_line *line, int sig)
{
	const char *name = set_name(&trace_sets[trace_set_signal], (uint64_t)sig);

	if (name)
		put(line, "%s", name);
	else if (sig >= SIGRTMIN && sig <= SIGRTMAX)
		put(line, "SIGRT_%d", sig - SIGRTMIN);
	else
		put(line, "%d", sig);
}

static void put_sigset(struct trace_line *line, uint64_t set)
{
	bool most = popcount64(set) > 32;
	const char *gap = "";

	put(line, most ? "~[" : "[");
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (!!(set & sigmask_bit(sig)) == most)
			continue;
		put(line, "%s", gap);
		put_signal(line, sig);
		gap = " ";
	}
	put(line, "]");
}

static void put_mode(struct trace_line *line, uint64_t mode)
{
	put(line, "0%llo", (unsigned long long)(mode & 0xffffffff));
}

static void put_dirfd(struct trace_line *line, int fd)
{
	if (fd == AT_FDCWD)
		put(line, "AT_FDCWD");
	else
		put(line, "%d", fd);
}

static void put_address(struct trace_line *line, uint64_t addr)
{
	if (addr)
		put(line, "%#llx", (unsigned long long)addr);
	else
		put(line, "NULL");
}

static void put_wait_status(struct trace_line *line, uint32_t status)
{
	if ((status & 0x7f) == 0)
		put(line, "[exited %u]", status >> 8 & 0xff);
	else if ((status & 0xff) == 0x7f || status == 0xffff)
		put(line, "[stopped %u]", status >> 8 & 0xff);
	else
		put(line, "[killed %u%s]", status & 0x7f, status & 0x80 ? " core" : "");
}

/* Values that need no memory: arguments and struct members alike. */
static void put_scalar(struct trace_line *line, uint8_t kind, uint8_t ref, uint64_t v)
{
	switch (kind) {
	case ARG_INT:
	case ARG_FD:
		put(line, "%d", (int)v);
		return;
	case ARG_UINT:
		put(line, "%u", (unsigned int)v);
		return;
	case ARG_LONG:
		put(line, "%lld", (long long)v);
		return;
	case ARG_ULONG:
		put(line, "%llu", (unsigned long long)v);
		return;
	case ARG_MASK:
		put(line, "%#llx", (unsigned long long)v);
		return;
	case ARG_MODE:
		put_mode(line, v);
		return;
	case ARG_DEV:
		put(line, "%u:%u", dev_major((uint32_t)v), dev_minor((uint32_t)v));
		return;
	case ARG_SIG:
		put_signal(line, (int)v);
		return;
	case ARG_DIRFD:
		put_dirfd(line, (int)v);
		return;
	case ARG_FLAGS:
		put_flags(line, ref, v);
		return;
	case ARG_ENUM:
		put_enum(line, ref, v);
		return;
	case ARG_SIGBITS:
		put_sigset(line, v);
		return;
	default:
		put_address(line, v);
	}
}

/* Text and bytes. */

static void put_quoted(struct trace_line *line, const char *text, size_t len, bool cut)
{
	put(line, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n')
			put(line, "\\n");
		else if (c == '"' || c == '\\')
			put(line, "\\%c", c);
		else if (char_is_print(c))
			put(line, "%c", c);
		else
			put(line, "\\%o", c);
	}
	put(line, cut ? "\"..." : "\"");
}

/*
 * Reads up to @max bytes of a string, page by page, so that one ending just below unmapped memory
 * is found. Returns its length, @max if it is longer, -1 if it cannot be read.
 */
static long read_string(char *buf, uint64_t addr, size_t max)
{
	size_t got = 0;

	while (got < max) {
		size_t chunk = min(max - got, (size_t)(USER_PAGE - (addr + got) % USER_PAGE));
		const char *end;

		if (!trace_read_user(buf + got, addr + got, chunk))
			return -1;
		end = memchr(buf + got, '\0', chunk);
		if (end)
			return end - buf;
		got += chunk;
	}
	return (long)max;
}

static void put_string(struct trace_line *line, uint64_t addr)
{
	char buf[64];
	long len = addr ? read_string(buf, addr, sizeof(buf)) : -1;

	if (len < 0)
		put_address(line, addr);
	else
		put_quoted(line, buf, (size_t)len, len == sizeof(buf));
}

static void put_bytes(struct trace_line *line, uint64_t addr, uint64_t len)
{
	size_t shown = min(len, (uint64_t)MAX_BYTES);
	char buf[MAX_BYTES];

	if (!addr || !trace_read_user(buf, addr, shown))
		put_address(line, addr);
	else
		put_quoted(line, buf, shown, shown < len);
}

static void put_string_vector(struct trace_line *line, uint64_t addr)
{
	uint64_t item;
	unsigned int i;

	if (!addr || !trace_read_user(&item, addr, sizeof(item))) {
		put_address(line, addr);
		return;
	}
	put(line, "[");
	for (i = 0; item && i < MAX_ITEMS; i++) {
		put(line, i ? ", " : "");
		put_string(line, item);
		if (!trace_read_user(&item, addr + 8 * (i + 1), sizeof(item)))
			break;
	}
	put(line, item && i == MAX_ITEMS ? ", ...]" : "]");
}

/* Structures. */

static uint64_t load(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	/* both architectures are little-endian */
	memcpy(&v, p, min(size, (unsigned int)sizeof(v)));
	return v;
}

static uint64_t load_member(const struct member_desc *m, const uint8_t *base)
{
	uint64_t v = load(base + m->offset, m->size);
	bool is_signed = m->kind == ARG_INT || m->kind == ARG_LONG || m->kind == ARG_FD;

	if (is_signed && m->size < 8)
		v = (uint64_t)((int64_t)(v << (64 - 8 * m->size)) >> (64 - 8 * m->size));
	return v;
}

static void put_struct(struct trace_line *line, const struct struct_desc *desc, const uint8_t *base)
{
	put(line, "{");
	for (unsigned int i = 0; i < desc->count; i++) {
		const struct member_desc *m = &desc->members[i];

		put(line, "%s%s=", i ? ", " : "", m->name);
		if (m->kind == ARG_CHARS)
			put_quoted(line, (const char *)base + m->offset,
				   strnlen((const char *)base + m->offset, m->size), false);
		else
			put_scalar(line, m->kind, m->ref, load_member(m, base));
	}
	put(line, "}");
}

static void put_sockaddr(struct trace_line *line, uint64_t addr, uint64_t len)
{
	uint8_t raw[sizeof(struct sockaddr_un)] = { 0 };
	const struct sockaddr_in *in = (const void *)raw;
	const uint8_t *ip = raw + offsetof(struct sockaddr_in, sin_addr);
	unsigned int port = (unsigned int)raw[2] << 8;
	uint16_t family;

	if (len > sizeof(raw))
		len = sizeof(raw);
	if (!addr || len < 2 || !trace_read_user(raw, addr, len)) {
		put_address(line, addr);
		return;
	}
	memcpy(&family, raw, sizeof(family));
	port = (unsigned int)raw[2] << 8 | raw[3];
	if (family == AF_INET && len >= sizeof(*in)) {
		put(line, "{AF_INET %u.%u.%u.%u:%u}", ip[0], ip[1], ip[2], ip[3], port);
	} else if (family == AF_INET6) {
		put(line, "{AF_INET6 port %u}", port);
	} else if (family == AF_UNIX) {
		bool abstract = len > 2 && !raw[2];

		put(line, "{AF_UNIX %s", abstract ? "@" : "");
		put_quoted(line, (const char *)raw + 2 + abstract,
			   strnlen((const char *)raw + 2 + abstract, len - 2 - abstract), false);
		put(line, "}");
	} else {
		put(line, "{family %u}", family);
	}
}

/* Arguments. */

struct decode {
	struct trace_line *line;
	const struct syscall_desc *desc;
	const struct trace_call *call;
	bool finished;
	long result;
};

static uint64_t arg_value(const struct decode *d, unsigned int index)
{
	return d->call->args[d->desc->args[index].reg];
}

/* How many elements (bytes, for buffers) the pointer @arg is about. */
static uint64_t arg_length(const struct decode *d, const struct arg_desc *arg)
{
	uint64_t count;
	uint32_t word = 0;

	if (arg->len == LEN_RET)
		return d->result > 0 ? (uint64_t)d->result : 0;
	if (arg->len & LEN_CONST)
		return arg->len & 0x7f;
	count = arg_value(d, arg->len);
	if (d->desc->args[arg->len].kind == ARG_P_INT)	/* accept: a pointer to the length */
		count = trace_read_user(&word, count, sizeof(word)) ? word : 0;
	/* A call that returns a length wrote that much of the buffer. */
	if (arg->kind == ARG_BYTES && arg->dir == DIR_OUT && d->desc->result == RESULT_LEN)
		count = min(count, d->result > 0 ? (uint64_t)d->result : 0);
	return count;
}

static unsigned int element_size(const struct arg_desc *arg)
{
	switch (arg->kind) {
	case ARG_STRUCT:
		return trace_structs[arg->ref].size;
	case ARG_P_INT:
	case ARG_WSTATUS:
		return sizeof(int32_t);
	default:
		return sizeof(int64_t);
	}
}

static void put_element(struct trace_line *line, const struct arg_desc *arg, const uint8_t *raw)
{
	switch (arg->kind) {
	case ARG_STRUCT:
		put_struct(line, &trace_structs[arg->ref], raw);
		return;
	case ARG_P_INT:
		put(line, "%d", (int)load(raw, sizeof(int32_t)));
		return;
	case ARG_WSTATUS:
		put_wait_status(line, (uint32_t)load(raw, sizeof(int32_t)));
		return;
	case ARG_SIGSET:
		put_sigset(line, load(raw, sizeof(uint64_t)));
		return;
	default:
		put(line, "%lld", (long long)load(raw, sizeof(int64_t)));
	}
}

static void put_elements(const struct decode *d, const struct arg_desc *arg, uint64_t addr)
{
	bool plain = arg->kind != ARG_P_INT && arg->kind != ARG_P_LONG;
	bool one = plain && arg->len == (LEN_CONST | 1);
	uint64_t count = arg_length(d, arg);
	unsigned int size = element_size(arg);
	_Alignas(8) uint8_t raw[MAX_STRUCT];
	uint64_t i;

	if (!one)
		put(d->line, "[");
	for (i = 0; i < count && i < MAX_ITEMS; i++) {
		put(d->line, i ? ", " : "");
		if (size > sizeof(raw) || !trace_read_user(raw, addr + i * size, size)) {
			put_address(d->line, addr + i * size);
			break;
		}
		put_element(d->line, arg, raw);
	}
	if (!one)
		put(d->line, count > MAX_ITEMS ? ", ...]" : "]");
}

static void put_pointer(const struct decode *d, const struct arg_desc *arg, uint64_t addr)
{
	switch (arg->kind) {
	case ARG_STR:
	case ARG_OUTSTR:
		put_string(d->line, addr);
		return;
	case ARG_STRV:
		put_string_vector(d->line, addr);
		return;
	case ARG_BYTES:
		put_bytes(d->line, addr, arg_length(d, arg));
		return;
	case ARG_SOCKADDR:
		put_sockaddr(d->line, addr, arg_length(d, arg));
		return;
	case ARG_FDSET:
		put_address(d->line, addr);
		return;
	default:
		if (addr)
			put_elements(d, arg, addr);
		else
			put(d->line, "NULL");
	}
}

static void put_arg(const struct decode *d, unsigned int index)
{
	const struct arg_desc *arg = &d->desc->args[index];
	uint64_t value = arg_value(d, index);
	bool written = arg->dir == DIR_OUT || arg->kind == ARG_OUTSTR;

	if (arg->kind < ARG_STR)
		put_scalar(d->line, arg->kind, arg->ref, value);
	else if (written && (!d->finished || d->result < 0))
		put_address(d->line, value);	/* nothing there to be seen */
	else
		put_pointer(d, arg, value);
}

void trace_format_call(struct trace_line *line, const struct trace_call *call, bool finished,
		       long result)
{
	struct decode d = { line, syscall_desc_find(call->nr), call, finished, result };

	if (!d.desc) {
		put(line, "syscall_%llu(%#llx, %#llx, %#llx)", (unsigned long long)call->nr,
		    (unsigned long long)call->args[0], (unsigned long long)call->args[1],
		    (unsigned long long)call->args[2]);
		return;
	}
	put(line, "%s(", d.desc->name);
	for (unsigned int i = 0; i < d.desc->nr_args; i++) {
		put(line, i ? ", " : "");
		put_arg(&d, i);
	}
	put(line, ")");
}

void trace_format_result(struct trace_line *line, uint64_t nr, long result)
{
	const struct syscall_desc *desc = syscall_desc_find(nr);
	unsigned int kind = desc ? desc->result : RESULT_LONG;
	const char *error = NULL;

	if (result < 0 && result >= -MAX_ERRNO)
		error = set_name(&trace_sets[trace_set_errno], (uint64_t)-result);
	if (error && -result >= ERESTARTSYS)
		put(line, " = ? %s", error);
	else if (error)
		put(line, " = -1 %s", error);
	else if (kind == RESULT_ADDR)
		put(line, " = %#lx", result);
	else if (kind == RESULT_MODE)
		put(line, " = 0%lo", result);
	else
		put(line, " = %ld", result);
}
