# SPDX-License-Identifier: MIT
obj-y += drivers/serial/serial.o
obj-$(CONFIG_SERIAL_NS16550) += drivers/serial/ns16550.o
obj-$(CONFIG_SERIAL_PL011) += drivers/serial/pl011.o
obj-$(CONFIG_KTEST) += drivers/serial/serial_test.o
