# SPDX-License-Identifier: MIT
obj-y += drivers/tty/tty.o drivers/tty/file.o drivers/tty/ioctl.o drivers/tty/termios.o drivers/tty/jobctl.o
obj-y += drivers/tty/n_tty_input.o drivers/tty/n_tty_output.o drivers/tty/n_tty_read.o drivers/tty/console.o
obj-y += drivers/tty/pty.o
obj-$(CONFIG_KTEST) += drivers/tty/n_tty_test.o
