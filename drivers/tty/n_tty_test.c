/* SPDX-License-Identifier: MIT */
/* The line discipline against a terminal of paper: bytes in, echoes and lines out. */
#include <lib/ktest.h>
#include <lib/minmax.h>
#include <mm/slab.h>
#include "tty_internal.h"

#define PAPER 1024

struct paper {
	struct tty tty;
	size_t room, used;
	uint8_t text[PAPER];
};

static struct paper *paper_of(struct tty *tty)
{
	return container_of(tty, struct paper, tty);
}

static size_t paper_write(struct tty *tty, const uint8_t *buf, size_t len)
{
	struct paper *p = paper_of(tty);

	len = min(len, p->room);
	memcpy(p->text + p->used, buf, len);
	p->used += len;
	p->room -= len;
	return len;
}

static size_t paper_room(struct tty *tty)
{
	return paper_of(tty)->room;
}

static size_t paper_chars(struct tty *tty)
{
	return 0;
}

static void paper_start(struct tty *tty)
{
}

static const struct tty_ops paper_ops = {
	.write = paper_write, .write_room = paper_room, .chars_in_buffer = paper_chars,
	.start = paper_start,
};

static struct paper *paper_create(void)
{
	struct paper *p = kzalloc(sizeof(*p), ALLOC_NORMAL);

	if (!p)
		return NULL;
	if (tty_init(&p->tty, &paper_ops, "paper", 0)) {
		kfree(p);
		return NULL;
	}
	p->room = PAPER;
	mutex_lock(&p->tty.lock);
	n_tty_reset(&p->tty);
	mutex_unlock(&p->tty.lock);
	return p;
}

static void paper_free(struct paper *p)
{
	kfree(p->tty.ld.buf);
	kfree(p);
}

static size_t type(struct paper *p, const char *text)
{
	return tty_receive(&p->tty, (const uint8_t *)text, NULL, strlen(text));
}

static void set(struct paper *p, const struct termios2 *t)
{
	struct termios2 old = p->tty.termios;

	mutex_lock(&p->tty.lock);
	p->tty.termios = *t;
	n_tty_settings_changed(&p->tty, &old);
	mutex_unlock(&p->tty.lock);
}

/* What was echoed since the last call is @want. */
#define EXPECT_ECHO(p, want)								\
do {											\
	(p)->text[min((p)->used, (size_t)PAPER - 1)] = 0;				\
	KEXPECT_STREQ((const char *)(p)->text, want);					\
	(p)->used = 0;									\
	(p)->room = PAPER;								\
} while (0)

/* One read() gives @want. */
#define EXPECT_READ(p, want)								\
do {											\
	uint8_t buf_[128] = { 0 };							\
	bool end_;									\
	size_t n_;									\
											\
	mutex_lock(&(p)->tty.lock);							\
	n_ = n_tty_take(&(p)->tty, buf_, sizeof(buf_) - 1, &end_);			\
	mutex_unlock(&(p)->tty.lock);							\
	KEXPECT_EQ(n_, sizeof(want) - 1);						\
	KEXPECT_MEMEQ(buf_, want, sizeof(want) - 1);					\
} while (0)

KTEST(n_tty, line_and_echo)
{
	struct paper *p = paper_create();

	KASSERT_NOT_NULL(p);
	type(p, "abc");
	KEXPECT_FALSE(n_tty_has_input(&p->tty, false));
	EXPECT_ECHO(p, "abc");
	type(p, "\r");
	EXPECT_ECHO(p, "\r\n");
	KEXPECT_TRUE(n_tty_has_input(&p->tty, false));
	EXPECT_READ(p, "abc\n");
	KEXPECT_FALSE(n_tty_has_input(&p->tty, false));
	paper_free(p);
}

KTEST(n_tty, erase_word_kill)
{
	struct paper *p = paper_create();

	KASSERT_NOT_NULL(p);
	type(p, "ab\x7f");
	EXPECT_ECHO(p, "ab\b \b");
	type(p, "\x7f\x7f");
	EXPECT_ECHO(p, "\b \b");
	type(p, "one two\x17x\n");
	EXPECT_ECHO(p, "one two\b \b\b \b\b \bx\r\n");
	EXPECT_READ(p, "one x\n");
	type(p, "xy\x15z\n");
	EXPECT_ECHO(p, "xy\b \b\b \bz\r\n");
	EXPECT_READ(p, "z\n");
	type(p, "\x01\x7f");
	EXPECT_ECHO(p, "^A\b \b\b \b");
	paper_free(p);
}

KTEST(n_tty, erase_tab)
{
	struct paper *p = paper_create();

	KASSERT_NOT_NULL(p);
	type(p, "abc\t\x7f");
	EXPECT_ECHO(p, "abc\t\b\b\b\b\b");
	type(p, "d\te\n");
	EXPECT_READ(p, "abcd\te\n");
	paper_free(p);
}

KTEST(n_tty, erase_utf8)
{
	struct paper *p = paper_create();
	struct termios2 t = tty_default_termios;

	KASSERT_NOT_NULL(p);
	t.c_iflag |= IUTF8;
	set(p, &t);
	type(p, "a\xc3\xa4\x7f\n");
	EXPECT_ECHO(p, "a\xc3\xa4\b \b\r\n");
	EXPECT_READ(p, "a\n");
	paper_free(p);
}

KTEST(n_tty, literal_and_reprint)
{
	struct paper *p = paper_create();

	KASSERT_NOT_NULL(p);
	type(p, "a\x16\x04" "b\x12");
	EXPECT_ECHO(p, "a^\b^Db^R\r\na^Db");
	type(p, "\n");
	EXPECT_READ(p, "a\x04" "b\n");
	paper_free(p);
}

KTEST(n_tty, end_of_file)
{
	struct paper *p = paper_create();

	KASSERT_NOT_NULL(p);
	type(p, "ab\x04" "\x04" "c\n");
	EXPECT_READ(p, "ab");
	EXPECT_READ(p, "");
	EXPECT_READ(p, "c\n");
	paper_free(p);
}

KTEST(n_tty, end_of_file_behind_full_read)
{
	struct paper *p = paper_create();
	uint8_t buf[2];
	bool end;

	KASSERT_NOT_NULL(p);
	type(p, "ab\x04");
	mutex_lock(&p->tty.lock);
	KEXPECT_EQ(n_tty_take(&p->tty, buf, 2, &end), 2);
	mutex_unlock(&p->tty.lock);
	KEXPECT_TRUE(end);
	KEXPECT_FALSE(n_tty_has_input(&p->tty, false));
	paper_free(p);
}

KTEST(n_tty, flow_control)
{
	struct paper *p = paper_create();

	KASSERT_NOT_NULL(p);
	type(p, "\x13");
	KEXPECT_TRUE(p->tty.stopped);
	type(p, "\x11");
	KEXPECT_FALSE(p->tty.stopped);
	KEXPECT_FALSE(n_tty_has_input(&p->tty, false));
	paper_free(p);
}

KTEST(n_tty, raw_and_vmin)
{
	struct paper *p = paper_create();
	struct termios2 t = tty_default_termios;

	KASSERT_NOT_NULL(p);
	t.c_iflag = 0;
	t.c_lflag = 0;
	t.c_cc[VMIN] = 3;
	set(p, &t);
	KEXPECT_TRUE(p->tty.ld.raw);
	type(p, "\x03\r");
	KEXPECT_TRUE(n_tty_has_input(&p->tty, false));
	KEXPECT_FALSE(n_tty_has_input(&p->tty, true));
	type(p, "x");
	KEXPECT_TRUE(n_tty_has_input(&p->tty, true));
	EXPECT_READ(p, "\x03\rx");
	EXPECT_ECHO(p, "");
	paper_free(p);
}

KTEST(n_tty, switch_to_canonical)
{
	struct paper *p = paper_create();
	struct termios2 t = tty_default_termios;

	KASSERT_NOT_NULL(p);
	t.c_lflag &= ~(uint32_t)ICANON;
	set(p, &t);
	type(p, "half");
	set(p, &tty_default_termios);
	KEXPECT_TRUE(n_tty_has_input(&p->tty, false));
	EXPECT_READ(p, "half");
	type(p, "more");
	KEXPECT_FALSE(n_tty_has_input(&p->tty, false));
	t.c_lflag &= ~(uint32_t)ICANON;
	set(p, &t);
	EXPECT_READ(p, "more");
	paper_free(p);
}

KTEST(n_tty, marks_and_breaks)
{
	static const uint8_t chars[] = { 'a', 0, 'b', 0xff },
		flags[] = { TTY_NORMAL, TTY_BREAK, TTY_PARITY, TTY_NORMAL };
	struct paper *p = paper_create();
	struct termios2 t = tty_default_termios;

	KASSERT_NOT_NULL(p);
	t.c_lflag = 0;
	t.c_iflag = PARMRK | INPCK;
	set(p, &t);
	KEXPECT_EQ(tty_receive(&p->tty, chars, flags, 4), 4);
	EXPECT_READ(p, "a\xff\0\0\xff\0b\xff\xff");
	paper_free(p);
}

KTEST(n_tty, output_processing)
{
	struct paper *p = paper_create();
	struct termios2 t = tty_default_termios;

	KASSERT_NOT_NULL(p);
	mutex_lock(&p->tty.lock);
	KEXPECT_EQ(n_tty_write(&p->tty, (const uint8_t *)"ab\ncd", 5), 5);
	mutex_unlock(&p->tty.lock);
	EXPECT_ECHO(p, "ab\r\ncd");
	t.c_oflag = OPOST | XTABS | OLCUC;
	set(p, &t);
	mutex_lock(&p->tty.lock);
	KEXPECT_EQ(n_tty_write(&p->tty, (const uint8_t *)"\tx", 2), 2);
	mutex_unlock(&p->tty.lock);
	EXPECT_ECHO(p, "      X");
	paper_free(p);
}

/* Echoes wait for room, in order, and before later output. */
KTEST(n_tty, echo_waits)
{
	struct paper *p = paper_create();

	KASSERT_NOT_NULL(p);
	p->room = 1;
	type(p, "abc");
	KEXPECT_EQ(p->used, 1);
	p->room = PAPER;
	mutex_lock(&p->tty.lock);
	KEXPECT_EQ(n_tty_write(&p->tty, (const uint8_t *)"!", 1), 1);
	mutex_unlock(&p->tty.lock);
	EXPECT_ECHO(p, "abc!");
	paper_free(p);
}

/* A line that never ends: the buffer drops what does not fit, and the newline still gets in. */
KTEST(n_tty, overlong_line)
{
	struct paper *p = paper_create();
	struct termios2 t = tty_default_termios;

	KASSERT_NOT_NULL(p);
	t.c_lflag &= ~(uint32_t)ECHO;
	set(p, &t);
	for (int i = 0; i < 5000; i++)
		KEXPECT_EQ(type(p, "x"), 1);
	KEXPECT_EQ(type(p, "\n"), 1);
	mutex_lock(&p->tty.lock);
	KEXPECT_EQ(n_tty_input_count(&p->tty), N_TTY_SIZE);
	mutex_unlock(&p->tty.lock);
	KEXPECT_EQ(type(p, "y"), 0);
	KEXPECT_TRUE(p->tty.ld.throttled);
	/* A flush, a hang-up or a new first open leaves an empty buffer that takes input. */
	mutex_lock(&p->tty.lock);
	n_tty_reset(&p->tty);
	mutex_unlock(&p->tty.lock);
	KEXPECT_FALSE(p->tty.ld.throttled);
	KEXPECT_EQ(type(p, "y"), 1);
	paper_free(p);
}
