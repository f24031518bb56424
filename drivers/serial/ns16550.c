/* SPDX-License-Identifier: MIT */
/*
 * The 16550 UART and its descendants (National Semiconductor PC16550D data sheet), behind ports or
 * memory.
 *
 * The interrupt is treated as an edge: the handler goes on until the chip has nothing pending, or
 * another edge would never come.
 */
#include <drivers/serial.h>
#include <arch/cpu.h>
#include <kernel/irq.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <uapi/major.h>

enum uart_reg {
	UART_DATA	= 0,		/* DLAB: divisor, low */
	UART_IER	= 1,		/* DLAB: divisor, high */
	UART_IIR	= 2,		/* write: FIFO control */
	UART_LCR	= 3,
	UART_MCR	= 4,
	UART_LSR	= 5,
	UART_MSR	= 6,
	UART_SCRATCH	= 7,
};

enum { IER_RX = 1, IER_TX = 2, IER_LINE = 4, IER_MODEM = 8 };
enum { IIR_NONE = 1, IIR_FIFO = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4, FCR_TRIGGER_8 = 0x80 };
enum { LCR_STOP2 = 4, LCR_PARITY = 8, LCR_EVEN = 0x10, LCR_STICK = 0x20, LCR_BREAK = 0x40,
       LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT2 = 8, MCR_LOOP = 0x10 };
enum { LSR_READY = 1, LSR_OVERRUN = 2, LSR_PARITY = 4, LSR_FRAME = 8, LSR_BREAK = 0x10,
       LSR_TX_FREE = 0x20, LSR_TX_EMPTY = 0x40 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RING = 0x40, MSR_CARRIER = 0x80 };

#define IRQ_ROUNDS_MAX	256
#define POLL_TRIES_MAX	100000

struct ns16550 {
	struct serial_port port;
	uint32_t shift;			/* [I] registers are 1 << shift bytes apart */
	uint8_t ier, lcr;		/* [R] port.lock: as written */
};

static uint8_t uart_read(const struct ns16550 *u, enum uart_reg reg)
{
	return mmio_read8(&u->port.regs, (uint32_t)reg << u->shift);
}

static void uart_write(const struct ns16550 *u, enum uart_reg reg, uint8_t v)
{
	mmio_write8(&u->port.regs, (uint32_t)reg << u->shift, v);
}

static struct ns16550 *uart_of(struct serial_port *p)
{
	return container_of(p, struct ns16550, port);
}

static void ier_change(struct ns16550 *u, uint8_t set, uint8_t clear)
{
	uint8_t ier = (uint8_t)((u->ier & ~clear) | set);

	if (ier != u->ier)
		uart_write(u, UART_IER, u->ier = ier);
}

/* The FIFO is empty: fill it.  The transmit interrupt stays on while there is more. */
static void fill_fifo(struct ns16550 *u)
{
	uint8_t c;

	for (uint32_t i = 0; i < u->port.fifo_size; i++) {
		if (!serial_tx_next(&u->port, &c)) {
			ier_change(u, 0, IER_TX);
			return;
		}
		uart_write(u, UART_DATA, c);
	}
	ier_change(u, IER_TX, 0);
}

static void ns16550_start_tx(struct serial_port *p)
{
	struct ns16550 *u = uart_of(p);

	if (uart_read(u, UART_LSR) & LSR_TX_FREE)
		fill_fifo(u);
	else
		ier_change(u, IER_TX, 0);
}

static void ns16550_stop_tx(struct serial_port *p)
{
	ier_change(uart_of(p), 0, IER_TX);
}

static void receive(struct ns16550 *u, uint8_t status)
{
	for (int i = 0; i < IRQ_ROUNDS_MAX && (status & LSR_READY); i++) {
		uint8_t c = uart_read(u, UART_DATA);

		if (status & LSR_OVERRUN)
			u->port.counts.overrun++;
		if (status & LSR_BREAK)
			serial_rx(&u->port, 0, TTY_BREAK);
		else if (status & LSR_PARITY)
			serial_rx(&u->port, c, TTY_PARITY);
		else if (status & LSR_FRAME)
			serial_rx(&u->port, c, TTY_FRAME);
		else
			serial_rx(&u->port, c, TTY_NORMAL);
		status = uart_read(u, UART_LSR);
	}
}

static unsigned int modem_lines(uint8_t msr)
{
	return (msr & MSR_CTS ? TIOCM_CTS : 0) | (msr & MSR_DSR ? TIOCM_DSR : 0) |
	       (msr & MSR_RING ? TIOCM_RNG : 0) | (msr & MSR_CARRIER ? TIOCM_CAR : 0);
}

static enum irq_result ns16550_interrupt(unsigned int irq, void *ctx)
{
	struct ns16550 *u = ctx;
	enum irq_result result = IRQ_NONE;

	spin_lock(&u->port.lock);
	for (int i = 0; i < IRQ_ROUNDS_MAX && !(uart_read(u, UART_IIR) & IIR_NONE); i++) {
		uint8_t status = uart_read(u, UART_LSR);

		result = IRQ_HANDLED;
		receive(u, status);
		serial_modem_changed(&u->port, modem_lines(uart_read(u, UART_MSR)));
		if (status & LSR_TX_FREE)
			fill_fifo(u);
	}
	spin_unlock(&u->port.lock);
	if (result == IRQ_HANDLED)
		serial_irq_done(&u->port);
	return result;
}

static int ns16550_startup(struct serial_port *p)
{
	struct ns16550 *u = uart_of(p);
	unsigned long flags;
	int err;

	flags = spin_lock_irqsave(&p->lock);
	uart_write(u, UART_IER, u->ier = 0);
	uart_write(u, UART_IIR, FCR_ENABLE | FCR_CLEAR_RX | FCR_TRIGGER_8);
	spin_unlock_irqrestore(&p->lock, flags);
	err = irq_request(p->irq, ns16550_interrupt, u, p->tty.name);
	if (err)
		return err;
	flags = spin_lock_irqsave(&p->lock);
	(void)uart_read(u, UART_LSR);
	(void)uart_read(u, UART_DATA);
	(void)uart_read(u, UART_IIR);
	(void)uart_read(u, UART_MSR);
	ier_change(u, IER_RX | IER_LINE | IER_MODEM, 0);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static void ns16550_shutdown(struct serial_port *p)
{
	struct ns16550 *u = uart_of(p);
	unsigned long flags = spin_lock_irqsave(&p->lock);

	uart_write(u, UART_IER, u->ier = 0);
	spin_unlock_irqrestore(&p->lock, flags);
	irq_release(p->irq, u);
}

static bool ns16550_tx_is_empty(struct serial_port *p)
{
	return uart_read(uart_of(p), UART_LSR) & LSR_TX_EMPTY;
}

static uint8_t format_bits(const struct termios2 *t)
{
	uint8_t lcr = (uint8_t)((t->c_cflag & CSIZE) >> 4);	/* CS5..CS8 are the chip's 0..3 */

	if (t->c_cflag & CSTOPB)
		lcr |= LCR_STOP2;
	if (t->c_cflag & PARENB)
		lcr |= LCR_PARITY | (t->c_cflag & PARODD ? 0 : LCR_EVEN) |
			(t->c_cflag & CMSPAR ? LCR_STICK : 0);
	return lcr;
}

static unsigned int ns16550_set_format(struct serial_port *p, const struct termios2 *t,
				       unsigned int baud)
{
	struct ns16550 *u = uart_of(p);
	unsigned int divisor = p->clock_hz ? serial_divisor(p->clock_hz, 16, baud, 1, 0xffff) : 0;

	u->lcr = format_bits(t);
	if (divisor) {
		uart_write(u, UART_LCR, u->lcr | LCR_DLAB);
		uart_write(u, UART_DATA, (uint8_t)divisor);
		uart_write(u, UART_IER, (uint8_t)(divisor >> 8));
	}
	uart_write(u, UART_LCR, u->lcr);
	return divisor ? p->clock_hz / 16 / divisor : baud;
}

/* OUT2 gates the interrupt line on a PC. */
static void ns16550_set_modem(struct serial_port *p, unsigned int lines)
{
	uart_write(uart_of(p), UART_MCR, (uint8_t)(MCR_OUT2 | (lines & TIOCM_DTR ? MCR_DTR : 0) |
						   (lines & TIOCM_RTS ? MCR_RTS : 0)));
}

static unsigned int ns16550_get_modem(struct serial_port *p)
{
	return modem_lines(uart_read(uart_of(p), UART_MSR));
}

static void ns16550_set_break(struct serial_port *p, bool on)
{
	struct ns16550 *u = uart_of(p);

	u->lcr = (uint8_t)(on ? u->lcr | LCR_BREAK : u->lcr & ~LCR_BREAK);
	uart_write(u, UART_LCR, u->lcr);
}

static void ns16550_put_polled(struct serial_port *p, uint8_t c)
{
	struct ns16550 *u = uart_of(p);

	for (int i = 0; i < POLL_TRIES_MAX && !(uart_read(u, UART_LSR) & LSR_TX_FREE); i++)
		arch_cpu_relax();
	uart_write(u, UART_DATA, c);
}

static const struct serial_ops ns16550_ops = {
	.startup = ns16550_startup,
	.shutdown = ns16550_shutdown,
	.start_tx = ns16550_start_tx,
	.stop_tx = ns16550_stop_tx,
	.tx_is_empty = ns16550_tx_is_empty,
	.set_format = ns16550_set_format,
	.set_modem = ns16550_set_modem,
	.get_modem = ns16550_get_modem,
	.set_break = ns16550_set_break,
	.put_polled = ns16550_put_polled,
};

/* Does anything answer?  The scratch register holds what is written; an empty bus does not. */
static bool is_present(const struct ns16550 *u)
{
	uint8_t was = uart_read(u, UART_SCRATCH);
	bool ok;

	uart_write(u, UART_SCRATCH, 0x5a);
	ok = uart_read(u, UART_SCRATCH) == 0x5a;
	uart_write(u, UART_SCRATCH, 0xa5);
	ok = ok && uart_read(u, UART_SCRATCH) == 0xa5;
	uart_write(u, UART_SCRATCH, was);
	return ok;
}

/* An original 16450 has no FIFO. */
static uint32_t fifo_size(const struct ns16550 *u)
{
	uart_write(u, UART_IIR, FCR_ENABLE);
	return (uart_read(u, UART_IIR) & IIR_FIFO) == IIR_FIFO ? 16 : 1;
}

static int ns16550_probe(struct device *dev)
{
	static uint32_t next_line;	/* [A] ttyS number */
	struct ns16550 *u = kzalloc(sizeof(*u), ALLOC_NORMAL);
	char name[TTY_NAME_MAX];
	uint32_t line;
	int err;

	if (!u)
		return -ENOMEM;
	(void)device_property_u32(dev, "reg-shift", &u->shift);
	(void)device_property_u32(dev, "clock-frequency", &u->port.clock_hz);
	err = u->shift > 4 ? -EINVAL : device_mmio(dev, 0, 8ULL << u->shift, &u->port.regs);
	if (!err && !is_present(u))
		err = -ENODEV;
	if (err)
		goto fail;
	err = device_irq(dev, 0);
	if (err < 0)
		goto fail;
	u->port.irq = (unsigned int)err;
	u->port.ops = &ns16550_ops;
	u->port.dev = dev;
	u->port.fifo_size = fifo_size(u);
	line = __atomic_fetch_add(&next_line, 1, __ATOMIC_RELAXED);
	snprintf(name, sizeof(name), "ttyS%u", line);
	dev->priv = u;
	err = serial_register(&u->port, name, DEV_MAKE(TTY_MAJOR, TTY_MINOR_SERIAL + line));
	if (!err)
		return 0;
fail:
	kfree(u);
	return err;
}

static const struct device_id ns16550_ids[] = {
	{ .compatible = "ns16550a" },
	{ .compatible = "ns16550" },
	{ .compatible = "snps,dw-apb-uart" },
	{ 0 },
};

DRIVER(ns16550) = {
	.name = "ns16550",
	.ids = ns16550_ids,
	.probe = ns16550_probe,
};
