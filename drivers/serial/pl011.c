/* SPDX-License-Identifier: MIT */
/*
 * Arm's PL011 UART (DDI 0183).
 *
 * Its transmit interrupt tells that the FIFO passed its trigger level going down, so the first
 * characters of a burst are written without waiting for one.
 */
#include <drivers/serial.h>
#include <arch/cpu.h>
#include <kernel/irq.h>
#include <lib/err.h>
#include <lib/minmax.h>
#include <lib/printf.h>
#include <mm/slab.h>
#include <uapi/major.h>

enum pl011_reg {			/* 3.2 */
	PL011_DR	= 0x00,
	PL011_FR	= 0x18,
	PL011_IBRD	= 0x24,
	PL011_FBRD	= 0x28,
	PL011_LCR_H	= 0x2c,
	PL011_CR	= 0x30,
	PL011_IFLS	= 0x34,
	PL011_IMSC	= 0x38,
	PL011_MIS	= 0x40,
	PL011_ICR	= 0x44,
	PL011_SIZE	= 0x1000,
};

enum { DR_FRAME = 1 << 8, DR_PARITY = 1 << 9, DR_BREAK = 1 << 10, DR_OVERRUN = 1 << 11 };
enum { FR_CTS = 1, FR_DSR = 2, FR_DCD = 4, FR_BUSY = 8, FR_RX_EMPTY = 0x10, FR_TX_FULL = 0x20,
       FR_RI = 0x100 };
enum { LCR_BREAK = 1, LCR_PARITY = 2, LCR_EVEN = 4, LCR_STOP2 = 8, LCR_FIFO = 0x10,
       LCR_STICK = 0x80 };
enum { CR_ENABLE = 1, CR_TX = 0x100, CR_RX = 0x200, CR_DTR = 0x400, CR_RTS = 0x800 };
enum {
	INT_MODEM = 0x0f, INT_RX = 0x10, INT_TX = 0x20, INT_RX_TIMEOUT = 0x40, INT_ERRORS = 0x780,
	INT_ALL = 0x7ff,
};

#define ROUNDS_MAX	256
#define POLL_TRIES_MAX	1000000

struct pl011 {
	struct serial_port port;
	uint32_t imsc, lcr;		/* [R] port.lock: as written */
};

static struct pl011 *uart_of(struct serial_port *p)
{
	return container_of(p, struct pl011, port);
}

static uint32_t uart_read(const struct pl011 *u, enum pl011_reg reg)
{
	return mmio_read32(&u->port.regs, reg);
}

static void uart_write(const struct pl011 *u, enum pl011_reg reg, uint32_t v)
{
	mmio_write32(&u->port.regs, reg, v);
}

static void imsc_change(struct pl011 *u, uint32_t set, uint32_t clear)
{
	uint32_t imsc = (u->imsc & ~clear) | set;

	if (imsc != u->imsc)
		uart_write(u, PL011_IMSC, u->imsc = imsc);
}

static void pl011_start_tx(struct serial_port *p)
{
	struct pl011 *u = uart_of(p);
	uint8_t c;

	while (!(uart_read(u, PL011_FR) & FR_TX_FULL)) {
		if (!serial_tx_next(p, &c)) {
			imsc_change(u, 0, INT_TX);
			return;
		}
		uart_write(u, PL011_DR, c);
	}
	imsc_change(u, INT_TX, 0);
}

static void pl011_stop_tx(struct serial_port *p)
{
	imsc_change(uart_of(p), 0, INT_TX);
}

static void receive(struct pl011 *u)
{
	for (int i = 0; i < ROUNDS_MAX && !(uart_read(u, PL011_FR) & FR_RX_EMPTY); i++) {
		uint32_t v = uart_read(u, PL011_DR);

		if (v & DR_OVERRUN)
			u->port.counts.overrun++;
		if (v & DR_BREAK)
			serial_rx(&u->port, 0, TTY_BREAK);
		else if (v & DR_PARITY)
			serial_rx(&u->port, (uint8_t)v, TTY_PARITY);
		else if (v & DR_FRAME)
			serial_rx(&u->port, (uint8_t)v, TTY_FRAME);
		else
			serial_rx(&u->port, (uint8_t)v, TTY_NORMAL);
	}
}

static unsigned int pl011_get_modem(struct serial_port *p)
{
	uint32_t fr = uart_read(uart_of(p), PL011_FR);

	return (fr & FR_CTS ? TIOCM_CTS : 0) | (fr & FR_DSR ? TIOCM_DSR : 0) |
		(fr & FR_DCD ? TIOCM_CAR : 0) | (fr & FR_RI ? TIOCM_RNG : 0);
}

static enum irq_result pl011_interrupt(unsigned int irq, void *ctx)
{
	struct pl011 *u = ctx;
	enum irq_result result = IRQ_NONE;
	uint32_t status;

	spin_lock(&u->port.lock);
	for (int i = 0; i < ROUNDS_MAX && (status = uart_read(u, PL011_MIS)); i++) {
		result = IRQ_HANDLED;
		uart_write(u, PL011_ICR, status & ~(uint32_t)(INT_RX | INT_TX));
		if (status & (INT_RX | INT_RX_TIMEOUT | INT_ERRORS))
			receive(u);
		if (status & INT_MODEM)
			serial_modem_changed(&u->port, pl011_get_modem(&u->port));
		if (status & INT_TX)
			pl011_start_tx(&u->port);
	}
	spin_unlock(&u->port.lock);
	if (result == IRQ_HANDLED)
		serial_irq_done(&u->port);
	return result;
}

static int pl011_startup(struct serial_port *p)
{
	struct pl011 *u = uart_of(p);
	unsigned long flags;
	int err;

	flags = spin_lock_irqsave(&p->lock);
	uart_write(u, PL011_IMSC, u->imsc = 0);
	uart_write(u, PL011_ICR, INT_ALL);
	uart_write(u, PL011_IFLS, 0x12);		/* half full, both ways */
	uart_write(u, PL011_CR, CR_ENABLE | CR_TX | CR_RX | CR_DTR | CR_RTS);
	spin_unlock_irqrestore(&p->lock, flags);
	err = irq_request(p->irq, pl011_interrupt, u, p->tty.name);
	if (err)
		return err;
	flags = spin_lock_irqsave(&p->lock);
	imsc_change(u, INT_RX | INT_RX_TIMEOUT | INT_ERRORS | INT_MODEM, 0);
	spin_unlock_irqrestore(&p->lock, flags);
	return 0;
}

static void pl011_shutdown(struct serial_port *p)
{
	struct pl011 *u = uart_of(p);
	unsigned long flags = spin_lock_irqsave(&p->lock);

	uart_write(u, PL011_IMSC, u->imsc = 0);
	spin_unlock_irqrestore(&p->lock, flags);
	irq_release(p->irq, u);
}

static bool pl011_tx_is_empty(struct serial_port *p)
{
	return !(uart_read(uart_of(p), PL011_FR) & FR_BUSY);
}

static uint32_t format_bits(const struct termios2 *t)
{
	/* CS5..CS8 in bits 4-5, the chip's WLEN in 5-6 */
	uint32_t lcr = LCR_FIFO | (t->c_cflag & CSIZE) << 1;

	if (t->c_cflag & CSTOPB)
		lcr |= LCR_STOP2;
	if (t->c_cflag & PARENB)
		lcr |= LCR_PARITY | (t->c_cflag & PARODD ? 0 : LCR_EVEN) |
			(t->c_cflag & CMSPAR ? LCR_STICK : 0);
	return lcr;
}

/* A write to LCR_H makes the divisor take effect. */
static unsigned int pl011_set_format(struct serial_port *p, const struct termios2 *t,
				     unsigned int baud)
{
	struct pl011 *u = uart_of(p);
	uint32_t divisor = p->clock_hz ? serial_divisor(4ULL * p->clock_hz, 1, baud, 64, 0x3fffc0) :
		0;

	u->lcr = format_bits(t);
	if (divisor) {
		uart_write(u, PL011_IBRD, divisor >> 6);
		uart_write(u, PL011_FBRD, divisor & 0x3f);
	}
	uart_write(u, PL011_LCR_H, u->lcr);
	return divisor ? (unsigned int)(4ULL * p->clock_hz / divisor) : baud;
}

static void pl011_set_modem(struct serial_port *p, unsigned int lines)
{
	uart_write(uart_of(p), PL011_CR,
		   (uint32_t)(CR_ENABLE | CR_TX | CR_RX | (lines & TIOCM_DTR ? CR_DTR : 0) |
						    (lines & TIOCM_RTS ? CR_RTS : 0)));
}

static void pl011_set_break(struct serial_port *p, bool on)
{
	struct pl011 *u = uart_of(p);

	u->lcr = on ? u->lcr | LCR_BREAK : u->lcr & ~(uint32_t)LCR_BREAK;
	uart_write(u, PL011_LCR_H, u->lcr);
}

static void pl011_put_polled(struct serial_port *p, uint8_t c)
{
	struct pl011 *u = uart_of(p);

	for (int i = 0; i < POLL_TRIES_MAX && (uart_read(u, PL011_FR) & FR_TX_FULL); i++)
		arch_cpu_relax();
	uart_write(u, PL011_DR, c);
}

static const struct serial_ops pl011_ops = {
	.startup = pl011_startup,
	.shutdown = pl011_shutdown,
	.start_tx = pl011_start_tx,
	.stop_tx = pl011_stop_tx,
	.tx_is_empty = pl011_tx_is_empty,
	.set_format = pl011_set_format,
	.set_modem = pl011_set_modem,
	.get_modem = pl011_get_modem,
	.set_break = pl011_set_break,
	.put_polled = pl011_put_polled,
};

static int pl011_probe(struct device *dev)
{
	static uint32_t next_line;	/* [A] ttyAMA number */
	struct pl011 *u = kzalloc(sizeof(*u), ALLOC_NORMAL);
	char name[TTY_NAME_MAX];
	uint32_t line;
	int err;

	if (!u)
		return -ENOMEM;
	(void)device_property_u32(dev, "clock-frequency", &u->port.clock_hz);
	err = device_mmio(dev, 0, PL011_SIZE, &u->port.regs);
	if (err)
		goto fail;
	err = device_irq(dev, 0);
	if (err < 0)
		goto fail;
	u->port.irq = (unsigned int)err;
	u->port.ops = &pl011_ops;
	u->port.dev = dev;
	u->port.fifo_size = 16;
	line = __atomic_fetch_add(&next_line, 1, __ATOMIC_RELAXED);
	snprintf(name, sizeof(name), "ttyAMA%u", line);
	dev->priv = u;
	err = serial_register(&u->port, name,
			      DEV_MAKE(AMBA_SERIAL_MAJOR, AMBA_SERIAL_MINOR + line));
	if (!err)
		return 0;
fail:
	kfree(u);
	return err;
}

static const struct device_id pl011_ids[] = {
	{ .compatible = "arm,pl011" },
	{ 0 },
};

DRIVER(pl011) = {
	.name = "pl011",
	.ids = pl011_ids,
	.probe = pl011_probe,
};
