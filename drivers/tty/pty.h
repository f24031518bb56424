/* SPDX-License-Identifier: MIT */
/* Pseudo-terminals: what pty.c and the tty core need of each other. */
#ifndef DRIVERS_TTY_PTY_H
#define DRIVERS_TTY_PTY_H

#include <drivers/pty.h>
#include <drivers/tty.h>
#include <lib/ringbuf.h>

/*
 * A pair.  The slave is an ordinary tty; the master is the other end of its wire: a file that reads
 * what the slave wrote and whose writes are the slave's input.
 */
struct pty {
	struct tty tty;		/* the slave; its count is the pair's, the master holds one */
	uint32_t index;			/* [I] */
	/* [R] ptys_lock: of /dev/pts/INDEX; NULL once the master is closed */
	struct inode *inode;

	struct spinlock lock;		/* class RING */
	struct ringbuf out;		/* [L] from slave to master */
	bool packet;			/* [L] TIOCPKT */
	uint8_t status;			/* [L] TIOCPKT_* that the master has not read */
	bool slave_closed;		/* [A] written under lock: was open and is not any more */
	bool want_room;			/* [A] a slave's writer or echo waits for space in out */
	struct waitq master_read, master_write;
	uint8_t data[];			/* of out */
};

/* pty.c.  The slave of pair @index: a reference, or NULL. */
struct tty *pty_lookup_slave(uint32_t index);

#endif
