/* SPDX-License-Identifier: MIT */
/*
 * The early console: a PL011, polled. The device tree's stdout says where; before that,
 * and without a tree, it is taken to be at CONFIG_ARM64_EARLY_UART.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <drivers/of.h>
#include <kernel/init.h>
#include <arch_impl/arm64.h>

enum pl011_reg { PL011_DR = 0x00, PL011_FR = 0x18 };	/* DDI 0183, 3.2 */
#define PL011_FR_RXFE	(1 << 4)
#define PL011_FR_TXFF	(1 << 5)
#define TX_TRIES	1000000

paddr_t arm64_console_pa;

static uint32_t pl011_read(enum pl011_reg reg)
{
	return *(volatile uint32_t *)(FIXMAP_UART + (arm64_console_pa.v & ~PAGE_MASK) + reg);
}

static void pl011_write(enum pl011_reg reg, uint32_t v)
{
	*(volatile uint32_t *)(FIXMAP_UART + (arm64_console_pa.v & ~PAGE_MASK) + reg) = v;
}

void arch_early_putc(char c)
{
	if (!arm64_console_pa.v)
		return;
	if (c == '\n')
		arch_early_putc('\r');
	for (unsigned int i = 0; pl011_read(PL011_FR) & PL011_FR_TXFF; i++)
		if (i == TX_TRIES)
			return;
	pl011_write(PL011_DR, (uint8_t)c);
}

int arch_early_getc(void)
{
	if (!arm64_console_pa.v || pl011_read(PL011_FR) & PL011_FR_RXFE)
		return -1;
	return pl011_read(PL011_DR) & 0xff;
}

static __init void console_set(paddr_t pa)
{
	if (pa.v == arm64_console_pa.v)
		return;
	arm64_console_pa = PADDR(0);
	if (!pa.v)
		return;
	arm64_boot_map_device(FIXMAP_UART, PADDR(pa.v & PAGE_MASK));
	__asm__ volatile("tlbi vmalle1; dsb nsh; isb" ::: "memory");
	arm64_console_pa = pa;
}

void __init arm64_console_init(void)
{
	console_set(PADDR(CONFIG_ARM64_EARLY_UART));
}

void __init arm64_console_find(void)
{
	const char *path = of_string(of_find_path("/chosen"), "stdout-path");
	paddr_t pa;
	uint64_t size;
	int node;

	if (!path)
		return;
	node = of_find_path(path);
	if (node < 0)
		return;
	if (of_is_compatible(node, "arm,pl011") && of_reg(node, 0, &pa, &size) == 0 &&
	    size >= 0x1000)
		console_set(pa);
	else
		console_set(PADDR(0));		/* some other device: better silent than wrong */
}
