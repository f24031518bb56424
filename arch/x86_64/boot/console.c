/* SPDX-License-Identifier: MIT */
/*
 * The early console: the first 16550 at 0x3f8, polled, with a bounded wait.
 */
#include <arch/boot.h>
#include <arch_impl/msr.h>
#include <lib/compiler.h>

enum { COM1 = 0x3f8, UART_DATA = 0, UART_LINE_STATUS = 5 };
enum { LSR_READY = 0x01, LSR_THR_EMPTY = 0x20 };

/* 0xff: nothing answers on these ports. */
static bool uart_is_there(uint8_t status)
{
	return status != 0xff;
}

void arch_early_putc(char c)
{
	uint8_t status = inb(COM1 + UART_LINE_STATUS);

	if (IS_ENABLED(CONFIG_X86_DEBUGCON))
		outb(0xe9, (uint8_t)c);
	if (!uart_is_there(status))
		return;
	for (int tries = 0; !(status & LSR_THR_EMPTY); tries++) {
		if (tries > 100000)
			return;
		status = inb(COM1 + UART_LINE_STATUS);
	}
	outb(COM1 + UART_DATA, (uint8_t)c);
}

int arch_early_getc(void)
{
	uint8_t status = inb(COM1 + UART_LINE_STATUS);

	if (!uart_is_there(status) || !(status & LSR_READY))
		return -1;
	return inb(COM1 + UART_DATA);
}
