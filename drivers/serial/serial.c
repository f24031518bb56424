/* SPDX-License-Identifier: MIT */
/*
 * The core of serial ports: struct tty's driver side over a UART's registers.
 *
 * Input: interrupt -> rx ring -> worker thread -> line discipline, because signals need
 * tasklist_lock, which is never taken in interrupts.  Output: line discipline -> tx ring ->
 * interrupt.
 *
 * S1  Each ring has one writer and one reader at a time: rx by port->lock (interrupt) and the
 *     worker, tx by tty->lock and port->lock.  Clearing is reading.
 * S2  The worker lives from the first open on.  It is the only one that tells the tty core about
 *     input, room and carrier.
 * S3  port->lock (class UART) is innermost, below even the log's: nothing is logged or woken under
 *     it.
 */
#include <drivers/serial.h>
#include <fs/chardev.h>
#include <kernel/clock.h>
#include <kernel/sched.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/parse.h>
#include <lib/string.h>
#include <mm/slab.h>
#include <mm/uaccess.h>
#include <uapi/poll.h>

#define DEFAULT_BAUD	115200u
#define WAKE_WRITERS	(SERIAL_RING / 2)
#define RX_BATCH	128u

static struct serial_port *port_of(struct tty *tty)
{
	return container_of(tty, struct serial_port, tty);
}

static void raise_event(struct serial_port *p, uint32_t events)
{
	__atomic_fetch_or(&p->events, events, __ATOMIC_SEQ_CST);
}

/* ---- from the interrupt handler, lock held ---- */

void serial_rx(struct serial_port *p, uint8_t c, enum tty_flag flag)
{
	uint8_t pair[2] = { (uint8_t)flag, c };

	p->counts.rx++;
	p->counts.breaks += flag == TTY_BREAK;
	p->counts.frame += flag == TTY_FRAME;
	p->counts.parity += flag == TTY_PARITY;
	p->counts.overrun += flag == TTY_OVERRUN;
	if (!(p->tty.termios.c_cflag & CREAD))
		return;
	if (ringbuf_free(&p->rx) < sizeof(pair))
		p->counts.lost++;
	else
		ringbuf_write(&p->rx, pair, sizeof(pair));
	raise_event(p, SERIAL_RX);
}

bool serial_tx_next(struct serial_port *p, uint8_t *c)
{
	if (p->tty.stopped || p->hw_stopped || !ringbuf_read(&p->tx, c, 1))
		return false;
	p->counts.tx++;
	if (ringbuf_used(&p->tx) < WAKE_WRITERS && __atomic_load_n(&p->want_room, __ATOMIC_RELAXED))
		raise_event(p, SERIAL_ROOM);
	return true;
}

void serial_modem_changed(struct serial_port *p, unsigned int lines)
{
	unsigned int changed = lines ^ p->modem_in;

	p->modem_in = lines;
	p->counts.cts += !!(changed & TIOCM_CTS);
	p->counts.dsr += !!(changed & TIOCM_DSR);
	p->counts.ring += !!(changed & TIOCM_RNG);
	p->counts.carrier += !!(changed & TIOCM_CAR);
	if (changed & TIOCM_CAR)
		raise_event(p, SERIAL_CARRIER);
	if (p->tty.termios.c_cflag & CRTSCTS) {
		p->hw_stopped = !(lines & TIOCM_CTS);
		if (!p->hw_stopped)
			p->ops->start_tx(p);
	}
}

void serial_irq_done(struct serial_port *p)
{
	if (__atomic_load_n(&p->events, __ATOMIC_RELAXED))
		waitq_wake(&p->worker_wait, 0);
}

/* ---- the worker ---- */

/* Offer what waits in rx to the line discipline; false when that is full. */
static bool deliver_some(struct serial_port *p)
{
	uint8_t pairs[2 * RX_BATCH], chars[RX_BATCH], flags[RX_BATCH], any = 0;
	size_t n = ringbuf_peek(&p->rx, 0, pairs, sizeof(pairs)) / 2, taken;

	for (size_t i = 0; i < n; i++) {
		any |= flags[i] = pairs[2 * i];
		chars[i] = pairs[2 * i + 1];
	}
	taken = tty_receive(&p->tty, chars, any ? flags : NULL, n);
	ringbuf_consume(&p->rx, 2 * taken);
	return taken == n;
}

/*
 * Input that the line discipline cannot take waits here; with hardware flow control the other end
 * is told.
 */
static void throttle(struct serial_port *p, bool on)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);

	if ((p->tty.termios.c_cflag & CRTSCTS) && p->is_up) {
		p->modem = on ? p->modem & ~(uint32_t)TIOCM_RTS : p->modem | TIOCM_RTS;
		p->ops->set_modem(p, p->modem);
	}
	spin_unlock_irqrestore(&p->lock, flags);
}

static void worker_input(struct serial_port *p)
{
	while (ringbuf_used(&p->rx))
		if (!deliver_some(p)) {
			throttle(p, true);
			return;
		}
}

static void worker(void *arg)
{
	struct serial_port *p = arg;

	for (;;) {
		uint32_t events;

		wait_event(&p->worker_wait, __atomic_load_n(&p->events, __ATOMIC_SEQ_CST));
		events = __atomic_exchange_n(&p->events, 0, __ATOMIC_SEQ_CST);
		if (events & SERIAL_RX)
			worker_input(p);
		if (events & SERIAL_ROOM) {
			__atomic_store_n(&p->want_room, false, __ATOMIC_RELAXED);
			tty_write_wakeup(&p->tty);
		}
		if (events & SERIAL_CARRIER)
			tty_carrier_changed(&p->tty, p->modem_in & TIOCM_CAR);
	}
}

/* ---- struct tty_ops ---- */

static int worker_start(struct serial_port *p)
{
	struct thread *t;

	if (p->has_worker)
		return 0;
	t = kthread_create(worker, p, p->tty.name);
	if (IS_ERR(t))
		return (int)PTR_ERR(t);
	p->has_worker = true;
	return 0;
}

static int rings_alloc(struct serial_port *p)
{
	uint8_t *mem;

	if (p->rings)
		return 0;
	mem = kmalloc(2 * SERIAL_RING, ALLOC_NORMAL);
	if (!mem)
		return -ENOMEM;
	ringbuf_init(&p->rx, mem, SERIAL_RING);
	ringbuf_init(&p->tx, mem + SERIAL_RING, SERIAL_RING);
	p->rings = mem;
	return 0;
}

static void set_format_locked(struct serial_port *p)
{
	struct termios2 *t = &p->tty.termios;
	unsigned int baud = termios_baud(t);

	if (baud)
		(void)p->ops->set_format(p, t, baud);
	p->modem = baud ? TIOCM_DTR | TIOCM_RTS : 0;	/* B0 hangs up */
	p->ops->set_modem(p, p->modem);
	p->modem_in = p->ops->get_modem(p);
	p->hw_stopped = (t->c_cflag & CRTSCTS) && !(p->modem_in & TIOCM_CTS);
}

static int serial_open(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags;
	int err = rings_alloc(p);

	if (!err)
		err = worker_start(p);
	if (!err && !p->is_up)
		err = p->ops->startup(p);
	if (err)
		return err;
	flags = spin_lock_irqsave(&p->lock);
	p->is_up = true;
	set_format_locked(p);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static void serial_close(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags;
	bool down;

	flags = spin_lock_irqsave(&p->lock);
	if ((tty->termios.c_cflag & HUPCL) && !p->is_console)
		p->ops->set_modem(p, p->modem = 0);
	down = !p->is_console;
	if (down)
		p->is_up = false;
	spin_unlock_irqrestore(&p->lock, flags);
	if (down)
		p->ops->shutdown(p);
}

static size_t serial_write_room(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	size_t room = ringbuf_free(&p->tx);

	if (room < 256)
		__atomic_store_n(&p->want_room, true, __ATOMIC_RELAXED);
	return room;
}

static size_t serial_write(struct tty *tty, const uint8_t *buf, size_t len)
{
	struct serial_port *p = port_of(tty);
	size_t n = ringbuf_write(&p->tx, buf, len);

	if (n < len)
		__atomic_store_n(&p->want_room, true, __ATOMIC_RELAXED);
	return n;
}

/* Also who waits for the end of output wants to be told of progress. */
static size_t serial_chars_in_buffer(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	size_t n = p->rings ? ringbuf_used(&p->tx) : 0;

	if (n)
		__atomic_store_n(&p->want_room, true, __ATOMIC_RELAXED);
	return n;
}

static void serial_start(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags;

	if (!ringbuf_used(&p->tx) || tty->stopped)
		return;
	flags = spin_lock_irqsave(&p->lock);
	if (p->is_up)
		p->ops->start_tx(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void serial_stop(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags = spin_lock_irqsave(&p->lock);

	if (p->is_up)
		p->ops->stop_tx(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void serial_flush_output(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags = spin_lock_irqsave(&p->lock);

	if (p->rings)
		ringbuf_clear(&p->tx);
	spin_unlock_irqrestore(&p->lock, flags);
}

static void serial_unthrottle(struct tty *tty)
{
	struct serial_port *p = port_of(tty);

	throttle(p, false);
	raise_event(p, SERIAL_RX);
	waitq_wake(&p->worker_wait, 0);
}

static void serial_set_termios(struct tty *tty, const struct termios2 *old)
{
	struct serial_port *p = port_of(tty);
	const uint32_t wire = CBAUD | CSIZE | CSTOPB | PARENB | PARODD | CMSPAR | CRTSCTS;
	unsigned long flags = spin_lock_irqsave(&p->lock);

	if (p->is_up && ((old->c_cflag ^ tty->termios.c_cflag) & wire ||
			 old->c_ospeed != tty->termios.c_ospeed))
		set_format_locked(p);
	spin_unlock_irqrestore(&p->lock, flags);
	serial_start(tty);
}

static int serial_break(struct tty *tty, bool on)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags = spin_lock_irqsave(&p->lock);

	if (p->is_up)
		p->ops->set_break(p, on);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static int serial_get_modem(struct tty *tty)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags = spin_lock_irqsave(&p->lock);
	unsigned int lines = p->modem | (p->is_up ? p->ops->get_modem(p) : 0);

	spin_unlock_irqrestore(&p->lock, flags);
	return (int)lines;
}

static int serial_set_modem(struct tty *tty, unsigned int set, unsigned int clear)
{
	struct serial_port *p = port_of(tty);
	unsigned long flags = spin_lock_irqsave(&p->lock);

	p->modem = (p->modem & ~clear) | set;
	if (p->is_up)
		p->ops->set_modem(p, p->modem);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static bool serial_is_carrier(struct tty *tty)
{
	return serial_get_modem(tty) & TIOCM_CAR;
}

static bool is_sent(struct serial_port *p)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	bool sent = !p->is_up || p->ops->tx_is_empty(p);

	spin_unlock_irqrestore(&p->lock, flags);
	return sent;
}

/* The FIFO's last characters: no interrupt tells, so look once per character time. */
static void serial_wait_sent(struct tty *tty, int64_t deadline_ns)
{
	struct serial_port *p = port_of(tty);
	int64_t step = (int64_t)serial_char_ns(termios_baud(&tty->termios));

	while (!is_sent(p) && clock_ns() < deadline_ns)
		sleep_ns(step ? step : NSEC_PER_MSEC);
}

static long put_counts(struct serial_port *p, uint64_t arg)
{
	unsigned long flags = spin_lock_irqsave(&p->lock);
	struct serial_counts c = p->counts;
	uint32_t out[20] = { c.cts, c.dsr, c.ring, c.carrier, c.rx, c.tx, c.frame, c.overrun,
			     c.parity, c.breaks, c.lost };

	spin_unlock_irqrestore(&p->lock, flags);
	return copy_to_user(UADDR(arg), out, sizeof(out));	/* struct serial_icounter_struct */
}

static long serial_ioctl(struct tty *tty, unsigned int cmd, uint64_t arg)
{
	struct serial_port *p = port_of(tty);

	switch (cmd) {
	case TIOCGICOUNT:
		return put_counts(p, arg);
	case TIOCSERGETLSR:
		return put_user((uint32_t)(!ringbuf_used(&p->tx) && is_sent(p) ? TIOCSER_TEMT : 0),
				UADDR(arg));
	}
	return -ENOIOCTLCMD;
}

static const struct tty_ops serial_tty_ops = {
	.open = serial_open,
	.close = serial_close,
	.write = serial_write,
	.write_room = serial_write_room,
	.chars_in_buffer = serial_chars_in_buffer,
	.flush_output = serial_flush_output,
	.start = serial_start,
	.stop = serial_stop,
	.unthrottle = serial_unthrottle,
	.set_termios = serial_set_termios,
	.break_ctl = serial_break,
	.get_modem = serial_get_modem,
	.set_modem = serial_set_modem,
	.is_carrier = serial_is_carrier,
	.wait_sent = serial_wait_sent,
	.ioctl = serial_ioctl,
};

/* ---- kernel messages ---- */

static void sink_write(struct log_sink *s, const char *text, size_t len)
{
	struct serial_port *p = container_of(s, struct serial_port, sink);

	spin_lock(&p->lock);		/* interrupts are masked */
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			p->ops->put_polled(p, '\r');
		p->ops->put_polled(p, (uint8_t)text[i]);
	}
	spin_unlock(&p->lock);
}

/* "115200n8r": speed, parity, bits, flow control, as Linux has it; each part may be missing. */
static void apply_options(struct termios2 *t, const char *options)
{
	unsigned int baud = 0;

	for (; *options >= '0' && *options <= '9' && baud < 100000000; options++)
		baud = baud * 10 + (unsigned int)(*options - '0');
	if (baud)
		termios_set_baud(t, baud);
	if (*options == 'e' || *options == 'o')
		t->c_cflag |= PARENB | (*options == 'o' ? PARODD : 0);
	if (*options == 'e' || *options == 'o' || *options == 'n')
		options++;
	if (*options == '7')
		t->c_cflag = (t->c_cflag & ~(uint32_t)CSIZE) | CS7;
	if (*options == '7' || *options == '8')
		options++;
	if (*options == 'r')
		t->c_cflag |= CRTSCTS;
}

/*
 * Named by a boot argument; or, when there is none at all, the firmware's choice or the first port.
 */
static bool is_wanted_as_console(struct serial_port *p, const char **options)
{
	*options = "";
	if (tty_is_console_arg(p->tty.name, options))
		return true;
	return !tty_has_console_arg() && tty_is_first_console();
}

int serial_register(struct serial_port *p, const char *name, dev_t dev)
{
	const char *options;
	int err = tty_init(&p->tty, &serial_tty_ops, name, dev);

	if (err)
		return err;
	spinlock_init(&p->lock, UART);
	waitq_init(&p->worker_wait);
	p->tty.termios.c_cflag = CS8 | CREAD | HUPCL | CLOCAL;
	termios_set_baud(&p->tty.termios, DEFAULT_BAUD);
	p->is_console = is_wanted_as_console(p, &options);
	apply_options(&p->tty.termios, options);
	err = tty_register(&p->tty, 0);
	if (err)
		return err;
	if (p->is_console) {
		tty_set_console(&p->tty);
		p->sink = (struct log_sink){ .name = p->tty.name, .write = sink_write };
		log_sink_register(&p->sink);
	}
	log_info("%s: %s, irq %u%s", p->tty.name, p->dev->name, p->irq,
		 p->is_console ? ", console" : "");
	return 0;
}
