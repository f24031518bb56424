/* SPDX-License-Identifier: MIT */
/* The arithmetic of line speeds, with rates that only a hostile termios2 holds. */
#include <drivers/serial.h>
#include <lib/ktest.h>

KTEST(serial, divisor)
{
	KEXPECT_EQ(serial_divisor(1843200, 16, 115200, 1, 0xffff), 1u);
	KEXPECT_EQ(serial_divisor(1843200, 16, 9600, 1, 0xffff), 12u);
	KEXPECT_EQ(serial_divisor(1843200, 16, 1, 1, 0xffff), 0xffffu);
	KEXPECT_EQ(serial_divisor(4 * 24000000ULL, 1, 115200, 64, 0x3fffc0), 833u);
}

/* 16 * 2^28 is 0 in 32 bits, which divided by zero. */
KTEST(serial, divisor_of_huge_rates)
{
	KEXPECT_EQ(serial_divisor(1843200, 16, 0x10000000, 1, 0xffff), 1u);
	KEXPECT_EQ(serial_divisor(1843200, 16, UINT32_MAX, 1, 0xffff), 1u);
	KEXPECT_EQ(serial_divisor(1843200, 16, 0, 1, 0xffff), 0xffffu);
	KEXPECT_EQ(serial_divisor(4 * 24000000ULL, 1, UINT32_MAX, 64, 0x3fffc0), 64u);
}
