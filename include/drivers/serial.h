/* SPDX-License-Identifier: MIT */
/*
 * Serial ports: a UART driver's registers below, struct tty above, rings and a worker thread
 * between.
 *
 * The UART's interrupt handler, with port->lock held, calls serial_rx() for each character and
 * serial_tx_next() for what to send, then, after unlocking, serial_irq_done().  All else is the
 * core's (drivers/serial/serial.c).
 */
#ifndef DRIVERS_SERIAL_H
#define DRIVERS_SERIAL_H

#include <drivers/device.h>
#include <drivers/tty.h>
#include <kernel/log.h>
#include <lib/ringbuf.h>

#define SERIAL_RING	4096u

struct serial_port;

/* A UART.  All but startup, shutdown and wait_sent run under port->lock with interrupts masked. */
struct serial_ops {
	/* Reset FIFOs, request the interrupt, enable reception.  Sleeps. 0 or -errno. */
	int (*startup)(struct serial_port *p);
	void (*shutdown)(struct serial_port *p);
	/* send from serial_tx_next() as long as the FIFO takes it, then by interrupt */
	void (*start_tx)(struct serial_port *p);
	void (*stop_tx)(struct serial_port *p);
	bool (*tx_is_empty)(struct serial_port *p);	/* the last bit is out */
	/* Program speed and format; the speed that was reached goes back. */
	unsigned int (*set_format)(struct serial_port *p, const struct termios2 *t,
				   unsigned int baud);
	void (*set_modem)(struct serial_port *p, unsigned int lines);	/* TIOCM_DTR, TIOCM_RTS */
	unsigned int (*get_modem)(struct serial_port *p);	/* TIOCM_CTS, CAR, DSR, RNG */
	void (*set_break)(struct serial_port *p, bool on);
	/* One character for people, after a bounded wait: kernel messages. */
	void (*put_polled)(struct serial_port *p, uint8_t c);
};

struct serial_counts {
	uint32_t rx, tx, overrun, frame, parity, breaks, lost, cts, dsr, ring, carrier;
};

struct serial_port {
	struct tty tty;
	const struct serial_ops *ops;	/* [I] */
	struct device *dev;		/* [I] */
	struct mmio regs;		/* [I] */
	unsigned int irq;		/* [I] */
	uint32_t clock_hz;	/* [I] input clock of the baud generator, 0: unknown, speed stays */
	uint32_t fifo_size;		/* [I] */
	void *priv;			/* [I] the UART driver's */

	struct spinlock lock;		/* class UART; registers and the fields marked [L] */
	/* filled by the interrupt, emptied by the worker: pairs of flag, character */
	struct ringbuf rx;
	struct ringbuf tx;		/* filled under tty->lock, emptied under lock */
	uint8_t *rings;			/* [R] open_lock: memory of both */
	uint32_t modem;			/* [L] TIOCM_DTR, TIOCM_RTS as set */
	uint32_t modem_in;		/* [L] lines as last seen */
	bool hw_stopped;		/* [L] CTS is off and CRTSCTS on */
	bool is_up;			/* [L] between startup and shutdown */
	struct serial_counts counts;	/* [L] */

	uint32_t events;		/* [A] enum serial_event, for the worker */
	struct waitq worker_wait;
	bool has_worker;		/* [R] open_lock */
	bool is_console;		/* [I] after probe: never shut down */
	bool want_room;			/* [A] a writer or an echo waits for space in tx */
	struct log_sink sink;
};

enum serial_event {
	SERIAL_RX	= 1 << 0,	/* input waits */
	SERIAL_ROOM	= 1 << 1,	/* tx has space again */
	SERIAL_CARRIER	= 1 << 2,	/* changed */
};

/*
 * For probe: @p zeroed, with ops, dev, regs, irq, clock set.  Names it @name, registers it, makes
 * it a console if it is to be one.
 */
__must_check int serial_register(struct serial_port *p, const char *name, dev_t dev);

/* In the interrupt handler, lock held. */
void serial_rx(struct serial_port *p, uint8_t c, enum tty_flag flag);
bool serial_tx_next(struct serial_port *p, uint8_t *c);
void serial_modem_changed(struct serial_port *p, unsigned int lines);
/* After the handler dropped the lock. */
void serial_irq_done(struct serial_port *p);

/* Pace of the present settings. */
/*
 * @clock / (@per_bit * @baud), rounded and kept within [@least, @most].  The rate is the user's, up
 * to 32 bits: products are formed in 64.
 */
static inline uint32_t serial_divisor(uint64_t clock, uint32_t per_bit, uint32_t baud,
				      uint32_t least, uint32_t most)
{
	uint64_t bit = (uint64_t)per_bit * baud, v = bit ? (clock + bit / 2) / bit : most;

	return v < least ? least : v > most ? most : (uint32_t)v;
}

static inline uint64_t serial_char_ns(unsigned int baud)
{
	return baud ? 10 * 1000000000ULL / baud : 0;
}

#endif
