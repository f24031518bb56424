/* SPDX-License-Identifier: MIT */
/*
 * What -fsanitize=undefined calls: a report for each finding, with its place in the source and the
 * call chain.
 *
 * The compilers pass a description of the place and the operands as machine words.  A place is
 * reported once: its column gets a mark that the compiler never writes (as in gcc's own run time).
 * "ubsan=panic" stops at the first finding.
 */
#include <kernel/init.h>
#include <kernel/log.h>
#include <kernel/panic.h>
#include <kernel/preempt.h>
#include <kernel/ubsan.h>
#include <lib/printf.h>
#include <lib/string.h>

#define REPORTED 0x80000000u

struct source_location {
	const char *file;
	uint32_t line;
	uint32_t column;
};

struct type_descriptor {
	uint16_t kind;			/* 0: integer, 1: float, 0xffff: other */
	uint16_t info;			/* integers: bit 0 signed, above it log2 of the bits */
	char name[];
};

struct overflow_data { struct source_location where; struct type_descriptor *type; };
struct shift_data { struct source_location where; struct type_descriptor *left, *right; };
struct bounds_data { struct source_location where; struct type_descriptor *array, *index; };
struct value_data { struct source_location where; struct type_descriptor *type; };
struct place_data { struct source_location where; };
struct nonnull_return_data { struct source_location attribute; };
struct nonnull_arg_data { struct source_location where, attribute; int arg; };
struct type_mismatch_data {
	struct source_location where;
	struct type_descriptor *type;
	uint8_t log_alignment, check_kind;
};
struct alignment_data { struct source_location where, assumption; struct type_descriptor *type; };
struct builtin_data { struct source_location where; uint8_t kind; };

static uint64_t report_count;		/* [A] */

uint64_t ubsan_reports(void)
{
	return __atomic_load_n(&report_count, __ATOMIC_RELAXED);
}

/* The first report of this place?  Interrupts and other CPUs may report it at the same time. */
static bool claim_place(struct source_location *where)
{
	return !(__atomic_fetch_or(&where->column, REPORTED, __ATOMIC_RELAXED) & REPORTED);
}

static __noinline __printf(2, 3) void report(struct source_location *where, const char *fmt, ...)
{
	const char *mode = boot_arg("ubsan");
	char text[160];
	va_list ap;

	__atomic_fetch_add(&report_count, 1, __ATOMIC_RELAXED);
	if (!claim_place(where))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (mode && !strcmp(mode, "panic"))
		panic("ubsan: %s:%u: %s", where->file, where->line, text);
	log_err("ubsan: %s:%u:%u: %s", where->file, where->line, where->column & ~REPORTED, text);
	backtrace_print((uint64_t)(uintptr_t)__builtin_frame_address(0));
}

static bool is_signed(const struct type_descriptor *t)
{
	return t->kind == 0 && (t->info & 1);
}

static unsigned int bits_of(const struct type_descriptor *t)
{
	return t->kind == 0 ? 1u << (t->info >> 1) : 0;
}

/* Operands of 64 bits or fewer come in the word, wider ones behind a pointer. */
static void format_value(char *buf, size_t size, const struct type_descriptor *t, uintptr_t value)
{
	unsigned int bits = bits_of(t);
	uint64_t v = value;

	if (!bits) {
		snprintf(buf, size, "(%s)", t->name);
		return;
	}
	if (bits > 64)
		v = *(const uint64_t *)value;
	else if (is_signed(t) && bits < 64)
		v = (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
	if (is_signed(t))
		snprintf(buf, size, "%lld", (long long)v);
	else
		snprintf(buf, size, "%llu", (unsigned long long)v);
}

#define VALUE_TEXT 32

static void report_overflow(struct overflow_data *d, uintptr_t left, uintptr_t right,
			    const char *op)
{
	char l[VALUE_TEXT], r[VALUE_TEXT];

	format_value(l, sizeof(l), d->type, left);
	format_value(r, sizeof(r), d->type, right);
	report(&d->where, "%s %s %s does not fit in %s", l, op, r, d->type->name);
}

#define HANDLER(ret, name, \
...) ret __ubsan_handle_##name(__VA_ARGS__); ret __ubsan_handle_##name(__VA_ARGS__)

HANDLER(void, add_overflow, struct overflow_data *d, uintptr_t left, uintptr_t right)
{
	report_overflow(d, left, right, "+");
}

HANDLER(void, sub_overflow, struct overflow_data *d, uintptr_t left, uintptr_t right)
{
	report_overflow(d, left, right, "-");
}

HANDLER(void, mul_overflow, struct overflow_data *d, uintptr_t left, uintptr_t right)
{
	report_overflow(d, left, right, "*");
}

HANDLER(void, divrem_overflow, struct overflow_data *d, uintptr_t left, uintptr_t right)
{
	report_overflow(d, left, right, "/");
}

HANDLER(void, negate_overflow, struct overflow_data *d, uintptr_t value)
{
	char v[VALUE_TEXT];

	format_value(v, sizeof(v), d->type, value);
	report(&d->where, "-(%s) does not fit in %s", v, d->type->name);
}

HANDLER(void, pointer_overflow, struct place_data *d, uintptr_t base, uintptr_t result)
{
	report(&d->where, "pointer %#lx moved over the end to %#lx", (unsigned long)base,
	       (unsigned long)result);
}

HANDLER(void, shift_out_of_bounds, struct shift_data *d, uintptr_t left, uintptr_t right)
{
	char l[VALUE_TEXT], r[VALUE_TEXT];

	format_value(l, sizeof(l), d->left, left);
	format_value(r, sizeof(r), d->right, right);
	report(&d->where, "shift of %s (%s) by %s", l, d->left->name, r);
}

HANDLER(void, out_of_bounds, struct bounds_data *d, uintptr_t index)
{
	char i[VALUE_TEXT];

	format_value(i, sizeof(i), d->index, index);
	report(&d->where, "index %s is out of range for %s", i, d->array->name);
}

HANDLER(void, load_invalid_value, struct value_data *d, uintptr_t value)
{
	char v[VALUE_TEXT];

	format_value(v, sizeof(v), d->type, value);
	report(&d->where, "%s is no value of type %s", v, d->type->name);
}

HANDLER(void, vla_bound_not_positive, struct value_data *d, uintptr_t bound)
{
	char v[VALUE_TEXT];

	format_value(v, sizeof(v), d->type, bound);
	report(&d->where, "array of variable length %s", v);
}

HANDLER(void, float_cast_overflow, struct place_data *d, uintptr_t value)
{
	report(&d->where, "floating-point value out of range");
}

static const char *const access_kinds[] = {
	"load of", "store to", "reference binding to", "member access within", "member call on",
	"constructor call on",
	"downcast of", "downcast of", "upcast of", "cast to virtual base of", "non-null binding to",
	"dynamic operation on",
};

HANDLER(void, type_mismatch_v1, struct type_mismatch_data *d, uintptr_t pointer)
{
	const char *kind = d->check_kind < ARRAY_SIZE(access_kinds) ? access_kinds[d->check_kind] :
		"access to";

	if (!pointer)
		report(&d->where, "%s null pointer of type %s", kind, d->type->name);
	else if (pointer & ((1ull << d->log_alignment) - 1))
		report(&d->where, "%s misaligned address %#lx of type %s", kind,
		       (unsigned long)pointer, d->type->name);
	else
		report(&d->where, "%s address %#lx with too little space for %s", kind,
		       (unsigned long)pointer, d->type->name);
}

HANDLER(void, alignment_assumption, struct alignment_data *d, uintptr_t pointer, uintptr_t align,
	uintptr_t offset)
{
	report(&d->where, "address %#lx is not aligned to %lu as was promised",
	       (unsigned long)(pointer - offset), (unsigned long)align);
}

HANDLER(void, nonnull_arg, struct nonnull_arg_data *d)
{
	report(&d->where, "null pointer as argument %d, which must not be null", d->arg);
}

HANDLER(void, nonnull_return_v1, struct nonnull_return_data *d, struct source_location *where)
{
	report(where, "null pointer returned by a function that never returns one");
}

HANDLER(void, nullability_arg, struct nonnull_arg_data *d)
{
	report(&d->where, "null pointer as argument %d, which must not be null", d->arg);
}

HANDLER(void, nullability_return_v1, struct nonnull_return_data *d, struct source_location *where)
{
	report(where, "null pointer returned by a function that never returns one");
}

HANDLER(void, invalid_builtin, struct builtin_data *d)
{
	report(&d->where, "%s of 0", d->kind ? "clz" : "ctz");
}

HANDLER(void, implicit_conversion, struct shift_data *d, uintptr_t from, uintptr_t to)
{
	report(&d->where, "conversion from %s to %s changed the value", d->left->name,
	       d->right->name);
}

/* These two cannot go on: there is no code after them. */
HANDLER(__noreturn void, builtin_unreachable, struct place_data *d)
{
	report(&d->where, "code was reached that cannot be");
	panic("ubsan: %s:%u: unreachable code", d->where.file, d->where.line);
}

HANDLER(__noreturn void, missing_return, struct place_data *d)
{
	report(&d->where, "a function that returns a value ended without one");
	panic("ubsan: %s:%u: missing return", d->where.file, d->where.line);
}
